"""CSV, TSV, JSON and JSON Lines as tables and indented text."""

import csv
import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

MAX_ROWS = 200
MAX_COLUMNS = 50
MAX_CELL = 300
MAX_COUNTED = 200_000
MAX_INDENTED = 2_000_000
_DEEPEST = 40
_DELIMITERS = ",;\t|"
_JSON_PIECE = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{},:]|[^\s\[\]{},:"]+')


@dataclass(frozen=True)
class Table:
    """The first rows and columns of a table. `rows_counted` is false where there are more than `total_rows`."""

    columns: list[str]
    rows: list[list[str]]
    total_columns: int
    total_rows: int
    rows_counted: bool = True


def delimited(text: str, name: str) -> Table | None:
    """Return CSV or TSV `text` as a table whose first row names the columns, or None where it cannot be read."""
    delimiter = "\t" if PurePosixPath(name).suffix.lower() == ".tsv" else _delimiter(text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=False)
    rows: list[list[str]] = []
    widest = total = 0
    try:
        for row in reader:
            if not row:
                continue
            if len(rows) <= MAX_ROWS:
                widest = max(widest, len(row))
                rows.append([_cell(value) for value in row[:MAX_COLUMNS]])
            total += 1
            if total > MAX_COUNTED:
                break
    except csv.Error:
        return None
    if not rows:
        return None
    width = min(widest, MAX_COLUMNS)
    padded = [row + [""] * (width - len(row)) for row in rows]
    return Table(padded[0], padded[1:], widest, min(total, MAX_COUNTED) - 1, total <= MAX_COUNTED)


def records(text: str) -> Table | None:
    """Return JSON Lines whose lines are objects as a table, or None where they are something else."""
    found: list[dict[str, Any]] = []
    total = 0
    for line in _lines(text):
        if not line.strip():
            continue
        total += 1
        if len(found) < MAX_ROWS:
            value = _parsed(line)
            if not isinstance(value, dict):
                return None
            found.append(value)
        elif total > MAX_COUNTED:
            break
    if not found:
        return None
    columns: dict[str, None] = {}
    for record in found:
        columns.update(dict.fromkeys(record))
    shown = list(columns)[:MAX_COLUMNS]
    rows = [[_cell(_shown(record[column])) if column in record else "" for column in shown] for record in found]
    return Table([_cell(column) for column in shown], rows, len(columns), min(total, MAX_COUNTED), total <= MAX_COUNTED)


def indented(text: str) -> str | None:
    """Return valid JSON with two spaces for each level, cut at `MAX_INDENTED` characters; None where it is not JSON.

    Pieces are moved, never rewritten: numbers keep their digits and objects their repeated keys.
    """
    if _parsed(text) is _NOT_JSON:
        return None
    out: list[str] = []
    depth = size = 0
    fresh = False
    for match in _JSON_PIECE.finditer(text):
        piece = match[0]
        if piece in "]}":
            depth -= 1
            piece = piece if fresh else _newline(depth) + piece
            fresh = False
        else:
            if fresh:
                out.append(_newline(depth))
                size += len(out[-1])
            fresh = piece in "[{"
            depth += fresh
            piece = piece + _newline(depth) if piece == "," else piece + " " if piece == ":" else piece
        out.append(piece)
        size += len(piece)
        if size > MAX_INDENTED:
            break
    return "".join(out)


_NOT_JSON = object()


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return _NOT_JSON


def _newline(depth: int) -> str:
    return "\n" + "  " * min(depth, _DEEPEST)


def _lines(text: str) -> Iterator[str]:
    start = 0
    while start < len(text):
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        yield text[start:end]
        start = end + 1


def _delimiter(text: str) -> str:
    """Return the separator that stands most often in the first lines, outside quotes."""
    sample = re.sub(r'"[^"]*"', "", text[:20_000])
    return max(_DELIMITERS, key=sample.count) if sample else ","


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return value
    try:
        return json.dumps(value, ensure_ascii=False)
    except (ValueError, RecursionError):
        return "…"


def _cell(value: str) -> str:
    return value if len(value) <= MAX_CELL else value[:MAX_CELL] + "…"

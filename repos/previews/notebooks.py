"""Jupyter notebooks as cells of safe HTML: no script, no HTML output, pictures only after they were decoded."""

import base64
import binascii
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.utils.safestring import SafeString, mark_safe
from pygments.lexer import Lexer

from core.markdown import render
from repos.previews.images import picture
from repos.previews.source import MAX_LINE_LENGTH, coloured, lexer_for

MAX_CELLS = 500
MAX_OUTPUTS = 50
MAX_CELL_TEXT = 100_000
MAX_OUTPUT_TEXT = 20_000
MAX_PICTURES = 8_000_000
_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-_])")
_SUFFIX = {"python": ".py", "r": ".r", "julia": ".jl", "bash": ".sh", "javascript": ".js", "rust": ".rs", "scala": ".scala", "sql": ".sql"}


@dataclass(frozen=True)
class Output:
    """What a cell printed: `text`, or a picture as a `data:` address; `hidden` names a kind that is not shown."""

    text: str = ""
    picture: str = ""
    hidden: str = ""
    error: bool = False


@dataclass(frozen=True)
class Cell:
    """One cell; `html` is rendered Markdown or coloured code. `number` is the execution count."""

    kind: str
    html: SafeString
    number: int | None = None
    outputs: list[Output] = field(default_factory=list)


@dataclass(frozen=True)
class Notebook:
    cells: list[Cell]
    total_cells: int
    language: str


class _Room:
    """How many bytes of pictures may still be shown."""

    def __init__(self) -> None:
        self.left = MAX_PICTURES


def notebook(text: str, *, resolve_link: Callable[[str, bool], str | None] | None = None) -> Notebook | None:
    """Return the notebook in `text`, formats 3 and 4, or None where it is not one."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(content, dict):
        return None
    cells = content.get("cells")
    if cells is None:
        cells = [cell for sheet in _dicts(content.get("worksheets")) for cell in _dicts(sheet.get("cells"))]
    if not isinstance(cells, list):
        return None
    language = _language(content.get("metadata"))
    lexer = lexer_for("cell" + _SUFFIX.get(language, ""))
    room = _Room()
    shown = [_cell(cell, lexer, resolve_link, room) for cell in _dicts(cells[:MAX_CELLS])]
    return Notebook(shown, len(cells), language)


def _language(metadata: Any) -> str:
    for key, name in (("kernelspec", "language"), ("language_info", "name")):
        section = metadata.get(key) if isinstance(metadata, dict) else None
        if isinstance(section, dict) and isinstance(section.get(name), str):
            return str(section[name]).lower()[:30]
    return "python"


def _cell(cell: dict[str, Any], lexer: Lexer | None, resolve_link: Callable[[str, bool], str | None] | None, room: _Room) -> Cell:
    kind = cell.get("cell_type")
    text = _text(cell.get("source", cell.get("input")))[:MAX_CELL_TEXT]
    if kind == "markdown":
        return Cell("markdown", render(text, resolve_link=resolve_link))
    if kind == "heading":
        return Cell("markdown", render("## " + text))
    if kind != "code":
        return Cell("raw", _code(text, None))
    number = cell.get("execution_count", cell.get("prompt_number"))
    outputs = [_output(output, room) for output in _dicts(cell.get("outputs"))[:MAX_OUTPUTS]]
    return Cell("code", _code(text, lexer), number if type(number) is int else None, outputs)


def _code(text: str, lexer: Lexer | None) -> SafeString:
    rows = [row[:MAX_LINE_LENGTH] for row in text.rstrip("\n").split("\n")]
    return mark_safe("\n".join(coloured(rows, lexer)))


def _output(output: dict[str, Any], room: _Room) -> Output:
    kind = output.get("output_type")
    if kind == "stream":
        return Output(text=_plain(output.get("text")), error=output.get("name") == "stderr")
    if kind in ("error", "pyerr"):
        lines = output.get("traceback")
        return Output(text=_plain("\n".join(map(str, lines)) if isinstance(lines, list) else output.get("evalue")), error=True)
    data = output.get("data")
    bundle: dict[str, Any] = data if isinstance(data, dict) else output
    for name in ("image/png", "png", "image/jpeg", "jpeg"):
        if name in bundle and (address := _picture(bundle[name], room)):
            return Output(picture=address)
    for name in ("text/plain", "text"):
        if text := _plain(bundle.get(name)):
            return Output(text=text)
    hidden = next((str(name) for name in bundle if "/" in str(name)), "")
    return Output(hidden=hidden[:60])


def _picture(encoded: Any, room: _Room) -> str:
    """Return a `data:` address once the bytes have proved to be a picture, or nothing."""
    try:
        content = base64.b64decode("".join(_text(encoded).split()), validate=True)
    except (binascii.Error, ValueError):
        return ""
    if len(content) > room.left or not (found := picture(content)):
        return ""
    room.left -= len(content)
    return f"data:{found.media_type};base64,{base64.b64encode(content).decode()}"


def _plain(value: Any) -> str:
    return _ANSI.sub("", _text(value)[: 4 * MAX_OUTPUT_TEXT])[:MAX_OUTPUT_TEXT]


def _text(value: Any) -> str:
    """Return a string that notebooks write whole or as a list of lines."""
    if isinstance(value, list):
        return "".join(part for part in value if isinstance(part, str))
    return value if isinstance(value, str) else ""


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []

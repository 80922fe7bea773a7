"""Pages of a table, single cells and media, read from the row groups they stand in and nothing else.

Row numbers count from 0 over the whole split and never change for one copy. Everything runs in the web process: the files are our own
copies, and no more than one row group (8 MiB) is held at a time.
"""

import mmap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from inspection.files import Unreadable
from inspection.tables import cells
from inspection.tables.parts import Part, Table

PAGE = 100
MOST_ROWS = 1000
MOST_TEXT = 1_000_000
HIDDEN_ROW, HIDDEN_CUT = "__row", "__cut"


@dataclass(frozen=True)
class Rows:
    """`cells[i][j]` is the cell of row `numbers[i]` in `columns[j]`, as `inspection.tables.cells` says; `total` rows there are to page."""

    columns: Sequence[Mapping[str, Any]]
    numbers: Sequence[int]
    cells: Sequence[Sequence[Any]]
    total: int


@dataclass(frozen=True)
class Cell:
    """One cell as a whole: `value` as in a page, but text whole and nested values as indented JSON.

    `length` counts characters or bytes. `truncated` where even this is only the beginning: beyond a million characters, or `cut` in the
    copy already.
    """

    value: Any
    kind: str
    length: int | None
    truncated: bool
    cut: bool


@dataclass(frozen=True)
class Media:
    """A picture or a sound: its bytes, or the file of the repository they stand in, from `start` on where it is an archive."""

    kind: str
    data: bytes | None
    file: str | None
    start: int | None
    size: int | None


def page(table: Table, *, offset: int = 0, limit: int = PAGE, columns: Sequence[str] | None = None) -> Rows:
    """Return rows `offset` to `offset + limit` (at most 1,000), of all columns or those named; fewer where the table ends.

    Raises `Unreadable` (`unknown_column`, `copy_missing`, `copy_damaged`, `store_unavailable`).
    """
    first = min(max(offset, 0), table.rows)
    return at(table, range(first, min(first + max(0, min(limit, MOST_ROWS)), table.rows)), columns=columns)


def at(table: Table, numbers: Sequence[int], *, columns: Sequence[str] | None = None) -> Rows:
    """Return the rows of these numbers in this order; `total` is the size of the table."""
    chosen = table.columns if columns is None else [table.column(name) for name in columns]
    wanted = sorted(set(numbers))
    if wanted and not 0 <= wanted[0] <= wanted[-1] < table.rows:
        raise Unreadable("unknown_row", row=wanted[-1] if wanted[0] >= 0 else wanted[0])
    found: dict[int, list[Any]] = {}
    for rows, group in _groups(table, wanted, chosen):
        cut = _cut(group)
        for index, row in enumerate(rows):
            found[row] = [
                cells.short(group.column(column["name"])[index], column, cut=column["name"] in cut.get(index, ())) for column in chosen
            ]
    return Rows(chosen, list(numbers), [found[number] for number in numbers], table.rows)


def cell(table: Table, *, row: int, column: str) -> Cell:
    """Return one cell whole, up to a million characters. Raises `Unreadable` (`unknown_row`, `unknown_column`, …)."""
    chosen = table.column(column)
    kind = str(chosen.get("kind", "text"))
    for _rows, group in _groups(table, [_known(table, row)], [chosen]):
        cut = column in _cut(group).get(0, ())
        scalar = group.column(column)[0]
        value = cells.short(scalar, chosen, cut=cut, most=MOST_TEXT, indent=2)
        if kind not in cells.MEDIA and scalar.is_valid and pa.types.is_binary(scalar.type) | pa.types.is_large_binary(scalar.type):
            data = scalar.as_py()
            return Cell({"bytes": data[:4096].hex(), "length": len(data)}, kind, len(data), cut or len(data) > 4096, cut)
        if isinstance(value, dict) and "text" in value:
            return Cell(value["text"], kind, value["length"], cut or value["length"] > MOST_TEXT, cut)
        return Cell(value, kind, len(value) if isinstance(value, str) else None, False, False)
    raise Unreadable("unknown_row", row=row)


def media(table: Table, *, row: int, column: str) -> Media:
    """Return the picture or sound of a cell. Raises `Unreadable` (`no_media` where there is none, `unknown_row`, …)."""
    chosen = table.column(column)
    kind = str(chosen.get("kind"))
    if kind not in cells.MEDIA:
        raise Unreadable("no_media", row=row, column=column[:100])
    for _rows, group in _groups(table, [_known(table, row)], [chosen], with_bytes=True):
        value = group.column(column)[0].as_py()
        if value is not None and (value["bytes"] is not None or value["file"]):
            return Media(kind, value["bytes"], value["file"], value["start"], value["size"])
    raise Unreadable("no_media", row=row, column=column[:100])


def first(table: Table, limit: int, columns: Sequence[str]) -> Iterator[tuple[dict[str, Any], bool]]:
    """Yield the first rows as plain values by name, none of them shortened, each with whether the copy holds only the beginning of one.

    Raises `Unreadable` as `page` does.
    """
    chosen = [table.column(name) for name in columns]
    for rows, group in _groups(table, range(min(limit, table.rows)), chosen):
        cut = _cut(group)
        for index in range(len(rows)):
            yield {name: cells.plain(group.column(name)[index]) for name in columns}, bool(set(cut.get(index, ())) & set(columns))


def _known(table: Table, row: int) -> int:
    if not 0 <= row < table.rows:
        raise Unreadable("unknown_row", row=row)
    return row


def _cut(group: Any) -> dict[int, list[str]]:
    """Return the names of cut columns by position of the row in `group`."""
    if HIDDEN_CUT not in group.column_names:
        return {}
    return {index: names for index, names in enumerate(group.column(HIDDEN_CUT).to_pylist()) if names}


def _groups(
    table: Table, wanted: Sequence[int], columns: Sequence[Mapping[str, Any]], *, with_bytes: bool = False
) -> Iterator[tuple[list[int], Any]]:
    """Yield row numbers and an Arrow table of just those rows, one row group after the other; `wanted` is sorted."""
    first, position = 0, 0
    for part in table.parts:
        mine = position
        while position < len(wanted) and wanted[position] < first + part.rows:
            position += 1
        if position > mine:
            numbers = [number - first for number in wanted[mine:position]]
            for rows, group in _of_part(part, numbers, columns, with_bytes):
                yield [first + row for row in rows], group
        first += part.rows


def _of_part(part: Part, wanted: list[int], columns: Sequence[Mapping[str, Any]], with_bytes: bool) -> Iterator[tuple[list[int], Any]]:
    with part.open() as opened:
        try:
            # Not closed by hand: the mapping goes with the last array that points into it.
            mapped = mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ)
            file = pq.ParquetFile(pa.BufferReader(pa.py_buffer(mapped)))
            leaves = _leaves(file.schema_arrow, columns, with_bytes)
            first, position = 0, 0
            for number in range(file.metadata.num_row_groups):
                size = file.metadata.row_group(number).num_rows
                mine = position
                while position < len(wanted) and wanted[position] < first + size:
                    position += 1
                if position > mine:
                    rows = wanted[mine:position]
                    group = file.reader.read_row_group(number, column_indices=leaves, use_threads=False)
                    yield rows, group.take(pa.array([row - first for row in rows], pa.int64()))
                if position == len(wanted):
                    return
                first += size
        except (pa.ArrowException, OSError, ValueError) as error:
            raise Unreadable("copy_damaged") from error
    raise Unreadable("copy_damaged")


def _leaves(schema: Any, columns: Sequence[Mapping[str, Any]], with_bytes: bool) -> list[int]:
    """Return the positions of the Parquet columns to read: names alone would not do, as they may hold dots.

    The bytes of media are left out unless asked for.
    """
    kinds = {column["name"]: column.get("kind") for column in columns}
    chosen: list[int] = []
    at = 0
    for field in schema:
        count = _width(field.type)
        if field.name in kinds and kinds[field.name] in cells.MEDIA and not with_bytes:
            for inner in field.type:
                chosen += range(at, at + _width(inner.type)) if inner.name != "bytes" else []
                at += _width(inner.type)
            continue
        if field.name in kinds or field.name == HIDDEN_CUT:
            chosen += range(at, at + count)
        at += count
    return chosen


def _width(kind: Any) -> int:
    """Return how many Parquet columns an Arrow type takes."""
    if pa.types.is_nested(kind):
        return sum(_width(kind.field(index).type) for index in range(kind.num_fields))
    return 1


def renumbered(rows: Rows, total: int) -> Rows:
    """Return the same rows as part of `total` hits."""
    return replace(rows, total=total)

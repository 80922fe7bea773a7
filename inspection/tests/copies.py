"""Parquet copies as the reading step writes them, made for tests."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from inspection.tables import parts
from inspection.tables.parts import Table

MEDIA = pa.struct([("file", pa.string()), ("start", pa.int64()), ("size", pa.int64()), ("bytes", pa.binary())])


def column(name: str, kind: str, **more: Any) -> dict[str, Any]:
    """Return the description of a column."""
    return {"name": name, "type": kind, "kind": kind, **more}


def copy(
    folder: Path,
    columns: Sequence[tuple[Mapping[str, Any], Any]],
    *,
    cut: Mapping[int, list[str]] | None = None,
    group: int = 10_000,
    part: int = 1_000_000,
) -> Table:
    """Write columns, each a description and an Arrow array, into parts of `part` rows with row groups of `group`."""
    count = len(columns[0][1])
    arrays = [array for _described, array in columns]
    hidden = [pa.array(range(count), pa.int64()), pa.array([(cut or {}).get(row) for row in range(count)], pa.list_(pa.string()))]
    names = [described["name"] for described, _array in columns]
    whole = pa.Table.from_arrays([*arrays, *hidden], names=[*names, "__row", "__cut"])
    folder.mkdir(parents=True, exist_ok=True)
    paths, rows = [], []
    for number, first in enumerate(range(0, max(count, 1), part)):
        piece = whole.slice(first, part)
        paths.append(folder / f"{number}.parquet")
        rows.append(len(piece))
        pq.write_table(piece, paths[-1], row_group_size=group, compression="zstd")
    return parts.from_files(paths, [described for described, _array in columns], rows)


def text(name: str, values: Sequence[Any]) -> tuple[dict[str, Any], Any]:
    """Return a column of text."""
    return column(name, "text"), pa.array(values, pa.string())


def integer(name: str, values: Sequence[Any]) -> tuple[dict[str, Any], Any]:
    """Return a column of whole numbers."""
    return column(name, "integer"), pa.array(values, pa.int64())


def number(name: str, values: Sequence[Any]) -> tuple[dict[str, Any], Any]:
    """Return a column of floating numbers."""
    return column(name, "number"), pa.array(values, pa.float64())

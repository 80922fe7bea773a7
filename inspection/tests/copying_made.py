"""Copying generated files in the confined process, and reading the copy back."""

import io
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from inspection import isolation
from inspection.files import File, in_memory
from inspection.isolation import Limits

MIB = 1 << 20


class Copy:
    """A copied split: what was said of it, and its parts."""

    def __init__(self, said: dict[str, Any], parts: list[bytes]) -> None:
        self.said, self.parts = said, parts

    @property
    def rows(self) -> list[dict[str, Any]]:
        """Every row without the hidden columns."""
        hidden = {"__row", "__cut"}
        return [{key: value for key, value in row.items() if key not in hidden} for row in self.table.to_pylist()]

    @property
    def table(self) -> pa.Table:
        """All parts as one table."""
        return pa.concat_tables([pq.read_table(io.BytesIO(part)) for part in self.parts])

    @property
    def kinds(self) -> dict[str, str]:
        """The kind of each column."""
        return {column["name"]: column["kind"] for column in self.said["columns"]}

    @property
    def faults(self) -> list[tuple[str, int, str]]:
        """File, line and code of what could not be read."""
        return [(entry["file"], entry["line"], entry["code"]) for entry in self.said["bad"]]


def copy(form: str, files: dict[str, bytes] | list[File], *, limit: int = 5 << 30, memory: int = Limits().memory, **options: Any) -> Copy:
    """Copy files, given by path, as the worker does."""
    given = [in_memory(path, data) for path, data in files.items()] if isinstance(files, dict) else files
    taken: list[tuple[bytes, dict[str, Any]]] = []
    said = isolation.run(
        "inspection.tables.copying:copy_split",
        {"form": form, "options": options, "limit": limit, "seconds": 200.0},
        files=given,
        limits=Limits(memory=memory, cpu=250, wall=300.0),
        take=lambda data, facts: taken.append((bytes(data), facts)),
    )
    return Copy(said, [data for data, facts in taken if facts["copy"] == said["copy"]])


def parquet(table: pa.Table, **options: Any) -> bytes:
    """Return a table as a Parquet file."""
    sink = io.BytesIO()
    pq.write_table(table, sink, **options)
    return sink.getvalue()

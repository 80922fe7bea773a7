"""Copying one split of a dataset to Parquet of our own. Runs in the confined process."""

import io
import time
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from inspection.child import hand_over, progress
from inspection.files import File, Unreadable
from inspection.tables.reading import arrow, csv, folders, json, parquet, text, webdataset
from inspection.tables.reading.columns import ROW, SHOWN_CUT, Columns
from inspection.tables.reading.context import Context, Faults
from inspection.tables.reading.sizes import lightened, rows_of, sound, stretches

VERSION = 1
PART = 32 << 20
GROUP = 8 << 20
GROUP_ROWS = 10_000
EXPANSION = 4
PASSES = 3
_READERS: dict[str, Any] = {
    "csv": csv.read,
    "json": json.read,
    "text": text.read,
    "parquet": parquet.read,
    "arrow": arrow.read,
    "webdataset": webdataset.read,
    "imagefolder": partial(folders.read, form="imagefolder"),
    "audiofolder": partial(folders.read, form="audiofolder"),
}


def copy_split(form: str, options: dict[str, Any], limit: int, seconds: float, files: Sequence[File] = ()) -> dict[str, Any]:
    """Hand over the rows of `files` as Parquet parts, and return what they hold.

    At most `limit` bytes of the files are read, for at most about `seconds` of processor time; then the copy is a sample. Each part comes
    with `rows` and `copy`, the number of the attempt: types are settled while copying, and where they turn out too narrow the copy begins
    anew. Only the parts of the last attempt count.

    Returns {"copy", "rows", "source_rows", "sampled", "columns", "bad_rows", "bad_files", "bad", "dropped_columns"}. Raises `Unreadable`
    (`format_not_read`, or the code of the file where there is only one and it cannot be read, or `no_rows`).
    """
    if form not in _READERS:
        raise Unreadable("format_not_read", format=form)
    columns = Columns(as_text=form in ("csv", "text"), typed=form in ("parquet", "arrow"))
    for number in range(PASSES):
        found = _Copy(form, options, limit, seconds, files, columns, number, last=number == PASSES - 1)
        if found.run():
            return found.result()
    raise AssertionError


class _Copy:
    """One attempt."""

    def __init__(
        self,
        form: str,
        options: dict[str, Any],
        limit: int,
        seconds: float,
        files: Sequence[File],
        columns: Columns,
        number: int,
        last: bool,
    ) -> None:
        self.files, self.columns, self.number, self.last = files, columns, number, last
        self.context = Context(options=options, limit=limit, seconds=seconds, known=columns.fields, faults=Faults())
        self.reader = _READERS[form]
        self.limit = limit
        self.total = min(sum(file.size for file in files), limit) or 1
        self.rows = self.produced = 0
        self.waiting: list[pa.RecordBatch] = []
        self.weight = self.count = 0
        self.parts: _Parts | None = None
        self.widened = False
        self.told = time.monotonic()

    def run(self) -> bool:
        """Copy everything, and say whether the types held."""
        for batch in self.reader(self.context, self.files):
            self._tell()
            if not self.last or self.parts is None:
                changed, untyped = self.columns.fit(batch.schema)
                if changed and (self.parts is not None or untyped) and not self.last:
                    self.widened = self.context.only_types = True
                    self.waiting.clear()
            if self.widened:
                continue
            if self.produced > EXPANSION * self.limit:
                # The reader comes to its end by itself, and counts what it leaves out.
                self.context.sampled = True
            elif batch.num_rows:
                self._take(batch)
            # What comes next is read while this name still holds the last batch.
            del batch
        if self.widened:
            return False
        self._write()
        if self.parts is not None:
            self.parts.close()
        return True

    def result(self) -> dict[str, Any]:
        """Return what the copy holds."""
        faults = self.context.faults
        if not self.rows and faults.files and faults.files >= len(self.files) and faults.listed:
            first = next(entry for entry in faults.listed if entry["line"] == 0)
            raise Unreadable(first["code"], file=first["file"], **first.get("facts", {}))
        if not self.columns.fields:
            raise Unreadable("no_rows")
        known = self.context.source_rows
        if known is None and not self.context.sampled and not faults.files:
            known = self.rows
        return {
            "copy": self.number,
            "rows": self.rows,
            "source_rows": known,
            "sampled": self.context.sampled,
            "columns": self.columns.described(),
            "bad_rows": faults.rows,
            "bad_files": faults.files,
            "bad": faults.listed,
            "dropped_columns": len(self.columns.dropped),
        }

    def _tell(self) -> None:
        if time.monotonic() - self.told > 1:
            self.told = time.monotonic()
            progress(min(self.context.spent, self.total), self.total)

    def _take(self, batch: pa.RecordBatch) -> None:
        """Keep a batch until there is enough for a row group; a large one is divided."""
        if batch.nbytes <= GROUP // 2 and batch.num_rows <= GROUP_ROWS:
            self._keep(batch, batch.nbytes)
            return
        for piece in self._pieces(batch):
            self._keep(piece, GROUP)

    def _pieces(self, batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
        for start in range(0, batch.num_rows, GROUP_ROWS):
            yield batch.slice(start, GROUP_ROWS)

    def _keep(self, batch: pa.RecordBatch, weight: int) -> None:
        if self.count and (self.weight + weight > GROUP or self.count + batch.num_rows > GROUP_ROWS):
            self._write()
        self.waiting.append(batch)
        self.weight += weight
        self.count += batch.num_rows
        if self.weight >= GROUP:
            self._write()

    def _write(self) -> None:
        """Write what waits, in the types known by now."""
        waiting, self.waiting, self.weight, self.count = self.waiting, [], 0, 0
        if not waiting:
            return
        schema = self.columns.schema()
        if self.parts is None:
            self.parts = _Parts(schema, self.number)
        groups: list[pa.RecordBatch] = []
        held = 0
        for batch in waiting:
            for piece, weight in self._finished(batch, schema):
                if groups and held + weight > GROUP:
                    self.parts.write(groups)
                    groups, held = [], 0
                groups.append(piece)
                held += weight
        if groups:
            self.parts.write(groups)

    def _finished(self, batch: pa.RecordBatch, schema: pa.Schema) -> Iterator[tuple[pa.RecordBatch, int]]:
        """Yield a batch in the schema of the copy, in pieces that fit a row group, with their weights."""
        names = schema.names[:-2]
        steps = range(0, batch.num_rows, _step(batch))
        for start in steps:
            part = batch.slice(start, steps.step)
            arrays, cut = self.columns.cast(part)
            arrays, cut = lightened([sound(array) for array in arrays], names, cut)
            sizes = rows_of(arrays)
            if cut is None:
                cut = pa.nulls(part.num_rows, schema.field(SHOWN_CUT).type)
            elif len(names) and cut.null_count < len(cut):
                cut = self._renamed(cut, names)
            for first, end in stretches(sizes, GROUP):
                weight = sum(sizes[first:end])
                self.produced += weight
                numbers = pa.array(range(self.rows, self.rows + end - first), pa.int64())
                self.rows += end - first
                kept = [*(array.slice(first, end - first) for array in arrays), numbers, cut.slice(first, end - first)]
                yield pa.RecordBatch.from_arrays(kept, schema=schema), weight

    def _renamed(self, cut: pa.Array, names: list[str]) -> pa.Array:
        """Return `__cut` with the names that the columns have here."""
        ours = dict(zip(self.columns.fields, names, strict=True))
        said = [None if not row else list(dict.fromkeys(ours.get(name, name) for name in row)) for row in cut.to_pylist()]
        return pa.array(said, pa.list_(pa.string()))


class _Parts:
    """Parquet files that are handed over as soon as one is full."""

    def __init__(self, schema: pa.Schema, number: int) -> None:
        self.schema, self.number = schema, number
        self._begin()

    def _begin(self) -> None:
        self.sink = io.BytesIO()
        self.rows = 0
        self.writer = pq.ParquetWriter(
            self.sink, self.schema, compression="zstd", data_page_size=256 << 10, write_page_index=False, store_schema=False,
            use_dictionary=[name for name in self.schema.names if name != ROW] if len(self.schema) > 1 else False,
            column_encoding={ROW: "DELTA_BINARY_PACKED"},
        )  # fmt: skip

    def write(self, batches: list[pa.RecordBatch]) -> None:
        """Write one row group."""
        table = pa.Table.from_batches(batches, self.schema)
        self.writer.write_table(table, row_group_size=GROUP_ROWS)
        self.rows += table.num_rows
        if self.sink.tell() > PART - GROUP:
            self._end()
            self._begin()

    def close(self) -> None:
        """Hand over what is left."""
        if self.rows:
            self._end()

    def _end(self) -> None:
        self.writer.close()
        hand_over(self.sink.getvalue(), rows=self.rows, copy=self.number)


def _step(batch: pa.RecordBatch) -> int:
    """Return how many rows to write out at once: dictionaries and views may stand for much more than they hold."""
    step = GROUP_ROWS
    for array in batch.columns:
        kind = array.type
        if pa.types.is_dictionary(kind):
            heaviest = max(array.dictionary.nbytes // max(1, len(array.dictionary)), _longest(array.dictionary))
            step = min(step, max(1, GROUP // max(1, heaviest)))
        elif pa.types.is_string_view(kind) or pa.types.is_binary_view(kind) or pa.types.is_run_end_encoded(kind):
            step = min(step, 64)
    return step


def _longest(array: pa.Array) -> int:
    if not (pa.types.is_string(array.type) or pa.types.is_binary(array.type) or pa.types.is_large_string(array.type)):
        return 0
    return int(pc.max(pc.binary_length(array)).as_py() or 0)

"""Parquet: page by page, row group by row group, whatever their size is."""

import struct
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from inspection.files import File, Unreadable
from inspection.tables.reading import features
from inspection.tables.reading.context import BLOCK_ROWS, MAX_COLUMNS, Context, clean, refused
from inspection.tables.reading.csv import unique

MAX_FOOTER = 32 << 20
TARGET = 4 << 20
_ERRORS = (Unreadable, OSError, ValueError, pa.ArrowException, MemoryError)


def read(context: Context, files: Sequence[File]) -> Iterator[pa.RecordBatch]:
    """Yield the rows in batches of about four megabytes. `columns` of the options are read alone."""
    said = features.of_card(context.options.get("features"))
    total = 0
    for file in files:
        try:
            source = opened(file)
            total += min(source.metadata.num_rows, 1 << 50)
            if not context.over():
                yield from _rows(context, file, source, said | features.of_schema(source.schema_arrow))
        except _ERRORS as error:
            code, facts = refused(error)
            context.faults.file(code, file.path, facts)
    context.source_rows = total


def opened(file: File) -> pq.ParquetFile:
    """Return a Parquet file that was looked at from both ends. Raises `Unreadable`."""
    if file.size < 12 or file.read(0, 4) not in (b"PAR1", b"PARE"):
        raise Unreadable("not_parquet")
    length, magic = struct.unpack("<I4s", file.exactly(file.size - 8, file.size))
    if magic == b"PARE" or file.read(0, 4) == b"PARE":
        raise Unreadable("encrypted")
    if magic != b"PAR1":
        raise Unreadable("truncated", at=file.size)
    if length > file.size - 12:
        raise Unreadable("wrong_footer", length=length)
    if length > MAX_FOOTER:
        raise Unreadable("footer_too_large", length=length, limit=MAX_FOOTER)
    try:
        source = pq.ParquetFile(
            file.open(), pre_buffer=False, buffer_size=1 << 16, thrift_string_size_limit=MAX_FOOTER, thrift_container_size_limit=1_000_000
        )
        stated = sum(source.metadata.row_group(index).num_rows for index in range(source.num_row_groups))
    except MemoryError:
        raise
    except (OSError, ValueError, pa.ArrowException) as error:
        raise Unreadable("wrong_footer", length=length) from error
    if stated != source.metadata.num_rows:
        raise Unreadable("wrong_footer", length=length)
    return source


def _rows(context: Context, file: File, source: pq.ParquetFile, said: dict[str, Any]) -> Iterator[pa.RecordBatch]:
    schema = source.schema_arrow
    wanted = context.options.get("columns")
    chosen = [name for name in schema.names if name in wanted] if isinstance(wanted, list) else list(schema.names)
    columns = list(dict.fromkeys(chosen))[:MAX_COLUMNS]
    narrowed = columns if len(columns) < len(schema.names) else None
    if context.only_types:
        fields = [field for field in schema if narrowed is None or field.name in columns]
        yield _named(pa.RecordBatch.from_arrays([pa.array([], field.type) for field in fields], schema=pa.schema(fields)), said)
        return
    for index in range(source.num_row_groups):
        group = source.metadata.row_group(index)
        weight = sum(max(0, group.column(place).total_compressed_size) for place in range(group.num_columns)) if group.num_rows else 0
        weight = min(weight, file.size)
        size = max(1, min(BLOCK_ROWS, TARGET * max(1, group.num_rows) // max(1, group.total_byte_size)))
        done = 0
        while done < group.num_rows:
            try:
                for batch in _batches(source, index, size, narrowed, skip=done):
                    context.spent += weight * batch.num_rows // group.num_rows
                    done += batch.num_rows
                    yield _named(batch, said)
                    del batch
                    if context.over():
                        return
                break
            except _ERRORS as error:
                if isinstance(error, MemoryError) and size > 1:
                    # Few bytes may stand for many: a dictionary of large values. Fewer rows at a time need less.
                    size = max(1, size // 50)
                    continue
                code, facts = refused(error)
                context.faults.file(code, file.path, {**facts, "row_group": index})
                break


def _batches(source: pq.ParquetFile, index: int, size: int, columns: list[str] | None, *, skip: int) -> Iterator[pa.RecordBatch]:
    for batch in source.iter_batches(batch_size=size, row_groups=[index], columns=columns, use_threads=False):
        if skip >= batch.num_rows:
            skip -= batch.num_rows
        else:
            yield batch.slice(skip)
            skip = 0
        # The next batch is made while this name still holds the last one, which may be a hundred megabytes.
        del batch


def _named(batch: pa.RecordBatch, said: dict[str, Any]) -> pa.RecordBatch:
    """Return a batch with names that differ, marked as what its columns are said to be."""
    names = unique([clean(name) for name in batch.schema.names])
    fields = [pa.field(name, field.type) for name, field in zip(names, batch.schema, strict=True)]
    return features.applied(pa.RecordBatch.from_arrays(batch.columns, schema=pa.schema(fields)), said)

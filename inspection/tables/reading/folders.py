"""Folders of images or recordings: cells point into the repository; what is known of them are class folders or metadata files."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from posixpath import dirname, join, normpath, splitext

import pyarrow as pa

from inspection.files import File
from inspection.tables.formats import AUDIO, IMAGES, METADATA_NAMES
from inspection.tables.reading import csv, json, parquet
from inspection.tables.reading.columns import MEDIA, category
from inspection.tables.reading.context import BLOCK_ROWS, CUT, Context

_READERS = {".csv": csv.read, ".jsonl": json.read, ".parquet": parquet.read}


def read(context: Context, files: Sequence[File], form: str) -> Iterator[pa.RecordBatch]:
    """Yield a row for each file, or for each row of the metadata files. Options: what `detection.common` returned."""
    column = "audio" if form == "audiofolder" else "image"
    for file in files:
        if splitext(file.path)[1].lower() == ".zip":
            context.faults.file("archive_not_read", file.path)
    if context.options.get("metadata"):
        yield from _described(context, files, column)
        return
    media = AUDIO if form == "audiofolder" else IMAGES
    pictures = [file for file in files if splitext(file.path)[1].lower() in media]
    labels = context.options.get("labels")
    places = {name: index for index, name in enumerate(labels or ())}
    context.source_rows = len(pictures)
    for start in range(0, len(pictures), BLOCK_ROWS):
        part = pictures[start : start + BLOCK_ROWS]
        arrays = [cells((file.path, file.size) for file in part)]
        fields = [pa.field(column, MEDIA, metadata={b"meaning": column.encode()})]
        if labels is not None:
            names = [_folder(file.path) for file in part]
            arrays.append(pa.array([places.get(name) for name in names], pa.int64()) if labels else pa.array(names, pa.string()))
            fields.append(pa.field("label", arrays[-1].type, metadata=category(labels) if labels else None))
        yield pa.RecordBatch.from_arrays(arrays, schema=pa.schema(fields))


def cells(found: Iterable[tuple[str, int] | None]) -> pa.Array:
    """Return media cells that point to whole files, given their paths and sizes."""
    values = [entry and {"file": entry[0], "start": 0, "size": entry[1], "bytes": None} for entry in found]
    return pa.array(values, MEDIA)


def _folder(path: str) -> str:
    return dirname(path).rpartition("/")[2]


def _described(context: Context, files: Sequence[File], column: str) -> Iterator[pa.RecordBatch]:
    sizes = {file.path: file.size for file in files}
    described = [file for file in files if file.name in METADATA_NAMES]
    for file in described:
        inner = replace(context, options={"features": context.options.get("features")}, known=_Known(context.known))
        for batch in _READERS[splitext(file.path)[1]](inner, [file]):
            yield _pointing(context, batch, file.path, sizes, column)
        context.spent, context.sampled = inner.spent, inner.sampled


class _Known(dict[str, pa.Field]):
    """The columns known so far, without those that are media here and names of files in the metadata."""

    def __init__(self, known: Mapping[str, pa.Field]) -> None:
        super().__init__({name: field for name, field in known.items() if field.type != MEDIA})


def _pointing(context: Context, batch: pa.RecordBatch, path: str, sizes: Mapping[str, int], column: str) -> pa.RecordBatch:
    """Return a batch of metadata in which names of files are media cells."""
    arrays, fields = [], []
    for name, array, field in zip(batch.schema.names, batch.columns, batch.schema, strict=True):
        named = name == "file_name" or (name.endswith("_file_name") and name != CUT)
        if named and (pa.types.is_string(array.type) or pa.types.is_large_string(array.type)):
            found = []
            for value in array.to_pylist():
                place = normpath(join(dirname(path), value)) if value else ""
                entry = (place, sizes[place]) if place in sizes else None
                if value and entry is None:
                    context.faults.row("media_not_found", path, 0, value)
                found.append(entry)
            arrays.append(cells(found))
            fields.append(pa.field(name[: -len("_file_name")] or column, MEDIA, metadata={b"meaning": column.encode()}))
        else:
            arrays.append(array)
            fields.append(field)
    return pa.RecordBatch.from_arrays(arrays, schema=pa.schema(fields))

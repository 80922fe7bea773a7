"""Arrow's own files, those that can be read from anywhere and those that are a stream."""

from collections.abc import Iterator, Mapping, Sequence

import pyarrow as pa

from inspection.files import File, Unreadable
from inspection.tables.reading import features
from inspection.tables.reading.context import Context, clean, refused
from inspection.tables.reading.csv import unique

MAGIC = b"ARROW1"


def read(context: Context, files: Sequence[File]) -> Iterator[pa.RecordBatch]:
    """Yield the record batches; every one is checked before its values are looked at."""
    said = features.of_card(context.options.get("features"))
    for file in context.each(list(files)):
        try:
            yield from _batches(context, file, said)
        except (Unreadable, OSError, ValueError, pa.ArrowException, MemoryError) as error:
            code, facts = refused(error)
            context.faults.file(code, file.path, facts)


def _batches(context: Context, file: File, said: Mapping[str, Mapping[bytes, bytes]]) -> Iterator[pa.RecordBatch]:
    head = file.read(0, 8)
    if not head:
        raise Unreadable("empty")
    source = file.open()
    if head.startswith(MAGIC):
        reader = pa.ipc.open_file(source)
        batches = (reader.get_batch(index) for index in range(reader.num_record_batches))
    elif head[:4] == b"\xff\xff\xff\xff" or int.from_bytes(head[:4], "little") < file.size:
        reader = pa.ipc.open_stream(source)
        batches = iter(reader)
    else:
        raise Unreadable("not_arrow")
    schema = reader.schema
    names = unique([clean(name) for name in schema.names])
    known = {**said, **features.of_schema(schema)}
    before = 0
    for batch in batches:
        batch.validate(full=True)
        fields = [pa.field(name, field.type) for name, field in zip(names, schema, strict=True)]
        yield features.applied(pa.RecordBatch.from_arrays(batch.columns, schema=pa.schema(fields)), known)
        if not head.startswith(MAGIC):
            context.spent += source.tell() - before
            before = source.tell()
        else:
            context.spent += file.size // max(1, reader.num_record_batches)
        if context.over():
            return

"""DuckDB over Parquet copies inside the confined process.

A module with targets for it takes `prepare` over under the same name. The connection reaches no file, no network, no extension and no Python name, whatever the statement says.
"""

import ctypes
import mmap
import os
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, BinaryIO

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from inspection.files import Unreadable

THREADS = 2
BATCH = 10_000
READAHEAD = 4
# Row groups hold 10,000 rows or eight megabytes. Reading ahead goes by rows: where groups are this small it would take in too many bytes.
FULL_GROUP = 6000
HIDDEN = ("__row", "__cut")
MEDIA = frozenset({"image", "audio", "video"})
MEDIA_FIELDS = ("file", "start", "size")

pa.set_io_thread_count(1)
pa.set_cpu_count(THREADS)

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mmap.restype = ctypes.c_void_p
_libc.mmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long)


@cache
def connection() -> duckdb.DuckDBPyConnection:
    """Return the one connection of this process."""
    found = duckdb.connect(
        config={
            "threads": str(THREADS),
            # Every thread takes eight megabytes of the process's allowance for its stack.
            "async_threads": "1",
            "memory_limit": "192MiB",
            "temp_directory": "",
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "allow_community_extensions": "false",
            "allow_persistent_secrets": "false",
        }
    )
    found.execute("SET TimeZone='UTC'")
    return found


def prepare() -> None:
    """Start the engine: its threads do not outlive a fork, and nothing can be started once files cannot be opened any more."""
    connection()


class Copy(ds.FileSystemDataset):  # type: ignore[misc]
    """The parts of one split as a dataset that reads little ahead, has the columns `shown` only, and shows media without their bytes."""

    shown: Sequence[str] = ()
    readahead = READAHEAD

    @property
    def schema(self) -> Any:
        """The columns as a statement sees them."""
        own = super().schema
        return pa.schema([_shown(own.field(name)) for name in self.shown])

    def scanner(self, columns: Sequence[str] | None = None, **options: Any) -> Any:
        """Return a scanner of these columns in their order."""
        own = super().schema
        wanted = {name: _expression(own.field(name)) for name in (self.shown if columns is None else columns)}
        return super().scanner(
            columns=wanted, batch_size=BATCH, batch_readahead=self.readahead, fragment_readahead=1, cache_metadata=False, **options
        )


def _is_media(field: Any) -> bool:
    return pa.types.is_struct(field.type) and {inner.name for inner in field.type} == {*MEDIA_FIELDS, "bytes"}


def _shown(field: Any) -> Any:
    return field.with_type(pa.struct([inner for inner in field.type if inner.name != "bytes"])) if _is_media(field) else field


def _expression(field: Any) -> Any:
    if not _is_media(field):
        return ds.field(field.name)
    names = [inner.name for inner in field.type if inner.name != "bytes"]
    return pc.make_struct(*[ds.field(field.name, name) for name in names], field_names=names)


def copy_of(parts: Sequence[BinaryIO], names: Sequence[str]) -> Copy:
    """Return the dataset of these columns over open Parquet files with equal columns. Raises `Unreadable` (`copy_damaged`)."""
    form = ds.ParquetFileFormat(default_fragment_scan_options=ds.ParquetFragmentScanOptions(pre_buffer=False))
    try:
        buffers = [mapped(part) for part in parts]
        heads = [pq.read_metadata(pa.BufferReader(buffer)) for buffer in buffers]
        schema = heads[0].schema.to_arrow_schema()
        found = Copy([form.make_fragment(pa.BufferReader(buffer)) for buffer in buffers], schema, form)
        found.shown = [name for name in names if name in schema.names]
        if any(head.row_group(number).num_rows < FULL_GROUP for head in heads for number in range(head.num_row_groups - 1)):
            found.readahead = 0
        return found
    except (pa.ArrowException, OSError, IndexError) as error:
        raise Unreadable("copy_damaged") from error


def mapped(file: BinaryIO) -> Any:
    """Return the contents of an open file as an Arrow buffer that costs no memory of the process's own.

    Python's own mapping duplicates the descriptor, which a process that may open nothing cannot do.
    """
    size = os.fstat(file.fileno()).st_size
    address = _libc.mmap(None, size, mmap.PROT_READ, mmap.MAP_SHARED, file.fileno(), 0)
    if address == ctypes.c_void_p(-1).value:
        raise Unreadable("copy_damaged")
    return pa.foreign_buffer(address, size)


def register(name: str, parts: Sequence[BinaryIO], columns: Sequence[Mapping[str, Any]], *, hidden: bool = False) -> None:
    """Make a split known to statements as `name`, with `hidden` also its hidden columns; media are structs without bytes."""
    connection().register(name, copy_of(parts, [column["name"] for column in columns] + ([*HIDDEN] if hidden else [])))


def lock(memory: int, seconds: int = 0) -> None:
    """Close every door for good and bound the engine's memory in bytes and the time of a statement, 0 for any time."""
    for setting in (
        f"memory_limit='{memory >> 20}MiB'",
        f"max_execution_time={seconds * 1000}",
        "python_enable_replacements=false",
        "enable_external_access=false",
        "lock_configuration=true",
    ):
        connection().execute(f"SET {setting}")


def is_out_of_memory(error: BaseException) -> bool:
    """Say whether the engine, or what reads the files for it, had no memory left."""
    return isinstance(error, MemoryError | duckdb.OutOfMemoryException) or any(
        sign in str(error) for sign in ("Out of memory", "Out of Memory", "MemoryError", "bad_alloc", "bad allocation")
    )


def message(error: BaseException) -> str:
    """Return what the engine says, without the kind of error before it and the advice for administrators after it."""
    text = str(error).strip().split("\n\nStack Trace")[0].split("\n\nPossible solutions")[0]
    kind, colon, rest = text.partition(": ")
    return (rest if colon and kind.endswith("Error") else text)[:1000]


def identifier(name: str) -> str:
    """Return a name as a quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'

"""The Parquet copy of a split as open files of this machine.

Where the store has no files of its own (S3), parts are kept in a folder of this node, the longest unused ones leave first.
"""

import hashlib
import os
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from django.conf import settings

from inspection.files import Unreadable
from inspection.models import Sheet
from repos.backends.base import StoreError
from repos.blobs import store
from repos.models import LargeObject

ABANDONED_SECONDS = 3600


@dataclass(frozen=True)
class Part:
    """One Parquet file with `rows` rows; `open()` returns it for reading, or raises `Unreadable` (`copy_missing`)."""

    rows: int
    size: int
    open: Callable[[], BinaryIO] = field(repr=False, compare=False)


@dataclass(frozen=True)
class Table:
    """A split as it is read: `columns` as `Sheet.columns` has them, without the hidden ones, and the parts in the order of rows."""

    columns: Sequence[Mapping[str, Any]]
    parts: Sequence[Part]

    @property
    def rows(self) -> int:
        """How many rows all parts have."""
        return sum(part.rows for part in self.parts)

    def column(self, name: str) -> Mapping[str, Any]:
        """Return the column of this name. Raises `Unreadable` (`unknown_column`)."""
        for column in self.columns:
            if column["name"] == name:
                return column
        raise Unreadable("unknown_column", column=name[:100])


def table(sheet: Sheet) -> Table:
    """Return the copy behind a sheet; nothing is opened or fetched before it is needed."""
    hashes = [part["sha256"] for part in sheet.parts]
    locations = dict(LargeObject.objects.filter(pk__in=hashes).values_list("sha256", "location"))
    parts = [
        Part(part["rows"], part["size"], partial(_open, part["sha256"], locations.get(part["sha256"]), part["size"]))
        for part in sheet.parts
    ]
    return Table(sheet.columns, parts)


def from_files(paths: Sequence[Path], columns: Sequence[Mapping[str, Any]], rows: Sequence[int]) -> Table:
    """Return the table that these Parquet files are, `rows[i]` rows in the i-th."""
    return Table(columns, [Part(count, path.stat().st_size, partial(_file, path)) for path, count in zip(paths, rows, strict=True)])


def _file(path: Path) -> BinaryIO:
    return open(path, "rb")


def _open(sha256: str, location: str | None, size: int) -> BinaryIO:
    if location is None:
        raise Unreadable("copy_missing")
    local = store().local_path(location)
    try:
        return open(local, "rb") if local is not None else _cached(sha256, location, size)
    except FileNotFoundError as error:
        raise Unreadable("copy_missing") from error
    except StoreError as error:
        raise Unreadable("copy_missing" if error.code == "blob_missing" else "store_unavailable") from error


def _cached(sha256: str, location: str, size: int) -> BinaryIO:
    folder = settings.DATA_DIR / "tables"
    path = folder / sha256
    with suppress(FileNotFoundError):
        file = open(path, "rb")
        # The time of change is the time of the last use: reading leaves no reliable trace of its own.
        with suppress(OSError):
            os.utime(path)
        return file
    folder.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=folder, prefix="incoming-")
    try:
        digest = hashlib.sha256()
        with open(descriptor, "w+b", closefd=False) as incoming:
            for piece in store().open(location):
                digest.update(piece)
                incoming.write(piece)
        if digest.hexdigest() != sha256 or os.fstat(descriptor).st_size != size:
            raise Unreadable("copy_missing")
        # Opened before it gets its name: from then on a neighbour may trim it away.
        file = open(name, "rb")
        os.replace(name, path)
    finally:
        os.close(descriptor)
        Path(name).unlink(missing_ok=True)
    _trim(folder, settings.TABLE_CACHE_SIZE)
    return file


def _trim(folder: Path, most: int) -> None:
    """Remove the longest unused files until `most` bytes are left; open ones stay readable for who has them open."""
    found = []
    for entry in os.scandir(folder):
        with suppress(FileNotFoundError):
            stat = entry.stat()
            if not entry.name.startswith("incoming-"):
                found.append((stat.st_mtime, stat.st_size, entry.path))
            elif stat.st_mtime < time.time() - ABANDONED_SECONDS:
                os.unlink(entry.path)
    total = sum(size for _used, size, _path in found)
    for _used, size, path in sorted(found):
        if total <= most:
            return
        Path(path).unlink(missing_ok=True)
        total -= size

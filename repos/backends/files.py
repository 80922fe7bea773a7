"""Large objects in a folder of this machine, or of a network file system that all nodes share."""

import errno
import fcntl
import os
import shutil
import signal
import struct
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

from repos.backends.base import PartAddress, StoreError

PIECE = 1 << 20
# struct flock on 64-bit Linux: type, whence, (padding), start, length (0: to the end), pid, (padding)
_FLOCK = struct.Struct("hhxxxxqqixxxx")


def lock_range(descriptor: int, kind: int, start: int = 0, length: int = 0) -> bool:
    """Take a lock on bytes of an open file without waiting and say whether it was free.

    The lock belongs to this descriptor (Linux open file description locks), so it holds between threads as well as between
    processes and goes with `close`.
    """
    try:
        fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, _FLOCK.pack(kind, os.SEEK_SET, start, length, 0))
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno == errno.EACCES:
            return False
        raise
    return True


class FileStore:
    """Objects stand at `<aa>/<bb>/<sha256>-<unique>`; parts of an upload are written into one file in `incoming/`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        (folder / "incoming").mkdir(parents=True, exist_ok=True)

    def put(self, name: str, data: bytes) -> str:
        handle = self.begin(uuid.uuid4().hex, len(data))
        with open(self._path(handle), "r+b") as file:
            file.write(data)
        return self.publish(handle, name)

    def open(self, location: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        try:
            file = open(self._path(location), "rb")
        except OSError as error:
            raise StoreError("blob_missing", retry=False) from error
        return self._pieces(file, start, end)

    def url(self, location: str, *, filename: str, content_type: str, inline: bool) -> str | None:
        return None

    def local_path(self, location: str) -> Path | None:
        return self._path(location)

    def delete(self, location: str) -> None:
        self._path(location).unlink(missing_ok=True)

    def begin(self, name: str, size: int) -> str:
        handle = f"incoming/{name}"
        path = self._path(handle)
        if shutil.disk_usage(self.folder).free < size + (256 << 20):
            raise StoreError("store_full", retry=False)
        with open(path, "ab") as file:
            file.truncate(size)
        return handle

    def part_address(self, handle: str, number: int, length: int) -> PartAddress | None:
        return None

    def send_part(self, handle: str, number: int, offset: int, data: bytes) -> str:
        with open(self._path(handle), "r+b") as file:
            file.seek(offset)
            file.write(data)
        return ""

    def take(self, name: str, descriptor: int) -> str | None:
        handle = f"incoming/{name}"
        path = self._path(handle)
        if _is_being_written(descriptor):
            return None
        try:
            if not (path.exists() and os.path.samestat(path.stat(), os.fstat(descriptor))):
                path.unlink(missing_ok=True)
                _link(descriptor, path)
        except OSError as error:
            if error.errno in (errno.EXDEV, errno.EMLINK, errno.EPERM, errno.EACCES, errno.ENOENT, errno.EOPNOTSUPP):
                return None
            raise
        try:
            # Whoever made it could write to it again, or change its mode.
            os.chown(path, os.geteuid(), os.getegid())
        except PermissionError:
            path.unlink()
            return None
        os.chmod(path, 0o444)
        return handle

    def seal(self, handle: str, etags: Mapping[int, str]) -> str:
        try:
            with open(self._path(handle), "rb") as file:
                if not lock_range(file.fileno(), fcntl.F_RDLCK):
                    raise StoreError("parts_in_flight", retry=True)
        except FileNotFoundError as error:
            raise StoreError("blob_missing", retry=True) from error
        return handle

    def publish(self, handle: str, sha256: str) -> str:
        location = f"{sha256[:2]}/{sha256[2:4]}/{sha256}-{handle.removeprefix('incoming/')}"
        source, target = self._path(handle), self._path(location)
        try:
            with open(source, "rb") as file:
                os.fsync(file.fileno())
            target.parent.mkdir(parents=True, exist_ok=True)
            os.chmod(source, 0o444)
            os.rename(source, target)
            _sync_folder(target.parent)
        except FileNotFoundError as error:
            if not target.exists():
                raise StoreError("blob_missing", retry=True) from error
        return location

    def abort(self, handle: str) -> None:
        self._path(handle).unlink(missing_ok=True)

    def _path(self, location: str) -> Path:
        path = (self.folder / location).resolve()
        if not path.is_relative_to(self.folder):
            raise StoreError("bad_location", retry=False)
        return path

    @staticmethod
    def _pieces(file: BinaryIO, start: int, end: int | None) -> Iterator[bytes]:
        with file:
            file.seek(start)
            left = None if end is None else end - start
            while left is None or left > 0:
                piece = file.read(PIECE if left is None else min(PIECE, left))
                if not piece:
                    return
                yield piece
                if left is not None:
                    left -= len(piece)


def _link(descriptor: int, target: Path) -> None:
    """Give an open file another name; not by its own, behind which another file may stand by now."""
    opened = os.open("/proc/self/fd", os.O_RDONLY | os.O_DIRECTORY)
    try:
        # With a folder's descriptor Python calls linkat(2) with AT_SYMLINK_FOLLOW, which leads to the file itself.
        os.link(str(descriptor), target, src_dir_fd=opened, follow_symlinks=True)
    finally:
        os.close(opened)


def _is_being_written(descriptor: int) -> bool:
    """Whether somebody has the file open for writing; where the file system cannot tell, nobody has."""
    try:
        # Who opens it for writing while the lease lasts makes the kernel send a signal: one that is ignored by default.
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except OSError as error:
        return error.errno == errno.EAGAIN
    return False


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

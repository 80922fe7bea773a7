"""The files that readers of contents are handed: a path, a size, and bytes by range.

Nothing here knows rows or settings: the same readers run over a folder, over a repository and inside the confined process.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

PIECE = 1 << 18


class Unreadable(Exception):
    """Contents are not what they claim to be, or go beyond a bound; `code` is a stable word, `facts` plain values for its sentence."""

    def __init__(self, code: str, **facts: Any) -> None:
        super().__init__(code)
        self.code = code
        self.facts = facts


@dataclass(frozen=True)
class File:
    """One file; `read(start, end)` gives its bytes, fewer where the file ends before."""

    path: str
    size: int
    read: Callable[[int, int], bytes] = field(repr=False, compare=False)

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition("/")[2]

    @property
    def suffix(self) -> str:
        """The lower-case ending of the name with its dot, or nothing."""
        stem, dot, ending = self.name.rpartition(".")
        return f".{ending.lower()}" if dot and stem else ""

    def exactly(self, start: int, end: int) -> bytes:
        """Return these bytes, all of them. Raises `Unreadable` (`truncated`) where the file ends before."""
        data = self.read(start, end) if 0 <= start <= end <= self.size else b""
        if len(data) != end - start:
            raise Unreadable("truncated", at=start)
        return data

    def open(self) -> io.BufferedReader:
        """Return the contents as a file that can be read, told and sought in; it reads ahead by a quarter of a megabyte."""
        return io.BufferedReader(_Ranged(self), PIECE)

    def part(self, start: int, size: int, path: str) -> "File":
        """Return a stretch of this file as a file of its own: a member of an archive that is not compressed."""
        return File(path, size, lambda first, end: self.read(start + first, start + min(end, size)))


def in_memory(path: str, data: bytes) -> File:
    """Return `data` as a file."""
    return File(path, len(data), lambda start, end: data[start:end])


class _Ranged(io.RawIOBase):
    """A file whose reads are requests for ranges."""

    def __init__(self, file: File) -> None:
        self._file, self._position = file, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._file.size}[whence]
        if base + offset < 0:
            raise ValueError("negative seek position")
        self._position = base + offset
        return self._position

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        data = (
            self._file.read(self._position, min(self._position + len(view), self._file.size)) if self._position < self._file.size else b""
        )
        view[: len(data)] = data
        self._position += len(data)
        return len(data)

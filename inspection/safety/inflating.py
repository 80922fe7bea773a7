"""Files that come out of compressed data: inflated once to know what they hold, and again where they are read and too large to keep."""

import bz2
import lzma
import zlib
from collections.abc import Callable
from copy import copy
from typing import Protocol

from inspection.files import File, Unreadable, in_memory
from inspection.safety.budget import MIB, MOST_MEMBERS, Budget, buffered, is_bomb
from inspection.safety.findings import Finding

PIECE = MIB
KEPT = 32 * MIB
_FED = 64 << 10
_STRETCH = 16 * MIB
_MOST_MARKS = 400


class _Engine(Protocol):
    """A decompressor that gives at most a piece at a time."""

    hungry: bool
    ended: bool
    rest: bytes

    def step(self, data: bytes) -> bytes: ...

    def copy(self) -> "_Engine | None": ...


class _Deflate:
    """zlib's decompressor; `window` as zlib counts it: negative for bare deflate data, 31 for gzip, 15 for zlib."""

    def __init__(self, window: int) -> None:
        self._engine, self._left = zlib.decompressobj(window), b""
        self.hungry, self.ended, self.rest = True, False, b""

    def copy(self) -> "_Deflate | None":
        if self.ended:
            return None
        twin = copy(self)
        twin._engine = self._engine.copy()
        return twin

    def step(self, data: bytes) -> bytes:
        out = self._engine.decompress(self._left + data, PIECE)
        self._left = self._engine.unconsumed_tail
        self.ended, self.rest = self._engine.eof, self._engine.unused_data
        # Output may also wait inside the engine: a full piece means that there can be more without more input.
        self.hungry = not self._left and len(out) < PIECE
        return out


class _Block:
    """The decompressors of bz2 and xz."""

    def __init__(self, engine: bz2.BZ2Decompressor | lzma.LZMADecompressor) -> None:
        self._engine = engine
        self.hungry, self.ended, self.rest = True, False, b""

    def copy(self) -> None:
        return None  # these engines cannot be copied

    def step(self, data: bytes) -> bytes:
        out = self._engine.decompress(data, PIECE)
        self.ended, self.hungry = self._engine.eof, self._engine.needs_input
        self.rest = self._engine.unused_data if self.ended else b""
        return out


ENGINES: dict[str, Callable[[], _Engine]] = {
    "deflate": lambda: _Deflate(-15),
    "gzip": lambda: _Deflate(31),
    "zlib": lambda: _Deflate(15),
    "bzip2": lambda: _Block(bz2.BZ2Decompressor()),
    "xz": lambda: _Block(lzma.LZMADecompressor(lzma.FORMAT_AUTO, memlimit=128 * MIB)),
}
_BROKEN = (zlib.error, lzma.LZMAError, OSError, EOFError, ValueError)


class _Stream:
    """What comes out of `source`, piece by piece, of all the streams that follow one another in it."""

    def __init__(self, source: File, kind: str) -> None:
        self._source, self._kind = source, kind
        self._engine = ENGINES[kind]()
        self._at, self._fed, self._streams = 0, b"", 0
        self.out = 0  # where it stands in what comes out, as whoever copies it counts

    def copy(self) -> "_Stream | None":
        """Return another one that goes on from here, where the engine can be copied."""
        engine = self._engine.copy()
        if engine is None:
            return None
        twin = copy(self)
        twin._engine = engine
        return twin

    def piece(self) -> bytes:
        """Return the next bytes, none at the end. Raises `Unreadable`."""
        while True:
            if self._engine.ended:
                if self._kind in ("deflate", "zlib") or not self._next():
                    return b""
            elif not self._fed and self._engine.hungry:
                self._fed = self._source.read(self._at, min(self._at + _FED, self._source.size))
                self._at += len(self._fed)
                if not self._fed:
                    raise Unreadable("truncated", at=self._at)
            try:
                out = self._engine.step(self._fed)
            except _BROKEN as error:
                if self._streams:
                    return b""  # what follows a complete stream is padding or another file's business
                raise Unreadable("broken_archive") from error
            self._fed = b""
            if out:
                return out

    def _next(self) -> bool:
        """Begin the next stream, behind zeros that pad the last one; say whether there is one."""
        self._streams, fed = self._streams + 1, self._engine.rest.lstrip(b"\0")
        while not fed and self._at < self._source.size:
            fed = self._source.read(self._at, min(self._at + _FED, self._source.size))
            self._at, fed = self._at + max(len(fed), 1), fed.lstrip(b"\0")
        if self._streams > MOST_MEMBERS:
            raise Unreadable("too_many_members", limit=MOST_MEMBERS)
        self._fed, self._engine = fed, ENGINES[self._kind]()
        return bool(fed)


def inflated(source: File, kind: str, path: str, budget: Budget, *, declared: int | None = None) -> tuple[File, list[Finding]]:
    """Return what comes out of `source` as a file, with what is wrong with it: a broken stream gives what came out before.

    Everything is inflated once, whatever the archive says of its size; 32 MiB are kept, more is inflated again where it is read.
    Raises `Unreadable`: `archive_bomb`, `too_large`.
    """
    kept: list[bytes] = []
    size = 0
    found: list[Finding] = []
    try:
        stream = _Stream(source, kind)
        while piece := stream.piece():
            size += len(piece)
            if is_bomb(size, source.size):
                raise Unreadable("archive_bomb", size=size, compressed=source.size)
            budget.spend(len(piece))
            if size <= KEPT:
                kept.append(piece)
            else:
                kept.clear()
            if declared is not None and size > declared + PIECE:
                found.append(Finding("archive_sizes_lie", "caution", path, {"declared": declared}))
                declared = None
    except Unreadable as error:
        if error.code in ("archive_bomb", "too_large"):
            raise
        found.append(Finding(error.code, "unread", path, error.facts))
    if size <= KEPT:
        return in_memory(path, b"".join(kept)), found
    return buffered(File(path, size, _Replayed(lambda: _Stream(source, kind), budget).read)), found


class _Replayed:
    """Reads by range what comes out of a decompressor; going back begins at the last mark before, and counts."""

    def __init__(self, start: Callable[[], _Stream], budget: Budget) -> None:
        self._start, self._budget = start, budget
        self._stream, self._piece, self._at = start(), b"", 0
        self._marks: dict[int, _Stream] = {}

    def read(self, start: int, end: int) -> bytes:
        if start < self._at:
            self._back(start)
        data = bytearray()
        while start < end:
            offset = start - self._at
            if offset < len(self._piece):
                taken = self._piece[offset : offset + end - start]
                data += taken
                start += len(taken)
                continue
            self._at += len(self._piece)
            self._mark()
            try:
                self._piece = self._stream.piece()
            except Unreadable:
                self._piece = b""
            if not self._piece:
                break
            self._budget.replay(len(self._piece))
        return bytes(data)

    def _mark(self) -> None:
        """Remember the engine here, once in each stretch."""
        stretch = self._at // _STRETCH
        if stretch and stretch not in self._marks and len(self._marks) < _MOST_MARKS and (twin := self._stream.copy()):
            twin.out = self._at
            self._marks[stretch] = twin

    def _back(self, start: int) -> None:
        known = [stretch for stretch, stream in self._marks.items() if stream.out <= start]
        twin = self._marks[max(known)].copy() if known else None
        self._stream, self._at = (twin, twin.out) if twin else (self._start(), 0)
        self._piece = b""

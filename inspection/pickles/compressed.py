"""Streams that were compressed as a whole, read from front to back without ever holding more than a piece of them."""

import bz2
import lzma
import zlib
from collections.abc import Callable
from typing import Any, Final

from inspection.files import File, Unreadable

PIECE: Final = 1 << 18
MOST_BYTES: Final = 4 << 30
LZMA_MEMORY: Final = 128 << 20
OLD_JOBLIB_HEADER: Final = 21  # "ZF" and the length as "0x…" padded to 19 characters, before joblib 0.10


def _lzma() -> Any:
    return lzma.LZMADecompressor(lzma.FORMAT_AUTO, memlimit=LZMA_MEMORY)


def form_of(head: bytes) -> str | None:
    """Return how a file that begins with `head` is compressed: zlib, gzip, bz2, xz, lzma, lz4, joblib (its old form), or None."""
    for form, magic in (
        ("gzip", b"\x1f\x8b\x08"),
        ("bz2", b"BZh"),
        ("xz", b"\xfd7zXZ\0"),
        ("lzma", b"\x5d\0\0"),
        ("lz4", b"\x04\x22\x4d\x18"),
    ):
        if head.startswith(magic):
            return form
    if head[:4] == b"ZF0x":
        return "joblib"
    return "zlib" if len(head) > 1 and head[0] == 0x78 and int.from_bytes(head[:2], "big") % 31 == 0 else None


_OPENERS: Final[dict[str, Callable[[], Any]]] = {
    "zlib": zlib.decompressobj,
    "joblib": zlib.decompressobj,
    "gzip": lambda: zlib.decompressobj(31),
    "bz2": bz2.BZ2Decompressor,
    "xz": _lzma,
    "lzma": _lzma,
}


class Inflated:
    """What a compressed file holds; its `read` gives at most so many bytes, none at the end.

    Raises `Unreadable`: `compression_unknown` for lz4, which needs a package that is not here, `compressed_broken`, and `too_much_data`
    beyond `limit`.
    """

    def __init__(self, file: File, form: str, *, limit: int = MOST_BYTES) -> None:
        if form not in _OPENERS:
            raise Unreadable("compression_unknown", form=form)
        self._form, self._limit = form, limit
        self._stream = file.open()
        self._stream.seek(OLD_JOBLIB_HEADER if form == "joblib" else 0)
        self._engine = _OPENERS[form]()
        self._given = 0
        self._waiting = b""

    def read(self, size: int) -> bytes:
        """Return the next bytes, at most `size`."""
        while True:
            try:
                data = self._step(size)
            except (zlib.error, lzma.LZMAError, OSError, ValueError, EOFError) as error:
                raise Unreadable("compressed_broken", form=self._form) from error
            if data is not None:
                self._given += len(data)
                if self._given > self._limit:
                    raise Unreadable("too_much_data", limit=self._limit)
                return data

    def _step(self, size: int) -> bytes | None:
        """Return a piece, nothing at the end, or None where the engine wants more."""
        if self._engine.eof:
            self._waiting = self._engine.unused_data + self._waiting
            if not self._waiting:
                self._waiting = self._stream.read(PIECE)
            if not self._waiting or self._form == "joblib":
                return b""
            self._engine = _OPENERS[self._form]()
        if not self._waiting and getattr(self._engine, "needs_input", True):
            self._waiting = self._stream.read(PIECE)
        ended = not self._waiting
        data: bytes = self._engine.decompress(self._waiting, size)
        self._waiting = getattr(self._engine, "unconsumed_tail", b"")
        if ended and not data and not self._engine.eof and getattr(self._engine, "needs_input", True):
            raise EOFError
        return data or None

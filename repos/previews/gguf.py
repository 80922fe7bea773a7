"""The header of a GGUF file, versions 2 and 3: metadata and the list of tensors."""

import struct
from collections.abc import Callable

from repos.previews.tensors import BadHeader, Header, Tensor, summary

MAX_TENSORS = 100_000
MAX_METADATA = 10_000
MAX_STRING = 1_000_000
MAX_READ = 64_000_000
MAX_ELEMENTS = 4_000_000
MAX_DIMENSIONS = 8
_SHOWN_ELEMENTS = 8
_SHOWN_STRING = 2_000
_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9
_TYPES = {
    0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 6: "Q5_0", 7: "Q5_1", 8: "Q8_0", 9: "Q8_1", 10: "Q2_K", 11: "Q3_K", 12: "Q4_K",
    13: "Q5_K", 14: "Q6_K", 15: "Q8_K", 16: "IQ2_XXS", 17: "IQ2_XS", 18: "IQ3_XXS", 19: "IQ1_S", 20: "IQ4_NL", 21: "IQ3_S",
    22: "IQ2_S", 23: "IQ4_XS", 24: "I8", 25: "I16", 26: "I32", 27: "I64", 28: "F64", 29: "IQ1_M", 30: "BF16", 34: "TQ1_0",
    35: "TQ2_0", 39: "MXFP4",
}  # fmt: skip


def read_header(read: Callable[[int, int], bytes], size: int) -> Header:
    """Return the header of a file of `size` bytes; `read(start, end)` gives bytes. Raises `BadHeader`."""
    cursor = _Cursor(read, size)
    if cursor.take(4) != b"GGUF":
        raise BadHeader("not_gguf")
    version = cursor.number("I")
    if version not in (2, 3):
        raise BadHeader("unknown_version")
    total, pairs = cursor.number("Q"), cursor.number("Q")
    if total > MAX_TENSORS or pairs > MAX_METADATA:
        raise BadHeader("too_many_entries")
    metadata = [(cursor.string()[:200], cursor.value(cursor.number("I"))) for _ in range(pairs)]
    return summary([_tensor(cursor) for _ in range(total)], [("GGUF", str(version)), *metadata])


def _tensor(cursor: "_Cursor") -> Tensor:
    name = cursor.string()
    dimensions = cursor.number("I")
    if dimensions > MAX_DIMENSIONS:
        raise BadHeader("bad_shape")
    shape = tuple(cursor.number("Q") for _ in range(dimensions))
    if any(length >= 2**48 for length in shape):
        raise BadHeader("bad_shape")
    kind = cursor.number("I")
    if cursor.number("Q") > cursor.size:
        raise BadHeader("offset_out_of_range")
    return Tensor(name[:300], _TYPES.get(kind, f"#{kind}"), shape)


class _Cursor:
    """A position in a file, read through a window that moves forward; refuses to read more than `MAX_READ` in all."""

    def __init__(self, read: Callable[[int, int], bytes], size: int) -> None:
        self.read, self.size = read, size
        self.window = b""
        self.start = self.at = self.fetched = self.elements = 0

    def take(self, count: int) -> bytes:
        begin = self.at - self.start
        if begin + count > len(self.window):
            self._move(count)
            begin = 0
        self.at += count
        return self.window[begin : begin + count]

    def skip(self, count: int) -> None:
        if count > self.size - self.at:
            raise BadHeader("header_past_end")
        self.at += count

    def _move(self, count: int) -> None:
        if count > self.size - self.at:
            raise BadHeader("header_past_end")
        length = max(count, 65_536 if not self.fetched else 1_000_000)
        self.start, self.window = self.at, self.read(self.at, min(self.size, self.at + length))
        self.fetched += len(self.window)
        if len(self.window) < count:
            raise BadHeader("header_past_end")
        if self.fetched > MAX_READ:
            raise BadHeader("header_too_long_to_show")

    def number(self, form: str) -> int:
        (value,) = struct.unpack("<" + form, self.take(struct.calcsize("<" + form)))
        return int(value)

    def string(self) -> str:
        length = self.number("Q")
        if length > MAX_STRING:
            raise BadHeader("string_too_long")
        return self.take(length).decode("utf-8", "replace")

    def value(self, kind: int) -> str:
        """Return a metadata value as people read it; long arrays by their first elements."""
        if kind == _STRING:
            return self.string()[:_SHOWN_STRING]
        if kind == _ARRAY:
            return self._array()
        if kind not in _SCALARS:
            raise BadHeader("bad_metadata")
        return self._scalar(_SCALARS[kind])

    def _scalar(self, form: str) -> str:
        (value,) = struct.unpack("<" + form, self.take(struct.calcsize("<" + form)))
        return f"{value:g}" if isinstance(value, float) else str(value).lower() if isinstance(value, bool) else str(value)

    def _array(self) -> str:
        kind, count = self.number("I"), self.number("Q")
        shown = min(count, _SHOWN_ELEMENTS)
        if kind in _SCALARS:
            first = [self._scalar(_SCALARS[kind]) for _ in range(shown)]
            self.skip((count - shown) * struct.calcsize("<" + _SCALARS[kind]))
        elif kind == _STRING:
            self.elements += count
            if self.elements > MAX_ELEMENTS:
                raise BadHeader("too_many_entries")
            first = [self.string()[:60] for _ in range(shown)]
            for _ in range(count - shown):
                self.skip(self.number("Q"))
        else:
            raise BadHeader("bad_metadata")
        return f"[{count}] {', '.join(first)}{', …' if count > shown else ''}"

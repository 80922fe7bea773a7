"""The header of a GGUF file, versions 2 and 3: metadata and the list of tensors.

Source of the format: the specification `gguf.md` of ggml; block lengths and bytes per block: the block types of ggml.
"""

import struct
from collections.abc import Callable
from typing import Any

from repos.weights.tensors import BadHeader, Header, Tensor

MAX_TENSORS = 100_000
MAX_METADATA = 10_000
MAX_STRING = 1_000_000
MAX_READ = 64_000_000
MAX_ELEMENTS = 4_000_000
MAX_DIMENSIONS = 8
MAX_KEPT_ELEMENTS = 1_024
ALIGNMENT = 32
_SHOWN_ELEMENTS = 8
_SHOWN_STRING = 2_000
_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9
# Name, elements of a block, bytes of a block; no bytes where the type is never stored.
TYPES = {
    0: ("F32", 1, 4), 1: ("F16", 1, 2), 2: ("Q4_0", 32, 18), 3: ("Q4_1", 32, 20), 6: ("Q5_0", 32, 22), 7: ("Q5_1", 32, 24),
    8: ("Q8_0", 32, 34), 9: ("Q8_1", 32, 0), 10: ("Q2_K", 256, 84), 11: ("Q3_K", 256, 110), 12: ("Q4_K", 256, 144),
    13: ("Q5_K", 256, 176), 14: ("Q6_K", 256, 210), 15: ("Q8_K", 256, 292), 16: ("IQ2_XXS", 256, 66), 17: ("IQ2_XS", 256, 74),
    18: ("IQ3_XXS", 256, 98), 19: ("IQ1_S", 256, 50), 20: ("IQ4_NL", 32, 18), 21: ("IQ3_S", 256, 110), 22: ("IQ2_S", 256, 82),
    23: ("IQ4_XS", 256, 136), 24: ("I8", 1, 1), 25: ("I16", 1, 2), 26: ("I32", 1, 4), 27: ("I64", 1, 8), 28: ("F64", 1, 8),
    29: ("IQ1_M", 256, 56), 30: ("BF16", 1, 2), 34: ("TQ1_0", 256, 54), 35: ("TQ2_0", 256, 66), 39: ("MXFP4", 32, 17),
    40: ("NVFP4", 64, 36), 41: ("Q1_0", 128, 18),
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
    values: dict[str, Any] = {}
    metadata = [("GGUF", str(version))]
    for _ in range(pairs):
        key = cursor.string()[:200]
        values[key] = cursor.value(cursor.number("I"))
        metadata.append((key, _shown(values[key])))
    placed = [_tensor(cursor) for _ in range(total)]
    _check(placed, values.get("general.alignment", ALIGNMENT), cursor)
    return Header([tensor for _offset, tensor in placed], metadata, {key: _kept(value) for key, value in values.items()})


def _tensor(cursor: "_Cursor") -> tuple[int, Tensor]:
    name = cursor.string()
    dimensions = cursor.number("I")
    if dimensions > MAX_DIMENSIONS:
        raise BadHeader("bad_shape")
    shape = tuple(cursor.number("Q") for _ in range(dimensions))
    if any(length >= 2**48 for length in shape):
        raise BadHeader("bad_shape")
    kind = cursor.number("I")
    offset = cursor.number("Q")
    if offset > cursor.size:
        raise BadHeader("offset_out_of_range")
    dtype, block, width = TYPES.get(kind, (f"#{kind}", 1, 0))
    # Rows are stored as whole blocks; the first dimension is the length of a row.
    if width and (shape[0] if shape else 1) % block:
        raise BadHeader("size_mismatch")
    tensor = Tensor(name[:300], dtype, shape)
    # No type packs more than sixteen numbers into a byte, so an unknown one does not either.
    if not width and tensor.parameters > 16 * cursor.size:
        raise BadHeader("bad_shape")
    return offset, Tensor(tensor.name, dtype, shape, tensor.parameters // block * width)


def _check(placed: list[tuple[int, Tensor]], alignment: Any, cursor: "_Cursor") -> None:
    """Refuse tensors that overlap, stand askew, or reach beyond the end of the file."""
    if type(alignment) is not int or not 0 < alignment <= 2**20:
        raise BadHeader("bad_metadata")
    room = cursor.size - -(-cursor.at // alignment) * alignment
    position = 0
    for offset, tensor in sorted(placed, key=lambda item: (item[0], item[1].size)):
        if offset % alignment:
            raise BadHeader("bad_alignment")
        if offset < position:
            raise BadHeader("overlapping_offsets")
        position = offset + tensor.size
        if tensor.parameters and position > room:
            raise BadHeader("offset_out_of_range")


class _Array:
    """An array by its length and its first elements."""

    def __init__(self, count: int, first: list[Any]) -> None:
        self.count, self.first = count, first


def _shown(value: Any) -> str:
    """Return a metadata value as people read it; long arrays by their first elements."""
    if isinstance(value, _Array):
        first = ", ".join(_shown(element)[:60] for element in value.first[:_SHOWN_ELEMENTS])
        return f"[{value.count}] {first}{', …' if value.count > _SHOWN_ELEMENTS else ''}"
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)[:_SHOWN_STRING]


def _kept(value: Any) -> Any:
    if not isinstance(value, _Array):
        return value
    return value.first if len(value.first) == value.count else {"count": value.count}


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
        return int(self._scalar(form))

    def string(self) -> str:
        length = self.number("Q")
        if length > MAX_STRING:
            raise BadHeader("string_too_long")
        return self.take(length).decode("utf-8", "replace")

    def value(self, kind: int) -> Any:
        if kind == _STRING:
            return self.string()[:_SHOWN_STRING]
        if kind == _ARRAY:
            return self._array()
        if kind not in _SCALARS:
            raise BadHeader("bad_metadata")
        return self._scalar(_SCALARS[kind])

    def _scalar(self, form: str) -> Any:
        (value,) = struct.unpack("<" + form, self.take(struct.calcsize("<" + form)))
        return value

    def _array(self) -> _Array:
        kind, count = self.number("I"), self.number("Q")
        if kind in _SCALARS:
            shown = count if count <= MAX_KEPT_ELEMENTS else _SHOWN_ELEMENTS
            first = [self._scalar(_SCALARS[kind]) for _ in range(shown)]
            self.skip((count - shown) * struct.calcsize("<" + _SCALARS[kind]))
            return _Array(count, first)
        if kind != _STRING:
            raise BadHeader("bad_metadata")
        self.elements += count
        if self.elements > MAX_ELEMENTS:
            raise BadHeader("too_many_entries")
        shown = min(count, _SHOWN_ELEMENTS)
        first = [self.string()[:60] for _ in range(shown)]
        self._skip_strings(count - shown)
        return _Array(count, first)

    def _skip_strings(self, count: int) -> None:
        # Vocabularies hold hundreds of thousands of strings: their lengths are read in place.
        for _ in range(count):
            begin = self.at - self.start
            if begin + 8 > len(self.window):
                self._move(8)
                begin = 0
            self.at += 8
            self.skip(int.from_bytes(self.window[begin : begin + 8], "little"))

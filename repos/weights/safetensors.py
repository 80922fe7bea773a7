"""The header of a safetensors file: eight bytes of length, then JSON."""

import json
import struct
from collections.abc import Callable
from typing import Any

from repos.weights.tensors import BadHeader, Header, Tensor

MAX_HEADER = 100_000_000  # the format's own limit
MAX_SHOWN_HEADER = 12_000_000
MAX_DIMENSIONS = 16
MAX_NAME = 1_000
FIRST_READ = 65_536  # holds most headers whole: one request to object storage instead of two
BITS = {
    "BOOL": 8, "U8": 8, "I8": 8, "F8_E5M2": 8, "F8_E4M3": 8, "F8_E8M0": 8, "F8_E4M3FNUZ": 8,
    "F8_E5M2FNUZ": 8, "I16": 16, "U16": 16, "F16": 16, "BF16": 16, "I32": 32, "U32": 32, "F32": 32, "F64": 64,
    "I64": 64, "U64": 64, "C64": 64, "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6,
}  # fmt: skip


def read_header(read: Callable[[int, int], bytes], size: int) -> Header:
    """Return the header of a file of `size` bytes; `read(start, end)` gives bytes. Raises `BadHeader`."""
    if size < 10:
        raise BadHeader("too_short")
    head = _exactly(read, 0, min(size, FIRST_READ))
    (length,) = struct.unpack("<Q", head[:8])
    if length > MAX_HEADER:
        raise BadHeader("header_too_long")
    if length > size - 8 or length < 2:
        raise BadHeader("header_past_end")
    if length > MAX_SHOWN_HEADER:
        raise BadHeader("header_too_long_to_show")
    encoded = head[8 : 8 + length]
    if len(encoded) < length:
        encoded += _exactly(read, len(head), 8 + length)
    try:
        header = json.loads(encoded.decode(), object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise BadHeader("header_not_json") from error
    if not isinstance(header, dict):
        raise BadHeader("header_not_json")
    metadata = header.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise BadHeader("bad_metadata")
    tensors = _tensors(header, size - 8 - length)
    shown = [(key[:200], value[:2000]) for key, value in list(metadata.items())[:200]]
    return Header(tensors, shown, dict(shown))


def _exactly(read: Callable[[int, int], bytes], start: int, end: int) -> bytes:
    data = read(start, end)
    if len(data) != end - start:
        raise BadHeader("header_past_end")
    return data


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("repeated key")
    return found


def _tensors(header: dict[str, Any], room: int) -> list[Tensor]:
    """Return the tensors in the order of their bytes, which must follow one another without gap or overlap."""
    found: list[tuple[int, int, Tensor]] = []
    for name, entry in header.items():
        match entry:
            case {"dtype": str(dtype), "shape": list(shape), "data_offsets": [int(begin), int(end)]} if dtype in BITS:
                pass
            case _:
                raise BadHeader("bad_tensor")
        if len(name) > MAX_NAME:
            raise BadHeader("name_too_long")
        if len(shape) > MAX_DIMENSIONS or not all(type(length) is int and 0 <= length < 2**63 for length in shape):
            raise BadHeader("bad_shape")
        if not 0 <= begin <= end <= room:
            raise BadHeader("offset_out_of_range")
        tensor = Tensor(name, dtype, tuple(shape), end - begin)
        if tensor.parameters * BITS[dtype] != (end - begin) * 8:
            raise BadHeader("size_mismatch")
        found.append((begin, end, tensor))
    found.sort(key=lambda item: item[:2])
    position = 0
    for begin, end, _tensor in found:
        if begin != position:
            raise BadHeader("overlapping_offsets" if begin < position else "gap_in_offsets")
        position = end
    return [tensor for _begin, _end, tensor in found]

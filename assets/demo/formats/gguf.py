"""GGUF files, version 3: metadata, tensor infos, aligned and quantised blocks."""

import struct
from collections.abc import Mapping, Sequence

from assets.demo.formats.noise import normal
from assets.demo.formats.safetensors import Tensor

ALIGNMENT = 32
BLOCK = 32
_U32, _F32, _BOOL, _STRING, _ARRAY = 4, 6, 7, 8, 9
TYPES = {"F32": 0, "F16": 1, "Q4_0": 2, "Q8_0": 8}
_BLOCK_BYTES = {"Q4_0": 18, "Q8_0": 34}

_TYPE_NUMBERS = {bool: _BOOL, int: _U32, float: _F32, str: _STRING}


def _string(text: str) -> bytes:
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def _plain(value: bool | float | str) -> bytes:
    if isinstance(value, str):
        return _string(value)
    if isinstance(value, bool):
        return struct.pack("<?", value)
    return struct.pack("<I" if isinstance(value, int) else "<f", value)


def _value(value: object) -> bytes:
    """Return one metadata value behind its type number."""
    if isinstance(value, list):
        items = b"".join(_plain(item) for item in value)
        return struct.pack("<IIQ", _ARRAY, _TYPE_NUMBERS[type(value[0])], len(value)) + items
    if not isinstance(value, bool | int | float | str):
        raise TypeError(f"GGUF metadata cannot hold {type(value).__name__}")
    return struct.pack("<I", _TYPE_NUMBERS[type(value)]) + _plain(value)


def _blocks(seed: str, count: int, kind: str) -> bytes:
    """Return `count` numbers quantised in blocks: a half-precision scale, then whole numbers."""
    width = _BLOCK_BYTES[kind]
    blocks = count // BLOCK
    out = bytearray(blocks * width)
    scales = normal(f"{seed}/scale", blocks, "F16", 0.001)
    out[0::width], out[1::width] = scales[0::2], scales[1::2]
    numbers = normal(seed, blocks * (width - 2), "U8")
    for place in range(2, width):
        out[place::width] = numbers[place - 2 :: width - 2]
    return bytes(out)


def encode(tensors: Sequence[Tensor], metadata: Mapping[str, object], kind: str, seed: str) -> bytes:
    """Return one GGUF file: matrices in `kind` (`F16`, `Q8_0` or `Q4_0`), vectors in F32; rows stay whole blocks.

    A matrix whose rows do not divide by the block length is kept in F16, as converters do.
    """
    keys = {"general.alignment": ALIGNMENT} | dict(metadata)
    head = [b"GGUF", struct.pack("<IQQ", 3, len(tensors), len(keys))]
    head += [_string(key) + _value(value) for key, value in keys.items()]
    body: list[bytes] = []
    offset = 0
    for tensor in tensors:
        form = "F32" if len(tensor.shape) == 1 else kind
        if form in _BLOCK_BYTES and tensor.shape[-1] % BLOCK:
            form = "F16"
        name = f"{seed}/{tensor.name}"
        if tensor.fill is not None:
            data = Tensor(tensor.name, tensor.shape, "F32" if form in _BLOCK_BYTES else form, tensor.fill).content(seed)
        elif form in _BLOCK_BYTES:
            data = _blocks(name, tensor.count, form)
        else:
            data = normal(name, tensor.count, form)
        head.append(_string(tensor.name) + struct.pack("<I", len(tensor.shape)))
        head.append(struct.pack(f"<{len(tensor.shape)}Q", *reversed(tensor.shape)) + struct.pack("<IQ", TYPES[form], offset))
        data += bytes(-len(data) % ALIGNMENT)
        offset += len(data)
        body.append(data)
    start = b"".join(head)
    return start + bytes(-len(start) % ALIGNMENT) + b"".join(body)

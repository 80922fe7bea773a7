"""Weights files of every format, made of zeros."""

import io
import json
import struct
import zipfile
from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

from inspection.files import File, in_memory
from inspection.pickles.values import Call, Dict, Global, Persistent
from inspection.weights import measure

WIDTHS = {"F32": 4, "F16": 2, "BF16": 2, "I32": 4, "I64": 8, "U8": 1, "I8": 1, "U32": 4, "F8_E4M3": 1}
Shapes = Mapping[str, tuple[int, ...]]


def measured(**contents: Any) -> dict[str, Any]:
    """Return the figures of a model; `model__safetensors` is `model.safetensors`, `vae___config__json` is `vae/config.json`."""
    return measure([named(name, data) for name, data in contents.items()])


def named(name: str, data: Any) -> File:
    path = name.replace("___", "/").replace("__", ".").replace("_of_", "-of-")
    return in_memory(path, data if isinstance(data, bytes) else json.dumps(data).encode())


def codes(result: dict[str, Any]) -> list[str]:
    return [finding["code"] for finding in result["findings"]]


# safetensors


def safetensors(shapes: Shapes, dtype: str = "BF16", *, types: Mapping[str, str] | None = None, metadata: Any = None) -> bytes:
    header: dict[str, Any] = {} if metadata is None else {"__metadata__": metadata}
    position = 0
    for name, shape in shapes.items():
        kind = (types or {}).get(name, dtype)
        size = prod(shape) * WIDTHS[kind]
        header[name] = {"dtype": kind, "shape": list(shape), "data_offsets": [position, position + size]}
        position += size
    return prefixed(json.dumps(header).encode()) + bytes(position)


def prefixed(header: bytes) -> bytes:
    return struct.pack("<Q", len(header)) + header


# GGUF


def text(value: str) -> bytes:
    return struct.pack("<Q", len(value.encode())) + value.encode()


def gguf(
    values: Mapping[str, Any], tensors: Sequence[tuple[str, tuple[int, ...], int, int]], *, kinds: Mapping[str, int] | None = None
) -> bytes:
    """Return a file; `tensors` are (name, shape, number of the type, bytes)."""
    out = [b"GGUF", struct.pack("<IQQ", 3, len(tensors), len(values))]
    out += [text(key) + _typed(value, (kinds or {}).get(key)) for key, value in values.items()]
    position = 0
    for name, shape, kind, size in tensors:
        out.append(text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, kind, position))
        position += -(-size // 32) * 32
    head = b"".join(out)
    return head + bytes(-len(head) % 32 + position)


def _typed(value: Any, kind: int | None = None) -> bytes:
    if isinstance(value, list):
        inner = b"".join(_typed(item)[4:] for item in value)
        return struct.pack("<IIQ", 9, 8 if value and isinstance(value[0], str) else 5, len(value)) + inner
    if isinstance(value, str):
        return struct.pack("<I", 8) + text(value)
    if isinstance(value, float):
        return struct.pack("<If", 6, value)
    return struct.pack("<Ii", 5, value) if kind is None else struct.pack("<IH", kind, value)


# PyTorch


def pickled(value: Any) -> bytes:
    """Return a pickle of protocol 2 that builds what the symbols say."""
    return b"\x80\x02" + _opcodes(value) + b"."


def _opcodes(value: Any) -> bytes:
    match value:
        case None | True | False:
            return {None: b"N", True: b"\x88", False: b"\x89"}[value]
        case int():
            data = value.to_bytes(10, "little", signed=True)
            return b"J" + struct.pack("<i", value) if abs(value) < 2**31 else b"\x8a\x0a" + data
        case str():
            return b"X" + struct.pack("<I", len(value.encode())) + value.encode()
        case tuple():
            return b"(" + b"".join(map(_opcodes, value)) + b"t"
        case list():
            return b"](" + b"".join(map(_opcodes, value)) + b"e"
        case Dict():
            return b"}(" + b"".join(_opcodes(key) + _opcodes(item) for key, item in value.pairs) + b"u"
        case Global():
            return f"c{value.module}\n{value.name}\n".encode()
        case Persistent():
            return _opcodes(value.id) + b"Q"
        case Call():
            out = _opcodes(value.function) + _opcodes(value.args) + b"R"
            if value.pairs:
                out += b"(" + b"".join(_opcodes(key) + _opcodes(item) for key, item in value.pairs) + b"u"
            return out + (_opcodes(value.state) + b"b" if value.state is not None else b"")
    raise TypeError(value)


def ordered(pairs: Mapping[str, Any], state: Any = None) -> Call:
    return Call(Global("collections", "OrderedDict"), (), state=state, pairs=list(pairs.items()))


def plain(pairs: Mapping[str, Any]) -> Dict:
    return Dict(list(pairs.items()))


def tensor(
    key: str,
    shape: tuple[int, ...],
    *,
    kind: str = "FloatStorage",
    count: int | None = None,
    offset: int = 0,
    stride: tuple[int, ...] | None = None,
    legacy: bool = False,
) -> Call:
    steps = stride if stride is not None else tuple(prod(shape[place + 1 :]) for place in range(len(shape)))
    identity = ("storage", Global("torch", kind), key, "cpu", prod(shape) if count is None else count, *((None,) if legacy else ()))
    return Call(Global("torch._utils", "_rebuild_tensor_v2"), (Persistent(identity), offset, shape, steps, False, ordered({})))


def parameter(inner: Call) -> Call:
    return Call(Global("torch._utils", "_rebuild_parameter"), (inner, True, ordered({})))


def archive(value: Any, storages: Mapping[str, int], *, compression: int = zipfile.ZIP_STORED, stem: str = "archive") -> bytes:
    """Return what `torch.save` writes today; `storages` are bytes by key."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as file:
        file.writestr(f"{stem}/data.pkl", pickled(value))
        file.writestr(f"{stem}/byteorder", "little")
        for key, size in storages.items():
            file.writestr(f"{stem}/data/{key}", bytes(size))
        file.writestr(f"{stem}/version", "3\n")
    return out.getvalue()


def legacy(value: Any, keys: Sequence[str], tail: int) -> bytes:
    """Return what `torch.save` wrote before version 1.6, with `tail` bytes of storages."""
    facts = plain({"protocol_version": 1001, "little_endian": True})
    return b"".join(map(pickled, (0x1950A86A20F9469CFC6C, 1001, facts, value, list(keys)))) + bytes(tail)


# ONNX


def varint(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def block(field: int, data: bytes | str) -> bytes:
    raw = data.encode() if isinstance(data, str) else data
    return varint(field << 3 | 2) + varint(len(raw)) + raw


def initializer(name: str, dims: Sequence[int], kind: int = 1, *, raw: int | None = None, extra: bytes = b"") -> bytes:
    """Return a TensorProto as a field of its graph."""
    body = b"".join(number(1, length) for length in dims) + number(2, kind) + block(8, name)
    return block(5, body + (block(9, bytes(raw)) if raw is not None else b"") + extra)


def port(field: int, name: str, kind: int, dims: Sequence[int | str]) -> bytes:
    shape = b"".join(block(1, block(2, length) if isinstance(length, str) else number(1, length)) for length in dims)
    return block(field, block(1, name) + block(2, block(1, number(1, kind) + block(2, shape))))


def onnx(graph: bytes, *, opset: int = 17) -> bytes:
    return number(1, 8) + block(2, "made") + block(7, graph) + block(8, number(2, opset))

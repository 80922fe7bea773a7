"""Names, shapes and types of the tensors in a file written by `torch.save`, without unpickling anything.

The pickle is followed in symbols. Sources of the two forms: `torch/serialization.py` (an archive with `data.pkl` and one member a
storage; before version 1.6 a stream of five pickles with the storages behind), `torch/_utils.py` (the calls that rebuild tensors).
"""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import prod
from typing import Any

from inspection.files import File, Unreadable
from inspection.pickles.machine import Limits, Machine
from inspection.pickles.source import Source
from inspection.pickles.values import Call, Dict, Global, Persistent
from inspection.weights.archives import Member, members

MOST_TENSORS = 100_000
MOST_DIMENSIONS = 32
MOST_PICKLE = 32 << 20
DEEPEST = 24
_MAGIC, _PROTOCOL = 0x1950A86A20F9469CFC6C, 1001
_LIMITS = Limits(opcodes=10_000_000, stack=500_000, memo=1_000_000, kept=1_000_000, text=32 << 20)
_STORAGES = {
    "FloatStorage": ("F32", 4), "DoubleStorage": ("F64", 8), "HalfStorage": ("F16", 2), "BFloat16Storage": ("BF16", 2),
    "LongStorage": ("I64", 8), "IntStorage": ("I32", 4), "ShortStorage": ("I16", 2), "CharStorage": ("I8", 1), "ByteStorage": ("U8", 1),
    "BoolStorage": ("BOOL", 1), "ComplexFloatStorage": ("C64", 8), "ComplexDoubleStorage": ("C128", 16), "QInt8Storage": ("I8", 1),
    "QUInt8Storage": ("U8", 1), "QInt32Storage": ("I32", 4), "QUInt4x2Storage": ("U8", 1), "QUInt2x4Storage": ("U8", 1),
}  # fmt: skip
_DTYPES = {
    "float32": ("F32", 4), "float": ("F32", 4), "float64": ("F64", 8), "double": ("F64", 8), "float16": ("F16", 2), "half": ("F16", 2),
    "bfloat16": ("BF16", 2), "int64": ("I64", 8), "int32": ("I32", 4), "int16": ("I16", 2), "int8": ("I8", 1), "uint8": ("U8", 1),
    "uint16": ("U16", 2), "uint32": ("U32", 4), "uint64": ("U64", 8), "bool": ("BOOL", 1), "complex64": ("C64", 8),
    "complex128": ("C128", 16), "float8_e4m3fn": ("F8_E4M3", 1), "float8_e5m2": ("F8_E5M2", 1), "float8_e4m3fnuz": ("F8_E4M3FNUZ", 1),
    "float8_e5m2fnuz": ("F8_E5M2FNUZ", 1), "float8_e8m0fnu": ("F8_E8M0", 1),
}  # fmt: skip
# Where training scripts put the weights beside the state of the optimiser, the schedule and the arguments.
_STATES = ("state_dict", "model_state_dict", "model_state", "model", "module", "net", "network", "params", "weights", "generator")
_BESIDE = (
    "optimizer",
    "optim",
    "lr_scheduler",
    "scheduler",
    "rng",
    "scaler",
    "callbacks",
    "loops",
    "ema_optimizer",
    "args",
    "hyper_parameters",
)
_WRAPPERS = frozenset({"_rebuild_parameter", "_rebuild_parameter_with_state", "_rebuild_from_type_v2", "_rebuild_wrapper_subclass"})


@dataclass(frozen=True, slots=True)
class Storage:
    """A run of numbers: its key in the file, its type, bytes of one number and how many there are."""

    key: str
    dtype: str
    width: int
    count: int


@dataclass(slots=True)
class _Found:
    tensors: list[list[Any]] = field(default_factory=list)
    seen: dict[tuple[Any, ...], str] = field(default_factory=dict)
    storages: dict[str, Storage] = field(default_factory=dict)
    tied: int = 0


def read(file: File) -> dict[str, Any]:
    """Return `tensors` and `facts` (`form`, and how many names are `tied` to a tensor listed before). Raises `Unreadable`."""
    head = file.exactly(0, min(file.size, 4))
    sizes: dict[str, int] | None
    if head == b"PK\x03\x04":
        form, (value, sizes) = "zip", _archived(file)
    elif head[:1] == b"\x80":
        form, (value, sizes) = "legacy", _streamed(file)
    else:
        raise Unreadable("not_pytorch")
    found = _Found()
    _collect(found, _weights(value))
    if not found.tensors:
        raise Unreadable("no_tensors")
    _check(found, sizes, file.size)
    return {"tensors": found.tensors, "facts": {"form": form} | ({"tied": found.tied} if found.tied else {})}


def _archived(file: File) -> tuple[Any, dict[str, int]]:
    """Return what `data.pkl` builds and the sizes of the storages by key."""
    inside = members(file)
    pickle = next((member for member in inside if member.name.count("/") == 1 and member.name.endswith("/data.pkl")), None)
    if pickle is None:
        raise Unreadable("not_pytorch")
    folder = pickle.name.removesuffix("data.pkl") + "data/"
    sizes = {member.name.removeprefix(folder): member.size for member in inside if member.name.startswith(folder)}
    data = _contents(file, pickle)
    found = Machine(Source(data.open(), size=data.size, seekable=True), limits=_LIMITS).run()
    if found.broken:
        raise Unreadable("bad_pickle", why=found.broken)
    return found.value, sizes


def _contents(file: File, member: Member) -> File:
    """Return a member of the archive as a file: in place where it is stored, unpacked in memory where it is not."""
    if member.method == 0:
        return file.part(member.start, member.packed, member.name)
    if member.method != 8:
        raise Unreadable("unknown_compression")
    if member.size > MOST_PICKLE or member.packed > MOST_PICKLE:
        raise Unreadable("pickle_too_long")
    try:
        data = zlib.decompressobj(-15).decompress(file.exactly(member.start, member.start + member.packed), MOST_PICKLE)
    except zlib.error as error:
        raise Unreadable("bad_archive") from error
    return File(member.name, len(data), lambda start, end: data[start:end])


def _streamed(file: File) -> tuple[Any, None]:
    """Return what the fourth of five pickles builds; the sizes of storages stand only between their bytes."""
    machine = Machine(Source(file.open(), size=file.size, seekable=True), limits=_LIMITS)
    first = machine.run()
    if first.value != _MAGIC:
        # A plain pickle of tensors is not what torch.save writes, but a dictionary of arrays may be: it holds nothing we could list.
        raise Unreadable("bad_pickle", why=first.broken) if first.broken else Unreadable("not_pytorch")
    if machine.run().value != _PROTOCOL:
        raise Unreadable("unknown_version")
    machine.run()
    found = machine.run()
    if found.broken:
        raise Unreadable("bad_pickle", why=found.broken)
    return found.value, None


def _weights(value: Any) -> Any:
    """Return the part of a checkpoint that holds the weights."""
    for _ in range(3):
        pairs = _pairs(value)
        inner = next((found for name in _STATES if (found := pairs.get(name)) is not None and _pairs(found)), None)
        if inner is None:
            break
        value = inner
    return value


def _pairs(value: Any) -> dict[str, Any]:
    """Return the named parts of a dictionary, of an object's state or of a list."""
    if isinstance(value, Dict):
        pairs: Any = value.pairs
    elif isinstance(value, Call):
        pairs = value.pairs or next((first for first in _arguments(value) if isinstance(first, list)), [])
        pairs = [pair for pair in pairs if isinstance(pair, list | tuple) and len(pair) == 2]
        if not pairs and (state := _state(value)) is not value:
            return _pairs(state)
    elif isinstance(value, list | tuple):
        pairs = enumerate(value)
    else:
        return {}
    return {str(name): part for name, part in pairs if isinstance(name, str | int)}


def _state(value: Call) -> Any:
    if isinstance(value.state, Dict):
        return value.state
    if isinstance(value.state, tuple):
        return next((part for part in value.state if isinstance(part, Dict)), value)
    return value


def _arguments(value: Call) -> tuple[Any, ...]:
    return value.args if isinstance(value.args, tuple) else ()


def _collect(found: _Found, value: Any) -> None:
    """Gather tensors under their dotted names; each object is walked once, so cycles end."""
    walked: set[int] = set()
    pending: list[tuple[str, Any, int]] = [("", value, 0)]
    while pending:
        name, one, depth = pending.pop()
        if isinstance(one, Call) and _is_tensor(one):
            _add(found, name, one)
            continue
        if id(one) in walked or depth > DEEPEST:
            continue
        walked.add(id(one))
        children = [(_joined(name, key), part, depth + 1) for key, part in _pairs(one).items() if depth or not _beside(key, part)]
        pending += reversed([child for child in children if isinstance(child[1], Call | Dict | list | tuple)])


def _beside(key: str, part: Any) -> bool:
    """Whether this is what training scripts keep beside the weights; a tensor of such a name is a weight."""
    return not (isinstance(part, Call) and _is_tensor(part)) and (key == "opt" or key.lower().startswith(_BESIDE))


def _joined(name: str, key: str) -> str:
    # Modules that were saved whole keep their parameters in private dictionaries.
    if key in ("_parameters", "_buffers", "_modules"):
        return name
    return f"{name}.{key}"[:1_000] if name else key[:1_000]


def _is_tensor(value: Call) -> bool:
    return isinstance(value.function, Global) and value.function.module in ("torch._utils", "torch._tensor") and _known(value.function.name)


def _known(name: str | None) -> bool:
    return name is not None and (
        (name.startswith("_rebuild_") and name.endswith(("tensor", "tensor_v2", "tensor_v3"))) or name in _WRAPPERS
    )


def _add(found: _Found, name: str, call: Call) -> None:
    if len(found.tensors) >= MOST_TENSORS:
        raise Unreadable("too_many_tensors")
    for storage, offset, shape, stride in _rebuilt(call, 0):
        place = (storage.key, offset, shape)
        if place in found.seen:
            found.tied += 1
            return
        reach = 1 + offset + sum((length - 1) * step for length, step in zip(shape, stride, strict=False)) if prod(shape) else 0
        if reach > storage.count:
            raise Unreadable("size_mismatch")
        found.seen[place] = name
        found.storages[storage.key] = storage
        found.tensors.append([name, storage.dtype, list(shape), prod(shape) * storage.width])


def _rebuilt(call: Call, depth: int) -> Iterator[tuple[Storage, int, tuple[int, ...], tuple[int, ...]]]:
    """Yield the storage, offset, shape and stride of the tensor that a call builds; nothing where it has none of its own."""
    name = call.function.name if isinstance(call.function, Global) else ""
    args = _arguments(call)
    if name in _WRAPPERS:
        inner = next((part for part in _flat(args) if isinstance(part, Call) and _is_tensor(part)), None)
        if inner is None and len(args) > 2 and isinstance(args[2], tuple):
            # `_rebuild_from_type_v2(function, type, arguments, state)`
            inner = Call(args[0], args[2]) if isinstance(args[0], Global) and _known(args[0].name) else None
        if inner is not None and depth < DEEPEST:
            yield from _rebuilt(inner, depth + 1)
        return
    match args:
        case [Persistent(id=identity), int(offset), tuple(shape), tuple(stride), *rest]:
            storage = _storage(identity)
        case _:
            return
    if name == "_rebuild_tensor_v3" and (dtype := next((_dtype(part) for part in rest if isinstance(part, Global)), None)):
        storage = Storage(storage.key, *dtype, storage.count * storage.width // dtype[1])
    lengths = (*shape, *stride, offset)
    if len(shape) > MOST_DIMENSIONS or len(shape) != len(stride) or not all(type(one) is int and 0 <= one < 2**48 for one in lengths):
        raise Unreadable("bad_shape")
    if _expanded(shape, stride) and prod(shape) > max(storage.count, 1):
        # The same numbers seen several times, as `expand` does: they are stored once.
        shape = tuple(length if step else 1 for length, step in zip(shape, stride, strict=True))
    yield storage, offset, shape, stride


def _expanded(shape: tuple[int, ...], stride: tuple[int, ...]) -> bool:
    return any(length > 1 and step == 0 for length, step in zip(shape, stride, strict=True))


def _flat(args: tuple[Any, ...]) -> Iterator[Any]:
    for part in args:
        yield part
        if isinstance(part, tuple):
            yield from part


def _storage(identity: Any) -> Storage:
    match identity:
        case ("storage", Global(name=str(kind)), str(key) | int(key), _, int(count), *_) if type(count) is int and 0 <= count < 2**48:
            dtype, width = _STORAGES.get(kind) or _DTYPES.get(kind) or ("U8", 1)
            return Storage(str(key), dtype, width, count)
        case _:
            raise Unreadable("bad_storage")


def _dtype(name: Global) -> tuple[str, int] | None:
    return _DTYPES.get(name.name or "") if name.module == "torch" else None


def _check(found: _Found, sizes: dict[str, int] | None, size: int) -> None:
    """Refuse storages that hold fewer bytes than their tensors want."""
    total = 0
    for key, storage in found.storages.items():
        wanted = storage.count * storage.width
        total += wanted
        if sizes is not None and sizes.get(key, -1) < wanted:
            raise Unreadable("storage_missing" if key not in sizes else "size_mismatch")
    if total > size:
        raise Unreadable("truncated", at=size)

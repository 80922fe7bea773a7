"""Files made to get past a scan of pickles, and harmless ones that must pass it; built by hand, opcode by opcode.

Nothing here is ever unpickled. What the files name is harmless all the same: `os.getenv` stands for whatever an attacker would call.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

STOP = b"."
EVIL = ("os", "getenv")


@dataclass(frozen=True)
class Case:
    """One file, the verdict that it deserves, and the code of the finding that must be among the reasons (none for harmless ones).

    `walked`: an archive, which the scan of files opens, not the scan of pickles.
    """

    name: str
    path: str
    data: bytes
    verdict: str
    code: str = ""
    walked: bool = False


ADVERSARIAL: list[Case] = []
BENIGN: list[Case] = []


def kind(
    code: str, path: str = "model.pkl", *, verdict: str = "dangerous", walked: bool = False
) -> Callable[[Callable[[], bytes]], Callable[[], bytes]]:
    """Register a builder under its name."""

    def register(build: Callable[[], bytes]) -> Callable[[], bytes]:
        ADVERSARIAL.append(Case(build.__name__, path, build(), verdict, code, walked))
        return build

    return register


def harmless(path: str = "model.pkl", *, walked: bool = False) -> Callable[[Callable[[], bytes]], Callable[[], bytes]]:
    """Register a builder of a file that must count as safe."""

    def register(build: Callable[[], bytes]) -> Callable[[], bytes]:
        BENIGN.append(Case(build.__name__, path, build(), "safe", "", walked))
        return build

    return register


# An assembler: each function gives the opcodes that push one value.


def name(module: str, attribute: str) -> bytes:
    """GLOBAL."""
    return f"c{module}\n{attribute}\n".encode()


def text(value: str) -> bytes:
    """SHORT_BINUNICODE, or BINUNICODE where it is longer."""
    data = value.encode("utf-8", "surrogatepass")
    return b"\x8c" + bytes([len(data)]) + data if len(data) < 256 else b"X" + struct.pack("<I", len(data)) + data


def stacked_name(module: str, attribute: str) -> bytes:
    """STACK_GLOBAL with its two texts."""
    return text(module) + text(attribute) + b"\x93"


def number(value: int) -> bytes:
    """BININT, or LONG1 where it is wider."""
    if -(1 << 31) <= value < 1 << 31:
        return b"J" + struct.pack("<i", value)
    data = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
    return b"\x8a" + bytes([len(data)]) + data


def blob(data: bytes) -> bytes:
    """BINBYTES."""
    return b"B" + struct.pack("<I", len(data)) + data


def group(*items: bytes) -> bytes:
    """TUPLE."""
    return b"(" + b"".join(items) + b"t"


def call(function: bytes, *arguments: bytes) -> bytes:
    """REDUCE."""
    return function + group(*arguments) + b"R"


def mapping(*pairs: tuple[bytes, bytes]) -> bytes:
    """A dictionary filled by SETITEMS."""
    return b"}(" + b"".join(key + value for key, value in pairs) + b"u"


def pickled(body: bytes, protocol: int = 4) -> bytes:
    """PROTO (from protocol 2 on), the value and STOP."""
    return (b"\x80" + bytes([protocol]) if protocol > 1 else b"") + body + STOP


def evil(protocol: int = 2) -> bytes:
    """A pickle that calls what it should not."""
    return pickled(call(name(*EVIL), text("HOME")), protocol)


def ordered(*pairs: tuple[bytes, bytes]) -> bytes:
    """An OrderedDict."""
    made = name("collections", "OrderedDict") + b")R"
    return made + b"(" + b"".join(key + value for key, value in pairs) + b"u" if pairs else made


def tensor(key: str, *shape: int, kind: str = "FloatStorage") -> bytes:
    """A tensor as `torch.save` writes it: its storage by identity."""
    count, strides = 1, []
    for side in reversed(shape):
        strides.insert(0, count)
        count *= side
    storage = group(text("storage"), name("torch", kind), text(key), text("cpu"), number(count)) + b"Q"
    sizes = group(*map(number, shape)), group(*map(number, strides))
    return call(name("torch._utils", "_rebuild_tensor_v2"), storage, number(0), *sizes, b"\x89", ordered())


def state_dict(protocol: int = 2) -> bytes:
    """The pickle of a small model's weights."""
    return pickled(ordered((text("fc.weight"), tensor("0", 2, 3)), (text("fc.bias"), tensor("1", 2))), protocol)


def legacy(body: bytes, *, magic: bytes | None = None, system: bytes | None = None, keys: bytes = b"](X\1\0\0\0" + b"0e") -> bytes:
    """A file as `torch.save` wrote it before it wrote archives: five pickles, then the storages."""
    facts = mapping((text("protocol_version"), number(1001)), (text("little_endian"), b"\x88"))
    parts = [
        magic or pickled(number(0x1950A86A20F9469CFC6C), 2),
        pickled(number(1001), 2),
        system or pickled(facts, 2),
        body,
        pickled(keys, 2),
    ]
    return b"".join(parts) + struct.pack("<q6f", 6, *range(6))


def dtype(code: str, order: str = "<", flags: int = 0, size: int = -1) -> bytes:
    """A `numpy.dtype` with its state."""
    state = group(number(3), text(order), b"NNN", number(size), number(size), number(flags))
    return call(name("numpy", "dtype"), text(code), b"\x89", b"\x88") + state + b"b"


def wrapper(code: str = "f8", shape: bytes | None = None, *, flags: int = 0, extra: tuple[tuple[bytes, bytes], ...] = ()) -> bytes:
    """The object after which joblib writes a raw array of two numbers."""
    state = (
        (text("subclass"), name("numpy", "ndarray")),
        (text("shape"), shape or group(number(2))),
        (text("order"), text("C")),
        (text("dtype"), dtype(code, "|" if code == "O8" else "<", flags)),
        (text("allow_mmap"), b"\x88"),
        (text("numpy_array_alignment_bytes"), number(16)),
        *extra,
    )
    return name("joblib.numpy_pickle", "NumpyArrayWrapper") + b")\x81" + mapping(*state) + b"b"


def aligned(data: bytes, padding: int = 3) -> bytes:
    """Raw numbers as joblib writes them: the length of the padding, the padding, the numbers."""
    return bytes([padding]) + b"\xff" * padding + data


def npy(descr: Any, data: bytes, shape: tuple[int, ...] = (2,), *, version: int = 1) -> bytes:
    """A `.npy` file."""
    head = repr({"descr": descr, "fortran_order": False, "shape": shape}).encode() + b"\n"
    return b"\x93NUMPY" + bytes([version, 0]) + struct.pack("<H" if version == 1 else "<I", len(head)) + head + data

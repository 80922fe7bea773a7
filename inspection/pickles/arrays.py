"""Arrays beside pickles: the header of `.npy`, and the raw arrays that joblib writes between the opcodes.

Formats: `numpy/lib/format.py` (versions 1.0 to 3.0) and `joblib/numpy_pickle.py` (`NumpyArrayWrapper.read_array`).
"""

import ast
import math
import re
from typing import Any, BinaryIO, Final

from inspection.files import Unreadable
from inspection.pickles.machine import Machine
from inspection.pickles.state import Broken
from inspection.pickles.values import Call, Dict, Global, Unknown, is_one_of

NPY_MAGIC: Final = b"\x93NUMPY"
LONGEST_HEADER: Final = 1 << 16
DEEPEST_TYPE: Final = 8

_PLAIN: Final = re.compile(r"[<>=|]?(?:([biufcmM])(\d{1,2})(?:\[\w{1,12}\])?|([SVaU])(\d{1,12})|(\?))")
WRAPPERS: Final = {Global(module, "NumpyArrayWrapper") for module in ("joblib.numpy_pickle", "sklearn.externals.joblib.numpy_pickle")}
_WRAPPED: Final = {Global("numpy", name) for name in ("ndarray", "matrix", "memmap")} | {
    Global(f"numpy.{core}.memmap", "memmap") for core in ("core", "_core")
}
_ATTRIBUTES: Final = {"subclass", "shape", "order", "dtype", "allow_mmap", "numpy_array_alignment_bytes"}


def width(descr: Any, depth: int = 0) -> int | None:
    """Return the bytes of one item of the type that `descr` of a `.npy` header names; None where it holds objects or is not understood."""
    if depth > DEEPEST_TYPE:
        return None
    if isinstance(descr, str):
        return _width_of(descr)
    if isinstance(descr, tuple) and len(descr) == 2:
        inner, count = width(descr[0], depth + 1), _count(descr[1])
        return None if inner is None or count is None else inner * count
    if isinstance(descr, list) and descr:
        sizes = [_field(field, depth) for field in descr]
        return None if None in sizes else sum(size for size in sizes if size is not None)
    return None


def _width_of(code: str) -> int | None:
    found = _PLAIN.fullmatch(code)
    if found is None:
        return None
    if found[1]:
        return int(found[2])
    if found[3]:
        return int(found[4]) * (4 if found[3] == "U" else 1)
    return 1


def _field(field: Any, depth: int) -> int | None:
    if not isinstance(field, tuple) or len(field) not in (2, 3):
        return None
    inner, count = width(field[1], depth + 1), _count(field[2]) if len(field) == 3 else 1
    return None if inner is None or count is None else inner * count


def _count(shape: Any) -> int | None:
    """Return how many items an array of this shape has."""
    sides = shape if isinstance(shape, tuple) else (shape,)
    if len(sides) > 64 or not all(type(side) is int and 0 <= side < 1 << 62 for side in sides):
        return None
    return math.prod(sides)


def npy_header(stream: BinaryIO) -> tuple[int, int | None]:
    """Read a `.npy` header, leaving the stream behind it; return its length and that of the raw data, None where a pickle follows.

    Raises `Unreadable` (`npy_header`) for one that NumPy would not read either.
    """
    start = stream.read(12)
    if not start.startswith(NPY_MAGIC) or len(start) < 12 or start[6] not in (1, 2, 3):
        raise Unreadable("npy_header")
    wide = start[6] > 1
    length = int.from_bytes(start[8:12] if wide else start[8:10], "little")
    if not 2 <= length <= LONGEST_HEADER:
        raise Unreadable("npy_header", length=length)
    text = (b"" if wide else start[10:12]) + stream.read(length - (0 if wide else 2))
    if len(text) != length:
        raise Unreadable("npy_header", length=length)
    try:
        header = ast.literal_eval(text.decode("utf-8" if start[6] == 3 else "latin-1").strip())
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError) as error:
        raise Unreadable("npy_header") from error
    if not isinstance(header, dict) or set(header) != {"descr", "fortran_order", "shape"} or not isinstance(header["shape"], tuple):
        raise Unreadable("npy_header")
    items, size = _count(header["shape"]), width(header["descr"])
    if items is None:
        raise Unreadable("npy_header")
    return length + (12 if wide else 10), None if size is None else items * size


def skip_array(machine: Any, built: Call) -> None:
    """Step over the raw array that joblib's loader reads where the wrapper `built` has got its state.

    A shape or type that is not spelled out makes the rest of the stream unreadable (`joblib_array`), so that no opcode hides in what is
    stepped over.
    """
    rebuilt = isinstance(built.args, tuple) and len(built.args) > 0 and is_one_of(built.args[0], WRAPPERS)
    if not rebuilt and not is_one_of(built.function, WRAPPERS):
        return
    assert isinstance(machine, Machine)
    state = built.state
    if not isinstance(state, Dict) or not all(isinstance(key, str) and key in _ATTRIBUTES for key, _ in state.pairs):
        raise Unreadable("joblib_array")
    if not is_one_of(state.get("subclass"), _WRAPPED):
        raise Unreadable("joblib_array")
    items = _count(state.get("shape")) if isinstance(state.get("shape"), tuple) else None
    code = _dtype(state.get("dtype"))
    alignment = state.get("numpy_array_alignment_bytes")
    if items is None or code is None or not (alignment is None or type(alignment) is int) or machine.framed > machine.source.position():
        raise Unreadable("joblib_array")
    machine.frame.pickle.arrays += 1
    if code == "O":
        machine.nested()
    else:
        size = _width_of(code)
        if size is None:
            raise Unreadable("joblib_array")
        if alignment is not None:
            machine.source.skip(machine.source.take(1)[0])
        if machine.source.size is not None and items * size > machine.source.size:
            raise Broken("truncated")
        machine.source.skip(items * size)
    machine.frame.stack[-1] = Unknown("array")


def _dtype(value: Any, depth: int = 0) -> str | None:
    """Return the type code of a pickled `numpy.dtype`, "O" where it holds objects.

    None where it is not spelled out or contradicts itself.
    """
    if not isinstance(value, Call) or value.function != Global("numpy", "dtype") or value.pairs or value.appended or depth > DEEPEST_TYPE:
        return None
    args, state = value.args, value.state
    if not isinstance(args, tuple) or not args or not isinstance(args[0], str) or not isinstance(state, tuple) or len(state) not in (8, 9):
        return None
    code, inner, fields, items, size, flags = args[0], state[2], state[3], state[4], state[5], state[7]
    parts: list[Any] = []
    if inner is not None:
        if not isinstance(inner, tuple) or len(inner) != 2 or _count(inner[1]) is None:
            return None
        parts.append(inner[0])
    if fields is not None or items is not None:
        if not isinstance(fields, tuple) or not isinstance(items, Dict) or len(items.pairs) != len(fields):
            return None
        parts += [pair[1][0] if isinstance(pair[1], tuple) and pair[1] else None for pair in items.pairs]
    codes = [_dtype(part, depth + 1) for part in parts]
    width = 0 if code in ("O", "O8") else _width_of(code)
    # The state's own width counts for texts, raw bytes and records, and its flags say whether a pickle follows: both must agree with
    # the code.
    if None in codes or width is None or (code[0] in "SVaU" and size != width) or (parts and code[0] != "V"):
        return None
    objects = code in ("O", "O8") or "O" in codes
    if type(flags) is not int or not 0 <= flags < 256 or flags & 1 != objects:
        return None
    return "O" if objects else code

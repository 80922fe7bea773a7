"""What each opcode of a pickle does to a machine's state; the commonest are also in the machine's loop.

Source: CPython's `Lib/pickletools.py` and `Lib/pickle.py`. Arguments are little-endian unless said otherwise.
"""

import codecs
import struct
from collections.abc import Callable
from typing import Any, Final, TypeVar

from inspection.pickles.source import LONGEST_LINE_KEPT
from inspection.pickles.state import KEPT_SHORT, KEPT_TEXT, Broken, State
from inspection.pickles.values import Bytes, Call, Dict, Global, Persistent, Set, Text, Unknown, is_one_of

HIGHEST_PROTOCOL: Final = 5
KEPT_NUMBER: Final = 64
# Attributes that decide what later opcodes of the same pickle call.
_HOOKS: Final = frozenset(
    "__class__ __code__ __getattr__ __globals__ __init__ __new__ __reduce__ __reduce_ex__ __setstate__ add append extend read".split()
)
_DICTIONARIES: Final = frozenset(
    {Global("builtins", "dict"), Global("__builtin__", "dict")}
    | {Global("collections", name) for name in ("Counter", "OrderedDict", "defaultdict")}
    | {Global(module, "_reconstructor") for module in ("copyreg", "copy_reg")}
)

Handler = Callable[[Any], None]
Function = TypeVar("Function", bound=Handler)


def _unknown(state: State) -> None:
    raise Broken("unknown_opcode")


HANDLERS: Final[list[Handler]] = [_unknown] * 256


def _opcode(code: int) -> Callable[[Function], Function]:
    def register(function: Function) -> Function:
        HANDLERS[code] = function
        return function

    return register


def _push(code: int, make: Callable[[], Any]) -> None:
    HANDLERS[code] = lambda state: state.frame.stack.append(make())


_push(0x4E, lambda: None)  # NONE
_push(0x88, lambda: True)  # NEWTRUE
_push(0x89, lambda: False)  # NEWFALSE
_push(0x5D, list)  # EMPTY_LIST
_push(0x29, tuple)  # EMPTY_TUPLE
_push(0x7D, Dict)  # EMPTY_DICT
_push(0x8F, Set)  # EMPTY_SET
_push(0x97, lambda: Unknown("buffer"))  # NEXT_BUFFER


def _size(state: State, width: int) -> int:
    return int.from_bytes(state.source.take(width), "little")


def _line(state: State) -> bytes:
    data, length = state.source.line()
    if length > LONGEST_LINE_KEPT:
        raise Broken("line_too_long")
    return data


# Numbers


@_opcode(0x49)
def _int(state: State) -> None:
    data = _line(state)
    state.frame.stack.append({b"00": False, b"01": True}.get(data) if data in (b"00", b"01") else int(data, 0))


@_opcode(0x4C)
def _long(state: State) -> None:
    data, length = state.source.line()
    state.frame.stack.append(int(data.removesuffix(b"L") or b"0", 0) if length <= KEPT_NUMBER * 2 else Unknown("number"))


@_opcode(0x46)
def _float(state: State) -> None:
    state.frame.stack.append(float(_line(state)))


def _number(state: State, size: int) -> None:
    if size < 0:
        raise Broken("negative_length")
    data = state.source.payload(size, KEPT_NUMBER)
    state.frame.stack.append(int.from_bytes(data, "little", signed=True) if size <= KEPT_NUMBER else Unknown("number"))


HANDLERS[0x4A] = lambda state: state.frame.stack.append(struct.unpack("<i", state.source.take(4))[0])  # BININT
HANDLERS[0x4D] = lambda state: state.frame.stack.append(_size(state, 2))  # BININT2
HANDLERS[0x47] = lambda state: state.frame.stack.append(struct.unpack(">d", state.source.take(8))[0])  # BINFLOAT
HANDLERS[0x8A] = lambda state: _number(state, _size(state, 1))  # LONG1
HANDLERS[0x8B] = lambda state: _number(state, struct.unpack("<i", state.source.take(4))[0])  # LONG4

# Texts and bytes


def _unicode(state: State, size: int) -> None:
    state.frame.stack.append(state.text(state.source.payload(size, KEPT_TEXT), size))


def _bytes(state: State, size: int) -> None:
    at = state.source.position()
    state.frame.stack.append(Bytes(size, state.source.payload(size, KEPT_SHORT), at))


def _string(state: State, size: int) -> None:
    """A string of Python 2: Python 3 reads it as ASCII unless told otherwise; here every byte stands for itself."""
    if size < 0:
        raise Broken("negative_length")
    state.frame.stack.append(state.text(state.source.payload(size, KEPT_TEXT), size, "latin-1", "strict"))


HANDLERS[0x8C] = lambda state: _unicode(state, _size(state, 1))  # SHORT_BINUNICODE
HANDLERS[0x58] = lambda state: _unicode(state, _size(state, 4))  # BINUNICODE
HANDLERS[0x8D] = lambda state: _unicode(state, _size(state, 8))  # BINUNICODE8
HANDLERS[0x43] = lambda state: _bytes(state, _size(state, 1))  # SHORT_BINBYTES
HANDLERS[0x42] = lambda state: _bytes(state, _size(state, 4))  # BINBYTES
HANDLERS[0x8E] = lambda state: _bytes(state, _size(state, 8))  # BINBYTES8
HANDLERS[0x96] = lambda state: _bytes(state, _size(state, 8))  # BYTEARRAY8
HANDLERS[0x55] = lambda state: _string(state, _size(state, 1))  # SHORT_BINSTRING
HANDLERS[0x54] = lambda state: _string(state, struct.unpack("<i", state.source.take(4))[0])  # BINSTRING


@_opcode(0x53)
def _quoted(state: State) -> None:
    """STRING: a literal of Python 2 with its quotes and escapes."""
    data, length = state.source.line()
    if length > LONGEST_LINE_KEPT:
        state.frame.stack.append(Text(length, data[:KEPT_SHORT].decode("latin-1")))
        return
    data = data.strip()
    if len(data) < 2 or data[0] != data[-1] or data[:1] not in (b"'", b'"'):
        raise Broken("invalid")
    plain = codecs.escape_decode(data[1:-1])[0]
    state.frame.stack.append(state.text(plain, len(plain), "latin-1", "strict"))


@_opcode(0x56)
def _escaped(state: State) -> None:
    r"""UNICODE: a line in which `\uXXXX` stands for a character."""
    data, length = state.source.line()
    state.frame.stack.append(state.text(data, length, "raw-unicode-escape", "strict"))


# Containers


@_opcode(0x61)
def _append(state: State) -> None:
    value = state.frame.stack.pop()
    _extend(state, [value])


@_opcode(0x65)
def _appends(state: State) -> None:
    _extend(state, state.pop_mark())


@_opcode(0x90)
def _add(state: State) -> None:
    _extend(state, state.pop_mark())


def _extend(state: State, items: list[Any]) -> None:
    """Put items into what lies on top; whatever cannot hold any is left as it is: a real unpickler stops or calls a method of it."""
    into = state.frame.stack[-1]
    if isinstance(into, list):
        into += state.keep((), items)
    elif isinstance(into, Set):
        into.members = state.keep(into.members, items)
    elif isinstance(into, Call):
        into.appended = state.keep(into.appended, items)
    elif isinstance(into, Global):
        state.odd("fills_global", target=str(into))


def _pairs(items: list[Any]) -> list[tuple[Any, Any]]:
    return list(zip(items[::2], items[1::2], strict=True))


def _set(state: State, pairs: list[tuple[Any, Any]]) -> None:
    into = state.frame.stack[-1]
    if isinstance(into, (Dict, Call)):
        into.pairs = state.keep(into.pairs, pairs)
    elif isinstance(into, Global):
        state.odd("fills_global", target=str(into))


@_opcode(0x73)
def _setitem(state: State) -> None:
    value, key = state.frame.stack.pop(), state.frame.stack.pop()
    _set(state, [(key, value)])


HANDLERS[0x75] = lambda state: _set(state, _pairs(state.pop_mark()))  # SETITEMS


@_opcode(0x6C)
def _list(state: State) -> None:
    made = list(state.keep((), state.pop_mark()))
    state.frame.stack.append(made)


@_opcode(0x64)
def _dict(state: State) -> None:
    made = Dict(state.keep((), _pairs(state.pop_mark())))
    state.frame.stack.append(made)


@_opcode(0x91)
def _frozenset(state: State) -> None:
    made = Set(state.keep((), state.pop_mark()))
    state.frame.stack.append(made)


@_opcode(0x74)
def _tuple(state: State) -> None:
    items = state.pop_mark()
    state.frame.stack.append(tuple(items))


def _last(count: int) -> Handler:
    def handle(state: State) -> None:
        stack = state.frame.stack
        if len(stack) < count:
            raise Broken("empty_stack")
        stack[-count:] = [tuple(stack[-count:])]

    return handle


HANDLERS[0x85] = _last(1)  # TUPLE1
HANDLERS[0x86] = _last(2)  # TUPLE2
HANDLERS[0x87] = _last(3)  # TUPLE3

# Stack and memo


@_opcode(0x30)
def _pop(state: State) -> None:
    if state.frame.stack:
        state.frame.stack.pop()
    else:
        state.pop_mark()


HANDLERS[0x32] = lambda state: state.frame.stack.append(state.frame.stack[-1])  # DUP
HANDLERS[0x31] = lambda state: state.pop_mark()  # POP_MARK
HANDLERS[0x67] = lambda state: state.frame.stack.append(state.frame.memo[int(_line(state))])  # GET
HANDLERS[0x6A] = lambda state: state.frame.stack.append(state.frame.memo[_size(state, 4)])  # LONG_BINGET


def _memoise(state: State, index: int) -> None:
    if index < 0:
        raise Broken("negative_memo")
    state.frame.memo[index] = state.frame.stack[-1]


HANDLERS[0x70] = lambda state: _memoise(state, int(_line(state)))  # PUT
HANDLERS[0x72] = lambda state: _memoise(state, _size(state, 4))  # LONG_BINPUT

# Names and calls


def _named(state: State, how: str) -> Global:
    module, name = _line(state), _line(state)
    return state.name(module.decode(), name.decode(), how)


HANDLERS[0x63] = lambda state: state.frame.stack.append(_named(state, "GLOBAL"))


@_opcode(0x93)
def _stack_global(state: State) -> None:
    name, module = state.frame.stack.pop(), state.frame.stack.pop()
    state.frame.stack.append(state.name(module, name, "STACK_GLOBAL"))


def _extension(width: int) -> Handler:
    def handle(state: State) -> None:
        state.odd("extension_code", number=_size(state, width))
        state.frame.stack.append(state.name(None, None, "EXT"))

    return handle


HANDLERS[0x82], HANDLERS[0x83], HANDLERS[0x84] = _extension(1), _extension(2), _extension(4)


@_opcode(0x52)
def _reduce(state: State) -> None:
    args = state.frame.stack.pop()
    state.frame.stack[-1] = state.call(state.frame.stack[-1], args, None, "REDUCE")


@_opcode(0x81)
def _newobj(state: State) -> None:
    args = state.frame.stack.pop()
    state.frame.stack[-1] = state.call(state.frame.stack[-1], args, None, "NEWOBJ")


@_opcode(0x92)
def _newobj_ex(state: State) -> None:
    kwargs, args = state.frame.stack.pop(), state.frame.stack.pop()
    state.frame.stack[-1] = state.call(state.frame.stack[-1], args, kwargs, "NEWOBJ_EX")


@_opcode(0x6F)
def _obj(state: State) -> None:
    items = state.pop_mark()
    if not items:
        raise Broken("empty_stack")
    state.frame.stack.append(state.call(items[0], tuple(items[1:]), None, "OBJ"))


@_opcode(0x69)
def _inst(state: State) -> None:
    target = _named(state, "INST")
    items = state.pop_mark()
    state.frame.stack.append(state.call(target, tuple(items), None, "INST"))


@_opcode(0x62)
def _build(state: State) -> None:
    """BUILD: calls `__setstate__` of what lies below, else fills its `__dict__`, else sets attributes from the second of a pair."""
    change = state.frame.stack.pop()
    target = state.frame.stack[-1]
    if not isinstance(target, Call):
        if isinstance(target, Global):
            state.odd("builds_on_global", target=str(target))
        else:
            state.odd("builds_on_value", kind=type(target).__name__)
        return
    for part in change if isinstance(change, tuple) and len(change) == 2 else (change,):
        _check_state(state, part)
    target.state = change
    if state.on_built:
        state.on_built(state, target)


def _check_state(state: State, part: Any) -> None:
    """Note attributes that a later opcode would call, and dictionaries whose contents come out of a call."""
    if isinstance(part, Call) and is_one_of(part.function, _DICTIONARIES):
        if not isinstance(part.args, tuple) or any(not isinstance(value, Global) for value in part.args):
            state.odd("computed_state")
    if isinstance(part, (Dict, Call)) and (hooks := sorted({name for name, _ in part.pairs if isinstance(name, str) and name in _HOOKS})):
        state.odd("sets_hook", names=hooks)


# Objects by identity, frames


HANDLERS[0x50] = lambda state: state.frame.stack.append(Persistent(_line(state).decode("latin-1")))  # PERSID


@_opcode(0x51)
def _binpersid(state: State) -> None:
    state.frame.stack[-1] = Persistent(state.frame.stack[-1])


@_opcode(0x80)
def _proto(state: State) -> None:
    protocol = _size(state, 1)
    if protocol > HIGHEST_PROTOCOL:
        state.odd("unknown_protocol", protocol=protocol)
    state.frame.pickle.protocol = max(state.frame.pickle.protocol, protocol)


@_opcode(0x95)
def _frame(state: State) -> None:
    """FRAME: so many bytes are read ahead. The unpickler in Python does not mind a frame that is longer than the file."""
    state.framed = _size(state, 8) + state.source.position()


HANDLERS[0x98] = lambda state: None  # READONLY_BUFFER

"""What a pickle would build, said in symbols: nothing here is imported, called or kept beyond a bound."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Global:
    """A name that the unpickler looks up in a module, importing it. `None` where the stream does not spell the name out."""

    module: str | None
    name: str | None

    def __str__(self) -> str:
        return f"{self.module or '?'}.{self.name or '?'}"


def is_one_of(value: Any, names: AbstractSet[Global]) -> bool:
    """Whether a value is one of these globals. Other values are not hashed: a tuple that holds itself twice, sixty deep, takes years."""
    return isinstance(value, Global) and value in names


@dataclass(slots=True, eq=False)
class Call:
    """What a call returns: `function(*args, **kwargs)`, then `state` set on it, `appended` and `pairs` put into it.

    `how` is the opcode: REDUCE, NEWOBJ, NEWOBJ_EX, OBJ or INST.
    """

    function: Any
    args: Any
    kwargs: Any = None
    state: Any = None
    how: str = "REDUCE"
    appended: Sequence[Any] = ()
    pairs: Sequence[tuple[Any, Any]] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Persistent:
    """An object that the loader finds by its identity: a tuple in archives of PyTorch, a line of text in protocol 0."""

    id: Any


@dataclass(frozen=True, slots=True)
class Bytes:
    """`bytes` or `bytearray`: its length, its first few, and the offset in the stream where they begin."""

    size: int
    head: bytes = b""
    at: int = 0


@dataclass(frozen=True, slots=True)
class Text:
    """A string too long to keep: its length in bytes and its beginning."""

    size: int
    head: str = ""


@dataclass(slots=True, eq=False)
class Dict:
    """A dictionary as its pairs in order; keys may be of any kind, so they are not hashed."""

    pairs: Sequence[tuple[Any, Any]] = ()

    def get(self, key: str) -> Any:
        """Return the last value under this text, or None."""
        return next((value for name, value in reversed(self.pairs) if isinstance(name, str) and name == key), None)


@dataclass(slots=True, eq=False)
class Set:
    """A set or frozenset as its members in order."""

    members: Sequence[Any] = ()


@dataclass(frozen=True, slots=True)
class Unknown:
    """A value that the stream does not spell out: a buffer from outside, a number beyond the bound, an extension code's object."""

    why: str


@dataclass(frozen=True, slots=True)
class Reference:
    """A global at its first mention: the offset in the stream and the opcode that named it (GLOBAL, STACK_GLOBAL, INST, EXT)."""

    target: Global
    at: int
    how: str


@dataclass(frozen=True, slots=True)
class Oddity:
    """Something that no pickler writes but an unpickler obeys; `code` is a stable word, `facts` plain values."""

    code: str
    at: int
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Pickle:
    """One pickle of a stream: what it builds, whom it names, whom it calls, and where it lies in the stream.

    `broken` says why it could not be followed to its STOP, else None. What stands before the break has been executed by
    then, so `references` and `called` count either way; `value` is None for a broken one.
    `nested` are the bytes that a loader of its own reads another pickle from, `Unknown` where the stream does not spell them out.
    `arrays`: raw arrays stand between its opcodes.
    `trimmed`: more items than are kept; the rest was read and judged, and left out of `value`.
    """

    start: int
    end: int = 0
    protocol: int = 0
    opcodes: int = 0
    value: Any = None
    references: list[Reference] = field(default_factory=list)
    called: set[Global] = field(default_factory=set)
    oddities: list[Oddity] = field(default_factory=list)
    nested: list[Bytes | Unknown] = field(default_factory=list)
    arrays: int = 0
    broken: str | None = None
    trimmed: bool = False

"""The stack, the marks, the memo and the notes of a pickle machine, and the bounds on them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from inspection.files import Unreadable
from inspection.pickles.source import Source
from inspection.pickles.values import Bytes, Call, Global, Oddity, Pickle, Reference, Text, Unknown

COUNT_EVERY: Final = 1 << 14
KEPT_TEXT: Final = 1024
KEPT_SHORT: Final = 64
# PyTorch puts a tensor into a plain pickle as bytes that this function loads, which is another unpickler.
NESTED_LOADER: Final = Global("torch.storage", "_load_from_bytes")


class Broken(Exception):
    """The stream cannot be followed further; the argument is a stable word."""


@dataclass(frozen=True)
class Limits:
    """Bounds of one stream; beyond them `Unreadable` is raised (`pickle_opcodes`, `pickle_stack`, `pickle_memo`, `pickle_globals`,
    `pickle_depth`), with the `limit` as its fact.

    `kept` items of containers are kept in all, the others are read and left out; beyond `text` bytes in all only short texts are kept.
    """

    opcodes: int = 20_000_000
    stack: int = 500_000
    marks: int = 50_000
    memo: int = 1_500_000
    kept: int = 1_000_000
    text: int = 64 << 20
    references: int = 20_000
    oddities: int = 100
    depth: int = 8


@dataclass
class Frame:
    """What one pickle has on its stack and in its memo; `marks` are the parts of the stack below each open MARK."""

    pickle: Pickle
    stack: list[Any]
    marks: list[list[Any]]
    memo: dict[int, Any]
    named: set[Global]
    below: int = 0


class State:
    """What the opcodes work on. `on_built(state, call)` is asked after each BUILD, for loaders that read on from the stream there."""

    def __init__(self, source: Source, *, limits: Limits | None = None, on_built: "Callable[[Any, Call], None] | None" = None) -> None:
        self.source = source
        self.limits = limits or Limits()
        self.on_built = on_built
        self.frame = self.fresh()
        self.framed = 0  # where the last frame ends
        self._opcodes = 0
        self._kept = 0
        self._text = 0

    def fresh(self, outer: Frame | None = None) -> Frame:
        """Return an empty stack and memo for the pickle that begins here; what it names and calls counts for the one around it too."""
        pickle = Pickle(self.source.position())
        if outer is None:
            return Frame(pickle, [], [], {}, set())
        pickle.references, pickle.called = outer.pickle.references, outer.pickle.called
        pickle.oddities, pickle.nested = outer.pickle.oddities, outer.pickle.nested
        return Frame(pickle, [], [], {}, outer.named)

    def check(self) -> None:
        """Compare stack and memo with their bounds, and count the opcodes since the last time."""
        self.count(COUNT_EVERY)
        if len(self.frame.memo) > self.limits.memo:
            raise Unreadable("pickle_memo", limit=self.limits.memo)
        if len(self.frame.stack) > self.limits.stack:
            raise Unreadable("pickle_stack", limit=self.limits.stack)

    def count(self, opcodes: int) -> None:
        """Count opcodes of the whole stream."""
        self._opcodes += opcodes
        if self._opcodes > self.limits.opcodes:
            raise Unreadable("pickle_opcodes", limit=self.limits.opcodes)

    def mark(self) -> list[Any]:
        """Open a new part of the stack and return it."""
        frame = self.frame
        frame.below += len(frame.stack) + 1
        if frame.below > self.limits.stack or len(frame.marks) >= self.limits.marks:
            raise Unreadable("pickle_stack", limit=self.limits.stack if frame.below > self.limits.stack else self.limits.marks)
        frame.marks.append(frame.stack)
        frame.stack = []
        return frame.stack

    def pop_mark(self) -> list[Any]:
        """Return what was pushed since the last MARK."""
        frame = self.frame
        if not frame.marks:
            raise Broken("no_mark")
        items, frame.stack = frame.stack, frame.marks.pop()
        frame.below -= len(frame.stack) + 1
        return items

    def text(self, data: bytes, size: int, encoding: str = "utf-8", errors: str = "surrogatepass") -> str | Text:
        """Return a text of `size` bytes that begins with `data`: whole where it can be a name and there is room."""
        if size > len(data) or size > KEPT_TEXT or (size > KEPT_SHORT and self._text + size > self.limits.text):
            return Text(size, data[:KEPT_SHORT].decode("latin-1"))
        self._text += size
        return data.decode(encoding, errors)

    def keep(self, into: Sequence[Any], items: list[Any]) -> Sequence[Any]:
        """Return a container's items with these added, as many as there is room for. Empty containers share one empty tuple."""
        room = self.limits.kept - self._kept
        if len(items) > room:
            self.frame.pickle.trimmed = True
            items = items[:room]
        self._kept += len(items)
        if not into or not items:
            return into or items
        assert isinstance(into, list)
        into.extend(items)
        return into

    def odd(self, code: str, **facts: Any) -> None:
        """Note something that no pickler writes."""
        oddities = self.frame.pickle.oddities
        if len(oddities) < self.limits.oddities:
            oddities.append(Oddity(code, self.source.position() - 1, facts))

    def name(self, module: Any, name: Any, how: str) -> Global:
        """Return the global that these values name and note it; values that are no texts name nobody knows whom."""
        target = Global(*(part if isinstance(part, str) else None for part in (module, name)))
        if target not in self.frame.named:
            if len(self.frame.named) >= self.limits.references:
                raise Unreadable("pickle_globals", limit=self.limits.references)
            self.frame.named.add(target)
            self.frame.pickle.references.append(Reference(target, self.source.position() - 1, how))
        return target

    def call(self, function: Any, args: Any, kwargs: Any, how: str) -> Call:
        """Return the symbol of a call and note whom it calls."""
        if isinstance(function, Global):
            self.frame.pickle.called.add(function)
        else:
            self.odd("computed_call", by=how)
        if function == NESTED_LOADER:
            data = args[0] if isinstance(args, tuple) and len(args) == 1 and isinstance(args[0], Bytes) else Unknown("computed")
            self.frame.pickle.nested.append(data)
        return Call(function, args, kwargs, how=how)

"""A machine that follows the opcodes of a pickle (protocols 0 to 5) in symbols: it imports nothing and calls nothing.

Format: CPython's `Lib/pickletools.py`. Where its unpicklers in C and in Python differ the machine goes on as the laxer one does.
"""

import struct
from collections.abc import Iterator
from typing import Any, Final

from inspection.files import Unreadable
from inspection.pickles.opcodes import HANDLERS
from inspection.pickles.source import Ended
from inspection.pickles.state import COUNT_EVERY, KEPT_SHORT, Broken, Frame, Limits, State
from inspection.pickles.values import Pickle

__all__ = ["Limits", "Machine"]

WIDEST_OPCODE: Final = 9

_DOUBLE: Final = struct.Struct(">d")
_SIGNED: Final = struct.Struct("<i")


class Machine(State):
    """Runs the pickles of one source."""

    depth = 0
    found = Pickle(0)

    def pickles(self) -> Iterator[Pickle]:
        """Yield the pickles that stand one behind the other, up to the end of the stream or the first broken one."""
        while self.source.more(1):
            pickle = self.run()
            yield pickle
            if pickle.broken:
                return

    def run(self) -> Pickle:
        """Follow one pickle to its STOP; whatever is wrong with it is said in `broken`.

        Raises `Unreadable` beyond a bound; what was found until then is in `found`.
        """
        return self._run(self.fresh())

    def nested(self) -> Pickle:
        """Follow a pickle that stands where the machine is now, inside another. Raises `Broken` where it is."""
        if self.depth >= self.limits.depth:
            raise Unreadable("pickle_depth", limit=self.limits.depth)
        self.depth += 1
        try:
            inner = self._run(self.fresh(self.frame))
        finally:
            self.depth -= 1
        if inner.broken:
            raise Broken(inner.broken)
        return inner

    def _run(self, frame: Frame) -> Pickle:
        outer, self.frame = self.frame, frame
        pickle = frame.pickle
        self.found = pickle if not self.depth else self.found
        try:
            pickle.value = self._follow()
        except Ended:
            pickle.broken = "truncated"
        except KeyError:
            pickle.broken = "memo_missing"
        except Broken as stop:
            pickle.broken = str(stop)
        except (ValueError, IndexError, OverflowError):  # a line that is no number, a text that is none, an empty stack
            pickle.broken = "invalid"
        finally:
            pickle.end = self.source.position()
            self.frame = outer
        return pickle

    def _follow(self) -> Any:
        """Obey opcodes until STOP and return the value on top."""
        source, frame, pickle = self.source, self.frame, self.frame.pickle
        memo, stack = frame.memo, frame.stack
        window, at, end = source.window, source.at, len(source.window)
        count = 0
        # The opcodes that fill most pickles stand here, on the window itself, the commonest first: a call for each triples the time.
        while True:
            count += 1
            if not count % COUNT_EVERY:
                pickle.opcodes = count
                self.check()
            if end - at < WIDEST_OPCODE:
                source.at = at
                if not source.more(WIDEST_OPCODE):
                    raise Ended
                window, at, end = source.window, source.at, len(source.window)
            code = window[at]
            at += 1
            if code == 0x94:  # MEMOIZE
                memo[len(memo)] = stack[-1]
            elif code == 0x68:  # BINGET
                stack.append(memo[window[at]])
                at += 1
            elif code == 0x8C and at + 1 + window[at] <= end and window[at] <= KEPT_SHORT:  # SHORT_BINUNICODE
                start, at = at + 1, at + 1 + window[at]
                stack.append(window[start:at].decode("utf-8", "surrogatepass"))
            elif code == 0x71:  # BINPUT
                memo[window[at]] = stack[-1]
                at += 1
            elif code == 0x4B:  # BININT1
                stack.append(window[at])
                at += 1
            elif code == 0x4D and at + 2 <= end:  # BININT2
                stack.append(window[at] | window[at + 1] << 8)
                at += 2
            elif code == 0x47 and at + 8 <= end:  # BINFLOAT
                stack.append(_DOUBLE.unpack_from(window, at)[0])
                at += 8
            elif code == 0x4A and at + 4 <= end:  # BININT
                stack.append(_SIGNED.unpack_from(window, at)[0])
                at += 4
            elif code == 0x28:  # MARK
                stack = self.mark()
            elif code == 0x2E:  # STOP
                source.at = at
                pickle.opcodes = count
                self.count(count % COUNT_EVERY)
                return stack.pop()
            else:
                source.at = at
                HANDLERS[code](self)
                stack, window, at, end = frame.stack, source.window, source.at, len(source.window)

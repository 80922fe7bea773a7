"""The bytes of a stream of pickles, read once from front to back, with a window that the machine looks into."""

from typing import BinaryIO, Final

WINDOW: Final = 1 << 16
LONGEST_LINE_KEPT: Final = 4096


class Ended(Exception):
    """The stream ends before what it announces."""


class Source:
    """Reads `stream` from where it stands. `size` is the offset at which it ends, where that is known: stated lengths are
    checked against it before anything is read. Payloads are stepped over by seeking where `seekable` is set.
    """

    __slots__ = ("_ended", "_origin", "_seekable", "_stream", "at", "size", "window")

    def __init__(self, stream: BinaryIO, *, size: int | None = None, seekable: bool = False) -> None:
        self._stream = stream
        self._seekable = seekable
        self._origin = stream.tell() if seekable else 0
        self._ended = False
        self.size = size
        self.window = b""
        self.at = 0

    def position(self) -> int:
        """Return the offset of the next byte."""
        return self._origin + self.at

    def more(self, least: int) -> int:
        """Make `least` bytes visible in the window from `at` on, fewer at the end; return how many are."""
        left = len(self.window) - self.at
        if left < least and not self._ended:
            pieces = [self.window[self.at :]]
            self._origin += self.at
            self.at = 0
            while left < least:
                piece = self._stream.read(max(WINDOW, least - left))
                if not piece:
                    self._ended = True
                    break
                pieces.append(piece)
                left += len(piece)
            self.window = b"".join(pieces)
        return left

    def take(self, count: int) -> bytes:
        """Return the next `count` bytes; `count` is the caller's bound, not the stream's. Raises `Ended`."""
        if len(self.window) - self.at < count and self.more(count) < count:
            raise Ended
        start = self.at
        self.at += count
        return self.window[start : self.at]

    def payload(self, count: int, keep: int) -> bytes:
        """Step over `count` bytes and return the first `keep` of them. Raises `Ended` where the stream has fewer."""
        if self.size is not None and self.position() + count > self.size:
            raise Ended
        head = self.take(min(count, keep))
        self.skip(count - len(head))
        return head

    def skip(self, count: int) -> None:
        """Step over `count` bytes. Raises `Ended`."""
        visible = len(self.window) - self.at
        if count <= visible:
            self.at += count
            return
        count -= visible
        if self._seekable and self.size is not None:
            target = self._origin + len(self.window) + count
            if target > self.size:
                raise Ended
            self._stream.seek(target)
            self._origin, self.window, self.at = target, b"", 0
            return
        self._origin += len(self.window)
        self.window, self.at = b"", 0
        while count:
            piece = self._stream.read(min(count, WINDOW))
            if not piece:
                raise Ended
            count -= len(piece)
            self._origin += len(piece)

    def line(self) -> tuple[bytes, int]:
        """Return the bytes up to the next newline, at most `LONGEST_LINE_KEPT` of them, and how many there were. Raises `Ended`."""
        head, length = b"", 0
        while True:
            end = self.window.find(b"\n", self.at)
            stop = end if end >= 0 else len(self.window)
            if length < LONGEST_LINE_KEPT:
                head += self.window[self.at : min(stop, self.at + LONGEST_LINE_KEPT - length)]
            length += stop - self.at
            self.at = stop
            if end >= 0:
                self.at += 1
                return head, length
            if not self.more(1):
                raise Ended

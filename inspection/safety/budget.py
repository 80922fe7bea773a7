"""What one scan may spend, and files read in blocks."""

from collections import OrderedDict
from dataclasses import dataclass

from inspection.files import File, Unreadable

MIB = 1 << 20
BOMB_SIZE = 256 * MIB
BOMB_RATIO = 250
MOST_MEMBERS = 100_000
MOST_DEPTH = 6
_BLOCK = 256 << 10
_BLOCKS = 8


@dataclass
class Budget:
    """`limit` is the size to which a file is read whole; `inflated` and `members` are what archives may still give.

    `replayed` is what may come out of the same data once more, where a reader goes back in it.
    """

    limit: int = 2048 * MIB
    inflated: int = 2048 * MIB
    members: int = MOST_MEMBERS
    replayed: int = 16384 * MIB

    def spend(self, count: int) -> None:
        """Take `count` bytes that came out of compressed data. Raises `Unreadable` (`too_large`)."""
        self.inflated -= count
        if self.inflated < 0:
            raise Unreadable("too_large", limit=self.limit)

    def replay(self, count: int) -> None:
        """Take `count` bytes that came out a second time. Raises `Unreadable` (`too_large`)."""
        self.replayed -= count
        if self.replayed < 0:
            raise Unreadable("too_large", limit=self.limit)

    def enter(self) -> None:
        """Take one member of an archive. Raises `Unreadable` (`too_many_members`)."""
        self.members -= 1
        if self.members < 0:
            raise Unreadable("too_many_members", limit=MOST_MEMBERS)

    def whole(self, file: File) -> None:
        """Refuse a file too large to be read to its end. Raises `Unreadable` (`too_large`)."""
        if file.size > self.limit:
            raise Unreadable("too_large", limit=self.limit)


def is_bomb(size: int, compressed: int) -> bool:
    """Whether so much came, or is said to come, out of so little that nobody packs like that in good faith."""
    return size > BOMB_SIZE and size > BOMB_RATIO * max(compressed, 1)


def buffered(file: File) -> File:
    """Return the same file, read in blocks of a quarter of a megabyte: a header here and there costs no request of its own."""
    blocks: OrderedDict[int, bytes] = OrderedDict()

    def block(number: int) -> bytes:
        if number in blocks:
            blocks.move_to_end(number)
            return blocks[number]
        data = file.read(number * _BLOCK, min((number + 1) * _BLOCK, file.size))
        blocks[number] = data
        if len(blocks) > _BLOCKS:
            blocks.popitem(last=False)
        return data

    def read(start: int, end: int) -> bytes:
        end = min(end, file.size)
        if start >= end:
            return b""
        if end - start > _BLOCK:
            return file.read(start, end)
        first, last = start // _BLOCK, (end - 1) // _BLOCK
        data = b"".join(block(number) for number in range(first, last + 1))
        return data[start - first * _BLOCK : end - first * _BLOCK]

    return File(file.path, file.size, read)

"""The directory of a zip archive, read from its end without the data of any member. Source of the format: PKWARE's APPNOTE."""

import struct
from dataclasses import dataclass

from inspection.files import File, Unreadable

MOST_DIRECTORY = 32 << 20
MOST_MEMBERS = 200_000
_END, _END64, _LOCATOR64, _ENTRY, _LOCAL = b"PK\5\6", b"PK\6\6", b"PK\6\7", b"PK\1\2", b"PK\3\4"
_TAIL = 22 + 65_535 + 20


@dataclass(frozen=True, slots=True)
class Member:
    """A member: `size` bytes, `packed` in the archive, from `start` on. `method` is 0 where it is stored as it is."""

    name: str
    method: int
    packed: int
    size: int
    header: int
    start: int = -1


def members(file: File) -> list[Member]:
    """Return the members as the central directory lists them; `start` is known for the pickle only. Raises `Unreadable`."""
    at, size, count = _directory(file)
    if size > MOST_DIRECTORY or count > MOST_MEMBERS:
        raise Unreadable("directory_too_long")
    if at + size > file.size:
        raise Unreadable("bad_archive")
    data = file.exactly(at, at + size)
    found, position = [], 0
    while position + 46 <= len(data) and data[position : position + 4] == _ENTRY:
        member, position = _entry(data, position)
        found.append(_placed(file, member) if member.name.endswith("/data.pkl") and member.name.count("/") == 1 else member)
        if len(found) > MOST_MEMBERS:
            raise Unreadable("directory_too_long")
    if not found:
        raise Unreadable("bad_archive")
    return found


def _directory(file: File) -> tuple[int, int, int]:
    """Return where the central directory begins, its bytes and its entries."""
    first = max(0, file.size - _TAIL)
    tail = file.exactly(first, file.size)
    end = tail.rfind(_END)
    if end < 0 or end + 22 > len(tail):
        raise Unreadable("bad_archive")
    count, size, at = struct.unpack_from("<HII", tail, end + 10)
    if (0xFFFF in (count,) or 0xFFFFFFFF in (size, at)) and end >= 20 and tail[end - 20 : end - 16] == _LOCATOR64:
        (place,) = struct.unpack_from("<Q", tail, end - 12)
        record = file.exactly(place, place + 56) if place + 56 <= file.size else b""
        if record[:4] != _END64:
            raise Unreadable("bad_archive")
        count, size, at = struct.unpack_from("<QQQ", record, 32)
    return at, size, count


def _entry(data: bytes, position: int) -> tuple[Member, int]:
    (method,) = struct.unpack_from("<H", data, position + 10)
    packed, size, name_length, extra_length, comment_length = struct.unpack_from("<IIHHH", data, position + 20)
    (header,) = struct.unpack_from("<I", data, position + 42)
    name_end = position + 46 + name_length
    extra = data[name_end : name_end + extra_length]
    if 0xFFFFFFFF in (packed, size, header):
        size, packed, header = _wide(extra, size, packed, header)
    name = data[position + 46 : name_end].decode("utf-8", "replace")
    return Member(name, method, packed, size, header), name_end + extra_length + comment_length


def _wide(extra: bytes, *values: int) -> tuple[int, int, int]:
    """Return the values with those that do not fit into 32 bits taken from the Zip64 field, in its order."""
    at, numbers = 0, b""
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, at)
        if kind == 1:
            numbers = extra[at + 4 : at + 4 + length]
            break
        at += 4 + length
    wide, used = [], 0
    for value in values:
        if value == 0xFFFFFFFF:
            if used + 8 > len(numbers):
                raise Unreadable("bad_archive")
            (value,) = struct.unpack_from("<Q", numbers, used)
            used += 8
        wide.append(value)
    return wide[0], wide[1], wide[2]


def _placed(file: File, member: Member) -> Member:
    """Return the member with where its bytes begin: behind the local header, whose own fields may be longer."""
    local = file.exactly(member.header, member.header + 30) if member.header + 30 <= file.size else b""
    if local[:4] != _LOCAL:
        raise Unreadable("bad_archive")
    name_length, extra_length = struct.unpack_from("<HH", local, 26)
    start = member.header + 30 + name_length + extra_length
    if start + member.packed > file.size:
        raise Unreadable("bad_archive")
    return Member(member.name, member.method, member.packed, member.size, member.header, start)

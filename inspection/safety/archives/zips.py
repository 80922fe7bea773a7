"""Members of zip archives, as the central directory names them, as their own headers do, and those that no directory names.

Flags and checksums are believed by some readers and ignored by others (PyTorch ignores both), so contents are read in spite of
them. Source of the format: PKWARE's APPNOTE 6.3.10.
"""

import re
import stat
import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

from inspection.files import File, Unreadable
from inspection.safety.archives.members import Member, leaves, name_findings, shown
from inspection.safety.budget import MOST_MEMBERS, Budget, is_bomb
from inspection.safety.findings import Finding, unread
from inspection.safety.inflating import inflated

LOCAL, CENTRAL, END, END_64, LOCATOR_64 = b"PK\3\4", b"PK\1\2", b"PK\5\6", b"PK\6\6", b"PK\6\7"
_ENTRY = struct.Struct("<4s6H3L5H2L")
_HEAD = struct.Struct("<4s5H3L2H")
_FINISH = struct.Struct("<4s4H2LH")
_ENCRYPTED, _SIZES_FOLLOW = 1, 8
_LZMA, _END_MARKED = 14, 2
_METHODS = {8: "deflate", 12: "bzip2", 95: "xz"}
_LARGEST_DESCRIPTOR = 24
_STORAGE = re.compile(r"(^|/)(data|tensors)/\d+$")
_MOST_DIRECTORY = 64 << 20


@dataclass(frozen=True)
class _Entry:
    """What a directory, or a member's own header, says of one member; `start` is where its header stands."""

    name: str
    start: int
    flags: int
    method: int
    packed: int
    size: int
    mode: int = 0


def tail(file: File) -> int | None:
    """Return where the end of a directory stands, or None: some readers look there only, whatever the file begins with."""
    begin = max(0, file.size - 65_557)
    data = file.read(begin, file.size)
    at = data.rfind(END)
    while at >= 0:
        if len(data) - at >= 22:
            entries, length, offset = struct.unpack_from("<HLL", data, at + 10)
            if (entries and 46 * entries <= length <= begin + at) or (not entries and not length and not offset) or offset == 0xFFFFFFFF:
                return begin + at
        at = data.rfind(END, 0, at)
    return None


def members(file: File, budget: Budget) -> Iterator[Finding | Member]:
    """Yield what a zip archive holds. Raises `Unreadable` for one made to exhaust its reader."""
    try:
        entries, base, directory = _directory(file)
    except Unreadable as error:
        yield unread(error)
        entries, base, directory = [], 0, file.size
    for entry in entries:
        yield from name_findings(entry.name)
    yield from _repeated(entries)
    if is_bomb(sum(entry.size for entry in entries), file.size):
        raise Unreadable("archive_bomb", size=sum(entry.size for entry in entries), compressed=file.size)
    names = {entry.name.rpartition("/")[2] for entry in entries}
    torch = "data.pkl" in names
    if torch and any(re.search(r"(^|/)code/.*\.py$", entry.name) for entry in entries):
        yield Finding("torchscript_code", "caution")
    spans: list[tuple[int, int]] = []
    for entry in entries:
        yield from _both(file, replace(entry, start=entry.start + base), budget, torch, spans)
    spans.sort()
    if any(first[1] > second[0] for first, second in pairwise(spans) if first[0] != second[0]):
        yield Finding("archive_overlap", "danger")
    yield from _hidden(file, spans, base, directory, budget, named=bool(entries))


def _directory(file: File) -> tuple[list[_Entry], int, int]:
    """Return the entries, how far everything stands behind where it should, and where the directory begins. Raises `Unreadable`."""
    end = tail(file)
    if end is None:
        raise Unreadable("truncated", at=file.size)
    _sign, _disk, _first, _here, _count, length, offset, _comment = _FINISH.unpack(file.exactly(end, end + 22))
    last = end
    if end >= 20 and (locator := file.exactly(end - 20, end)).startswith(LOCATOR_64):
        (stated,) = struct.unpack_from("<Q", locator, 8)
        for at in (stated, end - 20 - 56):
            if 0 <= at <= file.size - 56 and (record := file.exactly(at, at + 56)).startswith(END_64):
                length, offset = struct.unpack_from("<QQ", record, 40)
                last = at
                break
    begin = last - length
    if begin < 0 or length > _MOST_DIRECTORY:
        raise Unreadable("broken_archive")
    data = file.exactly(begin, last)
    entries: list[_Entry] = []
    at = 0
    while at + 46 <= len(data):
        found = _ENTRY.unpack_from(data, at)
        if found[0] != CENTRAL:
            raise Unreadable("broken_archive", at=begin + at)
        if len(entries) >= MOST_MEMBERS:
            raise Unreadable("too_many_members", limit=MOST_MEMBERS)
        flags, method, packed, size = found[3], found[4], found[8], found[9]
        name_end = at + 46 + found[10]
        extra = data[name_end : name_end + found[11]]
        packed, size, start = _wide(extra, size, packed, found[16])
        entries.append(_Entry(_name(data[at + 46 : name_end], flags), start, flags, method, packed, size, found[15] >> 16))
        at = name_end + found[11] + found[12]
    return entries, begin - offset, begin


def _name(data: bytes, flags: int) -> str:
    return data.decode("utf-8", "replace") if flags & 0x800 else data.decode("cp437")


def _wide(extra: bytes, size: int, packed: int, start: int = 0) -> tuple[int, int, int]:
    """Return packed size, size and start with the 64-bit values that stand for those that did not fit."""
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, at)
        if kind == 1:
            values = iter(struct.unpack_from(f"<{min(length, len(extra) - at - 4) // 8}Q", extra, at + 4))
            size = next(values, size) if size == 0xFFFFFFFF else size
            packed = next(values, packed) if packed == 0xFFFFFFFF else packed
            start = next(values, start) if start == 0xFFFFFFFF else start
            break
        at += 4 + length
    return packed, size, start


def _local(file: File, start: int) -> tuple[_Entry, int] | None:
    """Return what the header at `start` says and where the member's bytes begin, or None where there is no header."""
    data = file.read(start, start + 30) if 0 <= start <= file.size - 30 else b""
    if len(data) < 30 or not data.startswith(LOCAL):
        return None
    _sign, _version, flags, method, _time, _date, _crc, packed, size, name, extra = _HEAD.unpack(data)
    rest = file.read(start + 30, start + 30 + name + extra)
    packed, size, _start = _wide(rest[name:], size, packed)
    return _Entry(_name(rest[:name], flags), start, flags, method, packed, size), start + 30 + name + extra


def _repeated(entries: list[_Entry]) -> Iterator[Finding]:
    seen: set[str] = set()
    for entry in entries:
        if entry.name in seen:
            yield Finding("archive_duplicate", "caution", shown(entry.name))
        seen.add(entry.name)


def _both(file: File, entry: _Entry, budget: Budget, torch: bool, spans: list[tuple[int, int]]) -> Iterator[Finding | Member]:
    """Yield a member as the directory describes it and, where its own header disagrees, as that does too."""
    budget.enter()
    own = _local(file, entry.start)
    if own is None:
        yield Finding("broken_archive", "unread", shown(entry.name), {"at": entry.start})
        return
    header, data = own
    spans.append((entry.start, data + entry.packed))
    yield from _read(file, entry, data, budget, torch)
    sizes = (entry.packed, entry.size) != (header.packed, header.size) and not header.flags & _SIZES_FOLLOW
    if entry.name != header.name or entry.method != header.method or sizes:
        yield Finding("archive_headers_disagree", "caution", shown(entry.name), {"other": shown(header.name)})
        yield from name_findings(header.name)
        yield from _read(file, replace(header, packed=header.packed if sizes else entry.packed), data, budget, torch)


def _read(file: File, entry: _Entry, data: int, budget: Budget, torch: bool) -> Iterator[Finding | Member]:
    name = shown(entry.name)
    if entry.name.endswith("/") and not entry.packed:
        return
    if entry.flags & _ENCRYPTED:
        yield Finding("archive_encrypted", "unread", name)
    if data + entry.packed > file.size:
        yield Finding("truncated", "unread", name, {"at": file.size})
    packed = file.part(data, max(0, min(entry.packed, file.size - data)), name)
    contents, found = packed, list[Finding]()
    if entry.method == 0:
        pass
    elif entry.method in _METHODS:
        contents, found = inflated(packed, _METHODS[entry.method], name, budget, declared=entry.size)
    elif entry.method == _LZMA:
        contents, found = inflated(_alone(packed, entry), "xz", name, budget, declared=entry.size)
    else:
        yield Finding("archive_method", "unread", name, {"method": entry.method})
        return
    if entry.flags & _ENCRYPTED:
        found = []
    yield from found
    if stat.S_ISLNK(entry.mode):
        target = contents.read(0, min(contents.size, 4096)).decode("utf-8", "replace")
        if leaves(entry.name, target):
            yield Finding("archive_link", "danger", name, {"target": shown(target)})
        return
    if contents.size:
        yield Member(contents, raw=torch and _STORAGE.search(entry.name) is not None)


def _alone(packed: File, entry: _Entry) -> File:
    """Return a member packed by LZMA as an `.lzma` file: the zip's own four bytes give way to the length that such a file states."""
    size = b"\xff" * 8 if entry.flags & _END_MARKED else struct.pack("<Q", entry.size)
    head = packed.read(4, 9) + size
    moved = len(head) - 9

    def read(start: int, end: int) -> bytes:
        return head[start:end] + (packed.read(max(start - moved, 9), max(end - moved, 9)) if end > len(head) else b"")

    return File(packed.path, packed.size + moved, read)


def _hidden(
    file: File, spans: list[tuple[int, int]], base: int, directory: int, budget: Budget, *, named: bool
) -> Iterator[Finding | Member]:
    """Yield members that stand between those of the directory: readers that go from header to header unpack them."""
    at = 0 if base == 0 else (spans[0][0] if spans else 0)
    for start, end in [*spans, (directory, directory)]:
        # What stands before the first member of a shifted archive is a file of another kind.
        while at < start:
            own = _local(file, at) or (_next_header(file, at, start) if start - at > _LARGEST_DESCRIPTOR else None)
            if own is None or own[0].start >= start:
                break
            header, data = own
            if header.flags & _SIZES_FOLLOW and not header.packed:
                header = replace(header, packed=max(0, start - data))
            budget.enter()
            if named:
                yield Finding("archive_hidden_member", "caution", shown(header.name))
            yield from name_findings(header.name)
            yield from _read(file, header, data, budget, False)
            at = max(data + header.packed, at + 30)
        at = max(at, end)


def _next_header(file: File, at: int, end: int) -> tuple[_Entry, int] | None:
    found = file.read(at, min(end, at + (1 << 16))).find(LOCAL)
    return _local(file, at + found) if found >= 0 else None

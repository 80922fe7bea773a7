"""Members of tar archives: ustar, GNU and pax headers, read without trusting a stated length.

Source of the format: POSIX.1-2017, pax; the GNU additions as described in the manual of GNU tar.
"""

from collections.abc import Iterator

from inspection.files import File, Unreadable
from inspection.safety.archives.members import Member, leaves, name_findings, shown
from inspection.safety.budget import MIB, Budget, is_bomb
from inspection.safety.findings import Finding

BLOCK = 512
_HARD_LINK, _SYMBOLIC_LINK, _DEVICES = b"1", b"2", (b"3", b"4", b"6")
_SPARSE = b"S"


def is_tar(head: bytes) -> bool:
    """Whether `head`, the first block at least, is a header of a tar archive: its checksum holds."""
    if len(head) < BLOCK or not head[:1].strip(b"\0"):
        return False
    stated = head[148:156].split(b"\0")[0].strip()
    try:
        return int(stated, 8) == sum(head[:148]) + 8 * 32 + sum(head[156:BLOCK])
    except ValueError:
        return False


def members(file: File, budget: Budget) -> Iterator[Finding | Member]:
    """Yield what a tar archive holds. Raises `Unreadable` where it goes on in a way that cannot be read."""
    at, long_name, long_link, overrides, declared = 0, "", "", {}, 0
    names: set[str] = set()
    while at + BLOCK <= file.size:
        head = file.exactly(at, at + BLOCK)
        if not head.strip(b"\0"):
            at += BLOCK
            continue  # two empty blocks end an archive, yet some readers go on behind them
        if not is_tar(head):
            raise Unreadable("broken_archive", at=at)
        kind, size = head[156:157], _size(head[124:136])
        start = at + BLOCK
        if kind in (b"x", b"g", b"L", b"K", b"X"):
            if size > MIB:
                raise Unreadable("broken_archive", at=at)
            text = file.exactly(start, start + size)
            if kind == b"L":
                long_name = _text(text)
            elif kind == b"K":
                long_link = _text(text)
            elif kind != b"g":
                overrides = _records(text)
            at = start + _padded(size)
            continue
        budget.enter()
        size = int(overrides.get("size", "")) if overrides.get("size", "").isdigit() else size
        name = overrides.get("path") or long_name or _name(head)
        link = overrides.get("linkpath") or long_link or _text(head[157:257])
        long_name, long_link = "", ""
        yield from name_findings(name)
        if name in names and kind not in (b"5",):
            yield Finding("archive_duplicate", "caution", shown(name))
        names.add(name)
        real = overrides.get("GNU.sparse.realsize") or overrides.get("GNU.sparse.size")
        declared += int(real) if real and real.isdigit() else _size(head[483:495]) if kind == _SPARSE else 0
        if is_bomb(declared, file.size):
            raise Unreadable("archive_bomb", size=declared, compressed=file.size)
        overrides = {}
        if kind in _DEVICES:
            yield Finding("archive_device", "danger", shown(name))
        elif (kind == _SYMBOLIC_LINK and leaves(name, link)) or (kind == _HARD_LINK and leaves("", link)):
            yield Finding("archive_link", "danger", shown(name), {"target": shown(link)})
        if kind in (_HARD_LINK, _SYMBOLIC_LINK, b"5", *_DEVICES):
            at = start
            continue
        if start + size > file.size:
            yield Finding("truncated", "unread", shown(name), {"at": file.size})
        if size:
            yield Member(file.part(start, min(size, max(file.size - start, 0)), shown(name)))
        at = start + _padded(size)


def _padded(size: int) -> int:
    return -(-size // BLOCK) * BLOCK


def _size(field: bytes) -> int:
    """Return a length: octal digits, or base 256 where the first bit is set. Raises `Unreadable`."""
    if field[:1] >= b"\x80":
        size = int.from_bytes(field, "big") - (0x80 << 8 * (len(field) - 1))
    else:
        digits = field.split(b"\0")[0].strip() or b"0"
        try:
            size = int(digits, 8)
        except ValueError as error:
            raise Unreadable("broken_archive") from error
    if not 0 <= size < 1 << 62:
        raise Unreadable("broken_archive")
    return size


def _text(data: bytes) -> str:
    return data.split(b"\0")[0].decode("utf-8", "replace")


def _name(head: bytes) -> str:
    prefix = _text(head[345:500]) if head[257:263] == b"ustar\0" else ""
    return f"{prefix}/{_text(head[:100])}" if prefix else _text(head[:100])


def _records(text: bytes) -> dict[str, str]:
    """Return the records of a pax header: `length key=value` and a newline each."""
    found, at = {}, 0
    while at < len(text):
        length, blank, _rest = text[at : at + 20].partition(b" ")
        if not blank or not length.isdigit() or not len(length) + 2 <= int(length) <= len(text) - at:
            break
        key, _equals, value = text[at + len(length) + 1 : at + int(length) - 1].partition(b"=")
        found[key.decode("utf-8", "replace")] = value.decode("utf-8", "replace")
        at += int(length)
    return found

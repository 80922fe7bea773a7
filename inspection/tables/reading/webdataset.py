"""WebDataset tars: files that share a name up to its first dot are one row; media cells point into the tar.

Headers are those of POSIX.1-2001 (ustar and pax) and GNU tar.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from inspection.files import File, Unreadable
from inspection.tables.formats import ENDINGS
from inspection.tables.reading.columns import MEDIA
from inspection.tables.reading.context import BLOCK, CUT, MAX_CELL, MAX_ROW, Context, clean, refused
from inspection.tables.reading.streams import Read, is_packed, unpacked
from inspection.tables.reading.values import column

BLOCK_SIZE = 512
MAX_NAME = 1 << 16
ROWS = 500
_NAME = re.compile(r"^((?:.*/|)[^.]+)[.]([^/]*)$")
_TEXT = frozenset({"txt", "text", "transcript"})
_WHOLE = frozenset({"cls", "cls2", "index", "inx", "id"})
_JSON = frozenset({"json", "jsn"})
# As `datasets/packaged_modules/webdataset` has them: not those of folders.
_IMAGES = frozenset(e[1:] for e in ENDINGS["imagefolder"] if e.islower() and e != ".zip") | {"h5", "hdf", "mpg", "mpeg"}
_AUDIO = frozenset(
    "aiff au avr caf flac htk svx mat4 mat5 mpc2k ogg paf pvf raw rf64 sd2 sds ircam voc w64 wav nist wavex wve xi mp3 opus".split()
)
_VIDEO = frozenset({"mkv", "mp4", "avi", "mov"})


@dataclass
class Member:
    """A file in a tar: where its bytes begin, and the bytes themselves where the tar is compressed and they are not too many."""

    name: str
    start: int
    size: int


class _Tar:
    """A tar that is read forwards."""

    def __init__(self, file: File) -> None:
        self.packed = is_packed(file)
        self._file = file
        self._stream = file.open()
        self._read: Read = unpacked(file) if self.packed else self._stream.read
        self.position = 0

    def take(self, size: int) -> bytes:
        """Return the next bytes, all of them. Raises `Unreadable` (`truncated`)."""
        data = bytearray()
        while len(data) < size and (more := self._read(min(BLOCK, size - len(data)))):
            data += more
        self.position += len(data)
        if len(data) < size:
            raise Unreadable("truncated", at=self.position)
        return bytes(data)

    def go(self, position: int) -> None:
        """Go forward to a place."""
        if self.packed:
            while self.position < position:
                self.take(min(BLOCK, position - self.position))
        else:
            if position > self._file.size:
                raise Unreadable("truncated", at=self._file.size)
            self._stream.seek(position)
            self.position = position

    def members(self) -> Iterator[Member]:
        """Yield the regular files; the caller may read from their start on."""
        name, size = "", -1
        first = True
        while True:
            before = self.position
            try:
                head = self.take(BLOCK_SIZE)
            except Unreadable:
                if first or self.position > before:
                    raise
                # The two empty blocks at the end are often missing.
                return
            if not head.strip(b"\0"):
                return
            if not _checked(head):
                raise Unreadable("not_tar" if first else "damaged_tar", at=self.position - BLOCK_SIZE)
            first = False
            length, kind, start = _number(head[124:136]), head[156:157], self.position
            if kind == b"L":
                name = self.take(min(length, MAX_NAME)).split(b"\0")[0].decode("utf-8", "replace")
            elif kind == b"x":
                name, size = _pax(self.take(min(length, MAX_NAME)), name, size)
            elif kind in (b"0", b"\0", b"7"):
                length = size if size >= 0 else length
                yield Member(name or _path(head), start, length)
                name, size = "", -1
            elif kind not in (b"g", b"K"):
                name, size = "", -1
            self.go(start + -(-length // BLOCK_SIZE) * BLOCK_SIZE)


def read(context: Context, files: Sequence[File]) -> Iterator[pa.RecordBatch]:
    """Yield the rows in batches."""
    for file in context.each(list(files)):
        try:
            yield from _rows(context, file)
        except (Unreadable, OSError, ValueError, pa.ArrowException, MemoryError) as error:
            code, facts = refused(error)
            context.faults.file(code, file.path, facts)


def _rows(context: Context, file: File) -> Iterator[pa.RecordBatch]:
    tar, before = _Tar(file), context.spent
    rows: list[dict[str, Any]] = []
    cuts: list[list[str]] = []
    size = 0
    try:
        for member in tar.members():
            context.spent = before + tar.position
            found = _NAME.match(member.name)
            if not found:
                continue
            key, name = clean(found[1]), clean(found[2])
            if not rows or rows[-1]["__key__"] != key:
                if len(rows) >= ROWS or size >= BLOCK:
                    yield _batch(context, rows, cuts)
                    rows, cuts, size = [], [], 0
                    if context.over():
                        return
                rows.append({"__key__": key, "__url__": file.path})
                cuts.append([])
            if name in rows[-1]:
                context.faults.row("member_twice", file.path, 0, member.name)
                continue
            value, cut = _cell(context, tar, file, member, name)
            size += len(value["bytes"] or b"") if isinstance(value, dict) and value.keys() == {"file", "start", "size", "bytes"} else 256
            size += len(value) if isinstance(value, (str, bytes)) else 0
            rows[-1][name] = value
            if cut:
                cuts[-1].append(name)
    except (Unreadable, OSError):
        if rows:
            yield _batch(context, rows, cuts)
        raise
    if rows:
        yield _batch(context, rows, cuts)


def _cell(context: Context, tar: _Tar, file: File, member: Member, name: str) -> tuple[Any, bool]:
    """Return the value of a member and whether it is cut."""
    ending = name.rpartition(".")[2].lower()
    if ending in _IMAGES | _AUDIO | _VIDEO:
        data = tar.take(min(member.size, MAX_ROW)) if tar.packed else None
        pointer = {"file": None if tar.packed else file.path, "start": None if tar.packed else member.start}
        return {**pointer, "size": member.size, "bytes": data}, tar.packed and member.size > MAX_ROW
    if ending in _JSON and member.size <= MAX_ROW:
        try:
            return json.loads(tar.take(member.size)), False
        except (ValueError, RecursionError):
            context.faults.row("bad_json", file.path, 0, member.name)
            return None, False
    data = tar.take(min(member.size, MAX_CELL))
    cut = member.size > len(data)
    if ending in _JSON:
        return None, True
    if ending in _TEXT:
        return clean(data.decode("utf-8", "ignore" if cut else "replace")), cut
    if ending in _WHOLE:
        try:
            return int(data[:100]), False
        except ValueError:
            context.faults.row("bad_number", file.path, 0, member.name)
            return None, False
    return data, cut


def _batch(context: Context, rows: list[dict[str, Any]], cuts: list[list[str]]) -> pa.RecordBatch:
    names = dict.fromkeys(name for row in rows for name in row if name not in ("__key__", "__url__"))
    arrays, fields = [], []
    for name in [*names, "__key__", "__url__"]:
        values = [row.get(name) for row in rows]
        ending = name.rpartition(".")[2].lower()
        kind = next((word for word, known in ((b"image", _IMAGES), (b"audio", _AUDIO), (b"video", _VIDEO)) if ending in known), b"")
        if kind:
            array, metadata = pa.array(values, MEDIA), {b"meaning": kind}
        else:
            array, metadata = column(values, context.known.get(name))  # type: ignore[assignment]
        arrays.append(array)
        fields.append(pa.field(name, array.type, metadata=metadata))
    if any(cuts):
        arrays.append(pa.array(cuts, pa.list_(pa.string())))
        fields.append(pa.field(CUT, pa.list_(pa.string())))
    return pa.RecordBatch.from_arrays(arrays, schema=pa.schema(fields))


def _checked(head: bytes) -> bool:
    try:
        stated = _number(head[148:156])
    except Unreadable:
        return False
    return stated == sum(head[:148]) + 256 + sum(head[156:])


def _number(field: bytes) -> int:
    """Return a number written in octal, or in GNU's way in base 256."""
    if field[0] & 0x80:
        return int.from_bytes(bytes([field[0] & 0x7F]) + field[1:], "big")
    try:
        return int(field.strip(b" \0") or b"0", 8)
    except ValueError as error:
        raise Unreadable("damaged_tar", at=0) from error


def _path(head: bytes) -> str:
    name, prefix = (
        head[:100].split(b"\0")[0],
        head[345:500].split(b"\0")[0] if head[257:262] == b"ustar" and head[262:263] == b"\0" else b"",
    )
    return (prefix + b"/" + name if prefix else name).decode("utf-8", "replace")


def _pax(data: bytes, name: str, size: int) -> tuple[str, int]:
    """Return the name and the size that a pax header gives the next member."""
    position = 0
    while found := re.compile(rb"(\d{1,7}) ([^=]{1,100})=").match(data, position):
        end = position + int(found[1])
        if not position < end <= len(data):
            break
        value = data[found.end() : end - 1]
        if found[2] == b"path":
            name = value.decode("utf-8", "replace")
        elif found[2] == b"size" and value.isdigit() and len(value) < 19:
            size = int(value)
        position = end
    return name, size

"""JSON: an object on each line, an array of objects, one object of lists, or one of these in a field of an object.

Rows are decoded one after the other, so that the size of a file does not matter. A row above 8 MiB is taken apart as it comes in: long
texts are cut, other values above a megabyte are left empty and named in `__cut`.
"""

import codecs
import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa

from inspection.files import File, Unreadable
from inspection.tables.reading.context import BLOCK, CUT, MAX_CELL, MAX_ROW, Context, refused
from inspection.tables.reading.streams import Cursor, Text, blocks, stem
from inspection.tables.reading.values import batch

BATCH_ROWS = 5000
MAX_KEY = 10_000
_DECODER = json.JSONDecoder()
_SPACE = re.compile(r"[ \t\r\n,]*")
_STRUCTURE = re.compile(rb'["\[\]{}]')
_SCALAR_END = re.compile(rb"[,\]}\s]")
_LINE_END = re.compile(rb"\n")


class _Fault(ValueError):
    """What is at the cursor is no JSON."""


def read(context: Context, files: Sequence[File]) -> Iterator[pa.RecordBatch]:
    """Yield the rows in batches. Options: `field`, the key under which the rows are, and `encoding`."""
    for file in context.each(list(files)):
        try:
            yield from _File(context, file).batches()
        except (Unreadable, OSError, ValueError, pa.ArrowException, MemoryError, RecursionError) as error:
            code, facts = ("too_deep", {}) if isinstance(error, RecursionError) else refused(error)
            context.faults.file(code, file.path, facts)


class _File:
    def __init__(self, context: Context, file: File) -> None:
        self.context, self.file = context, file
        self.text = Text(file, context)
        self.by_line = stem(file.name).endswith((".jsonl", ".ndjson"))
        self.rows: list[dict[str, Any]] = []
        self.size = 0

    def batches(self) -> Iterator[pa.RecordBatch]:
        head = b""
        while not head.strip() and (data := self.text.read(BLOCK)):
            head += data
        head = head.lstrip()
        if not head:
            raise Unreadable("empty")
        field = self.context.options.get("field")
        if isinstance(field, str) and field:
            yield from self._field(head, field)
        elif head[:1] == b"[":
            yield from self._items(Cursor(self.text.read, head[1:]), "[")
        elif self._is_by_line(head):
            yield from self._lines(head)
        else:
            yield from self._items(Cursor(self.text.read, head), "")

    def _is_by_line(self, head: bytes) -> bool:
        """Say whether there is one object on each line, seen from the first lines of which two at least, or the first, can be read."""
        lines = [line for line in head.split(b"\n")[:20] if line.strip()]
        first = _loaded(lines[0])
        if len(lines) == 1 and len(head) < BLOCK:
            return isinstance(first, dict) and (self.by_line or not _is_lists(first))
        return isinstance(first, dict) or len(lines) == 1 or sum(isinstance(_loaded(line), dict) for line in lines) > 1

    # --- One value on each line ------------------------------------------------------------------------------

    def _lines(self, head: bytes) -> Iterator[pa.RecordBatch]:
        waiting: list[pa.RecordBatch] = []

        def fat(cursor: Cursor, number: int) -> None:
            waiting.extend(self._flush())
            try:
                waiting.append(self._fat(cursor))
            except (_Fault, EOFError):
                self._bad("bad_json", number)
            cursor.until(_LINE_END, 0)
            cursor.next()

        for number, data in blocks(_Again(self.text, head).read, fat, MAX_ROW):
            yield from waiting
            waiting.clear()
            for offset, line in enumerate(data.split(b"\n")):
                if line and not line.isspace():
                    self._line(line, number + offset)
                    if self.size >= BLOCK or len(self.rows) >= BATCH_ROWS:
                        yield from self._flush()
            if self.context.over():
                break
        yield from waiting
        yield from self._flush()

    def _line(self, line: bytes, number: int) -> None:
        try:
            text = line.decode()
        except UnicodeDecodeError:
            text = line.decode("utf-8", "replace")
            self._bad("bad_encoding", number, text)
        if "\0" in text:
            self._bad("nul_bytes", number, text)
            text = text.replace("\0", "")
        try:
            row = json.loads(text)
        except RecursionError:
            self._bad("too_deep", number, text)
        except ValueError:
            self._bad("bad_json", number, text)
        else:
            if isinstance(row, dict):
                self._add(row, len(line))
            else:
                self._bad("not_an_object", number, text)

    # --- Values one after the other, with or without an array around them ------------------------------------

    def _items(self, cursor: Cursor, opened: str) -> Iterator[pa.RecordBatch]:
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        text, position, ended, number, line = decoder.decode(cursor.rest()), 0, False, 0, 1
        while True:
            position = _SPACE.match(text, position).end()  # type: ignore[union-attr]
            if position >= len(text) - MAX_CELL and not ended and len(text) - position < BLOCK:
                data = self.text.read(BLOCK)
                ended = not data
                line += text.count("\n", 0, position)
                text, position = text[position:] + decoder.decode(data, ended), 0
                continue
            if position >= len(text):
                if opened:
                    yield from self._flush()
                    raise Unreadable("truncated", at=number)
                break
            if text[position] == "]" and opened:
                break
            try:
                value, end = _DECODER.raw_decode(text, position)
                if end == len(text) and not ended:
                    # A number might go on.
                    raise ValueError
            except RecursionError as error:
                yield from self._flush()
                raise Unreadable("too_deep") from error
            except ValueError as error:
                if not ended and len(text) - position <= MAX_ROW:
                    data = self.text.read(max(BLOCK, len(text) - position))
                    ended = not data
                    line += text.count("\n", 0, position)
                    text, position = text[position:] + decoder.decode(data, ended), 0
                    continue
                yield from self._flush()
                if ended or text[position] != "{":
                    self._bad("bad_json", line + text.count("\n", 0, position), text[position : position + 200])
                    raise Unreadable("truncated" if ended else "bad_json", at=number) from error
                fat = Cursor(self.text.read, text[position:].encode("utf-8", "replace"))
                try:
                    yield self._fat(fat)
                except (_Fault, EOFError) as fault:
                    raise Unreadable("bad_json", at=number) from fault
                text, position = decoder.decode(fat.rest()), 0
                number += 1
                continue
            self._value(value, end - position, sole=not opened and number == 0 and ended and not text[end:].strip())
            position, number = end, number + 1
            if self.size >= BLOCK or len(self.rows) >= BATCH_ROWS:
                yield from self._flush()
                if self.context.over():
                    return
        yield from self._flush()

    def _value(self, value: Any, size: int, *, sole: bool) -> None:
        if sole and _is_lists(value):
            for items in zip(*value.values(), strict=True):
                self.rows.append(dict(zip(value, items, strict=True)))
            self.size += size
        else:
            self._add(value if isinstance(value, dict) else {"text": value}, size)

    def _field(self, head: bytes, field: str) -> Iterator[pa.RecordBatch]:
        """Yield the rows under one key of the object that the file is."""
        cursor = Cursor(self.text.read, head)
        try:
            for key in _keys(cursor):
                if key == field and cursor.peek() == b"[":
                    cursor.next()
                    yield from self._items(cursor, "[")
                    return
                if key == field:
                    value = _value(cursor, MAX_ROW)
                    if not isinstance(value, dict):
                        raise Unreadable("field_without_rows", field=field[:100])
                    self._value(value, 0, sole=True)
                    yield from self._flush()
                    return
                _value(cursor, 0)
        except (_Fault, EOFError) as error:
            raise Unreadable("bad_json") from error
        raise Unreadable("field_not_found", field=field[:100])

    # --- Rows ------------------------------------------------------------------------------------------------

    def _fat(self, cursor: Cursor) -> pa.RecordBatch:
        """Return the object at the cursor, however large, with long values cut."""
        row: dict[str, Any] = {}
        cut, room = [], MAX_ROW
        for key in _keys(cursor):
            value = _value(cursor, min(MAX_CELL, room))
            if isinstance(value, _Cut):
                cut.append(key)
                value = value.text
            room -= len(value) if isinstance(value, str) else 64
            row[key] = value
        found = batch([row], self.context.known)
        return found.append_column(CUT, pa.array([cut], pa.list_(pa.string())))

    def _add(self, row: dict[str, Any], size: int) -> None:
        self.rows.append(row)
        self.size += size

    def _flush(self) -> Iterator[pa.RecordBatch]:
        rows, self.rows, self.size = self.rows, [], 0
        for start in range(0, len(rows), BATCH_ROWS):
            yield batch(rows[start : start + BATCH_ROWS], self.context.known)

    def _bad(self, code: str, number: int, text: str = "") -> None:
        self.context.faults.row(code, self.file.path, number, text)


class _Again:
    """A text of which the beginning was read already."""

    def __init__(self, text: Text, head: bytes) -> None:
        self._text, self._head = text, head

    def read(self, size: int) -> bytes:
        head, self._head = self._head, b""
        return head or self._text.read(size)


class _Cut:
    """A value that was too long: its beginning where it is a text, else nothing."""

    def __init__(self, text: str | None) -> None:
        self.text = text


def _loaded(line: bytes) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _is_lists(value: Any) -> bool:
    """Say whether an object holds columns: lists of one length under every key."""
    return (
        isinstance(value, dict)
        and bool(value)
        and all(isinstance(items, list) for items in value.values())
        and len({len(items) for items in value.values()}) == 1
    )


def _skip_space(cursor: Cursor) -> bytes:
    while cursor.peek() and cursor.peek() in b" \t\r\n":
        cursor.next()
    return cursor.peek()


def _keys(cursor: Cursor) -> Iterator[str]:
    """Yield the keys of the object at the cursor, standing before its value each time."""
    if _skip_space(cursor) != b"{":
        raise _Fault
    cursor.next()
    while True:
        char = _skip_space(cursor)
        if char == b"}":
            cursor.next()
            return
        if char == b",":
            cursor.next()
            continue
        if char != b'"':
            raise _Fault
        key = _string(cursor, MAX_KEY)
        if _skip_space(cursor) != b":":
            raise _Fault
        cursor.next()
        _skip_space(cursor)
        yield key if isinstance(key, str) else str(key.text)


def _string(cursor: Cursor, keep: int) -> "str | _Cut":
    cursor.next()
    raw, length = cursor.string(keep)
    cut = length > len(raw)
    text = raw.decode("utf-8", "ignore" if cut else "replace")
    # The end of what was cut may be a part of an escape.
    for shorter in range(7 if cut else 1):
        try:
            found: str = json.loads(f'"{text[: len(text) - shorter]}"', strict=False)
        except ValueError:
            continue
        return _Cut(found) if cut else found
    raise _Fault


def _value(cursor: Cursor, keep: int) -> Any:
    """Go behind the value at the cursor and return it, or `_Cut` where it is longer than `keep`."""
    first = cursor.peek()
    if first == b'"':
        return _string(cursor, keep)
    if first not in (b"{", b"["):
        raw, length = cursor.until(_SCALAR_END, min(keep, 400))
        return _Cut(None) if length > len(raw) else _parsed(raw)
    whole, depth, total = bytearray(), 0, 0
    while True:
        kept, length = cursor.until(_STRUCTURE, max(0, keep - len(whole)))
        char = cursor.next()
        if not char:
            raise _Fault
        whole += kept + char
        total += length + 1
        if char == b'"':
            kept, length = cursor.string(max(0, keep - len(whole)))
            whole += kept + b'"'
            total += length + 1
            continue
        depth += 1 if char in b"[{" else -1
        if depth == 0:
            return _Cut(None) if total > keep else _parsed(bytes(whole))
        if len(whole) > keep + BLOCK:
            del whole[keep + 1 :]


def _parsed(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise _Fault from error

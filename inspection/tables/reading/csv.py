"""Comma-separated values, and those with other separators.

Blocks of whole records go through Arrow's reader. A block in which a record does not fit the header, or that is not clean text, is put
right first, record by record.
"""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import pyarrow as pa
import pyarrow.csv as arrow_csv

from inspection.files import File, Unreadable
from inspection.tables.reading.context import BLOCK, CUT, MAX_CELL, MAX_COLUMNS, MAX_ROW, Context, refused
from inspection.tables.reading.streams import HEAD, Cursor, Text

SEPARATORS = (",", "\t", ";", "|")
# What pandas, and with it the `datasets` library, takes for a missing value.
NULLS = ["", " ", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA", "NULL", "NaN",
         "None", "n/a", "nan", "null"]  # fmt: skip
_TRUE, _FALSE = ["True", "TRUE", "true"], ["False", "FALSE", "false"]


@dataclass
class _Form:
    """How the records of one file are written."""

    separator: str
    quote: str
    names: list[str] = field(default_factory=list)
    escape: str | None = None

    @property
    def shown(self) -> list[str]:
        return self.names[:MAX_COLUMNS]

    @cached_property
    def _field(self) -> str:
        """The expression of one field. All of it is possessive: there is one way to read a record, and no way back."""
        quote, separator = re.escape(self.quote), re.escape(self.separator)
        if not self.quote:
            return rf"[^{separator}\n]*+"
        plain = (
            rf"[^{quote}{re.escape(self.escape)}]*+(?s:{re.escape(self.escape)}.[^{quote}{re.escape(self.escape)}]*+)*+"
            if self.escape
            else f"[^{quote}]*+"
        )
        return rf"(?:{quote}{plain}(?:{quote}{quote}{plain})*+{quote}[^{separator}\n]*+|(?!{quote})[^{separator}\n]*+)"

    @cached_property
    def _record(self) -> re.Pattern[bytes]:
        return re.compile(rf"(?:{self._field}{re.escape(self.separator)})*+{self._field}\n".encode())

    @cached_property
    def _records(self) -> re.Pattern[bytes]:
        return re.compile(rf"(?:{self._record.pattern.decode()})*+".encode())

    @cached_property
    def _open(self) -> re.Pattern[bytes]:
        field, separator = self._field, re.escape(self.separator)
        return re.compile(rf"(?:{field}{separator})*+{re.escape(self.quote)}".encode())

    def end_of_records(self, data: bytes) -> int:
        """Return where the last whole record of `data` ends."""
        if not self.quote or self.quote.encode() not in data:
            return data.rfind(b"\n") + 1
        found = self._records.match(data)
        return found.end() if found else 0

    def end_of_first(self, data: bytes) -> int:
        """Return where the first record of `data` ends, 0 where it does not."""
        found = self._record.match(data)
        return found.end() if found else 0

    def is_open(self, data: bytes) -> bool:
        """Say whether the one record that `data` begins with ends within quotes: its line is over and no reading of it is."""
        return bool(self.quote) and self._record.match(data + b"\n") is None and self._open.match(data) is not None

    def reader(self, lines: Any) -> Any:
        return csv.reader(
            lines, delimiter=self.separator, quotechar=self.quote or None, escapechar=self.escape,
            quoting=csv.QUOTE_MINIMAL if self.quote else csv.QUOTE_NONE,
        )  # fmt: skip


def read(context: Context, files: Sequence[File]) -> Iterator[pa.RecordBatch]:
    """Yield the records in batches; types are found out, or follow `context.known`.

    Options are those of pandas that say how the text is to be read: sep or delimiter, quotechar, escapechar, header, names, skiprows,
    encoding. Without a separator the one that fits the first lines is taken.
    """
    former = csv.field_size_limit(2 * MAX_ROW)
    try:
        for file in context.each(list(files)):
            try:
                yield from _File(context, file).batches()
            except (Unreadable, OSError, ValueError, pa.ArrowException, MemoryError, csv.Error) as error:
                code, facts = refused(error)
                context.faults.file(code, file.path, facts)
    finally:
        csv.field_size_limit(former)


class _File:
    def __init__(self, context: Context, file: File) -> None:
        self.context, self.file = context, file
        self.text = Text(file, context)
        self.line = 1

    def batches(self) -> Iterator[pa.RecordBatch]:
        pending = self._begin()
        ended = False
        while True:
            while len(pending) < BLOCK and not ended:
                data = self.text.read(BLOCK)
                ended = not data
                pending += data
            end = self.form.end_of_records(pending)
            if not end and not ended and len(pending) <= MAX_ROW:
                data = self.text.read(BLOCK)
                ended = not data
                pending += data
                continue
            if not end and not pending:
                return
            if not end and self.form.is_open(pending) and self._is_stray(pending):
                pending = self._skip_line(pending, "unclosed_quote")
            elif not end and len(pending) > MAX_ROW:
                cursor = Cursor(self.text.read, pending)
                yield from self._fat(cursor)
                pending = cursor.rest()
            elif not end and self.form.is_open(pending):
                self.context.faults.row("unclosed_quote", self.file.path, self.line, pending[:400].decode("utf-8", "replace"))
                return
            else:
                end = end or len(pending)
                yield from self._block(pending[:end])
                self.line += pending.count(b"\n", 0, end)
                pending = pending[end:]
            if self.context.over():
                return

    def _begin(self) -> bytes:
        """Find out how the file is written, take the header off, and return what was read behind it."""
        options = self.context.options
        pending = b""
        while len(pending) < HEAD and (data := self.text.read(BLOCK)):
            pending += data
        skip = options.get("skiprows")
        for _ in range(skip if isinstance(skip, int) and 0 < skip < 10_000 else 0):
            pending = self._skip_line(pending)
        head = pending[:HEAD].decode("utf-8", "replace")
        quote = options.get("quotechar", '"')
        escape = options.get("escapechar")
        given = options.get("delimiter") or options.get("sep")
        self.form = _Form(
            given if isinstance(given, str) and len(given) == 1 else sniffed(head),
            quote if isinstance(quote, str) and len(quote) == 1 and options.get("quoting") != 3 else "",
            escape=escape if isinstance(escape, str) and len(escape) == 1 else None,
        )
        names = options.get("names") or options.get("column_names")
        header = options.get("header", "infer")
        if isinstance(names, list):
            self.form.names = unique([str(name) for name in names])
        named = bool(self.form.names)
        while pending[:1] in (b"\n", b"\r"):
            pending = self._skip_line(pending)
        if header is not None and not (named and header == "infer"):
            row, pending = self._header(pending)
            self.form.names = self.form.names or unique(row)
        elif not named:
            row, _rest = self._header(pending)
            self.form.names = [str(index) for index in range(len(row))]
            self.line = 1
        return pending

    def _header(self, pending: bytes) -> tuple[list[str], bytes]:
        while not (end := self.form.end_of_first(pending)) and len(pending) <= MAX_ROW:
            data = self.text.read(BLOCK)
            if not data:
                end = len(pending)
                break
            pending += data
        if not end and pending:
            raise Unreadable("header_too_long")
        head = pending[:end]
        self.line = 1 + head.count(b"\n")
        rows = list(self.form.reader(io.StringIO(head.decode("utf-8", "replace").replace("\0", ""), newline="")))
        if not rows or not rows[0]:
            raise Unreadable("empty")
        return rows[0], pending[end:]

    def _skip_line(self, pending: bytes, code: str = "") -> bytes:
        end = pending.find(b"\n") + 1 or len(pending)
        if code:
            self.context.faults.row(code, self.file.path, self.line, pending[: min(end, 400)].decode("utf-8", "replace"))
        self.line += 1
        return pending[end:]

    def _is_stray(self, pending: bytes) -> bool:
        """Say whether most lines are records when quotes are not looked at: one quote too many, not one long cell."""
        lines = pending[:BLOCK].split(b"\n")[1:-1]
        separator, width = self.form.separator.encode(), len(self.form.names)
        fitting = sum(line.count(separator) + 1 == width for line in lines)
        return width > 1 and len(lines) > 0 and fitting * 10 >= len(lines) * 9

    def _block(self, block: bytes) -> Iterator[pa.RecordBatch]:
        if not block.strip():
            return
        if b"\0" not in block:
            try:
                yield from self._parsed(block)
                return
            except (_Uneven, pa.ArrowInvalid):
                pass
        yield from self._parsed(self._mended(block))

    def _parsed(self, block: bytes) -> Iterator[pa.RecordBatch]:
        known = {
            str(index): self.context.known[name].type
            for index, name in enumerate(self.form.shown)
            if name in self.context.known and not pa.types.is_null(self.context.known[name].type)
        }
        try:
            table = self._arrow(block, known)
        except pa.ArrowInvalid as error:
            if "conversion error" not in str(error):
                raise
            table = self._arrow(block, {name: kind for name, kind in known.items() if pa.types.is_string(kind)})
        for batch in table.to_batches(max_chunksize=10_000):
            yield pa.RecordBatch.from_arrays([_plain(array) for array in batch.columns], names=self.form.shown)

    def _arrow(self, block: bytes, types: dict[str, pa.DataType]) -> pa.Table:
        positions = [str(index) for index in range(len(self.form.names))]

        def uneven(_row: Any) -> str:
            seen.append(True)
            return "skip"

        seen: list[bool] = []
        table = arrow_csv.read_csv(
            pa.BufferReader(block),
            read_options=arrow_csv.ReadOptions(use_threads=False, block_size=len(block) + 1, column_names=positions),
            parse_options=arrow_csv.ParseOptions(
                delimiter=self.form.separator, quote_char=self.form.quote or False, double_quote=bool(self.form.quote),
                escape_char=self.form.escape or False, newlines_in_values=True, invalid_row_handler=uneven,
            ),
            convert_options=arrow_csv.ConvertOptions(
                include_columns=positions[:MAX_COLUMNS], column_types=types, null_values=NULLS, strings_can_be_null=True,
                true_values=_TRUE, false_values=_FALSE,
            ),
        )  # fmt: skip
        if seen:
            raise _Uneven
        if any(pa.types.is_binary(kind) for kind in table.schema.types):
            raise _Uneven
        return table

    def _mended(self, block: bytes) -> bytes:
        """Return a block again with every record as long as the header; what does not fit is left out and counted."""
        text = block.decode("utf-8", "replace")
        width, out = len(self.form.names), io.StringIO()
        writer = csv.writer(
            out, delimiter=self.form.separator, quotechar=self.form.quote or '"', lineterminator="\n",
            escapechar=self.form.escape, quoting=csv.QUOTE_MINIMAL if self.form.quote else csv.QUOTE_NONE,
        )  # fmt: skip
        reader = self.form.reader(io.StringIO(text, newline=""))
        faults, path, begun = self.context.faults, self.file.path, 0
        while True:
            try:
                row = next(reader)
            except StopIteration:
                break
            except csv.Error:
                faults.row("bad_record", path, self.line + begun)
                begun = reader.line_num
                continue
            number, begun = self.line + begun, reader.line_num
            if not row or (len(row) == 1 and width > 1 and not row[0].strip()):
                continue
            if len(row) > width and any(cell.strip() for cell in row[width:]):
                faults.row("too_many_fields", path, number, self.form.separator.join(row))
                continue
            joined = self.form.separator.join(row)
            if "\0" in joined:
                faults.row("nul_bytes", path, number, joined)
                row = [cell.replace("\0", "\N{REPLACEMENT CHARACTER}") for cell in row]
            elif "\N{REPLACEMENT CHARACTER}" in joined and "\N{REPLACEMENT CHARACTER}".encode() not in block:
                faults.row("bad_encoding", path, number, joined)
            try:
                writer.writerow(row[:width] + [""] * (width - len(row)))
            except csv.Error:
                faults.row("bad_record", path, number, joined)
        return out.getvalue().encode()

    def _fat(self, cursor: Cursor) -> Iterator[pa.RecordBatch]:
        """Yield the one record at the cursor, whatever its size: every cell cut to what is left of the room for a row."""
        quote, separator = self.form.quote.encode(), self.form.separator.encode()
        plain = re.compile(b"[" + re.escape(separator) + rb"\r\n]")
        mark = re.escape(quote)
        quoted = re.compile(b"[^" + mark + b"]*+(?:" + mark + mark + b"[^" + mark + b"]*+)*+") if quote else None
        cells: list[str] = []
        cut: list[str] = []
        room = MAX_ROW
        while True:
            parts, length = bytearray(), 0
            if quoted is not None and cursor.peek() == quote:
                cursor.next()
                kept, length = cursor.quoted(quoted, quote, min(MAX_CELL, room))
                cut_here = length > len(kept)
                parts += kept.replace(quote + quote, quote)
                length = len(parts) + cut_here
            kept, more = cursor.until(plain, max(0, min(MAX_CELL, room) - len(parts)))
            parts, length = parts + kept, length + more
            room = max(0, room - len(parts))
            if len(cells) < len(self.form.names):
                if length > len(parts):
                    cut.append(self.form.names[len(cells)])
                cells.append(parts.decode("utf-8", "ignore").replace("\0", "\N{REPLACEMENT CHARACTER}"))
            stop = cursor.next()
            if stop != separator:
                break
        if stop == b"\r" and cursor.peek() == b"\n":
            cursor.next()
        out = io.StringIO()
        row = cells + [""] * (len(self.form.names) - len(cells))
        csv.writer(out, delimiter=self.form.separator, quotechar=self.form.quote or '"', lineterminator="\n").writerow(row)
        for batch in self._parsed(out.getvalue().encode()):
            yield batch.append_column(CUT, pa.array([cut], pa.list_(pa.string())))
        # The number of the lines inside is not known any more; those behind count from here.
        self.line += 1


class _Uneven(ValueError):
    """A block has records of other lengths than the header, or text that is no UTF-8."""


def _plain(array: pa.Array) -> pa.Array:
    """Return a column whose type every later step knows: a time of day stays text."""
    return array.cast(pa.string()) if pa.types.is_time(array.type) else array


def sniffed(head: str) -> str:
    """Return the separator by which the first lines fall into the same number of fields, a comma where none does."""
    lines = [line for line in head.split("\n")[:50] if line.strip()]
    lines = lines[:-1] if len(lines) > 1 and not head.endswith("\n") else lines
    best, score = ",", 0.0
    for separator in SEPARATORS:
        try:
            widths = [len(row) for row in csv.reader(lines, delimiter=separator)]
        except csv.Error:
            continue
        if widths and widths[0] > 1:
            same = sum(width == widths[0] for width in widths) / len(widths)
            if same > score + 0.01:
                best, score = separator, same
    return best


def unique(names: list[str]) -> list[str]:
    """Return column names as pandas makes them: empty ones counted, repeated ones with a number."""
    seen: dict[str, int] = {}
    result = []
    for index, name in enumerate(names):
        name = name or f"Unnamed: {index}"
        count = seen.get(name, 0)
        seen[name] = count + 1
        result.append(f"{name}.{count}" if count else name)
    return result

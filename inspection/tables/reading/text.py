"""Text files: one line is one row, or one paragraph, or one file."""

import re
from collections.abc import Iterator, Sequence

import pyarrow as pa

from inspection.files import File, Unreadable
from inspection.tables.reading.context import BLOCK, BLOCK_ROWS, CUT, MAX_CELL, Context, refused
from inspection.tables.reading.streams import Cursor, Text, blocks

_BREAK = re.compile(rb"\n")


def read(context: Context, files: Sequence[File]) -> Iterator[pa.RecordBatch]:
    """Yield batches of one column `text`; `sample_by` is line, paragraph or document, `keep_linebreaks` keeps the end of each line."""
    mode = context.options.get("sample_by", "line")
    for file in context.each(list(files)):
        try:
            yield from _document(context, file) if mode == "document" else _lines(context, file, by_paragraph=mode == "paragraph")
        except (Unreadable, OSError, ValueError, pa.ArrowException, MemoryError) as error:
            context.faults.file(*_where(file, error))


def _where(file: File, error: BaseException) -> tuple[str, str, dict[str, object]]:
    code, facts = refused(error)
    return code, file.path, facts


def _lines(context: Context, file: File, *, by_paragraph: bool) -> Iterator[pa.RecordBatch]:
    text, kept = Text(file, context), bool(context.options.get("keep_linebreaks"))
    waiting: list[pa.RecordBatch] = []

    def fat(cursor: Cursor, number: int) -> None:
        line, _length = cursor.until(_BREAK, MAX_CELL)
        cursor.next()
        waiting.append(_batch([_decoded(context, file, line, number, cut=True)], cut=True))

    paragraph: list[str] = []
    for number, data in blocks(text.read, fat, MAX_CELL):
        yield from waiting
        waiting.clear()
        lines = _decoded(context, file, data, number).split("\n")
        if data.endswith(b"\n"):
            lines.pop()
        if by_paragraph:
            lines = list(_paragraphs(paragraph, lines))
        else:
            lines = [f"{line}\n" for line in lines] if kept else [line.removesuffix("\r") for line in lines]
        for start in range(0, len(lines), BLOCK_ROWS):
            yield _batch(lines[start : start + BLOCK_ROWS])
        if context.over():
            return
    yield from waiting
    if paragraph:
        yield _batch(["\n".join(paragraph)])


def _paragraphs(open_paragraph: list[str], lines: list[str]) -> Iterator[str]:
    for line in lines:
        if line.strip("\r"):
            open_paragraph.append(line.removesuffix("\r"))
        elif open_paragraph:
            yield "\n".join(open_paragraph)
            open_paragraph.clear()
        if sum(map(len, open_paragraph[-1:])) + 64 * len(open_paragraph) > MAX_CELL:
            yield "\n".join(open_paragraph)
            open_paragraph.clear()


def _document(context: Context, file: File) -> Iterator[pa.RecordBatch]:
    text, data = Text(file, context), b""
    while (more := text.read(BLOCK)) and len(data) <= MAX_CELL:
        data += more
    yield _batch([_decoded(context, file, data[:MAX_CELL], 1, cut=len(data) > MAX_CELL)], cut=len(data) > MAX_CELL)


def _decoded(context: Context, file: File, data: bytes, number: int, *, cut: bool = False) -> str:
    """Return the text of a block; lines that had to be mended are counted. The end of what was cut may be half a character."""
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        text = data.decode("utf-8", "replace")
        if not cut or error.end < len(data) - 3:
            _tell(context, file, data, text, number, "bad_encoding", "\N{REPLACEMENT CHARACTER}")
    if "\0" in text:
        _tell(context, file, data, text, number, "nul_bytes", "\0")
        text = text.replace("\0", "\N{REPLACEMENT CHARACTER}")
    return text


def _tell(context: Context, file: File, data: bytes, text: str, number: int, code: str, mark: str) -> None:
    for offset, line in enumerate(text.split("\n")):
        if mark in line:
            context.faults.row(code, file.path, number + offset, line)


def _batch(lines: list[str], *, cut: bool = False) -> pa.RecordBatch:
    columns = [pa.array(lines, pa.string())]
    return pa.record_batch([*columns, pa.array([["text"]])] if cut else columns, names=["text", CUT] if cut else ["text"])

"""Bytes of a file as UTF-8 text in blocks: compression and encoding are found out from the contents."""

import codecs
import lzma
import re
from collections.abc import Callable, Iterator
from encodings import normalize_encoding
from encodings.aliases import aliases
from typing import Any

import pyarrow as pa

from inspection.files import File, Unreadable
from inspection.tables.reading.context import BLOCK, Context

HEAD = 1 << 16
_XZ_MEMORY = 128 << 20
_MAGIC = {b"\x1f\x8b": "gzip", b"BZh": "bz2", b"\x28\xb5\x2f\xfd": "zstd", b"\x04\x22\x4d\x18": "lz4", b"\xfd7zXZ\x00": "xz"}
_ENDINGS = {"gz", "gzip", "bz2", "zst", "zstd", "lz4", "xz"}
_BOMS = (
    (codecs.BOM_UTF8, "utf_8"),
    (codecs.BOM_UTF32_LE, "utf_32_le"),
    (codecs.BOM_UTF32_BE, "utf_32_be"),
    (codecs.BOM_UTF16_LE, "utf_16_le"),
    (codecs.BOM_UTF16_BE, "utf_16_be"),
)
_NAMES = (
    "ascii big5 cp1250 cp1251 cp1252 cp1253 cp1254 cp1255 cp1256 cp1257 cp1258 cp437 cp850 cp866 cp932 cp949 cp950 euc_jp euc_kr gb18030 "
    "gb2312 gbk iso8859_2 iso8859_3 iso8859_4 iso8859_5 iso8859_6 iso8859_7 iso8859_8 iso8859_9 iso8859_10 iso8859_13 iso8859_14 "
    "iso8859_15 koi8_r koi8_u latin_1 mac_roman shift_jis utf_8 utf_8_sig utf_16 utf_16_be utf_16_le utf_32 utf_32_be utf_32_le"
)
# Where files are read, nothing can be imported any more.
CODECS = {name: codecs.lookup(name) for name in _NAMES.split()}

Read = Callable[[int], bytes]


def stem(name: str) -> str:
    """Return a file name without the ending of its compression."""
    head, dot, ending = name.rpartition(".")
    return head if dot and ending.lower() in _ENDINGS else name


def unpacked(file: File) -> Read:
    """Return a function that reads the next bytes of a file, at most as many as asked for, decompressed where it is compressed."""
    head = file.read(0, 6)
    kind = next((name for magic, name in _MAGIC.items() if head.startswith(magic)), "")
    if not kind:
        return file.open().read
    if kind == "xz":
        return _unpacked_xz(file)
    stream = pa.CompressedInputStream(pa.PythonFile(file.open(), mode="r"), kind)

    def read(size: int) -> bytes:
        try:
            data: bytes = stream.read(size)
        except (OSError, pa.ArrowInvalid) as error:
            raise Unreadable("bad_compression", kind=kind) from error
        return data

    return read


def is_packed(file: File) -> bool:
    """Say whether the contents are compressed as a whole."""
    return file.read(0, 6).startswith(tuple(_MAGIC))


def _unpacked_xz(file: File) -> Read:
    source = file.open()
    state: dict[str, Any] = {"decoder": lzma.LZMADecompressor(memlimit=_XZ_MEMORY), "rest": b""}

    def read(size: int) -> bytes:
        while True:
            decoder = state["decoder"]
            if decoder.eof:
                state["rest"] = decoder.unused_data.lstrip(b"\0") or source.read(HEAD).lstrip(b"\0")
                if not state["rest"]:
                    return b""
                decoder = state["decoder"] = lzma.LZMADecompressor(memlimit=_XZ_MEMORY)
            data = state["rest"] or (source.read(HEAD) if decoder.needs_input else b"")
            state["rest"] = b""
            if decoder.needs_input and not data:
                raise Unreadable("bad_compression", kind="xz")
            try:
                found: bytes = decoder.decompress(data, size)
            except lzma.LZMAError as error:
                raise Unreadable("bad_compression", kind="xz") from error
            if found:
                return found

    return read


class Text:
    """The contents of a text file as UTF-8, whatever they are encoded in; bytes that stand for nothing are kept as they are in UTF-8 and
    become U+FFFD in every other encoding."""

    def __init__(self, file: File, context: Context) -> None:
        self._read, self._context = unpacked(file), context
        wanted = context.options.get("encoding")
        self.encoding = _known(wanted) if isinstance(wanted, str) else ""
        self._decoder: codecs.IncrementalDecoder | None = None
        self._begun = self._ended = self._carriage = False
        self.replaced = 0

    def read(self, size: int) -> bytes:
        """Return the next piece, about `size` long; nothing at the end."""
        while not self._ended:
            data = self._read(size)
            self._context.spent += len(data)
            self._ended = not data
            if not self._begun:
                self._begun = True
                data = self._begin(data)
            elif not self.encoding and not data.isascii():
                self.encoding = guess(data)
                self._decoder = self._make_decoder()
            if self._decoder is not None:
                text = self._decoder.decode(data, self._ended)
                self.replaced += text.count("\N{REPLACEMENT CHARACTER}")
                data = text.encode("utf-8", "replace")
            if self._carriage:
                data = data.replace(b"\r", b"\n")
            if data:
                return data
        return b""

    def _begin(self, data: bytes) -> bytes:
        for bom, name in _BOMS:
            if data.startswith(bom):
                self.encoding, data = name, data[len(bom) :]
                break
        else:
            if not self.encoding and (not data.isascii() or b"\0" in data[:HEAD]):
                self.encoding = guess(data)
        self._decoder = self._make_decoder()
        sample = data[:HEAD].replace(b"\0", b"")
        self._carriage = b"\r" in sample[:-1] and b"\n" not in sample
        return data

    def _make_decoder(self) -> codecs.IncrementalDecoder | None:
        return CODECS[self.encoding].incrementaldecoder("replace") if self.encoding not in ("", "utf_8") else None


def _known(name: str) -> str:
    """Return the name of a codec as Python's module of it has it, nothing for one that is not among ours. Looking it up would import modules."""
    found = normalize_encoding(name).lower()
    found = aliases.get(found, found)
    return found if found in CODECS else ""


def guess(data: bytes) -> str:
    """Return the encoding of a text that has no mark of it: UTF-8, UTF-16, GB 18030 where pairs of its common plane prevail, else
    Windows-1252. Raises `Unreadable` (`not_text`) for what is no text at all."""
    head = data[:HEAD]
    zeros = head.count(0)
    odd, even = head[1::2].count(0), head[::2].count(0)
    if zeros and min(odd, even) * 10 < max(odd, even) and (zeros * 4 > len(head) or not _decodes(head, "utf_8")):
        wide = "utf_16_le" if odd > even else "utf_16_be"
        # Of bytes that only happen to come in pairs, line breaks are lost.
        if _decodes(head, wide) and (b"\n" not in head or "\n" in head.decode(wide, "ignore")):
            return wide
    if zeros * 4 > len(head):
        raise Unreadable("not_text")
    controls = sum(head.count(code) for code in (1, 2, 3, 4, 5, 6, 7, 8, 14, 15, 16, 17, 18, 19, 20, 21))
    if controls > max(16, len(head) // 32):
        raise Unreadable("not_text")
    if _decodes(head, "utf_8"):
        return "utf_8"
    if _decodes(head, "gb18030"):
        pairs = common = position = 0
        while position + 1 < len(head):
            if head[position] < 0x80:
                position += 1
                continue
            pairs += 1
            common += head[position] >= 0xA1 and head[position + 1] >= 0xA1
            position += 2
        if pairs and common * 10 >= pairs * 8:
            return "gb18030"
    invalid = head.decode("utf-8", "replace").count("\N{REPLACEMENT CHARACTER}")
    high = sum(1 for _ in head.decode("latin-1") if _ >= "\x80")
    # A few broken bytes in much good UTF-8 are damage, not another encoding.
    return "utf_8" if invalid * 4 < high else "cp1252"


def _decodes(data: bytes, name: str) -> bool:
    try:
        CODECS[name].incrementaldecoder("strict").decode(data)
    except UnicodeDecodeError:
        return False
    return True


_STRING = re.compile(rb'(?s:[^"\\]*+(?:\\.[^"\\]*+)*+)')


class Cursor:
    """A position in a stream, for what is too large to be held: finds the next of some bytes and keeps only a beginning."""

    def __init__(self, read: Read, start: bytes = b"") -> None:
        self._read, self.buffer, self.position = read, start, 0

    def peek(self) -> bytes:
        """Return the next byte, nothing at the end."""
        if self.position >= len(self.buffer):
            self.buffer, self.position = self._read(1 << 16), 0
        return self.buffer[self.position : self.position + 1]

    def next(self) -> bytes:
        """Return the next byte and go behind it."""
        char = self.peek()
        self.position += len(char)
        return char

    def until(self, pattern: Any, keep: int) -> tuple[bytes, int]:
        """Go to the next byte that `pattern` (of one byte) finds, or to the end; return the first `keep` bytes before it and how many."""
        kept, length = bytearray(), 0
        while self.peek():
            found = pattern.search(self.buffer, self.position)
            end = found.start() if found else len(self.buffer)
            kept += self.buffer[self.position : min(end, self.position + max(0, keep - len(kept)))]
            length += end - self.position
            self.position = end
            if found:
                break
        return bytes(kept), length

    def string(self, keep: int) -> tuple[bytes, int]:
        """Go behind the closing quote of the JSON text at the cursor; return its first `keep` bytes and its length.

        Raises `EOFError` where it has no end.
        """
        kept, length = bytearray(), 0
        while True:
            if not self.peek():
                raise EOFError
            if self.position == len(self.buffer) - 1 and self.buffer.endswith(b"\\"):
                more = self._read(1 << 16)
                if not more:
                    raise EOFError
                self.buffer, self.position = b"\\" + more, 0
            found = _STRING.match(self.buffer, self.position)
            end = found.end() if found else self.position
            kept += self.buffer[self.position : min(end, self.position + max(0, keep - len(kept)))]
            length += end - self.position
            self.position = end
            if self.buffer[end : end + 1] == b'"':
                self.position += 1
                return bytes(kept), length

    def quoted(self, body: re.Pattern[bytes], quote: bytes, keep: int) -> tuple[bytes, int]:
        """Go behind the quote that closes the field at the cursor, or to the end; return its first `keep` bytes and its length.

        `body` matches everything up to a quote that is not doubled; doubled ones are returned as they stand.
        """
        kept, length = bytearray(), 0
        while self.peek():
            found = body.match(self.buffer, self.position)
            end = found.end() if found else self.position
            kept += self.buffer[self.position : min(end, self.position + max(0, keep - len(kept)))]
            length += end - self.position
            self.position = end
            if end == len(self.buffer):
                continue
            if end == len(self.buffer) - 1:
                # The next byte says whether this quote closes or is the first of two.
                self.buffer, self.position = quote + self._read(1 << 16), 0
            if self.buffer[self.position + 1 : self.position + 2] != quote:
                self.position += 1
                break
        return bytes(kept), length

    def rest(self) -> bytes:
        """Return what was read already and not used."""
        return self.buffer[self.position :]


Fat = Callable[[Cursor, int], None]


def blocks(read: Read, fat: Fat, most: int) -> Iterator[tuple[int, bytes]]:
    """Yield complete lines in blocks of about a megabyte, each with the number of its first line, from 1.

    A line longer than `most` is not yielded: `fat` gets a cursor at its beginning and its number, and goes behind its end.
    """
    pending, number = b"", 1
    while data := read(BLOCK):
        pending += data
        end = pending.rfind(b"\n") + 1
        if end:
            yield number, pending[:end]
            number += pending.count(b"\n", 0, end)
            pending = pending[end:]
        elif len(pending) > most:
            cursor = Cursor(read, pending)
            fat(cursor, number)
            pending, number = cursor.rest(), number + 1
    if pending:
        yield number, pending

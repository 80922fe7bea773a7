"""Formats that hold data only, told by what stands in their bytes: pictures, sound, films, fonts, tables, documents."""

import base64
import binascii
import re
import zlib
from collections.abc import Iterator

from inspection.files import File, Unreadable
from inspection.safety.budget import MIB, Budget
from inspection.safety.findings import Finding

_FONTS = (b"\0\1\0\0\0", b"OTTO\0", b"true\0", b"wOFF", b"wOF2", b"ttcf")
_MOST_FOOTER = 32 * MIB
_MOST_STREAM = 16 * MIB
_PICKLED_TYPE = b"arrow.py_extension_type"
_SCHEMA = re.compile(rb"ARROW:schema.{1,16}?([A-Za-z0-9+/]{40,}={0,2})", re.DOTALL)
_PDF_ACTION = re.compile(rb"/(?:JavaScript|JS|Launch|EmbeddedFile|RichMedia|XFA)\b")
_PDF_STREAM = re.compile(rb"/Type\s*/ObjStm.{0,400}?stream\r?\n", re.DOTALL)
_OFFICE = (b"_\0V\0B\0A\0_\0P\0R\0O\0J\0E\0C\0T\0", b"M\0a\0c\0r\0o\0s\0")


def is_media(file: File, head: bytes) -> bool:
    """Whether the header of a picture, sound, film or font holds together."""
    size = file.size
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return head[8:16] == b"\0\0\0\rIHDR"
    if head.startswith(b"\xff\xd8\xff"):
        return len(head) > 4 and head[3] >= 0xC0
    if head[:6] in (b"GIF87a", b"GIF89a"):
        return size >= 13
    if head[:4] in (b"RIFF", b"RF64"):
        return head[8:12] in (b"WEBP", b"WAVE", b"AVI ")
    if head.startswith(b"BM"):
        return len(head) >= 26 and int.from_bytes(head[14:18], "little") in (12, 40, 52, 56, 108, 124)
    if head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return size >= 8
    if head.startswith(b"\0\0\1\0"):
        return 0 < int.from_bytes(head[4:6], "little") <= 256 and head[9:10] == b"\0"
    if head[4:8] == b"ftyp":
        return 8 <= int.from_bytes(head[:4], "big") <= 4096
    if head[:4] in (b"fLaC", b"OggS", b"\x1a\x45\xdf\xa3"):
        return size >= 16
    if head[:3] == b"ID3":
        return head[3:4] < b"\x05" and not any(byte & 0x80 for byte in head[6:10])
    # A frame of MPEG audio: eleven bits of ones, then a layer, a bit rate and a sampling rate that exist.
    if len(head) >= 4 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0:
        return head[1] & 0x18 != 0x08 and head[1] & 0x06 != 0 and head[2] & 0xF0 != 0xF0 and head[2] & 0x0C != 0x0C
    return head.startswith(_FONTS) and size > 64


def is_table(head: bytes) -> bool:
    """Whether a file begins as Parquet, Arrow or Feather do."""
    return head[:4] in (b"PAR1", b"FEA1") or head[:8] == b"ARROW1\0\0" or head[:4] == b"\xff\xff\xff\xff"


def table(file: File, head: bytes) -> Iterator[Finding]:
    """Check a Parquet, Arrow or Feather file and the types its schema names. Raises `Unreadable` (`broken_header`)."""
    if head[:4] == b"\xff\xff\xff\xff":
        length = int.from_bytes(head[4:8], "little")
        if not 0 < length <= min(file.size - 8, _MOST_FOOTER):
            raise Unreadable("broken_header", why="arrow_stream")
        schema = file.exactly(8, 8 + length)
    else:
        magic = b"ARROW1" if head.startswith(b"ARROW1") else head[:4]
        end = file.size - len(magic)
        length = int.from_bytes(file.exactly(max(end - 4, 0), max(end, 4)), "little")
        if file.exactly(end, file.size) != magic or not 0 < length <= min(end - 4, _MOST_FOOTER):
            raise Unreadable("broken_header", why="footer")
        schema = file.exactly(end - 4 - length, end - 4)
    found = [schema]
    for match in _SCHEMA.finditer(schema):
        try:
            found.append(base64.b64decode(match[1] + b"=" * (-len(match[1]) % 4)))
        except binascii.Error:
            continue
    if any(_PICKLED_TYPE in part for part in found):
        # Readers before pyarrow 14.0.1 unpickle what this type says of itself (CVE-2023-47248).
        yield Finding("arrow_pickled_type", "danger")


def pdf(file: File, budget: Budget) -> Iterator[Finding]:
    """Yield a finding for a document with scripts, attachments or programs to start. Raises `Unreadable` (`too_large`)."""
    budget.whole(file)
    tail = b""
    for start in range(0, file.size, MIB):
        piece = tail + file.read(start, min(start + MIB, file.size))
        found = _PDF_ACTION.search(piece)
        for match in _PDF_STREAM.finditer(piece) if not found else ():
            if found := _PDF_ACTION.search(_inflated(file, start - len(tail) + match.end(), budget)):
                break
        if found:
            yield Finding("document_action", "caution", "", {"action": found[0].decode()})
            return
        tail = piece[-1024:]


def _inflated(file: File, at: int, budget: Budget) -> bytes:
    engine = zlib.decompressobj()
    try:
        data = engine.decompress(file.read(at, min(at + _MOST_STREAM, file.size)), _MOST_STREAM)
    except zlib.error:
        return b""
    budget.spend(len(data))
    return data


def office(file: File, budget: Budget) -> Iterator[Finding]:
    """Judge a document of the old Office formats by its macros; what else it is cannot be said. Raises `Unreadable`."""
    budget.whole(file)
    tail = b""
    for start in range(0, file.size, MIB):
        piece = tail + file.read(start, min(start + MIB, file.size))
        if any(name in piece for name in _OFFICE):
            yield Finding("office_macros", "caution")
            return
        tail = piece[-64:]
    raise Unreadable("no_rule")

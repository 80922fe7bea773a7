"""Reading a text file within bounds."""

import codecs
import re
from collections.abc import Sequence
from encodings import normalize_encoding
from encodings.aliases import aliases

from inspection.files import File, Unreadable
from toolchain.validator.findings import Notes

KIB = 1 << 10

# Codecs must be there before the process is confined, where none can be looked up any more.
_DECLARABLE = ("utf_8", "utf_8_sig", "ascii", "gbk", "gb2312", "gb18030", "big5", "latin_1", "cp1252", "shift_jis", "euc_jp", "euc_kr")
_CODECS = {name: name for name in _DECLARABLE} | {alias: name for alias, name in aliases.items() if name in _DECLARABLE}
for _name in _DECLARABLE:
    codecs.lookup(_name)
_UTF8 = ("utf_8", "utf_8_sig", "ascii")
# PEP 263: in the first line, or in the second where the first is a comment or blank.
_COOKIE = re.compile(rb"(?:[ \t\f]*(?:#[^\r\n]*)?\r?\n)?[ \t\f]*#[^\r\n]*?coding[:=][ \t]*([-\w.]+)")


def read_bytes(file: File, limit: int, notes: Notes, *, blank: bool = False) -> bytes | None:
    """Return the whole of `file`, or None with a finding: larger than `limit` bytes, not readable, or, unless it may be, `blank`."""
    if file.size > limit:
        notes.error("file_too_large", limit=limit, size=file.size)
        return None
    try:
        data = file.exactly(0, file.size)
    except Unreadable as error:
        notes.error("symbolic_link" if error.code == "symbolic_link" else "file_unreadable", **error.facts)
        return None
    if not blank and not data.removeprefix(codecs.BOM_UTF8).strip():
        notes.error("file_empty")
        return None
    return data


def read_text(file: File, limit: int, notes: Notes, *, blank: bool = False) -> str | None:
    """Return `file` as text in UTF-8, or None with a finding; a byte order mark at the start stays."""
    data = read_bytes(file, limit, notes, blank=blank)
    return None if data is None else decoded(data, notes)


def decoded(data: bytes, notes: Notes, codec: str = "utf_8") -> str | None:
    """Return bytes as text, or None with a finding that says where they stop being that."""
    try:
        text = data.decode(codec)
    except UnicodeDecodeError as error:
        notes.error("not_utf8", data.count(b"\n", 0, error.start) + 1)
        return None
    if (place := text.find("\0")) >= 0:
        notes.error("null_byte", text.count("\n", 0, place) + 1)
        return None
    return text


def read_script(file: File, limit: int, notes: Notes, *, blank: bool = False) -> str | None:
    """Return a Python script as text, in the encoding that it declares, or None with a finding."""
    data = read_bytes(file, limit, notes, blank=blank)
    if data is None:
        return None
    declared = _COOKIE.match(data.removeprefix(codecs.BOM_UTF8))
    codec = _CODECS.get(normalize_encoding(declared[1].decode()).lower(), "") if declared is not None else "utf_8"
    if declared is None or codec in _UTF8:
        text = decoded(data, notes)
        return None if text is None else text.removeprefix("\ufeff")
    line, name = declared[0].count(b"\n") + 1, declared[1].decode()[:40]
    if not codec or data.startswith(codecs.BOM_UTF8):
        notes.error("encoding_unknown", line, encoding=name)
        return None
    text = decoded(data, notes, codec)
    if text is not None:
        notes.warn("encoding_declared", line, encoding=name)
    return text


def nearest(name: str, names: Sequence[str]) -> str:
    """Return the name that differs from `name` in case, blanks, hyphens and underscores only, or nothing."""
    return next((other for other in names if other != name and _folded(other) == _folded(name)), "")


def _folded(name: str) -> str:
    return re.sub(r"[\s_-]+", "", name).casefold()

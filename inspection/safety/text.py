"""Text: whether it is, and what is read of it in one pass."""

import codecs
import re
from collections.abc import Iterator

from inspection.files import File, Unreadable
from inspection.safety.budget import MIB, Budget

HEAD = 4096
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Looked up now: the confined process cannot load a codec later.
_WIDE = {name: codecs.lookup(name) for name in ("utf-32", "utf-16", "utf-16-le", "utf-16-be")}
_NARROW = [codecs.lookup(name) for name in ("utf-8", "gb18030")]
_UNLIKELY = re.compile("[\x80-\x9f\ue000-\uf8ff]")
_CONTROLS = re.compile(rb"[\x00-\x06\x0e-\x1a\x1c-\x1f\x7f]")
_MOST_WIDE = 64 * MIB


def encoding_of(head: bytes) -> str | None:
    """Return "bytes" for text in which ASCII is ASCII (UTF-8, GB18030, Latin), the name of a wide encoding, or None for no text."""
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name
    if b"\0" in head:
        for name, zeros, letters in (("utf-16-le", head[1::2], head[::2]), ("utf-16-be", head[::2], head[1::2])):
            if zeros.count(0) > len(zeros) // 2 and letters.count(0) == 0 and not _CONTROLS.search(letters):
                return name
        return None
    return None if _CONTROLS.search(head) or not _is_narrow(head) else "bytes"


def _is_narrow(head: bytes) -> bool:
    """Whether `head`, which may end within a character, is UTF-8, GB18030, or mostly ASCII with some letters of Western Europe."""
    for codec in _NARROW:
        try:
            text = codec.incrementaldecoder("strict").decode(head)
        except UnicodeDecodeError:
            continue
        if len(_UNLIKELY.findall(text)) <= len(text) // 200:
            return True
    return sum(byte > 127 for byte in head) <= len(head) // 4


def pieces(file: File, encoding: str, budget: Budget) -> Iterator[bytes]:
    """Yield the text in pieces of about a megabyte, wide encodings as UTF-8.

    Raises `Unreadable`: `too_large`, `binary_in_text` where something else than text follows.
    """
    budget.whole(file)
    wide = _WIDE[encoding].incrementaldecoder("replace") if encoding in _WIDE else None
    if wide and file.size > _MOST_WIDE:
        raise Unreadable("too_large", limit=_MOST_WIDE)
    binary = None
    for start in range(0, file.size, MIB):
        piece = file.read(start, min(start + MIB, file.size))
        if wide is not None:
            piece = wide.decode(piece).encode("utf-8", "replace")
        elif binary is None and b"\0" in piece:
            binary = start + piece.index(b"\0")
        yield piece
    if binary is not None:
        raise Unreadable("binary_in_text", at=binary)


def whole(file: File, encoding: str, limit: int) -> str:
    """Return all of the text, lossy where it is broken. Raises `Unreadable` (`too_large`) beyond `limit` bytes."""
    if file.size > limit:
        raise Unreadable("too_large", limit=limit)
    data = file.read(0, file.size)
    return data.decode("utf-8-sig" if encoding == "bytes" else encoding, "replace")

"""What a file is, judged by its name and its first bytes, and what text it holds."""

import codecs
import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath

HEAD = 8192


class Kind(StrEnum):
    """How a file can be shown. SVG and HTML are text: they are never rendered."""

    TEXT = "text"
    IMAGE = "image"
    MARKDOWN = "markdown"
    NOTEBOOK = "notebook"
    TABLE = "table"
    JSON = "json"
    JSON_LINES = "json_lines"
    SAFETENSORS = "safetensors"
    GGUF = "gguf"
    BINARY = "binary"


_BY_SUFFIX = {
    ".md": Kind.MARKDOWN,
    ".markdown": Kind.MARKDOWN,
    ".mdown": Kind.MARKDOWN,
    ".ipynb": Kind.NOTEBOOK,
    ".csv": Kind.TABLE,
    ".tsv": Kind.TABLE,
    ".json": Kind.JSON,
    ".jsonl": Kind.JSON_LINES,
    ".ndjson": Kind.JSON_LINES,
}
_PICTURES = {".png", ".jpg", ".jpeg", ".gif", ".webp"}
_SIGNATURES = ((b"\x89PNG\r\n\x1a\n", 0), (b"\xff\xd8\xff", 0), (b"GIF87a", 0), (b"GIF89a", 0), (b"WEBP", 8))
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_UNLIKELY = re.compile("[\x80-\x9f\ue000-\uf8ff]")


@dataclass(frozen=True)
class Text:
    """Decoded content with `\\n` line ends and the name of its encoding."""

    content: str
    encoding: str


def kind_of(name: str, head: bytes) -> Kind:
    """Return how the file `name`, which starts with `head`, can be shown."""
    suffix = PurePosixPath(name).suffix.lower()
    if head.startswith(b"GGUF"):
        return Kind.GGUF
    if suffix == ".safetensors":
        return Kind.SAFETENSORS
    if suffix in _PICTURES and any(head.startswith(signature, at) for signature, at in _SIGNATURES):
        return Kind.IMAGE
    if decode(head, whole=False) is None:
        return Kind.BINARY
    return _BY_SUFFIX.get(suffix, Kind.TEXT)


def decode(data: bytes, *, whole: bool = True) -> Text | None:
    """Return `data` as text, or None when it is not text; `whole` is false where a character may be cut at the end."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _try(data, encoding, whole)
    if b"\0" in data:
        return _without_mark(data, whole)
    for encoding in ("utf-8", "gb18030"):
        if text := _try(data, encoding, whole):
            return text
    return _western(data)


def _try(data: bytes, encoding: str, whole: bool) -> Text | None:
    try:
        content = codecs.getincrementaldecoder(encoding)().decode(data, whole)
    except UnicodeError:
        return None
    if _CONTROLS.search(content):
        return None
    if encoding == "gb18030" and len(_UNLIKELY.findall(content)) > len(content) // 200:
        return None
    return Text(content.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n"), encoding.removesuffix("-sig").upper())


def _without_mark(data: bytes, whole: bool) -> Text | None:
    """Return UTF-16 text without a byte order mark, which shows as zero bytes in one half of the pairs only."""
    sample = data[:HEAD]
    for encoding, zeros, letters in (("utf-16-le", sample[1::2], sample[::2]), ("utf-16-be", sample[::2], sample[1::2])):
        if zeros.count(0) > len(zeros) // 2 and letters.count(0) == 0:
            return _try(data, encoding, whole)
    return None


def _western(data: bytes) -> Text | None:
    """Return mostly ASCII text with a few letters of Western Europe."""
    if sum(byte > 127 for byte in data[:HEAD]) > min(len(data), HEAD) // 4:
        return None
    return _try(data, "cp1252", True)

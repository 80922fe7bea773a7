"""Weights in formats that hold numbers only: green once their header has really been read."""

import struct
from collections.abc import Iterator

from inspection.files import File, Unreadable
from inspection.safety.findings import Finding
from inspection.safety.templates import MOST_TEMPLATE, template
from repos.weights import gguf as gguf_header
from repos.weights import safetensors as safetensors_header
from repos.weights.tensors import BadHeader

_WIDTHS = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
_STRING, _ARRAY = 8, 9
_TEMPLATE = b"tokenizer.chat_template"


def is_safetensors(file: File, head: bytes) -> bool:
    """Whether a header of JSON of a length that fits stands where safetensors has it."""
    length = int.from_bytes(head[:8], "little")
    return len(head) > 9 and head[8:9] == b"{" and 2 <= length <= file.size - 8


def safetensors(file: File) -> Iterator[Finding]:
    """Check the header: every byte behind it belongs to a tensor. Raises `Unreadable` (`broken_header`)."""
    try:
        header = safetensors_header.read_header(file.read, file.size)
    except BadHeader as error:
        raise Unreadable("broken_header", why=error.reason) from error
    if 8 + _number(file, 0, 8) + sum(tensor.size for tensor in header.tensors) != file.size:
        raise Unreadable("broken_header", why="trailing_data")
    yield from ()


def gguf(file: File) -> Iterator[Finding]:
    """Check the header and judge the chat templates in it. Raises `Unreadable` (`broken_header`)."""
    try:
        gguf_header.read_header(file.read, file.size)
    except BadHeader as error:
        raise Unreadable("broken_header", why=error.reason) from error
    for text in _templates(file):
        yield from template(text)


def _templates(file: File) -> Iterator[str]:
    """Yield the chat templates of a header that has been checked."""
    _magic, _version, _tensors, pairs = struct.unpack("<4sIQQ", file.exactly(0, 24))
    at = 24
    for _pair in range(pairs):
        key_end = at + 8 + _number(file, at, 8)
        key = file.exactly(at + 8, min(key_end, at + 8 + 200))
        kind, at = _number(file, key_end, 4), key_end + 4
        if kind == _STRING and key.startswith(_TEMPLATE):
            length = _number(file, at, 8)
            if length > MOST_TEMPLATE:
                raise Unreadable("too_large", limit=MOST_TEMPLATE)
            yield file.exactly(at + 8, at + 8 + length).decode("utf-8", "replace")
        at = _behind(file, at, kind)


def _behind(file: File, at: int, kind: int) -> int:
    """Return where the value of `kind` at `at` ends."""
    if kind == _STRING:
        return at + 8 + _number(file, at, 8)
    if kind != _ARRAY:
        return at + _WIDTHS[kind]
    kind, count, at = _number(file, at, 4), _number(file, at + 4, 8), at + 12
    if kind != _STRING:
        return at + count * _WIDTHS[kind]
    for _string in range(count):
        at += 8 + _number(file, at, 8)
    return at


def _number(file: File, at: int, width: int) -> int:
    return int.from_bytes(file.exactly(at, at + width), "little")

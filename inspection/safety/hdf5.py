"""Keras models in HDF5 files, judged without a reader of HDF5.

Keras reads the attribute `model_config`, whose name stands in the file as it is and whose value is one stretch of JSON wherever HDF5
puts it; both are searched for. A file that has the name and no JSON that can be read is not judged.
"""

import json
import re
from collections.abc import Iterator

from inspection.files import File, Unreadable
from inspection.safety.budget import MIB, Budget
from inspection.safety.findings import Finding
from inspection.safety.keras import architecture, is_architecture

SIGNATURE = b"\x89HDF\r\n\x1a\n"
_PLACES = (0, 512, 1024, 2048)
MOST_JSON = 32 * MIB
_OVERLAP = 256
_CANDIDATE = re.compile(rb'\{\s*"(?:[A-Za-z_]|\\u[0-9a-fA-F]{4}){3,40}"\s*:')
_NAMES = (b"model_config", b"training_config")
_MOST_CANDIDATES = 200
_DECODER = json.JSONDecoder()


def is_hdf5(file: File, head: bytes) -> bool:
    """Whether a superblock stands at the beginning or, behind a block of the user's, at a power of two from 512 on."""
    return head.startswith(SIGNATURE) or any(file.read(at, at + 8) == SIGNATURE for at in _PLACES if at + 8 <= file.size)


def _check(file: File) -> None:
    """Raise `Unreadable` where the superblock is none, or names an end that the file does not reach."""
    start = next(at for at in _PLACES if file.read(at, at + 8) == SIGNATURE)
    block = file.exactly(start, min(start + 64, file.size)).ljust(64, b"\0")
    widths, end = (13, 40) if block[8] < 2 else (9, 28)
    if block[8] > 3 or block[widths] not in (2, 4, 8) or block[widths + 1] not in (2, 4, 8):
        raise Unreadable("broken_header", why="superblock")
    if block[widths] == 8 and int.from_bytes(block[end : end + 8], "little") > file.size:
        raise Unreadable("truncated", at=file.size)


def hdf5(file: File, budget: Budget) -> Iterator[Finding]:
    """Yield what the Keras model in the file does. Raises `Unreadable`: `too_large`, `broken_header`, `truncated`,
    `keras_config_unreadable`."""
    budget.whole(file)
    _check(file)
    named, judged, reached, candidates = False, False, 0, 0
    tail = b""
    for start in range(0, file.size, MIB):
        piece = tail + file.read(start, min(start + MIB, file.size))
        begin = start - len(tail)
        named = named or any(name in piece for name in _NAMES)
        for match in _CANDIDATE.finditer(piece):
            at = begin + match.start()
            if at < reached or candidates >= _MOST_CANDIDATES:
                continue
            candidates += 1
            document, length = _json(file, at)
            if length:
                reached = at + length
                if is_architecture(document):
                    judged = True
                if isinstance(document, (dict, list)):
                    yield from architecture(document)
        tail = piece[-_OVERLAP:]
    if named and not judged:
        raise Unreadable("keras_config_unreadable")


def _json(file: File, at: int) -> tuple[object, int]:
    """Return the JSON that begins at `at` and its length in bytes, (None, 0) where there is none. Raises `Unreadable`."""
    for size in (64 << 10, MIB, MOST_JSON):
        text = file.read(at, min(at + size, file.size)).decode("utf-8", "surrogateescape")
        try:
            document, end = _DECODER.raw_decode(text)
        except RecursionError as error:
            raise Unreadable("json_too_deep") from error
        except ValueError as error:
            # An error far from the end is one whatever follows.
            if getattr(error, "pos", 0) < len(text) - 4096 and "Unterminated" not in str(error):
                return None, 0
            if at + size >= file.size:
                return None, 0
            continue
        return document, len(text[:end].encode("utf-8", "surrogateescape"))
    return None, 0

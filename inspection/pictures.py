"""Pictures of strangers made small: decoded in a confined process, encoded anew, so that nothing but pixels reaches a browser."""

import threading
from dataclasses import dataclass

from inspection import isolation
from inspection.files import File, Unreadable
from inspection.isolation import Limits

MAX_BYTES = 64_000_000
LIMITS = Limits(cpu=10, wall=20.0)
_AT_ONCE = threading.BoundedSemaphore(3)


@dataclass(frozen=True)
class Picture:
    """A picture made small: WebP; `format`, `width` and `height` are those of the original, as it is stored."""

    webp: bytes
    format: str
    width: int
    height: int


def smaller(file: File, side: int) -> Picture:
    """Return the first frame of a picture, upright, of at most `side` pixels a side; it is never made larger.

    Raises `Unreadable`: `picture_bytes` (`size`), `picture_pixels` (`width`, `height`), `picture_damaged`, or what
    `inspection.isolation.run` raises over a file that takes too much.
    """
    if file.size > MAX_BYTES:
        raise Unreadable("picture_bytes", size=file.size)
    pieces: list[bytes] = []
    with _AT_ONCE:
        found = isolation.run(
            "inspection.pictures_confined:smaller",
            {"side": side},
            files=[file],
            limits=LIMITS,
            take=lambda data, _facts: pieces.append(data),
            warm="inspection.pictures_confined",
        )
    return Picture(pieces[0], found["format"], found["width"], found["height"])

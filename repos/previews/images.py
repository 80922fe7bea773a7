"""Raster images, recognised by decoding their headers."""

import io
import warnings
from dataclasses import dataclass

from PIL import Image, UnidentifiedImageError

FORMATS = ("PNG", "JPEG", "GIF", "WEBP")
MAX_PIXELS = 64_000_000


@dataclass(frozen=True)
class Picture:
    """A picture a browser may show: `format` is its true one, whatever its name says."""

    format: str
    width: int
    height: int

    @property
    def media_type(self) -> str:
        return f"image/{self.format.lower()}"


def picture(data: bytes) -> Picture | None:
    """Return what `data` shows, or None where it is no PNG, JPEG, GIF or WebP, is damaged, or has too many pixels."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data), formats=FORMATS) as image:
                found = Picture(str(image.format), image.width, image.height)
                if not 0 < found.width * found.height <= MAX_PIXELS:
                    return None
                image.verify()
    except (OSError, SyntaxError, ValueError, UnidentifiedImageError, Image.DecompressionBombError):
        return None
    return found

"""The confined side of `inspection.pictures`: the only place that decodes pictures of datasets."""

import warnings
from io import BytesIO
from typing import Any

from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    IcoImagePlugin,
    Image,
    ImageOps,
    Jpeg2KImagePlugin,
    JpegImagePlugin,
    MpoImagePlugin,
    PcxImagePlugin,
    PngImagePlugin,
    PpmImagePlugin,
    SgiImagePlugin,
    TgaImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from inspection import child
from inspection.files import File, Unreadable

# Nothing can be imported once the process is confined, so every plug-in is there before.
_PLUGINS = (
    AvifImagePlugin, BmpImagePlugin, GifImagePlugin, IcoImagePlugin, Jpeg2KImagePlugin, JpegImagePlugin, MpoImagePlugin, PcxImagePlugin,
    PngImagePlugin, PpmImagePlugin, SgiImagePlugin, TgaImagePlugin, TiffImagePlugin, WebPImagePlugin,
)  # fmt: skip
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "DIB", "TIFF", "PPM", "ICO", "TGA", "PCX", "SGI", "JPEG2000", "AVIF")
MAX_PIXELS = 64_000_000
Image.MAX_IMAGE_PIXELS = None  # the size is compared here, before a pixel is decoded


def smaller(files: list[File], side: int) -> dict[str, Any]:
    """Hand over the picture as `inspection.pictures.smaller` promises it, and return its `format`, `width` and `height`."""
    data = files[0].exactly(0, files[0].size)
    warnings.simplefilter("ignore")
    try:
        with Image.open(BytesIO(data), formats=FORMATS) as picture:
            width, height = picture.size
            if not 0 < width * height <= MAX_PIXELS:
                raise Unreadable("picture_pixels", width=width, height=height)
            found = {"format": str(picture.format), "width": width, "height": height}
            # A JPEG is decoded no larger than it takes.
            picture.draft("RGB", (side, side))
            picture.thumbnail((side, side), Image.Resampling.LANCZOS)
            upright = ImageOps.exif_transpose(picture)
            encoded = BytesIO()
            _plain(upright).save(encoded, "WEBP", quality=80, method=3)
    except (Unreadable, MemoryError):
        raise
    except Exception as error:  # Pillow raises almost anything over a crafted file
        raise Unreadable("picture_damaged") from error
    child.hand_over(encoded.getvalue())
    return found


def _plain(picture: Image.Image) -> Image.Image:
    if picture.mode in ("I", "F") or picture.mode.startswith("I;16"):
        # Measurements rather than shades: the whole range they have is shown.
        low, high = picture.convert("F").getextrema()
        scale = 255 / (float(high) - float(low) or 1)  # type: ignore[arg-type]
        return picture.convert("F").point(lambda value: value * scale - float(low) * scale).convert("L").convert("RGB")  # type: ignore[arg-type]
    return picture.convert("RGBA" if picture.has_transparency_data else "RGB")

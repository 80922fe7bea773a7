"""Avatars: any picture a person sends becomes one small square WebP file of known size."""

import hashlib
import warnings
from dataclasses import dataclass
from io import BytesIO
from typing import IO

from django.utils.translation import gettext as _
from PIL import ExifTags, Image, ImageOps

from core.problems import Problem, TooLarge

MAX_BYTES = 5 * 1000 * 1000
MAX_PIXELS = 40_000_000
SIDE = 512
FORMATS = ("PNG", "JPEG", "WEBP", "GIF")


@dataclass(frozen=True)
class Crop:
    """A square inside a picture: its left upper corner and its side, in pixels of the picture as people see it, upright."""

    x: int
    y: int
    size: int


def square(image: IO[bytes], crop: Crop | None = None) -> bytes:
    """Return `crop` of `image`, or its middle, as a square WebP of at most 512 pixels a side, without anything but its pixels.

    The size is read from the header before a pixel is decoded, so a decompression bomb costs nothing. Raises `Problem`.
    """
    data = image.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise TooLarge(
            "avatar_too_large", _("The picture is larger than 5 MB. Choose a smaller one."), errors={"avatar": [_("Larger than 5 MB.")]}
        )
    sentence = _("This is not a picture that can be used. Choose a PNG, JPEG, WebP or GIF file.")
    refused = Problem("bad_avatar", sentence, errors={"avatar": [sentence]})
    chosen = _("The chosen part is not inside the picture. Choose it again.")
    outside = Problem("avatar_outside", chosen, errors={"avatar": [chosen]})
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(BytesIO(data), formats=FORMATS) as picture:
                if picture.width * picture.height > MAX_PIXELS or min(picture.size) < 1:
                    raise refused
                width, height = _upright_size(picture)
                if crop and not _inside(crop, width, height):
                    raise outside
                # A JPEG is decoded no larger than it takes for the part that is kept.
                kept = crop.size if crop else min(picture.size)
                picture.draft("RGB", (SIDE * picture.width // kept, SIDE * picture.height // kept))
                upright = ImageOps.exif_transpose(picture).convert("RGBA")
        if crop:
            scale = upright.width / width
            box = tuple(round(edge * scale) for edge in (crop.x, crop.y, crop.x + crop.size, crop.y + crop.size))
            upright = upright.crop((box[0], box[1], max(box[0] + 1, box[2]), max(box[1] + 1, box[3])))
        side = min(SIDE, *upright.size)
        fitted = ImageOps.fit(upright, (side, side), Image.Resampling.LANCZOS)
        encoded = BytesIO()
        fitted.save(encoded, "WEBP", quality=86, method=4)
    except Problem:
        raise
    except Exception as error:  # Pillow raises almost anything over a crafted file
        raise refused from error
    return encoded.getvalue()


def _upright_size(picture: Image.Image) -> tuple[int, int]:
    """Return width and height as people see them; the orientation of a camera's picture stands in its EXIF data."""
    turned = picture.getexif().get(ExifTags.Base.Orientation, 1) in (5, 6, 7, 8)
    return (picture.height, picture.width) if turned else picture.size


def _inside(crop: Crop, width: int, height: int) -> bool:
    return crop.size >= 1 and 0 <= crop.x <= width - crop.size and 0 <= crop.y <= height - crop.size


def avatar_path(namespace_id: int, data: bytes) -> str:
    """Return the name of an avatar in the store, which is also its address: it changes with the content and never with anything else."""
    return f"avatars/{namespace_id}/{hashlib.sha256(data).hexdigest()[:32]}.webp"

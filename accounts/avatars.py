"""Avatars: any picture a person sends becomes one small square WebP file of known size."""

import hashlib
import warnings
from io import BytesIO
from typing import IO

from django.utils.translation import gettext as _
from PIL import Image, ImageOps

from core.problems import Problem, TooLarge

MAX_BYTES = 5 * 1000 * 1000
MAX_PIXELS = 40_000_000
SIDE = 512
FORMATS = ("PNG", "JPEG", "WEBP", "GIF")


def square(image: IO[bytes]) -> bytes:
    """Return `image` as a square WebP of at most 512 pixels a side, without anything but its pixels.

    The size is read from the header before a pixel is decoded, so a decompression bomb costs nothing. Raises `Problem`.
    """
    data = image.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise TooLarge(
            "avatar_too_large", _("The picture is larger than 5 MB. Choose a smaller one."), errors={"avatar": [_("Larger than 5 MB.")]}
        )
    sentence = _("This is not a picture that can be used. Choose a PNG, JPEG, WebP or GIF file.")
    refused = Problem("bad_avatar", sentence, errors={"avatar": [sentence]})
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(BytesIO(data), formats=FORMATS) as picture:
                if picture.width * picture.height > MAX_PIXELS or min(picture.size) < 1:
                    raise refused
                picture.draft("RGB", (SIDE, SIDE))
                upright = ImageOps.exif_transpose(picture).convert("RGBA")
        side = min(SIDE, *upright.size)
        fitted = ImageOps.fit(upright, (side, side), Image.Resampling.LANCZOS)
        encoded = BytesIO()
        fitted.save(encoded, "WEBP", quality=86, method=4)
    except Problem:
        raise
    except Exception as error:  # Pillow raises almost anything over a crafted file
        raise refused from error
    return encoded.getvalue()


def avatar_path(namespace_id: int, data: bytes) -> str:
    """Return the name of an avatar in the store, which is also its address: it changes with the content and never with anything else."""
    return f"avatars/{namespace_id}/{hashlib.sha256(data).hexdigest()[:32]}.webp"

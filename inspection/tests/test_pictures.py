import io
import struct
import zlib

import pytest
from PIL import ExifTags, Image

from inspection.files import File, Unreadable, in_memory
from inspection.pictures import MAX_BYTES, smaller


def encoded(form, mode="RGB", size=(64, 48), **options):
    buffer = io.BytesIO()
    Image.new(mode, size).save(buffer, form, **options)
    return buffer.getvalue()


def shown(data, side=32):
    found = smaller(in_memory("picture", data), side)
    with Image.open(io.BytesIO(found.webp)) as image:
        assert image.format == "WEBP"
        return found.format, (found.width, found.height), image.size


def refused(data):
    with pytest.raises(Unreadable) as caught:
        smaller(in_memory("picture", data), 32)
    return caught.value.code, caught.value.facts


@pytest.mark.parametrize(
    ("form", "mode", "stated"),
    [("PNG", "RGB", "PNG"), ("PNG", "1", "PNG"), ("JPEG", "CMYK", "JPEG"), ("GIF", "P", "GIF"), ("TIFF", "I;16", "TIFF"), ("TIFF", "F", "TIFF"),
     ("BMP", "RGB", "BMP"), ("AVIF", "RGB", "AVIF"), ("JPEG2000", "RGB", "JPEG2000"), ("PPM", "RGB", "PPM")],
)  # fmt: skip
def test_formats_of_datasets_become_small_webp(form, mode, stated):
    assert shown(encoded(form, mode)) == (stated, (64, 48), (32, 24))


def test_small_picture_keeps_its_size():
    assert shown(encoded("PNG", size=(5, 3))) == ("PNG", (5, 3), (5, 3))


def test_transparency_stays():
    found = smaller(in_memory("a", encoded("PNG", "RGBA")), 32)
    with Image.open(io.BytesIO(found.webp)) as image:
        assert image.mode == "RGBA"


def test_picture_of_a_camera_stands_upright_and_loses_its_place():
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    exif[ExifTags.Base.Make] = "Camera of somebody"
    found = smaller(in_memory("a", encoded("JPEG", exif=exif)), 32)
    with Image.open(io.BytesIO(found.webp)) as image:
        assert image.size == (24, 32)
        assert dict(image.getexif()) == {}
    assert b"somebody" not in found.webp


def bomb(width, height):
    """A PNG whose head states a size and whose body is nothing."""

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("data", "code", "facts"),
    [
        (b"", "picture_damaged", {}),
        (b"<svg/>", "picture_damaged", {}),
        (encoded("PNG")[:60], "picture_damaged", {}),
        (encoded("JPEG")[:300], "picture_damaged", {}),
        (bomb(100_000, 100_000), "picture_pixels", {"width": 100_000, "height": 100_000}),
    ],
)
def test_damaged_pictures_have_codes(data, code, facts):
    assert refused(data) == (code, facts)


def test_picture_of_too_many_bytes_is_not_read():
    def read(start, end):
        raise AssertionError("read")

    with pytest.raises(Unreadable) as caught:
        smaller(File("a", MAX_BYTES + 1, read), 32)
    assert caught.value.code == "picture_bytes"

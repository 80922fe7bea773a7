"""Pictures: whatever is sent, only a small square WebP is kept and served."""

import struct
import zlib
from io import BytesIO
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from accounts.models import AuditEvent, Namespace, User
from core.testing import People, browser

ADDRESS = "/me/profile/avatar"


def picture(kind: str = "PNG", size: tuple[int, int] = (300, 200), **options: Any) -> bytes:
    out = BytesIO()
    Image.new("RGB", size, "teal").save(out, kind, **options)
    return out.getvalue()


def send(client: Any, data: bytes, name: str = "me.png", address: str = ADDRESS) -> Any:
    return client.post(address, {"avatar": SimpleUploadedFile(name, data, "image/png")})


def avatar_of(user: Any) -> str:
    return str(Namespace.objects.get(pk=user.pk).avatar.name)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_picture_becomes_a_square_webp(alice: Any, kind: str) -> None:
    client = browser(alice)
    assert send(client, picture(kind)).status_code == 302
    path = avatar_of(alice)
    assert path.startswith(f"avatars/{alice.pk}/")
    response = browser().get(f"/{path}")
    assert (response.status_code, response["Content-Type"]) == (200, "image/webp")
    with Image.open(BytesIO(b"".join(response))) as shown:
        assert (shown.format, shown.size) == ("WEBP", (200, 200))
    assert f'src="/{path}"' in client.get("/me/profile").content.decode()


def test_avatar_is_served_for_ever_and_inert(alice: Any) -> None:
    client = browser(alice)
    send(client, picture())
    response = browser().get(f"/{avatar_of(alice)}")
    assert response["Cache-Control"] == "public, max-age=31536000, immutable"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Security-Policy"].startswith("sandbox; default-src 'none'")


def test_large_picture_is_scaled_and_turned_upright(alice: Any) -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "secret place"
    send(browser(alice), picture("JPEG", (1600, 900), exif=exif))
    with default_storage.open(avatar_of(alice)) as file:
        data = file.read()
    assert b"secret place" not in data and b"EXIF" not in data
    with Image.open(BytesIO(data)) as shown:
        assert shown.size == (512, 512)


def test_new_picture_replaces_the_old_file(alice: Any, django_capture_on_commit_callbacks: Any) -> None:
    client = browser(alice)
    with django_capture_on_commit_callbacks(execute=True):
        send(client, picture())
        first = avatar_of(alice)
        send(client, picture(size=(64, 64)))
    second = avatar_of(alice)
    assert (default_storage.exists(first), default_storage.exists(second)) == (False, True)
    with django_capture_on_commit_callbacks(execute=True):
        client.post(ADDRESS, {"remove": "1"})
    assert avatar_of(alice) == ""
    assert not default_storage.exists(second)
    assert browser().get(f"/{second}").status_code == 404
    assert AuditEvent.objects.filter(verb="edit", details={"fields": ["avatar"]}).count() == 3


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def bomb() -> bytes:
    """Return a PNG of a few hundred bytes that claims 50000 x 50000 pixels."""
    header = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")


BAD = {
    "empty": b"",
    "text": b"not a picture",
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
    "html with a png signature": b"\x89PNG\r\n\x1a\n<script>alert(1)</script>",
    "half a png": picture()[:60],
    "png with a broken checksum": picture()[:40] + b"\xff" + picture()[41:],
    "bomb": bomb(),
    "bmp": picture("BMP"),
    "tiff": picture("TIFF"),
    "ico": picture("ICO", (32, 32)),
    "pdf": picture("PDF"),
    "eps": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n",
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_picture_is_refused(alice: Any, name: str) -> None:
    response = send(browser(alice), BAD[name])
    assert response.status_code == 422
    assert b'id="id_avatar-error"' in response.content
    assert avatar_of(alice) == ""


def test_picture_above_the_limit_is_refused(alice: Any) -> None:
    response = send(browser(alice), picture() + b"\0" * 5_000_000)
    assert response.status_code == 422
    assert avatar_of(alice) == ""


def test_what_hides_behind_a_picture_is_not_kept(alice: Any) -> None:
    send(browser(alice), picture("GIF") + b"<script>alert(1)</script>", "x.html")
    with default_storage.open(avatar_of(alice)) as file:
        assert b"script" not in file.read()


def test_missing_file_is_an_error_at_the_field(alice: Any) -> None:
    assert browser(alice).post(ADDRESS, {}).status_code == 422


@pytest.mark.parametrize("path", ["1/..%2f..%2fsecrets", "1/" + "a" * 31, "1/" + "A" * 32, "1/%00", "x/" + "a" * 32, "1/" + "a" * 32])
def test_other_files_are_not_served(db: None, path: str) -> None:
    assert browser().get(f"/avatars/{path}.webp").status_code == 404


def test_owner_sets_the_picture_of_an_organisation(people: People) -> None:
    assert send(browser(people.bob), picture(), address="/atelier/-/settings/avatar").status_code == 403
    assert avatar_of(people.atelier) == ""
    assert send(browser(people.alice), picture(), address="/atelier/-/settings/avatar").status_code == 302
    assert avatar_of(people.atelier).startswith(f"avatars/{people.atelier.pk}/")
    assert User.objects.get(pk=people.alice.pk).avatar.name == ""


def quarters() -> bytes:
    """Return a picture of 400 x 200 pixels: left half red above blue, right half green above white."""
    made = Image.new("RGB", (400, 200), "white")
    for colour, box in {"red": (0, 0, 200, 100), "blue": (0, 100, 200, 200), "lime": (200, 0, 400, 100)}.items():
        made.paste(colour, box)
    out = BytesIO()
    made.save(out, "PNG")
    return out.getvalue()


def colour_of(user: Any) -> tuple[tuple[int, int], tuple[int, ...]]:
    with default_storage.open(avatar_of(user)) as file, Image.open(BytesIO(file.read())) as shown:
        return shown.size, tuple(round(part / 255) for part in shown.convert("RGB").getpixel((shown.width // 2, shown.height // 2)))


def send_part(client: Any, data: bytes, x: Any, y: Any, size: Any, name: str = "me.png") -> Any:
    return client.post(ADDRESS, {"avatar": SimpleUploadedFile(name, data, "image/png"), "x": x, "y": y, "size": size})


@pytest.mark.parametrize(("x", "y", "colour"), [(0, 0, (1, 0, 0)), (20, 110, (0, 0, 1)), (310, 10, (0, 1, 0)), (320, 120, (1, 1, 1))])
def test_chosen_square_is_what_is_kept(alice: Any, x: int, y: int, colour: tuple[int, ...]) -> None:
    assert send_part(browser(alice), quarters(), x, y, 80).status_code == 302
    assert colour_of(alice) == ((80, 80), colour)


def test_square_counts_on_the_picture_as_people_see_it(alice: Any) -> None:
    """Turned by its EXIF data the picture is 1600 high; its upper left corner was the lower left one of the file."""
    made = Image.new("RGB", (1600, 900), "white")
    made.paste("red", (0, 450, 800, 900))
    exif, out = Image.Exif(), BytesIO()
    exif[0x0112] = 6
    made.save(out, "JPEG", exif=exif)
    assert send_part(browser(alice), out.getvalue(), 0, 0, 450).status_code == 302
    assert colour_of(alice) == ((450, 450), (1, 0, 0))
    assert send_part(browser(alice), out.getvalue(), 450, 1150, 450).status_code == 302
    assert colour_of(alice)[1] == (1, 1, 1)


def test_small_part_of_a_large_photograph_stays_sharp(alice: Any) -> None:
    assert send_part(browser(alice), picture("JPEG", (4000, 3000)), 1000, 1000, 600).status_code == 302
    assert colour_of(alice)[0] == (512, 512)


@pytest.mark.parametrize("part", [(0, 0, 201), (321, 0, 80), (0, 121, 80), (400, 200, 1)])
def test_square_outside_the_picture_is_refused(alice: Any, part: tuple[int, int, int]) -> None:
    response = send_part(browser(alice), quarters(), *part)
    assert (response.status_code, "The chosen part is not inside the picture" in response.content.decode()) == (422, True)
    assert avatar_of(alice) == ""


@pytest.mark.parametrize("part", [("", "", ""), (0, 0, "")])
def test_incomplete_square_means_the_middle(alice: Any, part: tuple[Any, Any, Any]) -> None:
    assert send_part(browser(alice), picture("PNG", (300, 200)), *part).status_code == 302
    assert colour_of(alice)[0] == (200, 200)


@pytest.mark.parametrize("part", [("x", 0, 80), (-1, 0, 80), (0, 0, 0), (0, 0, "9" * 30)])
def test_square_that_is_none_is_no_defect_of_ours(alice: Any, part: tuple[Any, Any, Any]) -> None:
    assert send_part(browser(alice), quarters(), *part).status_code == 422

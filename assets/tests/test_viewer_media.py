"""Pictures and sounds of the preview: small ones, whole ones, ranges, headers, and what is damaged."""

import io
import json
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from django.test import TestCase
from PIL import Image

from assets.tests.tabled import address, archive, make_dataset, opener, picture, sound
from core.security import CONTENT_POLICY
from core.testing import browser, make_people

SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
FILES = {
    "train/good/1.png": picture(),
    "train/good/2.jpg": picture("#aa3311", (20, 10)),
    "train/bad/3.png": b"\x89PNG\r\n\x1a\nnothing",
    "train/bad/4.png": SVG,
}


def get(path: str = "/preview/media", status: int = 200, headers: dict[str, str] | None = None, **query: Any) -> Any:
    response = browser().get(address(path, **query), headers=headers or {})
    assert response.status_code == status, response.content[:500]
    return response


def content(response: Any) -> bytes:
    return b"".join(response.streaming_content) if response.streaming else bytes(response.content)


class PictureTests(TestCase):
    @classmethod
    def setUpTestData(cls) -> None:
        make_dataset(make_people(), FILES)
        page = opener(browser())()
        cls.rows = {name: number for number, name in enumerate(["bad/3.png", "bad/4.png", "good/1.png", "good/2.jpg"], 1)}
        assert page.count('loading="lazy"') == 4

    def media(self, name: str, **more: Any) -> Any:
        return get(column="image", row=self.rows[name], **more)

    def test_thumbnail_is_a_small_webp_of_its_own(self) -> None:
        response = self.media("good/1.png", thumbnail="1")
        assert response["Content-Type"] == "image/webp"
        with Image.open(io.BytesIO(response.content)) as image:
            assert (image.format, image.size) == ("WEBP", (256, 192))

    def test_small_picture_is_not_made_larger(self) -> None:
        with Image.open(io.BytesIO(self.media("good/2.jpg", thumbnail="large").content)) as image:
            assert image.size == (20, 10)

    def test_damaged_picture_has_a_drawing_that_says_so(self) -> None:
        for name in ("bad/3.png", "bad/4.png"):
            response = self.media(name, thumbnail="1")
            assert response["Content-Type"] == "image/svg+xml; charset=utf-8"
            assert "This is no picture" in response.content.decode()
            assert "alert" not in response.content.decode()
            assert response["Cache-Control"] == "private, no-store"

    def test_whole_picture_comes_with_headers_that_let_nothing_run(self) -> None:
        response = self.media("good/1.png")
        assert content(response) == FILES["train/good/1.png"]
        assert response["Content-Type"] == "image/png"
        assert response["Content-Security-Policy"] == CONTENT_POLICY
        assert response["X-Content-Type-Options"] == "nosniff"
        assert response["Cross-Origin-Resource-Policy"] == "same-origin"
        assert response["Cache-Control"] == "private, no-cache"

    def test_known_picture_is_not_sent_again(self) -> None:
        for thumbnail in ("", "1"):
            first = self.media("good/1.png", **({"thumbnail": thumbnail} if thumbnail else {}))
            again = self.media(
                "good/1.png", status=304, headers={"If-None-Match": first["ETag"]}, **({"thumbnail": thumbnail} if thumbnail else {})
            )
            assert again.content == b""

    def test_etags_tell_cells_and_sizes_apart(self) -> None:
        tags = {self.media(name, thumbnail=side)["ETag"] for name in ("good/1.png", "good/2.jpg") for side in ("1", "large")}
        assert len(tags) == 4

    def test_size_nobody_offers_is_refused(self) -> None:
        self.media("good/1.png", thumbnail="9999", status=400)

    def test_cell_page_shows_the_large_one_and_offers_the_original(self) -> None:
        page = opener(browser())("/preview/cell", row=self.rows["good/1.png"], column="image")
        assert "thumbnail=large" in page
        assert " download>" in page


class SoundTests(TestCase):
    @classmethod
    def setUpTestData(cls) -> None:
        cls.clips = {"a.wav": sound(0.25), "b.wav": sound(0.5)}
        metadata = b"file_name,words\na.wav,first\nb.wav,second\n"
        make_dataset(make_people(), {**cls.clips, "metadata.csv": metadata})

    def test_player_asks_for_nothing_before_it_is_used(self) -> None:
        page = opener(browser())()
        assert page.count('<audio controls preload="none"') == 2
        assert "media-src 'self'" in browser().get(address())["Content-Security-Policy"]

    def test_range_of_a_sound_is_sent(self) -> None:
        response = get(row=2, column="audio", status=206, headers={"Range": "bytes=44-99"})
        assert response["Content-Type"] in ("audio/x-wav", "audio/wav")
        assert response["Content-Range"] == f"bytes 44-99/{len(self.clips['b.wav'])}"
        assert content(response) == self.clips["b.wav"][44:100]

    def test_range_beyond_the_end_is_refused(self) -> None:
        response = get(row=2, column="audio", status=416, headers={"Range": "bytes=9999999-"})
        assert response["Content-Range"] == f"bytes */{len(self.clips['b.wav'])}"


class ArchiveTests(TestCase):
    @classmethod
    def setUpTestData(cls) -> None:
        cls.members = {}
        for number in range(3):
            cls.members |= {
                f"{number}.png": picture(f"#0{number}0a0b", (64, 32)),
                f"{number}.wav": sound(0.1 + number / 10),
                f"{number}.json": json.dumps({"label": number}).encode(),
            }
        make_dataset(make_people(), {"train.tar": archive(cls.members)})

    def test_member_is_sent_by_range_from_inside_the_archive(self) -> None:
        whole = get(row=3, column="wav")
        assert content(whole) == self.members["2.wav"]
        assert whole["Content-Type"] == "audio/wav"
        assert whole["Content-Disposition"].startswith('inline; filename="train-3.wav"')
        assert whole["Content-Security-Policy"] == CONTENT_POLICY
        part = get(row=3, column="wav", status=206, headers={"Range": "bytes=8-11"})
        assert content(part) == b"WAVE"

    def test_picture_in_an_archive_is_made_small(self) -> None:
        with Image.open(io.BytesIO(get(row=2, column="png", thumbnail="1").content)) as image:
            assert image.size == (64, 32)


class EmbeddedTests(TestCase):
    @classmethod
    def setUpTestData(cls) -> None:
        cls.pictures = [picture("#112233", (40, 30)), b"<html><script>alert(1)</script></html>"]
        kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
        features = {"info": {"features": {"image": {"_type": "Image"}}}}
        schema = pa.schema([("image", kind)], metadata={"huggingface": json.dumps(features)})
        rows = [{"bytes": data, "path": None} for data in cls.pictures]
        buffer = io.BytesIO()
        pq.write_table(pa.table({"image": pa.array(rows, kind)}, schema=schema), buffer)
        make_dataset(make_people(), {"train.parquet": buffer.getvalue()})

    def test_embedded_bytes_are_sent_with_their_true_type(self) -> None:
        response = get(row=1, column="image")
        assert content(response) == self.pictures[0]
        assert response["Content-Type"] == "image/png"

    def test_what_is_no_picture_is_a_file_to_keep_and_never_a_page(self) -> None:
        response = get(row=2, column="image")
        assert response["Content-Type"] == "application/octet-stream"
        assert response["Content-Disposition"].startswith("attachment;")
        assert response["X-Content-Type-Options"] == "nosniff"

    def test_thumbnail_of_embedded_bytes(self) -> None:
        with Image.open(io.BytesIO(get(row=1, column="image", thumbnail="1").content)) as image:
            assert image.size == (40, 30)

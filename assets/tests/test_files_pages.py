"""The files pages: what they show, and what their forms do."""

import io
import zipfile
from typing import Any

import pytest
from django.utils.http import urlencode

from assets.tests.files import ADDRESS, FILES, make_files, page, write
from core.testing import People, assert_flat_queries, browser
from repos import reading
from repos.models import DailyDownloads
from repos.operations import PutBytes

pytestmark = pytest.mark.django_db


# --- Listing -----------------------------------------------------------------------------------------------


def test_a_folder_lists_folders_first(people: People) -> None:
    make_files(people)
    html = page(people, "/files")
    assert [part.split("<span>")[1].split("<")[0] for part in html.split('class="fname')[1:]] == [
        "train", ".gitattributes", "README.md", "config.json", "drawing.svg", "model.safetensors", "photo.png",
    ]  # fmt: skip
    assert html.count("LFS</span>") == 2
    assert "Raise a" in html


@pytest.mark.parametrize(
    ("query", "direction", "first"),
    [
        ("", "ascending", ".gitattributes"),
        ("?sort=name&order=desc", "descending", "photo.png"),
        ("?sort=size&order=desc", "descending", ".gitattributes"),
    ],
)
def test_the_list_is_sorted_as_asked(people: People, query: str, direction: str, first: str) -> None:
    make_files(people)
    html = page(people, "/files/main" + query)
    assert html.count(f'aria-sort="{direction}"') == 1
    files = [part.split("<span>")[1].split("<")[0] for part in html.split('class="fname" ')[1:]]
    assert files[0] == first


def test_more_than_a_hundred_entries_are_shown_in_pages(people: People) -> None:
    asset = make_files(people)
    write(asset, people.alice, [PutBytes(f"many/{number:04}.txt", b"x") for number in range(101)])
    first, second = page(people, "/files/main/many"), page(people, "/files/main/many?page=2")
    assert (first.count('class="fname"'), second.count('class="fname"')) == (100, 1)
    assert "?page=2" in first and "0100.txt" in second


def test_listing_costs_the_same_for_any_number_of_entries(people: People) -> None:
    asset = make_files(people, "public")
    numbers = iter(range(1000))

    def add_row() -> None:
        write(asset, people.alice, [PutBytes(f"flat/{next(numbers)}.txt", b"x")])

    assert_flat_queries(f"{ADDRESS}/files/main/flat", add_row, client=browser(people.alice))


def test_history_costs_the_same_for_any_number_of_commits(people: People) -> None:
    asset = make_files(people, "public")
    numbers = iter(range(1000))

    def add_row() -> None:
        write(asset, people.alice, [PutBytes("counter.txt", str(next(numbers)).encode())])

    assert_flat_queries(f"{ADDRESS}/history/main", add_row, client=browser(people.alice))


def test_files_are_found_by_parts_of_their_path(people: People) -> None:
    make_files(people)
    html = page(people, "/files/main?f=TRAIN+rows")
    assert "train/data/rows.csv" in html and "train/train.py" not in html
    assert "No file of that name" in page(people, "/files/main?f=nothing")
    old = page(people, f"/files/v1?{urlencode({'f': 'rows'})}")
    assert "train/data/rows.csv" in old


def test_an_earlier_state_says_that_it_is_one(people: People) -> None:
    asset = make_files(people)
    first = reading.resolve(asset.open_repository(), "v1").commit.sha
    html = page(people, f"/files/{first}/config.json")
    assert "You are looking at an earlier state" in html and "/edit-file/" not in html


def test_the_same_address_answers_htmx_with_the_fragment(people: People) -> None:
    make_files(people)
    html = page(people, "/files/main", HTTP_HX_REQUEST="true")
    assert "<html" not in html and 'class="commitline"' in html


# --- One file ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("config.json", '<li id="L2">'),
        ("train/train.py", "print"),
        ("train/data/rows.csv", '<th scope="col">a</th>'),
        ("README.md", '<article class="prose"'),
        ("drawing.svg", "&lt;"),
        ("model.safetensors", "a.weight"),
        ("photo.png", "/resolve/main/photo.png?inline=1"),
    ],
)
def test_each_sort_of_file_has_its_preview(people: People, path: str, shown: str) -> None:
    make_files(people)
    assert shown in page(people, f"/files/main/{path}")


def test_script_in_a_drawing_never_reaches_the_page(people: People) -> None:
    make_files(people)
    assert "<script>alert" not in page(people, "/files/main/drawing.svg")


@pytest.mark.parametrize("inline", ["", "?inline=1"])
def test_bytes_are_sent_so_that_nothing_in_them_runs(people: People, inline: str) -> None:
    make_files(people)
    response = browser(people.alice).get(f"{ADDRESS}/resolve/main/drawing.svg{inline}")
    assert response["Content-Type"] == "text/plain; charset=utf-8"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
    assert response["Content-Disposition"].startswith("inline" if inline else "attachment")


def test_a_file_above_the_limit_is_a_sentence_and_a_link(people: People, settings: Any) -> None:
    settings.MAX_PREVIEW_SIZE = 10
    make_files(people)
    html = page(people, "/files/main/config.json")
    assert "This file is too large to be shown here. Download it to read it." in html
    assert f'href="{ADDRESS}/resolve/main/config.json" download' in html


def test_a_picture_that_is_none_is_a_sentence(people: People) -> None:
    make_files(people, **{"fake.png": b"\x89PNG\r\n\x1a\n<svg onload=alert(1)>"})
    assert "This picture is damaged" in page(people, "/files/main/fake.png")


@pytest.mark.parametrize("name", ["你好 世界.txt", "a#b?c%d.txt", "a'b&c;d.txt", "-x=y+z.txt"])
def test_any_name_has_working_addresses(people: People, name: str) -> None:
    asset = make_files(people)
    write(asset, people.alice, [PutBytes(f"odd/{name}", b"odd content\n")])
    client = browser(people.alice)
    listing = client.get(f"{ADDRESS}/files/main/odd")
    row = listing.context["rows"][0]
    assert row.item.name == name
    assert client.get(row.url).status_code == 200
    assert client.get(row.download).content == b"odd content\n"


def test_markdown_links_lead_into_the_repository(people: People) -> None:
    make_files(
        people,
        **{
            "docs/a.md": b"[up](../config.json#L2) [title](/README.md#usage) ![pic](/photo.png) [out](../../secret) [js](javascript:alert(1))"
        },
    )
    html = page(people, "/files/main/docs/a.md")
    assert f'href="{ADDRESS}/files/main/config.json#L2"' in html
    assert f'href="{ADDRESS}/files/main/README.md#md-usage"' in html
    assert f'src="{ADDRESS}/resolve/main/photo.png?inline=1"' in html
    assert 'href="javascript:' not in html


# --- Downloads ---------------------------------------------------------------------------------------------


def test_a_range_is_sent_and_a_bad_one_is_not(people: People) -> None:
    make_files(people)
    client = browser(people.alice)
    address = f"{ADDRESS}/resolve/main/train/train.py"
    part = client.get(address, HTTP_RANGE="bytes=0-4")
    assert (part.status_code, part.content, part["Content-Range"]) == (206, b"print", "bytes 0-4/9")
    assert client.get(address, HTTP_RANGE="bytes=-3").content == b"1)\n"
    past = client.get(address, HTTP_RANGE="bytes=9-")
    assert (past.status_code, past["Content-Range"]) == (416, "bytes */9")
    for ignored in ("bytes=-5-2", "bytes=5-2", "lines=1-2", "bytes=a-b", "bytes=--1"):
        assert client.get(address, HTTP_RANGE=ignored).status_code == 200


def test_an_unchanged_file_is_not_sent_again(people: People) -> None:
    make_files(people)
    client = browser(people.alice)
    first = client.get(f"{ADDRESS}/resolve/main/config.json")
    assert client.get(f"{ADDRESS}/resolve/main/config.json", HTTP_IF_NONE_MATCH=first["ETag"]).status_code == 304


def test_a_viewer_counts_once_a_day(people: People) -> None:
    asset = make_files(people, "public")
    client = browser(people.bob)
    client.get(f"{ADDRESS}/resolve/main/config.json", HTTP_RANGE="bytes=0-1")
    client.get(f"{ADDRESS}/resolve/main/config.json")
    client.head(f"{ADDRESS}/resolve/main/config.json")
    client.get(f"{ADDRESS}/resolve/main/photo.png?inline=1")
    b"".join(client.get(f"{ADDRESS}/zip/main"))
    browser().get(f"{ADDRESS}/resolve/main/config.json")
    browser().get(f"{ADDRESS}/resolve/main/photo.png", HTTP_SEC_FETCH_DEST="image")
    assert list(DailyDownloads.objects.filter(repository=asset.repository).values_list("count", flat=True)) == [2]


def unzipped(response: Any) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(b"".join(response))) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def test_a_zip_holds_the_files_below_a_folder(people: People) -> None:
    make_files(people)
    response = browser(people.alice).get(f"{ADDRESS}/zip/v1/train")
    assert response["Content-Disposition"].startswith('attachment; filename="tiny-train-v1.zip"')
    assert unzipped(response) == {"train.py": b"print(1)\n", "data/rows.csv": b"a,b\n1,2\n"}


def test_a_zip_of_everything_holds_large_objects_too(people: People) -> None:
    make_files(people)
    found = unzipped(browser(people.alice).get(f"{ADDRESS}/zip/v1"))
    assert {name: data for name, data in found.items() if name in FILES} == FILES


@pytest.mark.parametrize(
    ("path", "safe"),
    [
        ("../../etc/passwd", "etc/passwd"),
        ("/etc/passwd", "etc/passwd"),
        ("a/../../b", "a/b"),
        ("C:\\windows\\x", "C__windows_x"),
        ("a\\..\\b", "a_.._b"),
        ("a/b\x00c", "a/b_c"),
        ("..", "_"),
        ("a./b ", "a/b"),
    ],
)
def test_names_in_a_zip_stay_inside(path: str, safe: str) -> None:
    from assets.delivery import safe_name

    assert safe_name(path) == safe


def test_a_pointer_whose_content_was_never_sent_stays_one_in_a_zip(people: People) -> None:
    from repos.models import LargeReference

    asset = make_files(people)
    LargeReference.objects.filter(repository=asset.repository).delete()
    found = unzipped(browser(people.alice).get(f"{ADDRESS}/zip/main"))
    assert found["photo.png"].startswith(b"version https://git-lfs.github.com/spec/v1\noid sha256:")
    assert found["config.json"] == b'{\n  "a": 2\n}\n'
    assert "has not been uploaded" in page(people, "/files/main/photo.png")

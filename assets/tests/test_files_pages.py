"""The files pages: what they show, and what their forms do."""

import io
import zipfile
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils.http import urlencode

from assets.models import Asset
from assets.services import commit_files
from assets.tests.files import ADDRESS, FILES, content, head, make_files, paths, write
from core.testing import People, assert_flat_queries, browser
from repos import reading
from repos.models import Commit, DailyDownloads, Ref
from repos.operations import Delete, Move, PutBytes

pytestmark = pytest.mark.django_db


def page(people: People, path: str, **headers: Any) -> str:
    response = browser(people.alice).get(ADDRESS + path, **headers)
    assert response.status_code == 200, response.content[:500]
    return str(response.content.decode())


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


# --- Editing -----------------------------------------------------------------------------------------------


def edit(people: People, asset: Asset, text: str, **more: str) -> Any:
    item = reading.find(reading.resolve(asset.open_repository()), "config.json")
    data = {"content": text, "message": "", "parent": head(asset), "base": item.oid} | more
    return browser(people.alice).post(f"{ADDRESS}/edit-file/main/config.json", data)


def test_an_edit_is_one_commit(people: People) -> None:
    asset = make_files(people)
    before = head(asset)
    response = edit(people, asset, '{"a": 3}\r\n', message="Set a to 3")
    assert (response.status_code, response["Location"]) == (302, f"{ADDRESS}/files/main/config.json")
    commit = Commit.objects.get(repository=asset.repository, sha=head(asset))
    assert (commit.message, commit.parents, commit.author) == ("Set a to 3", [before], people.alice)
    assert content(asset, "config.json") == b'{"a": 3}\n'


def test_an_edit_keeps_line_ends_and_encoding(people: People) -> None:
    asset = make_files(people, **{"gb.txt": "第一行\r\n第二行\r\n".encode("gb18030")})
    client = browser(people.alice)
    form = client.get(f"{ADDRESS}/edit-file/main/gb.txt").context["form"]
    assert form["content"].value() == "第一行\n第二行\n"
    data = {"content": "第一行\r\n第三行\r\n", "message": "", "parent": form["parent"].value(), "base": form["base"].value()}
    assert client.post(f"{ADDRESS}/edit-file/main/gb.txt", data).status_code == 302
    assert content(asset, "gb.txt") == "第一行\r\n第三行\r\n".encode("gb18030")


def test_an_edit_of_another_file_meanwhile_is_no_conflict(people: People) -> None:
    asset = make_files(people)
    item = reading.find(reading.resolve(asset.open_repository()), "config.json")
    stale = head(asset)
    write(asset, people.alice, [PutBytes("other.txt", b"other")])
    assert edit(people, asset, "{}", parent=stale, base=item.oid).status_code == 302
    assert content(asset, "config.json") == b"{}"
    assert content(asset, "other.txt") == b"other"


def test_a_conflict_shows_both_versions_and_loses_neither(people: People) -> None:
    asset = make_files(people)
    item = reading.find(reading.resolve(asset.open_repository()), "config.json")
    newer = write(asset, people.alice, [PutBytes("config.json", b'{\n  "a": "theirs"\n}\n')])
    response = edit(people, asset, '{\n  "a": "mine"\n}\n', base=item.oid)
    html = response.content.decode()
    assert response.status_code == 409
    assert "Somebody else changed this file meanwhile" in html
    assert "theirs" in html and "mine" in html
    assert head(asset) == newer
    form = response.context["form"]
    again = {name: form[name].value() for name in ("content", "message", "parent", "base")}
    assert browser(people.alice).post(f"{ADDRESS}/edit-file/main/config.json", again).status_code == 302
    assert content(asset, "config.json") == b'{\n  "a": "mine"\n}\n'


def test_only_text_can_be_edited(people: People) -> None:
    make_files(people)
    response = browser(people.alice).get(f"{ADDRESS}/edit-file/main/model.safetensors", HTTP_ACCEPT="application/json")
    assert (response.status_code, response.json()["code"]) == (400, "not_text")


def test_only_a_branch_can_be_changed(people: People) -> None:
    make_files(people)
    response = browser(people.alice).get(f"{ADDRESS}/edit-file/v1/config.json", HTTP_ACCEPT="application/json")
    assert (response.status_code, response.json()["code"]) == (403, "not_a_branch")


def test_a_new_file_is_written(people: People) -> None:
    asset = make_files(people)
    response = browser(people.alice).post(
        f"{ADDRESS}/new-file/main/docs", {"path": "docs/a.md", "content": "# A\r\n", "message": "", "parent": head(asset)}
    )
    assert (response.status_code, response["Location"]) == (302, f"{ADDRESS}/files/main/docs/a.md")
    assert content(asset, "docs/a.md") == b"# A\n"


@pytest.mark.parametrize("path", ["config.json", "../x", "/x", "a//b", ".git/config", "a\\b", "CONFIG.json", "x/" + "y" * 300, ""])
def test_a_new_file_needs_a_free_and_plain_path(people: People, path: str) -> None:
    asset = make_files(people)
    before = head(asset)
    response = browser(people.alice).post(f"{ADDRESS}/new-file/main", {"path": path, "content": "x", "message": "", "parent": before})
    expected = 302 if path == "/x" else 422
    assert response.status_code == expected
    assert (head(asset) == before) is (expected == 422)


# --- Deleting ----------------------------------------------------------------------------------------------


def test_many_entries_are_deleted_in_one_commit(people: People) -> None:
    asset = make_files(people)
    client = browser(people.alice)
    chosen = {"path": ["config.json", "train", "train/train.py"]}
    asked = client.get(f"{ADDRESS}/delete-files/main?{urlencode(chosen, doseq=True)}")
    assert "Delete 3 entries?" in asked.content.decode()
    count = Commit.objects.filter(repository=asset.repository).count()
    response = client.post(f"{ADDRESS}/delete-files/main", chosen | {"message": "", "parent": head(asset)})
    assert response.status_code == 302
    assert paths(asset) == [".gitattributes", "README.md", "drawing.svg", "model.safetensors", "photo.png"]
    assert Commit.objects.filter(repository=asset.repository).count() == count + 1


def test_deleting_from_an_older_page_asks_again(people: People) -> None:
    asset = make_files(people)
    stale = head(asset)
    newer = write(asset, people.alice, [PutBytes("other.txt", b"other")])
    response = browser(people.alice).post(f"{ADDRESS}/delete-files/main", {"path": "config.json", "message": "", "parent": stale})
    assert response.status_code == 409
    assert response.context["form"]["parent"].value() == newer
    assert head(asset) == newer


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [({}, 400, "nothing_chosen"), ({"path": ""}, 400, "nothing_chosen"), ({"path": "nope"}, 404, "path_not_found")],
)
def test_deleting_nothing_is_refused(people: People, data: dict[str, str], status: int, code: str) -> None:
    make_files(people)
    response = browser(people.alice).post(f"{ADDRESS}/delete-files/main", data, HTTP_ACCEPT="application/json")
    assert (response.status_code, response.json()["code"]) == (status, code)


# --- History -----------------------------------------------------------------------------------------------


def test_history_lists_commits_newest_first(people: People) -> None:
    make_files(people)
    found = browser(people.alice).get(f"{ADDRESS}/history/main").context["entries"]
    assert [entry.commit.title for entry in found] == ["Raise a", "Add files", "Initial commit"]
    found = browser(people.alice).get(f"{ADDRESS}/history/main/train/train.py").context["entries"]
    assert [entry.commit.title for entry in found] == ["Add files"]


def test_history_has_pages(people: People) -> None:
    asset = make_files(people)
    for number in range(29):
        write(asset, people.alice, [PutBytes("counter.txt", str(number).encode())])
    client = browser(people.alice)
    assert len(client.get(f"{ADDRESS}/history/main").context["entries"]) == 30
    assert len(client.get(f"{ADDRESS}/history/main?page=2").context["entries"]) == 2


def test_a_commit_shows_its_changes(people: People) -> None:
    asset = make_files(people)
    sha = write(
        asset,
        people.alice,
        [
            PutBytes("config.json", b'{\n  "a": 3\n}\n'),
            PutBytes("model.safetensors", b"\0" * 20),
            Delete("drawing.svg"),
            Move("photo.png", "picture.png"),
        ],
        "Change much\n\nWith a reason.",
    )
    response = browser(people.alice).get(f"{ADDRESS}/commit/{sha}")
    html = response.content.decode()
    assert [(shown.change.path, shown.change.status, shown.reason) for shown in response.context["shown"]] == [
        ("config.json", "modified", ""),
        ("drawing.svg", "deleted", ""),
        ("model.safetensors", "modified", "large"),
        ("picture.png", "renamed", "large"),
    ]
    assert "With a reason." in html
    assert 'class="add"' in html and 'class="del"' in html
    assert "<script>alert" not in html


def test_a_revision_is_restored_as_a_new_commit(people: People) -> None:
    asset = make_files(people)
    before = head(asset)
    client = browser(people.alice)
    asked = client.get(f"{ADDRESS}/restore/v1")
    assert [change.path for change in asked.context["changes"]] == ["config.json"]
    response = client.post(f"{ADDRESS}/restore/v1", {"message": "", "parent": before})
    assert response.status_code == 302
    commit = Commit.objects.get(repository=asset.repository, sha=head(asset))
    assert commit.parents == [before]
    assert content(asset, "config.json") == b'{\n  "a": 1\n}\n'


# --- Versions ----------------------------------------------------------------------------------------------


def test_versions_are_made_and_deleted(people: People) -> None:
    asset = make_files(people)
    client = browser(people.alice)
    assert client.post(f"{ADDRESS}/versions", {"type": "tag", "name": "v2", "revision": "main"}).status_code == 302
    assert Ref.objects.get(repository=asset.repository, name="refs/tags/v2").commit == head(asset)
    assert client.post(f"{ADDRESS}/versions/delete", {"ref": "refs/tags/v2"}).status_code == 302
    assert not Ref.objects.filter(repository=asset.repository, name="refs/tags/v2").exists()


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"type": "tag", "name": "v1", "revision": "main"}, "name"),
        ({"type": "tag", "name": "a b", "revision": "main"}, "name"),
        ({"type": "tag", "name": "../x", "revision": "main"}, "name"),
        ({"type": "tag", "name": "abcdef1", "revision": "main"}, "name"),
        ({"type": "tag", "name": "v3", "revision": "nope"}, "revision"),
        ({"type": "tag", "name": "", "revision": "main"}, "name"),
        ({"type": "folder", "name": "v3", "revision": "main"}, "type"),
    ],
)
def test_a_version_needs_a_free_name_and_a_revision(people: People, data: dict[str, str], field: str) -> None:
    asset = make_files(people)
    response = browser(people.alice).post(f"{ADDRESS}/versions", data)
    assert response.status_code == 422
    assert field in response.context["form"].errors
    assert Ref.objects.filter(repository=asset.repository).count() == 2


def test_the_default_branch_stays(people: People) -> None:
    asset = make_files(people)
    response = browser(people.alice).post(f"{ADDRESS}/versions/delete", {"ref": "refs/heads/main"}, HTTP_ACCEPT="application/json")
    assert (response.status_code, response.json()["code"]) == (409, "default_branch")
    assert head(asset)


# --- Upload without script ---------------------------------------------------------------------------------


def test_files_are_uploaded_without_script_as_one_commit(people: People) -> None:
    asset = make_files(people)
    count = Commit.objects.filter(repository=asset.repository).count()
    files = [SimpleUploadedFile("a.txt", b"a"), SimpleUploadedFile("weights.bin", b"\0\1\2")]
    data = {"files": files, "folder": "new", "message": "", "branch": "main", "parent": head(asset)}
    response = browser(people.alice).post(f"{ADDRESS}/upload", data)
    assert (response.status_code, response["Location"]) == (302, f"{ADDRESS}/files/main/new")
    assert (content(asset, "new/a.txt"), content(asset, "new/weights.bin")) == (b"a", b"\0\1\2")
    assert Commit.objects.filter(repository=asset.repository).count() == count + 1


def test_an_upload_without_script_is_bounded(people: People, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    asset = make_files(people)
    before = head(asset)
    data = {"files": SimpleUploadedFile("a.txt", b"a" * 1001), "folder": "", "message": "", "branch": "main", "parent": before}
    assert browser(people.alice).post(f"{ADDRESS}/upload", data).status_code == 422
    assert head(asset) == before


def test_the_upload_page_hands_limits_and_words_to_its_script(people: People, settings: Any) -> None:
    settings.MAX_SELECTION_SIZE, settings.MAX_FOLDER_ENTRIES = 1234, 56
    make_files(people)
    html = page(people, "/upload?branch=main&folder=train")
    assert 'data-max-selection="1234"' in html and 'data-max-entries="56"' in html
    assert 'value="train"' in html
    assert 'id="upload-setup"' in html and "Verifying" in html


def test_a_branch_of_its_own_is_changed_alone(people: People) -> None:
    asset = make_files(people)
    from assets.services import create_version

    create_version(asset=asset, actor=people.alice, name="refs/heads/feature/x", revision=head(asset))
    before = head(asset)
    commit_files(asset=asset, actor=people.alice, operations=[PutBytes("x.txt", b"x")], message="", branch="feature/x")
    html = page(people, "/files/feature/x/x.txt")
    assert "x.txt" in html and head(asset) == before
    assert browser(people.alice).get(f"{ADDRESS}/files/main/x.txt").status_code == 404


# --- A store that fails ------------------------------------------------------------------------------------


def test_lost_content_is_a_sentence_on_every_surface(people: People, settings: Any, tmp_path: Any) -> None:
    settings.BLOB_STORE = f"file:{tmp_path / 'blobs'}"
    make_files(people)
    settings.BLOB_STORE = f"file:{tmp_path / 'elsewhere'}"
    client = browser(people.alice)
    for path in ("model.safetensors", "photo.png"):
        html = page(people, f"/files/main/{path}")
        assert "The content of this file is missing from the storage." in html
        response = client.get(f"{ADDRESS}/resolve/main/{path}", HTTP_ACCEPT="application/json")
        assert (response.status_code, response.json()["code"]) == (503, "content_missing")
    assert client.get(f"{ADDRESS}/files").status_code == 200
    assert client.get(f"{ADDRESS}/commit/main").status_code == 200


def test_a_pointer_whose_content_was_never_sent_stays_one_in_a_zip(people: People) -> None:
    from repos.models import LargeReference

    asset = make_files(people)
    LargeReference.objects.filter(repository=asset.repository).delete()
    found = unzipped(browser(people.alice).get(f"{ADDRESS}/zip/main"))
    assert found["photo.png"].startswith(b"version https://git-lfs.github.com/spec/v1\noid sha256:")
    assert found["config.json"] == b'{\n  "a": 2\n}\n'
    assert "has not been uploaded" in page(people, "/files/main/photo.png")

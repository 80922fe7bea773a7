"""Pages that change files: editing, deleting, history, restoring, versions, uploading without script."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils.http import urlencode

from assets.models import Asset
from assets.services import commit_files
from assets.tests.files import ADDRESS, content, head, make_files, page, paths, write
from core.testing import People, browser
from repos import reading
from repos.models import Commit, Ref
from repos.operations import Delete, Move, PutBytes

pytestmark = pytest.mark.django_db


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

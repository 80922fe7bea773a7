"""REST for files, commits and refs: shapes, limits and refusals with their codes."""

import base64
import time
from typing import Any
from uuid import uuid4

import pytest

from assets.tests.files import FILES, REST, call, content, head, make_files, paths, sha, tiny_weights, write
from core.testing import People, api, assert_flat_queries
from repos.models import Commit
from repos.operations import PutBytes

pytestmark = pytest.mark.django_db


# --- Files -------------------------------------------------------------------------------------------------


def test_a_listing_is_one_folder_at_one_commit(people: People) -> None:
    asset = make_files(people)
    found = call(people, "get", "/files?path=train").json()
    assert (found["revision"], found["next"]) == (head(asset), None)
    assert [(row["path"], row["type"], row["size"]) for row in found["results"]] == [
        ("train/data", "folder", 8),
        ("train/train.py", "file", 9),
    ]
    assert found["results"][0]["files"] == 1
    assert found["results"][1]["commit"]["title"] == "Add files"


def test_a_listing_has_pages(people: People) -> None:
    make_files(people)
    first = call(people, "get", "/files?limit=4").json()
    second = call(people, "get", f"/files?limit=4&offset={first['next']}").json()
    assert (len(first["results"]), len(second["results"]), second["next"]) == (4, 3, None)


def test_a_recursive_listing_stays_at_its_commit(people: People) -> None:
    asset = make_files(people)
    expected, before = paths(asset), head(asset)
    found, cursor = [], ""
    while cursor is not None:
        answer = call(people, "get", f"/files?recursive=true&limit=3&cursor={cursor}").json()
        assert answer["revision"] == before
        found += [row["path"] for row in answer["results"]]
        cursor = answer["next"]
        write(asset, people.alice, [PutBytes(f"later/{len(found)}.txt", b"x")])
    assert sorted(found) == expected
    below = call(people, "get", "/files?recursive=true&path=train&revision=v1").json()
    assert [row["path"] for row in below["results"]] == ["train/train.py", "train/data/rows.csv"]


def test_listings_cost_the_same_for_any_number_of_files(people: People) -> None:
    asset = make_files(people, "public")
    numbers = iter(range(1000))

    def add_row() -> None:
        write(asset, people.alice, [PutBytes(f"flat/{next(numbers)}.txt", b"x")])

    assert_flat_queries(f"{REST}/files?path=flat", add_row)
    assert_flat_queries(f"{REST}/files?recursive=true", add_row)
    assert_flat_queries(f"{REST}/commits?limit=100", add_row)


def test_the_facts_of_a_file_name_its_hashes_and_bytes(people: People) -> None:
    asset = make_files(people)
    found = call(people, "get", "/files/v1/model.safetensors").json()
    assert (found["size"], found["sha256"]) == (len(tiny_weights()), sha(tiny_weights()))
    assert found["url"] == f"http://testserver{REST}/resolve/{found['revision']}/model.safetensors"
    assert b"".join(api(people.alice).get(found["url"])) == tiny_weights()
    assert call(people, "get", "/files/main/train").json()["url"] is None
    assert found["revision"] != head(asset)


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/files?revision=nope", 404, "revision_not_found"),
        ("/files?revision=%00", 404, "path_not_found"),
        ("/files?path=nope", 404, "path_not_found"),
        ("/files?path=config.json", 404, "path_not_found"),
        ("/files?limit=-1", 400, "bad_limit"),
        ("/files?limit=100000", 400, "bad_limit"),
        ("/files?offset=a", 400, "bad_offset"),
        ("/files?sort=colour", 400, "bad_sort"),
        ("/files?recursive=true&cursor=!!", 400, "bad_cursor"),
        ("/files?recursive=true&cursor=W10", 400, "bad_cursor"),
        ("/files/main/nope", 404, "path_not_found"),
        ("/files/main/%00", 404, "path_not_found"),
        ("/files/nope/config.json", 404, "revision_not_found"),
        ("/resolve/main/train", 404, "is_folder"),
        ("/resolve/main/../../etc/passwd", 404, "path_not_found"),
        ("/commits?path=nope%00", 404, "path_not_found"),
        ("/commits?limit=101", 400, "bad_limit"),
        ("/commits/0000000", 404, "revision_not_found"),
        ("/commits/zzz", 404, "revision_not_found"),
        ("/files/" + "a/" * 3000, 404, "path_not_found"),
    ],
)
def test_bad_reads_are_named(people: People, path: str, status: int, code: str) -> None:
    make_files(people)
    response = call(people, "get", path)
    assert (response.status_code, response.json()["code"]) == (status, code)


# --- Commits -----------------------------------------------------------------------------------------------


def test_a_commit_takes_every_operation(people: People) -> None:
    asset = make_files(people)
    before = head(asset)
    operations = [
        {"op": "put", "path": "a.txt", "content": "héllo"},
        {"op": "put", "path": "b.bin", "content": base64.b64encode(b"\0\1").decode(), "encoding": "base64"},
        {"op": "put", "path": "run.sh", "content": "#!/bin/sh\n", "executable": True},
        {"op": "put", "path": "copy.safetensors", "sha256": sha(tiny_weights())},
        {"op": "delete", "path": "drawing.svg"},
        {"op": "move", "source": "train", "target": "gallery_train"},
        {"op": "copy", "source": "config.json", "target": "old.json", "revision": call(people, "get", "/commits/v1").json()["sha"]},
    ]
    response = call(people, "post", "/commits", {"branch": "main", "parent": before, "message": "Do all", "operations": operations})
    made = response.json()
    assert response.status_code == 201
    assert (made["sha"], made["parents"], made["title"], made["author"]["handle"]) == (head(asset), [before], "Do all", "alice")
    assert paths(asset) == [
        ".gitattributes", "README.md", "a.txt", "b.bin", "config.json", "copy.safetensors", "gallery_train/data/rows.csv",
        "gallery_train/train.py", "model.safetensors", "old.json", "photo.png", "run.sh",
    ]  # fmt: skip
    assert content(asset, "a.txt") == "héllo".encode()
    assert content(asset, "b.bin") == b"\0\1"
    assert content(asset, "old.json") == FILES["config.json"]
    assert call(people, "get", "/files/main/run.sh").json()["executable"] is True


def test_a_commit_on_an_older_head_is_told_the_current_one(people: People) -> None:
    asset = make_files(people)
    stale = head(asset)
    newer = write(asset, people.alice, [PutBytes("x.txt", b"x")])
    response = call(people, "post", "/commits", {"parent": stale, "operations": [{"op": "delete", "path": "x.txt"}]})
    assert response.status_code == 409
    assert (response.json()["code"], response.json()["head"]) == ("head_moved", newer)
    assert head(asset) == newer


def test_a_commit_shows_what_it_changed(people: People) -> None:
    make_files(people)
    found = call(people, "get", "/commits/main").json()
    assert found["truncated"] is False
    assert [(change["path"], change["status"], change["old"]["size"], change["new"]["size"]) for change in found["changes"]] == [
        ("config.json", "modified", 13, 13)
    ]


def put(**row: Any) -> dict[str, Any]:
    return {"operations": [{"op": "put", "path": "a.txt", "content": "a"} | row]}


def at(path: Any) -> dict[str, Any]:
    return put(path=path)


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        ({}, 400, "invalid"),
        ({"operations": []}, 400, "invalid"),
        ({"operations": "a"}, 400, "invalid"),
        ({"operations": [1]}, 400, "invalid"),
        ({"operations": [{"op": "burn", "path": "a"}]}, 400, "invalid"),
        ({"operations": [{"op": []}]}, 400, "invalid"),
        ({"operations": [{"op": "put", "path": "a"}]}, 400, "invalid"),
        ({"operations": [{"op": "move", "source": "config.json"}]}, 400, "invalid"),
        (put(content=7), 400, "invalid"),
        (put(content="not base64!", encoding="base64"), 400, "invalid"),
        (put(encoding="utf-7"), 400, "invalid"),
        (put(content="\ud800"), 400, "parse_error"),
        (put(path=7), 400, "invalid"),
        (put(path="\ud800"), 400, "parse_error"),
        (put(path="a\0b"), 400, "invalid"),
        ({"operations": [{"op": "put", "path": "a", "upload": "nope"}]}, 400, "invalid"),
        ({"operations": [{"op": "put", "path": "a", "upload": str(uuid4())}]}, 404, "upload_not_found"),
        ({"operations": [{"op": "put", "path": "a", "sha256": "zz"}]}, 400, "bad_sha256"),
        ({"operations": [{"op": "put", "path": "a", "sha256": "ab" * 32}]}, 404, "object_not_found"),
        ({"operations": [{"op": "delete", "path": "nope"}]}, 404, "path_not_found"),
        ({"operations": [{"op": "copy", "source": "nope", "target": "b"}]}, 404, "path_not_found"),
        ({"operations": [{"op": "move", "source": "config.json", "target": "README.md"}]}, 409, "path_exists"),
        ({"operations": [{"op": "move", "source": "train", "target": "train/in"}]}, 409, "move_into_itself"),
        (put() | {"branch": "nope"}, 404, "branch_not_found"),
        (put() | {"branch": "a\0b"}, 400, "invalid"),
        (put() | {"message": "a\0b"}, 400, "invalid"),
        (put() | {"message": "\udfff"}, 400, "parse_error"),
        (put() | {"message": "m" * 10_001}, 413, "message_too_long"),
        (put() | {"message": 5}, 400, "invalid"),
        (at("../a"), 400, "path_dots"),
        (at("a/../b"), 400, "path_dots"),
        (at("a//b"), 400, "path_dots"),
        (at("/a"), 400, "path_absolute"),
        (at("C:/a"), 400, "path_absolute"),
        (at("a\\b"), 400, "path_backslash"),
        (at("a\nb"), 400, "path_control_character"),
        (at("a\u202eb"), 400, "path_control_character"),
        (at(".git/config"), 400, "path_git"),
        (at("a/.GIT/x"), 400, "path_git"),
        (at("a."), 400, "path_trailing"),
        (at(" a"), 400, "path_trailing"),
        (at("n" * 256), 400, "path_too_long"),
        (at("n/" * 600), 400, "path_too_long"),
        (at("CONFIG.json"), 409, "path_collision"),
        (at("config.json/x"), 409, "path_file_in_the_way"),
        (at("train"), 409, "path_folder_in_the_way"),
        (at("config.json") | {"operations": [{"op": "put", "path": "config.json", "content": '{\n  "a": 2\n}\n'}]}, 409, "nothing_changed"),
        ("{", 400, "parse_error"),
        ("[]", 400, "parse_error"),
        ("[" * 100_000, 400, "parse_error"),
        (b"\xff\xfe", 400, "parse_error"),
    ],
)
def test_bad_commits_are_named_and_change_nothing(people: People, data: Any, status: int, code: str) -> None:
    asset = make_files(people)
    before = head(asset), Commit.objects.count()
    response = call(people, "post", "/commits", data)
    assert (response.status_code, response.json()["code"]) == (status, code), response.json()
    assert (head(asset), Commit.objects.count()) == before


def test_a_request_above_the_limit_is_refused(people: People, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 2000
    make_files(people)
    response = call(people, "post", "/commits", put(content="a" * 2000))
    assert (response.status_code, response.json()["code"], response.json()["limit"]) == (413, "request_too_large", 2000)


def test_ten_thousand_small_files_are_one_quick_commit(people: People) -> None:
    asset = make_files(people)
    operations = [{"op": "put", "path": f"d{n // 100}/{n}.txt", "content": str(n)} for n in range(10_000)]
    started = time.monotonic()
    response = call(people, "post", "/commits", {"operations": operations})
    assert response.status_code == 201
    assert time.monotonic() - started < 20
    assert content(asset, "d99/9999.txt") == b"9999"


# --- Refs --------------------------------------------------------------------------------------------------


def test_refs_are_listed_made_and_removed(people: People) -> None:
    asset = make_files(people)
    made = call(people, "post", "/refs", {"type": "branch", "name": "work/x", "revision": "v1"})
    assert (made.status_code, made.json()["ref"]) == (201, "refs/heads/work/x")
    found = call(people, "get", "/refs").json()
    assert [(row["name"], row["type"], row["default"]) for row in found] == [
        ("main", "branch", True),
        ("work/x", "branch", False),
        ("v1", "tag", False),
    ]
    assert call(people, "delete", "/refs/heads/work/x").status_code == 204
    assert call(people, "delete", "/refs/heads/main").json()["code"] == "default_branch"
    assert head(asset)


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        ({"type": "tag", "name": "v1"}, 409, "ref_exists"),
        ({"type": "tag", "name": "a b"}, 400, "bad_ref_name"),
        ({"type": "tag", "name": "x.lock"}, 400, "bad_ref_name"),
        ({"type": "tag", "name": "HEAD"}, 400, "bad_ref_name"),
        ({"type": "tag", "name": "v2", "revision": "nope"}, 404, "revision_not_found"),
        ({"type": "note", "name": "v2"}, 400, "invalid"),
        ({"name": "v2"}, 400, "invalid"),
    ],
)
def test_bad_refs_are_named(people: People, data: dict[str, str], status: int, code: str) -> None:
    make_files(people)
    response = call(people, "post", "/refs", data)
    assert (response.status_code, response.json()["code"]) == (status, code)


@pytest.mark.parametrize("path", ["/refs/tags/nope", "/refs/notes/x", "/refs/tags/%00"])
def test_a_ref_that_is_not_there_cannot_be_removed(people: People, path: str) -> None:
    make_files(people)
    response = call(people, "delete", path)
    assert (response.status_code, response.json()["code"]) == (404, "ref_not_found")

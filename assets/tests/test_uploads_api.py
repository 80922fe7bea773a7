"""REST for files, commits, refs and uploads: shapes, limits and refusals with their codes."""

import base64
import hashlib
import json
import time
from typing import Any
from uuid import uuid4

import pytest
from django.core.signing import loads
from django.test import AsyncRequestFactory

from assets.models import Asset
from assets.tests.factories import make_asset
from assets.tests.files import ADDRESS, FILES, REST, content, head, make_files, paths, tiny_weights, write
from core.testing import People, api, assert_flat_queries
from jobs.models import Job
from jobs.services import run
from repos.models import Commit, LargeObject, Part, Upload
from repos.operations import PutBytes
from repos.services.uploads import PART_SALT

pytestmark = pytest.mark.django_db


def call(people: People, method: str, path: str, data: Any = None, user: Any = None) -> Any:
    body = data if isinstance(data, str | bytes) else json.dumps(data or {})
    client = api(user or people.alice)
    if method in ("get", "delete"):
        return getattr(client, method)(REST + path)
    return getattr(client, method)(REST + path, body, content_type="application/json")


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


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
        (put(content="\ud800"), 400, "invalid"),
        (put(path=7), 400, "invalid"),
        (put(path="\ud800"), 400, "invalid"),
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
        (put() | {"message": "\udfff"}, 400, "invalid"),
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


# --- Uploads -----------------------------------------------------------------------------------------------


@pytest.fixture
def asset(people: People, settings: Any, tmp_path: Any) -> Asset:
    settings.BLOB_STORE = f"file:{tmp_path / 'blobs'}"
    settings.UPLOAD_PART_SIZE = 8 << 20
    return make_asset(people.alice, people.atelier, name="tiny")


def begin(people: People, *files: dict[str, Any], user: Any = None) -> list[dict[str, Any]]:
    response = call(people, "post", "/uploads", {"files": list(files)}, user)
    assert response.status_code == 200, response.json()
    return list(response.json()["uploads"])


def send(address: dict[str, Any], data: bytes, digest: str | None = None) -> tuple[int, dict[str, Any]]:
    """PUT a part as the ASGI server would hand it on."""
    from asgiref.sync import async_to_sync

    from repos.transfer import ByteTransfer

    scope = AsyncRequestFactory()._base_scope(path=address["url"], method="PUT")
    scope["headers"] = [(b"content-length", str(len(data)).encode()), (b"x-part-sha256", (digest or sha(data)).encode())]
    answers: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": data, "more_body": False}

    async def reply(message: dict[str, Any]) -> None:
        answers.append(message)

    async_to_sync(ByteTransfer(None))(scope, receive, reply)
    return answers[0]["status"], json.loads(answers[1]["body"])


def test_beginning_says_what_to_send(people: People, asset: Asset) -> None:
    (upload,) = begin(people, {"path": "a/model.bin", "size": 20 << 20})
    assert (upload["state"], upload["stored"], upload["part_count"], upload["missing"]) == ("open", False, 3, [1, 2, 3])
    assert [(row["number"], row["offset"], row["length"], row["confirm"]) for row in upload["addresses"]] == [
        (1, 0, 8 << 20, False),
        (2, 8 << 20, 8 << 20, False),
        (3, 16 << 20, 4 << 20, False),
    ]
    claim = loads(upload["addresses"][0]["url"].removeprefix("/transfer/parts/"), salt=PART_SALT)
    assert claim["n"] == 1


def test_what_is_stored_here_is_not_sent_again(people: People, asset: Asset) -> None:
    write(asset, people.alice, [PutBytes("m.safetensors", tiny_weights())])
    (upload,) = begin(people, {"path": "copy.safetensors", "size": len(tiny_weights()), "sha256": sha(tiny_weights())})
    assert (upload["stored"], upload["state"], upload["missing"]) == (True, "finished", [])
    made = call(people, "post", "/commits", {"operations": [{"op": "put", "path": "copy.safetensors", "upload": upload["id"]}]})
    assert made.status_code == 201
    assert content(asset, "copy.safetensors") == tiny_weights()


def test_a_hash_gives_nothing_to_those_who_may_not_read_it(people: People, asset: Asset) -> None:
    secret = make_asset(people.charlie, name="secret", visibility="private")
    write(secret, people.charlie, [PutBytes("m.safetensors", tiny_weights())])
    (upload,) = begin(people, {"path": "m.safetensors", "size": len(tiny_weights()), "sha256": sha(tiny_weights())})
    assert (upload["stored"], upload["state"]) == (False, "open")


def test_one_refused_file_does_not_stop_the_others(people: People, asset: Asset) -> None:
    first, second, third = begin(people, {"path": "a.bin", "size": 1}, {"path": "../b", "size": 1}, {"path": "c.bin", "size": -1})
    assert first["state"] == "open"
    assert (second["path"], second["error"]["code"]) == ("../b", "path_dots")
    assert third["error"]["code"] == "bad_size"
    assert Upload.objects.count() == 1


@pytest.mark.parametrize(
    ("row", "status", "code"),
    [
        ({"path": "a", "size": -1}, 400, "bad_size"),
        ({"path": "a", "size": 500_000_000_001}, 413, "file_too_large"),
        ({"path": "a", "size": 2**70}, 400, "invalid"),
        ({"path": "a", "size": "1"}, 400, "invalid"),
        ({"path": "a", "size": True}, 400, "invalid"),
        ({"path": "a"}, 400, "invalid"),
        ({"size": 1}, 400, "invalid"),
        ({"path": "../a", "size": 1}, 400, "path_dots"),
        ({"path": "a", "size": 1, "sha256": "zz"}, 400, "bad_sha256"),
    ],
)
def test_a_bad_file_is_named(people: People, asset: Asset, row: dict[str, Any], status: int, code: str) -> None:
    response = call(people, "post", "/uploads", {"files": [row]})
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert Upload.objects.count() == 0


def test_at_most_a_thousand_files_begin_at_once(people: People, asset: Asset) -> None:
    response = call(people, "post", "/uploads", {"files": [{"path": f"{n}", "size": 1} for n in range(1001)]})
    assert (response.status_code, response.json()["code"], response.json()["limit"]) == (413, "too_many", 1000)


def test_another_person_does_not_see_an_upload(people: People, asset: Asset) -> None:
    (upload,) = begin(people, {"path": "a.bin", "size": 1})
    assert call(people, "get", f"/uploads/{upload['id']}", user=people.bob).json()["code"] == "upload_not_found"
    assert call(people, "get", "/uploads", user=people.bob).json() == {"uploads": []}
    assert [row["id"] for row in call(people, "get", "/uploads").json()["uploads"]] == [upload["id"]]


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        ({"numbers": [0]}, 400, "part_out_of_range"),
        ({"numbers": [4]}, 400, "part_out_of_range"),
        ({"numbers": [-1]}, 400, "part_out_of_range"),
        ({"numbers": ["1"]}, 400, "invalid"),
        ({"numbers": 1}, 400, "invalid"),
        ({"numbers": list(range(1001))}, 400, "invalid"),
        ({"confirm": [{"number": 1, "sha256": "ab" * 32}]}, 409, "part_not_direct"),
        ({"confirm": [{"number": 9, "sha256": "ab" * 32}]}, 400, "part_out_of_range"),
    ],
)
def test_bad_parts_are_named(people: People, asset: Asset, data: dict[str, Any], status: int, code: str) -> None:
    (upload,) = begin(people, {"path": "a.bin", "size": 20 << 20})
    response = call(people, "post", f"/uploads/{upload['id']}/parts", data)
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert Part.objects.count() == 0


def test_an_unfinished_upload_names_its_missing_parts(people: People, asset: Asset) -> None:
    (upload,) = begin(people, {"path": "a.bin", "size": 20 << 20})
    response = call(people, "post", f"/uploads/{upload['id']}/finish")
    assert (response.status_code, response.json()["code"], response.json()["missing"]) == (409, "parts_missing", [1, 2, 3])
    made = call(people, "post", "/commits", {"operations": [{"op": "put", "path": "a.bin", "upload": upload["id"]}]})
    assert (made.status_code, made.json()["code"]) == (409, "upload_not_finished")


def test_an_upload_is_given_up(people: People, asset: Asset) -> None:
    (upload,) = begin(people, {"path": "a.bin", "size": 3})
    assert call(people, "delete", f"/uploads/{upload['id']}").status_code == 204
    assert call(people, "get", f"/uploads/{upload['id']}").status_code == 404


def test_an_empty_file_needs_no_part(people: People, asset: Asset) -> None:
    (upload,) = begin(people, {"path": "empty.txt", "size": 0})
    assert (upload["part_count"], upload["missing"]) == (0, [])
    assert call(people, "post", f"/uploads/{upload['id']}/finish").json()["state"] == "finished"
    call(people, "post", "/commits", {"operations": [{"op": "put", "path": "empty.txt", "upload": upload["id"]}]})
    assert content(asset, "empty.txt") == b""


@pytest.mark.django_db(transaction=True)
def test_a_file_arrives_in_parts_out_of_order_and_is_committed(people: People, asset: Asset) -> None:
    data = bytes(range(256)) * (17 << 12)
    (upload,) = begin(people, {"path": "model.bin", "size": len(data)})
    for address in reversed(upload["addresses"]):
        piece = data[address["offset"] : address["offset"] + address["length"]]
        assert send(address, piece, sha(b"something else")) == (
            422,
            {
                "code": "part_sha256_mismatch",
                "detail": "The part arrived with another SHA-256. Send it again.",
                "errors": {},
                "sha256": sha(piece),
            },
        )
        assert send(address, piece[:-1])[1]["code"] == "wrong_part_size"
        assert send(address, piece)[0] == 200
        assert send(address, piece)[0] == 200
    assert call(people, "get", f"/uploads/{upload['id']}").json()["missing"] == []
    assert call(people, "post", f"/uploads/{upload['id']}/finish").status_code == 200
    made = call(
        people, "post", "/commits", {"operations": [{"op": "put", "path": "model.bin", "upload": upload["id"]}], "message": "Add weights"}
    )
    assert made.status_code == 201
    found = call(people, "get", "/files/main/model.bin").json()
    assert (found["size"], found["sha256"]) == (len(data), sha(data))
    assert b"".join(api(people.alice).get(f"{REST}/resolve/main/model.bin")) == data
    assert call(people, "get", "/uploads").json() == {"uploads": []}


@pytest.mark.django_db(transaction=True)
def test_a_wrong_whole_hash_fails_aloud(people: People, asset: Asset) -> None:
    (upload,) = begin(people, {"path": "model.bin", "size": 3, "sha256": sha(b"xyz")})
    assert send(upload["addresses"][0], b"abc")[0] == 200
    response = call(people, "post", f"/uploads/{upload['id']}/finish")
    assert (response.status_code, response.json()["code"], response.json()["error"]) == (422, "upload_failed", "sha256_mismatch")
    assert call(people, "get", f"/uploads/{upload['id']}").json()["detail"].startswith("Checksum differs")
    assert not LargeObject.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_large_file_is_verified_by_a_job(people: People, asset: Asset) -> None:
    data = b"\7" * (33 << 20)
    (upload,) = begin(people, {"path": "model.bin", "size": len(data)})
    numbers = upload["missing"]
    addresses = call(people, "post", f"/uploads/{upload['id']}/parts", {"numbers": numbers}).json()["addresses"]
    for address in addresses:
        assert send(address, data[address["offset"] : address["offset"] + address["length"]])[0] == 200
    response = call(people, "post", f"/uploads/{upload['id']}/finish")
    assert (response.status_code, response.json()["state"]) == (202, "finishing")
    run(Job.objects.get(kind="repos.finish_upload").pk)
    assert call(people, "get", f"/uploads/{upload['id']}").json()["state"] == "finished"


def test_the_page_and_rest_show_the_same_files(people: People) -> None:
    make_files(people)
    rest = [row["path"] for row in call(people, "get", "/files").json()["results"]]
    page = api(people.alice)
    page.force_login(people.alice)
    page.credentials()
    shown = [row.item.path for row in page.get(f"{ADDRESS}/files").context["rows"]]
    assert rest == shown

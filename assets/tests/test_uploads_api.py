"""REST for uploads: shapes, limits and refusals with their codes."""

import json
from typing import Any

import pytest
from django.core.signing import loads
from django.test import AsyncRequestFactory

from assets.models import Asset
from assets.tests.factories import make_asset
from assets.tests.files import ADDRESS, REST, call, content, make_files, sha, tiny_weights, write
from core.testing import People, api
from jobs.models import Job
from jobs.services import run
from repos.models import LargeObject, Part, Upload
from repos.operations import PutBytes
from repos.services.uploads import PART_SALT

pytestmark = pytest.mark.django_db


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

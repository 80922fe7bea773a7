"""Who may reach files: every address, every viewer, private and public, and nothing changes on a refusal."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from accounts.models import AuditEvent
from assets.models import Asset
from assets.tests.files import ADDRESS, REST, head, make_files
from core.testing import SIGN_IN, VIEWERS, People, assert_access, browser, token
from repos.models import Commit, DailyDownloads, Ref, Upload

pytestmark = pytest.mark.django_db

PAGES = [
    "/files",
    "/files/main",
    "/files/main/train",
    "/files/main/config.json",
    "/files/v1/config.json",
    "/files/main?f=config",
    "/resolve/main/config.json",
    "/resolve/main/model.safetensors",
    "/resolve/main/photo.png?inline=1",
    "/zip/main",
    "/zip/main/train",
    "/history/main",
    "/history/main/config.json",
    "/commit/main",
    "/versions",
]
READS = [
    "/files",
    "/files?recursive=true",
    "/files/main/config.json",
    "/resolve/main/config.json",
    "/commits",
    "/commits/main",
    "/refs",
]


def expect(visitor: Any, stranger: Any, reader: Any, contributor: Any, maintainer: Any, owner: Any, administrator: Any) -> dict[str, Any]:
    return dict(zip(VIEWERS, (visitor, stranger, reader, contributor, maintainer, owner, administrator), strict=True))


def state() -> list[Any]:
    return [
        list(Ref.objects.order_by("pk").values_list("name", "commit")),
        Commit.objects.count(),
        Upload.objects.count(),
        DailyDownloads.objects.count(),
        AuditEvent.objects.exclude(verb="sign_in").count(),
    ]


SEE_PRIVATE = expect(404, 404, 200, 200, 200, 200, 200)
SEE_PUBLIC = expect(200, 200, 200, 200, 200, 200, 200)


def assert_reads(people: People, surface: str, addresses: list[str], expected: dict[str, Any]) -> None:
    for address in addresses:
        assert_access(people=people, surface=surface, expected=expected, request=lambda client, at=address: client.get(at), state=state)


def test_private_files_are_found_by_members_only(people: People) -> None:
    make_files(people)
    assert_reads(people, "page", [ADDRESS + path for path in PAGES], SEE_PRIVATE)


def test_public_files_are_found_by_everybody(people: People) -> None:
    make_files(people, "public")
    assert_reads(people, "page", [ADDRESS + path for path in PAGES], SEE_PUBLIC)


def test_private_files_are_read_by_members_only_over_rest(people: People) -> None:
    make_files(people)
    assert_reads(people, "rest", [REST + path for path in READS], SEE_PRIVATE)


def test_public_files_are_read_by_everybody_over_rest(people: People) -> None:
    make_files(people, "public")
    assert_reads(people, "rest", [REST + path for path in READS], SEE_PUBLIC)


def send(method: str, path: str, **data: Any) -> Callable[[Any], Any]:
    return lambda client: getattr(client, method)(REST + path, json.dumps(data), content_type="application/json")


PUT = {"operations": [{"op": "put", "path": "a.txt", "content": "a"}], "message": "Add a"}
FILE = {"files": [{"path": "a.bin", "size": 3}]}
WRITES = [
    (send("post", "/commits", **PUT), 201, "contributor"),
    (send("post", "/uploads", **FILE), 200, "contributor"),
    (lambda client: client.get(REST + "/uploads"), 200, "contributor"),
    (send("post", "/refs", type="tag", name="v2"), 201, "contributor"),
    (send("delete", "/refs/tags/v1"), 204, "contributor"),
    (send("post", "/refs", type="branch", name="work"), 201, "maintainer"),
]


def from_role(status: int, role: str, below: int, outside: int) -> dict[str, Any]:
    order = ["reader", "contributor", "maintainer", "owner", "administrator"]
    found: dict[str, Any] = {"visitor": outside, "stranger": outside}
    for name in order:
        found[name] = status if order.index(name) >= order.index(role) else below
    return found


@pytest.mark.parametrize(("request_", "status", "role"), WRITES)
@pytest.mark.parametrize(("visibility", "outside"), [("private", 404), ("public", 403)])
def test_writing_over_rest_needs_its_verb(people: People, request_: Any, status: int, role: str, visibility: str, outside: int) -> None:
    make_files(people, visibility)
    assert_access(people=people, surface="rest", expected=from_role(status, role, 403, outside), request=request_, state=state)


FORMS = [
    ("/edit-file/main/config.json", "contributor"),
    ("/new-file/main", "contributor"),
    ("/delete-files/main?path=config.json", "contributor"),
    ("/restore/v1", "contributor"),
    ("/upload", "contributor"),
    ("/versions/delete?ref=refs/tags/v1", "contributor"),
]


@pytest.mark.parametrize(("path", "role"), FORMS)
@pytest.mark.parametrize(("visibility", "outside"), [("private", 404), ("public", 403)])
def test_forms_are_offered_to_those_who_may_send_them(people: People, path: str, role: str, visibility: str, outside: int) -> None:
    make_files(people, visibility)
    expected = from_role(200, role, 403, outside) | {"visitor": SIGN_IN}
    assert_access(people=people, surface="page", expected=expected, request=lambda client: client.get(ADDRESS + path), state=state)


POSTS: list[tuple[str, dict[str, Any]]] = [
    ("/edit-file/main/config.json", {"content": "{}", "message": "", "base": "BASE", "parent": "HEAD"}),
    ("/new-file/main", {"path": "b.txt", "content": "b", "message": "", "parent": "HEAD"}),
    ("/delete-files/main", {"path": ["config.json", "train"], "message": "", "parent": "HEAD"}),
    ("/restore/v1", {"message": "", "parent": "HEAD"}),
    ("/versions", {"type": "tag", "name": "v9", "revision": "main"}),
    ("/versions/delete", {"ref": "refs/tags/v1"}),
]


@pytest.mark.parametrize(("path", "data"), POSTS)
@pytest.mark.parametrize(("visibility", "outside"), [("private", 404), ("public", 403)])
def test_forms_are_taken_from_those_who_may_send_them(
    people: People, path: str, data: dict[str, Any], visibility: str, outside: int
) -> None:
    from repos import reading

    asset = make_files(people, visibility)
    item = reading.find(reading.resolve(asset.open_repository()), "config.json")
    filled = {
        key: {"HEAD": head(asset), "BASE": item.oid}.get(value, value) if isinstance(value, str) else value for key, value in data.items()
    }
    visitor = outside if path == "/versions" else SIGN_IN
    expected = from_role(302, "contributor", 403, outside) | {"visitor": visitor}
    assert_access(people=people, surface="page", expected=expected, request=lambda client: client.post(ADDRESS + path, filled), state=state)


def test_a_branch_is_made_by_maintainers_only(people: People) -> None:
    asset = make_files(people)
    data = {"type": "branch", "name": "work", "revision": "main"}
    assert browser(people.bob).post(ADDRESS + "/versions", data).status_code == 403
    assert browser(people.mona).post(ADDRESS + "/versions", data).status_code == 302
    assert Ref.objects.filter(repository=asset.repository, name="refs/heads/work").count() == 1


# --- Tokens ------------------------------------------------------------------------------------------------


def bearer(secret: str) -> dict[str, str]:
    return {"HTTP_AUTHORIZATION": f"Bearer {secret}"}


def test_a_program_fetches_a_private_file_with_a_token(people: People) -> None:
    make_files(people)
    response = browser().get(ADDRESS + "/resolve/v1/config.json", **bearer(token(people.rita, "read")))
    assert response.status_code == 200
    assert response.content == b'{\n  "a": 1\n}\n'
    zipped = browser().get(ADDRESS + "/zip/main", **bearer(token(people.rita, "read")))
    assert zipped.status_code == 200


def test_an_unknown_token_is_refused_aloud(people: People) -> None:
    make_files(people, "public")
    response = browser().get(ADDRESS + "/resolve/main/config.json", **bearer("agt_nonsense"), HTTP_ACCEPT="application/json")
    assert response.status_code == 401
    assert response.json()["code"] == "bad_token"


def test_a_reading_token_does_not_write(people: People) -> None:
    asset = make_files(people)
    before = head(asset)
    response = browser().post(REST + "/commits", json.dumps(PUT), content_type="application/json", **bearer(token(people.alice, "read")))
    assert response.status_code == 403
    assert head(asset) == before


def test_a_token_for_another_repository_sees_nothing_here(people: People) -> None:
    asset = make_files(people)
    secret = token(people.alice, "fine", verbs=["commit"], resources=[f"asset:{asset.pk + 1}"])
    assert browser().get(ADDRESS + "/resolve/main/config.json", **bearer(secret)).status_code == 404


def test_a_token_for_this_repository_may_do_what_it_names(people: People) -> None:
    asset = make_files(people)
    secret = token(people.alice, "fine", verbs=["commit"], resources=[f"asset:{asset.pk}"])
    post = lambda path, data: browser().post(REST + path, json.dumps(data), content_type="application/json", **bearer(secret))  # noqa: E731
    assert post("/commits", PUT).status_code == 201
    assert post("/uploads", FILE).status_code == 403


def test_former_addresses_of_files_lead_to_the_new_ones(people: People) -> None:
    from assets.services import rename_asset

    rename_asset(asset=make_files(people, "public"), actor=people.alice, name="small")
    response = browser().get(ADDRESS + "/resolve/main/config.json?inline=1")
    assert response.status_code == 301
    assert response["Location"] == "/models/atelier/small/resolve/main/config.json?inline=1"
    assert Asset.objects.for_user(people.alice).count() == 1

"""What an outsider of an asset on application gets at every address, before, with and after a grant."""

from collections.abc import Callable
from typing import Any

import pytest
from django.urls import URLPattern

from assets import api_urls, urls
from assets.models import Asset, Grant
from assets.services import grants
from assets.tests.factories import read_for
from assets.tests.files import ADDRESS, FILES, REST, head
from assets.tests.gated import NOON, ask, gated_files, give
from core.testing import SIGN_IN, People, api, browser, token

pytestmark = pytest.mark.django_db
README = (
    b'---\nlicense: mit\n---\n# Tiny\n\nHello ![A small square](photo.png) <img src="photo.png" alt="Raw square"> [code](train/train.py)\n'
)
OPEN = [
    "", "/activity", "/activity/main", "/files", "/files/main", "/files/main/train", "/files/v1", "/files/v1/train", "/files/main?f=config",
    "/files/HEAD",
]  # fmt: skip
"""What one may see without a grant: the introduction and the names of the files."""
LOCKED = [
    "/files/main/config.json", "/files/main/README.md", "/files/main/model.safetensors", "/files/main/photo.png", "/files/v1/config.json",
    "/files/main/config.json?plain=1", "/files/main/train/data/rows.csv", "/files/FIRST", "/files/FIRST/README.md",
    "/resolve/main/config.json", "/resolve/main/README.md", "/resolve/main/README.md?inline=1", "/resolve/main/photo.png?inline=1",
    "/resolve/main/model.safetensors", "/zip/main", "/zip/main/train", "/history/main", "/history/main/config.json", "/commit/main",
    "/commit/HEAD", "/versions", "/tensors",
]  # fmt: skip
REST_OPEN = [
    "",
    "/files",
    "/files?recursive=true",
    "/files/main/config.json",
    "/files/main/train",
    "/access",
    "/applications",
    "/inspections",
]
REST_LOCKED = [
    "/files?revision=FIRST",
    "/resolve/main/config.json",
    "/resolve/main/README.md",
    "/commits",
    "/commits/main",
    "/refs",
    "/tensors",
]
SECRETS = [b'"a": 2', b"print(1)", b"Raise a", b"Add files", b"a.weight", b"alert(1)"]
"""Words of contents, of headers and of commit messages."""


def filled(path: str, asset: Asset) -> str:
    """Put real revisions into an address."""
    return path.replace("HEAD", head(asset)).replace("FIRST", first(asset))


def first(asset: Asset) -> str:
    """The commit before the first files, which no branch or version names."""
    from repos import reading

    commits = reading.history(reading.resolve(asset.open_repository()), "", offset=0, limit=10)
    return commits[-1].sha


def statuses(client: Any, asset: Asset, prefix: str, paths: list[str], **headers: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for path in paths:
        response = client.get(prefix + filled(path, asset), **headers)
        found[path] = SIGN_IN if response.status_code == 302 and "/login/" in response["Location"] else response.status_code
    return found


def expect(paths: list[str], status: int) -> dict[str, Any]:
    return dict.fromkeys(paths, status)


def outside(people: People) -> tuple[Asset, Any]:
    return gated_files(people, **{"README.md": README}), people.charlie


WITHOUT_FILES = {
    "edit", "settings", "upload", "uploads", "new-file", "edit-file", "delete-files", "restore", "apply", "publish", "review", "favourite",
    "like", "subscribe", "unsubscribe", "subscription", "collect", "withdraw", "delist", "transfer", "publication", "markdown", "grants",
    "register", "ranges", "terms", "statistics", "inspect", "memory", "preview", "sql", "tables",
}  # fmt: skip
"""Addresses below an asset that change something, are about something else than its files, or whose own tests walk every viewer."""


def test_the_tables_name_every_address_that_reads_files() -> None:
    told = {path.split("?")[0].split("/")[1] for path in OPEN + LOCKED + REST_OPEN + REST_LOCKED if path}
    found = {part for pattern in [*urls.urlpatterns, *api_urls.urlpatterns] if (part := below_asset(pattern))}
    assert found - told - WITHOUT_FILES == set(), "put new addresses that read files into a table above, others into WITHOUT_FILES"


def below_asset(pattern: Any) -> str:
    """Return the first word behind the name of an asset, empty for other addresses."""
    if not isinstance(pattern, URLPattern):
        return ""
    _before, found, rest = str(pattern.pattern).partition("<asset:name>/")
    return rest.split("/")[0] if found else ""


@pytest.mark.parametrize("who", ["visitor", "stranger"])
def test_an_outsider_gets_names_and_the_introduction_and_nothing_else(people: People, who: str) -> None:
    asset, charlie = outside(people)
    user = charlie if who == "stranger" else None
    assert statuses(browser(user), asset, ADDRESS, OPEN) == expect(OPEN, 200)
    assert statuses(browser(user), asset, ADDRESS, LOCKED) == expect(LOCKED, 403)
    assert statuses(api(user), asset, REST, REST_OPEN) == expect(REST_OPEN, 200)
    assert statuses(api(user), asset, REST, REST_LOCKED) == expect(REST_LOCKED, 403)


def test_nothing_of_the_contents_stands_on_any_page_of_an_outsider(people: People) -> None:
    asset, charlie = outside(people)
    for client, prefix, paths in ((browser(charlie), ADDRESS, OPEN + LOCKED), (api(charlie), REST, REST_OPEN + REST_LOCKED)):
        for path in paths:
            body = client.get(prefix + filled(path, asset)).content
            assert [secret for secret in SECRETS if secret in body] == [], path


def test_rest_gives_an_outsider_no_hashes_and_no_commits(people: People) -> None:
    _asset, charlie = outside(people)
    for path in ("/files", "/files?recursive=true"):
        for item in api(charlie).get(REST + path).json()["results"]:
            assert (item["oid"], item["sha256"], item.get("commit")) == (None, None, None)
    one = api(charlie).get(REST + "/files/main/config.json").json()
    assert (one["size"], one["oid"], one["url"], one["commit"]) == (len(b'{\n  "a": 2\n}\n'), None, None, None)
    assert api(charlie).get(REST).json()["structure"] == {}
    assert api(people.rita).get(REST + "/files/main/config.json").json()["oid"] is not None


def test_a_forged_cursor_does_not_open_an_earlier_commit(people: People) -> None:
    from assets.api.files import _encoded

    asset, charlie = outside(people)
    assert api(charlie).get(f"{REST}/files?recursive=true&cursor={_encoded(first(asset), '')}").status_code == 403
    assert api(charlie).get(f"{REST}/files?recursive=true&cursor={_encoded(head(asset), '')}").status_code == 200


def test_a_refusal_says_how_one_gets_in(people: People) -> None:
    _asset, charlie = outside(people)
    answer = api(charlie).get(REST + "/resolve/main/config.json")
    assert (answer.status_code, answer.json()["code"], answer.json()["apply"]) == (403, "access_required", f"{ADDRESS}/apply")
    page = browser(charlie).get(f"{ADDRESS}/files/main/config.json").content.decode()
    assert f'href="{ADDRESS}/apply"' in page
    assert "This file needs a request" in page
    assert "Sign in and request access" in browser().get(f"{ADDRESS}/files/main/config.json").content.decode()


def test_pictures_of_the_introduction_are_left_out_with_their_words(people: People) -> None:
    _asset, charlie = outside(people)
    mine, theirs = (browser(user).get(ADDRESS).content.decode() for user in (people.rita, charlie))
    assert mine.count("/resolve/main/photo.png?inline=1") == 2
    assert "photo.png" not in theirs
    assert "A small square" in theirs
    assert "Raw square" in theirs
    assert "Hello" in theirs


def test_a_range_and_a_head_are_refused_like_the_whole(people: People) -> None:
    _asset, charlie = outside(people)
    address = f"{ADDRESS}/resolve/main/model.safetensors"
    assert browser(charlie).get(address, HTTP_RANGE="bytes=0-3").status_code == 403
    assert browser(charlie).head(address).status_code == 403
    assert browser(charlie).get(address, HTTP_IF_NONE_MATCH="*").status_code == 403


def test_an_outsider_renders_nothing_of_the_card_editor(people: People) -> None:
    _asset, charlie = outside(people)
    assert browser(charlie).get(f"{ADDRESS}/edit").status_code == 403
    assert browser(charlie).post(f"{ADDRESS}/edit/preview", {"text": "x"}).status_code == 403
    assert api(charlie).post(f"{REST}/markdown", {"text": "![x](photo.png)"}, format="json").status_code == 403


# --- Granted, and after ------------------------------------------------------------------------------------


Lose = Callable[[People, Asset, Grant], None]


def revoked(people: People, asset: Asset, grant: Grant) -> None:
    grants.revoke_grant(grant=grant, actor=people.alice, reason="Over")


def expired(people: People, asset: Asset, grant: Grant) -> None:
    Grant.objects.filter(pk=grant.pk).update(granted_at=NOON.replace(year=2020), expires_at=NOON.replace(year=2021))


def test_a_grant_opens_every_address(people: People) -> None:
    asset, charlie = outside(people)
    give(asset, people.alice, charlie, days=5)
    assert statuses(browser(charlie), asset, ADDRESS, OPEN + LOCKED) == expect(OPEN + LOCKED, 200)
    assert statuses(api(charlie), asset, REST, REST_OPEN + REST_LOCKED) == expect(REST_OPEN + REST_LOCKED, 200)


@pytest.mark.parametrize("lose", [revoked, expired])
def test_what_was_opened_closes_at_once_for_sessions_and_tokens(people: People, lose: Lose) -> None:
    asset, charlie = outside(people)
    grant = give(asset, people.alice, charlie, days=5)
    session = browser(charlie)
    reading = {"HTTP_AUTHORIZATION": f"Bearer {token(charlie, 'read')}"}
    whole = {"HTTP_AUTHORIZATION": f"Bearer {token(charlie)}"}
    for headers in ({}, reading, whole):
        client = session if not headers else browser()
        assert client.get(f"{ADDRESS}/resolve/main/config.json", **headers).status_code == 200
        assert client.get(f"{REST}/resolve/main/config.json", **headers).status_code == 200
    lose(people, asset, grant)
    assert statuses(session, asset, ADDRESS, LOCKED) == expect(LOCKED, 403)
    assert statuses(session, asset, REST, REST_LOCKED) == expect(REST_LOCKED, 403)
    for headers in (reading, whole):
        assert statuses(browser(), asset, REST, REST_LOCKED, **headers) == expect(REST_LOCKED, 403)
        for path in ("/resolve/main/config.json", "/zip/main"):
            assert browser().get(ADDRESS + path, **headers).status_code == 403
        assert browser().get(f"{ADDRESS}/resolve/main/model.safetensors", HTTP_RANGE="bytes=4-7", **headers).status_code == 403
    assert statuses(session, asset, ADDRESS, OPEN) == expect(OPEN, 200)


def test_lists_say_what_the_page_says(people: People) -> None:
    asset, charlie = outside(people)
    assert "download" not in api(charlie).get("/api/v1/models").json()["results"][0]["allowed"]
    give(asset, people.alice, charlie)
    assert "download" in api(charlie).get("/api/v1/models").json()["results"][0]["allowed"]


def test_asking_alone_opens_nothing(people: People) -> None:
    asset, charlie = outside(people)
    ask(asset, charlie)
    assert statuses(browser(charlie), asset, ADDRESS, LOCKED) == expect(LOCKED, 403)
    assert "apply" in read_for(charlie, asset).allowed


def test_the_files_of_the_fixture_are_all_told_by_name(people: People) -> None:
    _asset, charlie = outside(people)
    found = {item["path"] for item in api(charlie).get(REST + "/files?recursive=true").json()["results"]}
    assert set(FILES) <= found

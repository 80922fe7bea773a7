"""Who may do what with an asset: viewer x verb x surface, unpublished and published, and nothing changes on a refusal."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from accounts.models import AuditEvent
from assets.models import Asset, AssetRedirect
from assets.tests.factories import make_asset
from core.testing import SIGN_IN, VIEWERS, People, api, assert_access, browser
from repos.models import Ref

pytestmark = pytest.mark.django_db

PAGE, REST = "/models/atelier/tiny", "/api/v1/models/atelier/tiny"


@pytest.fixture
def private(people: People) -> Asset:
    return make_asset(people.alice, people.atelier, name="tiny", visibility="private")


@pytest.fixture
def public(people: People) -> Asset:
    return make_asset(people.alice, people.atelier, name="tiny", visibility="public")


def state() -> list[Any]:
    """Return everything that a verb could change."""
    return [
        list(
            Asset.objects.order_by("pk").values_list(
                "pk",
                "namespace",
                "kind",
                "name",
                "state",
                "visibility",
                "availability",
                "title_zh",
                "description",
                "repository__deleted_at",
            )
        ),
        list(AssetRedirect.objects.values_list("namespace", "name", "asset")),
        list(Ref.objects.order_by("pk").values_list("name", "commit")),
        AuditEvent.objects.count(),
    ]


def expect(visitor: Any, stranger: Any, reader: Any, contributor: Any, maintainer: Any, owner: Any, administrator: Any) -> dict[str, Any]:
    return dict(zip(VIEWERS, (visitor, stranger, reader, contributor, maintainer, owner, administrator), strict=True))


def get(path: str) -> Callable[[Any], Any]:
    return lambda client: client.get(path)


def post(path: str, **data: Any) -> Callable[[Any], Any]:
    return lambda client: client.post(path, data)


def patch(**data: Any) -> Callable[[Any], Any]:
    return lambda client: client.patch(REST, json.dumps(data), content_type="application/json")


def send(path: str, **data: Any) -> Callable[[Any], Any]:
    return lambda client: client.post(path, json.dumps(data), content_type="application/json")


SEE_PRIVATE = expect(404, 404, 200, 200, 200, 200, 200)
SEE_PUBLIC = expect(200, 200, 200, 200, 200, 200, 200)

PAGES = {
    "view": (get(PAGE), SEE_PRIVATE, SEE_PUBLIC),
    "view the activity": (get(f"{PAGE}/activity"), SEE_PRIVATE, SEE_PUBLIC),
    "open the settings": (
        get(f"{PAGE}/settings"),
        expect(SIGN_IN, 404, 403, 403, 200, 200, 200),
        expect(SIGN_IN, 403, 403, 403, 200, 200, 200),
    ),
    "open the removal": (
        get(f"{PAGE}/settings/delete"),
        expect(SIGN_IN, 404, 403, 403, 403, 200, 200),
        expect(SIGN_IN, 403, 403, 403, 403, 200, 200),
    ),
    "edit_card": (
        post(f"{PAGE}/settings/names", title_zh="小", description="Small"),
        expect(SIGN_IN, 404, 403, 302, 302, 302, 302),
        expect(SIGN_IN, 403, 403, 302, 302, 302, 302),
    ),
    "rename": (
        post(f"{PAGE}/settings/rename", name="tiny-2"),
        expect(SIGN_IN, 404, 403, 403, 403, 302, 302),
        expect(SIGN_IN, 403, 403, 403, 403, 302, 302),
    ),
    "transfer": (
        post(f"{PAGE}/settings/transfer", owner="alice"),
        expect(SIGN_IN, 404, 403, 403, 403, 302, 422),
        expect(SIGN_IN, 403, 403, 403, 403, 302, 422),
    ),
    "delete": (
        post(f"{PAGE}/settings/delete", confirm="atelier/tiny"),
        expect(SIGN_IN, 404, 403, 403, 403, 302, 302),
        expect(SIGN_IN, 403, 403, 403, 403, 409, 409),
    ),
    "create": (
        post("/models/new", owner="atelier", name="other"),
        expect(SIGN_IN, 422, 422, 302, 302, 302, 422),
        expect(SIGN_IN, 422, 422, 302, 302, 302, 422),
    ),
}
RESTS = {
    "view": (get(REST), SEE_PRIVATE, SEE_PUBLIC),
    "edit_card": (patch(description="Small"), expect(404, 404, 403, 200, 200, 200, 200), expect(403, 403, 403, 200, 200, 200, 200)),
    "rename": (patch(name="tiny-2"), expect(404, 404, 403, 403, 403, 200, 200), expect(403, 403, 403, 403, 403, 200, 200)),
    "rename beside what is allowed": (
        patch(description="Small", name="tiny-2"),
        expect(404, 404, 403, 403, 403, 200, 200),
        expect(403, 403, 403, 403, 403, 200, 200),
    ),
    "transfer": (
        send(f"{REST}/transfer", owner="alice"),
        expect(404, 404, 403, 403, 403, 200, 200),
        expect(403, 403, 403, 403, 403, 200, 200),
    ),
    "delete": (lambda client: client.delete(REST), expect(404, 404, 403, 403, 403, 204, 204), expect(403, 403, 403, 403, 403, 409, 409)),
    "create": (
        send("/api/v1/models", owner="atelier", name="other"),
        expect(401, 403, 403, 201, 201, 201, 201),
        expect(401, 403, 403, 201, 201, 201, 201),
    ),
}


@pytest.mark.parametrize("verb", PAGES)
def test_access_to_pages_of_a_private_asset(people: People, private: Asset, verb: str) -> None:
    request, expected, _public = PAGES[verb]
    assert_access(people=people, surface="page", expected=expected, request=request, state=state)


@pytest.mark.parametrize("verb", PAGES)
def test_access_to_pages_of_a_public_asset(people: People, public: Asset, verb: str) -> None:
    request, _private, expected = PAGES[verb]
    assert_access(people=people, surface="page", expected=expected, request=request, state=state)


@pytest.mark.parametrize("verb", RESTS)
def test_access_by_rest_to_a_private_asset(people: People, private: Asset, verb: str) -> None:
    request, expected, _public = RESTS[verb]
    assert_access(people=people, surface="rest", expected=expected, request=request, state=state)


@pytest.mark.parametrize("verb", RESTS)
def test_access_by_rest_to_a_public_asset(people: People, public: Asset, verb: str) -> None:
    request, _private, expected = RESTS[verb]
    assert_access(people=people, surface="rest", expected=expected, request=request, state=state)


WRITES = sorted(set(RESTS) - {"view"})


@pytest.mark.parametrize("verb", WRITES)
def test_a_read_token_of_the_owner_changes_nothing(people: People, private: Asset, verb: str) -> None:
    before = state()
    response = RESTS[verb][0](api(people.alice, scope="read"))
    assert response.status_code == 403
    assert response.json()["code"] in ("not_permitted", "token_scope")
    assert state() == before


def test_a_read_token_reads_what_its_user_reads(people: People, private: Asset) -> None:
    assert api(people.rita, scope="read").get(REST).status_code == 200
    assert api(people.charlie, scope="read").get(REST).status_code == 404


@pytest.mark.parametrize("verb", sorted(set(WRITES) - {"edit_card"}))
def test_a_fine_token_does_only_what_it_names(people: People, private: Asset, verb: str) -> None:
    client = api(people.alice, scope="fine", verbs=["edit_card"], resources=[f"asset:{private.pk}"])
    before = state()
    assert RESTS[verb][0](client).status_code == 403
    assert state() == before


def test_a_fine_token_does_what_it_names(people: People, private: Asset) -> None:
    client = api(people.alice, scope="fine", verbs=["edit_card", "commit"], resources=[f"asset:{private.pk}"])
    assert RESTS["edit_card"][0](client).status_code == 200
    assert Asset.objects.get().description == "Small"


def test_a_fine_token_for_another_asset_sees_what_everybody_sees(people: People, private: Asset) -> None:
    other = make_asset(people.alice, people.atelier, name="other", visibility="private")
    client = api(people.alice, scope="fine", verbs=["edit_card"], resources=[f"asset:{other.pk}"])
    assert client.get(REST).status_code == 404
    assert [row["repo_id"] for row in client.get("/api/v1/models").json()["results"]] == ["atelier/other"]


@pytest.mark.parametrize("viewer", VIEWERS)
def test_a_list_never_shows_what_its_detail_hides(people: People, private: Asset, viewer: str) -> None:
    user = people.viewer(viewer)
    visible = api(user).get(REST).status_code == 200
    listed = [row["repo_id"] for row in api(user).get("/api/v1/models").json()["results"]]
    assert listed == (["atelier/tiny"] if visible else [])
    for path in ("/models", "/atelier", "/", "/models?q=tiny"):
        assert (b"atelier/tiny" in browser(user).get(path).content) is visible, path


@pytest.mark.parametrize(
    ("viewer", "allowed"),
    [
        ("visitor", ["download", "preview", "view"]),
        ("contributor", ["commit", "deploy", "download", "edit_card", "preview", "react", "subscribe", "tag", "train", "upload", "view"]),
        (
            "maintainer",
            "branch commit configure decide deploy download edit_card preview publish react subscribe tag train upload view".split(),
        ),
    ],
)
def test_rest_says_what_the_caller_may_do(people: People, public: Asset, viewer: str, allowed: list[str]) -> None:
    assert api(people.viewer(viewer)).get(REST).json()["allowed"] == allowed

"""REST of the accounts room: who may do what, and what tokens allow."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import AccessToken, AuditEvent, Membership, Namespace, User
from accounts.services import Resource, offer_resources
from accounts.services.resources import _OFFERS
from core.testing import VIEWERS, People, api, assert_access, assert_flat_queries, organisation, person

INSIDERS = ("reader", "contributor", "maintainer", "owner")
OWNERS = ("owner", "administrator")
SIGNED_IN = tuple(name for name in VIEWERS if name != "visitor")


def allow(*viewers: str, yes: int = 200, no: int = 403, visitor: int = 403) -> dict[str, int | str]:
    return {name: yes if name in viewers else visitor if name == "visitor" else no for name in VIEWERS}


def state() -> Any:
    return (
        sorted(Membership.objects.values_list("organisation__handle", "user__handle", "role")),
        sorted(Namespace.objects.values_list("handle", "nickname", "bio")),
        AuditEvent.objects.count(),
        AccessToken.objects.count() - AccessToken.objects.filter(name="test").count(),
    )


def write(method: str, address: str, body: Any = None) -> Any:
    return lambda client: getattr(client, method)(address, body, format="json")


ORGANISATION, MEMBERS = "/api/v1/organisations/atelier", "/api/v1/organisations/atelier/members"
ACCESS = {
    "view": (write("get", ORGANISATION), allow(*VIEWERS)),
    "list_mine": (write("get", "/api/v1/organisations"), allow(*SIGNED_IN, visitor=401)),
    "view_members": (write("get", MEMBERS), allow(*SIGNED_IN)),
    "edit": (write("patch", ORGANISATION, {"nickname": "N"}), allow(*OWNERS)),
    "rename": (write("patch", ORGANISATION, {"handle": "workshop"}), allow(*OWNERS)),
    "delete": (write("delete", ORGANISATION), allow(*OWNERS, yes=204)),
    "add_reader": (write("put", f"{MEMBERS}/charlie", {"role": "reader"}), allow(*OWNERS, "maintainer")),
    "add_owner": (write("put", f"{MEMBERS}/charlie", {"role": "owner"}), allow(*OWNERS)),
    "change_role": (write("put", f"{MEMBERS}/rita", {"role": "maintainer"}), allow(*OWNERS)),
    "remove": (write("delete", f"{MEMBERS}/bob"), allow(*OWNERS, "contributor", yes=204)),
    "create": (write("post", "/api/v1/organisations", {"handle": "workshop"}), allow(*SIGNED_IN, yes=201, visitor=401)),
    "me": (write("get", "/api/v1/me"), allow(*SIGNED_IN, visitor=401)),
    "edit_me": (write("patch", "/api/v1/me", {"nickname": "N"}), allow(*SIGNED_IN, visitor=401)),
    "user": (write("get", "/api/v1/users/alice"), allow(*VIEWERS)),
    "tokens": (write("get", "/api/v1/tokens"), allow(*SIGNED_IN, visitor=401)),
    "create_token": (write("post", "/api/v1/tokens", {"name": "ci"}), allow(*SIGNED_IN, yes=201, visitor=401)),
}


@pytest.mark.parametrize("name", ACCESS)
def test_who_may(people: People, name: str) -> None:
    request, expected = ACCESS[name]
    assert_access(people=people, surface="rest", expected=expected, request=request, state=state)


WRITES = [name for name in ACCESS if name not in ("view", "list_mine", "view_members", "me", "user", "tokens")]


@pytest.mark.parametrize("scope", ["read", "fine"])
@pytest.mark.parametrize("viewer", ["owner", "administrator"])
@pytest.mark.parametrize("name", WRITES)
def test_token_without_the_scope_write_changes_nothing(people: People, name: str, viewer: str, scope: str) -> None:
    client = api(people.viewer(viewer), scope)
    before = state()
    assert ACCESS[name][0](client).status_code == 403
    assert state() == before


def test_read_token_reads(people: People) -> None:
    client = api(people.alice, "read")
    assert client.get("/api/v1/me").json()["email"] == "alice@example.com"
    assert client.get(MEMBERS).status_code == 200
    assert client.get(ORGANISATION).json()["allowed"] == ["view", "view_members"]


def test_fine_token_sees_what_everybody_sees(people: People) -> None:
    client = api(people.alice, "fine", verbs=["upload"], resources=["asset:1"])
    assert client.get(ORGANISATION).json()["allowed"] == ["view"]
    assert client.get(MEMBERS).status_code == 403
    api(people.alice)
    assert [row["scope"] for row in client.get("/api/v1/tokens").json()["results"]] == ["fine"]
    assert client.get("/api/v1/organisations").json()["results"] == []


@pytest.mark.parametrize("moment", [timedelta(seconds=-1), timedelta(days=-400)])
def test_expired_token_is_refused(alice: Any, moment: timedelta) -> None:
    response = api(alice, expires_at=timezone.now() + moment).get("/api/v1/me")
    assert (response.status_code, response.json()["code"]) == (401, "bad_token")
    assert response["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("header", ["Bearer", "Bearer a b", "Bearer nonsense", "Bearer \xff\xfe", "bearer agt_"])
def test_odd_authorization_is_refused(db: None, header: str) -> None:
    client = api()
    client.credentials(HTTP_AUTHORIZATION=header)
    assert client.get("/api/v1/users/alice").status_code == 401


def test_token_of_somebody_switched_off_is_refused(alice: Any) -> None:
    client = api(alice)
    User.objects.filter(pk=alice.pk).update(is_active=False)
    assert client.get("/api/v1/me").status_code == 401


def test_last_use_is_kept_by_the_minute(alice: Any) -> None:
    client = api(alice)
    client.get("/api/v1/me")
    first = AccessToken.objects.get().last_used_at
    client.get("/api/v1/me")
    assert AccessToken.objects.get().last_used_at == first


def test_address_is_never_shown_to_others(people: People) -> None:
    for path in ("/api/v1/users/bob", MEMBERS, ORGANISATION):
        assert "@" not in api(people.ada).get(path).content.decode()
    shown = api(people.alice).get("/api/v1/users/bob").json()
    assert sorted(shown) == ["allowed", "avatar", "bio", "created_at", "handle", "id", "kind", "nickname", "official"]


def test_me_changes_what_it_may(alice: Any) -> None:
    client = api(alice)
    body = {
        "nickname": "林",
        "bio": "b",
        "language": "en",
        "email_notifications": False,
        "handle": "alice-2",
        "email": "new@example.com",
        "official": True,
    }
    shown = client.patch("/api/v1/me", body).json()
    assert {key: shown[key] for key in body} == {**body, "email": "alice@example.com", "official": False}
    moved = client.get("/api/v1/users/ALICE")
    assert (moved.status_code, moved["Location"]) == (301, "/api/v1/users/alice-2")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"handle": "models"}, "handle"),
        ({"handle": "bob"}, "handle"),
        ({"handle": "x" * 40}, "handle"),
        ({"handle": ["a"]}, "handle"),
        ({"bio": "b" * 501}, "bio"),
        ({"nickname": "nul\0"}, "nickname"),
        ({"language": "tlh"}, "language"),
        ({"email_notifications": "perhaps"}, "email_notifications"),
        ([], "non_field_errors"),
    ],
)
def test_me_refuses_by_field(alice: Any, bob: Any, body: Any, field: str) -> None:
    response = api(alice).patch("/api/v1/me", body)
    assert response.status_code in (400, 409)
    assert list(response.json()["errors"]) == [field]
    alice.refresh_from_db()
    assert (alice.handle, alice.bio, alice.nickname) == ("alice", "", "")


@pytest.mark.parametrize("body", [r'{"nickname": "\ud800"}', r'{"handle": "\udfff"}'])
def test_half_a_character_is_refused(alice: Any, body: str) -> None:
    response = api(alice).generic("PATCH", "/api/v1/me", body, content_type="application/json")
    assert (response.status_code, response.json()["code"]) == (400, "invalid")


@pytest.mark.parametrize("body", ["{", "", "[[[", "null", "1"])
def test_broken_json_is_refused(alice: Any, body: str) -> None:
    assert api(alice).generic("POST", "/api/v1/organisations", body, content_type="application/json").status_code == 400


@pytest.mark.parametrize(
    "path",
    ["users/nobody", "users/atelier", "organisations/alice", "organisations/nobody", "users/%00", "users/%ff", "users/a%2Fb", "tokens/999"],
)
def test_what_is_not_there_is_404(people: People, path: str) -> None:
    client = api(people.alice)
    response = client.delete(f"/api/v1/{path}") if path.startswith("tokens") else client.get(f"/api/v1/{path}")
    assert response.status_code == 404


def test_former_handle_of_an_organisation_leads_on(people: People) -> None:
    client = api(people.alice)
    assert client.patch(ORGANISATION, {"handle": "workshop"}).json()["handle"] == "workshop"
    seen = client.get(MEMBERS)
    assert (seen.status_code, seen["Location"]) == (301, "/api/v1/organisations/workshop/members")
    written = client.patch(ORGANISATION, {"nickname": "N"})
    assert (written.status_code, written["Location"], written.json()["code"]) == (308, "/api/v1/organisations/workshop", "moved")


def test_members_are_listed_with_their_roles(people: People) -> None:
    rows = api(people.charlie).get(MEMBERS).json()["results"]
    assert [(row["user"]["handle"], row["role"]) for row in rows] == [
        ("alice", "owner"), ("mona", "maintainer"), ("bob", "contributor"), ("rita", "reader"),
    ]  # fmt: skip


def test_put_member_is_idempotent(people: People) -> None:
    client = api(people.alice)
    for _time in range(2):
        assert client.put(f"{MEMBERS}/charlie", {"role": "reader"}).json()["role"] == "reader"
    assert AuditEvent.objects.filter(verb="add_member").count() == 1


@pytest.mark.parametrize("body", [{}, {"role": "king"}, {"role": 50}, {"role": None}])
def test_put_member_refuses_other_roles(people: People, body: Any) -> None:
    response = api(people.alice).put(f"{MEMBERS}/charlie", body)
    assert (response.status_code, list(response.json()["errors"])) == (400, ["role"])


def test_last_owner_stays(people: People) -> None:
    client = api(people.alice)
    for response in (client.put(f"{MEMBERS}/alice", {"role": "reader"}), client.delete(f"{MEMBERS}/alice")):
        assert (response.status_code, response.json()["code"]) == (409, "last_owner")


def test_administrator_cannot_take_the_last_owner_away(people: People) -> None:
    assert api(people.ada).delete(f"{MEMBERS}/alice").json()["code"] == "last_owner"


def test_owner_who_is_switched_off_does_not_count(people: People) -> None:
    Membership.objects.filter(user=people.mona).update(role=Membership.Role.OWNER)
    User.objects.filter(pk=people.mona.pk).update(is_active=False)
    assert api(people.alice).delete(f"{MEMBERS}/alice").json()["code"] == "last_owner"


def test_token_secret_is_shown_once(alice: Any) -> None:
    client = api(alice)
    made = client.post("/api/v1/tokens", {"name": "ci", "scope": "write", "expires_at": "2999-01-01T00:00:00Z"})
    secret = made.json()["secret"]
    assert (made.status_code, made["Cache-Control"], secret[:4], len(secret)) == (201, "no-store", "agt_", 47)
    listed = client.get("/api/v1/tokens").content.decode()
    assert secret not in listed and secret[:10] in listed
    assert not AccessToken.objects.filter(digest=secret).exists()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {secret}")
    assert client.get("/api/v1/me").json()["handle"] == "alice"
    assert client.delete(f"/api/v1/tokens/{made.json()['id']}").status_code == 204
    assert client.get("/api/v1/me").status_code == 401


def test_tokens_of_others_are_not_there(alice: Any, bob: Any, ada: Any) -> None:
    api(alice)
    pk = AccessToken.objects.get().pk
    for other in (bob, ada):
        client = api(other)
        assert client.delete(f"/api/v1/tokens/{pk}").status_code == 404
        assert [row["id"] for row in client.get("/api/v1/tokens").json()["results"]] != [pk]
    assert AccessToken.objects.filter(pk=pk).exists()


def test_token_cannot_create_one_that_outlives_it(alice: Any) -> None:
    client = api(alice, expires_at=timezone.now() + timedelta(days=7))
    assert client.post("/api/v1/tokens", {"name": "a"}).json()["code"] == "token_outlives"
    later = (timezone.now() + timedelta(days=8)).isoformat()
    assert client.post("/api/v1/tokens", {"name": "a", "expires_at": later}).status_code == 403
    sooner = (timezone.now() + timedelta(days=6)).isoformat()
    assert client.post("/api/v1/tokens", {"name": "a", "expires_at": sooner}).status_code == 201


@pytest.fixture
def offered(alice: Any) -> Any:
    """A resource that only Alice may choose."""
    before = list(_OFFERS)
    offer_resources(
        lambda user: [Resource("thing:1", "alice/one", "/models/alice/one")] if user.pk == alice.pk else [], [("upload", "Upload files")]
    )
    yield
    _OFFERS[:] = before


def test_fine_token_names_what_its_user_may_choose(alice: Any, bob: Any, offered: None) -> None:
    body = {"name": "ci", "scope": "fine", "verbs": ["upload"], "resources": ["thing:1"]}
    made = api(alice).post("/api/v1/tokens", body)
    assert (made.status_code, made.json()["resources"], made.json()["verbs"]) == (201, ["thing:1"], ["upload"])
    refused = api(bob).post("/api/v1/tokens", body)
    assert (refused.status_code, list(refused.json()["errors"])) == (400, ["resources"])


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        ({"resources": []}, ["resources"]),
        ({"verbs": []}, ["verbs"]),
        ({"verbs": ["delete everything"]}, ["verbs"]),
        ({"scope": "all"}, ["scope"]),
        ({"name": ""}, ["name"]),
        ({"name": "n" * 101}, ["name"]),
        ({"expires_at": "2001-01-01T00:00:00Z"}, ["expires_at"]),
        ({"expires_at": "soon"}, ["expires_at"]),
    ],
)
def test_token_refuses_by_field(alice: Any, offered: None, change: dict[str, Any], fields: list[str]) -> None:
    body = {"name": "ci", "scope": "fine", "verbs": ["upload"], "resources": ["thing:1"], **change}
    response = api(alice).post("/api/v1/tokens", body)
    assert (response.status_code, list(response.json()["errors"])) == (400, fields)
    assert AccessToken.objects.filter(name="ci").count() == 0


def test_lists_stay_flat(alice: Any) -> None:
    client, number = api(alice), iter(range(100))
    assert_flat_queries("/api/v1/organisations", lambda: organisation(f"org{next(number)}", owner=alice), client=client)
    assert_flat_queries("/api/v1/tokens", lambda: AccessToken(user=alice, name="t").issue(), client=client)
    lab = organisation("lab", owner=alice)
    assert_flat_queries(
        "/api/v1/organisations/lab/members",
        lambda: Membership.objects.create(organisation=lab, user=person(f"member{next(number)}")),
        client=client,
    )

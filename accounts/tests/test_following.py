"""Following people and organisations: who may, who is told, what the pages show."""

from typing import Any

import pytest
from django.core.cache import cache

from accounts.models import AuditEvent, Follow, Namespace, Notification
from accounts.services import follow
from core.testing import SIGN_IN, VIEWERS, People, api, assert_access, assert_flat_queries, browser, organisation, person


@pytest.fixture(autouse=True)
def fresh_limits() -> None:
    cache.clear()


def follows() -> list[tuple[str, str]]:
    return sorted(Follow.objects.values_list("follower__handle", "namespace__handle"))


def told() -> list[tuple[str, str]]:
    return sorted(Notification.objects.values_list("receiver__handle", "kind"))


def test_person_follows_and_stops(alice: Any, bob: Any) -> None:
    client = browser(alice)
    page = client.get("/bob").content.decode()
    assert "Follow bob" in page and "0 followers" in page
    response = client.post("/bob/-/follow")
    assert (response.status_code, response["Location"]) == (302, "/bob")
    assert (follows(), told()) == ([("alice", "bob")], [("bob", "follower.added")])
    page = client.get("/bob").content.decode()
    assert "Unfollow bob" in page and "1 follower<" in page
    assert client.post("/bob/-/follow", {"stop": "1", "back": "following"})["Location"] == "/me/following"
    assert follows() == []
    verbs = AuditEvent.objects.filter(target="bob").order_by("pk").values_list("verb", flat=True)
    assert list(verbs) == ["follow", "unfollow"]


def test_following_twice_counts_and_tells_once(alice: Any, bob: Any) -> None:
    client = browser(alice)
    for _time in range(2):
        client.post("/bob/-/follow")
    client.post("/bob/-/follow", {"stop": "1"})
    client.post("/bob/-/follow", {"stop": "1"})
    client.post("/bob/-/follow")
    assert (follows(), told()) == ([("alice", "bob")], [("bob", "follower.added")])
    assert AuditEvent.objects.filter(target="bob", verb="unfollow").count() == 1


def test_owners_of_an_organisation_are_told_but_not_who_follows(people: People) -> None:
    other = person("olga")
    organisation("lab", owner=people.alice)
    people.atelier.memberships.create(user=other, role=50)
    browser(people.alice).post("/atelier/-/follow")
    assert told() == [("olga", "follower.organisation")]


def test_nobody_follows_themselves(alice: Any) -> None:
    assert browser(alice).post("/alice/-/follow").status_code == 400
    assert api(alice).put("/api/v1/users/alice/follow").json()["code"] == "follow_self"
    assert "Follow alice" not in browser(alice).get("/alice").content.decode()


EVERYBODY = {name: 302 for name in VIEWERS if name != "visitor"}


def test_everybody_signed_in_may_follow(people: People) -> None:
    assert_access(
        people=people, surface="page", expected={**EVERYBODY, "visitor": SIGN_IN}, request=lambda client: client.post("/atelier/-/follow"),
        state=follows,
    )  # fmt: skip
    assert_access(
        people=people, surface="rest", expected={**dict.fromkeys(VIEWERS, 204), "visitor": 401},
        request=lambda client: client.put("/api/v1/organisations/atelier/follow"), state=follows,
    )  # fmt: skip


def test_visitor_is_led_to_the_sign_in_and_back(people: People) -> None:
    assert 'href="/account/login/?next=/atelier"' in browser().get("/atelier").content.decode()


def test_follow_is_no_get(alice: Any, bob: Any) -> None:
    assert browser(alice).get("/bob/-/follow").status_code == 405
    assert browser(alice).post("/nobody-here/-/follow").status_code == 404


def test_former_handle_leads_to_the_same_person(alice: Any, bob: Any) -> None:
    browser(bob).post("/me/profile/handle", {"handle": "robert"})
    assert browser(alice).post("/bob/-/follow")["Location"] == "/robert"
    assert api(alice).put("/api/v1/users/bob/follow").status_code == 308


def test_rest_follows_and_lists(people: People) -> None:
    client = api(people.charlie)
    for address in ("users/alice", "organisations/atelier"):
        assert client.put(f"/api/v1/{address}/follow").status_code == 204
        assert client.put(f"/api/v1/{address}/follow").status_code == 204
    rows = client.get("/api/v1/me/following").json()["results"]
    assert [(one["handle"], one["kind"]) for one in rows] == [("atelier", "organisation"), ("alice", "user")]
    assert client.put("/api/v1/organisations/alice/follow").status_code == 404
    assert client.delete("/api/v1/users/alice/follow").status_code == 204
    assert client.delete("/api/v1/users/alice/follow").status_code == 204
    assert follows() == [("charlie", "atelier")]


@pytest.mark.parametrize("scope", ["read", "fine"])
def test_tokens_that_may_not_write_follow_nobody(people: People, scope: str) -> None:
    extra = {"verbs": ["upload"], "resources": ["asset:1"]} if scope == "fine" else {}
    client = api(people.alice, scope, **extra)
    assert client.put("/api/v1/users/bob/follow").json()["code"] == "token_scope"
    assert follows() == []
    follow(actor=people.alice, namespace=_seen(people.bob, people.alice))
    listed = client.get("/api/v1/me/following").json()["results"]
    assert len(listed) == (1 if scope == "read" else 0)


def _seen(namespace: Any, user: Any) -> Any:
    return Namespace.objects.for_user(user).get(pk=namespace.pk)


def test_list_shows_ones_own_only_and_stays_flat(alice: Any, bob: Any) -> None:
    follow(actor=bob, namespace=_seen(alice, bob))
    assert "You follow nobody yet" in browser(alice).get("/me/following").content.decode()
    numbers = iter(range(100))

    def add() -> None:
        follow(actor=alice, namespace=_seen(person(f"p{next(numbers)}-x"), alice))

    assert_flat_queries("/me/following", add, client=browser(alice))
    assert_flat_queries("/api/v1/me/following", add, client=api(alice))


def test_list_goes_on_after_thirty(alice: Any) -> None:
    for number in range(31):
        follow(actor=alice, namespace=_seen(person(f"p{number:02}-x"), alice))
    client = browser(alice)
    first = client.get("/me/following").content.decode()
    assert ("p30-x" in first, "p00-x" in first) == (True, False)
    following = first.split('href="?cursor=')[1].split('"')[0]
    assert "p00-x" in client.get(f"/me/following?cursor={following}").content.decode()
    assert client.get("/me/following?cursor=nonsense").status_code == 400

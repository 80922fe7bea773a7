"""The inbox and its switches, as pages and as REST, and that nobody reads what others were told."""

import html
import re
from typing import Any

import pytest
from allauth.account.models import EmailAddress

from accounts.models import AuditEvent, Notification
from accounts.services import notify
from core.testing import SIGN_IN, VIEWERS, People, api, assert_access, assert_flat_queries, browser, person

HTMX = {"HX-Request": "true"}


def tell(user: Any, *, key: str = "k", url: str = "/somebody", **fields: Any) -> Notification:
    notify(receivers=[user], kind="follower.added", key=key, url=url, **fields)
    return Notification.objects.get(receiver=user, key=key)


def tell_many(user: Any, count: int) -> list[int]:
    return [tell(user, key=f"k{number:03}").pk for number in range(count)]


def reads() -> list[tuple[str, bool]]:
    return [(row.key, row.is_read) for row in Notification.objects.order_by("key")]


def listed(response: Any) -> list[int]:
    """Return the ids of the notices on a page, in its order."""
    return [int(pk) for pk in re.findall(r'href="/me/inbox/(\d+)"', response.content.decode())]


# --- The page -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", ["/me/inbox", "/me/inbox/1", "/me/notices"])
def test_visitor_is_asked_to_sign_in(db: None, address: str) -> None:
    response = browser().get(address)
    assert (response.status_code, response["Location"]) == (302, f"/account/login/?next={address}")


@pytest.mark.parametrize("address", ["/me/inbox", "/me/inbox?show=unread", "/me/notices"])
@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_empty_pages_show(alice: Any, address: str, language: str) -> None:
    client = browser(alice)
    client.cookies["gallery_language"] = language
    assert client.get(address).status_code == 200


def test_inbox_is_never_kept_by_the_browser(alice: Any) -> None:
    row = tell(alice)
    for address in ("/me/inbox", f"/me/inbox/{row.pk}"):
        assert "no-store" in browser(alice).get(address)["Cache-Control"]


def test_empty_inbox_says_so(alice: Any) -> None:
    assert b"Nothing here yet" in browser(alice).get("/me/inbox").content
    assert b"Everything is read" in browser(alice).get("/me/inbox?show=unread").content


def test_inbox_shows_ones_own_newest_first(alice: Any, bob: Any) -> None:
    mine = tell_many(alice, 3)
    tell(bob)
    Notification.objects.filter(pk=mine[1]).update(read_at="2026-11-22T00:00:00Z")
    client = browser(alice)
    assert listed(client.get("/me/inbox")) == mine[::-1]
    assert listed(client.get("/me/inbox?show=unread")) == [mine[2], mine[0]]


def test_names_are_escaped(alice: Any) -> None:
    tell(alice, actor=person("mallory", nickname="<script>alert(1)</script>"))
    page = browser(alice).get("/me/inbox").content.decode()
    assert "<script>alert" not in page
    assert '<b dir="auto">&lt;script&gt;alert(1)&lt;/script&gt;</b> follows you now.' in page


def test_pages_hold_thirty_and_stay_whole_while_notices_come(alice: Any) -> None:
    mine = tell_many(alice, 65)[::-1]
    client = browser(alice)
    seen, address = [], "/me/inbox"
    for number in range(3):
        response = client.get(address)
        seen += listed(response)
        found = re.search(r'class="pager-word" href="([^"]+)" rel="next"', response.content.decode())
        address = html.unescape(found[1]) if found else ""
        tell(alice, key=f"late{number}")
    assert (seen, address) == (mine, "")


def test_cursor_of_another_list_is_refused(alice: Any) -> None:
    assert browser(alice).get("/me/inbox?cursor=nonsense").status_code == 400


def test_htmx_gets_the_list_and_the_counts_only(alice: Any) -> None:
    tell(alice)
    page = browser(alice).get("/me/inbox", headers=HTMX).content.decode()
    assert "<html" not in page
    assert page.count("<hx-partial") == 2
    assert "Inbox, 1 unread" in page


def test_header_tells_how_many_are_unread(alice: Any) -> None:
    tell_many(alice, 2)
    assert b"Inbox, 2 unread" in browser(alice).get("/me/profile").content


def test_opening_leads_on_and_counts_as_read(alice: Any) -> None:
    row = tell(alice, url="/models/ann/tiny?tab=files")
    client = browser(alice)
    response = client.get(f"/me/inbox/{row.pk}")
    assert (response.status_code, response["Location"]) == (302, "/models/ann/tiny?tab=files")
    row.refresh_from_db()
    first = row.read_at
    assert first is not None
    client.get(f"/me/inbox/{row.pk}")
    row.refresh_from_db()
    assert row.read_at == first


def test_notice_about_no_page_leads_back_to_the_inbox(alice: Any) -> None:
    row = tell(alice, url="")
    assert browser(alice).get(f"/me/inbox/{row.pk}")["Location"] == "/me/inbox"


def test_one_notice_is_marked_read_and_unread(alice: Any) -> None:
    row = tell(alice)
    client = browser(alice)
    response = client.post(f"/me/inbox/{row.pk}/read", {"show": "unread", "cursor": ""})
    assert (response.status_code, response["Location"]) == (302, "/me/inbox?show=unread")
    assert reads() == [("k", True)]
    client.post(f"/me/inbox/{row.pk}/read", {"unread": "1"})
    assert reads() == [("k", False)]


def test_htmx_gets_the_list_it_was_on_after_marking(alice: Any) -> None:
    mine = tell_many(alice, 3)
    response = browser(alice).post(f"/me/inbox/{mine[1]}/read", {"show": "unread"}, headers=HTMX)
    assert listed(response) == [mine[2], mine[0]]


def test_all_are_marked_but_not_what_came_meanwhile(alice: Any) -> None:
    mine = tell_many(alice, 3)
    client = browser(alice)
    latest = re.search(r'name="until" value="(\d+)"', client.get("/me/inbox").content.decode())
    assert latest is not None
    tell(alice, key="later")
    assert client.post("/me/inbox/read", {"until": latest[1]}).status_code == 302
    assert (int(latest[1]), reads()) == (mine[-1], [("k000", True), ("k001", True), ("k002", True), ("later", False)])
    client.post("/me/inbox/read", {})
    assert reads()[-1] == ("later", True)


def test_inbox_stays_flat(alice: Any) -> None:
    numbers = iter(range(100))

    def add() -> None:
        number = next(numbers)
        tell(alice, key=str(number), actor=person(f"fan{number}"))

    assert_flat_queries("/me/inbox", add, client=browser(alice))
    assert_flat_queries(lambda: api_get(alice), add)


def api_get(user: Any) -> None:
    assert api(user).get("/api/v1/notices").status_code == 200


# --- Who may ------------------------------------------------------------------------------------------------


def only_owner(yes: int, no: int, visitor: int | str) -> dict[str, int | str]:
    return {name: yes if name == "owner" else visitor if name == "visitor" else no for name in VIEWERS}


PAGES = {
    "open": lambda client, pk: client.get(f"/me/inbox/{pk}"),
    "read": lambda client, pk: client.post(f"/me/inbox/{pk}/read"),
}
CALLS = {
    "retrieve": lambda client, pk: client.get(f"/api/v1/notices/{pk}"),
    "read": lambda client, pk: client.patch(f"/api/v1/notices/{pk}", {"read": True}),
}


@pytest.mark.parametrize("name", PAGES)
def test_who_reaches_a_notice_of_alice_by_page(people: People, name: str) -> None:
    row = tell(people.alice)
    expected = only_owner(302, 404, SIGN_IN)
    assert_access(people=people, surface="page", expected=expected, request=lambda client: PAGES[name](client, row.pk), state=reads)


@pytest.mark.parametrize("name", CALLS)
def test_who_reaches_a_notice_of_alice_by_rest(people: People, name: str) -> None:
    row = tell(people.alice)
    expected = only_owner(200, 404, 401)
    assert_access(people=people, surface="rest", expected=expected, request=lambda client: CALLS[name](client, row.pk), state=reads)


def test_lists_and_marking_all_reach_ones_own_only(people: People) -> None:
    tell(people.alice)
    for viewer in (people.bob, people.ada):
        assert listed(browser(viewer).get("/me/inbox")) == []
        assert api(viewer).get("/api/v1/notices").json()["results"] == []
        browser(viewer).post("/me/inbox/read")
        assert api(viewer).post("/api/v1/notices/read-all").json() == {"read": 0}
    assert reads() == [("k", False)]


def test_fine_token_opens_nothing(alice: Any) -> None:
    row = tell(alice)
    client = api(alice, "fine", verbs=["view"], resources=["asset:1"])
    assert client.get("/api/v1/notices").json()["results"] == []
    assert client.get(f"/api/v1/notices/{row.pk}").status_code == 404
    assert client.get("/api/v1/notices/settings").json()["code"] == "token_scope"
    for response in (
        client.patch(f"/api/v1/notices/{row.pk}", {"read": True}),
        client.post("/api/v1/notices/read-all"),
        client.put("/api/v1/notices/settings", {"email_notifications": False, "mail": {}}),
    ):
        assert (response.status_code, response.json()["code"]) == (403, "token_scope")
    assert reads() == [("k", False)]


def test_read_token_reads_and_marks_nothing(alice: Any) -> None:
    row = tell(alice)
    client = api(alice, "read")
    assert client.get(f"/api/v1/notices/{row.pk}").json()["read"] is False
    assert client.get("/api/v1/notices/settings").status_code == 200
    assert client.patch(f"/api/v1/notices/{row.pk}", {"read": True}).status_code == 403
    assert client.post("/api/v1/notices/read-all").status_code == 403
    assert client.put("/api/v1/notices/settings", {"email_notifications": False, "mail": {}}).status_code == 403
    assert reads() == [("k", False)]


@pytest.mark.parametrize("pk", [0, 10**18, 10**30])
def test_notice_that_does_not_exist_is_missing(alice: Any, pk: int) -> None:
    assert browser(alice).get(f"/me/inbox/{pk}").status_code == 404
    assert api(alice).get(f"/api/v1/notices/{pk}").json()["code"] == "notice_not_found"


# --- REST ---------------------------------------------------------------------------------------------------


def test_rest_says_what_happened_in_the_language_of_the_request(alice: Any, bob: Any) -> None:
    row = tell(alice, actor=bob)
    shown = api(alice).get("/api/v1/notices", headers={"Accept-Language": "en"}).json()["results"]
    assert shown == [
        {
            "id": row.pk,
            "kind": "follower.added",
            "text": "bob follows you now.",
            "facts": {"actor": "bob"},
            "url": "/somebody",
            "actor": {"handle": "bob", "nickname": "", "avatar": ""},
            "created_at": row.created_at.isoformat().replace("+00:00", "Z"),
            "read": False,
            "read_at": None,
        }
    ]
    chinese = api(alice).get(f"/api/v1/notices/{row.pk}", headers={"Accept-Language": "zh-Hans"}).json()
    assert chinese["text"] == "bob 关注了你。"


def test_rest_lists_pages_and_unread(alice: Any) -> None:
    mine = tell_many(alice, 5)[::-1]
    client = api(alice)
    first = client.get("/api/v1/notices?limit=2").json()
    second = client.get(first["next"]).json()
    assert [row["id"] for row in first["results"] + second["results"]] == mine[:4]
    client.patch(f"/api/v1/notices/{mine[0]}", {"read": True})
    assert [row["id"] for row in client.get("/api/v1/notices?unread=true").json()["results"]] == mine[1:]
    assert len(client.get("/api/v1/notices?unread=false").json()["results"]) == 5
    assert client.get("/api/v1/notices?unread=perhaps").json()["errors"].keys() == {"unread"}


def test_rest_marks_one_and_all(alice: Any) -> None:
    mine, client = tell_many(alice, 4), api(alice)
    assert client.patch(f"/api/v1/notices/{mine[0]}", {"read": True}).json()["read"] is True
    assert client.patch(f"/api/v1/notices/{mine[0]}", {"read": False}).json()["read_at"] is None
    assert client.patch(f"/api/v1/notices/{mine[0]}", {}).json()["read"] is False
    assert client.patch(f"/api/v1/notices/{mine[0]}", {"read": "perhaps"}).status_code == 400
    assert client.post("/api/v1/notices/read-all", {"until": mine[1]}).json() == {"read": 2}
    assert client.post("/api/v1/notices/read-all", {"until": "x"}).json()["errors"].keys() == {"until"}
    assert client.post("/api/v1/notices/read-all").json() == {"read": 2}


def test_rest_settings_come_back_as_they_were_put(alice: Any) -> None:
    client = api(alice)
    shown = client.get("/api/v1/notices/settings").json()
    assert (shown["email_notifications"], shown["mail"]["follower.added"], shown["mail"]["membership.added"]) == (True, "daily", "now")
    described = {kind["kind"]: kind for kind in shown["kinds"]}
    assert described["follower.added"]["default"] == "daily"
    assert client.put("/api/v1/notices/settings", shown).json() == shown
    changed = client.put("/api/v1/notices/settings", {"email_notifications": False, "mail": {"follower.added": "never"}}).json()
    assert (changed["email_notifications"], changed["mail"]["follower.added"], changed["mail"]["membership.added"]) == (
        False,
        "never",
        "now",
    )
    back = client.put("/api/v1/notices/settings", {"email_notifications": True, "mail": {}}).json()
    assert back["mail"] == shown["mail"]
    assert not alice.notice_settings.exists()


@pytest.mark.parametrize(
    "body",
    [
        {"email_notifications": False, "mail": {"no.such": "now"}},
        {"email_notifications": False, "mail": {"follower.added": "hourly"}},
        {"email_notifications": False, "mail": ["follower.added"]},
        {"mail": {}},
        {"email_notifications": False},
    ],
)
def test_rest_settings_refuse_what_does_not_fit(alice: Any, body: dict[str, Any]) -> None:
    response = api(alice).put("/api/v1/notices/settings", body)
    assert response.status_code == 400
    assert response.json()["errors"]
    alice.refresh_from_db()
    assert (alice.email_notifications, alice.notice_settings.exists()) == (True, False)


# --- Switches on the page -----------------------------------------------------------------------------------


def form_of(client: Any) -> dict[str, str]:
    """Return what the page of switches would send as it stands."""
    page = client.get("/me/notices").content.decode()
    chosen = dict(re.findall(r'<select name="([^"]+)".*?<option value="(\w+)" selected', page, re.S))
    return {**chosen, "email_notifications": "on"} if re.search(r'name="email_notifications"[^>]* checked', page) else chosen


def test_switches_are_kept(alice: Any) -> None:
    client = browser(alice)
    sent = form_of(client)
    assert (sent["follower.added"], sent["membership.added"], sent["email_notifications"]) == ("daily", "now", "on")
    assert client.post("/me/notices", {**sent, "follower.added": "never"}).status_code == 302
    assert list(alice.notice_settings.values_list("kind", "mail")) == [("follower.added", "never")]
    sent = form_of(client)
    assert sent["follower.added"] == "never"
    del sent["email_notifications"]
    client.post("/me/notices", sent)
    alice.refresh_from_db()
    assert alice.email_notifications is False
    assert AuditEvent.objects.filter(verb="edit", actor="alice").count() == 2


def test_switch_that_does_not_exist_is_an_error_at_the_field(alice: Any) -> None:
    client = browser(alice)
    response = client.post("/me/notices", {**form_of(client), "follower.added": "hourly"})
    assert response.status_code == 422
    assert b'id="id_follower.added-error"' in response.content
    assert not alice.notice_settings.exists()


def test_page_says_that_the_address_is_not_confirmed(alice: Any) -> None:
    client = browser(alice)
    assert b"No mail is sent yet" in client.get("/me/notices").content
    EmailAddress.objects.create(user=alice, email=alice.email, verified=True, primary=True)
    assert b"No mail is sent yet" not in client.get("/me/notices").content

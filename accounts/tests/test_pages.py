"""The account pages as people use them, and who may use what."""

from typing import Any

import pytest

from accounts.models import AuditEvent, Membership, Namespace, User, WordList
from core.testing import SIGN_IN, VIEWERS, People, api, assert_access, assert_flat_queries, browser, organisation, person, token

MINE = ["/me/profile", "/me/email", "/me/following", "/me/tokens", "/me/organisations", "/organisations/new", "/welcome"]


@pytest.mark.parametrize("address", MINE)
def test_visitor_is_asked_to_sign_in(db: None, address: str) -> None:
    response = browser().get(address)
    assert (response.status_code, response["Location"]) == (302, f"/account/login/?next={address}")


@pytest.mark.parametrize("address", MINE)
@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_person_sees_own_pages(alice: Any, address: str, language: str) -> None:
    client = browser(alice)
    client.cookies["gallery_language"] = language
    assert client.get(address).status_code == 200


def allow(*viewers: str, yes: int | str = 200, no: int | str = 403, visitor: int | str = SIGN_IN) -> dict[str, int | str]:
    """Return an access table: `yes` for these viewers, `no` for others, `visitor` for somebody who is not signed in."""
    return {name: yes if name in viewers else visitor if name == "visitor" else no for name in VIEWERS}


OWNERS = ("owner", "administrator")
INSIDERS = ("reader", "contributor", "maintainer", "owner")


def memberships() -> list[Any]:
    return sorted(Membership.objects.values_list("organisation__handle", "user__handle", "role"))


def namespaces() -> list[Any]:
    return sorted(Namespace.objects.values_list("handle", "nickname", "bio", "avatar"))


def state() -> Any:
    return memberships(), namespaces(), AuditEvent.objects.exclude(verb="sign_in").count()


def test_who_opens_the_settings(people: People) -> None:
    assert_access(people=people, surface="page", expected=allow(*OWNERS), request=lambda client: client.get("/atelier/-/settings"))


def test_who_sees_the_members(people: People) -> None:
    everybody = [name for name in VIEWERS if name != "visitor"]
    assert_access(people=people, surface="page", expected=allow(*everybody), request=lambda client: client.get("/atelier/-/members"))


WRITES = {
    "edit": ("/atelier/-/settings", {"nickname": "Atelier", "bio": "Ours"}, OWNERS),
    "avatar": ("/atelier/-/settings/avatar", {"remove": "1"}, OWNERS),
    "rename": ("/atelier/-/settings/handle", {"handle": "workshop"}, OWNERS),
    "delete": ("/atelier/-/settings/delete", {"confirm": "atelier"}, OWNERS),
    "add_reader": ("/atelier/-/members", {"handle": "charlie", "role": "20"}, (*OWNERS, "maintainer")),
    "add_contributor": ("/atelier/-/members", {"handle": "charlie", "role": "30"}, OWNERS),
    "change_role": ("/atelier/-/members", {"handle": "rita", "role": "40"}, OWNERS),
    "remove": ("/atelier/-/members/bob/remove", {}, (*OWNERS, "contributor")),
    "leave": ("/atelier/-/members/mona/remove", {}, (*OWNERS, "maintainer")),
}


@pytest.mark.parametrize("name", WRITES)
def test_who_changes_an_organisation(people: People, name: str) -> None:
    address, fields, viewers = WRITES[name]
    assert_access(
        people=people, surface="page", expected=allow(*viewers, yes=302), request=lambda client: client.post(address, fields), state=state
    )


def test_settings_of_a_person_are_their_profile(people: People) -> None:
    assert browser(people.alice).get("/alice/-/settings")["Location"] == "/me/profile"
    assert browser(people.bob).get("/alice/-/settings").status_code == 404
    assert browser(people.bob).get("/alice/-/members").status_code == 404
    assert browser(people.bob).get("/nobody/-/members").status_code == 404


def test_former_handle_of_an_organisation_leads_on(people: People) -> None:
    client = browser(people.alice)
    client.post("/atelier/-/settings/handle", {"handle": "workshop"})
    seen = client.get("/Atelier/-/members?x=1")
    assert (seen.status_code, seen["Location"]) == (301, "/workshop/-/members?x=1")
    written = client.post("/atelier/-/settings", {"nickname": "N"})
    assert (written.status_code, written["Location"]) == (308, "/workshop/-/settings")
    back = client.post("/workshop/-/settings/handle", {"handle": "Atelier"})
    assert back["Location"] == "/Atelier/-/settings"


def test_token_in_the_header_does_not_open_pages(alice: Any) -> None:
    response = browser().get("/me/profile", headers={"Authorization": f"Bearer {token(alice)}"})
    assert response.status_code == 302


def test_profile_is_saved(alice: Any) -> None:
    client = browser(alice)
    response = client.post("/me/profile", {"nickname": "林晚舟 🌊", "bio": "Zwei\r\nZeilen", "language": "zh-hans"})
    assert response.status_code == 302
    alice.refresh_from_db()
    assert (alice.nickname, alice.bio, alice.language) == ("林晚舟 🌊", "Zwei\nZeilen", "zh-hans")
    assert client.get("/me/profile")["Content-Language"] == "zh-Hans"
    event = AuditEvent.objects.get(verb="edit")
    assert (event.actor, event.target, event.details) == ("alice", "alice", {"fields": ["bio", "language", "nickname"]})


def test_bio_of_500_characters_with_line_breaks_is_accepted(alice: Any) -> None:
    text = "中\r\n" * 250
    assert browser(alice).post("/me/profile", {"nickname": "", "bio": text, "language": ""}).status_code == 302
    alice.refresh_from_db()
    assert len(alice.bio) == 499


@pytest.mark.parametrize(
    "fields",
    [
        {"nickname": "n" * 65, "bio": "", "language": ""},
        {"nickname": "", "bio": "b" * 501, "language": ""},
        {"nickname": "", "bio": "", "language": "tlh"},
        {"nickname": "nul\0", "bio": "", "language": ""},
    ],
)
def test_profile_refuses_what_does_not_fit(alice: Any, fields: dict[str, str]) -> None:
    response = browser(alice).post("/me/profile", fields)
    assert response.status_code == 422
    assert b'aria-invalid="true"' in response.content
    alice.refresh_from_db()
    assert (alice.nickname, alice.bio, alice.language) == ("", "", "")


def test_forbidden_word_keeps_the_whole_change_from_taking_effect(people: People) -> None:
    WordList.objects.create(name="test", words="brimstone")
    fields = {"nickname": "Alice", "bio": "I sell BRIMSTONE.", "language": "en"}
    response = browser(people.alice).post("/me/profile", fields)
    assert (response.status_code, "“brimstone” must not stand here" in response.content.decode()) == (422, True)
    answer = api(people.alice).patch("/api/v1/me", fields)
    assert (answer.status_code, answer.json()["code"], list(answer.json()["errors"])) == (400, "forbidden_words", ["bio"])
    assert browser(people.alice).post("/atelier/-/settings", {"nickname": "brimstone", "bio": ""}).status_code == 422
    made = browser(people.alice).post("/organisations/new", {"handle": "shop", "nickname": "brimstone", "bio": ""})
    assert made.status_code == 422
    assert namespaces() == [(name, "", "", "") for name in ("ada", "alice", "atelier", "bob", "charlie", "mona", "rita")]


def test_word_that_stands_there_since_before_does_not_block_the_rest(alice: Any) -> None:
    User.objects.filter(pk=alice.pk).update(bio="brimstone")
    WordList.objects.create(name="test", words="brimstone")
    response = browser(alice).post("/me/profile", {"nickname": "Alice", "bio": "brimstone", "language": ""})
    assert response.status_code == 302


def test_odd_text_is_shown_escaped(alice: Any) -> None:
    client = browser(alice)
    client.post("/me/profile", {"nickname": "<script>alert(1)</script>", "bio": "‮\u202e&", "language": ""})
    page = client.get("/me/profile").content.decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_switches_act_at_once(alice: Any) -> None:
    client = browser(alice)
    response = client.post("/me/profile/habits", {"email_notifications": "on"}, headers={"HX-Request": "true"})
    assert response.status_code == 204
    alice.refresh_from_db()
    assert (alice.email_notifications, alice.keyboard_shortcuts) == (True, False)
    assert client.post("/me/profile/habits", {}).status_code == 302


def test_person_renames_and_nobody_gets_the_old_handle(alice: Any, bob: Any) -> None:
    client = browser(alice)
    assert client.post("/me/profile/handle", {"handle": "Alice-2"}).status_code == 302
    assert User.objects.get(pk=alice.pk).handle == "Alice-2"
    refused = browser(bob).post("/me/profile/handle", {"handle": "ALICE"})
    assert refused.status_code == 422
    assert b"is taken or was in use before" in refused.content
    assert User.objects.get(pk=bob.pk).handle == "bob"
    assert client.post("/me/profile/handle", {"handle": "alice"}).status_code == 302


@pytest.mark.parametrize("handle", ["", "a", "-a", "a-", "a..b", "a b", "ä", "models", "API", "x" * 40, "a/b", "bob"])
def test_handle_that_cannot_be_is_refused_at_its_field(alice: Any, bob: Any, handle: str) -> None:
    response = browser(alice).post("/me/profile/handle", {"handle": handle})
    assert response.status_code == 422
    assert b'id="id_handle-error"' in response.content
    assert User.objects.get(pk=alice.pk).handle == "alice"


def test_new_organisation_has_its_founder_as_owner(alice: Any) -> None:
    response = browser(alice).post("/organisations/new", {"handle": "Yunhe-Lab", "nickname": "云河", "bio": ""})
    assert (response.status_code, response["Location"]) == (302, "/Yunhe-Lab/-/members")
    assert memberships() == [("Yunhe-Lab", "alice", 50)]
    assert Namespace.objects.get(handle="Yunhe-Lab").kind == "organisation"


@pytest.mark.parametrize("handle", ["alice", "ALICE", "docs", "?", ""])
def test_organisation_with_a_handle_that_cannot_be_is_refused(alice: Any, handle: str) -> None:
    response = browser(alice).post("/organisations/new", {"handle": handle, "nickname": "", "bio": ""})
    assert response.status_code == 422
    assert Namespace.objects.filter(kind="organisation").count() == 0


def test_last_owner_stays(people: People) -> None:
    client = browser(people.alice)
    assert client.post("/atelier/-/members/alice/remove").status_code == 409
    assert client.post("/atelier/-/members", {"handle": "alice", "role": "40"}).status_code == 409
    assert Membership.objects.get(user=people.alice).role == 50


def test_unknown_member_is_an_error_at_the_field(people: People) -> None:
    response = browser(people.alice).post("/atelier/-/members", {"handle": "nobody", "role": "20"})
    assert response.status_code == 422
    assert b'id="id_handle-error"' in response.content


def test_deletion_needs_the_handle_typed(people: People) -> None:
    response = browser(people.alice).post("/atelier/-/settings/delete", {"confirm": "atelie"})
    assert response.status_code == 422
    assert Namespace.objects.filter(handle="atelier").exists()


def test_deleted_organisation_frees_its_handle(people: People) -> None:
    browser(people.alice).post("/atelier/-/settings/delete", {"confirm": "atelier"})
    assert not Namespace.objects.filter(handle="atelier").exists()
    assert browser(people.bob).post("/organisations/new", {"handle": "atelier", "nickname": "", "bio": ""}).status_code == 302


def test_members_page_stays_flat(people: People) -> None:
    number = iter(range(100))

    def add() -> None:
        Membership.objects.create(organisation=people.atelier, user=person(f"member{next(number)}"))

    assert_flat_queries("/atelier/-/members", add, client=browser(people.alice))


def test_organisations_page_stays_flat(alice: Any) -> None:
    number = iter(range(100))
    assert_flat_queries("/me/organisations", lambda: organisation(f"org{next(number)}", owner=alice), client=browser(alice))

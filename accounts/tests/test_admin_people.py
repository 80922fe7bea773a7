"""What staff do to people: suspending, signing out, standings, marks, passwords; each by right, told, and recorded."""

import threading
from typing import Any

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.core import mail
from django.db import connections

from accounts.models import AuditEvent, Namespace, User
from accounts.services import lift_suspension, set_standing, suspend_user
from accounts.standing import standing_of
from core.problems import Conflict, Forbidden
from core.testing import PASSWORD, api, browser, person

pytestmark = pytest.mark.django_db
CHANGE = "/admin/accounts/user/{}/change/"


def act(client: Any, user: Any, name: str, **values: str) -> Any:
    return client.post(f"/admin/accounts/user/{user.pk}/act/{name}/", values)


def staff(handle: str, standing: str, ada: Any) -> Any:
    user = person(handle)
    set_standing(actor=ada, user=user, standing=standing)
    return User.objects.get(pk=user.pk)


def trail(verb: str) -> list[tuple[str, str, dict[str, Any]]]:
    return [(row.actor, row.target, row.details) for row in AuditEvent.objects.filter(verb=verb).order_by("id")]


def test_suspension_ends_sessions_and_tokens_at_once_and_is_told(alice: Any, ada: Any, django_capture_on_commit_callbacks: Any) -> None:
    operator, session, program = browser(staff("olga", "operator", ada)), browser(alice), api(alice)
    assert (session.get("/me/profile").status_code, program.get("/api/v1/me").status_code) == (200, 200)
    with django_capture_on_commit_callbacks(execute=True):
        assert act(operator, alice, "suspend", reason="Spam <b>links</b>").status_code == 302
    assert session.get("/me/profile")["Location"].split("?")[0] == "/account/login/"
    assert program.get("/api/v1/me").status_code == 401
    again = browser().post("/account/login/", {"login": "alice", "password": PASSWORD})
    assert again["Location"] == "/account/inactive/"
    row = User.objects.get(pk=alice.pk)
    assert (row.is_active, row.suspension_reason) == (False, "Spam <b>links</b>")
    assert UserSession.objects.filter(user=alice).count() == 0
    (letter,) = mail.outbox
    assert (letter.subject, letter.to) == ("Your account at the AI Gallery is suspended", ["alice@example.com"])
    assert "Spam <b>links</b>" in letter.body
    assert trail("suspend") == [("olga", "alice", {"reason": "Spam <b>links</b>", "sessions": 1})]


def test_sessions_that_allauth_never_listed_end_too(alice: Any, ada: Any) -> None:
    session, other = browser(alice), browser(ada)
    session.get("/me/profile")
    UserSession.objects.all().delete()
    assert act(other, alice, "sign-out").status_code == 302
    assert [row.get_decoded().get("_auth_user_id") for row in Session.objects.all()] == [str(ada.pk)]
    assert session.get("/me/profile")["Location"].split("?")[0] == "/account/login/"
    assert trail("sign_out_everywhere") == [("ada", "alice", {"sessions": 1})]


def test_lifting_lets_the_person_in_again(alice: Any, ada: Any, django_capture_on_commit_callbacks: Any) -> None:
    alice.language = "zh-hans"
    alice.save()
    program = api(alice)
    suspend_user(actor=ada, user=alice, reason="a mistake")
    with django_capture_on_commit_callbacks(execute=True):
        assert act(browser(ada), alice, "lift").status_code == 302
    assert program.get("/api/v1/me").status_code == 200
    assert User.objects.get(pk=alice.pk).suspension_reason == ""
    assert len(mail.outbox) == 1
    assert trail("lift_suspension") == [("ada", "alice", {})]


def test_suspending_needs_a_reason(alice: Any, ada: Any) -> None:
    page = act(browser(ada), alice, "suspend", reason="   ")
    assert page.status_code == 422
    assert User.objects.get(pk=alice.pk).is_active
    assert trail("suspend") == []


def test_refusals_are_shown_as_messages(alice: Any, ada: Any) -> None:
    client = browser(ada)
    act(client, ada, "suspend", reason="me")
    assert "You cannot suspend yourself." in client.get("/admin/").content.decode()
    act(client, alice, "lift")
    assert "This account is not suspended." in client.get("/admin/").content.decode()
    assert User.objects.get(pk=ada.pk).is_active


def test_several_are_suspended_from_the_list(alice: Any, bob: Any, ada: Any) -> None:
    chosen = {"action": "suspend", "_selected_action": [alice.pk, bob.pk, ada.pk]}
    client = browser(ada)
    assert client.post("/admin/accounts/user/", chosen).status_code == 200
    assert client.post("/admin/accounts/user/", {**chosen, "confirmed": "yes", "reason": ""}).status_code == 422
    assert client.post("/admin/accounts/user/", {**chosen, "confirmed": "yes", "reason": "raid"}).status_code == 302
    assert set(User.objects.filter(is_active=True)) == {ada}
    assert [target for _actor, target, _details in trail("suspend")] == ["alice", "bob"]


def test_operator_does_nothing_to_an_administrator(ada: Any) -> None:
    olga = staff("olga", "operator", ada)
    client = browser(olga)
    for name in ("suspend", "sign-out"):
        act(client, ada, name, reason="coup")
        assert "Only an administrator may do this to an administrator." in client.get("/admin/").content.decode()
    assert User.objects.get(pk=ada.pk).is_active
    assert client.get("/admin/").status_code == 200


@pytest.mark.parametrize("name", ["standing", "password"])
def test_operator_gives_no_standing_and_no_password(alice: Any, ada: Any, name: str) -> None:
    client = browser(staff("olga", "operator", ada))
    assert act(client, alice, name, standing="administrator", password="another good passphrase").status_code == 403
    assert standing_of(User.objects.get(pk=alice.pk)) == ""
    assert User.objects.get(pk=alice.pk).check_password(PASSWORD)


@pytest.mark.parametrize(
    ("standing", "is_staff", "is_superuser", "groups"),
    [
        ("reviewer", True, False, ["reviewer"]),
        ("operator", True, False, ["operator"]),
        ("administrator", True, True, []),
        ("", False, False, []),
    ],
)
def test_standing_is_given_and_recorded(alice: Any, ada: Any, standing: str, is_staff: bool, is_superuser: bool, groups: list[str]) -> None:
    former = "operator" if standing != "operator" else "reviewer"
    set_standing(actor=ada, user=alice, standing=former)
    assert act(browser(ada), alice, "standing", standing=standing).status_code == 302
    row = User.objects.get(pk=alice.pk)
    assert (row.is_staff, row.is_superuser) == (is_staff, is_superuser)
    assert list(row.groups.values_list("name", flat=True)) == groups
    assert (standing_of(row), browser(row).get("/admin/").status_code) == (standing, 200 if standing else 302)
    assert trail("set_standing")[-1] == ("ada", "alice", {"former": former, "standing": standing})


def test_last_administrator_stays_one(ada: Any) -> None:
    with pytest.raises(Conflict) as refused:
        set_standing(actor=ada, user=ada, standing="operator")
    assert refused.value.code == "last_administrator"
    eve = staff("eve", "administrator", ada)
    suspend_user(actor=ada, user=eve, reason="away")
    with pytest.raises(Conflict):
        set_standing(actor=ada, user=ada, standing="")
    lift_suspension(actor=ada, user=eve)
    set_standing(actor=ada, user=ada, standing="")
    assert standing_of(User.objects.get(pk=ada.pk)) == ""


def test_token_of_an_administrator_carries_no_standing(alice: Any, ada: Any) -> None:
    ada.token = object()
    with pytest.raises(Forbidden):
        suspend_user(actor=ada, user=alice, reason="x")


def test_account_is_made_without_a_password(ada: Any) -> None:
    client = browser(ada)
    assert client.get("/admin/accounts/user/add/").status_code == 200
    made = client.post("/admin/accounts/user/add/", {"handle": "newcomer", "email": "New@Example.com", "nickname": "N"})
    user = User.objects.get(handle="newcomer")
    assert (made.status_code, user.email, user.has_usable_password()) == (302, "new@example.com", False)
    assert trail("create") == [("ada", "newcomer", {})]
    taken = client.post("/admin/accounts/user/add/", {"handle": "NEWCOMER", "email": "x@example.com", "nickname": ""})
    assert taken.status_code == 200
    assert "is taken" in taken.content.decode()


def test_account_is_not_changed_by_its_form(alice: Any, ada: Any) -> None:
    client = browser(ada)
    assert client.get(CHANGE.format(alice.pk)).status_code == 200
    assert client.post(CHANGE.format(alice.pk), {"is_superuser": "on", "nickname": "x"}).status_code == 403
    assert client.post(f"/admin/accounts/user/{alice.pk}/delete/", {"post": "yes"}).status_code == 403
    assert User.objects.filter(pk=alice.pk, is_superuser=False, nickname="").exists()


def test_password_set_by_an_administrator_ends_sessions(alice: Any, ada: Any) -> None:
    session, client = browser(alice), browser(ada)
    session.get("/me/profile")
    assert act(client, alice, "password", password="12345678").status_code == 302
    assert User.objects.get(pk=alice.pk).check_password(PASSWORD)
    act(client, alice, "password", password="another good passphrase")
    assert User.objects.get(pk=alice.pk).check_password("another good passphrase")
    assert session.get("/me/profile").status_code == 302
    assert trail("change_password") == [("ada", "alice", {"sessions": 1})]


def test_official_mark_of_people_and_organisations(people: Any) -> None:
    client = browser(people.ada)
    assert act(client, people.alice, "official").status_code == 302
    assert client.post(f"/admin/accounts/organisation/{people.atelier.pk}/act/official/").status_code == 302
    assert set(Namespace.objects.filter(official=True).values_list("handle", flat=True)) == {"alice", "atelier"}
    act(client, people.alice, "unofficial")
    assert trail("set_official") == [
        ("ada", "alice", {"official": True}),
        ("ada", "atelier", {"official": True}),
        ("ada", "alice", {"official": False}),
    ]


@pytest.mark.django_db(transaction=True)
def test_of_two_administrators_who_demote_each_other_one_stays(ada: Any) -> None:
    eve = person("eve", is_staff=True, is_superuser=True)
    start, outcomes = threading.Barrier(2), []

    def demote(actor: Any, user: Any) -> None:
        try:
            reader = User.objects.get(pk=actor.pk)
            start.wait()
            set_standing(actor=reader, user=user, standing="")
            outcomes.append("done")
        except Conflict as conflict:
            outcomes.append(conflict.code)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=demote, args=pair) for pair in ((ada, eve), (eve, ada))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["done", "last_administrator"]
    assert User.objects.filter(is_superuser=True).count() == 1

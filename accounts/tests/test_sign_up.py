"""Sign-up: by form, by single sign-on, by an administrator, and in races."""

import re
import threading
from typing import Any

import pytest
from allauth.core import context
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.models import SocialAccount, SocialLogin
from django.contrib.sessions.backends.db import SessionStore
from django.core import mail
from django.core.cache import cache
from django.db import IntegrityError, connection, transaction
from django.test import RequestFactory

from accounts.models import AuditEvent, Handle, Namespace, Organisation, User
from accounts.services import claiming, free_handle, rename_handle
from core.problems import Conflict
from core.testing import PASSWORD, browser, person

SIGN_UP = "/account/signup/"


@pytest.fixture(autouse=True)
def fresh_limits() -> None:
    cache.clear()


def fields(**changes: str) -> dict[str, str]:
    return {"email": "new@example.com", "username": "newcomer", "password1": PASSWORD, **changes}


def test_person_signs_up(db: None) -> None:
    client = browser()
    response = client.post(SIGN_UP, fields(email="New@Example.com"))
    assert (response.status_code, response["Location"]) == (302, "/")
    user = User.objects.get()
    assert (user.handle, user.email, user.kind, user.is_staff, user.is_superuser) == ("newcomer", "new@example.com", "user", False, False)
    assert list(Handle.objects.values_list("key", "namespace")) == [("newcomer", user.pk)]
    assert [event.verb for event in AuditEvent.objects.order_by("id")] == ["sign_up", "sign_in"]
    assert client.get("/me/profile").status_code == 200


def test_sign_up_offers_a_handle_to_whoever_gives_none(db: None) -> None:
    assert b"ur5468675" in browser().get(SIGN_UP).content
    browser().post(SIGN_UP, fields(username=""))
    assert re.fullmatch(r"ur[1-9]\d{6}", User.objects.get().handle)


def test_generated_handles_are_free(db: None) -> None:
    made = {free_handle() for _time in range(50)}
    assert len(made) == 50
    assert all(re.fullmatch(r"ur[1-9]\d{6}", handle) for handle in made)


@pytest.mark.parametrize("handle", ["ur5468675", "a1", "A.b-c_d", "9lives", "x" * 39])
def test_good_handles(db: None, handle: str) -> None:
    assert browser().post(SIGN_UP, fields(username=handle)).status_code == 302
    assert User.objects.get().handle == handle


@pytest.mark.parametrize(
    "handle",
    [
        "alice",
        "ALICE",
        "was-alice",
        "lab",
        "Models",
        "api",
        "v1.0",
        "healthz",
        "x",
        "x" * 40,
        "-x",
        "x-",
        "x..y",
        "x y",
        "ｘｙ",
        "名字",
        "x\u202ey",
        "x/y",
        "x%00",
        "nul\0",
    ],
)
def test_handle_that_cannot_be_is_an_error_at_the_field(db: None, handle: str) -> None:
    alice = person("was-alice")
    rename_handle(namespace=User.objects.for_user(alice).get(pk=alice.pk), actor=alice, handle="alice")
    Organisation.objects.create(handle="Lab")
    response = browser().post(SIGN_UP, fields(username=handle))
    assert response.status_code == 200
    assert b'id="id_username-error"' in response.content
    assert User.objects.count() == 1


@pytest.mark.parametrize("password", ["short", "12345678901", "password123", "newcomer1"])
def test_weak_password_is_refused(db: None, password: str) -> None:
    assert b'id="id_password1-error"' in browser().post(SIGN_UP, fields(password1=password)).content
    assert User.objects.count() == 0


def test_address_in_use_makes_no_second_account(alice: Any) -> None:
    response = browser().post(SIGN_UP, fields(email="ALICE@example.com"))
    assert response.status_code == 200
    assert b'id="id_email-error"' in response.content
    assert User.objects.count() == 1


def test_closed_sign_up(db: None, settings: Any) -> None:
    settings.SIGNUP_OPEN = False
    assert browser().post(SIGN_UP, fields()).status_code == 200
    assert User.objects.count() == 0


def test_address_is_verified_by_mail_where_that_is_asked(db: None, settings: Any) -> None:
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
    client = browser()
    response = client.post(SIGN_UP, fields())
    assert response["Location"] == "/account/confirm-email/"
    assert client.get("/me/profile").status_code == 302
    [message] = mail.outbox
    assert message.to == ["new@example.com"]
    link = re.search(r"http://[^/]+(/account/confirm-email/\S+)", message.body)
    assert link
    assert client.get(link[1]).status_code == 200
    assert client.post(link[1]).status_code == 302
    assert client.post("/account/login/", {"login": "new@example.com", "password": PASSWORD}).status_code == 302
    assert client.get("/me/profile").status_code == 200


# --- Other ways in ------------------------------------------------------------------------------------------


def single_sign_on(**data: str) -> User:
    """Return the user that single sign-on makes of the provider's answer without asking anything."""
    request = RequestFactory().get("/account/oidc/oidc/login/callback/")
    request.session = SessionStore()
    with context.request_context(request):
        login = SocialLogin(user=User(), account=SocialAccount(provider="oidc", uid=data["email"]))
        get_adapter().populate_user(request, login, data)
        if Handle.objects.filter(key=login.user.handle.lower()).exists():
            login.user.handle = ""
        return get_adapter().save_user(request, login)


def test_single_sign_on_takes_the_names_over(db: None) -> None:
    user = single_sign_on(username="Wanzhou", email="w@example.com", name="林晚舟")
    assert (user.handle, user.nickname, user.email, user.has_usable_password()) == ("Wanzhou", "林晚舟", "w@example.com", False)
    assert Handle.objects.get().key == "wanzhou"


def test_single_sign_on_generates_a_handle_where_the_name_is_taken(alice: Any) -> None:
    user = single_sign_on(username="alice", email="other@example.com", name="Another Alice")
    assert re.fullmatch(r"ur[1-9]\d{6}", user.handle)


def test_administrator_creates_people(ada: Any) -> None:
    client = browser(ada)
    response = client.post("/admin/accounts/user/add/", {"handle": "Newcomer", "email": "N@example.com", "nickname": ""})
    assert response.status_code == 302
    user = User.objects.get(handle="Newcomer")
    assert (user.email, user.has_usable_password()) == ("n@example.com", False)
    assert Handle.objects.filter(key="newcomer", namespace=user).exists()
    for taken in ("ADA", "models", "newcomer"):
        refused = client.post("/admin/accounts/user/add/", {"handle": taken, "email": f"{taken}@example.com", "nickname": ""})
        assert refused.status_code == 200
        assert b"errorlist" in refused.content
    assert User.objects.count() == 2


# --- The claim, in the database -----------------------------------------------------------------------------


def test_database_refuses_a_former_handle(alice: Any) -> None:
    rename_handle(namespace=User.objects.for_user(alice).get(pk=alice.pk), actor=alice, handle="alicia")
    with pytest.raises(IntegrityError, match="belongs or belonged"), transaction.atomic():
        Organisation.objects.create(handle="Alice")
    with pytest.raises(Conflict), claiming("Alice"):
        User(handle="Alice", email="x@example.com").save()
    assert Namespace.objects.count() == 1
    assert sorted(Handle.objects.values_list("key", flat=True)) == ["alice", "alicia"]


def in_threads(*acts: Any) -> list[Any]:
    """Run all at once, each with its own connection, and return what each returned."""
    results: list[Any] = [None] * len(acts)
    start = threading.Barrier(len(acts))

    def run(number: int, act: Any) -> None:
        try:
            start.wait()
            results[number] = act()
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


@pytest.mark.django_db(transaction=True)
def test_one_of_several_who_sign_up_with_one_handle_gets_it() -> None:
    def sign_up(number: int) -> Any:
        return lambda: browser().post(SIGN_UP, fields(email=f"new{number}@example.com", username="Wanted" if number % 2 else "wanted"))

    responses = in_threads(*(sign_up(number) for number in range(4)))
    assert sorted(response.status_code for response in responses) == [200, 200, 200, 302]
    for response in responses:
        if response.status_code == 200:
            assert b'id="id_username-error"' in response.content
    assert User.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_one_of_several_who_sign_up_with_one_address_gets_it() -> None:
    def sign_up(number: int) -> Any:
        return lambda: browser().post(SIGN_UP, fields(username=f"wanted{number}"))

    responses = in_threads(*(sign_up(number) for number in range(3)))
    assert sorted(response.status_code for response in responses) == [200, 200, 302]
    assert User.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_one_of_a_user_and_an_organisation_gets_the_handle() -> None:
    alice, bob = person("alice"), person("bob")
    founder, renamer = browser(alice), browser(bob)
    responses = in_threads(
        lambda: founder.post("/organisations/new", {"handle": "wanted", "nickname": "", "bio": ""}),
        lambda: renamer.post("/me/profile/handle", {"handle": "Wanted"}),
    )
    assert sorted(response.status_code for response in responses) == [302, 422]
    assert Namespace.objects.filter(handle__iexact="wanted").count() == 1

"""Changing the address of an account: the new one is proven, the old one is told, and nobody has two or shares one."""

from datetime import timedelta
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.core.cache import cache
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import AuditEvent, EmailCode, User
from accounts.services import change_email, has_confirmed_email, send_code
from accounts.tests.test_codes import code_in, wrong
from accounts.tests.test_sign_up import in_threads
from core.problems import Conflict
from core.testing import PASSWORD, api, browser

NEW = "new@example.com"


@pytest.fixture(autouse=True)
def fresh_limits() -> None:
    cache.clear()


def proven(user: Any) -> Client:
    """Return a browser in which `user` entered the password a moment ago."""
    client = browser()
    client.post("/account/login/", {"login": user.handle, "password": PASSWORD})
    client.post("/account/reauthenticate/", {"password": PASSWORD})
    return client


def ask(client: Any, email: str = NEW) -> str:
    assert client.post("/me/email/code", {"email": email}).status_code == 200
    return code_in(mail.outbox[-1])


def addresses(user: Any) -> list[tuple[str, bool, bool]]:
    return list(EmailAddress.objects.filter(user=user).values_list("email", "verified", "primary"))


def email_of(user: Any) -> str:
    return User.objects.get(pk=user.pk).email


def test_address_changes_by_the_code_and_the_old_one_is_told(alice: Any) -> None:
    EmailAddress.objects.create(user=alice, email="alice@example.com", verified=True, primary=True)
    EmailAddress.objects.create(user=alice, email="second@example.com")
    client = proven(alice)
    response = client.post("/me/email", {"email": "New@example.com", "code": ask(client)})
    assert (response.status_code, response["Location"]) == (302, "/me/profile")
    assert (email_of(alice), addresses(alice)) == (NEW, [(NEW, True, True)])
    sent, told = mail.outbox
    assert (sent.to, told.to) == ([NEW], ["alice@example.com"])
    assert AuditEvent.objects.filter(verb="change_email", actor="alice").count() == 1
    back = browser()
    back.post("/account/login/", {"login": NEW, "password": PASSWORD})
    assert back.get("/me/profile").status_code == 200


def test_another_address_needs_the_password_again(alice: Any) -> None:
    client = browser()
    client.post("/account/login/", {"login": "alice", "password": PASSWORD})
    response = client.post("/me/email/code", {"email": NEW})
    assert (response.status_code, response["Location"]) == (302, "/account/reauthenticate/?next=%2Fme%2Femail%2Fcode")
    assert (mail.outbox, EmailCode.objects.count()) == ([], 0)
    wrong_password = client.post(response["Location"], {"password": "not it"})
    assert (wrong_password.status_code, mail.outbox) == (200, [])
    shown = client.post(response["Location"], {"password": PASSWORD})
    assert "A code is on its way to new@example.com" in shown.content.decode()


def test_own_address_is_confirmed_without_it(alice: Any) -> None:
    client = browser(alice)
    assert not has_confirmed_email(alice)
    assert "Send a code to confirm it" in client.get("/me/email").content.decode()
    code = ask(client, "alice@example.com")
    assert client.post("/me/email", {"email": "alice@example.com", "code": code}).status_code == 302
    assert has_confirmed_email(alice)
    assert len(mail.outbox) == 1, "nobody is told that the address stays"
    assert "Send a code to confirm it" not in client.get("/me/email").content.decode()


def test_page_of_the_sign_in_package_is_no_second_way(alice: Any) -> None:
    client = browser(alice)
    EmailAddress.objects.create(user=alice, email="alice@example.com", verified=True, primary=True)
    other = EmailAddress.objects.create(user=alice, email=NEW, verified=True)
    for fields in ({"action_add": "", "email": "third@example.com"}, {"action_primary": "", "email": other.email}):
        response = client.post("/account/email/", fields)
        assert (response.status_code, response["Location"]) == (302, "/me/email")
    assert (email_of(alice), len(addresses(alice)), mail.outbox) == ("alice@example.com", 2, [])
    assert client.get("/account/email/")["Location"] == "/me/email"
    assert browser().get("/account/email/").status_code == 302


@pytest.mark.parametrize("taken", ["bob@example.com", "BOB@Example.com"])
def test_address_of_somebody_else_is_refused_at_its_field(alice: Any, bob: Any, taken: str) -> None:
    response = proven(alice).post("/me/email/code", {"email": taken})
    assert response.status_code == 422
    assert 'id="id_email-error"' in response.content.decode()
    assert mail.outbox == []


def test_address_that_was_taken_meanwhile_is_refused_and_the_code_is_not_lost(alice: Any, bob: Any) -> None:
    client = proven(alice)
    code = ask(client)
    User.objects.filter(pk=bob.pk).update(email=NEW)
    response = client.post("/me/email", {"email": NEW, "code": code})
    assert (response.status_code, 'id="id_email-error"' in response.content.decode()) == (422, True)
    assert (email_of(alice), EmailCode.objects.get().used_at) == ("alice@example.com", None)
    answer = api(alice).post("/api/v1/me/email", {"email": NEW, "code": code})
    assert (answer.status_code, answer.json()["code"]) == (403, "sign_in_required")


def test_wrong_code_changes_nothing(alice: Any) -> None:
    client = proven(alice)
    code = ask(client)
    response = client.post("/me/email", {"email": NEW, "code": wrong(code)})
    assert (response.status_code, "4 tries are left" in response.content.decode()) == (422, True)
    assert email_of(alice) == "alice@example.com"


def test_code_of_the_first_tab_counts_no_more_once_the_second_asked(alice: Any) -> None:
    one, two = proven(alice), proven(alice)
    first = ask(one)
    EmailCode.objects.update(created_at=timezone.now() - timedelta(seconds=60))
    second = ask(two, "other@example.com")
    assert one.post("/me/email", {"email": NEW, "code": first}).status_code == 422
    assert two.post("/me/email", {"email": "other@example.com", "code": second}).status_code == 302
    assert "This code has been used" in one.post("/me/email", {"email": "other@example.com", "code": second}).content.decode()
    assert email_of(alice) == "other@example.com"


@pytest.mark.django_db(transaction=True)
def test_of_two_people_who_take_one_address_one_gets_it(alice: Any, bob: Any) -> None:
    codes = {}
    for user in (alice, bob):
        send_code(actor=user, purpose="change", email=NEW)
        codes[user.pk] = code_in(mail.outbox[-1])

    def take(user: Any) -> Any:
        def act() -> str:
            try:
                change_email(actor=user, email=NEW, code=codes[user.pk])
            except Conflict as conflict:
                assert list(conflict.errors) == ["email"]
                return conflict.code
            return "taken"

        return act

    assert sorted(in_threads(take(alice), take(bob))) == ["email_taken", "taken"]
    assert User.objects.filter(email=NEW).count() == EmailAddress.objects.filter(email=NEW).count() == 1
    assert AuditEvent.objects.filter(verb="change_email").count() == 1


@pytest.mark.django_db(transaction=True)
def test_one_code_used_twice_at_once_counts_once(alice: Any) -> None:
    send_code(actor=alice, purpose="change", email=NEW)
    code = code_in(mail.outbox[-1])

    def act() -> str:
        try:
            change_email(actor=User.objects.get(pk=alice.pk), email=NEW, code=code)
        except Conflict as conflict:
            return conflict.code
        return "changed"

    assert sorted(in_threads(act, act)) == ["changed", "code_used"]
    assert (addresses(alice), AuditEvent.objects.filter(verb="change_email").count()) == ([(NEW, True, True)], 1)


def test_change_stands_where_the_old_address_cannot_be_told(alice: Any, settings: Any) -> None:
    send_code(actor=alice, purpose="change", email=NEW)
    code = code_in(mail.outbox[-1])
    settings.EMAIL_BACKEND, settings.EMAIL_HOST, settings.EMAIL_PORT = "django.core.mail.backends.smtp.EmailBackend", "127.0.0.1", 1
    change_email(actor=alice, email=NEW, code=code)
    assert email_of(alice) == NEW


def test_letter_for_the_old_address_does_not_name_the_new_one(alice: Any) -> None:
    client = proven(alice)
    client.post("/me/email", {"email": NEW, "code": ask(client)})
    assert NEW not in mail.outbox[-1].body and "n…@example.com" in mail.outbox[-1].body


# --- REST ---------------------------------------------------------------------------------------------------


def test_rest_confirms_the_own_address_with_a_token(alice: Any) -> None:
    client = api(alice)
    sent = client.post("/api/v1/me/email/code", {"email": "Alice@example.com"})
    assert (sent.status_code, sorted(sent.json())) == (202, ["email", "expires_at", "resend_at"])
    answer = client.post("/api/v1/me/email", {"email": "alice@example.com", "code": code_in(mail.outbox[-1])})
    assert (answer.status_code, answer.json()["email_confirmed"]) == (200, True)


@pytest.mark.parametrize("purpose", ["change", "onboarding"])
def test_token_takes_no_other_address(alice: Any, purpose: str) -> None:
    answer = api(alice).post("/api/v1/me/email/code", {"email": NEW, "purpose": purpose})
    assert (answer.status_code, answer.json()["code"], mail.outbox) == (403, "sign_in_required", [])


def test_session_takes_another_address_after_the_password(alice: Any) -> None:
    fresh = APIClient()
    fresh.cookies = browser(alice).cookies
    refused = fresh.post("/api/v1/me/email/code", {"email": NEW})
    assert (refused.status_code, refused.json()["code"]) == (403, "reauthentication_required")
    client = APIClient()
    client.cookies = proven(alice).cookies
    assert client.post("/api/v1/me/email/code", {"email": NEW}).status_code == 202
    answer = client.post("/api/v1/me/email", {"email": NEW, "code": code_in(mail.outbox[-1])})
    assert (answer.status_code, answer.json()["email"]) == (200, NEW)


def test_rest_names_codes_of_refusals(alice: Any) -> None:
    client = api(alice)
    body = {"email": "alice@example.com"}
    assert client.post("/api/v1/me/email", {**body, "code": "123456"}).json()["code"] == "code_not_sent"
    assert client.post("/api/v1/me/email/code", body).status_code == 202
    early = client.post("/api/v1/me/email/code", body)
    assert (early.status_code, early.json()["code"], early.json()["retry_after"]) == (429, "code_too_soon", 60)
    assert client.post("/api/v1/me/email", {**body, "code": wrong(code_in(mail.outbox[-1]))}).json()["code"] == "code_wrong"


@pytest.mark.parametrize(
    "body", [{}, {"email": "x"}, {"email": "nul\0@example.com"}, {"email": 7}, [], "x", {"email": "a@example.com", "purpose": "other"}]
)
def test_rest_answers_bad_bodies_by_field(alice: Any, body: Any) -> None:
    assert api(alice).post("/api/v1/me/email/code", body).status_code == 400
    assert api(alice).post("/api/v1/me/email", body).status_code == 400


def test_visitor_has_no_address(db: None) -> None:
    for address in ("email", "email/code", "onboarding", "agreements"):
        assert api().post(f"/api/v1/me/{address}", {}).status_code == 401

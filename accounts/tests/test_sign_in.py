"""Signing in and out: passwords, one-time codes, sessions, mail, limits, language."""

import re
from typing import Any

import pytest
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, generate_totp_secret, hotp_value, yield_hotp_counters_from_time
from django.core import mail
from django.core.cache import cache

from accounts.models import AuditEvent, User
from core.testing import PASSWORD, browser, person

LOGIN = "/account/login/"


@pytest.fixture(autouse=True)
def fresh_limits() -> None:
    cache.clear()


def sign_in(client: Any, login: str = "alice", password: str = PASSWORD) -> Any:
    return client.post(LOGIN, {"login": login, "password": password})


@pytest.mark.parametrize("login", ["alice", "ALICE", "alice@example.com", "Alice@Example.COM"])
def test_person_signs_in_by_handle_or_address(alice: Any, login: str) -> None:
    client = browser()
    assert sign_in(client, login)["Location"] == "/"
    assert client.get("/me/profile").status_code == 200
    event = AuditEvent.objects.get()
    assert (event.verb, event.actor, event.ip) == ("sign_in", "alice", "127.0.0.1")


@pytest.mark.parametrize(
    ("login", "password"), [("alice", "wrong"), ("nobody", PASSWORD), ("", ""), ("alice\0", PASSWORD), ("a" * 5000, "b" * 5000)]
)
def test_wrong_credentials_are_refused(alice: Any, login: str, password: str) -> None:
    client = browser()
    assert sign_in(client, login, password).status_code == 200
    assert client.get("/me/profile").status_code == 302
    assert AuditEvent.objects.count() == 0


def test_account_that_is_switched_off_stays_out(alice: Any) -> None:
    User.objects.update(is_active=False)
    client = browser()
    sign_in(client)
    assert client.get("/me/profile").status_code == 302


def test_wrong_tries_are_limited(alice: Any) -> None:
    client = browser()
    for _time in range(5):
        assert sign_in(client, password="wrong").status_code == 200
    refused = sign_in(client)
    assert client.get("/me/profile").status_code == 302
    assert b'role="alert"' in refused.content


def test_many_tries_from_one_address_get_429(alice: Any) -> None:
    client = browser()
    codes = [sign_in(client, f"user{number}", "wrong").status_code for number in range(31)]
    assert codes[-1] == 429
    page = sign_in(client).content.decode()
    assert "Too many tries" in page


def test_sign_in_goes_on_where_it_was_asked_for(alice: Any) -> None:
    response = browser().post(LOGIN, {"login": "alice", "password": PASSWORD, "next": "/me/tokens"})
    assert response["Location"] == "/me/tokens"
    outside = browser().post(LOGIN, {"login": "alice", "password": PASSWORD, "next": "https://evil.example/"})
    assert outside["Location"] == "/"


def test_language_of_the_account_wins_after_sign_in(db: None) -> None:
    person("alice", language="zh-hans")
    client = browser()
    client.cookies["gallery_language"] = "en"
    assert client.get(LOGIN)["Content-Language"] == "en"
    sign_in(client)
    assert client.get("/me/profile")["Content-Language"] == "zh-Hans"


def test_language_switch_is_remembered_on_the_account(alice: Any) -> None:
    browser(alice).post("/language", {"language": "zh-hans", "next": "/"})
    alice.refresh_from_db()
    assert alice.language == "zh-hans"


def test_session_is_ended_by_signing_out(alice: Any) -> None:
    client = browser()
    sign_in(client)
    key = client.session.session_key
    client.post("/account/logout/")
    client.cookies["sessionid"] = key
    assert client.get("/me/profile").status_code == 302


def test_sign_out_everywhere_ends_the_other_sessions(alice: Any, bob: Any) -> None:
    here, there, other = browser(), browser(), browser()
    for client, login in ((here, "alice"), (there, "alice"), (other, "bob")):
        sign_in(client, login)
        client.get("/me/profile")
    page = here.get("/account/sessions/")
    assert (page.status_code, page.context["session_count"]) == (200, 2)
    here.post("/account/sessions/")
    assert [client.get("/me/profile").status_code for client in (here, there, other)] == [200, 302, 200]


def test_forgotten_password_is_reset_by_mail(alice: Any) -> None:
    client, elsewhere = browser(), browser()
    sign_in(elsewhere)
    assert client.post("/account/password/reset/", {"email": "ALICE@example.com"}).status_code == 302
    [message] = mail.outbox
    assert message.to == ["alice@example.com"]
    link = re.search(r"http://[^/]+(/account/password/reset/key/\S+)", message.body)
    assert link
    form = client.get(link[1], follow=True)
    address = form.redirect_chain[-1][0]
    assert client.post(address, {"password1": "another good passphrase", "password2": "another good passphrase"}).status_code == 302
    assert elsewhere.get("/me/profile").status_code == 302
    assert sign_in(browser()).status_code == 200
    assert sign_in(browser(), password="another good passphrase").status_code == 302
    assert browser().get(link[1], follow=True).context["token_fail"] is True
    assert AuditEvent.objects.filter(verb="change_password").count() == 1


def test_reset_does_not_tell_which_addresses_are_known(alice: Any) -> None:
    known = browser().post("/account/password/reset/", {"email": "alice@example.com"})
    unknown = browser().post("/account/password/reset/", {"email": "nobody@example.com"})
    assert (known.status_code, known["Location"]) == (unknown.status_code, unknown["Location"])


def test_password_is_changed_and_other_sessions_end(alice: Any) -> None:
    here, there = browser(), browser()
    sign_in(here)
    sign_in(there)
    changed = {"oldpassword": PASSWORD, "password1": "another good passphrase", "password2": "another good passphrase"}
    assert here.post("/account/password/change/", changed).status_code == 302
    assert there.get("/me/profile").status_code == 302
    assert sign_in(browser(), password="another good passphrase").status_code == 302


def confirm(client: Any) -> None:
    """Give the password once more, as changes of the second step ask for it."""
    assert client.post("/account/reauthenticate/", {"password": PASSWORD}).status_code == 302


def code_of(secret: str) -> str:
    """Return the code that an authenticator shows now."""
    return format_hotp_value(hotp_value(secret, next(yield_hotp_counters_from_time())))


def test_second_step_is_set_up_and_asked_for(alice: Any, django_capture_on_commit_callbacks: Any) -> None:
    client = browser()
    sign_in(client)
    asked = client.get("/account/2fa/totp/activate/")
    assert asked["Location"].startswith("/account/reauthenticate/")
    confirm(client)
    page = client.get("/account/2fa/totp/activate/")
    assert page.status_code == 200
    secret = page.context["form"].secret
    assert client.post("/account/2fa/totp/activate/", {"code": "000000"}).status_code == 200
    with django_capture_on_commit_callbacks(execute=True):
        assert client.post("/account/2fa/totp/activate/", {"code": code_of(secret)}).status_code == 302
    assert AuditEvent.objects.filter(verb="add_authenticator", details={"kind": "totp"}).count() == 1

    cache.clear()
    again = browser()
    assert sign_in(again)["Location"].startswith("/account/2fa/authenticate/")
    assert again.get("/me/profile").status_code == 302
    assert again.post("/account/2fa/authenticate/", {"code": "123456"}).status_code == 200
    assert again.post("/account/2fa/authenticate/", {"code": code_of(secret)}).status_code == 302
    assert again.get("/me/profile").status_code == 200


def test_second_step_needs_no_confirmed_address_where_no_mail_is_sent(db: None) -> None:
    client = browser()
    client.post("/account/signup/", {"email": "new@example.com", "username": "newcomer", "password1": PASSWORD})
    confirm(client)
    assert client.get("/account/2fa/totp/activate/").status_code == 200


def test_recovery_code_stands_in_once(alice: Any) -> None:
    TOTP.activate(alice, generate_totp_secret())
    code = RecoveryCodes.activate(alice).get_unused_codes()[0]
    client = browser()
    sign_in(client)
    assert client.post("/account/2fa/authenticate/", {"code": code}).status_code == 302
    assert client.get("/me/profile").status_code == 200
    cache.clear()
    second = browser()
    sign_in(second)
    assert second.post("/account/2fa/authenticate/", {"code": code}).status_code == 200


def test_passkeys_are_offered(alice: Any) -> None:
    assert browser().get("/account/2fa/webauthn/login/", headers={"Accept": "application/json"}).status_code == 200
    client = browser()
    sign_in(client)
    confirm(client)
    assert client.get("/account/2fa/webauthn/add/").status_code == 200


@pytest.mark.parametrize(
    "address",
    [
        "/account/password/change/",
        "/account/2fa/",
        "/account/sessions/",
        "/account/3rdparty/",
        "/account/2fa/webauthn/",
        "/account/reauthenticate/",
    ],
)
def test_security_pages_stand(alice: Any, address: str) -> None:
    client = browser()
    sign_in(client)
    assert client.get(address).status_code == 200

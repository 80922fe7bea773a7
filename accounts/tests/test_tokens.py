"""Access tokens on their page and on the command line."""

import io
import re
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.models import AccessToken, AuditEvent, User
from accounts.models.tokens import digest
from core.testing import api, assert_flat_queries, browser, person

PAGE = "/me/tokens"


def test_token_is_made_shown_once_and_revoked(alice: Any) -> None:
    client = browser(alice)
    made = client.post(PAGE, {"name": "laptop", "scope": "read", "days": "30"})
    assert made.status_code == 200
    assert "no-store" in made["Cache-Control"]
    secret = re.search(r"agt_[\w-]{43}", made.content.decode())
    assert secret
    token = AccessToken.objects.get()
    assert (token.digest, token.prefix, token.scope) == (digest(secret[0]), secret[0][:10], "read")
    assert token.expires_at is not None
    assert timedelta(days=29) < token.expires_at - timezone.now() <= timedelta(days=30)
    page = client.get(PAGE).content.decode()
    assert secret[0] not in page and "laptop" in page and token.prefix in page
    assert client.post(f"/me/tokens/{token.pk}/revoke").status_code == 302
    assert AccessToken.objects.count() == 0
    assert [event.verb for event in AuditEvent.objects.exclude(verb="sign_in").order_by("id")] == ["create", "revoke"]
    assert secret[0] not in str(list(AuditEvent.objects.values()))


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": " "}, "name"),
        ({"scope": "all"}, "scope"),
        ({"days": "100000"}, "days"),
        ({"scope": "fine"}, "resources"),
        ({"resources": "asset:1"}, "resources"),
    ],
)
def test_bad_token_is_refused_at_the_field(alice: Any, change: dict[str, str], field: str) -> None:
    response = browser(alice).post(PAGE, {"name": "ci", "scope": "read", "days": "", **change})
    assert response.status_code == 422
    assert field in response.context["form"].errors
    assert AccessToken.objects.count() == 0


def test_token_of_somebody_else_cannot_be_revoked(alice: Any, bob: Any) -> None:
    api(alice)
    assert browser(bob).post(f"/me/tokens/{AccessToken.objects.get().pk}/revoke").status_code == 404
    assert AccessToken.objects.count() == 1


def test_page_stays_flat(alice: Any) -> None:
    assert_flat_queries(PAGE, lambda: AccessToken(user=alice, name="t").issue(), client=browser(alice))


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("token", *arguments, stdout=out)
    return out.getvalue()


def test_command_prints_a_token_and_nothing_else(alice: Any) -> None:
    printed = run("ALICE", "--scope", "read")
    assert re.fullmatch(r"agt_[\w-]{43}\n", printed)
    token = AccessToken.objects.get(digest=digest(printed.strip()))
    assert (token.user, token.scope) == (alice, "read")
    assert AccessToken.objects.get(digest=digest(run("alice").strip())).scope == "write"


@pytest.mark.parametrize("name", ["nobody", "nul\0", ""])
def test_command_refuses_somebody_unknown(db: None, name: str) -> None:
    with pytest.raises(CommandError, match="There is no user"):
        run(name)


def test_command_creates_a_user_where_asked(db: None) -> None:
    secret = run("Newcomer", "--create").strip()
    user = User.objects.get()
    assert (user.handle, user.has_usable_password()) == ("Newcomer", False)
    client = api()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {secret}")
    assert client.get("/api/v1/me").json()["handle"] == "Newcomer"
    run("newcomer", "--create")
    assert User.objects.count() == 1


@pytest.mark.parametrize("name", ["models", "a b", "x" * 40])
def test_command_creates_nobody_with_a_handle_that_cannot_be(db: None, name: str) -> None:
    with pytest.raises(CommandError):
        run(name, "--create")
    assert User.objects.count() == 0


def test_command_refuses_somebody_switched_off(db: None) -> None:
    person("gone", is_active=False)
    with pytest.raises(CommandError, match="switched off"):
        run("gone")

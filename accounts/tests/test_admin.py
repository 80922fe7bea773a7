"""The administration of accounts: one way in, read-mostly, without secrets."""

from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.contrib import admin
from django.contrib.auth.models import Group
from django.urls import reverse

from accounts.models import AccessToken, AuditEvent, Namespace, Webhook
from core.administration import Administration
from core.testing import api, browser


def test_only_way_in_is_the_sign_in_page(alice: Any, ada: Any) -> None:
    asked = browser().get("/admin/login/?next=/admin/")
    assert (asked.status_code, asked["Location"].split("?")[0]) == (302, "/account/login/")
    sent = browser().post("/admin/login/", {"username": "ada", "password": "a long enough passphrase"})
    assert (sent.status_code, sent["Location"].split("?")[0]) == (302, "/account/login/")
    assert browser(alice).get("/admin/login/").status_code == 403
    assert browser(ada).get("/admin/").status_code == 200
    assert browser(ada).get("/admin/password_change/")["Location"] == reverse("account_change_password")


def test_every_table_is_shown_by_a_page_of_ours(ada: Any) -> None:
    assert [model for model, shown in admin.site._registry.items() if not isinstance(shown, Administration)] == []
    assert Group not in admin.site._registry


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_every_list_opens_and_is_searched(alice: Any, ada: Any, language: str) -> None:
    api(alice)
    client = browser(ada)
    client.cookies["gallery_language"] = language
    for model in admin.site._registry:
        address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        page = client.get(address, {"q": "al"}, follow=True)
        assert page.status_code == 200, address
        assert page["Content-Language"] == {"en": "en", "zh-hans": "zh-Hans"}[language]


def test_pages_of_the_administration_have_a_policy_of_their_own(ada: Any) -> None:
    client = browser(ada)
    policy = client.get("/admin/")["Content-Security-Policy"]
    assert "script-src 'self' 'unsafe-eval';" in policy
    assert "style-src 'self'; style-src-attr 'unsafe-inline';" in policy
    assert "form-action 'self';" in policy
    for elsewhere in ("/", "/admin/accounts/user/999/act/nothing/", "/me/profile"):
        assert "unsafe" not in client.get(elsewhere)["Content-Security-Policy"]


def test_secret_of_a_second_step_is_not_shown_and_its_removal_is_recorded(alice: Any, ada: Any) -> None:
    secret = generate_totp_secret()
    TOTP.activate(alice, secret)
    row, client = Authenticator.objects.get(), browser(ada)
    page = client.get(f"/admin/mfa/authenticator/{row.pk}/change/")
    assert page.status_code == 200
    assert secret not in page.content.decode() and str(row.data.get("secret")) not in page.content.decode()
    assert client.post(f"/admin/mfa/authenticator/{row.pk}/delete/", {"post": "yes"}).status_code == 403
    assert client.post(f"/admin/mfa/authenticator/{row.pk}/act/remove/").status_code == 302
    assert Authenticator.objects.count() == 0
    event = AuditEvent.objects.get(verb="remove_authenticator")
    assert (event.actor, event.target, event.details) == ("ada", "alice", {"kind": "totp"})


def test_no_secret_is_shown(alice: Any, ada: Any) -> None:
    api(alice)
    client, token = browser(ada), AccessToken.objects.get()
    assert token.digest not in client.get(f"/admin/accounts/accesstoken/{token.pk}/change/").content.decode()
    hook = Webhook.objects.create(namespace=Namespace.objects.get(pk=alice.pk), name="ci", url="https://example.com/", events=["job.done"])
    page = client.get(f"/admin/accounts/webhook/{hook.pk}/change/")
    assert page.status_code == 200
    assert hook.secret not in page.content.decode()


def test_token_is_revoked_from_its_page_and_from_the_list(alice: Any, ada: Any) -> None:
    client, holder = browser(ada), api(alice)
    token = AccessToken.objects.get()
    asked = client.post("/admin/accounts/accesstoken/", {"action": "revoke", "_selected_action": [token.pk]})
    assert (asked.status_code, AccessToken.objects.count()) == (200, 1)
    assert "Whatever uses the token is refused from now on." in asked.content.decode()
    done = client.post("/admin/accounts/accesstoken/", {"action": "revoke", "_selected_action": [token.pk], "confirmed": "yes"})
    assert (done.status_code, AccessToken.objects.count()) == (302, 0)
    assert holder.get("/api/v1/me").status_code == 401
    assert AuditEvent.objects.get(verb="revoke").details == {"owner": "alice"}
    api(alice)
    gone = client.post(f"/admin/accounts/accesstoken/{AccessToken.objects.get().pk}/act/revoke/")
    assert (gone["Location"], AccessToken.objects.count()) == ("/admin/accounts/accesstoken/", 0)


def test_nothing_stands_in_the_log_of_django(alice: Any, ada: Any) -> None:
    from django.contrib.admin.models import LogEntry

    client = browser(ada)
    client.post("/admin/accounts/wordlist/add/", {"name": "a", "category": "other", "words": "x", "active": "on"})
    assert AuditEvent.objects.filter(target_kind="word_list").count() == 1
    assert LogEntry.objects.count() == 0

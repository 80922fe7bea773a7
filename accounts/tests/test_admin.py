"""The administration of accounts: read-mostly, without secrets, and recorded."""

from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.urls import reverse

from accounts.models import AccessToken, AuditEvent, User
from core.testing import api, browser, person


def test_only_way_in_is_the_sign_in_page(alice: Any, ada: Any) -> None:
    asked = browser().get("/admin/login/?next=/admin/")
    assert (asked.status_code, asked["Location"].split("?")[0]) == (302, "/account/login/")
    sent = browser().post("/admin/login/", {"username": "ada", "password": "a long enough passphrase"})
    assert (sent.status_code, sent["Location"].split("?")[0]) == (302, "/account/login/")
    assert browser(alice).get("/admin/login/").status_code == 403
    assert browser(ada).get("/admin/").status_code == 200


def test_every_list_opens_and_is_searched(alice: Any, ada: Any) -> None:
    api(alice)
    client = browser(ada)
    for model in admin.site._registry:
        address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        assert client.get(address, {"q": "al"}).status_code == 200, address


def test_secret_of_a_second_step_is_not_shown_and_its_removal_is_recorded(alice: Any, ada: Any) -> None:
    secret = generate_totp_secret()
    TOTP.activate(alice, secret)
    row, client = Authenticator.objects.get(), browser(ada)
    page = client.get(f"/admin/mfa/authenticator/{row.pk}/change/")
    assert page.status_code == 200
    assert secret not in page.content.decode() and str(row.data.get("secret")) not in page.content.decode()
    assert client.post(f"/admin/mfa/authenticator/{row.pk}/delete/", {"post": "yes"}).status_code == 302
    assert Authenticator.objects.count() == 0
    event = AuditEvent.objects.get(verb="remove_authenticator")
    assert (event.actor, event.target, event.details) == ("ada", "alice", {"kind": "totp"})


def test_staff_without_all_rights_changes_no_account(alice: Any, ada: Any) -> None:
    helper = person("helper", is_staff=True)
    helper.user_permissions.set(Permission.objects.filter(content_type__app_label="accounts"))
    client = browser(helper)
    assert client.get(f"/admin/accounts/user/{ada.pk}/change/").status_code == 200
    assert client.post(f"/admin/accounts/user/{helper.pk}/change/", {"is_superuser": "on"}).status_code == 403
    assert client.get(f"/admin/accounts/user/{ada.pk}/password/").status_code == 403
    assert not User.objects.get(pk=helper.pk).is_superuser


def test_password_set_by_an_administrator_is_recorded(alice: Any, ada: Any) -> None:
    form = {"usable_password": "true", "password1": "another good passphrase", "password2": "another good passphrase"}
    assert browser(ada).post(f"/admin/accounts/user/{alice.pk}/password/", form).status_code == 302
    alice.refresh_from_db()
    assert alice.check_password("another good passphrase")
    event = AuditEvent.objects.get(verb="change_password")
    assert (event.actor, event.target) == ("ada", "alice")


@pytest.mark.parametrize("model", ["user", "organisation", "accesstoken", "auditevent"])
def test_administration_shows_its_lists(alice: Any, ada: Any, model: str) -> None:
    api(alice)
    assert browser(ada).get(f"/admin/accounts/{model}/").status_code == 200
    assert browser(alice).get(f"/admin/accounts/{model}/").status_code == 302


def test_administration_shows_no_secret_and_changes_no_audit_row(alice: Any, ada: Any) -> None:
    api(alice)
    client, token = browser(ada), AccessToken.objects.get()
    assert token.digest not in client.get(f"/admin/accounts/accesstoken/{token.pk}/change/").content.decode()
    event = AuditEvent.objects.order_by("id")[0]
    assert client.get(f"/admin/accounts/auditevent/{event.pk}/change/").status_code == 200
    assert client.post(f"/admin/accounts/auditevent/{event.pk}/change/", {"actor": "x"}).status_code == 403
    assert client.post(f"/admin/accounts/auditevent/{event.pk}/delete/", {"post": "yes"}).status_code == 403


def test_administrator_switches_a_user_off_and_it_is_recorded(alice: Any, ada: Any) -> None:
    client = browser(ada)
    page = client.get(f"/admin/accounts/user/{alice.pk}/change/")
    assert page.status_code == 200
    form = {"nickname": "", "bio": "", "language": "", "official": "on", "access_tokens-TOTAL_FORMS": "0", "access_tokens-INITIAL_FORMS": "0",
            "memberships-TOTAL_FORMS": "0", "memberships-INITIAL_FORMS": "0"}  # fmt: skip
    assert client.post(f"/admin/accounts/user/{alice.pk}/change/", form).status_code == 302
    alice.refresh_from_db()
    assert (alice.is_active, alice.official, alice.handle) == (False, True, "alice")
    event = AuditEvent.objects.get(verb="administer")
    assert (event.actor, event.target, event.details) == ("ada", "alice", {"fields": ["is_active", "official"]})


def test_administrator_revokes_a_token(alice: Any, ada: Any) -> None:
    api(alice)
    token = AccessToken.objects.get()
    browser(ada).post("/admin/accounts/accesstoken/", {"action": "revoke", "_selected_action": [token.pk]})
    assert AccessToken.objects.count() == 0
    assert AuditEvent.objects.get(verb="revoke").details == {"owner": "alice"}

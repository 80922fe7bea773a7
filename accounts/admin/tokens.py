"""What people sign in with: tokens, second steps, sessions. No secret is shown."""

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from accounts.models import AccessToken
from accounts.services import remove_authenticator, withdraw_token
from accounts.services.administration import ONLY_ADMINISTRATORS
from core.administration import Act, Administration


@admin.register(AccessToken)
class TokenAdministration(Administration):
    fields = ["user", "name", "prefix", "scope", "verbs", "resources", "created_at", "expires_at", "last_used_at"]
    list_display = ["name", "user", "prefix", "scope", "created_at", "expires_at", "last_used_at"]
    list_filter = ["scope"]
    search_fields = ["name", "user__handle", "prefix"]
    list_select_related = ["user"]
    ordering = ["-id"]
    acts = [
        Act(
            "revoke", _("Revoke"), withdraw_token, "token", "accounts.delete_accesstoken", danger=True,
            note=_("Whatever uses the token is refused from now on."),
        )
    ]  # fmt: skip


@admin.register(Authenticator)
class AuthenticatorAdministration(Administration):
    """Second steps: an administrator removes one for a person who lost it."""

    fields = ["user", "type", "created_at", "last_used_at"]
    list_display = ["user", "type", "created_at", "last_used_at"]
    list_filter = ["type"]
    search_fields = ["user__handle", "user__email"]
    list_select_related = ["user"]
    ordering = ["-id"]
    acts = [
        Act(
            "remove", _("Remove the second step"), remove_authenticator, "authenticator", ONLY_ADMINISTRATORS, danger=True,
            note=_("The person signs in with the password alone until they set up another one. Make sure that it is they who ask."),
        )
    ]  # fmt: skip


@admin.register(UserSession)
class SessionAdministration(Administration):
    fields = ["user", "created_at", "last_seen_at", "ip", "user_agent"]
    list_display = ["user", "created_at", "last_seen_at", "ip", "user_agent"]
    search_fields = ["user__handle", "ip"]
    list_select_related = ["user"]
    ordering = ["-last_seen_at"]

"""What allauth and Django do to accounts, written into the audit trail; and the language a person gets on signing in."""

from typing import Any

from allauth.account import signals as account
from allauth.mfa import signals as mfa
from allauth.socialaccount import signals as social
from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest

from accounts.models import User
from accounts.services import record


def note(user: User, verb: str, **details: Any) -> None:
    """Record something that `user` did to their own account."""
    record(actor=user, verb=verb, target_kind="user", target_id=user.pk, target=user.handle, **details)


@receiver(user_logged_in)
def signed_in(sender: Any, request: HttpRequest | None, user: User, **kwargs: Any) -> None:
    if request is not None and hasattr(request, "session"):
        if user.language:
            request.session["language"] = user.language
        else:
            request.session.pop("language", None)
    note(user, "sign_in")


@receiver(account.user_signed_up)
def signed_up(sender: Any, user: User, **kwargs: Any) -> None:
    note(user, "sign_up", by="single sign-on" if "sociallogin" in kwargs else "form")


@receiver(account.password_set)
@receiver(account.password_changed)
@receiver(account.password_reset)
def password_changed(sender: Any, user: User, **kwargs: Any) -> None:
    note(user, "change_password")


@receiver(account.email_changed)
def email_changed(sender: Any, user: User, **kwargs: Any) -> None:
    note(user, "change_email")


@receiver(mfa.authenticator_added)
def authenticator_added(sender: Any, user: User, authenticator: Any, **kwargs: Any) -> None:
    note(user, "add_authenticator", kind=authenticator.type)


@receiver(mfa.authenticator_removed)
def authenticator_removed(sender: Any, user: User, authenticator: Any, **kwargs: Any) -> None:
    note(user, "remove_authenticator", kind=authenticator.type)


@receiver(social.social_account_added)
def provider_connected(sender: Any, sociallogin: Any, **kwargs: Any) -> None:
    note(sociallogin.user, "connect_provider", provider=sociallogin.account.provider)


@receiver(social.social_account_removed)
def provider_disconnected(sender: Any, socialaccount: Any, **kwargs: Any) -> None:
    note(socialaccount.user, "disconnect_provider", provider=socialaccount.provider)

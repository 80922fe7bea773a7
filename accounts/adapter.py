"""How allauth creates accounts here: handles are generated, checked against former ones, and claimed once."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialLogin
from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from accounts.models import User
from accounts.services import check_handle, claiming, free_handle
from core.problems import Conflict, Problem

TRIES = 3


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Accounts made with a form: the person chooses a handle, or gets one such as `ur5468675`."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return bool(settings.SIGNUP_OPEN)

    def clean_username(self, username: str, shallow: bool = False) -> str:
        try:
            check_handle(username)
        except Problem as problem:
            raise ValidationError([str(message) for message in problem.errors["handle"]], code=problem.code) from problem
        return username

    def generate_unique_username(self, txts: list[str | None], regex: str | None = None) -> str:
        return free_handle()


class SocialAccountAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]
    """Accounts made by single sign-on: the provider's names are taken over where they fit."""

    def populate_user(self, request: HttpRequest, sociallogin: SocialLogin, data: dict[str, Any]) -> User:
        if not isinstance(data.get("username"), str):
            data = {**data, "username": ""}
        user: User = super().populate_user(request, sociallogin, data)
        name = data.get("name") or " ".join(filter(None, (data.get("first_name"), data.get("last_name"))))
        user.nickname = str(name or "").replace("\0", "")[:64]
        return user

    def save_user(self, request: HttpRequest, sociallogin: SocialLogin, form: Any = None) -> User:
        """Save the account; when a handle that the person did not choose is taken meanwhile, give them another.

        An address that belongs to another account stays there, whatever the provider says about it.
        """
        sociallogin.email_addresses = [
            address for address in sociallogin.email_addresses if not User.objects.filter(email__iexact=address.email).exists()
        ]
        if form is not None:
            return super().save_user(request, sociallogin, form)  # type: ignore[no-any-return]
        for attempt in range(TRIES):
            try:
                with claiming(sociallogin.user.handle):
                    return super().save_user(request, sociallogin)  # type: ignore[no-any-return]
            except Conflict as conflict:
                if conflict.code != "handle_taken" or attempt == TRIES - 1:
                    raise
                sociallogin.user.handle = free_handle()
        raise AssertionError("unreachable")

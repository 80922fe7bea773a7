"""Who is calling: a password with handle or e-mail, or an access token."""

from datetime import timedelta
from typing import Any

from allauth.account.auth_backends import AuthenticationBackend
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from accounts.models import AccessToken, User
from accounts.models.tokens import digest
from core.problems import Forbidden


class AccountBackend(AuthenticationBackend):  # type: ignore[misc]
    """Sign-in by handle or e-mail address, through allauth's rate limits."""


def user_of_token(secret: str) -> User | None:
    """Return the user that a usable token acts for, with `user.token` set, or None."""
    token = AccessToken.objects.usable().select_related("user").filter(digest=digest(secret)).first()
    if token is None:
        return None
    now = timezone.now()
    if token.last_used_at is None or now - token.last_used_at > timedelta(minutes=1):
        AccessToken.objects.filter(pk=token.pk).update(last_used_at=now)
    user: User = token.user
    user.token = token
    return user


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer <access token>`."""

    def authenticate(self, request: Request) -> tuple[User, Any] | None:
        words = get_authorization_header(request).split()
        if not words or words[0].lower() != b"bearer":
            return None
        user = user_of_token(words[1].decode("ascii", "replace")) if len(words) == 2 else None
        if user is None:
            raise AuthenticationFailed(
                _("This access token is unknown or has expired. Create a new one in your settings."), code="bad_token"
            )
        return user, user.token

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


def signed_in(request: HttpRequest | Request) -> User:
    """Return the person behind a request that only people who signed in may make; refuse others."""
    user = request.user
    if not user.is_authenticated:
        raise Forbidden("not_permitted", _("Sign in first."))
    return user


def bearer_user(request: HttpRequest) -> User | None:
    """Return the user of a page request that carries an access token, for programs that fetch page addresses."""
    words = request.headers.get("Authorization", "").split()
    return user_of_token(words[1]) if len(words) == 2 and words[0].lower() == "bearer" else None

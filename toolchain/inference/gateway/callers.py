"""Who calls a service, and whether they may: a key of the service, an access token, or somebody who is signed in."""

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from types import SimpleNamespace
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.auth.models import AnonymousUser
from django.core.cache import cache
from django.db.models import Q
from django.http.cookie import parse_cookie
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.authentication import user_of_token
from assets.models import Asset
from core.problems import Forbidden, Missing, Problem
from toolchain.inference.models import Key, Service
from toolchain.inference.services import KEY_PREFIX, hash_of

FRESH, STALE = 1.5, 3.0
"""Seconds for which a permission is remembered, and for which it is while it is looked up again; a key that was revoked is refused soon after."""
MOST_REMEMBERED = 10_000
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
READ_SCOPES = ("read", "write")


@dataclass(frozen=True)
class Caller:
    """Somebody who may call: `name` for counts and logs, and the key with its limit where they used one."""

    name: str
    key: int | None = None
    limit: int | None = None


class Callers:
    """Permissions of this process, remembered for a moment by what the request carries."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, str], tuple[float, Caller]] = {}
        self._asking: dict[tuple[int, str], asyncio.Task[Caller]] = {}

    async def find(self, service: int, secret: str, ask: Callable[[], Awaitable[Caller]]) -> Caller:
        """Return who calls the service of this id with `secret`: remembered, or as `ask` says or raises. Under load nobody waits for that."""
        key = (service, secret)
        at, known = self._known.get(key, (0.0, None))
        age = time.monotonic() - at
        if known is not None and age < FRESH:
            return known
        task = self._asking.get(key)
        if task is None:
            task = self._asking[key] = asyncio.ensure_future(self._ask(service, secret, ask))
            task.add_done_callback(lambda done: (self._asking.pop(key, None), done.cancelled() or done.exception()))
        return known if known is not None and age < STALE else await asyncio.shield(task)

    async def _ask(self, service: int, secret: str, ask: Callable[[], Awaitable[Caller]]) -> Caller:
        try:
            caller = await ask()
        except Problem:
            self._known.pop((service, secret), None)
            raise
        self.remember(service, secret, caller)
        return caller

    def remember(self, service: int, secret: str, caller: Caller) -> None:
        """Let the caller in again without asking, for a moment."""
        if len(self._known) >= MOST_REMEMBERED:
            self._known.clear()
        self._known[service, secret] = time.monotonic(), caller


def secret_of(headers: Mapping[str, str], method: str) -> str:
    """Return what tells those from others who may do the same, not fit to be used by anybody who reads it."""
    page = "" if method in SAFE else str(_is_ours(headers))
    carried = "\0".join((headers.get("authorization", ""), _session_key(headers), page))
    return hashlib.sha256(carried.encode()).hexdigest()


def admit(service: Service | None, headers: Mapping[str, str], method: str) -> Caller:
    """Return who calls. Raises `Problem` 401 without a valid secret, `Missing` where they may not know of the service or there is none.

    A browser's session counts only for requests of the gallery's own pages.
    """
    words = headers.get("authorization", "").split()
    if words and words[0].lower() == "bearer" and len(words) == 2:
        return _by_key(service, words[1]) if words[1].startswith(KEY_PREFIX) else _by_user(service, _token_user(words[1]))
    user = _session_user(headers)
    if user is None:
        raise Problem("not_signed_in", _("Call with a key of the service or an access token: Authorization: Bearer …"), status=401)
    if method not in SAFE and not _is_ours(headers):
        raise Forbidden("foreign_page", _("Pages of other sites may not call a service in the name of who visits them."))
    return _by_user(service, user)


def count_against(caller: Caller) -> None:
    """Count a request of a caller with a limit; raises `Problem` 429 beyond it."""
    if caller.limit is None:
        return
    minute = int(time.time() // 60)
    name = f"service-key:{caller.key}:{minute}"
    cache.add(name, 0, 120)
    if cache.incr(name) > caller.limit:
        wait = 60 - int(time.time()) % 60
        raise Problem(
            "rate_limited", _("This key may make %(limit)s requests a minute. Wait %(wait)s seconds.") % {"limit": caller.limit, "wait": wait},
            status=429, extra={"retry_after": wait},
        )  # fmt: skip


def _by_key(service: Service | None, text: str) -> Caller:
    now = timezone.now()
    rows = Key.objects.filter(service=service, hash=hash_of(text), revoked_at=None).filter(Q(expires_at=None) | Q(expires_at__gt=now))
    key = rows.first()
    if key is None:
        raise Problem(
            "bad_key", _("This key is unknown here, was revoked, or has expired. Ask the owner of the service for another one."), status=401
        )
    if key.used_at is None or (now - key.used_at).total_seconds() > 60:
        Key.objects.filter(pk=key.pk).update(used_at=now)
    return Caller(f"key {key.prefix}", key.pk, key.limit)


def _by_user(service: Service | None, user: Any) -> Caller:
    row = Service.objects.for_user(user).filter(pk=service.pk).first() if service is not None else None
    if row is not None and "call" in row.allowed:
        return Caller(user.handle)
    token = getattr(user, "token", None)
    if service is not None and service.shared and (token is None or token.scope in READ_SCOPES):
        asset = Asset.objects.for_user(user).filter(pk=service.model_id or 0).first()
        if asset is not None and "download" in asset.allowed:
            return Caller(user.handle)
    raise Missing("service_not_found", _("There is no service at this address, or you may not call it."))


def _token_user(text: str) -> Any:
    user = user_of_token(text)
    if user is None:
        raise Problem("bad_token", _("This access token is unknown or has expired. Create a new one in your settings."), status=401)
    return user


def _session_key(headers: Mapping[str, str]) -> str:
    return str(parse_cookie(headers.get("cookie", "")).get(settings.SESSION_COOKIE_NAME, ""))


def _session_user(headers: Mapping[str, str]) -> Any | None:
    key = _session_key(headers)
    if not key:
        return None
    store = import_module(settings.SESSION_ENGINE).SessionStore(key)
    user = get_user(SimpleNamespace(session=store))  # type: ignore[arg-type]
    return None if isinstance(user, AnonymousUser) else user


def _is_ours(headers: Mapping[str, str]) -> bool:
    """Say whether a browser sends this from a page of the gallery."""
    if origin := headers.get("origin"):
        return origin == settings.PUBLIC_URL or origin.partition("://")[2] == headers.get("host")
    return headers.get("sec-fetch-site", "") == "same-origin"

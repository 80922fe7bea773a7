"""For pages of any room that only people who finished the onboarding may use."""

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from accounts.authentication import signed_in
from accounts.services import is_onboarded


def onboarded(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Return `view` for people who are onboarded; others are sent to the welcome page first, and from there to the page they wanted.

    The page stays behind the sign-in. Services ask again with `require_onboarded`.
    """

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if is_onboarded(signed_in(request)):
            return view(request, *args, **kwargs)
        wanted = request.get_full_path() if request.method in ("GET", "HEAD") else request.path
        return redirect(f"{reverse('accounts:welcome')}?{urlencode({'next': wanted})}")

    return guarded

"""Choosing the language of a page: account, then cookie, then the browser."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.utils.cache import patch_vary_headers


def language_of(request: HttpRequest) -> str:
    """Return the language code for this request; the session holds the signed-in user's choice."""
    known = dict(settings.LANGUAGES)
    session = getattr(request, "session", None)
    for code in (session.get("language") if session else None, request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME)):
        if code in known:
            return str(code)
    return translation.get_language_from_request(request)


class LanguageMiddleware:
    """Activate the request's language and say which one the response is in."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        code = language_of(request)
        request.LANGUAGE_CODE = code
        with translation.override(code):
            response = self.get_response(request)
            patch_vary_headers(response, ("Accept-Language", "Cookie"))
            response.headers.setdefault("Content-Language", "zh-Hans" if code == "zh-hans" else code)
        return response

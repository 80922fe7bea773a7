"""When a session was last used, written now and then instead of with every page."""

from collections.abc import Callable

from allauth.usersessions.models import UserSession
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse

EVERY_SECONDS = 300


class SessionActivityMiddleware:
    """Bring the row of a signed-in session up to date at most every five minutes; every request would cost a write."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        key = request.session.session_key
        if key and request.user.is_authenticated and cache.add(f"session-seen:{key}", 1, EVERY_SECONDS):
            UserSession.objects.create_from_request(request)
        return self.get_response(request)

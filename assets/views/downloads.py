"""Bytes: one file, or a folder as a zip."""

from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.authentication import bearer_user
from accounts.models import User
from assets.delivery import send_file, send_zip
from assets.revisions import open_place
from core.problems import Problem


def viewer_of(request: HttpRequest) -> User | AnonymousUser:
    """Return who fetches: the signed-in user, or the user of an access token; an unknown token is refused aloud."""
    if request.headers.get("Authorization", "").lower().startswith("bearer "):
        user = bearer_user(request)
        if user is None:
            raise Problem("bad_token", _("This access token is unknown or has expired. Create a new one in your settings."), status=401)
        return user
    return request.user


@login_not_required
@require_safe
def resolve(request: HttpRequest, kind: str, namespace: str, name: str, rest: str) -> HttpResponseBase:
    """Send a file; `?inline=1` shows what a browser may show."""
    viewer = viewer_of(request)
    return send_file(request, open_place(viewer, kind, namespace, name, rest, "preview"), viewer)


@login_not_required
@require_safe
def zip_folder(request: HttpRequest, kind: str, namespace: str, name: str, rest: str) -> HttpResponseBase:
    """Send a folder as a zip."""
    viewer = viewer_of(request)
    return send_zip(request, open_place(viewer, kind, namespace, name, rest, "download"), viewer)

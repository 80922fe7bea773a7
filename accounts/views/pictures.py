"""Pictures of people and organisations."""

import re

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.core.files.storage import default_storage
from django.http import FileResponse, HttpRequest
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from accounts import services
from accounts.authentication import signed_in
from accounts.forms import profile as forms
from accounts.models import Namespace
from accounts.views.answers import attempt
from core.problems import Missing
from core.security import CONTENT_POLICY

AVATAR = re.compile(r"\A[0-9a-f]{32}\Z")


def save_avatar(request: HttpRequest, namespace: Namespace, form: forms.AvatarForm) -> bool:
    if "remove" in request.POST:
        services.remove_avatar(namespace=namespace, actor=signed_in(request))
        messages.success(request, _("Picture removed."))
        return True
    saved = attempt(
        form, lambda: services.set_avatar(namespace=namespace, actor=signed_in(request), image=form.cleaned_data["avatar"], crop=form.crop)
    )
    if saved:
        messages.success(request, _("Picture saved."))
    return saved


@login_not_required
@require_GET
def avatar(request: HttpRequest, namespace: int, name: str) -> FileResponse:
    """The picture of a user or organisation; its address changes with its content, so it may be kept for ever."""
    path = f"avatars/{namespace}/{name}.webp"
    if not AVATAR.match(name) or not default_storage.exists(path):
        raise Missing("avatar_not_found", _("There is no such picture."))
    response = FileResponse(default_storage.open(path), content_type="image/webp")
    response.headers["Content-Security-Policy"] = CONTENT_POLICY
    response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    return response

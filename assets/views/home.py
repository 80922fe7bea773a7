"""The front page."""

from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from assets.front import FrontPage
from assets.models import Asset


@login_not_required
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Show what hangs in the gallery: a wall of plates, counts, the directory of tasks, what changed, and the ways in."""
    context: dict[str, Any] = {"front": FrontPage(Asset.objects.for_user(request.user))}
    return render(request, "assets/home.html", context)

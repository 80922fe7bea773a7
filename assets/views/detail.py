"""The page of one asset."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from assets.addresses import asset_at
from assets.detail import Detail
from assets.readme import readme_of
from assets.statistics import period_of
from assets.visits import note_view


@login_not_required
@require_safe
def detail(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    """Show the introduction of an asset beside its label."""
    asset = asset_at(request.user, kind, namespace, name)
    note_view(request, asset)
    page = Detail(request.user, asset, days=period_of(request.GET.get("days", "")), query=request.GET)
    context = {"asset": asset, "page": page, "head": page.head, "readme": readme_of(asset, request.user)}
    return render(request, "assets/detail.html", context)

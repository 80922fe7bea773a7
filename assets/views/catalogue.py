"""The lists of models and datasets."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from assets.addresses import KINDS
from assets.catalogue import Catalogue
from assets.models import Asset
from core.htmx import render_page


@login_not_required
@require_safe
def catalogue(request: HttpRequest, kind: str) -> HttpResponse:
    """Show the assets of a kind that match the address, as cards or as a table."""
    visible = Asset.objects.for_user(request.user).of_kind(KINDS[kind])
    found = Catalogue(request, KINDS[kind], visible, path=f"/{kind}")
    response = render_page(request, "assets/catalogue.html", "assets/_catalogue_results.html", {"catalogue": found, "kind": KINDS[kind]})
    if request.headers.get("HX-Request"):
        response.headers["HX-Push-Url"] = found.address
    return response

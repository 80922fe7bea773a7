"""The page of a user or organisation."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponsePermanentRedirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.heads import head_of
from accounts.services import namespace_at
from assets.catalogue import Catalogue
from assets.models import Asset
from core.htmx import render_page


@login_not_required
@require_safe
def namespace(request: HttpRequest, handle: str) -> HttpResponse:
    """Show who somebody is and those of their assets that the viewer may see; a former handle leads to the new one."""
    row, former = namespace_at(handle, user=request.user)
    if former:
        query = request.META.get("QUERY_STRING", "")
        return HttpResponsePermanentRedirect(f"{row.get_absolute_url()}{'?' + query if query else ''}")
    kind = Asset.Kind.DATASET if request.GET.get("kind") == "dataset" else Asset.Kind.MODEL
    visible = Asset.objects.for_user(request.user).filter(namespace=row.pk)
    found = Catalogue(
        request, kind, visible.of_kind(kind), path=row.get_absolute_url(), fixed={"kind": "dataset"} if kind == Asset.Kind.DATASET else None
    )
    counts = {word: visible.of_kind(word).count() for word in Asset.Kind.values}
    context = {
        "head": head_of(row, request.user),
        "catalogue": found,
        "kind": kind,
        "tabs": [
            {"text": _("Models"), "address": found.path, "count": counts["model"], "current": kind == Asset.Kind.MODEL},
            {
                "text": _("Datasets"),
                "address": f"{found.path}?kind=dataset",
                "count": counts["dataset"],
                "current": kind == Asset.Kind.DATASET,
            },
        ],
        "may_create": "create_asset" in row.allowed,
        "new_url": f"/{kind}s/new?owner={row.handle}",
    }
    return render_page(request, "assets/namespace.html", "assets/_namespace_list.html", context)

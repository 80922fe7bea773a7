"""Pages of the toolchain."""

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.authentication import signed_in
from assets.addresses import asset_at
from assets.heads import head_of
from assets.models import Asset
from assets.revisions import permit
from core.htmx import render_page
from core.problems import Problem
from toolchain import services
from toolchain.panel import Panel


@login_not_required
@require_safe
def verdict(request: HttpRequest, namespace: str, name: str) -> HttpResponse:
    """Show what may be done with a model, and everything that is in the way; as a fragment, the panel of its page."""
    asset = asset_at(request.user, Asset.Kind.MODEL, namespace, name)
    context = {"asset": asset, "head": head_of(asset, "card"), "panel": Panel(asset)}
    return render_page(request, "toolchain/verdict.html", "toolchain/_verdict.html", context)


@require_POST
def read_again(request: HttpRequest, namespace: str, name: str) -> HttpResponse:
    """Have the files of a model read again."""
    asset = asset_at(request.user, Asset.Kind.MODEL, namespace, name)
    permit(asset, "upload")
    try:
        services.read_again(asset=asset, actor=signed_in(request))
        messages.success(request, _("The files are being read again."))
    except Problem as problem:
        messages.error(request, str(problem.detail))
    return HttpResponseRedirect(Panel(asset).address)

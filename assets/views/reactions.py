"""Keeping, liking and subscribing: forms first, and for htmx the answer is the button."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.authentication import signed_in
from assets import services
from assets.addresses import asset_at
from assets.forms.reactions import SubscribeForm
from assets.heads import head_of
from assets.models import Asset
from assets.restrictions import restrictions_of
from assets.revisions import permit
from core.problems import Problem


@require_http_methods(["GET", "HEAD", "POST"])
def favourite(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    """Keep the asset among one's favourites, or with `wanted=0` no longer."""
    asset = asset_at(request.user, kind, namespace, name)
    return _react(request, asset, services.set_favourite, "favoured", "components/favourite.html")


@require_http_methods(["GET", "HEAD", "POST"])
def like(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    """Like the asset, or with `wanted=0` no longer."""
    asset = asset_at(request.user, kind, namespace, name)
    return _react(request, asset, services.set_like, "liked", "components/like.html")


def _react(request: HttpRequest, asset: Asset, act: Callable[..., bool], mark: str, button: str) -> HttpResponse:
    if request.method != "POST":
        return HttpResponseRedirect(asset.get_absolute_url())
    wanted = request.POST.get("wanted") != "0"
    act(asset=asset, actor=signed_in(request), wanted=wanted)
    setattr(asset, mark, wanted)
    if not getattr(request, "htmx", False):
        return HttpResponseRedirect(_where_from(request, asset))
    return render(request, button, {"asset": asset, "large": request.POST.get("size") == "large", "answer": True})


@require_http_methods(["GET", "HEAD", "POST"])
def subscribe(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    """Show what restricts the use and what one agrees to, and subscribe."""
    asset = asset_at(request.user, kind, namespace, name)
    permit(asset, "subscribe")
    if asset.subscribed:
        return HttpResponseRedirect(asset.get_absolute_url())
    form = SubscribeForm(request.POST if request.method == "POST" else None, needed=services.needed_agreements(asset))
    if request.method == "POST" and form.is_valid():
        try:
            services.subscribe(asset=asset, actor=signed_in(request), agreements=form.cleaned_data["agreements"])
        except Problem as problem:
            form.add_problem(problem)
        else:
            messages.success(request, _("You subscribed to %(name)s. You will hear of new versions.") % {"name": asset.repo_id})
            return HttpResponseRedirect(asset.get_absolute_url())
    context = {"asset": asset, "head": head_of(asset, ""), "form": form, "restrictions": restrictions_of(asset, request.user)}
    return render(request, "assets/subscribe.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    """End one's subscription."""
    asset = asset_at(request.user, kind, namespace, name)
    if request.method == "POST":
        services.unsubscribe(asset=asset, actor=signed_in(request))
        messages.success(request, _("You no longer subscribe to %(name)s.") % {"name": asset.repo_id})
    return HttpResponseRedirect(_where_from(request, asset))


def _where_from(request: HttpRequest, asset: Asset) -> str:
    """Return the page of this site on which the button stood, without the name of its host."""
    page: Any = urlsplit(request.headers.get("Referer", ""))
    known = url_has_allowed_host_and_scheme(page.geturl(), allowed_hosts={request.get_host()}, require_https=request.is_secure())
    if not known or not page.path or page.path == request.path:
        return asset.get_absolute_url()
    return f"{page.path}?{page.query}" if page.query else str(page.path)

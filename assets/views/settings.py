"""The settings tab: names, new name, new owner, removal."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.authentication import signed_in
from assets import services
from assets.addresses import asset_at
from assets.forms.assets import DeleteForm, NamesForm, ProblemForm, RenameForm, TransferForm
from assets.heads import head_of
from assets.models import Asset
from assets.places import places_for
from core.permissions import require
from core.problems import Conflict, Problem
from repos.reading import branches, tags


@require_safe
def settings(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    """Show the settings of an asset to those who may change some of them."""
    asset = asset_at(request.user, kind, namespace, name)
    require(asset, "configure")
    return _page(request, asset)


@require_POST
def names(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    """Change what cards show; a commit."""
    asset = asset_at(request.user, kind, namespace, name)
    require(asset, "edit_card")
    form = NamesForm(request.POST)

    def save(values: dict[str, Any]) -> Asset:
        services.save_settings(asset=asset, actor=signed_in(request), values=values)
        return asset

    return _save(request, asset, "names", form, save, _("The names are saved."))


@require_POST
def rename(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    """Give the asset another English name."""
    asset = asset_at(request.user, kind, namespace, name)
    require(asset, "rename")
    form = RenameForm(request.POST)

    def save(values: dict[str, Any]) -> Asset:
        return services.rename_asset(asset=asset, actor=signed_in(request), name=values["name"])

    return _save(request, asset, "rename", form, save, _("The name is changed. The old address leads here."))


@require_POST
def transfer(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    """Give the asset to another owner."""
    asset = asset_at(request.user, kind, namespace, name)
    require(asset, "transfer")
    form = TransferForm(request.POST, namespaces=places_for(request.user))

    def save(values: dict[str, Any]) -> Asset:
        return services.transfer_asset(asset=asset, actor=signed_in(request), namespace=values["owner"])

    return _save(request, asset, "transfer", form, save, _("It has a new owner. The old address leads here."))


@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    """Ask for the full name and remove the asset for good."""
    asset = asset_at(request.user, kind, namespace, name)
    require(asset, "delete")
    form, status = DeleteForm(request.POST or None, asset=asset), 422 if request.method == "POST" else 200
    if request.method == "POST" and form.is_valid():
        try:
            services.delete_asset(asset=asset, actor=signed_in(request))
        except Conflict as problem:
            form.add_problem(problem)
            status = problem.status
        else:
            messages.success(request, _("%(name)s is deleted.") % {"name": asset.repo_id})
            return HttpResponseRedirect(asset.namespace.get_absolute_url())
    context = {"asset": asset, "head": head_of(asset, "settings"), "form": form}
    return render(request, "assets/delete.html", context, status=status)


def _save(
    request: HttpRequest, asset: Asset, part: str, form: ProblemForm, save: Callable[[dict[str, Any]], Asset], done: str
) -> HttpResponse:
    """Save one part of the page and show the page again, with what was wrong or what was done."""
    status = 422
    if form.is_valid():
        try:
            asset = save(form.cleaned_data)
        except Problem as problem:
            form.add_problem(problem)
            status = problem.status
        else:
            messages.success(request, done)
            back = "settings" if "configure" in asset.allowed else ""
            return HttpResponseRedirect(f"{asset.get_absolute_url()}/{back}".rstrip("/"))
    return _page(request, asset, status=status, **{part: form})


def _page(request: HttpRequest, asset: Asset, *, status: int = 200, **bound: ProblemForm) -> HttpResponse:
    repository = asset.open_repository()
    context: dict[str, Any] = {
        "asset": asset,
        "head": head_of(asset, "settings"),
        "names": NamesForm(initial={"title_zh": asset.title_zh, "description": asset.description}),
        "rename": RenameForm(initial={"name": asset.name}),
        "transfer": TransferForm(namespaces=[place for place in places_for(request.user) if place.pk != asset.namespace_id]),
        "delete": DeleteForm(asset=asset),
        "branches": branches(repository),
        "tags": tags(repository),
        **bound,
    }
    return render(request, "assets/settings.html", context, status=status)

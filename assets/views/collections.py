"""A person's collections: the list, one of them, and putting an asset into one."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.authentication import signed_in
from accounts.views.answers import attempt
from assets.addresses import asset_at
from assets.collections import collection_at, entries_of, item_at, items_of, own_collections
from assets.forms.collections import CollectForm, CollectionForm
from assets.heads import head_of
from assets.services import collections as services
from core.htmx import render_page
from core.permissions import require


@require_http_methods(["GET", "HEAD", "POST"])
def collections(request: HttpRequest) -> HttpResponse:
    """One's own collections, and a new one."""
    form = CollectionForm(request.POST or None)
    made: list[Any] = []
    if request.method == "POST" and attempt(
        form, lambda: made.append(services.create_collection(actor=signed_in(request), **form.cleaned_data))
    ):
        messages.success(request, _("Collection created. Add models and datasets from their pages."))
        return HttpResponseRedirect(made[0].get_absolute_url())
    context = {"collections": own_collections(request.user), "form": form}
    status = 422 if form.errors else 200
    return render_page(request, "assets/collections/list.html", "assets/collections/_list.html", context, status=status)


@login_not_required
@require_safe
def collection(request: HttpRequest, slug: str) -> HttpResponse:
    """One collection, as far as the viewer may see it."""
    found = collection_at(request.user, slug)
    entries = entries_of(items_of(request.user, found))
    context = {"collection": found, "entries": entries, "address": request.build_absolute_uri(found.get_absolute_url())}
    return render_page(request, "assets/collections/one.html", "assets/collections/_one.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def edit_collection(request: HttpRequest, slug: str) -> HttpResponse:
    """Title, description, who sees it; and its end."""
    found = collection_at(request.user, slug)
    require(found, "edit")
    initial = {"title": found.title, "description": found.description, "public": found.public}
    form = CollectionForm(request.POST or None, initial=initial)
    if request.method == "POST" and attempt(
        form, lambda: services.edit_collection(collection=found, actor=signed_in(request), **form.cleaned_data)
    ):
        messages.success(request, _("Collection saved."))
        return HttpResponseRedirect(found.get_absolute_url())
    context = {"collection": found, "form": form}
    status = 422 if form.errors else 200
    return render_page(request, "assets/collections/edit.html", "assets/collections/_edit.html", context, status=status)


@require_POST
def delete_collection(request: HttpRequest, slug: str) -> HttpResponse:
    """Delete a collection; its assets stay."""
    found = collection_at(request.user, slug)
    services.delete_collection(collection=found, actor=signed_in(request))
    messages.success(request, _("Collection “%(title)s” deleted.") % {"title": found.title})
    return redirect("assets:collections")


@require_POST
def change_item(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Move an item up or down, write its note, or take it out: the button that was pressed says which."""
    found = collection_at(request.user, slug)
    item, actor = item_at(request.user, found, pk), signed_in(request)
    match request.POST.get("do"):
        case "up" | "down" as way:
            services.move_item(collection=found, item=item, actor=actor, up=way == "up")
        case "remove":
            services.remove_item(collection=found, item=item, actor=actor)
            messages.success(request, _("%(name)s is no longer in the collection.") % {"name": item.asset.repo_id})
        case _:
            services.annotate_item(collection=found, item=item, actor=actor, note=request.POST.get("note", ""))
    return HttpResponseRedirect(f"{found.get_absolute_url()}#item-{pk}")


@require_http_methods(["GET", "HEAD", "POST"])
def collect(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    """Put an asset into a collection of one's own; the form also opens in the head of the asset's pages."""
    asset = asset_at(request.user, kind, namespace, name)
    own = list(own_collections(request.user))
    form = CollectForm(request.POST or None, collections=own)
    if request.method == "POST" and attempt(form, lambda: _collect(request, asset, form)):
        return HttpResponseRedirect(asset.get_absolute_url())
    context = {"asset": asset, "head": head_of(asset, ""), "form": form}
    status = 422 if form.errors else 200
    return render_page(request, "assets/collections/collect.html", "assets/collections/_collect.html", context, status=status)


def _collect(request: HttpRequest, asset: Any, form: CollectForm) -> None:
    cleaned = form.cleaned_data
    into = collection_at(request.user, cleaned["collection"]) if cleaned["collection"] else None
    found, new = services.collect_asset(
        actor=signed_in(request), asset=asset, collection=into, title=cleaned["title"], note=cleaned["note"]
    )
    said = _("%(name)s is in your collection “%(title)s” now.") if new else _("%(name)s was in your collection “%(title)s” already.")
    messages.success(request, said % {"name": asset.repo_id, "title": found.title})

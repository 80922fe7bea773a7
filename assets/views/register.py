"""Who may use an asset on application, and the register of how it came to that."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from accounts.authentication import signed_in
from assets.addresses import asset_at
from assets.deciders import terms_of
from assets.forms.access import AddUsersForm, ChosenForm, ExtendForm, RevokeForm
from assets.heads import head_of
from assets.models import Asset
from assets.persons import people_named
from assets.register import HEAD, lines_of, register_of, seen_by, state_of, users_of
from assets.services import grants
from assets.services.granting import Outcome
from core.permissions import require
from core.problems import Problem
from core.sheets import csv_response

PAGE = 50
USERS = 500


@require_safe
def access(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    """Show who may use an asset and the register."""
    return _page(request, _opened(request, kind, namespace, name))


@require_POST
def add(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    """Let people use it without an application."""
    asset = _opened(request, kind, namespace, name)
    require(asset, "configure")
    form, status = AddUsersForm(request.POST), 422
    if form.is_valid():
        try:
            users = people_named(form.cleaned_data["users"])
            made = grants.add_users(asset=asset, actor=signed_in(request), users=users, days=form.cleaned_data["days"])
        except Problem as problem:
            form.add_problem(problem)
            status = problem.status if problem.status != 400 else 422
        else:
            messages.success(request, _("Added: %(people)s.") % {"people": ", ".join(grant.user.name for grant in made)})
            return HttpResponseRedirect(_address(asset))
    return _page(request, asset, status=status, add_form=form)


@require_POST
def revoke(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    """Take the use back from those who are ticked, at once."""
    asset, form = _opened(request, kind, namespace, name), RevokeForm(request.POST)
    if form.is_valid():
        outcome = grants.revoke_many(actor=signed_in(request), ids=form.cleaned_data["ids"], reason=form.cleaned_data["reason"])
        return _done(
            request,
            asset,
            outcome,
            ngettext("%(count)d person may not use it any more.", "%(count)d people may not use it any more.", len(outcome.done)),
        )
    return _page(request, asset, status=422, revoke_form=form)


@require_POST
def extend(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    """Let the grants of those who are ticked last longer."""
    asset, form = _opened(request, kind, namespace, name), ExtendForm(request.POST)
    if form.is_valid():
        outcome = grants.extend_many(actor=signed_in(request), ids=form.cleaned_data["ids"], days=form.cleaned_data["days"])
        return _done(request, asset, outcome, ngettext("%(count)d grant lasts longer.", "%(count)d grants last longer.", len(outcome.done)))
    return _page(request, asset, status=422, extend_form=form)


@require_safe
def register_file(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponseBase:
    """Send the whole register as CSV."""
    asset = _opened(request, kind, namespace, name)
    return csv_response(f"{asset.namespace.handle}-{asset.name}-register.csv", HEAD, lines_of(asset))


def _opened(request: HttpRequest, kind: str, namespace: str, name: str) -> Asset:
    asset = asset_at(request.user, kind, namespace, name)
    require(asset, "decide")
    return asset


def _address(asset: Asset) -> str:
    return f"{asset.get_absolute_url()}/settings/access"


def _done(request: HttpRequest, asset: Asset, outcome: Outcome, words: str) -> HttpResponse:
    if outcome.done:
        messages.success(request, words % {"count": len(outcome.done)})
    for refused in outcome.refused:
        messages.error(request, _("Grant %(number)d: %(reason)s") % {"number": refused.id, "reason": refused.detail})
    return HttpResponseRedirect(_address(asset))


def _page(request: HttpRequest, asset: Asset, *, status: int = 200, **bound: AddUsersForm | ChosenForm) -> HttpResponse:
    given = request.GET.get("page", "1")
    page = int(given) if given.isascii() and given.isdigit() and 0 < len(given) < 6 and int(given) else 1
    part = register_of(asset, offset=(page - 1) * PAGE, limit=PAGE)
    users = list(users_of(asset)[:USERS])
    seen = seen_by(asset, [grant.user_id for grant in users])
    context: dict[str, Any] = {
        "asset": asset,
        "head": head_of(asset, "settings"),
        "users": [(grant, grant.user_id in seen) for grant in users],
        "entries": [(entry, state_of(entry)) for entry in part.entries],
        "previous": f"?page={page - 1}#register" if page > 1 else "",
        "next": f"?page={page + 1}#register" if part.more else "",
        "add_form": AddUsersForm(initial={"days": terms_of(asset).grant_days}),
        "base": _address(asset),
        **bound,
    }
    return render(request, "assets/access/access.html", context, status=status)

"""Branches and versions (tags)."""

from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.models import User
from assets.forms.files import RefForm
from assets.revisions import Place, open_asset, place_at, plain
from assets.services import create_version, delete_version
from assets.views.files import frame
from core.htmx import render_page
from core.permissions import require
from core.problems import Problem
from repos import reading
from repos.models import Ref
from repos.models.git import HEADS, TAGS

PREFIXES = {RefForm.TAG: TAGS, RefForm.BRANCH: HEADS}


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def versions(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    """List branches and versions, and make a new one."""
    asset = open_asset(request.user, kind, namespace, name, "preview")
    place = place_at(asset, asset.repository.default_branch)
    form = RefForm(request.POST or None, verbs=asset.allowed, initial={"revision": request.GET.get("revision", place.name)})
    if request.method == "POST":
        chosen = request.POST.get("type", "")
        require(asset, chosen if chosen in PREFIXES else RefForm.TAG)
        if form.is_valid() and (made := _make(request, place, form)):
            messages.success(request, _("“%(name)s” is made.") % {"name": made.short})
            return HttpResponseRedirect(place.page("versions"))
    context = frame(place) | {
        "form": form if asset.allowed & set(PREFIXES) else None,
        "rows": [_row(place, ref) for ref in reading.tags(place.revision.repository)],
        "branch_rows": [_row(place, ref) for ref in reading.branches(place.revision.repository)],
        "delete_url": place.page("delete_version"),
    }
    return render_page(request, "assets/files/versions.html", "assets/files/_versions.html", context, status=422 if form.errors else 200)


def _make(request: HttpRequest, place: Place, form: RefForm) -> Ref | None:
    try:
        source = place_at(place.asset, form.cleaned_data["revision"])
    except Problem as problem:
        form.add_error("revision", str(problem.detail))
        return None
    name = PREFIXES[form.cleaned_data["type"]] + form.cleaned_data["name"].strip()
    try:
        return create_version(asset=place.asset, actor=cast(User, request.user), name=name, revision=source.revision.commit.sha)
    except Problem as problem:
        if problem.status == 403:
            raise
        form.add_error("name", str(problem.detail))
        return None


def _row(place: Place, ref: Ref) -> dict[str, object]:
    verb = RefForm.BRANCH if ref.is_branch else RefForm.TAG
    default = ref.is_branch and ref.short == place.asset.repository.default_branch
    return {
        "ref": ref,
        "url": place.address(revision=ref.short, path=""),
        "zip_url": place.address("zip", revision=ref.short, path=""),
        "commit_url": place.page("commit", sha=ref.commit),
        "default": default,
        "deletable": verb in place.asset.allowed and not default,
    }


@require_http_methods(["GET", "POST"])
def forget(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    """Ask, then remove a branch or version; its commits stay where another one leads to them."""
    given = plain((request.POST if request.method == "POST" else request.GET).get("ref", ""))
    asset = open_asset(request.user, kind, namespace, name, RefForm.TAG if given.startswith(TAGS) else RefForm.BRANCH)
    place = place_at(asset, given)
    ref = place.revision.ref
    if ref is None or ref.name != given:
        raise Problem("ref_not_found", _("Name the branch or version in full: refs/tags/v1.0."), status=404)
    if request.method == "POST":
        delete_version(asset=asset, actor=cast(User, request.user), name=given)
        messages.success(request, _("“%(name)s” is deleted.") % {"name": ref.short})
        return HttpResponseRedirect(place.page("versions"))
    return render(request, "assets/files/delete_version.html", frame(place) | {"ref": ref, "back": place.page("versions")})

"""Publishing, delisting and reviewing."""

from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST
from django_htmx.http import HttpResponseClientRedirect

from accounts.authentication import signed_in
from assets import services
from assets.addresses import asset_at
from assets.forms.publishing import ApproveForm, DelistForm, PublishForm, RejectForm
from assets.heads import head_of
from assets.models import Asset, Submission
from assets.publication import Publication, submission_at
from core.htmx import render_page
from core.permissions import require
from core.problems import Problem


@require_http_methods(["GET", "HEAD", "POST"])
def publish(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    """Show how the asset is published, and publish it or change the ranges and the terms."""
    asset = asset_at(request.user, kind, namespace, name)
    require(asset, "publish")
    actor, publication = signed_in(request), Publication(asset)
    form = PublishForm(request.POST if request.method == "POST" else None, publication=publication, user=actor)
    status, do = 200, request.POST.get("do", "")
    if request.method == "POST" and do:
        try:
            form.step(do)
        except Problem as problem:
            status = problem.status
            form.add_problem(problem)
    elif request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                asset = _save(asset, actor, form)
            except Problem as problem:
                form.add_problem(problem)
                status = problem.status if problem.status != 400 else 422
            else:
                messages.success(request, _done(asset, form))
                return _leave(request, f"{asset.get_absolute_url()}/publish" if not form.submits else asset.get_absolute_url())
    focus = {"questions" if "question" in do else do.removeprefix("find_"): True} if do else {}
    context = {"asset": asset, "head": head_of(asset, "settings"), "page": publication, "form": form, "focus": focus}
    return render_page(request, "assets/publish.html", "assets/_publish.html", context, status=status)


def _save(asset: Asset, actor: Any, form: PublishForm) -> Asset:
    """Write terms, approvers and ranges together or not at all."""
    with transaction.atomic():
        terms = form.terms()
        if terms is not None:
            services.set_terms(asset=asset, actor=actor, **terms)
            services.set_approvers(asset=asset, actor=actor, users=form.users())
        write = services.publish_asset if form.submits else services.set_ranges
        return write(asset=asset, actor=actor, **form.ranges())


def _done(asset: Asset, form: PublishForm) -> str:
    if not form.submits:
        return _("Saved. It counts from now on.")
    if asset.state == Asset.State.REVIEW:
        return _("%(name)s is submitted. You will hear when it is decided.") % {"name": asset.repo_id}
    return _("%(name)s is published.") % {"name": asset.repo_id}


def _leave(request: HttpRequest, address: str) -> HttpResponse:
    """Go to another page; a form in a dialog is told to take the whole page along."""
    if getattr(request, "htmx", False):
        return HttpResponseClientRedirect(address)
    return HttpResponseRedirect(address)


@require_POST
def withdraw(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    """Take the asset back from review."""
    asset = asset_at(request.user, kind, namespace, name)
    require(asset, "publish")
    services.withdraw_submission(asset=asset, actor=signed_in(request))
    messages.success(request, _("It is withdrawn from review. You can submit it again at any time."))
    return HttpResponseRedirect(f"{asset.get_absolute_url()}/publish")


@require_http_methods(["GET", "HEAD", "POST"])
def delist(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    """Ask for a reason and take the asset off the shelf."""
    asset = asset_at(request.user, kind, namespace, name)
    require(asset, "publish")
    form, status = DelistForm(request.POST or None), 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                services.delist_asset(asset=asset, actor=signed_in(request), **form.cleaned_data)
            except Problem as problem:
                form.add_problem(problem)
                status = problem.status
            else:
                messages.success(request, _("%(name)s is delisted.") % {"name": asset.repo_id})
                return HttpResponseRedirect(asset.get_absolute_url())
    return render(request, "assets/delist.html", {"asset": asset, "head": head_of(asset, "settings"), "form": form}, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
def review(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    """Show what was submitted to a reviewer, and take the decision."""
    submission = submission_at(request.user, kind, namespace, name)
    if submission.state != Submission.State.PENDING:
        return render(request, "assets/reviewed.html", {"submission": submission}, status=200 if request.method != "POST" else 409)
    asset = asset_at(request.user, kind, namespace, name)
    require(asset, "review")
    publication = Publication(asset)
    rejects = request.POST.get("decision") == "reject"
    approve = ApproveForm(
        request.POST if request.method == "POST" and not rejects else None, moved=publication.moved, initial={"revision": publication.head}
    )
    reject = RejectForm(request.POST if request.method == "POST" and rejects else None)
    form, status = (reject if rejects else approve), 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                _decide(submission, signed_in(request), form, rejects)
            except Problem as problem:
                form.add_problem(problem)
                status = problem.status
            else:
                words = _("%(name)s is rejected.") if rejects else _("%(name)s is published.")
                messages.success(request, words % {"name": asset.repo_id})
                return HttpResponseRedirect(f"{asset.get_absolute_url()}/review")
    context = {
        "asset": asset, "head": head_of(asset, ""), "page": publication, "submission": submission, "approve": approve, "reject": reject,
        "own": submission.submitter_id == signed_in(request).pk and not signed_in(request).is_superuser,
    }  # fmt: skip
    return render(request, "assets/review.html", context, status=status)


def _decide(submission: Submission, actor: Any, form: Any, rejects: bool) -> None:
    if rejects:
        services.reject_submission(submission=submission, actor=actor, **form.cleaned_data)
    else:
        services.approve_submission(submission=submission, actor=actor, revision=form.cleaned_data["revision"])

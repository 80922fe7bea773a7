"""Asking for the use of an asset, and what became of one's own requests."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.authentication import signed_in
from assets.addresses import asset_at
from assets.availability import Availability
from assets.deciders import terms_of
from assets.forms.access import ApplyForm, ReplyForm
from assets.heads import head_of
from assets.models import Application, Asset, Grant
from assets.requests import requests_of
from assets.services import applications, grants
from core.htmx import render_page
from core.paging import Order, page_of
from core.problems import Problem

PAGE = 20
NEWEST = Order("newest", "pk", kind=int)


@require_http_methods(["GET", "HEAD", "POST"])
def apply(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    """Ask for the use of an asset; `?renews=` names a grant of one's own that the request follows."""
    asset = asset_at(request.user, kind, namespace, name)
    renews = _renewed(request)
    if request.method != "POST" and (elsewhere := _elsewhere(request, asset, renews)):
        return elsewhere
    terms, status = terms_of(asset), 200
    form = ApplyForm(request.POST or None, terms=terms, initial=_said(request, asset, renews))
    if request.method == "POST":
        if request.FILES:
            raise Problem("files_not_allowed", _("Files cannot be sent with a request. Describe what you need in words."))
        status = 422
        if form.is_valid():
            try:
                made = applications.apply(asset=asset, actor=signed_in(request), renews=renews, **form.values())
            except Problem as problem:
                form.add_problem(problem)
                status = problem.status
            else:
                return _sent(request, made, asset)
    context = {
        "asset": asset,
        "head": head_of(asset, "card"),
        "form": form,
        "terms": terms,
        "availability": Availability(request.user, asset),
        "renews": renews,
    }
    return render(request, "assets/access/apply.html", context, status=status)


def _sent(request: HttpRequest, made: Application, asset: Asset) -> HttpResponse:
    if made.state == made.State.APPROVED:
        messages.success(request, _("You may use it from now on."))
        return HttpResponseRedirect(asset.get_absolute_url())
    messages.success(request, _("Your request is sent. You are told as soon as somebody decides."))
    return HttpResponseRedirect(f"{reverse('assets:requests')}#request-{made.pk}")


def _renewed(request: HttpRequest) -> Grant | None:
    given = request.GET.get("renews", "")
    if not given:
        return None
    rows = Grant.objects.for_user(request.user).select_related("application").own()
    row = rows.filter(pk=int(given)).first() if given.isascii() and given.isdigit() and len(given) < 19 else None
    if row is None:
        raise grants.missing()
    return row


def _said(request: HttpRequest, asset: Asset, renews: Grant | None) -> dict[str, Any]:
    """Return what was said the last time."""
    if renews is not None:
        former = renews.application
    else:
        former = Application.objects.for_user(request.user).own().filter(asset=asset.pk).order_by("-pk").first()
    return {"reason": former.reason, **{f"answers.{key}": value for key, value in former.answers.items()}} if former else {}


def _elsewhere(request: HttpRequest, asset: Asset, renews: Grant | None) -> HttpResponse | None:
    """Return the way to where somebody is led who need not fill in the form."""
    waiting = Application.objects.for_user(request.user).open().own().filter(asset=asset.pk).first()
    if waiting is not None:
        messages.info(request, _("You have applied already."))
        return HttpResponseRedirect(f"{reverse('assets:requests')}#request-{waiting.pk}")
    if "apply" not in asset.allowed and renews is None:
        messages.info(request, _("You need not apply for this."))
        return HttpResponseRedirect(asset.get_absolute_url())
    return None


@require_safe
def requests(request: HttpRequest) -> HttpResponse:
    """Show one's own requests, then what one may use without having asked."""
    user = signed_in(request)
    related = ("asset__namespace", "asset__repository", "decider", "grant__granter")
    rows = Application.objects.for_user(user).own().select_related(*related)
    page = page_of(rows, NEWEST, cursor=request.GET.get("cursor", ""), limit=PAGE)
    direct = Grant.objects.for_user(user).own().filter(application=None).order_by("-pk")
    given = [] if request.GET.get("cursor") else list(direct.select_related("asset__namespace", "asset__repository", "granter")[:PAGE])
    context = {
        "requests": requests_of(user, page.rows),
        "given": requests_of(user, given),
        "reply_form": ReplyForm(),
        "previous": f"?cursor={page.previous}" if page.previous else "",
        "next": f"?cursor={page.next}" if page.next else "",
    }
    return render_page(request, "assets/access/requests.html", "assets/access/_requests.html", context)


@require_POST
def withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    """Take back one's own request."""
    return _step(request, pk, lambda row: applications.withdraw(application=row, actor=signed_in(request)), _("Your request is withdrawn."))


@require_POST
def remind(request: HttpRequest, pk: int) -> HttpResponse:
    """Remind those who decide."""
    return _step(request, pk, lambda row: applications.remind(application=row, actor=signed_in(request)), _("The approvers are reminded."))


@require_POST
def reply(request: HttpRequest, pk: int) -> HttpResponse:
    """Answer what was asked back."""
    text = request.POST.get("reply", "")
    return _step(
        request, pk, lambda row: applications.reply(application=row, actor=signed_in(request), text=text), _("Your answer is sent.")
    )


@require_POST
def renew(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask for another term of one's own grant with one click; changed terms lead to the form."""
    grant = Grant.objects.for_user(request.user).select_related("asset__namespace").own().filter(pk=pk).first()
    if grant is None:
        raise grants.missing()
    try:
        made = grants.renew(grant=grant, actor=signed_in(request))
    except Problem as problem:
        if problem.code == "terms_changed":
            messages.info(request, str(problem.detail))
            return HttpResponseRedirect(f"{grant.asset.get_absolute_url()}/apply?renews={grant.pk}")
        messages.error(request, str(problem.detail))
        return HttpResponseRedirect(f"{reverse('assets:requests')}#grant-{grant.pk}")
    approved = made.state == made.State.APPROVED
    messages.success(
        request, _("You may go on using it.") if approved else _("Your request is sent. You are told as soon as somebody decides.")
    )
    return HttpResponseRedirect(f"{reverse('assets:requests')}#request-{made.pk}")


def _step(request: HttpRequest, pk: int, act: Callable[[Application], Any], done: str) -> HttpResponse:
    """Do one step of one's own request and show the list again; what stands in the way is said there."""
    row = Application.objects.for_user(request.user).own().filter(pk=pk).first()
    if row is None:
        raise applications.missing()
    try:
        act(row)
    except Problem as problem:
        messages.error(request, " ".join(problem.messages) or str(problem.detail))
    else:
        messages.success(request, done)
    return HttpResponseRedirect(f"{reverse('assets:requests')}#request-{pk}")

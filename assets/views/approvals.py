"""What people asked for that one decides on."""

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext
from django.views.decorators.http import require_POST, require_safe

from accounts.authentication import signed_in
from accounts.models import Membership
from assets.answers import check_text
from assets.deciders import terms_of
from assets.forms.access import DecideForm, DecideManyForm
from assets.models import Application
from assets.services import applications
from core.htmx import render_page
from core.paging import Order, page_of
from core.problems import Problem

PAGE = 30
NEWEST = Order("newest", "pk", kind=int)
STATES: Mapping[str, tuple[str, ...]] = {
    "open": Application.OPEN,
    "approved": (Application.State.APPROVED,),
    "declined": (Application.State.REJECTED,),
}


@require_safe
def approvals(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """Show what waits, or what was decided, beside one request: the chosen one, else the first."""
    return _page(request, pk)


def _page(request: HttpRequest, pk: int | None, form: DecideForm | None = None, status: int = 200) -> HttpResponse:
    rows, chosen = _rows(request), None
    if pk is not None:
        chosen = rows.filter(pk=pk).first()
        if chosen is None:
            raise applications.missing()
    state = request.GET.get("state", "") or (_filter_of(chosen) if chosen else "open")
    state = state if state in STATES else "open"
    page = page_of(rows.filter(state__in=STATES[state]), NEWEST, cursor=request.GET.get("cursor", ""), limit=PAGE)
    shown = chosen or next(iter(page.rows), None)
    context: dict[str, Any] = {
        "rows": page.rows,
        "state": state,
        "filters": _filters(rows, state),
        "chosen": shown,
        "is_chosen": chosen is not None,
        "previous": f"{reverse('assets:approvals')}?{urlencode({'state': state, 'cursor': page.previous})}" if page.previous else "",
        "next": f"{reverse('assets:approvals')}?{urlencode({'state': state, 'cursor': page.next})}" if page.next else "",
        **(_about(request, shown, form) if shown else {}),
    }
    return render_page(request, "assets/access/approvals.html", "assets/access/_approvals.html", context, status=status)


@require_POST
def decide(request: HttpRequest, pk: int) -> HttpResponse:
    """Approve, decline or ask back."""
    row = _rows(request).filter(pk=pk).first()
    if row is None:
        raise applications.missing()
    form, decision = DecideForm(request.POST), request.POST.get("decision", "")
    if decision not in ("approve", "reject", "ask"):
        raise Problem("bad_decision", _("Choose approve, decline or ask."))
    status = 422
    if form.is_valid():
        try:
            done = _decide(request, row, decision, form.cleaned_data)
        except Problem as problem:
            form.add_problem(problem)
            status = problem.status if problem.status != 400 else 422
        else:
            messages.success(request, done)
            return HttpResponseRedirect(reverse("assets:approvals"))
    return _page(request, pk, form, status)


def _decide(request: HttpRequest, row: Application, decision: str, values: dict[str, Any]) -> str:
    """Carry the decision out and return what is said about it."""
    actor, facts = signed_in(request), {"name": row.applicant.name}
    if decision == "approve":
        applications.approve(application=row, actor=actor, days=values["days"], note=values["note"])
        return _("Approved the request of %(name)s.") % facts
    if decision == "reject":
        applications.reject(application=row, actor=actor, note=values["note"])
        return _("Declined the request of %(name)s.") % facts
    question = check_text(values["note"], "note", required=True)
    applications.ask_back(application=row, actor=actor, question=question)
    return _("%(name)s is asked.") % facts


@require_POST
def decide_many(request: HttpRequest) -> HttpResponse:
    """Approve or decline those that are ticked, each on its own; the answer says what did not go through."""
    form = DecideManyForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Choose at least one request, and what to do."))
        return HttpResponseRedirect(reverse("assets:approvals"))
    values = form.cleaned_data
    try:
        outcome = applications.decide_many(actor=signed_in(request), **values)
    except Problem as problem:
        messages.error(request, " ".join(problem.messages) or str(problem.detail))
        return HttpResponseRedirect(reverse("assets:approvals"))
    if outcome.done:
        count = len(outcome.done)
        approved = ngettext("%(count)d request approved.", "%(count)d requests approved.", count)
        declined = ngettext("%(count)d request declined.", "%(count)d requests declined.", count)
        messages.success(request, (approved if values["decision"] == "approve" else declined) % {"count": count})
    for refused in outcome.refused:
        messages.error(request, _("Request %(number)d: %(reason)s") % {"number": refused.id, "reason": refused.detail})
    return HttpResponseRedirect(reverse("assets:approvals"))


def _rows(request: HttpRequest) -> QuerySet[Application]:
    """Return what this person decides on; own requests are decided by others."""
    rows = Application.objects.for_user(request.user).decidable().exclude(applicant=request.user.pk)
    return rows.select_related("asset__namespace", "applicant", "decider", "renews", "grant")


def _filters(rows: QuerySet[Application], state: str) -> list[tuple[str, str, int | None, bool]]:
    """Return the words, the address, the count where it matters, and whether it is the present one, of each filter."""
    address = reverse("assets:approvals")
    names = {"open": pgettext("state of a request", "Open"), "approved": _("Approved"), "declined": _("Declined")}
    waiting = rows.filter(state__in=Application.OPEN).count()
    return [
        (names[code], address if code == "open" else f"{address}?state={code}", waiting if code == "open" else None, code == state)
        for code in STATES
    ]


def _filter_of(row: Application) -> str:
    return next((code for code, states in STATES.items() if row.state in states), "open")


def _about(request: HttpRequest, row: Application, form: DecideForm | None) -> dict[str, Any]:
    """Return what one should know before deciding."""
    earlier = _rows(request).filter(asset=row.asset_id, applicant=row.applicant_id).exclude(pk=row.pk)
    counts = dict(earlier.order_by().values_list("state").annotate(count=Count("pk")))
    groups = Membership.objects.for_user(request.user).filter(user=row.applicant_id).select_related("organisation")
    days = terms_of(row.asset).grant_days
    return {
        "answers": [(question["label"], _shown(question, row.answers)) for question in row.questions],
        "organisations": [membership.organisation for membership in groups.order_by("organisation__handle")],
        "earlier": {"approved": counts.get("approved", 0), "declined": counts.get("rejected", 0), "all": sum(counts.values())},
        "form": form or DecideForm(initial={"days": days}),
        "days": days,
    }


def _shown(question: Mapping[str, Any], answers: Mapping[str, Any]) -> Any:
    given = answers.get(question["id"])
    if question["kind"] == "check":
        return _("Yes") if given else _("No")
    return given or "–"

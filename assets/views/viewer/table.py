"""The tables of a dataset, how far their reading is, and what their columns hold."""

from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_POST, require_safe

from assets.heads import head_of
from assets.tables.asking import Question, question_of
from assets.tables.heads import Head, heads_of
from assets.tables.opening import Tables, open_tables
from assets.tables.states import config_errors, state_of
from assets.tables.viewer import Viewer
from core.htmx import render_page
from core.problems import Conflict, Missing
from inspection.models import Sheet
from inspection.services import inspect_again


@login_not_required
@require_safe
@cache_control(private=True, no_cache=True)
def preview(request: HttpRequest, namespace: str, name: str) -> HttpResponse:
    """Show a hundred rows of a split below the heads of its columns."""
    tables = open_tables(request.user, namespace, name, request.GET.get("revision", ""))
    viewer = Viewer(request.user, tables, request.GET)
    rows = viewer.rows
    context = frame(tables) | {
        "viewer": viewer,
        "sheet": viewer.sheet,
        "rows": rows,
        "state": viewer.state,
        "config_errors": config_errors(tables),
        # Whoever is typing keeps the focus; after a click it goes to what came.
        "focus": "viewer-search" not in request.headers.get("HX-Source", ""),
    }
    status = viewer.problem.status if viewer.problem else 200
    return render_page(request, "assets/viewer/preview.html", "assets/viewer/_rows.html", context, status=status)


@login_not_required
@require_safe
@cache_control(private=True, no_cache=True)
def reading(request: HttpRequest, namespace: str, name: str) -> HttpResponse:
    """Show how far the reading is; the page asks again until it is over, and is then loaded anew."""
    tables = open_tables(request.user, namespace, name, request.GET.get("revision", ""))
    state = state_of(tables)
    context = frame(tables) | {"state": state}
    response = render_page(request, "assets/viewer/reading.html", "assets/viewer/_state.html", context)
    if not state.is_moving:
        response["HX-Refresh"] = "true"
    return response


@require_POST
def again(request: HttpRequest, namespace: str, name: str) -> HttpResponse:
    """Have the tables of the commit read again."""
    tables = open_tables(request.user, namespace, name, request.GET.get("revision", ""))
    if tables.inspection is None:
        raise Missing("not_inspected", _("Nothing of this commit was read. Only what branches and tags lead to is."))
    try:
        inspect_again(inspection=tables.inspection, actor=request.user)  # type: ignore[arg-type]
    except Conflict:
        # Somebody else asked for the same: what is wanted happens.
        pass
    return HttpResponseRedirect(tables.address())


@login_not_required
@require_safe
@cache_control(private=True, no_cache=True)
def statistics(request: HttpRequest, namespace: str, name: str) -> HttpResponse:
    """Show what every column of a split holds."""
    tables, sheet = open_sheet(request, namespace, name)
    context = frame(tables) | {"sheet": sheet, "heads": heads_of(tables, sheet, Question()), "back_url": _back(tables, sheet)}
    return render(request, "assets/viewer/statistics.html", context)


@login_not_required
@require_safe
@cache_control(private=True, no_cache=True)
def column(request: HttpRequest, namespace: str, name: str) -> HttpResponse:
    """Show what one column holds, with the ways to sort and filter by it."""
    tables, sheet = open_sheet(request, namespace, name)
    question = question_of(request.GET)
    wanted = request.GET.get("column", "")
    found = next((one for one in sheet.columns if one["name"] == wanted), None)
    if found is None:
        raise Missing("unknown_column", _("There is no column “%(column)s”.") % {"column": wanted[:100]})
    head = Head(tables, sheet, question, found)
    context = frame(tables) | {"sheet": sheet, "column": head, "back_url": _back(tables, sheet, question)}
    return render_page(request, "assets/viewer/column.html", "assets/viewer/_column.html", context)


def open_sheet(request: HttpRequest, namespace: str, name: str) -> tuple[Tables, Sheet]:
    """Return the tables and the split that the address names, opened for whoever asks."""
    tables = open_tables(request.user, namespace, name, request.GET.get("revision", ""))
    return tables, tables.sheet(request.GET.get("config", ""), request.GET.get("split", ""))


def frame(tables: Tables) -> dict[str, Any]:
    """Return what every page of the preview shows around its content."""
    return {"asset": tables.asset, "tables": tables, "head": head_of(tables.asset, "preview")}


def _back(tables: Tables, sheet: Sheet, question: Question = Question()) -> str:
    return tables.address("preview", config=sheet.config, split=sheet.split, **question.words)

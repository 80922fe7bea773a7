"""One row, one cell, and the pictures and sounds in them."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from assets.tables.asking import row_of
from assets.tables.grid import Whole, rows_of
from assets.tables.media import send_media, send_thumbnail
from assets.tables.opening import Tables
from assets.views.viewer.table import frame, open_sheet
from core.htmx import render_page
from inspection.files import Unreadable
from inspection.models import Sheet
from inspection.tables import rows
from inspection.tables.parts import table
from inspection.tables.wording_query import problem

ROOM = 1000


@login_not_required
@require_safe
@cache_control(private=True, no_cache=True)
def row(request: HttpRequest, namespace: str, name: str) -> HttpResponse:
    """Show one row from top to bottom, with the ways to the rows before and after it."""
    tables, sheet = open_sheet(request, namespace, name)
    number = row_of(request.GET, sheet) - 1
    try:
        found = rows.page(table(sheet), offset=number, limit=1)
    except Unreadable as error:
        raise problem(error) from error
    context = frame(tables) | {
        "sheet": sheet,
        "row": rows_of(tables, sheet, found, room=ROOM)[0],
        "previous": _row_url(tables, sheet, number - 1),
        "next": _row_url(tables, sheet, number + 1),
        "back_url": _back(tables, sheet, number),
    }
    return render_page(request, "assets/viewer/row.html", "assets/viewer/_row.html", context)


@login_not_required
@require_safe
@cache_control(private=True, no_cache=True)
def cell(request: HttpRequest, namespace: str, name: str) -> HttpResponse:
    """Show one cell as a whole."""
    tables, sheet = open_sheet(request, namespace, name)
    number, column = row_of(request.GET, sheet) - 1, request.GET.get("column", "")
    try:
        found = rows.cell(table(sheet), row=number, column=column)
    except Unreadable as error:
        raise problem(error) from error
    context = frame(tables) | {
        "sheet": sheet,
        "number": number + 1,
        "column": column,
        "cell": Whole(found),
        "media_url": tables.address("preview/media", config=sheet.config, split=sheet.split, row=number + 1, column=column),
        "row_url": _row_url(tables, sheet, number),
        "back_url": _back(tables, sheet, number),
    }
    return render_page(request, "assets/viewer/cell.html", "assets/viewer/_cell.html", context)


@login_not_required
@require_safe
def media(request: HttpRequest, namespace: str, name: str) -> HttpResponseBase:
    """Send the picture or sound of a cell as it is, or with `?thumbnail=` a small picture of it."""
    tables, sheet = open_sheet(request, namespace, name)
    number, column = row_of(request.GET, sheet) - 1, request.GET.get("column", "")
    if side := request.GET.get("thumbnail", ""):
        return send_thumbnail(request, tables, sheet, row=number, column=column, side=side)
    return send_media(request, tables, sheet, row=number, column=column)


def _row_url(tables: Tables, sheet: Sheet, number: int) -> str:
    if not 0 <= number < sheet.rows:
        return ""
    return tables.address("preview/row", config=sheet.config, split=sheet.split, row=number + 1)


def _back(tables: Tables, sheet: Sheet, number: int) -> str:
    return tables.address("preview", config=sheet.config, split=sheet.split, row=number + 1)

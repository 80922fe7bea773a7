"""REST for the tables of a dataset: splits, rows, statistics, cells, pictures and sounds, SQL."""

from typing import Any

from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from assets.api.assets import BAD, MISSING, REFUSED
from assets.api.parts import AssetPart, body, text
from assets.serializers.tables import (
    CellShape,
    QueryShape,
    QueryTablesShape,
    ResultShape,
    RowsShape,
    StatisticsOfTableShape,
    TablesShape,
    cell_data,
    result_data,
    rows_data,
    statistics_data,
    tables_data,
)
from assets.tables.asking import PAGE, answer, question_of, row_of, whole
from assets.tables.media import SIDES, send_media, send_thumbnail
from assets.tables.opening import Tables, tables_of
from assets.tables.queries import check_rate, named, run
from assets.tables.states import state_of
from core.problems import Missing
from inspection.files import Unreadable
from inspection.models import Sheet
from inspection.tables import rows
from inspection.tables.parts import table
from inspection.tables.rows import MOST_ROWS
from inspection.tables.wording_query import problem

PRIVATE = {"Cache-Control": "private, no-cache"}
REVISION = OpenApiParameter("revision", str, description="Branch, tag or commit; the default branch without it.")
SPLIT = [
    REVISION,
    OpenApiParameter("config", str, description="Subset; the default one without it."),
    OpenApiParameter("split", str, description="The first one that could be read without it."),
]
CELL = [
    *SPLIT,
    OpenApiParameter("row", int, required=True, description="From 1, over the whole split."),
    OpenApiParameter("column", str, required=True),
]
ANSWERS = {400: BAD, 403: REFUSED, 404: MISSING}


class TablesViewSet(AssetPart):
    """The tables of a dataset."""

    verbs = {"list": "preview", "rows": "preview", "statistics": "preview", "cell": "preview", "media": "preview"}

    def tables(self, request: Request, namespace: str, name: str) -> Tables:
        """Return the tables for this caller, who needs the verb of the action."""
        return tables_of(self.open(request, "datasets", namespace, name), request.query_params.get("revision", ""))

    def sheet(self, request: Request, namespace: str, name: str) -> tuple[Tables, Sheet]:
        """Return the tables and the split that is asked for."""
        tables = self.tables(request, namespace, name)
        if not tables.sheets:
            raise Missing("no_tables", _("There are no tables here. Ask “tables” for the reason."), extra={"state": state_of(tables).code})
        return tables, tables.sheet(request.query_params.get("config", ""), request.query_params.get("split", ""))

    @extend_schema(operation_id="tables_list", parameters=[REVISION], responses={200: TablesShape, **ANSWERS})
    def list(self, request: Request, namespace: str, name: str) -> Response:
        """Show subsets, splits, columns, and what could not be read."""
        tables = self.tables(request, namespace, name)
        sheets = tables.described()
        return Response(tables_data(tables, state_of(tables), sheets), headers=PRIVATE)

    @extend_schema(
        operation_id="tables_rows",
        parameters=[
            *SPLIT,
            OpenApiParameter("offset", int),
            OpenApiParameter("limit", int, description=f"{PAGE} unless given, at most {MOST_ROWS}."),
            OpenApiParameter("search", str, description="Any text column holds this, in whatever letters."),
            OpenApiParameter("filter", str, many=True, description='Such as `score >= 3 and name contains "pump"`; every one must hold.'),
            OpenApiParameter("sort", str, description="A column; empty cells come last."),
            OpenApiParameter("order", str, enum=["asc", "desc"]),
        ],
        responses={200: RowsShape, **ANSWERS},
    )
    def rows(self, request: Request, namespace: str, name: str) -> Response:
        """Show rows of a split, all of them or those that a search and filters leave."""
        tables, sheet = self.sheet(request, namespace, name)
        question = question_of(request.query_params, limit=max(1, whole(request.query_params, "limit", PAGE, MOST_ROWS)))
        found = answer(table(sheet), question)
        place = {"revision": tables.given, "config": sheet.config, "split": sheet.split}
        address = reverse("assets_api:tables_media", kwargs={"namespace": namespace, "name": name})
        media = request.build_absolute_uri(f"{address}?{urlencode({key: value for key, value in place.items() if value})}")
        return Response(rows_data(tables, sheet, question, found, media), headers=PRIVATE)

    @extend_schema(operation_id="tables_statistics", parameters=SPLIT, responses={200: StatisticsOfTableShape, **ANSWERS})
    def statistics(self, request: Request, namespace: str, name: str) -> Response:
        """Show what every column of a split holds."""
        return Response(statistics_data(*self.sheet(request, namespace, name)), headers=PRIVATE)

    @extend_schema(operation_id="tables_cell", parameters=CELL, responses={200: CellShape, **ANSWERS})
    def cell(self, request: Request, namespace: str, name: str) -> Response:
        """Show one cell as a whole."""
        tables, sheet = self.sheet(request, namespace, name)
        row, column = row_of(request.query_params, sheet), request.query_params.get("column", "")
        try:
            found = rows.cell(table(sheet), row=row - 1, column=column)
        except Unreadable as error:
            raise problem(error) from error
        return Response(cell_data(tables, sheet, row, column, found), headers=PRIVATE)

    @extend_schema(
        operation_id="tables_media",
        parameters=[*CELL, OpenApiParameter("thumbnail", str, enum=[*SIDES], description="A small picture, as WebP.")],
        responses={
            (200, "application/octet-stream"): OpenApiTypes.BINARY,
            (200, "image/webp"): OpenApiTypes.BINARY,
            302: OpenApiResponse(description="To the object store."),
            **ANSWERS,
        },
    )
    def media(self, request: Request, namespace: str, name: str) -> HttpResponseBase:
        """Send the picture or sound of a cell; ranges and `If-None-Match` are honoured."""
        tables, sheet = self.sheet(request, namespace, name)
        row, column = row_of(request.query_params, sheet) - 1, request.query_params.get("column", "")
        if side := request.query_params.get("thumbnail", ""):
            return send_thumbnail(request._request, tables, sheet, row=row, column=column, side=side)
        return send_media(request._request, tables, sheet, row=row, column=column)


class QueriesViewSet(AssetPart):
    """SQL over the tables of a dataset."""

    verbs = {"list": "preview", "create": "preview"}

    @extend_schema(operation_id="tables_sql_names", parameters=[REVISION], responses={200: QueryTablesShape, **ANSWERS})
    def list(self, request: Request, namespace: str, name: str) -> Response:
        """Show the names that splits have in SQL."""
        tables = tables_of(self.open(request, "datasets", namespace, name), request.query_params.get("revision", ""))
        found: list[dict[str, Any]] = [
            {"name": one.name, "config": one.sheet.config, "split": one.sheet.split, "rows": one.sheet.rows} for one in named(tables)
        ]
        return Response({"tables": found}, headers=PRIVATE)

    @extend_schema(
        operation_id="tables_sql",
        request=QueryShape,
        responses={200: ResultShape, **ANSWERS, 429: OpenApiResponse(description="`throttled`: more than thirty queries in a minute.")},
    )
    def create(self, request: Request, namespace: str, name: str) -> Response:
        """Run one statement that reads, in a process of its own that reaches nothing but these tables."""
        asset = self.open(request, "datasets", namespace, name)
        given = body(request)
        statement = text(given, "sql", required=True)
        tables = tables_of(asset, text(given, "revision"))
        if not tables.sheets:
            raise Missing("no_tables", _("There are no tables here. Ask “tables” for the reason."), extra={"state": state_of(tables).code})
        check_rate(request._request)
        return Response(result_data(run(tables, statement)), headers=PRIVATE)

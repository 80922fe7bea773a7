"""Pages by cursor: each starts after a known row, so that pages stay whole while rows come and go, at any depth and equally fast.

The cursor holds the sort value and the id of the row it follows. Rows with equal values are told apart by their id, so any
number of them may share a value.
"""

import base64
import binascii
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from django.db.models import Model, Q, QuerySet
from django.http import QueryDict
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework.exceptions import ValidationError
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from core.problems import Problem

M = TypeVar("M", bound=Model)
LIMIT, MOST = 30, 100


@dataclass(frozen=True)
class Order:
    """A sort by `field` (a column or an annotation), then by id in the same direction; an index should serve it."""

    code: str
    field: str
    descending: bool = True
    kind: type = str

    def value(self, given: Any) -> Any:
        """Return a cursor's value as the column holds it; raises `ValueError` where it cannot be one."""
        if self.kind is datetime:
            moment = parse_datetime(given) if isinstance(given, str) else None
            if moment is None or moment.tzinfo is None:
                raise ValueError(given)
            return moment
        if type(given) is not self.kind:
            raise ValueError(given)
        if isinstance(given, int) and not -(2**63) <= given < 2**63:
            raise ValueError(given)
        if isinstance(given, str) and "\0" in given:
            raise ValueError(given)
        return given


@dataclass(frozen=True)
class Page(Generic[M]):
    """Some rows of a list; `next` and `previous` are cursors, empty at the ends. `start` counts the rows before this page."""

    rows: list[M]
    next: str
    previous: str
    start: int

    @property
    def first(self) -> int:
        """The position of the first row, from 1."""
        return self.start + 1

    @property
    def last(self) -> int:
        """The position of the last row."""
        return self.start + len(self.rows)


def page_of(rows: QuerySet[M], order: Order, *, cursor: str = "", limit: int = LIMIT) -> Page[M]:
    """Return the page of `rows` at `cursor`, the first page without one. A cursor of another list is a `bad_cursor`."""
    backward, value, pk, start = _decode(cursor, order) if cursor else (False, None, 0, 0)
    down = order.descending != backward
    if cursor:
        # The first half is implied by the second; it is what lets the index jump to the row.
        beyond = "lt" if down else "gt"
        rows = rows.filter(**{f"{order.field}__{beyond}e": value})
        rows = rows.filter(Q(**{f"{order.field}__{beyond}": value}) | Q(**{order.field: value, f"pk__{beyond}": pk}))
    sign = "-" if down else ""
    found = list(rows.order_by(f"{sign}{order.field}", f"{sign}pk")[: limit + 1])
    more, found = len(found) > limit, found[:limit]
    if backward:
        found.reverse()
        start = max(0, start - len(found)) if more else 0
    following = _encode(order, False, found[-1], start + len(found)) if found and (backward or more) else ""
    preceding = _encode(order, True, found[0], start) if found and (more if backward else bool(cursor)) else ""
    return Page(found, following, preceding, start)


def _encode(order: Order, backward: bool, row: Model, start: int) -> str:
    value = getattr(row, order.field)
    if isinstance(value, datetime):
        value = value.isoformat()
    packed = json.dumps([order.code, int(backward), value, row.pk, start], separators=(",", ":"), ensure_ascii=False)
    return base64.urlsafe_b64encode(packed.encode()).decode().rstrip("=")


def _decode(cursor: str, order: Order) -> tuple[bool, Any, int, int]:
    try:
        code, backward, value, pk, start = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if code != order.code or type(pk) is not int or type(start) is not int or not 0 <= pk < 2**63 or not 0 <= start < 2**53:
            raise ValueError(cursor)
        return bool(backward), order.value(value), pk, start
    except (ValueError, TypeError, binascii.Error, RecursionError) as error:
        raise Problem("bad_cursor", _("This page address belongs to another list. Start from the first page.")) from error


def page_or_first(rows: QuerySet[M], order: Order, *, cursor: str, limit: int, notices: list[str]) -> Page[M]:
    """Return a page of `rows`; a cursor of another list leads to the first page, and the reason is added to `notices`."""
    try:
        return page_of(rows, order, cursor=cursor, limit=limit)
    except Problem as problem:
        notices.append(str(problem.detail))
        return page_of(rows, order, limit=limit)


class Pager:
    """The addresses of the pages beside a page: those of `path` with the parameters `given` and another cursor."""

    path: str
    given: QueryDict
    page: Any

    @property
    def next_url(self) -> str:
        return self._address(self.page.next) if self.page.next else ""

    @property
    def previous_url(self) -> str:
        return self._address(self.page.previous) if self.page.previous else ""

    def _address(self, cursor: str) -> str:
        kept = self.given.copy()
        kept["cursor"] = cursor
        return f"{self.path}?{kept.urlencode()}"


class FilteredList:
    """Part of a REST list with a filter set that names its sort in `order`; a parameter that is not valid is refused with its name."""

    order: Order
    request: Any

    def filter_queryset(self, queryset: Any) -> Any:
        filterset = DjangoFilterBackend().get_filterset(self.request, queryset, self)
        if not filterset.is_valid():
            raise ValidationError({name: list(messages) for name, messages in filterset.errors.items()})
        self.order = filterset.order
        return filterset.qs

    def order_for(self, request: Request) -> Order:
        """Return the sort that the page follows."""
        return self.order


class KeysetPages(BasePagination):
    """The same pages for REST: `limit` up to 100, `cursor` as given in the whole addresses `next` and `previous`.

    The view names its sort with `order_for(request)`.
    """

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        self.address = request.build_absolute_uri()
        order: Order = view.order_for(request)
        self.page: Page[Any] = page_of(queryset, order, cursor=request.query_params.get("cursor", ""), limit=limit_of(request))
        return self.page.rows

    def get_paginated_response(self, data: Any) -> Response:
        return Response({"next": self._link(self.page.next), "previous": self._link(self.page.previous), "results": data})

    def _link(self, cursor: str) -> str | None:
        return replace_query_param(self.address, "cursor", cursor) if cursor else None

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        link = {"type": "string", "format": "uri", "nullable": True}
        return {
            "type": "object",
            "required": ["next", "previous", "results"],
            "properties": {"next": link, "previous": link, "results": schema},
        }

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        return [
            {"name": "cursor", "in": "query", "required": False, "description": "Where the page starts, from `next` or `previous`.", "schema": {"type": "string"}},
            {
                "name": "limit", "in": "query", "required": False, "description": "Rows a page.",
                "schema": {"type": "integer", "minimum": 1, "maximum": MOST, "default": LIMIT},
            },
        ]  # fmt: skip


def limit_of(request: Request) -> int:
    """Return the wanted number of rows a page, 1 to 100; anything else is a `bad_limit`."""
    given = request.query_params.get("limit", str(LIMIT))
    if not (given.isascii() and given.isdigit() and len(given) < 6 and 1 <= int(given) <= MOST):
        raise Problem("bad_limit", _("“limit” must be a number from 1 to %(most)s.") % {"most": MOST})
    return int(given)

"""What the ViewSets of this room share."""

from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from accounts import schema, services  # noqa: F401  (schema names the tokens in the API description)
from accounts.models import Namespace
from core.paging import KeysetPages, Order
from core.problems import Missing, Moved


class Room(GenericViewSet[Any]):
    """What the ViewSets of this room share."""

    pagination_class: type[KeysetPages] | None = KeysetPages
    filter_backends = ()

    def order_for(self, request: Request) -> Order:
        return Order("newest", "pk", kind=int)

    def checked(self, data: Any, *, partial: bool = False) -> dict[str, Any]:
        """Return the values of a valid body, or answer 400 by field."""
        serializer = self.get_serializer(data=data, partial=partial)
        serializer.is_valid(raise_exception=True)
        values: dict[str, Any] = serializer.validated_data
        return values

    def listed(self, rows: QuerySet[Any], serializer: type[Any]) -> Response:
        page = self.paginate_queryset(rows)
        return self.get_paginated_response(serializer(page, many=True, context=self.get_serializer_context()).data)

    def namespace(self, handle: str, kind: str, address: str) -> Namespace:
        """Return the row at `handle` as the caller sees it, after checking the verb; a former handle is answered with a redirect."""
        row, former = services.namespace_at(handle, user=self.request.user)
        if row.kind != kind:
            raise Missing("namespace_not_found", _("There is nobody with this handle."))
        if former:
            raise Moved(f"{address}/{handle}", f"{address}/{row.handle}")
        self.check_object_permissions(self.request, row)
        return row

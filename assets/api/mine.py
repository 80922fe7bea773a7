"""REST of My Gallery: `/api/v1/me/assets`, `favourites`, `subscriptions` and `downloads`."""

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response

from assets.api.assets import BAD, AssetViewSet
from assets.mine import NEWEST, kept_assets, own_assets, unseen_count
from assets.models import Asset
from assets.models.assets import AssetQuerySet
from assets.serializers.assets import AssetSerializer
from assets.serializers.reactions import KeptAssetSerializer
from core.paging import KeysetPages, Order
from core.permissions import SIGNED_IN
from core.problems import Problem

KIND = OpenApiParameter("kind", str, enum=Asset.Kind.values, description="Only models, or only datasets.")


def kind_of(request: Request) -> str:
    """Return the kind that the caller asked for, empty for all of them."""
    given = request.query_params.get("kind", "")
    if given and given not in Asset.Kind.values:
        raise Problem("bad_kind", _("“kind” must be “model” or “dataset”."))
    return given


class KeptPages(KeysetPages):
    """Pages that say how many rows there are whose assets the caller may not see any more."""

    unseen = 0

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        self.unseen = unseen_count(request.user, view.list_name, kind_of(request))
        return super().paginate_queryset(queryset, request, view)

    def get_paginated_response(self, data: Any) -> Response:
        response = super().get_paginated_response(data)
        response.data = {**response.data, "unseen": self.unseen}
        return response

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        found = super().get_paginated_response_schema(schema)
        number = {"type": "integer", "description": "Rows whose assets the caller may not see any more."}
        return {**found, "required": [*found["required"], "unseen"], "properties": {**found["properties"], "unseen": number}}


@extend_schema_view(
    list=extend_schema(
        operation_id="me_assets", summary="List what the caller owns or contributes to", parameters=[KIND], tags=["me"],
        responses={200: AssetSerializer(many=True), 400: BAD},
    )
)  # fmt: skip
class MyAssetsViewSet(AssetViewSet):
    """With the filters and sorts of the catalogue."""

    verbs = {"list": SIGNED_IN}

    def get_queryset(self) -> AssetQuerySet:
        rows, kind = own_assets(self.request.user).whole(), kind_of(self.request)
        return rows.of_kind(kind) if kind else rows


class KeptViewSet(AssetViewSet):
    """A list of assets, the latest first."""

    list_name: str
    serializer_class = KeptAssetSerializer
    pagination_class = KeptPages
    verbs = {"list": SIGNED_IN}

    def get_queryset(self) -> AssetQuerySet:
        rows, kind = kept_assets(self.request.user, self.list_name).whole(), kind_of(self.request)
        return rows.of_kind(kind) if kind else rows

    def filter_queryset(self, queryset: Any) -> Any:
        return queryset

    def order_for(self, request: Request) -> Order:
        return NEWEST


def listed(name: str, summary: str) -> Any:
    """Return the decorator that describes a list."""
    answer = {200: KeptAssetSerializer(many=True), 400: BAD}
    operation = extend_schema(operation_id=f"me_{name}", summary=summary, parameters=[KIND], tags=["me"], filters=False, responses=answer)
    return extend_schema_view(list=operation)


@listed("favourites", "List the caller's favourites")
class FavouritesViewSet(KeptViewSet):
    list_name = "favourites"


@listed("subscriptions", "List what the caller subscribes to")
class SubscriptionsViewSet(KeptViewSet):
    list_name = "subscriptions"


@listed("downloads", "List what the caller has fetched")
class DownloadsViewSet(KeptViewSet):
    list_name = "downloads"

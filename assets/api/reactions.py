"""REST for what people do with an asset: favourite, like, subscription; and how often it was looked at and fetched."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from assets import services
from assets.api.assets import BAD, MISSING, REFUSED
from assets.api.parts import AssetPart, actor_of, body
from assets.models import Asset
from assets.restrictions import limits_of, restricting_facts
from assets.serializers.reactions import (
    FavouriteSerializer,
    LikeSerializer,
    StatisticsSerializer,
    SubscribeSerializer,
    SubscriptionSerializer,
)  # fmt: skip
from assets.statistics import PERIODS, days_of, statistics_of


class FavouriteViewSet(AssetPart):
    """The caller's favourite."""

    verbs = {"retrieve": "view", "update": "react", "destroy": "react"}

    @extend_schema(operation_id="favourite_retrieve", responses={200: FavouriteSerializer, 404: MISSING})
    def retrieve(self, request: Request, kind: str, namespace: str, name: str) -> Response:
        """Whether the caller keeps the asset among their favourites."""
        return Response(FavouriteSerializer(self.open(request, kind, namespace, name)).data)

    @extend_schema(operation_id="favourite_update", request=None, responses={200: FavouriteSerializer, 403: REFUSED, 404: MISSING})
    def update(self, request: Request, kind: str, namespace: str, name: str) -> Response:
        """Keep it; a repetition changes nothing."""
        asset = self.open(request, kind, namespace, name)
        services.set_favourite(asset=asset, actor=actor_of(request), wanted=True)
        asset.favoured = True
        return Response(FavouriteSerializer(asset).data)

    @extend_schema(operation_id="favourite_destroy", responses={204: None, 403: REFUSED, 404: MISSING})
    def destroy(self, request: Request, kind: str, namespace: str, name: str) -> Response:
        """Keep it no longer; a repetition changes nothing."""
        services.set_favourite(asset=self.open(request, kind, namespace, name), actor=actor_of(request), wanted=False)
        return Response(status=status.HTTP_204_NO_CONTENT)


class LikeViewSet(AssetPart):
    """The caller's like."""

    verbs = {"retrieve": "view", "update": "react", "destroy": "react"}

    @extend_schema(operation_id="like_retrieve", responses={200: LikeSerializer, 404: MISSING})
    def retrieve(self, request: Request, kind: str, namespace: str, name: str) -> Response:
        """Whether the caller likes the asset."""
        return Response(LikeSerializer(self.open(request, kind, namespace, name)).data)

    @extend_schema(operation_id="like_update", request=None, responses={200: LikeSerializer, 403: REFUSED, 404: MISSING})
    def update(self, request: Request, kind: str, namespace: str, name: str) -> Response:
        """Like it; a repetition changes nothing."""
        asset = self.open(request, kind, namespace, name)
        services.set_like(asset=asset, actor=actor_of(request), wanted=True)
        asset.liked = True
        return Response(LikeSerializer(asset).data)

    @extend_schema(operation_id="like_destroy", responses={204: None, 403: REFUSED, 404: MISSING})
    def destroy(self, request: Request, kind: str, namespace: str, name: str) -> Response:
        """Like it no longer; a repetition changes nothing."""
        services.set_like(asset=self.open(request, kind, namespace, name), actor=actor_of(request), wanted=False)
        return Response(status=status.HTTP_204_NO_CONTENT)


class SubscriptionViewSet(AssetPart):
    """The caller's subscription."""

    verbs = {"retrieve": "view", "update": "subscribe", "destroy": "react"}

    @extend_schema(operation_id="subscription_retrieve", responses={200: SubscriptionSerializer, 404: MISSING})
    def retrieve(self, request: Request, kind: str, namespace: str, name: str) -> Response:
        """Whether the caller subscribes, what restricts the use, and what a subscription agrees to."""
        return Response(self._shown(self.open(request, kind, namespace, name)))

    @extend_schema(
        operation_id="subscription_update",
        request=SubscribeSerializer,
        responses={200: SubscriptionSerializer, 400: BAD, 403: REFUSED, 404: MISSING},
    )
    def update(self, request: Request, kind: str, namespace: str, name: str) -> Response:
        """Subscribe, which needs the right to use the asset; a repetition changes nothing."""
        asset = self.open(request, kind, namespace, name)
        given = SubscribeSerializer(data=body(request))
        given.is_valid(raise_exception=True)
        services.subscribe(asset=asset, actor=actor_of(request), agreements=given.validated_data["agreements"])
        asset.subscribed = True
        return Response(self._shown(asset))

    @extend_schema(operation_id="subscription_destroy", responses={204: None, 403: REFUSED, 404: MISSING})
    def destroy(self, request: Request, kind: str, namespace: str, name: str) -> Response:
        """End the subscription; a repetition changes nothing."""
        services.unsubscribe(asset=self.open(request, kind, namespace, name), actor=actor_of(request))
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _shown(self, asset: Asset) -> Any:
        shown = {
            "subscribed": asset.subscribed,
            "subscriptions": asset.subscriptions,
            "usable": "download" in asset.allowed,
            "agreements": services.needed_agreements(asset),
            "restrictions": restricting_facts(asset, self.request.user),
            "limits": limits_of(asset),
        }
        return SubscriptionSerializer(shown).data


class StatisticsViewSet(AssetPart):
    """How often an asset was looked at and fetched."""

    verbs = {"retrieve": "view"}

    @extend_schema(
        operation_id="statistics_retrieve",
        parameters=[OpenApiParameter("days", int, description="The last 1 to 365 days, today included.", default=PERIODS[0])],
        responses={200: StatisticsSerializer, 400: BAD, 404: MISSING},
    )
    def retrieve(self, request: Request, kind: str, namespace: str, name: str) -> Response:
        """Views and downloads by day."""
        asset = self.open(request, kind, namespace, name)
        found = statistics_of(asset, days_of(request.query_params.get("days", str(PERIODS[0]))))
        return Response(StatisticsSerializer(found).data)

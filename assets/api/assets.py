"""`/api/v1/models` and `/api/v1/datasets`."""

from typing import Any

from django.db import transaction
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from accounts.authentication import signed_in
from accounts.services import namespace_at
from assets import services
from assets.addresses import asset_at
from assets.api.parts import checked
from assets.filters import AssetFilter
from assets.models import Asset
from assets.models.assets import AssetQuerySet
from assets.serializers.assets import (
    AssetChangesSerializer,
    AssetSerializer,
    ModelSerializer,
    NewAssetSerializer,
    ProblemSerializer,
    TransferSerializer,
)
from core.paging import FilteredList, KeysetPages
from core.permissions import SIGNED_IN, require

BAD = OpenApiResponse(ProblemSerializer, description="Some values are not valid.")
REFUSED = OpenApiResponse(ProblemSerializer, description="Visible, but not permitted.")
MISSING = OpenApiResponse(ProblemSerializer, description="Nothing there, or not visible to the caller.")
TAKEN = OpenApiResponse(ProblemSerializer, description="The name is taken.")
MOVED = OpenApiResponse(ProblemSerializer, description="A former address; `Location` names the present one.")


class AssetViewSet(FilteredList, GenericViewSet[Asset]):
    """Assets of one kind: the same rows, filters, sorts and pages as the catalogue."""

    kind: str
    one_class: type[AssetSerializer] = AssetSerializer
    queryset = Asset.objects.none()
    serializer_class = AssetSerializer
    filterset_class = AssetFilter
    pagination_class = KeysetPages
    verbs = {
        "list": "view",
        "create": SIGNED_IN,
        "retrieve": "view",
        "partial_update": "edit_card",
        "destroy": "delete",
        "transfer": "transfer",
    }

    def get_queryset(self) -> AssetQuerySet:
        return Asset.objects.for_user(self.request.user).of_kind(self.kind).whole()

    def get_object(self) -> Asset:
        asset = asset_at(self.request.user, self.kind, self.kwargs["namespace"], self.kwargs["name"])
        self.check_object_permissions(self.request, asset)
        return asset

    def list(self, request: Request) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    def create(self, request: Request) -> Response:
        values = checked(NewAssetSerializer, request.data)
        namespace, _former = namespace_at(values.pop("owner", signed_in(request).handle), user=request.user)
        asset = services.create_asset(actor=signed_in(request), namespace=namespace, kind=self.kind, **values)
        return Response(
            self.get_serializer(asset).data, status=status.HTTP_201_CREATED, headers={"Location": f"/api/v1{asset.get_absolute_url()}"}
        )

    def retrieve(self, request: Request, namespace: str, name: str) -> Response:
        return Response(self.one_class(self.get_object()).data)

    def partial_update(self, request: Request, namespace: str, name: str) -> Response:
        asset = self.get_object()
        values = checked(AssetChangesSerializer, request.data)
        new_name = values.pop("name", None)
        if new_name is not None:
            require(asset, "rename")
        with transaction.atomic():
            if values:
                services.save_settings(asset=asset, actor=signed_in(request), values=values)
            if new_name is not None:
                asset = services.rename_asset(asset=asset, actor=signed_in(request), name=new_name)
        return Response(self.get_serializer(asset_at(request.user, self.kind, asset.namespace.handle, asset.name)).data)

    def destroy(self, request: Request, namespace: str, name: str) -> Response:
        services.delete_asset(asset=self.get_object(), actor=signed_in(request))
        return Response(status=status.HTTP_204_NO_CONTENT)

    @action(detail=True, methods=["post"])
    def transfer(self, request: Request, namespace: str, name: str) -> Response:
        asset = self.get_object()
        owner, _former = namespace_at(checked(TransferSerializer, request.data)["owner"], user=request.user)
        asset = services.transfer_asset(asset=asset, actor=signed_in(request), namespace=owner)
        return Response(self.get_serializer(asset).data)


def documented(kind: str, one: str, many: str, shape: type[AssetSerializer] = AssetSerializer) -> Any:
    """Return the decorator that describes the operations of a kind."""

    def operation(name: str, summary: str, **more: Any) -> Any:
        return extend_schema(operation_id=f"{kind}s_{name}", summary=summary, tags=[f"{kind}s"], **more)

    return extend_schema_view(
        list=operation("list", f"List {many}", responses={200: AssetSerializer(many=True), 400: BAD}),
        create=operation(
            "create", f"Create {one}", request=NewAssetSerializer, responses={201: AssetSerializer, 400: BAD, 403: REFUSED, 404: MISSING, 409: TAKEN}
        ),
        retrieve=operation("retrieve", f"Read {one}", responses={200: shape, 301: MOVED, 404: MISSING}),
        partial_update=operation(
            "update", f"Change {one}", request=AssetChangesSerializer,
            responses={200: AssetSerializer, 308: MOVED, 400: BAD, 403: REFUSED, 404: MISSING, 409: TAKEN},
        ),
        destroy=operation("delete", f"Delete {one} for good", responses={204: None, 308: MOVED, 403: REFUSED, 404: MISSING}),
        transfer=operation(
            "transfer", f"Give {one} to another owner", request=TransferSerializer,
            responses={200: AssetSerializer, 308: MOVED, 400: BAD, 403: REFUSED, 404: MISSING, 409: TAKEN},
        ),
    )  # fmt: skip


@documented("model", "a model", "models", ModelSerializer)
class ModelAssetViewSet(AssetViewSet):
    kind = Asset.Kind.MODEL
    one_class = ModelSerializer


@documented("dataset", "a dataset", "datasets")
class DatasetViewSet(AssetViewSet):
    kind = Asset.Kind.DATASET

"""REST of collections: `/api/v1/collections`."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from accounts.authentication import signed_in
from assets.addresses import asset_named
from assets.api.assets import BAD, MISSING, REFUSED
from assets.collections import collection_at, item_at, items_of, own_collections
from assets.models import Collection, CollectionItem
from assets.serializers.collections import CollectionItemSerializer, CollectionSerializer, ItemChangesSerializer, NewItemSerializer
from assets.services import collections as services
from core.paging import KeysetPages, Order
from core.permissions import SIGNED_IN

SLUG = OpenApiParameter("slug", str, OpenApiParameter.PATH, description="The end of the collection's address.")
ITEM = OpenApiParameter("pk", int, OpenApiParameter.PATH, description="Id of the entry.")


class CollectionRoom(GenericViewSet[Collection]):
    """What the two ViewSets share."""

    queryset = Collection.objects.none()
    serializer_class: type[Any] = CollectionSerializer
    pagination_class: type[KeysetPages] | None = KeysetPages
    filter_backends = ()

    def order_for(self, request: Request) -> Order:
        return Order("newest", "pk", kind=int)

    def collection(self, slug: str) -> Collection:
        """Return the collection as the caller sees it, after checking the verb."""
        found = collection_at(self.request.user, slug)
        self.check_object_permissions(self.request, found)
        return found

    def checked(self, serializer: type[Any], *, partial: bool = False) -> dict[str, Any]:
        given = serializer(data=self.request.data, partial=partial)
        given.is_valid(raise_exception=True)
        values: dict[str, Any] = given.validated_data
        return values


class CollectionViewSet(CollectionRoom):
    """Collections: the caller's own as a list, any that is shared by its address."""

    verbs = {"list": SIGNED_IN, "create": SIGNED_IN, "retrieve": "view", "partial_update": "edit", "destroy": "edit"}

    @extend_schema(operation_id="collections_list")
    def list(self, request: Request) -> Response:
        """The caller's own collections, the newest first."""
        page = self.paginate_queryset(own_collections(request.user).order_by())
        return self.get_paginated_response(CollectionSerializer(page, many=True).data)

    @extend_schema(operation_id="collections_create", responses={201: CollectionSerializer, 400: BAD, 403: REFUSED})
    def create(self, request: Request) -> Response:
        made = services.create_collection(actor=signed_in(request), **self.checked(CollectionSerializer))
        shown = self._shown(collection_at(request.user, made.slug))
        return Response(shown, status=201, headers={"Location": f"/api/v1{made.get_absolute_url()}"})

    @extend_schema(operation_id="collections_retrieve", parameters=[SLUG], responses={200: CollectionSerializer, 404: MISSING})
    def retrieve(self, request: Request, slug: str) -> Response:
        return Response(self._shown(self.collection(slug)))

    @extend_schema(
        operation_id="collections_partial_update", parameters=[SLUG],
        responses={200: CollectionSerializer, 400: BAD, 403: REFUSED, 404: MISSING},
    )  # fmt: skip
    def partial_update(self, request: Request, slug: str) -> Response:
        row = self.collection(slug)
        services.edit_collection(collection=row, actor=signed_in(request), **self.checked(CollectionSerializer, partial=True))
        return Response(self._shown(collection_at(request.user, slug)))

    @extend_schema(operation_id="collections_destroy", parameters=[SLUG], responses={204: None, 403: REFUSED, 404: MISSING})
    def destroy(self, request: Request, slug: str) -> Response:
        services.delete_collection(collection=self.collection(slug), actor=signed_in(request))
        return Response(status=204)

    def _shown(self, row: Collection) -> Any:
        rows = CollectionItem.objects.for_user(self.request.user).filter(collection=row.pk)
        row.count = rows.count()  # type: ignore[attr-defined]
        return CollectionSerializer(row).data


class CollectionItemViewSet(CollectionRoom):
    """What is in a collection, in its order, as far as the caller may see it."""

    verbs = {"list": "view", "create": "edit", "partial_update": "edit", "destroy": "edit"}
    serializer_class = CollectionItemSerializer
    pagination_class = None

    @extend_schema(
        operation_id="collection_items_list", parameters=[SLUG], responses={200: CollectionItemSerializer(many=True), 404: MISSING}
    )
    def list(self, request: Request, slug: str) -> Response:
        """All entries at once: there are 500 at most."""
        return Response(self._shown(self.collection(slug)))

    @extend_schema(
        operation_id="collection_items_create", parameters=[SLUG], request=NewItemSerializer,
        responses={200: CollectionItemSerializer, 201: CollectionItemSerializer, 400: BAD, 403: REFUSED, 404: MISSING},
    )  # fmt: skip
    def create(self, request: Request, slug: str) -> Response:
        """Put an asset at the end; one that is in already stays where it is and is answered with 200."""
        row, given = self.collection(slug), self.checked(NewItemSerializer)
        asset = asset_named(request.user, given["kind"], given["repo_id"])
        item, new = services.add_item(collection=row, actor=signed_in(request), asset=asset, note=given.get("note", ""))
        return Response(self._one(row, item.pk), status=201 if new else 200)

    @extend_schema(
        operation_id="collection_items_partial_update", parameters=[SLUG, ITEM], request=ItemChangesSerializer,
        responses={200: CollectionItemSerializer, 400: BAD, 403: REFUSED, 404: MISSING},
    )  # fmt: skip
    def partial_update(self, request: Request, slug: str, pk: int) -> Response:
        row, changes = self.collection(slug), self.checked(ItemChangesSerializer)
        services.change_item(collection=row, item=item_at(request.user, row, pk), actor=signed_in(request), **changes)
        return Response(self._one(row, pk))

    @extend_schema(operation_id="collection_items_destroy", parameters=[SLUG, ITEM], responses={204: None, 403: REFUSED, 404: MISSING})
    def destroy(self, request: Request, slug: str, pk: int) -> Response:
        row = self.collection(slug)
        services.remove_item(collection=row, item=item_at(request.user, row, pk), actor=signed_in(request))
        return Response(status=204)

    def _shown(self, row: Collection) -> Any:
        items = items_of(self.request.user, row)
        places = {item.pk: place for place, item in enumerate(items, 1)}
        return CollectionItemSerializer(items, many=True, context={"places": places}).data

    def _one(self, row: Collection, pk: int) -> Any:
        return next(shown for shown in self._shown(row) if shown["id"] == pk)

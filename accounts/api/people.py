"""REST of the accounts room."""

from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from accounts import schema, services  # noqa: F401  (schema names the tokens in the API description)
from accounts.authentication import signed_in
from accounts.models import AccessToken, Membership, Namespace, User
from accounts.serializers.people import (
    ROLES,
    MembershipSerializer,
    MeSerializer,
    MyOrganisationSerializer,
    NamespaceSerializer,
    NewTokenSerializer,
    OrganisationSerializer,
    TokenSerializer,
)
from core.paging import KeysetPages, Order
from core.permissions import ANYBODY, SIGNED_IN
from core.problems import Missing, Moved


class Room(GenericViewSet[Any]):
    """What the ViewSets of this room share."""

    pagination_class = KeysetPages
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


class MeViewSet(Room):
    """The account that the caller signed in with."""

    verbs = {"retrieve": SIGNED_IN, "partial_update": SIGNED_IN}
    serializer_class = MeSerializer

    def me(self) -> User:
        user: User = User.objects.for_user(self.request.user).get(pk=self.request.user.pk)
        return user

    @extend_schema(operation_id="me_retrieve")
    def retrieve(self, request: Request) -> Response:
        return Response(self.get_serializer(self.me()).data)

    def partial_update(self, request: Request) -> Response:
        changes, user = self.checked(request.data, partial=True), self.me()
        handle = changes.pop("handle", user.handle)
        if handle != user.handle:
            services.check_handle(handle, holder=user)
        services.edit_profile(user=user, actor=signed_in(request), **changes)
        if handle != user.handle:
            services.rename_handle(namespace=user, actor=signed_in(request), handle=handle)
        return Response(self.get_serializer(self.me()).data)


class UserViewSet(Room):
    """People, by handle."""

    verbs = {"retrieve": ANYBODY}
    serializer_class = NamespaceSerializer

    def retrieve(self, request: Request, handle: str) -> Response:
        return Response(self.get_serializer(self.namespace(handle, Namespace.Kind.USER, "users")).data)


class OrganisationViewSet(Room):
    """Organisations: the caller's own as a list, any of them by handle."""

    verbs = {"list": SIGNED_IN, "create": SIGNED_IN, "retrieve": "view", "partial_update": "edit", "destroy": "delete"}
    serializer_class = OrganisationSerializer

    def organisation(self, handle: str) -> Namespace:
        return self.namespace(handle, Namespace.Kind.ORGANISATION, "organisations")

    @extend_schema(responses=MyOrganisationSerializer(many=True))
    def list(self, request: Request) -> Response:
        rows = Membership.objects.for_user(request.user).filter(user=signed_in(request)).select_related("organisation")
        return self.listed(rows, MyOrganisationSerializer)

    def create(self, request: Request) -> Response:
        organisation = services.create_organisation(actor=signed_in(request), **self.checked(request.data))
        return Response(self.get_serializer(organisation).data, status=201)

    def retrieve(self, request: Request, handle: str) -> Response:
        return Response(self.get_serializer(self.organisation(handle)).data)

    def partial_update(self, request: Request, handle: str) -> Response:
        organisation = self.organisation(handle)
        changes = self.checked(request.data, partial=True)
        wanted = changes.pop("handle", organisation.handle)
        if wanted != organisation.handle:
            services.check_handle(wanted, holder=organisation)
        services.edit_organisation(organisation=organisation, actor=signed_in(request), **changes)
        if wanted != organisation.handle:
            services.rename_handle(namespace=organisation, actor=signed_in(request), handle=wanted)
        return Response(self.get_serializer(self.organisation(wanted)).data)

    def destroy(self, request: Request, handle: str) -> Response:
        services.delete_organisation(organisation=self.organisation(handle), actor=signed_in(request))
        return Response(status=204)


MEMBER = OpenApiParameter("member", str, OpenApiParameter.PATH, description="Handle of the person.")


class MemberViewSet(Room):
    """Who belongs to an organisation."""

    verbs = {"list": "view_members", "update": "view_members", "destroy": "view_members"}
    serializer_class = MembershipSerializer

    def organisation(self, handle: str) -> Namespace:
        return self.namespace(handle, Namespace.Kind.ORGANISATION, "organisations")

    def order_for(self, request: Request) -> Order:
        return Order("joined", "pk", descending=False, kind=int)

    def list(self, request: Request, handle: str) -> Response:
        organisation = self.organisation(handle)
        return self.listed(
            Membership.objects.for_user(request.user).filter(organisation=organisation.pk).select_related("user"), MembershipSerializer
        )

    @extend_schema(parameters=[MEMBER])
    def update(self, request: Request, handle: str, member: str) -> Response:
        """Add a member or change the role of one. Which of the two decides the verb, so the service asks for it."""
        organisation, role = self.organisation(handle), ROLES[self.checked(request.data)["role"]]
        row = services.set_member(organisation=organisation, actor=signed_in(request), user=services.person_at(member), role=role)
        return Response(self.get_serializer(row).data)

    @extend_schema(parameters=[MEMBER])
    def destroy(self, request: Request, handle: str, member: str) -> Response:
        """End a membership: one's own with the verb `leave`, others' with `manage_members`."""
        services.remove_member(organisation=self.organisation(handle), actor=signed_in(request), user=services.person_at(member))
        return Response(status=204)


class TokenViewSet(Room):
    """The caller's access tokens."""

    verbs = {"list": SIGNED_IN, "create": SIGNED_IN, "destroy": SIGNED_IN}
    serializer_class = TokenSerializer

    def list(self, request: Request) -> Response:
        return self.listed(AccessToken.objects.for_user(request.user), TokenSerializer)

    @extend_schema(responses={201: NewTokenSerializer})
    def create(self, request: Request) -> Response:
        token, secret = services.create_token(
            actor=signed_in(request), **{"scope": AccessToken.Scope.READ.value, **self.checked(request.data)}
        )
        shown = NewTokenSerializer(token, context={**self.get_serializer_context(), "secret": secret})
        return Response(shown.data, status=201, headers={"Cache-Control": "no-store"})

    def destroy(self, request: Request, pk: int) -> Response:
        token = AccessToken.objects.for_user(request.user).filter(pk=pk).first()
        if token is None:
            raise Missing("token_not_found", _("You have no such token."))
        services.revoke_token(token=token, actor=signed_in(request))
        return Response(status=204)

"""REST of people and organisations by handle, and of members."""

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import services
from accounts.api.room import Room
from accounts.authentication import signed_in
from accounts.models import Membership, Namespace
from accounts.serializers.people import ROLES, MembershipSerializer, MyOrganisationSerializer, NamespaceSerializer, OrganisationSerializer
from core.paging import Order
from core.permissions import ANYBODY, SIGNED_IN


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

"""REST of looking people up."""

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.room import Room
from accounts.authentication import signed_in
from accounts.models import Namespace
from accounts.people import find_people
from accounts.serializers.people import NamespaceSerializer
from core.permissions import SIGNED_IN


class PeopleViewSet(Room):
    """Users and organisations by handle, number or nickname."""

    verbs = {"list": SIGNED_IN}
    serializer_class = NamespaceSerializer
    pagination_class = None

    @extend_schema(
        operation_id="people_find",
        summary="Find people and organisations",
        parameters=[
            OpenApiParameter(
                "q", str, required=True, description="A handle, a part of one or of a nickname, or the number of the account."
            ),
            OpenApiParameter("kind", str, enum=Namespace.Kind.values, description="Only people, or only organisations."),
        ],
        responses=NamespaceSerializer(many=True),
    )
    def list(self, request: Request) -> Response:
        """At most 20, the best first."""
        kinds = [kind for kind in request.query_params.getlist("kind") if kind in Namespace.Kind.values]
        found = find_people(user=signed_in(request), words=request.query_params.get("q", ""), kinds=kinds)
        return Response(self.get_serializer(found, many=True).data)

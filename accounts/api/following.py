"""REST of following people and organisations."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import services
from accounts.api.room import Room
from accounts.authentication import signed_in
from accounts.models import Follow, Namespace
from accounts.serializers.onboarding import FollowSerializer
from core.permissions import SIGNED_IN


class FollowingViewSet(Room):
    """Whom the caller follows, the latest first."""

    verbs = {"list": SIGNED_IN}
    serializer_class = FollowSerializer

    @extend_schema(operation_id="me_following_list", responses=FollowSerializer(many=True))
    def list(self, request: Request) -> Response:
        return self.listed(Follow.objects.for_user(request.user).select_related("namespace"), FollowSerializer)


class FollowViewSet(Room):
    """Following somebody, and no longer. Both may be repeated."""

    verbs = {"update": SIGNED_IN, "destroy": SIGNED_IN}
    kind = Namespace.Kind.USER
    address = "users"

    @extend_schema(request=None, responses={204: None})
    def update(self, request: Request, handle: str) -> Response:
        services.follow(actor=signed_in(request), namespace=self.namespace(handle, self.kind, self.address))
        return Response(status=204)

    @extend_schema(request=None, responses={204: None})
    def destroy(self, request: Request, handle: str) -> Response:
        services.unfollow(actor=signed_in(request), namespace=self.namespace(handle, self.kind, self.address))
        return Response(status=204)


class FollowOrganisationViewSet(FollowViewSet):
    """Following an organisation, and no longer."""

    kind = Namespace.Kind.ORGANISATION
    address = "organisations"

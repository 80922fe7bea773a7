"""REST of the account that the caller signed in with."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import services
from accounts.api.room import Room
from accounts.authentication import signed_in
from accounts.models import User
from accounts.serializers.people import MeSerializer
from core.permissions import SIGNED_IN


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

"""REST of the caller's access tokens."""

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import services
from accounts.api.room import Room
from accounts.authentication import signed_in
from accounts.models import AccessToken
from accounts.serializers.tokens import NewTokenSerializer, TokenSerializer
from core.permissions import SIGNED_IN
from core.problems import Missing


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

"""REST for the verdicts of the toolchain."""

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from assets.api.assets import MISSING, REFUSED
from assets.api.parts import AssetPart, actor_of
from toolchain import services
from toolchain.serializers import StandingShape, standing_data
from toolchain.standing import standing_of


class VerdictViewSet(AssetPart):
    """What may be done with a model, and what is in the way."""

    verbs = {"retrieve": "view", "create": "upload"}

    @extend_schema(operation_id="verdict_retrieve", responses={200: StandingShape, 404: MISSING})
    def retrieve(self, request: Request, namespace: str, name: str) -> Response:
        """Show the verdicts for fine-tuning, inference and AI app, with the findings behind them for those who may preview files."""
        asset = self.open(request, "models", namespace, name)
        return Response(standing_data(standing_of(asset), open="preview" in asset.allowed))

    @extend_schema(operation_id="verdict_create", request=None, responses={202: StandingShape, 403: REFUSED, 404: MISSING})
    def create(self, request: Request, namespace: str, name: str) -> Response:
        """Have the newest commit read again; 409 while it is being read."""
        asset = self.open(request, "models", namespace, name)
        services.read_again(asset=asset, actor=actor_of(request))
        return Response(standing_data(standing_of(asset), open=True), status=status.HTTP_202_ACCEPTED)

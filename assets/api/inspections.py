"""REST for what was read of an asset: the steps and their state, headers, tensors, memory."""

from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from assets.activity import Activity, begin_again
from assets.api.parts import AssetPart, actor_of, parameter
from assets.headers import asked_for, needs, result_at, tensors_at
from assets.revisions import check_known, place_at
from assets.serializers.inspections import (
    ActivityShape,
    MemoryShape,
    TensorPageShape,
    activity_data,
    memory_data,
    tensor_data,
)
from core.problems import Missing

PAGE = 1000
REVISION = OpenApiParameter("revision", str, description="Branch, tag or commit; the default branch without it.")


class InspectionsViewSet(AssetPart):
    """The steps of reading a commit."""

    verbs = {"list": "view", "create": "upload"}

    @extend_schema(operation_id="inspections_list", parameters=[REVISION], responses=ActivityShape)
    def list(self, request: Request, kind: str, namespace: str, name: str) -> Response:
        """Show every step of reading a commit with its state, progress, error and result."""
        place = place_at(self.open(request, kind, namespace, name), request.query_params.get("revision", ""))
        check_known(place)
        return Response(activity_data(Activity(place.asset, place.revision)))

    @extend_schema(
        operation_id="inspections_again",
        parameters=[REVISION],
        request=None,
        responses={202: ActivityShape, 404: OpenApiResponse(description="This step was never begun for this commit."),
                   409: OpenApiResponse(description="`inspection_running`: it waits or runs already.")},
    )  # fmt: skip
    def create(self, request: Request, kind: str, namespace: str, name: str, step: str) -> Response:
        """Begin a step again. What was found stays until there is something newer."""
        asset = self.open(request, kind, namespace, name)
        place = place_at(asset, request.query_params.get("revision", ""))
        begin_again(Activity(asset, place.revision), step, actor_of(request))
        return Response(activity_data(Activity(asset, place.revision)), status=status.HTTP_202_ACCEPTED)


class HeadersViewSet(AssetPart):
    """What the headers of a model's weights say."""

    verbs = {"memory": "preview", "tensors": "preview"}

    @extend_schema(
        operation_id="models_memory",
        tags=["models"],
        parameters=[
            REVISION,
            OpenApiParameter("context", int, description="Tokens in a sequence; 8,192 or what the model was made for without it."),
            OpenApiParameter("batch", int, description="Sequences at once; 1 without it."),
        ],
        responses={200: MemoryShape, 404: OpenApiResponse(description="`headers_not_read`: no headers are known at this commit.")},
    )
    def memory(self, request: Request, namespace: str, name: str) -> Response:
        """Estimate the memory that inference, LoRA and full training want, with every formula."""
        place = place_at(self.open(request, "models", namespace, name), request.query_params.get("revision", ""))
        result = result_at(place.revision)
        if not result.get("files"):
            raise Missing("headers_not_read", _("No headers of weights are known at this commit. See how far its inspections are."))
        asked = asked_for(request.query_params, result.get("config") or {})
        return Response(memory_data(needs(result, asked), asked))

    @extend_schema(
        operation_id="models_tensors",
        tags=["models"],
        parameters=[
            REVISION,
            OpenApiParameter("file", str, description="Only tensors in the file at this path."),
            OpenApiParameter("q", str, description="Words that must all be part of the name."),
            OpenApiParameter("limit", int, description=f"At most {PAGE}."),
            OpenApiParameter("offset", int),
        ],
        responses=TensorPageShape,
    )
    def tensors(self, request: Request, namespace: str, name: str) -> Response:
        """List the tensors of the weights as they are stored, in the order of files."""
        place = place_at(self.open(request, "models", namespace, name), request.query_params.get("revision", ""))
        query = request.query_params
        limit, offset = max(1, parameter(request, "limit", PAGE, PAGE)), parameter(request, "offset", 0, 10_000_000)
        found = tensors_at(place.revision, result_at(place.revision), file=query.get("file", ""), words=query.get("q", ""))
        return Response(
            {
                "revision": place.revision.commit.sha,
                "count": len(found),
                "next": str(offset + limit) if offset + limit < len(found) else None,
                "results": [tensor_data(tensor) for tensor in found[offset : offset + limit]],
            }
        )

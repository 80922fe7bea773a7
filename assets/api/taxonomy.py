"""`/api/v1/taxonomy`."""

from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from assets.models import Term
from assets.serializers.assets import ProblemSerializer, TermSerializer
from assets.vocabulary import Terms
from core.permissions import ANYBODY
from core.problems import Missing

VOCABULARY = OpenApiParameter("vocabulary", str, OpenApiParameter.PATH, enum=Term.Vocabulary.values)


@extend_schema_view(
    list=extend_schema(
        operation_id="taxonomy_list",
        summary="Read every vocabulary",
        tags=["taxonomy"],
        responses={200: {"type": "object", "additionalProperties": {"type": "array", "items": {"$ref": "#/components/schemas/Term"}}}},
    ),
    retrieve=extend_schema(
        operation_id="taxonomy_retrieve",
        summary="Read the terms of one vocabulary",
        tags=["taxonomy"],
        parameters=[VOCABULARY],
        responses={200: TermSerializer(many=True), 404: ProblemSerializer},
    ),
)
class TaxonomyViewSet(GenericViewSet[Term]):
    """The words that cards, filters and REST use, in both languages."""

    queryset = Term.objects.none()
    serializer_class = TermSerializer
    pagination_class = None
    filter_backends = []
    verbs = {"list": ANYBODY, "retrieve": ANYBODY}

    def list(self, request: Request) -> Response:
        terms = Terms.load()
        return Response({vocabulary: self.get_serializer(terms.of(vocabulary), many=True).data for vocabulary in Term.Vocabulary.values})

    def retrieve(self, request: Request, vocabulary: str) -> Response:
        if vocabulary not in Term.Vocabulary.values:
            raise Missing("vocabulary_not_found", _("There is no such vocabulary. Read /api/v1/taxonomy for all of them."))
        return Response(self.get_serializer(Terms.load().of(vocabulary), many=True).data)

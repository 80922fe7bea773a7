"""REST for rendering Markdown as the pages of an asset show it."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from assets import card
from assets.api.parts import AssetPart, body, text
from assets.ingest import CARD, speller
from assets.revisions import place_at
from core.markdown import render


class MarkdownShape(serializers.Serializer[Any]):
    """Text to render. `path` is the file whose relative links are meant, `README.md` without it."""

    text = serializers.CharField(max_length=2_000_000, allow_blank=True)
    path = serializers.CharField(max_length=1024, required=False)
    revision = serializers.CharField(max_length=255, required=False)


class CardProblemShape(serializers.Serializer[Any]):
    """Something at the head of a card that could not be understood. `params` fill the sentence."""

    code = serializers.CharField()
    line = serializers.IntegerField()
    params = serializers.DictField()
    detail = serializers.CharField()


class RenderedShape(serializers.Serializer[Any]):
    """Safe HTML, the settings that the head states by column, and what could not be understood there."""

    html = serializers.CharField()
    settings = serializers.DictField()
    problems = CardProblemShape(many=True)


class MarkdownViewSet(AssetPart):
    """Rendering; nothing is stored."""

    verbs = {"create": "preview"}

    @extend_schema(operation_id="markdown_render", request=MarkdownShape, responses=RenderedShape)
    def create(self, request: Request, kind: str, namespace: str, name: str) -> Response:
        """Render Markdown. The head of a card is read, not shown."""
        asset = self.open(request, kind, namespace, name)
        given = body(request)
        place = place_at(asset, text(given, "revision"), text(given, "path") or CARD)
        found = card.parse(text(given, "text"), speller())
        problems = [error.as_dict() | {"detail": card.sentence(error.as_dict())} for error in found.errors]
        return Response({"html": render(found.body, resolve_link=place.link), "settings": dict(found.settings), "problems": problems})

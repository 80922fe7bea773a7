"""The shape of collections in REST."""

from typing import Any

from rest_framework import serializers

from assets.models import Asset, Collection, CollectionItem
from core.permissions import Guarded


class CollectionSerializer(serializers.ModelSerializer[Collection]):
    """A list of assets of one person. `count` leaves out what the caller may not see."""

    title = serializers.CharField(max_length=100)
    description = serializers.CharField(max_length=500, required=False, allow_blank=True)
    public = serializers.BooleanField(required=False, help_text="Whether everybody with the address sees it.")
    owner = serializers.CharField(source="owner.handle", read_only=True)
    count = serializers.IntegerField(read_only=True)
    url = serializers.CharField(source="get_absolute_url", read_only=True)
    allowed = serializers.SerializerMethodField(help_text="What the caller may do.")

    class Meta:
        model = Collection
        fields = ["slug", "title", "description", "public", "owner", "count", "url", "created_at", "updated_at", "allowed"]
        read_only_fields = ["slug", "created_at", "updated_at"]

    def get_allowed(self, row: Guarded) -> list[str]:
        return sorted(row.allowed)


class CollectionItemSerializer(serializers.ModelSerializer[CollectionItem]):
    """An asset in a collection; `place` counts from 1 among what the caller sees."""

    kind = serializers.ChoiceField(choices=Asset.Kind.choices, source="asset.kind", read_only=True)
    repo_id = serializers.CharField(source="asset.repo_id", read_only=True)
    name = serializers.CharField(source="asset.display_name", read_only=True)
    description = serializers.CharField(source="asset.description", read_only=True)
    place = serializers.SerializerMethodField()

    class Meta:
        model = CollectionItem
        fields = ["id", "place", "kind", "repo_id", "name", "description", "note"]

    def get_place(self, row: CollectionItem) -> int:
        places: dict[int, int] = self.context["places"]
        return places[row.pk]


class NewItemSerializer(serializers.Serializer[Any]):
    """What is put at the end of a collection."""

    kind = serializers.ChoiceField(choices=Asset.Kind.choices)
    repo_id = serializers.RegexField(r"\A[^/\0]{1,64}/[^/\0]{1,96}\Z", help_text="Such as `alice/tiny`.")
    note = serializers.CharField(max_length=500, required=False, allow_blank=True)


class ItemChangesSerializer(serializers.Serializer[Any]):
    """Another note, another place, or both."""

    note = serializers.CharField(max_length=500, required=False, allow_blank=True)
    place = serializers.IntegerField(min_value=1, max_value=10_000, required=False)

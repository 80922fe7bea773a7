"""What people do with assets, as REST shows and takes it."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from assets.models import Asset
from assets.serializers.assets import AssetSerializer


class FavouriteSerializer(serializers.Serializer[Any]):
    favourite = serializers.BooleanField(source="favoured", help_text="Whether the caller keeps it.")
    favourites = serializers.IntegerField(help_text="How many people do.")


class LikeSerializer(serializers.Serializer[Any]):
    like = serializers.BooleanField(source="liked", help_text="Whether the caller likes it.")
    likes = serializers.IntegerField(help_text="How many people do.")


class NeededAgreementSerializer(serializers.Serializer[Any]):
    """A text to agree to, by its kind and version."""

    kind = serializers.CharField()
    version = serializers.IntegerField()
    title = serializers.CharField()
    text = serializers.CharField(help_text="Markdown.")


class RestrictionSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    text = serializers.CharField()


class SubscriptionSerializer(serializers.Serializer[Any]):
    """A subscription of the caller: whether there is one, and what would be agreed to by making one."""

    subscription = serializers.BooleanField(source="subscribed", help_text="Whether the caller subscribes.")
    subscriptions = serializers.IntegerField(help_text="How many people do.")
    usable = serializers.BooleanField(help_text="Whether the caller may use the asset now.")
    agreements = NeededAgreementSerializer(many=True, help_text="What a new subscription agrees to; empty for official assets.")
    restrictions = RestrictionSerializer(many=True, help_text="Licence, hardware and other facts that restrict the use.")
    limits = serializers.CharField(help_text="What the introduction says of limits: Markdown, empty where it says nothing.")


class SubscribeSerializer(serializers.Serializer[Any]):
    """Agreement by kind and version, such as `{"risk": 1, "service": 2}`, as `GET` names them."""

    agreements = serializers.DictField(child=serializers.IntegerField(), required=False, default=dict)


class KeptAssetSerializer(AssetSerializer):
    """An asset of one of the caller's lists."""

    marked_at = serializers.DateTimeField(read_only=True, help_text="Since when it is in the list; for downloads the last time.")
    usable = serializers.SerializerMethodField(help_text="Whether the caller may use it now.")

    class Meta(AssetSerializer.Meta):
        fields = ["marked_at", "usable", *AssetSerializer.Meta.fields]
        read_only_fields = fields

    def get_usable(self, asset: Asset) -> bool:
        return "download" in asset.allowed


class DaySerializer(serializers.Serializer[Any]):
    day = serializers.DateField()
    views = serializers.IntegerField()
    downloads = serializers.IntegerField()


class SumSerializer(serializers.Serializer[Any]):
    total = serializers.IntegerField()
    before = serializers.IntegerField(help_text="In the equally long period before.")


class StatisticsSerializer(serializers.Serializer[Any]):
    """Viewers by day (UTC), each counted once a day."""

    days = serializers.SerializerMethodField(help_text="One entry a day, the oldest first.")
    views = SumSerializer()
    downloads = SumSerializer()

    @extend_schema_field(DaySerializer(many=True))
    def get_days(self, found: Any) -> Any:
        rows = zip(found.days, found.views.counts, found.downloads.counts, strict=True)
        return DaySerializer([{"day": day, "views": views, "downloads": downloads} for day, views, downloads in rows], many=True).data

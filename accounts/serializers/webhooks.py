"""The shape of webhooks in REST. A secret is in one answer only: that of its creation."""

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.models import Webhook, WebhookDelivery


class WebhookSerializer(serializers.ModelSerializer[Webhook]):
    """An address that is called for `events`. `failing_since` is when the first try failed after which none arrived."""

    name = serializers.CharField(max_length=100)
    url = serializers.CharField(max_length=500, help_text="http or https, public, without a name or password.")
    events = serializers.ListField(
        child=serializers.CharField(max_length=64), max_length=64, help_text="Such as `asset.commit`; the manual lists them."
    )
    active = serializers.BooleanField(default=True)
    secret_end = serializers.CharField(read_only=True, help_text="The last four characters of the secret.")

    class Meta:
        model = Webhook
        fields = ["id", "name", "url", "events", "active", "secret_end", "failing_since", "created_at"]
        read_only_fields = ["failing_since", "created_at"]


class NewWebhookSerializer(WebhookSerializer):
    """A webhook with its secret, just made."""

    secret = serializers.SerializerMethodField()

    class Meta(WebhookSerializer.Meta):
        fields = [*WebhookSerializer.Meta.fields, "secret"]

    @extend_schema_field(serializers.CharField())
    def get_secret(self, row: Webhook) -> str:
        return row.secret


class DeliverySerializer(serializers.ModelSerializer[WebhookDelivery]):
    """One event on its way to one address. `error` is a code, with a detail after a colon; `reason` says it as a sentence."""

    reason = serializers.CharField(read_only=True)
    next_try_at = serializers.DateTimeField(read_only=True, allow_null=True)

    class Meta:
        model = WebhookDelivery
        fields = [
            "id", "event_id", "event", "state", "tries", "status", "error", "reason", "milliseconds",
            "created_at", "tried_at", "next_try_at", "replay_of",
        ]  # fmt: skip
        read_only_fields = fields


class WholeDeliverySerializer(DeliverySerializer):
    """A delivery with what was sent and the first 2,000 characters of what came back."""

    payload = serializers.DictField(read_only=True, help_text="The body.")
    headers = serializers.DictField(child=serializers.CharField(), read_only=True, help_text="Empty before the first try.")

    class Meta(DeliverySerializer.Meta):
        fields = [*DeliverySerializer.Meta.fields, "payload", "headers", "response"]
        read_only_fields = fields

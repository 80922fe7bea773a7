"""The shape of access tokens in REST."""

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.models import AccessToken
from accounts.services.resources import resource_choices, verb_choices


class TokenSerializer(serializers.ModelSerializer[AccessToken]):
    """An access token. `verbs` and `resources` count for the scope `fine`, and only for what its user may choose."""

    verbs = serializers.ListField(child=serializers.CharField(max_length=32), required=False, max_length=50)
    resources = serializers.ListField(child=serializers.CharField(max_length=64), required=False, max_length=1000)

    class Meta:
        model = AccessToken
        fields = ["id", "name", "scope", "verbs", "resources", "prefix", "created_at", "expires_at", "last_used_at"]
        read_only_fields = ["prefix", "created_at", "last_used_at"]

    def validate_verbs(self, verbs: list[str]) -> list[str]:
        return self._known(verbs, {verb for verb, _label in verb_choices()})

    def validate_resources(self, resources: list[str]) -> list[str]:
        return self._known(resources, {choice.key for choice in resource_choices(self.context["request"].user)})

    def _known(self, given: list[str], known: set[str]) -> list[str]:
        for value in given:
            if value not in known:
                raise serializers.ValidationError(f"“{value[:64]}” is not one of the choices.")
        return given


class NewTokenSerializer(TokenSerializer):
    """A token just created, with its secret: the only answer that has it."""

    secret = serializers.SerializerMethodField()

    class Meta(TokenSerializer.Meta):
        fields = [*TokenSerializer.Meta.fields, "secret"]

    @extend_schema_field(serializers.CharField())
    def get_secret(self, row: AccessToken) -> str:
        secret: str = self.context["secret"]
        return secret

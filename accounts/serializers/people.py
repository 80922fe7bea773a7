"""The shape of accounts in REST. E-mail addresses appear in `me` only."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.handles import validators
from accounts.models import AccessToken, Membership, Namespace, User
from accounts.services.resources import resource_choices, verb_choices

ROLES = {role.name.lower(): int(role) for role in Membership.Role}


class NamespaceSerializer(serializers.ModelSerializer[Namespace]):
    """A user or organisation as everybody sees it."""

    avatar = serializers.CharField(source="avatar_url", read_only=True, help_text="Address of the picture, empty where there is none.")
    allowed = serializers.SerializerMethodField(help_text="What the caller may do.")

    class Meta:
        model = Namespace
        fields = ["id", "handle", "kind", "nickname", "bio", "avatar", "official", "created_at", "allowed"]
        read_only_fields = ["id", "handle", "kind", "official", "created_at"]

    def get_allowed(self, row: Namespace) -> list[str]:
        return sorted(row.allowed)


class MeSerializer(NamespaceSerializer):
    """The caller's own account."""

    class Meta:
        model = User
        fields = [*NamespaceSerializer.Meta.fields, "email", "language", "email_notifications", "keyboard_shortcuts"]
        read_only_fields = ["id", "kind", "official", "created_at", "email"]
        extra_kwargs = {"handle": {"validators": validators, "max_length": 39}}


class OrganisationSerializer(NamespaceSerializer):
    """An organisation; writing `handle` renames it."""

    class Meta(NamespaceSerializer.Meta):
        read_only_fields = ["id", "kind", "official", "created_at"]
        extra_kwargs = {"handle": {"validators": validators, "max_length": 39}}


class PersonSerializer(serializers.ModelSerializer[User]):
    """A person in a list."""

    avatar = serializers.CharField(source="avatar_url", read_only=True)

    class Meta:
        model = User
        fields = ["handle", "nickname", "avatar"]


class MembershipSerializer(serializers.ModelSerializer[Membership]):
    """Somebody's place in an organisation."""

    user = PersonSerializer(read_only=True)
    role = serializers.ChoiceField(choices=sorted(ROLES))

    class Meta:
        model = Membership
        fields = ["user", "role", "created_at"]
        read_only_fields = ["created_at"]

    def to_representation(self, instance: Membership) -> dict[str, Any]:
        shown = super().to_representation(instance)
        shown["role"] = instance.role_name
        return shown


class MyOrganisationSerializer(serializers.Serializer[Membership]):
    """An organisation of the caller, with the caller's role in it."""

    handle = serializers.CharField(source="organisation.handle")
    nickname = serializers.CharField(source="organisation.nickname")
    avatar = serializers.CharField(source="organisation.avatar_url")
    role = serializers.CharField(source="role_name")


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

"""The shape of accounts in REST. E-mail addresses appear in `me` only."""

from typing import Any

from rest_framework import serializers

from accounts.handles import validators
from accounts.models import Membership, Namespace, User
from accounts.services import has_confirmed_email, unread_count

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
    """The caller's own account. `email` changes through `me/email`, `onboarded_at` through `me/onboarding`."""

    email_confirmed = serializers.SerializerMethodField(help_text="Whether the address is proven.")
    unread_notices = serializers.SerializerMethodField(help_text="How many notices were not read yet.")

    class Meta:
        model = User
        fields = [
            *NamespaceSerializer.Meta.fields, "email", "email_confirmed", "language", "email_notifications", "keyboard_shortcuts", "news",
            "onboarded_at", "unread_notices",
        ]  # fmt: skip
        read_only_fields = ["id", "kind", "official", "created_at", "email", "onboarded_at"]
        extra_kwargs = {"handle": {"validators": validators, "max_length": 39}}

    def get_email_confirmed(self, row: User) -> bool:
        return has_confirmed_email(row)

    def get_unread_notices(self, row: User) -> int:
        return unread_count(row)


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

"""The shape of agreements, codes and the onboarding in REST."""

from typing import Any

from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from accounts.models import Acceptance, Agreement, EmailCode, Follow


class AgreementSerializer(serializers.ModelSerializer[Agreement]):
    """The current version of an agreement, in the language of the request; `text` is Markdown."""

    title = serializers.CharField(read_only=True)
    text = serializers.CharField(read_only=True)
    url = serializers.CharField(source="get_absolute_url", read_only=True, help_text="Path of its page.")

    class Meta:
        model = Agreement
        fields = ["id", "kind", "version", "title", "text", "published_at", "url"]


class AcceptanceSerializer(serializers.ModelSerializer[Acceptance]):
    """A version that the caller agreed to."""

    id = serializers.IntegerField(source="agreement_id", help_text="Id of the agreement.")
    kind = serializers.CharField(source="agreement.kind")
    version = serializers.IntegerField(source="agreement.version")

    class Meta:
        model = Acceptance
        fields = ["id", "kind", "version", "accepted_at"]


class AcceptSerializer(serializers.Serializer[Any]):
    """Ids of current agreements that the caller agrees to."""

    agreements = serializers.ListField(child=serializers.IntegerField(min_value=1, max_value=2**63 - 1), max_length=10)


class CodeSerializer(serializers.CharField):
    """Six digits."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            max_length=6, validators=[RegexValidator(r"\A[0-9]{6}\Z", _("The code is the six digits from the mail."))], **options
        )


class SendCodeSerializer(serializers.Serializer[Any]):
    """Where a code is sent, and what it is for."""

    email = serializers.EmailField(max_length=254)
    purpose = serializers.ChoiceField(choices=EmailCode.Purpose.choices, default=EmailCode.Purpose.CHANGE)


class SentCodeSerializer(serializers.Serializer[EmailCode]):
    """A code on its way: it counts until `expires_at`; another one may be sent from `resend_at` on."""

    email = serializers.EmailField()
    expires_at = serializers.DateTimeField()
    resend_at = serializers.DateTimeField()


class EmailSerializer(serializers.Serializer[Any]):
    """A new address and the code that proves it."""

    email = serializers.EmailField(max_length=254)
    code = CodeSerializer()


class OnboardSerializer(EmailSerializer, AcceptSerializer):
    """Everything that the onboarding asks for."""

    nickname = serializers.CharField(max_length=64)
    news = serializers.BooleanField(default=False)


class OnboardingSerializer(serializers.Serializer[Any]):
    """How far the caller is: `agreements` are those still to be agreed to."""

    onboarded = serializers.BooleanField(help_text="Whether nothing is missing.")
    onboarded_at = serializers.DateTimeField(allow_null=True)
    agreements = AgreementSerializer(many=True)


class FollowSerializer(serializers.ModelSerializer[Follow]):
    """Somebody whom the caller follows."""

    handle = serializers.CharField(source="namespace.handle")
    kind = serializers.ChoiceField(source="namespace.kind", choices=["user", "organisation"])
    nickname = serializers.CharField(source="namespace.nickname")
    avatar = serializers.CharField(source="namespace.avatar_url")
    followed_at = serializers.DateTimeField(source="created_at")

    class Meta:
        model = Follow
        fields = ["handle", "kind", "nickname", "avatar", "followed_at"]

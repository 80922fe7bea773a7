"""Applications, grants and the register as REST shows and takes them."""

from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.models import User
from assets.answers import MAX_DAYS, MAX_TEXT
from assets.models import Application, Asset, Grant
from assets.register import Entry, state_of
from assets.services.granting import Outcome


class PersonShape(serializers.ModelSerializer[User]):
    """Somebody who asks, decides or may use."""

    name = serializers.CharField(read_only=True)

    class Meta:
        model = User
        fields = ["id", "handle", "name"]
        read_only_fields = fields


class OfAsset(serializers.ModelSerializer[Any]):
    """What applications and grants say about their asset."""

    asset = serializers.CharField(source="asset.repo_id", read_only=True, help_text="`<owner>/<name>`.")
    kind = serializers.ChoiceField(source="asset.kind", choices=Asset.Kind.choices, read_only=True)
    url = serializers.SerializerMethodField(help_text="Address of the asset's page.")
    allowed = serializers.SerializerMethodField()

    def get_url(self, row: Any) -> str:
        return f"{settings.PUBLIC_URL}{row.asset.get_absolute_url()}"

    @extend_schema_field({"type": "array", "items": {"type": "string"}})
    def get_allowed(self, row: Any) -> list[str]:
        return sorted(row.allowed)


class ApplicationSerializer(OfAsset):
    """A wish to use an asset. `questions` and `agreement_version` are those of the moment it was made."""

    applicant = PersonShape(read_only=True)
    decider = PersonShape(read_only=True, allow_null=True)
    answers = serializers.DictField(read_only=True, help_text="Answers by the id of the question.")
    questions = serializers.ListField(child=serializers.DictField(), read_only=True)

    class Meta:
        model = Application
        fields = [
            "id", "asset", "kind", "url", "applicant", "state", "reason", "questions", "answers", "agreement_version", "question", "reply",
            "renews", "automatic", "decider", "decision_note", "created_at", "decided_at", "reminded_at", "allowed",
        ]  # fmt: skip
        read_only_fields = fields


class GrantSerializer(OfAsset):
    """That a person may use an asset. A grant lets nobody in from `expires_at` on, whatever its state says yet."""

    user = PersonShape(read_only=True)
    granter = PersonShape(read_only=True, allow_null=True)
    ended_by = PersonShape(read_only=True, allow_null=True)
    in_force = serializers.BooleanField(source="lets_in", read_only=True)

    class Meta:
        model = Grant
        fields = [
            "id", "asset", "kind", "url", "user", "state", "in_force", "source", "application", "granter", "granted_at", "expires_at",
            "ended_at", "ended_by", "end_reason", "allowed",
        ]  # fmt: skip
        read_only_fields = fields


class NewApplicationSerializer(serializers.Serializer[Any]):
    """What an asset's terms ask for. `agreement_version` is the version of the agreement that is accepted by this."""

    reason = serializers.CharField(max_length=MAX_TEXT)
    answers = serializers.DictField(required=False, help_text="Answers by the id of the question.")
    agreement_version = serializers.IntegerField(min_value=0, max_value=2**31 - 1, required=False)
    renews = serializers.IntegerField(min_value=1, required=False, help_text="The id of one's own grant that this shall follow.")


class AccessShape(serializers.Serializer[Any]):
    """What applicants are asked, who decides, and how long that takes."""

    availability = serializers.ChoiceField(choices=Asset.Availability.choices)
    questions = serializers.ListField(child=serializers.DictField())
    agreement = serializers.CharField()
    agreement_version = serializers.IntegerField()
    grant_days = serializers.IntegerField(allow_null=True)
    reviewers = PersonShape(many=True)
    median_seconds = serializers.FloatField(allow_null=True, help_text="From request to decision, over the last 30.")


class ReplySerializer(serializers.Serializer[Any]):
    reply = serializers.CharField(max_length=MAX_TEXT)


class QuestionSerializer(serializers.Serializer[Any]):
    question = serializers.CharField(max_length=MAX_TEXT)


class ReasonSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=MAX_TEXT)


class RenewSerializer(serializers.Serializer[Any]):
    """What was said the first time is said again, unless a reason is given."""

    reason = serializers.CharField(max_length=MAX_TEXT, required=False)


class DaysSerializer(serializers.Serializer[Any]):
    days = serializers.IntegerField(min_value=1, max_value=MAX_DAYS, allow_null=True, help_text="null for no end.")


class ApprovalSerializer(serializers.Serializer[Any]):
    """Without `days` the grant lasts as long as the terms of the asset say."""

    days = serializers.IntegerField(min_value=1, max_value=MAX_DAYS, allow_null=True, required=False, help_text="null for no end.")
    note = serializers.CharField(max_length=MAX_TEXT, required=False, allow_blank=True)


class RejectionSerializer(serializers.Serializer[Any]):
    note = serializers.CharField(max_length=MAX_TEXT, help_text="The reason; the applicant reads it.")


class DecisionsSerializer(ApprovalSerializer):
    """One decision on several applications; each goes through or fails on its own."""

    ids = serializers.ListField(child=serializers.IntegerField(min_value=1), min_length=1, max_length=200)
    decision = serializers.ChoiceField(choices=["approve", "reject"])


class RevocationsSerializer(ReasonSerializer):
    """Several grants; each ends or fails on its own."""

    ids = serializers.ListField(child=serializers.IntegerField(min_value=1), min_length=1, max_length=200)


class NewGrantsSerializer(serializers.Serializer[Any]):
    """People by handle, id or nickname. Without `days` the grants last as long as the terms of the asset say."""

    users = serializers.ListField(child=serializers.CharField(max_length=64), min_length=1, max_length=200)
    days = serializers.IntegerField(min_value=1, max_value=MAX_DAYS, allow_null=True, required=False, help_text="null for no end.")


class RefusedShape(serializers.Serializer[Any]):
    """A row that did not go through, and why."""

    id = serializers.IntegerField()
    code = serializers.CharField()
    detail = serializers.CharField()


class OutcomeShape(serializers.Serializer[Outcome]):
    """What became of several rows."""

    done = serializers.ListField(child=serializers.IntegerField())
    refused = RefusedShape(many=True)


class EntryShape(serializers.Serializer[Entry]):
    """A line of the register: an application with what it led to, or a grant without one."""

    person = PersonShape()
    state = serializers.SerializerMethodField(help_text="Of the grant where there is one, else of the application.")
    source = serializers.CharField(source="grant.source", default="", help_text="application, rule or direct.")  # type: ignore[assignment]
    reason = serializers.CharField(source="application.reason", default="")
    requested_at = serializers.DateTimeField(source="application.created_at", default=None, allow_null=True)
    decided_at = serializers.DateTimeField(source="application.decided_at", default=None, allow_null=True)
    decided_by = serializers.CharField(source="application.decider.handle", default=None, allow_null=True)
    decision_note = serializers.CharField(source="application.decision_note", default="")
    grant = serializers.IntegerField(source="grant.pk", default=None, allow_null=True)
    application = serializers.IntegerField(source="application.pk", default=None, allow_null=True)
    granted_at = serializers.DateTimeField(source="grant.granted_at", default=None, allow_null=True)
    granted_by = serializers.CharField(source="grant.granter.handle", default=None, allow_null=True)
    expires_at = serializers.DateTimeField(source="grant.expires_at", default=None, allow_null=True)
    ended_at = serializers.DateTimeField(source="grant.ended_at", default=None, allow_null=True)
    ended_by = serializers.CharField(source="grant.ended_by.handle", default=None, allow_null=True)
    end_reason = serializers.CharField(source="grant.end_reason", default="")
    sees_it = serializers.BooleanField(source="sees")
    may_use_it = serializers.BooleanField(source="uses")

    def get_state(self, entry: Entry) -> str:
        return state_of(entry)


class RegisterShape(serializers.Serializer[Any]):
    """A stretch of the register, the newest first; `next` is the offset of the following one, null at the end."""

    next = serializers.IntegerField(allow_null=True)
    results = EntryShape(many=True)

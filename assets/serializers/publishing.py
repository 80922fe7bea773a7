"""Publishing as REST shows and takes it."""

from typing import Any

from rest_framework import serializers

from assets.models import Asset, Submission
from assets.services.terms import KINDS, MAX_AGREEMENT, MAX_DAYS, MAX_LABEL, MAX_QUESTIONS


class TermsQuestionSerializer(serializers.Serializer[Any]):
    """A question to applicants."""

    id = serializers.CharField(max_length=32, required=False, help_text="Stays the same for one question; made where it is missing.")
    label = serializers.CharField(max_length=MAX_LABEL)  # type: ignore[assignment]
    kind = serializers.ChoiceField(choices=KINDS, default="text")
    required = serializers.BooleanField(default=False)  # type: ignore[assignment]
    choices = serializers.ListField(child=serializers.CharField(max_length=MAX_LABEL), required=False, help_text="Of the kind `choice`.")


class TermsSerializer(serializers.Serializer[Any]):
    """What applicants find where use is on application; what is left out stays."""

    questions = serializers.ListField(child=TermsQuestionSerializer(), required=False, max_length=MAX_QUESTIONS)
    agreement = serializers.CharField(
        allow_blank=True, max_length=MAX_AGREEMENT, required=False, help_text="Must be accepted; empty for none."
    )
    agreement_version = serializers.IntegerField(read_only=True)
    grant_days = serializers.IntegerField(
        min_value=1, max_value=MAX_DAYS, allow_null=True, required=False, help_text="Days that a grant lasts; null for no end."
    )
    organisations = serializers.ListField(
        child=serializers.CharField(max_length=64), required=False, help_text="Handles of organisations whose members are granted at once."
    )
    mail_domains = serializers.ListField(
        child=serializers.CharField(max_length=253),
        required=False,
        help_text="Domains of confirmed mail addresses that are granted at once.",
    )


class RangesSerializer(serializers.Serializer[Any]):
    """Who sees and who uses it; what is left out is `public` and `free`, and stays when it is published already."""

    visibility = serializers.ChoiceField(choices=Asset.Visibility.choices, required=False)
    availability = serializers.ChoiceField(choices=Asset.Availability.choices, required=False)
    audience = serializers.ListField(
        child=serializers.CharField(max_length=64), required=False, help_text="Handles of those who see it where `visibility` is `chosen`."
    )
    terms = TermsSerializer(required=False)
    approvers = serializers.ListField(
        child=serializers.CharField(max_length=64),
        required=False,
        help_text="Handles of people who decide on applications beside the owners.",
    )


class DelistingSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField(allow_blank=True, max_length=500, default="", help_text="Told to subscribers.")


class SubmissionApprovalSerializer(serializers.Serializer[Any]):
    revision = serializers.CharField(
        allow_blank=True, max_length=40, default="", help_text="The commit that you looked at, where it is not the submitted one."
    )


class SubmissionRejectionSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=500, help_text="Read by the owners.")


class SubmissionSerializer(serializers.ModelSerializer[Submission]):
    """A wish to publish, and what became of it."""

    submitter = serializers.CharField(source="submitter.handle", default=None, allow_null=True, read_only=True)
    reviewer = serializers.CharField(source="reviewer.handle", default=None, allow_null=True, read_only=True)

    class Meta:
        model = Submission
        fields = ["id", "state", "revision", "submitter", "reviewer", "automatic", "reason", "created_at", "decided_at"]
        read_only_fields = fields


class ListedSubmissionSerializer(SubmissionSerializer):
    """A submission in the list of a reviewer."""

    repo_id = serializers.CharField(source="asset.repo_id", read_only=True)
    kind = serializers.CharField(source="asset.kind", read_only=True)
    allowed = serializers.SerializerMethodField()

    class Meta(SubmissionSerializer.Meta):
        fields = ["id", "repo_id", "kind", *SubmissionSerializer.Meta.fields[1:], "allowed"]
        read_only_fields = fields

    def get_allowed(self, row: Submission) -> list[str]:
        return sorted(row.allowed)


class PublicationSerializer(serializers.Serializer[Any]):
    """How an asset is published."""

    state = serializers.ChoiceField(choices=Asset.State.choices)
    visibility = serializers.ChoiceField(choices=Asset.Visibility.choices)
    availability = serializers.ChoiceField(choices=Asset.Availability.choices)
    published_at = serializers.DateTimeField(allow_null=True)
    reason = serializers.CharField(allow_blank=True, help_text="Why it was rejected, empty where it is not.")
    audience = serializers.ListField(child=serializers.CharField())
    terms = TermsSerializer()
    approvers = serializers.ListField(child=serializers.CharField())
    submissions = SubmissionSerializer(many=True)

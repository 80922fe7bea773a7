"""The shape of notices in REST."""

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.models import NoticeSetting, Notification
from accounts.serializers.people import PersonSerializer

WAYS = NoticeSetting.Mail.choices


class NoticeSerializer(serializers.ModelSerializer[Notification]):
    """Something the caller was told."""

    text = serializers.SerializerMethodField(help_text="The sentence in the language of the request.")
    url = serializers.CharField(read_only=True, help_text="Path of the page it is about, empty where there is none.")
    actor = PersonSerializer(read_only=True, allow_null=True)
    facts = serializers.DictField(read_only=True, help_text="What the sentence is made of.")
    read = serializers.BooleanField(source="is_read")

    class Meta:
        model = Notification
        fields = ["id", "kind", "text", "facts", "url", "actor", "created_at", "read", "read_at"]
        read_only_fields = ["kind", "created_at", "read_at"]

    @extend_schema_field(serializers.CharField())
    def get_text(self, row: Notification) -> str:
        return row.sentence


class NoticeQuerySerializer(serializers.Serializer[None]):
    """Which notices are listed."""

    unread = serializers.BooleanField(required=False, default=False, help_text="Only what is not read yet.")


class ReadAllSerializer(serializers.Serializer[None]):
    """How far one has read; without `until` everything counts."""

    until = serializers.IntegerField(required=False, min_value=1, max_value=2**63 - 1, help_text="Id of the newest notice that was read.")


class ReadSerializer(serializers.Serializer[None]):
    """How many notices were unread before."""

    read = serializers.IntegerField()


class NoticeKindSerializer(serializers.Serializer[None]):
    """A kind of notice."""

    kind = serializers.CharField()
    name = serializers.CharField()
    group = serializers.CharField()
    default = serializers.ChoiceField(choices=WAYS)


class NoticeSettingsSerializer(serializers.Serializer[None]):
    """When the caller gets mail. Writing replaces all choices: a kind that `mail` leaves out follows its default again."""

    email_notifications = serializers.BooleanField(help_text="Whether there is any mail.")
    mail = serializers.DictField(child=serializers.ChoiceField(choices=WAYS), help_text="When mail is sent, by kind.")
    kinds = NoticeKindSerializer(many=True, read_only=True)

"""Assets and terms as REST shows and takes them."""

from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from assets.headers import Headers, result_at
from assets.models import Asset, Term
from assets.serializers.inspections import HeadersShape, headers_data
from core.problems import Missing
from jobs.models import Job
from repos.reading import resolve


class IngestSerializer(serializers.Serializer[Job]):
    """The job that reads the files of the newest commit into the columns."""

    state = serializers.ChoiceField(choices=Job.State.choices, read_only=True)
    error = serializers.CharField(read_only=True)


class AssetSerializer(serializers.ModelSerializer[Asset]):
    """A model or dataset. `allowed` names what the caller may do with it."""

    repo_id = serializers.CharField(read_only=True, help_text="`<owner>/<name>`.")
    owner = serializers.CharField(source="namespace.handle", read_only=True)
    url = serializers.SerializerMethodField(help_text="Address of the page.")
    default_branch = serializers.CharField(source="repository.default_branch", read_only=True)
    size = serializers.IntegerField(
        source="repository.size", read_only=True, help_text="Bytes of all files at the head of the default branch."
    )
    files = serializers.IntegerField(source="repository.files", read_only=True)
    ingest = IngestSerializer(source="ingest_job", read_only=True, allow_null=True)
    structure = serializers.SerializerMethodField(
        help_text="From the headers of the weights; empty where the caller may not read the files."
    )
    allowed = serializers.SerializerMethodField()

    class Meta:
        model = Asset
        fields = [
            "id", "kind", "repo_id", "owner", "name", "title_zh", "description", "state", "visibility", "availability", "published_at", "licence", "task", "languages", "frameworks",
            "hardware", "minimum_spec", "distributed", "industry", "tags", "base_models", "datasets", "platform", "parameters", "structure",
            "size", "files", "default_branch", "safety", "downloads", "views", "favourites", "likes", "subscriptions", "official", "featured", "commercial", "card_commit", "card_errors", "ingest", "created_at", "updated_at", "url", "allowed",
        ]  # fmt: skip
        read_only_fields = fields

    def get_url(self, asset: Asset) -> str:
        return f"{settings.PUBLIC_URL}{asset.get_absolute_url()}"

    @extend_schema_field({"type": "object", "additionalProperties": {}})
    def get_structure(self, asset: Asset) -> dict[str, Any]:
        return asset.structure if "preview" in asset.allowed else {}

    @extend_schema_field({"type": "array", "items": {"type": "string"}})
    def get_allowed(self, asset: Asset) -> list[str]:
        return sorted(asset.allowed)


class ModelSerializer(AssetSerializer):
    """A model with what the headers of its weights say, null while they are not read or where the caller may not read the files."""

    headers = serializers.SerializerMethodField()

    class Meta(AssetSerializer.Meta):
        fields = [*AssetSerializer.Meta.fields, "headers"]
        read_only_fields = fields

    @extend_schema_field(HeadersShape(allow_null=True))
    def get_headers(self, asset: Asset) -> dict[str, Any] | None:
        if "preview" not in asset.allowed:
            return None
        try:
            result = result_at(resolve(asset.open_repository()))
        except Missing:
            return None
        return headers_data(Headers(result)) if result.get("files") else None


class FactsSerializer(serializers.Serializer[Any]):
    """The facts of a card; sending one writes a commit that changes the front matter of `README.md`."""

    title_zh = serializers.CharField(max_length=96, allow_blank=True, required=False)
    description = serializers.CharField(max_length=90, allow_blank=True, required=False)
    licence = serializers.CharField(max_length=64, allow_blank=True, required=False)


class NewAssetSerializer(FactsSerializer):
    """A new asset. `owner` is the caller unless given."""

    owner = serializers.CharField(max_length=64, required=False)
    name = serializers.CharField(max_length=96)


class AssetChangesSerializer(FactsSerializer):
    """What may be changed; what is left out stays. Each field needs its own verb."""

    name = serializers.CharField(max_length=96, required=False, help_text="Needs the verb `rename`. The old address leads to the new one.")
    task = serializers.CharField(max_length=64, allow_blank=True, required=False)
    languages = serializers.ListField(child=serializers.CharField(max_length=64), max_length=50, required=False)
    frameworks = serializers.ListField(child=serializers.CharField(max_length=64), max_length=50, required=False)
    hardware = serializers.ListField(child=serializers.CharField(max_length=64), max_length=50, required=False)
    minimum_spec = serializers.CharField(max_length=64, allow_blank=True, required=False)
    distributed = serializers.BooleanField(required=False)
    industry = serializers.CharField(max_length=64, allow_blank=True, required=False)
    tags = serializers.ListField(child=serializers.CharField(max_length=64), max_length=50, required=False)
    base_models = serializers.ListField(child=serializers.CharField(max_length=200), max_length=50, required=False)
    datasets = serializers.ListField(child=serializers.CharField(max_length=200), max_length=50, required=False)
    platform = serializers.CharField(max_length=64, allow_blank=True, required=False)


class TransferSerializer(serializers.Serializer[Any]):
    owner = serializers.CharField(max_length=64, help_text="Handle of the new owner.")


class TermSerializer(serializers.ModelSerializer[Term]):
    """One word of a vocabulary. `name` is in the language of the request."""

    name = serializers.CharField(read_only=True)
    parent = serializers.CharField(source="parent.code", read_only=True, allow_null=True, default=None)  # type: ignore[assignment]

    class Meta:
        model = Term
        fields = ["code", "name", "name_en", "name_zh", "parent", "aliases", "pigment", "url", "fine_tuning", "inference", "app"]
        read_only_fields = fields


class ProblemSerializer(serializers.Serializer[Any]):
    """The one shape of every error."""

    code = serializers.CharField(help_text="A stable word, listed in docs/reference/errors.md.")
    detail = serializers.CharField(help_text="One sentence that says what happened and what to do.")
    errors = serializers.DictField(  # type: ignore[assignment]
        child=serializers.ListField(child=serializers.CharField()), help_text="Messages by field."
    )

"""The shape of services in REST."""

from typing import Any

from rest_framework import serializers

from toolchain.choices import task_name
from toolchain.inference.forms import name_validator
from toolchain.inference.models import Example, Generation, Key, Replica, Service
from toolchain.inference.offers import Offer
from toolchain.inference.services import MOST_REPLICAS
from toolchain.inference.wording import doing, engine_name, failure, step_of
from toolchain.models import Spec
from toolchain.runs.wording import sentence

REPO_ID = r"\A[^/\0]{1,64}/[^/\0]{1,96}\Z"
MOST_SECONDS = 366 * 24 * 3600


class ServiceSerializer(serializers.ModelSerializer[Service]):
    """An inference service. Limits are in seconds, null for none; `error` is a code and `detail` its sentence; `endpoint` is where it answers."""

    namespace = serializers.CharField(source="namespace.handle", read_only=True)
    creator = serializers.CharField(source="creator.handle", read_only=True, allow_null=True, default=None)
    model = serializers.CharField(source="model_name", read_only=True)
    spec = serializers.CharField(source="spec.code", read_only=True)
    generation = serializers.IntegerField(source="generation.number", read_only=True, allow_null=True, default=None)
    ready = serializers.SerializerMethodField(help_text="Replicas that answer.")
    detail = serializers.SerializerMethodField(help_text="What it does now, waits for, or why it stands still.")
    url = serializers.CharField(source="get_absolute_url", read_only=True)
    endpoint = serializers.SerializerMethodField(help_text="The path below which it answers.")
    allowed = serializers.SerializerMethodField(help_text="What the caller may do.")

    class Meta:
        model = Service
        fields = [
            "id", "namespace", "name", "creator", "state", "asleep", "ready", "model", "model_commit", "revision", "task", "engine", "environment",
            "spec", "replicas", "most_replicas", "limit", "idle_limit", "request_limit", "concurrency", "queue", "shared", "generation", "error",
            "detail", "created_at", "started_at", "called_at", "ended_at", "url", "endpoint", "allowed",
        ]  # fmt: skip
        read_only_fields = fields

    def _replicas(self, row: Service) -> list[Replica]:
        found: list[Replica] = self.context.get("replicas", {}).get(row.pk, [])
        return found

    def get_ready(self, row: Service) -> int:
        ready: dict[int, int] = self.context.get("ready", {})
        return ready.get(row.pk, 0)

    def get_detail(self, row: Service) -> str:
        return doing(row, self._replicas(row)) or failure(row)

    def get_endpoint(self, row: Service) -> str:
        return f"{row.get_absolute_url()}/"

    def get_allowed(self, row: Service) -> list[str]:
        return sorted(row.allowed)


class ScaleFields(serializers.Serializer[Any]):
    """What may be set when a service is deployed, and at any time later."""

    replicas = serializers.IntegerField(min_value=1, max_value=MOST_REPLICAS, required=False)
    most_replicas = serializers.IntegerField(min_value=1, max_value=MOST_REPLICAS, required=False)
    limit = serializers.IntegerField(min_value=60, max_value=MOST_SECONDS, required=False, allow_null=True, help_text="Seconds.")
    idle_limit = serializers.IntegerField(
        min_value=60, max_value=30 * 86_400, required=False, allow_null=True, help_text="Seconds without a request."
    )
    request_limit = serializers.IntegerField(min_value=1, max_value=3600, required=False, help_text="Seconds for a request.")
    concurrency = serializers.IntegerField(min_value=1, max_value=1024, required=False)
    queue = serializers.IntegerField(min_value=0, max_value=10_000, required=False)
    shared = serializers.BooleanField(required=False, help_text="Open to everybody who may use the model.")


class NewServiceSerializer(ScaleFields):
    """A service to deploy. What is left out is as on the page: the usual task type, its first engine, one replica."""

    model = serializers.RegexField(REPO_ID, help_text="Such as `alice/tiny`.")
    name = serializers.CharField(max_length=63, validators=[name_validator])
    spec = serializers.CharField(max_length=64, help_text="The code of a spec.")
    namespace = serializers.CharField(max_length=64, required=False, help_text="Who owns the service; else the caller.")
    revision = serializers.CharField(max_length=200, required=False, allow_blank=True)
    task = serializers.CharField(max_length=64, required=False, allow_blank=True)
    engine = serializers.CharField(max_length=32, required=False, allow_blank=True)
    environment = serializers.CharField(max_length=32, required=False, allow_blank=True)


class ChangesSerializer(ScaleFields):
    """Changes of a service; a new spec or revision is rolled out without a gap."""

    spec = serializers.CharField(max_length=64, required=False, help_text="The code of a spec.")
    revision = serializers.CharField(max_length=200, required=False, allow_blank=True)


class RollBackSerializer(serializers.Serializer[Any]):
    """The number of a generation that answered before."""

    generation = serializers.IntegerField(min_value=1, max_value=2**31 - 1)


class GenerationSerializer(serializers.ModelSerializer[Generation]):
    """A service as it was wanted at one time; `error` is a code and `detail` its sentence."""

    spec = serializers.CharField(source="spec.code", read_only=True)
    detail = serializers.SerializerMethodField()

    class Meta:
        model = Generation
        fields = [
            "number", "state", "model_commit", "revision", "task", "engine", "environment", "spec", "error", "detail", "created_at", "served_at",
            "ended_at",
        ]  # fmt: skip
        read_only_fields = fields

    def get_detail(self, row: Generation) -> str:
        return sentence(row.error, row.detail) if row.error else ""


class ReplicaSerializer(serializers.ModelSerializer[Replica]):
    """A replica: `ready` says whether it answers, `detail` what it does where it does not; `attempt` counts its starts."""

    generation = serializers.IntegerField(source="generation.number", read_only=True)
    state = serializers.CharField(source="run.state", read_only=True, allow_null=True, default=None)
    stage = serializers.CharField(source="run.stage", read_only=True, allow_null=True, default=None)
    attempt = serializers.IntegerField(source="run.attempt", read_only=True, allow_null=True, default=None)
    node = serializers.CharField(source="run.node.name", read_only=True, allow_null=True, default=None)
    started_at = serializers.DateTimeField(source="run.started_at", read_only=True, allow_null=True, default=None)
    detail = serializers.SerializerMethodField()

    class Meta:
        model = Replica
        fields = ["id", "generation", "index", "ready", "state", "stage", "attempt", "node", "started_at", "detail"]
        read_only_fields = fields

    def get_detail(self, row: Replica) -> str:
        return "" if row.ready else step_of(row.run)


class KeySerializer(serializers.ModelSerializer[Key]):
    """A key of a service without its text; `limit` is requests a minute, null for no limit of its own."""

    creator = serializers.CharField(source="creator.handle", read_only=True, allow_null=True, default=None)

    class Meta:
        model = Key
        fields = ["id", "name", "prefix", "limit", "creator", "created_at", "expires_at", "used_at", "revoked_at"]
        read_only_fields = fields


class NewKeySerializer(serializers.Serializer[Any]):
    """A key to make."""

    name = serializers.CharField(max_length=64)
    limit = serializers.IntegerField(min_value=1, max_value=1_000_000, required=False, allow_null=True, help_text="Requests a minute.")
    expires_at = serializers.DateTimeField(required=False, allow_null=True)


class MadeKeySerializer(KeySerializer):
    """A key that was made just now; `key` is its text, which is told this once."""

    key = serializers.CharField(read_only=True)

    class Meta(KeySerializer.Meta):
        fields = [*KeySerializer.Meta.fields, "key"]
        read_only_fields = fields


class ExampleSerializer(serializers.ModelSerializer[Example]):
    """A request that was saved for the playground; `request` has its `body` as text."""

    creator = serializers.CharField(source="creator.handle", read_only=True, allow_null=True, default=None)

    class Meta:
        model = Example
        fields = ["id", "name", "request", "creator", "created_at"]
        read_only_fields = fields


class NewExampleSerializer(serializers.Serializer[Any]):
    """A request to save, in place of one of the same name."""

    name = serializers.CharField(max_length=64)
    body = serializers.CharField(max_length=190_000, trim_whitespace=False)


class FiguresShape(serializers.Serializer[Any]):
    """What a service did in a stretch of time. Times are in seconds, percentiles interpolated within classes of latency; null where nothing says them."""

    requests = serializers.IntegerField()
    succeeded = serializers.IntegerField()
    errors = serializers.IntegerField(help_text="Answers with status 5xx.")  # type: ignore[assignment]  # the name that metrics give it
    refused = serializers.IntegerField(help_text="Answers with status 4xx.")
    requests_per_second = serializers.FloatField(allow_null=True)
    average = serializers.FloatField(allow_null=True)
    p50 = serializers.FloatField(allow_null=True)
    p95 = serializers.FloatField(allow_null=True)
    p99 = serializers.FloatField(allow_null=True)
    first_token = serializers.FloatField(allow_null=True)
    tokens_in = serializers.IntegerField()
    tokens_out = serializers.IntegerField()
    tokens_per_second = serializers.FloatField(allow_null=True)
    bytes_in = serializers.IntegerField()
    bytes_out = serializers.IntegerField()
    replicas = serializers.IntegerField()


class StepShape(FiguresShape):
    at = serializers.DateTimeField(help_text="The beginning of the step.")


class MetricsShape(serializers.Serializer[Any]):
    """Figures of a stretch of time, in all and in steps of `step` seconds."""

    start = serializers.DateTimeField()
    end = serializers.DateTimeField()
    step = serializers.IntegerField()
    total = FiguresShape()
    steps = StepShape(many=True)


class EngineShape(serializers.Serializer[Any]):
    code = serializers.CharField()
    name = serializers.CharField()


class ChoiceShape(serializers.Serializer[Any]):
    """An inference task type on a spec: the engines that can serve it, the one to prefer first."""

    task = serializers.CharField()
    name = serializers.CharField()
    spec = serializers.CharField()
    engines = EngineShape(many=True)
    environments = serializers.ListField(child=serializers.CharField())


class OptionsShape(serializers.Serializer[Any]):
    """What may be deployed of a commit of a model; where nothing may, `reasons` say why."""

    commit = serializers.CharField()
    tasks = serializers.ListField(child=serializers.CharField())
    choices = ChoiceShape(many=True)
    reasons = serializers.ListField(child=serializers.CharField())
    minimum_spec = serializers.CharField(allow_blank=True)


def options_data(offer: Offer, specs: list[Spec]) -> dict[str, Any]:
    """Return what may be deployed of a model on `specs` as REST shows it."""
    choices = []
    for task in offer.tasks:
        for spec in specs:
            engines = offer.engines(task, spec)
            if engines and not offer.unfit(spec):
                choices.append(
                    {
                        "task": task, "name": task_name(task), "spec": spec.code, "environments": offer.environments(task, engines[0]),
                        "engines": [{"code": engine, "name": engine_name(engine)} for engine in engines],
                    }
                )  # fmt: skip
    return {
        "commit": offer.commit, "tasks": list(offer.tasks), "choices": choices, "reasons": offer.reasons, "minimum_spec": offer.minimum,
    }  # fmt: skip

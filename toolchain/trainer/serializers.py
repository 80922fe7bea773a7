"""The shape of training jobs and of compute in REST."""

from typing import Any

from rest_framework import serializers

from toolchain.choices import task_name
from toolchain.models import Entry, Spec
from toolchain.runs.queue import place_of
from toolchain.trainer.compute import Standing
from toolchain.trainer.models import Training
from toolchain.trainer.offers import Offer
from toolchain.trainer.wording import doing, stage_of

REPO_ID = r"\A[^/\0]{1,64}/[^/\0]{1,96}\Z"


class SpecSerializer(serializers.ModelSerializer[Spec]):
    """A size of machine. Memory is in GiB, `price` is per hour in the currency of the gallery, 0 for free."""

    name = serializers.CharField(read_only=True)
    price = serializers.DecimalField(max_digits=10, decimal_places=4, read_only=True)

    class Meta:
        model = Spec
        fields = [
            "code", "name", "accelerator", "cards", "card_memory", "vcpus", "memory", "architecture", "runner", "labels", "price", "sold_out",
        ]  # fmt: skip
        read_only_fields = fields


class TrainingSerializer(serializers.ModelSerializer[Training]):
    """A training job. `limit` is in seconds, null for none; `error` is a code and `detail` its sentence; `place` is that in the queue."""

    namespace = serializers.CharField(source="namespace.handle", read_only=True)
    creator = serializers.CharField(source="creator.handle", read_only=True, allow_null=True, default=None)
    model = serializers.CharField(source="model_name", read_only=True)
    dataset = serializers.CharField(source="dataset_name", read_only=True)
    hyperparameters = serializers.DictField(source="parameters", child=serializers.CharField(), read_only=True)
    spec = serializers.CharField(source="spec.code", read_only=True)
    output = serializers.SerializerMethodField(help_text="The model that it made, or null.")
    stage = serializers.SerializerMethodField(help_text="queue, environment, files, run or result.")
    place = serializers.SerializerMethodField(help_text="Its place in the queue, 0 where it does not wait.")
    detail = serializers.SerializerMethodField(help_text="What it does now, waits for, or why it ended.")
    url = serializers.CharField(source="get_absolute_url", read_only=True)
    allowed = serializers.SerializerMethodField(help_text="What the caller may do.")

    class Meta:
        model = Training
        fields = [
            "id", "name", "namespace", "creator", "state", "stage", "place", "model", "model_commit", "dataset", "dataset_commit", "task",
            "method", "hyperparameters", "environment", "spec", "limit", "output_name", "output", "output_commit", "error", "detail",
            "checkpoints", "cloned_from", "created_at", "started_at", "ended_at", "url", "allowed",
        ]  # fmt: skip
        read_only_fields = fields

    def get_output(self, row: Training) -> str | None:
        return row.output.repo_id if row.output is not None else None

    def get_stage(self, row: Training) -> str:
        return stage_of(row)

    def _place(self, row: Training) -> int:
        known: dict[int, int] | None = self.context.get("places")
        if known is not None:
            return known.get(row.run_id or 0, 0)
        return place_of(row.run) if row.run is not None else 0

    def get_place(self, row: Training) -> int:
        return self._place(row)

    def get_detail(self, row: Training) -> str:
        return doing(row)

    def get_allowed(self, row: Training) -> list[str]:
        return sorted(row.allowed)


class ValueField(serializers.CharField):
    """A value as text; numbers, true and false are taken as they are written."""

    def to_internal_value(self, data: Any) -> str:
        if isinstance(data, bool):
            return "true" if data else "false"
        return str(super().to_internal_value(data))


class NewTrainingSerializer(serializers.Serializer[Any]):
    """A training job to make. What is left out is as on the page: the usual task type, its first method, the defaults.

    `hyperparameters` are texts by name and stand beside the defaults; null leaves one out that is not required.
    """

    model = serializers.RegexField(REPO_ID, help_text="Such as `alice/tiny`.")
    dataset = serializers.RegexField(REPO_ID)
    spec = serializers.CharField(max_length=64, help_text="The code of a spec.")
    output_name = serializers.CharField(max_length=96, help_text="Name of the new model.")
    namespace = serializers.CharField(max_length=64, required=False, help_text="Who owns the job and the model; else the caller.")
    name = serializers.CharField(max_length=96, required=False, allow_blank=True)
    model_revision = serializers.CharField(max_length=200, required=False, allow_blank=True)
    dataset_revision = serializers.CharField(max_length=200, required=False, allow_blank=True)
    task = serializers.CharField(max_length=64, required=False, allow_blank=True)
    method = serializers.CharField(max_length=200, required=False, allow_blank=True)
    hyperparameters = serializers.DictField(child=ValueField(max_length=2000, allow_blank=True, allow_null=True), required=False)
    environment = serializers.CharField(max_length=32, required=False, allow_blank=True)
    limit = serializers.IntegerField(min_value=1, max_value=366 * 24 * 3600, required=False, allow_null=True, help_text="Seconds.")


class TrainingMetricsShape(serializers.Serializer[Any]):
    """Curves of at most some thousand points: pairs of a place on the axis and a value, null for a gap."""

    axis = serializers.ChoiceField(["iteration", "time"])
    records = serializers.IntegerField()
    refused = serializers.IntegerField(help_text="Lines that are not `iteration|loss|throughput`.")
    loss = serializers.ListField(child=serializers.ListField())
    throughput = serializers.ListField(child=serializers.ListField())


class ParameterShape(serializers.Serializer[Any]):
    """A hyperparameter: `default` is text, empty for none; `choices` are all values that count, empty for any."""

    name = serializers.CharField()
    type = serializers.ChoiceField(["float", "int", "str", "bool"])
    required = serializers.BooleanField()  # type: ignore[assignment]  # the name that the specification gives it
    default = serializers.CharField(allow_blank=True)
    help = serializers.CharField(allow_blank=True)
    choices = serializers.ListField(child=serializers.CharField())


class MethodShape(serializers.Serializer[Any]):
    name = serializers.CharField()
    hyperparameters = ParameterShape(many=True)


class TaskShape(serializers.Serializer[Any]):
    """A training task type; `mode` says whether the gallery trains by itself, with scripts of the model, or in its image."""

    code = serializers.CharField()
    name = serializers.CharField()
    mode = serializers.ChoiceField(["built_in", "custom", "image"])
    methods = MethodShape(many=True)
    environments = serializers.ListField(child=serializers.CharField())


class TrainingOptionsShape(serializers.Serializer[Any]):
    """What may be trained of a commit of a model; where nothing may, `reasons` say why."""

    commit = serializers.CharField()
    tasks = TaskShape(many=True)
    reasons = serializers.ListField(child=serializers.CharField())
    minimum_spec = serializers.CharField(allow_blank=True)


class EntrySerializer(serializers.ModelSerializer[Entry]):
    """A line of the ledger: funds, or what a run used in a month; `amount` is negative for use."""

    spec = serializers.CharField(source="spec.code", read_only=True, allow_null=True, default=None)
    month = serializers.DateField(read_only=True)

    class Meta:
        model = Entry
        fields = ["id", "kind", "what", "month", "seconds", "amount", "spec", "created_at"]
        read_only_fields = fields


class AllowedShape(serializers.Serializer[Any]):
    """Limits, null for none; hours and spend are a month's."""

    trainings = serializers.IntegerField(allow_null=True)
    services = serializers.IntegerField(allow_null=True)
    hours = serializers.DecimalField(max_digits=10, decimal_places=2, allow_null=True)
    spend = serializers.DecimalField(max_digits=12, decimal_places=2, allow_null=True)


class UsageShape(serializers.Serializer[Any]):
    """What a namespace used this month, by the calendar of UTC, and what it may use."""

    namespace = serializers.CharField()
    currency = serializers.CharField()
    hours = serializers.DecimalField(max_digits=14, decimal_places=4)
    spend = serializers.DecimalField(max_digits=14, decimal_places=4)
    balance = serializers.DecimalField(max_digits=14, decimal_places=4)
    trainings = serializers.IntegerField()
    services = serializers.IntegerField()
    limits = AllowedShape()


def options_data(offer: Offer) -> dict[str, Any]:
    """Return what may be trained of a model as REST shows it."""
    return {
        "commit": offer.commit,
        "tasks": [
            {
                "code": task.code,
                "name": task_name(task.code),
                "mode": task.mode,
                "methods": [
                    {
                        "name": method.name,
                        "hyperparameters": [
                            {
                                "name": each.name, "type": each.kind, "required": each.required, "default": each.default, "help": each.help,
                                "choices": list(each.choices),
                            }
                            for each in method.parameters
                        ],
                    }
                    for method in offer.methods(task.code)
                ],
                "environments": offer.environments(task.code),
            }
            for task in offer.tasks
        ],
        "reasons": offer.reasons,
        "minimum_spec": offer.minimum,
    }  # fmt: skip


def usage_data(handle: str, standing: Standing, currency: str) -> dict[str, Any]:
    """Return what a namespace used and may use as REST shows it."""
    return {
        "namespace": handle,
        "currency": currency,
        "hours": f"{standing.hours:.4f}",
        "spend": f"{standing.spend:.4f}",
        "balance": f"{standing.balance:.4f}",
        "trainings": standing.trainings,
        "services": standing.services,
        "limits": {
            "trainings": standing.allowed.trainings,
            "services": standing.allowed.services,
            "hours": None if standing.allowed.hours is None else f"{standing.allowed.hours:.2f}",
            "spend": None if standing.allowed.spend is None else f"{standing.allowed.spend:.2f}",
        },
    }

"""The shape of inspections, verdicts, headers and memory in REST."""

from typing import Any

from rest_framework import serializers

from assets.activity import UNREAD, Activity
from assets.headers import Asked, Headers, Need, Tensor
from assets.models import Asset
from assets.safety import Verdict
from inspection.models import Inspection

STATES = [UNREAD, *Inspection.State.values]
SEVERITIES = ["danger", "unread", "caution"]


def verdict_data(verdict: Verdict, *, told: bool) -> dict[str, Any]:
    """Return a verdict as REST shows it; the findings are for those who may read the file."""
    reasons = verdict.reasons if told else []
    return {
        "verdict": verdict.word,
        "findings": [
            {"code": reason.code, "severity": reason.severity, "where": reason.where, "detail": reason.detail} for reason in reasons
        ],
    }


def activity_data(activity: Activity) -> dict[str, Any]:
    """Return every step of reading a commit; results and errors are for those who may read the files."""
    told = "preview" in activity.asset.allowed
    steps = []
    for line in activity.lines:
        row = activity.rows.get(line.code)
        done = row is not None and line.state == Inspection.State.DONE
        steps.append(
            {
                "step": line.code,
                "name": line.name,
                "state": line.state,
                "progress": {"done": line.done, "of": line.of} if line.of else None,
                "error": line.error or None,
                "summary": line.text,
                "result": row.result if row is not None and done and told else None,
                "finished_at": row.finished_at if row is not None and done else None,
            }
        )
    return {"commit": activity.commit, "active": activity.is_active, "steps": steps}


def headers_data(headers: Headers) -> dict[str, Any]:
    """Return the summary of a model's headers."""
    result = headers.result
    return {
        "line": headers.line,
        "config": dict(headers.figures),
        "tensors": headers.tensors,
        "problems": headers.problems,
        "tree": list(headers.tree),
        **{
            key: result.get(key)
            for key in ("format", "parameters", "bytes", "complete", "dtypes", "parts", "quantisation", "files", "variants")
        },
    }


def memory_data(needs: list[Need], asked: Asked) -> dict[str, Any]:
    """Return what each kind of work wants, in bytes."""
    found = {need.code: need.found.as_dict() | {"fits": need.card} for need in needs}
    return {"context": asked.context, "batch": asked.batch, **found}


def tensor_data(tensor: Tensor) -> dict[str, Any]:
    """Return one tensor."""
    return {
        "file": tensor.file, "name": tensor.name, "dtype": tensor.dtype, "shape": list(tensor.shape), "parameters": tensor.parameters,
        "bytes": tensor.size,
    }  # fmt: skip


class FindingShape(serializers.Serializer[Any]):
    """One reason for a verdict."""

    code = serializers.CharField()
    severity = serializers.ChoiceField(choices=SEVERITIES)
    where = serializers.CharField(help_text="The place inside the file; empty for the whole.")
    detail = serializers.CharField(help_text="One sentence in the language of the request.")


class SafetyShape(serializers.Serializer[Verdict]):
    """What the safety scan says of a file. `unscanned` is no judgement."""

    verdict = serializers.ChoiceField(choices=Asset.Safety.choices)
    findings = FindingShape(many=True, help_text="Empty where the caller may not read the file.")


class ProgressShape(serializers.Serializer[Any]):
    done = serializers.IntegerField()
    of = serializers.IntegerField()


class InspectionShape(serializers.Serializer[Any]):
    """One step of reading a commit."""

    step = serializers.CharField()
    name = serializers.CharField()
    state = serializers.ChoiceField(choices=STATES)
    progress = ProgressShape(allow_null=True)
    error = serializers.CharField(allow_null=True, help_text="Why it failed, or why the last try did.")
    summary = serializers.CharField()
    result = serializers.DictField(
        allow_null=True, help_text="What was found, once it is done; null where the caller may not read the files."
    )
    finished_at = serializers.DateTimeField(allow_null=True)


class ActivityShape(serializers.Serializer[Activity]):
    """The steps of reading `commit`. `active` says that something is still to be expected."""

    commit = serializers.CharField()
    active = serializers.BooleanField()
    steps = InspectionShape(many=True)


class HeadersShape(serializers.Serializer[Headers]):
    """What the headers of the weights say at the head of the default branch."""

    line = serializers.CharField(help_text="The build of the model in one line.")
    format = serializers.CharField()
    parameters = serializers.IntegerField(allow_null=True, help_text="Null unless every file of the weights could be read.")
    bytes = serializers.IntegerField(help_text="Of all tensors.")
    complete = serializers.BooleanField()
    tensors = serializers.IntegerField()
    dtypes = serializers.DictField(child=serializers.IntegerField(), help_text="Parameters by type.")
    parts = serializers.DictField(child=serializers.IntegerField(), help_text="Parameters by part of the network.")
    quantisation = serializers.DictField()
    config = serializers.DictField(help_text="Layers, hidden size, heads, vocabulary, context and so on, as far as they are known.")
    files = serializers.ListField(child=serializers.DictField())
    variants = serializers.ListField(child=serializers.DictField(), help_text="Weights beside the counted ones.")
    tree = serializers.ListField(child=serializers.DictField(), help_text="Tensors by module, equal modules folded into one.")
    problems = serializers.ListField(child=serializers.CharField())


class TermShape(serializers.Serializer[Any]):
    """One summand: `value` bytes, by `formula` from `factors`."""

    code = serializers.CharField()
    value = serializers.IntegerField()
    formula = serializers.CharField()
    factors = serializers.DictField(child=serializers.IntegerField())


class NeedShape(serializers.Serializer[Need]):
    """What one kind of work wants. The sum is too low while `complete` is false; `missing` says why."""

    total = serializers.IntegerField()
    complete = serializers.BooleanField()
    terms = TermShape(many=True)
    missing = serializers.DictField(child=serializers.CharField())
    fits = serializers.IntegerField(
        allow_null=True, help_text="The smallest card that holds it, in GB; null where none does or it is not known."
    )


class MemoryShape(serializers.Serializer[Any]):
    """An estimate of memory for a context length and a number of sequences at once."""

    context = serializers.IntegerField()  # type: ignore[assignment]
    batch = serializers.IntegerField()
    inference = NeedShape()
    lora = NeedShape()
    training = NeedShape()


class TensorShape(serializers.Serializer[Tensor]):
    """One tensor as it is stored."""

    file = serializers.CharField()
    name = serializers.CharField()
    dtype = serializers.CharField()
    shape = serializers.ListField(child=serializers.IntegerField())
    parameters = serializers.IntegerField()
    bytes = serializers.IntegerField()


class TensorPageShape(serializers.Serializer[Any]):
    """A page of tensors of the commit `revision`."""

    revision = serializers.CharField()
    count = serializers.IntegerField()
    next = serializers.CharField(allow_null=True)
    results = TensorShape(many=True)

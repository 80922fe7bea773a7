"""The shape of verdicts in REST."""

from typing import Any

from rest_framework import serializers

from toolchain.standing import Standing
from toolchain.validator import Finding, Purpose, Verdict
from toolchain.validator.wording import sentence, summary

CODES = ("ready", "not_ready", "not_supported")
SEVERITIES = ("error", "warning")
MODES = ("built_in", "custom", "image")
STATES = ("waiting", "running", "done", "failed", "superseded", "unread")


class SpecificationFindingShape(serializers.Serializer[Any]):
    """Something to mend in the files. `line` is null for a whole file or folder; `facts` fill the sentence of `detail`."""

    code = serializers.CharField()
    severity = serializers.ChoiceField(SEVERITIES)
    path = serializers.CharField(allow_blank=True)
    line = serializers.IntegerField(allow_null=True)
    facts = serializers.DictField()
    concerns = serializers.ListField(child=serializers.ChoiceField(["training", "inference", "image_training", "image_inference"]))
    detail = serializers.CharField()


class VerdictShape(serializers.Serializer[Any]):
    """What holds for one purpose: `modes` are the ways that are open, `mode` the default. `reasons` is null without the right to preview."""

    code = serializers.ChoiceField(CODES)
    mode = serializers.ChoiceField(MODES)
    modes = serializers.ListField(child=serializers.ChoiceField(MODES))
    detail = serializers.CharField()
    reasons = SpecificationFindingShape(many=True, allow_null=True)


class VerdictsShape(serializers.Serializer[Any]):
    """The three purposes."""

    fine_tuning = VerdictShape()
    inference = VerdictShape()
    ai_app = VerdictShape()


class StandingShape(serializers.Serializer[Any]):
    """What the toolchain thinks of a model.

    `state` is about the newest commit of the default branch; `commit` names the one that everything else is about, null while none was read.
    `findings` is null without the right to preview; `dropped` counts those beyond the limit.
    """

    state = serializers.ChoiceField(STATES)
    current = serializers.BooleanField()
    commit = serializers.CharField(allow_null=True)
    verdicts = VerdictsShape(allow_null=True)
    error_count = serializers.IntegerField()
    warning_count = serializers.IntegerField()
    dropped = serializers.IntegerField()
    findings = SpecificationFindingShape(many=True, allow_null=True)


def finding_data(finding: Finding) -> dict[str, Any]:
    """Return a finding as REST and the command line show it."""
    return finding.as_dict() | {"detail": sentence(finding)}


def verdict_data(purpose: Purpose, found: Verdict, *, open: bool = True) -> dict[str, Any]:
    """Return a verdict as REST and the command line show it; what stands in the files only where they are `open` to the reader."""
    reasons = [finding_data(reason) for reason in found.reasons] if open else None
    return found.as_dict() | {"detail": summary(purpose, found), "reasons": reasons}


def standing_data(standing: Standing, *, open: bool) -> dict[str, Any]:
    """Return where a model stands as REST shows it."""
    report, verdicts = standing.report, standing.verdicts
    return {
        "state": standing.state,
        "current": standing.is_current,
        "commit": standing.commit or None,
        "verdicts": {purpose: verdict_data(purpose, found, open=open) for purpose, found in verdicts.items()} if verdicts else None,
        "error_count": report.errors if report else 0,
        "warning_count": report.warnings if report else 0,
        "dropped": report.dropped if report else 0,
        "findings": [finding_data(finding) for finding in report.findings] if report and open else None,
    }

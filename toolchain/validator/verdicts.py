"""What a report means for the toolchain: may the model be fine-tuned, served, made an app of; table 3.3 of the specification."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from toolchain.validator.architectures import ARCHITECTURES, CONFIG, supported
from toolchain.validator.findings import Concern, Finding, Report, Use

Code = Literal["ready", "not_ready", "not_supported"]
Mode = Literal["built_in", "custom", "image"]
Purpose = Literal["fine_tuning", "inference", "ai_app"]
PURPOSES: tuple[Purpose, ...] = ("fine_tuning", "inference", "ai_app")


class Support(NamedTuple):
    """What the toolchain offers for a task: `built_in`, `custom` or nothing."""

    fine_tuning: str
    inference: str
    ai_app: str


BUILT_IN = Support("built_in", "built_in", "built_in")
CUSTOM = Support("custom", "custom", "")
TABLE: Mapping[str, Support] = {"question-answering": BUILT_IN, "text-generation": BUILT_IN}
"""Table 3.3. A task that is not in it makes a custom model."""


@dataclass(frozen=True)
class Verdict:
    """What holds for one purpose.

    `modes` are the ways that are open, the first by default: the gallery's own methods (`built_in`), the scripts of the model (`custom`)
    or its image (`image`, which leaves no choice). Where none is, `mode` is the way that would be. `reasons` are the errors in
    the way of a model that is not ready or not supported, and the warnings about the ways of one that is ready.
    """

    code: Code
    mode: Mode
    modes: tuple[Mode, ...]
    reasons: tuple[Finding, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return the verdict as plain data."""
        reasons = [reason.as_dict() for reason in self.reasons]
        return {"code": self.code, "mode": self.mode, "modes": list(self.modes), "reasons": reasons}


@dataclass(frozen=True)
class Verdicts:
    """The verdicts for the three purposes."""

    fine_tuning: Verdict
    inference: Verdict
    ai_app: Verdict

    def items(self) -> list[tuple[Purpose, Verdict]]:
        """Return purposes and verdicts in their fixed order."""
        return [(purpose, getattr(self, purpose)) for purpose in PURPOSES]


def verdict(report: Report, *, task: str, kind: str = "model", table: Mapping[str, Support] = TABLE) -> Verdicts:
    """Return what `report` means for an asset of `kind` whose card names `task`, the code of a task or nothing."""
    if kind != "model":
        none = Verdict("not_supported", "custom", (), (_reason("not_a_model"),))
        return Verdicts(none, none, none)
    support = table.get(task, CUSTOM)
    own = _own_methods(report)
    served = [] if report.adapter else own
    return Verdicts(
        fine_tuning=_verdict(report, report.training, support.fine_tuning, own, task, "gallery_train/", ("training", "image_training")),
        inference=_verdict(
            report, report.inference, support.inference, served, task, "gallery_inference/", ("inference", "image_inference")
        ),
        ai_app=_app(report, support.ai_app, own, task),
    )


def _verdict(
    report: Report, use: Use, support: str, own: Sequence[Finding], task: str, folder: str, concerns: tuple[Concern, Concern]
) -> Verdict:
    scripts, image = concerns
    if not support:
        return Verdict("not_supported", "custom", (), (_reason("task_not_supported", task=task),))
    if use.form == "image":
        errors = report.about(image, severity="error")
        return Verdict("not_ready", "image", (), errors) if errors else Verdict("ready", "image", ("image",), report.about(image))
    errors = report.about(scripts, severity="error")
    modes: list[Mode] = []
    if support == "built_in" and not own:
        modes.append("built_in")
    if use.form == "folder" and not errors:
        modes.append("custom")
    if modes:
        warnings = report.about(scripts, severity="warning") if "custom" in modes else ()
        if modes[0] == "built_in" and report.adapter:
            warnings += (Finding("adapter_base", "warning", "", concerns=("inference",)),)
        return Verdict("ready", modes[0], tuple(modes), warnings)
    if support == "built_in":
        # Where nobody began a folder, the shorter way is the gallery's own.
        return Verdict("not_ready", "custom" if use.form else "built_in", (), (*own, *errors))
    if use.form == "" and not errors:
        errors = (_reason("folder_missing", folder, folder=folder),)
    unset = (_reason("task_missing", "README.md"),) if not task else ()
    return Verdict("not_ready", "custom", (), (*unset, *errors))


def _app(report: Report, support: str, own: Sequence[Finding], task: str) -> Verdict:
    if support != "built_in":
        reason = _reason("app_task", "README.md", task=task) if task else _reason("task_missing", "README.md")
        return Verdict("not_supported", "built_in", (), (reason,))
    if report.inference.form == "image":
        return Verdict("not_supported", "image", (), (_reason("app_image", "README.md"),))
    return Verdict("not_ready", "built_in", (), tuple(own)) if own else Verdict("ready", "built_in", ("built_in",))


def _own_methods(report: Report) -> list[Finding]:
    """Return what keeps the gallery's own methods from training and serving the model."""
    found = []
    broken = next((finding for finding in report.findings if finding.path == CONFIG), None)
    if broken is not None:
        found.append(Finding(broken.code, "error", CONFIG, broken.line, broken.facts, broken.concerns))
    elif not report.architecture:
        found.append(_reason("architecture_missing", CONFIG))
    elif supported(report.architecture) is None:
        known = ", ".join(each.name for each in ARCHITECTURES)
        found.append(_reason("architecture_not_supported", CONFIG, architecture=report.architecture, known=known))
    if not report.weights:
        found.append(_reason("weights_missing"))
    return found


def _reason(code: str, path: str = "", **facts: Any) -> Finding:
    return Finding(code, "error", path, None, facts, ("training", "inference"))

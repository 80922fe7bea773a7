"""What the validator says: findings with a place, and a report that keeps them in order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Severity = Literal["error", "warning"]
Concern = Literal["training", "inference", "image_training", "image_inference"]

MAX_FINDINGS = 300
SHOWN = 80


@dataclass(frozen=True)
class Finding:
    """One thing to mend. `line` counts from 1, None for a whole file or folder; `facts` are plain values for the sentence of `code`.

    An error of `training` or `inference` stops a custom model, one of `image_training` or `image_inference` a custom image.
    """

    code: str
    severity: Severity
    path: str
    line: int | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    concerns: tuple[Concern, ...] = ()

    @property
    def place(self) -> str:
        """Where it is: `train_params.json:9`."""
        return self.path + (f":{self.line}" if self.line else "")

    def as_dict(self) -> dict[str, Any]:
        """Return the form in which results are kept."""
        return {
            "code": self.code,
            "severity": self.severity,
            "path": self.path,
            "line": self.line,
            "facts": dict(self.facts),
            "concerns": list(self.concerns),
        }

    @classmethod
    def from_dict(cls, kept: Mapping[str, Any]) -> "Finding":
        """Return the finding that was kept."""
        return cls(kept["code"], kept["severity"], kept["path"], kept["line"], kept["facts"], tuple(kept["concerns"]))


class Notes:
    """Collects the findings about one file, all with the same concern."""

    def __init__(self, path: str, concern: Concern) -> None:
        self.path, self.concern = path, concern
        self.found: list[Finding] = []

    def error(self, code: str, line: int | None = None, **facts: Any) -> None:
        """Add what makes the contents unfit."""
        self._add(code, "error", line, facts)

    def warn(self, code: str, line: int | None = None, **facts: Any) -> None:
        """Add what is worth knowing and stops nothing."""
        self._add(code, "warning", line, facts)

    def about(self, path: str) -> "Notes":
        """Return notes about another file that end up among these."""
        other = Notes(path, self.concern)
        other.found = self.found
        return other

    def _add(self, code: str, severity: Severity, line: int | None, facts: dict[str, Any]) -> None:
        if len(self.found) <= MAX_FINDINGS:
            self.found.append(Finding(code, severity, self.path, line, facts, (self.concern,)))


@dataclass(frozen=True)
class Use:
    """How the files say that training or inference is done: not at all (""), with scripts in a `folder`, or in an `image`."""

    form: Literal["", "folder", "image"] = ""
    image: str = ""
    image_line: int = 0
    command: str = ""


@dataclass(frozen=True)
class Serving:
    """What `inference.py` offers: a `class` or `functions`, and the names by which it is initialised and called."""

    form: Literal["class", "functions"]
    name: str
    init: str
    call: str


@dataclass(frozen=True)
class Report:
    """Everything the files say about training and inference.

    `architecture` is what `config.json` names, in the words of the file, `weights` whether weights stand where libraries look for them, and
    `adapter` whether an adapter stands there in their place. `dropped` counts the findings beyond `MAX_FINDINGS`.
    """

    findings: tuple[Finding, ...] = ()
    training: Use = Use()
    inference: Use = Use()
    serving: Serving | None = None
    architecture: str = ""
    weights: bool = False
    dropped: int = 0
    adapter: bool = False

    @property
    def errors(self) -> int:
        """How many findings are errors."""
        return sum(finding.severity == "error" for finding in self.findings)

    @property
    def warnings(self) -> int:
        """How many findings are warnings."""
        return len(self.findings) - self.errors

    def about(self, *concerns: Concern, severity: Severity | None = None) -> tuple[Finding, ...]:
        """Return the findings with one of these concerns, of one severity where it is given."""
        return tuple(
            finding for finding in self.findings if not set(concerns).isdisjoint(finding.concerns) and severity in (None, finding.severity)
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the form in which results are kept."""
        return {
            "findings": [finding.as_dict() for finding in self.findings],
            "training": vars(self.training),
            "inference": vars(self.inference),
            "serving": None if self.serving is None else vars(self.serving),
            "architecture": self.architecture,
            "weights": self.weights,
            "dropped": self.dropped,
            "adapter": self.adapter,
        }

    @classmethod
    def from_dict(cls, kept: Mapping[str, Any]) -> "Report":
        """Return the report that was kept."""
        return cls(
            findings=tuple(Finding.from_dict(finding) for finding in kept["findings"]),
            training=Use(**kept["training"]),
            inference=Use(**kept["inference"]),
            serving=None if kept["serving"] is None else Serving(**kept["serving"]),
            architecture=kept["architecture"],
            weights=kept["weights"],
            dropped=kept["dropped"],
            adapter=kept.get("adapter", False),
        )


def in_order(findings: Sequence[Finding]) -> tuple[tuple[Finding, ...], int]:
    """Return at most `MAX_FINDINGS` findings, errors first, then by place, and how many were left out."""
    ordered = sorted(dict.fromkeys(findings_key(finding) for finding in findings))
    kept = {findings_key(finding): finding for finding in reversed(findings)}
    found = [kept[key] for key in ordered]
    return tuple(found[:MAX_FINDINGS]), max(0, len(found) - MAX_FINDINGS)


def findings_key(finding: Finding) -> tuple[Any, ...]:
    """Return what findings are ordered by; those that agree in it say the same."""
    return (
        finding.severity != "error",
        finding.path,
        finding.line or 0,
        finding.code,
        repr(sorted(finding.facts.items(), key=str)),
        finding.concerns,
    )


def shown(value: Any) -> str:
    """Return a value of a file as a sentence quotes it: one line of at most `SHOWN` characters."""
    text = " ".join(str(value).split())
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"

"""What a scan says of one file."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from inspection.files import Unreadable

Severity = Literal["danger", "unread", "caution"]
Verdict = Literal["safe", "caution", "dangerous", "unscanned"]
VERSION = 1  # of all rules together: a higher one has every file scanned again
MOST_FINDINGS = 100
MOST_OF_ONE_CODE = 20
MOST_WHERE = 300
_ORDER: dict[Severity, int] = {"danger": 0, "unread": 1, "caution": 2}
_VERDICTS: dict[Severity, Verdict] = {"danger": "dangerous", "unread": "unscanned", "caution": "caution"}


@dataclass(frozen=True)
class Finding:
    """One reason for a verdict: a stable code, the place inside the file (a member of an archive), and plain facts.

    `unread` says that this part could not be judged, and why: a file with one is never safe.
    """

    code: str
    severity: Severity
    where: str = ""
    facts: dict[str, Any] = field(default_factory=dict)

    def inside(self, path: str) -> "Finding":
        """Return the finding as one in the member `path` of what was read."""
        return replace(self, where=f"{path}/{self.where}".rstrip("/")[:MOST_WHERE])


@dataclass(frozen=True)
class Scan:
    """The verdict on one file. `unscanned` says in `findings` why it could not be judged; it is never shown as safe."""

    verdict: Verdict
    findings: tuple[Finding, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return plain data, as reports keep it."""
        return {"verdict": self.verdict, "findings": [asdict(finding) for finding in self.findings]}


def unread(error: Unreadable, where: str = "") -> Finding:
    """Return what stopped a reader as a finding; contents made to exhaust it are a danger, not an excuse."""
    return Finding(error.code, "danger" if error.code == "archive_bomb" else "unread", where, error.facts)


def judged(findings: Iterable[Finding]) -> Scan:
    """Return the verdict that follows from `findings`, the gravest first; of one code only the first few are kept.

    A danger that was found counts whether or not the rest could be read.
    """
    kept: list[Finding] = []
    seen: Counter[tuple[str, Severity]] = Counter()
    for finding in findings:
        key = (finding.code, finding.severity)
        if seen[key] < MOST_OF_ONE_CODE and finding not in kept:
            seen[key] += 1
            kept.append(finding)
    found = sorted(kept, key=lambda finding: _ORDER[finding.severity])[:MOST_FINDINGS]
    return Scan(_VERDICTS[found[0].severity] if found else "safe", tuple(found))

"""What the page of a model shows about the toolchain."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from assets.models import Asset
from assets.revisions import asset_kwargs
from toolchain.standing import Standing, standing_of
from toolchain.validator import Finding, Purpose, Verdict
from toolchain.validator.wording import CODE_NAMES, PURPOSE_NAMES, SEVERITY_NAMES, sentence, summary

MARKS = {"ready": "ok", "not_ready": "waiting", "not_supported": "stopped"}
FEW = 5
_ABSENT = frozenset({"file_missing", "file_name", "file_misplaced", "architecture_missing"})
"""Findings about files that are not there, or may not be."""


@dataclass(frozen=True)
class Row:
    """A verdict in words; `mark` is a state of `components/status.html`.

    `reasons` are what stands in no file, `below` counts the errors among the findings that are in the way.
    """

    name: str
    mark: str
    text: str
    summary: str
    reasons: Sequence["Line"] = ()
    below: int = 0


@dataclass(frozen=True)
class Line:
    """A finding in words. `address` opens the file at the line, empty where there is no such file."""

    severity: str
    place: str
    address: str
    text: str

    @property
    def severity_name(self) -> str:
        return str(SEVERITY_NAMES[self.severity])


class Panel:
    """The verdicts about a model, and for those who may read its files the findings behind them."""

    def __init__(self, asset: Asset) -> None:
        self.asset = asset
        self.standing: Standing = standing_of(asset)
        self.open = "preview" in asset.allowed
        self.may_retry = "upload" in asset.allowed

    @property
    def address(self) -> str:
        """The page with all findings, which also gives this panel again."""
        kwargs = asset_kwargs(self.asset)
        return reverse("toolchain:verdict", kwargs={"namespace": kwargs["namespace"], "name": kwargs["name"]})

    @property
    def rows(self) -> list[Row]:
        """The three verdicts."""
        if self.standing.verdicts is None:
            return []
        return [self._row(purpose, found) for purpose, found in self.standing.verdicts.items()]

    @property
    def lines(self) -> list[Line]:
        """All findings, for those who may read the files."""
        report = self.standing.report
        return [self._line(finding) for finding in report.findings] if report is not None and self.open else []

    @property
    def few(self) -> list[Line]:
        """The first findings."""
        return self.lines[:FEW]

    @property
    def errors(self) -> int:
        return self.standing.report.errors if self.standing.report else 0

    @property
    def warnings(self) -> int:
        return self.standing.report.warnings if self.standing.report else 0

    @property
    def dropped(self) -> int:
        return self.standing.report.dropped if self.standing.report else 0

    @property
    def total(self) -> int:
        return self.errors + self.warnings

    @property
    def lacks_more(self) -> bool:
        """Whether something is in the way that stands in no file."""
        return any(row.reasons for row in self.rows)

    @property
    def failure(self) -> str:
        """Why the reading failed, for those who can have it done again."""
        row = self.standing.inspection
        return row.job.error if self.may_retry and self.standing.failed and row is not None and row.job is not None else ""

    def _row(self, purpose: Purpose, found: Verdict) -> Row:
        known = self.standing.report.findings if self.standing.report else ()
        reasons = [reason for reason in found.reasons if reason.severity == "error"] if found.code == "not_ready" else []
        own = [self._line(reason) for reason in reasons if reason not in known] if self.open else []
        below = sum(reason in known for reason in reasons)
        return Row(str(PURPOSE_NAMES[purpose]), MARKS[found.code], str(CODE_NAMES[found.code]), summary(purpose, found), own, below)

    def _line(self, finding: Finding) -> Line:
        place = finding.place
        address = ""
        # A file that is missing has no page, and a folder none with lines.
        if finding.path and not finding.path.endswith("/") and finding.code not in _ABSENT:
            rest = f"{self.standing.commit}/{finding.path}"
            anchor = f"#L{finding.line}" if finding.line else ""
            address = reverse("assets:file", kwargs={**asset_kwargs(self.asset), "rest": rest}) + anchor
        return Line(finding.severity, place, address, sentence(finding))


def in_short(result: Mapping[str, Any]) -> str:
    """Return what came of reading a commit against the specification, in a few words."""
    errors = sum(finding["severity"] == "error" for finding in result.get("findings", ()))
    words = ngettext("%(count)s error against the specification", "%(count)s errors against the specification", errors)
    return words % {"count": errors} if errors else _("No errors against the specification")


def panel_of(user: Any, asset: Asset) -> Panel | None:
    """Return what `toolchain/_verdict.html` shows of `asset`, None for anything but a model."""
    return Panel(asset) if asset.kind == Asset.Kind.MODEL else None

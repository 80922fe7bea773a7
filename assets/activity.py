"""What is being read of a commit, what is done and what failed: the strip on the files tab and on the introduction, and REST."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from assets.models import Asset
from core.numbers import grouped, parameters
from core.problems import Missing
from inspection.models import Inspection
from inspection.registry import STEPS, steps_for
from inspection.services import inspect_again
from jobs.models import Job
from repos.reading import Revision

UNREAD = "unread"
"""The state of a step that was never begun for a commit."""
STATES = {
    UNREAD: gettext_lazy("Not read"),
    Inspection.State.WAITING: gettext_lazy("Waiting"),
    Inspection.State.RUNNING: gettext_lazy("Reading"),
    Inspection.State.DONE: gettext_lazy("Done"),
    Inspection.State.FAILED: gettext_lazy("Failed"),
    Inspection.State.SUPERSEDED: gettext_lazy("Passed over"),
}
SHAPES = {
    UNREAD: "stopped",
    Inspection.State.WAITING: "waiting",
    Inspection.State.RUNNING: "running",
    Inspection.State.DONE: "ok",
    Inspection.State.FAILED: "failed",
    Inspection.State.SUPERSEDED: "stopped",
}
ENDED = frozenset({Inspection.State.DONE, Inspection.State.FAILED})
Summary = Callable[[Mapping[str, Any]], str]
_SUMMARIES: dict[str, Summary] = {}


def summarise(step: str, summary: Summary) -> None:
    """Have the result of `step` told in the short sentence that `summary` returns; from `AppConfig.ready`."""
    _SUMMARIES[step] = summary


@dataclass(frozen=True)
class Line:
    """One step: its state, what came of it or what stopped it, and how far it is (`of` 0 where that is not known)."""

    code: str
    name: str
    state: str
    text: str = ""
    error: str = ""
    done: int = 0
    of: int = 0
    again: bool = False

    @property
    def words(self) -> str:
        """The state in words."""
        return str(STATES[self.state])

    @property
    def shape(self) -> str:
        """The shape that stands for the state, as `components/status.html` takes it."""
        return SHAPES[self.state]


class Activity:
    """The reading of one commit of `asset`, which was read for a viewer. Those who may not read the files hear states only."""

    def __init__(self, asset: Asset, revision: Revision) -> None:
        self.asset, self.revision = asset, revision
        self.commit = revision.commit.sha

    @property
    def short(self) -> str:
        """The first digits of the commit that every result here belongs to."""
        return self.revision.commit.short

    @cached_property
    def rows(self) -> dict[str, Inspection]:
        """The steps that were begun, by code."""
        return {row.step: row for row in Inspection.objects.of(self.revision.repository, self.commit)}

    @cached_property
    def lines(self) -> list[Line]:
        """Every step in its order; the card comes first while it is read, and where it could not be."""
        card = [self._card] if self._card else []
        return card + [self._line(step.code, str(step.name)) for step in steps_for(self.asset.kind)]

    @property
    def is_active(self) -> bool:
        """Whether something is still to be expected, so that a page asks again."""
        return any(line.state in (Inspection.State.WAITING, Inspection.State.RUNNING) for line in self.lines)

    @property
    def has_failed(self) -> bool:
        """Whether something could not be read."""
        return any(line.state == Inspection.State.FAILED for line in self.lines)

    @property
    def is_unread(self) -> bool:
        """Whether nothing was ever read here: only what branches and tags lead to is."""
        return all(line.state in (UNREAD, Inspection.State.SUPERSEDED) for line in self.lines)

    @property
    def summary(self) -> list[str]:
        """The results in a few words each."""
        return [line.text for line in self.lines if line.text]

    @cached_property
    def _ingest(self) -> Job | None:
        """The job that reads the card and begins the steps, while it matters for this commit."""
        job = self.asset.ingest_job
        if job is not None and job.params.get("commit") == self.commit:
            return job
        if self.rows or self.revision.branch is None:
            return None
        return Job.objects.active().filter(dedupe_key=f"assets.ingest:{self.asset.pk}:{self.commit}").first()

    @cached_property
    def _card(self) -> Line | None:
        job = self._ingest
        if job is None or job.state in (Job.State.DONE, Job.State.STOPPED):
            return None
        states = {Job.State.RUNNING: Inspection.State.RUNNING, Job.State.FAILED: Inspection.State.FAILED}
        state = states.get(Job.State(job.state), Inspection.State.WAITING)
        return Line("card", _("Card"), state, error=self._told(job.error) if state == Inspection.State.FAILED else "")

    def _line(self, code: str, name: str) -> Line:
        row, may = self.rows.get(code), "upload" in self.asset.allowed
        if row is None:
            begins = self._ingest is not None and self._ingest.active
            return Line(code, name, Inspection.State.WAITING if begins else UNREAD)
        state = row.state
        if state == Inspection.State.DONE:
            return Line(code, name, state, text=self._told(short(code, row.result)), again=may)
        if state == Inspection.State.FAILED:
            error = row.job.error if row.job else ""
            return Line(code, name, state, error=self._told(error) or _("It could not be read."), again=may)
        done, of = row.progress
        return Line(code, name, state, done=done, of=of)

    def _told(self, text: str) -> str:
        return text if "preview" in self.asset.allowed else ""


def short(step: str, result: Mapping[str, Any]) -> str:
    """Return what came of a step in a few words, empty where nobody registered any."""
    summary = _SUMMARIES.get(step)
    return summary(result) if summary else ""


def begin_again(activity: Activity, step: str, actor: Any) -> Inspection:
    """Begin a step of a commit again. Raises `Missing` where it was never begun, `Conflict` where it waits or runs already."""
    row = activity.rows.get(step)
    if row is None or step not in STEPS:
        raise Missing("inspection_not_found", _("This step was never begun for this commit. Only the newest commit of a branch is read."))
    row.repository = activity.asset.open_repository()
    return inspect_again(inspection=row, actor=actor)


def of_headers(result: Mapping[str, Any]) -> str:
    """Return how many parameters the weights have."""
    if not result.get("parameters"):
        return _("No weights that can be counted")
    return _("%(count)s parameters") % {"count": parameters(result["parameters"])}


def of_tables(result: Mapping[str, Any]) -> str:
    """Return how many splits and rows were read."""
    splits, rows = sum(len(config["splits"]) for config in result.get("configs", ())), result.get("rows") or 0
    if not splits:
        return _("No tables found")
    words = ngettext("%(rows)s rows in %(splits)s split", "%(rows)s rows in %(splits)s splits", splits)
    return words % {"rows": grouped(rows), "splits": grouped(splits)}


def of_safety(result: Mapping[str, Any]) -> str:
    """Return the gravest of what was found, with how many files there are of it."""
    counts = result.get("counts", {})
    found = {
        "dangerous": ngettext("%(count)s dangerous file", "%(count)s dangerous files", counts.get("dangerous", 0)),
        "unscanned": ngettext("%(count)s file not scanned", "%(count)s files not scanned", counts.get("unscanned", 0)),
        "caution": ngettext("Caution with %(count)s file", "Caution with %(count)s files", counts.get("caution", 0)),
    }
    words = [text % {"count": grouped(counts[word])} for word, text in found.items() if counts.get(word)]
    return " · ".join(words) if words else _("No risks found")


def register_summaries() -> None:
    """Have the results of the steps below this room told."""
    summarise("headers", of_headers)
    summarise("tables", of_tables)
    summarise("safety", of_safety)

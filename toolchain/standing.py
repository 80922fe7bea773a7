"""Where a model stands with the toolchain: what its files say, at which commit, and how far the reading of them is."""

from dataclasses import dataclass

from django.conf import settings

from assets.models import Asset, Term
from assets.vocabulary import Terms
from inspection.models import Inspection
from repos.models import Ref
from repos.models.git import HEADS
from toolchain.steps import CODE
from toolchain.validator import VERSION, Report, Support, Verdicts, judged, verdict
from toolchain.validator.verdicts import TABLE

State = Inspection.State


@dataclass(frozen=True)
class Standing:
    """`state` is that of the newest commit of the default branch: an `Inspection.State`, or "unread" where nothing reads it.

    `verdicts` and `report` are those of `commit`: that commit where it was read, else the last one that was; None where none was.
    `inspection` is the row of the newest commit.
    """

    state: str
    commit: str = ""
    report: Report | None = None
    verdicts: Verdicts | None = None
    inspection: Inspection | None = None

    @property
    def is_reading(self) -> bool:
        return self.state in (State.WAITING, State.RUNNING)

    @property
    def failed(self) -> bool:
        return self.state == State.FAILED

    @property
    def is_current(self) -> bool:
        """Whether the verdicts are those of the newest commit."""
        return self.state == State.DONE


def standing_of(asset: Asset) -> Standing:
    """Return where `asset`, read for a viewer, stands; two queries at most."""
    rows = Inspection.objects.filter(repository=asset.repository_id, step=CODE).select_related("job")
    head = Ref.objects.filter(repository=asset.repository_id, name=HEADS + asset.repository.default_branch).values("commit")
    newest = rows.filter(commit__in=head).first()
    current = newest is not None and newest.finished_at is not None and newest.version == VERSION
    shown = newest if current else rows.finished().filter(version=VERSION).order_by("-finished_at").first()
    # The job that reads the card begins the step.
    begins = asset.ingest_job is not None and asset.ingest_job.active
    state = newest.state if newest is not None else State.WAITING if begins else "unread"
    if state == State.DONE and not current:
        # It was read by earlier rules, and the upkeep has it read again.
        state = State.WAITING
    return _judged(asset, state, newest, shown)


def standing_once(asset: Asset) -> Standing:
    """Return `standing_of(asset)`, asked for once for a row: for the parts of one page, which show the same row."""
    kept: Standing | None = vars(asset).get("_standing")
    if kept is None:
        kept = vars(asset)["_standing"] = standing_of(asset)
    return kept


def standing_at(asset: Asset, commit: str) -> Standing:
    """Return where one commit of `asset`, read for a viewer, stands, whatever came after it; one query."""
    row = Inspection.objects.filter(repository=asset.repository_id, step=CODE, commit=commit).select_related("job").first()
    if row is None:
        begins = asset.ingest_job is not None and asset.ingest_job.active
        return Standing(State.WAITING if begins else "unread")
    if row.finished_at is None or row.version != VERSION:
        return Standing(State.WAITING if row.state == State.DONE else row.state, inspection=row)
    return _judged(asset, row.state, row, row)


def _judged(asset: Asset, state: str, newest: Inspection | None, shown: Inspection | None) -> Standing:
    if shown is None:
        return Standing(state, inspection=newest)
    report = judged(Report.from_dict(shown.result), settings.IMAGE_REGISTRIES)
    found = verdict(report, task=asset.task, kind=asset.kind, table=_table(asset.task))
    return Standing(state, shown.commit, report, found, newest)


def _table(task: str) -> dict[str, Support]:
    """Return what the gallery's own list of tasks says about one, which administrators may have changed."""
    term = Terms.load().get(Term.Vocabulary.TASK, task)
    return dict(TABLE) | ({task: Support(term.fine_tuning, term.inference, term.app)} if term else {})

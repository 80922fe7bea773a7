"""The list of training jobs of a person and of their organisations."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any

from django.db.models import Count, OuterRef, Q, Subquery
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.menu import Entry
from accounts.models import Namespace, User
from toolchain.compute import ledger
from toolchain.compute.limits import allowance
from toolchain.lists import OwnedList
from toolchain.models import Excerpt
from toolchain.runs.queue import places_of
from toolchain.trainer.filters import TrainingFilter
from toolchain.trainer.models import Training
from toolchain.trainer.wording import MARKS, doing, method_of, status_of

PATH = "/jobs"
RECENTLY = timedelta(days=90)
State = Training.State
BARS: dict[str, str] = {State.RUNNING: "info", State.STOPPING: "warn", State.FAILED: "danger", State.STOPPED: "warn"}


@dataclass(frozen=True)
class Line:
    """A training job of the list; `mark` is a state of `components/status.html`, `step` the last iteration that it wrote."""

    training: Training
    place: int
    step: int | None
    total: int

    @property
    def mark(self) -> str:
        return MARKS[self.training.state]

    @property
    def status(self) -> str:
        return status_of(self.training)

    @property
    def method(self) -> str:
        return method_of(self.training)

    @property
    def bar(self) -> str:
        """The colour of the bar."""
        return BARS.get(self.training.state, "")

    @property
    def percent(self) -> int | None:
        """How far it is, None where that cannot be known."""
        if self.training.state == State.COMPLETED:
            return 100
        if self.step is not None and self.total:
            return min(100, self.step * 100 // self.total)
        return 0 if self.training.state == State.WAITING else None

    @property
    def text(self) -> str:
        """What stands below the bar."""
        training = self.training
        if training.state == State.COMPLETED:
            name = training.output.repo_id if training.output else ""
            return _("Made %(model)s") % {"model": name} if name else _("Its model is not there any more")
        if self.step is not None and training.state in (State.RUNNING, State.STOPPING):
            if self.total:
                return _("step %(step)s of %(total)s") % {"step": f"{self.step:,}", "total": f"{self.total:,}"}
            return _("step %(step)s") % {"step": f"{self.step:,}"}
        return doing(training, self.place)

    @property
    def seconds(self) -> float | None:
        """How long it has been at it, None before the start."""
        return seconds_of(self.training)


class Mine(OwnedList[Training]):
    """The page of training jobs that the person behind `request` may see."""

    kind, filters, path = Training, TrainingFilter, PATH

    def found(self) -> Any:
        return super().found().annotate(last_line=_last_metrics())

    @cached_property
    def lines(self) -> list[Line]:
        """The jobs of this page."""
        places = places_of(row.run for row in self.page.rows if row.run is not None)
        return [Line(row, places.get(row.run_id or 0, 0), _step(getattr(row, "last_line", None)), total_of(row)) for row in self.page.rows]

    @property
    def running(self) -> int:
        return self.counts[State.RUNNING] + self.counts[State.STOPPING]

    @property
    def queued(self) -> int:
        return self.counts[State.WAITING]

    @cached_property
    def success(self) -> int | None:
        """The share of the jobs of the last ninety days that made their model, among those that ended by themselves; None without any."""
        recent = Training.objects.for_user(self.user).filter(ended_at__gte=timezone.now() - RECENTLY)
        found = recent.aggregate(good=Count("pk", filter=Q(state=State.COMPLETED)), bad=Count("pk", filter=Q(state=State.FAILED)))
        ended = found["good"] + found["bad"]
        return round(found["good"] * 100 / ended) if ended else None

    @cached_property
    def hours(self) -> tuple[Decimal, Decimal | None]:
        """The hours that the person used this month, and how many there may be."""
        own = Namespace.objects.for_user(self.user).get(pk=self.user.pk)
        return ledger.used(own)[0], allowance(own).hours


def seconds_of(training: Training) -> float | None:
    """Return how long a job has been at it, None before its start."""
    if training.started_at is None:
        return None
    return ((training.ended_at or timezone.now()) - training.started_at).total_seconds()


def total_of(training: Training) -> int:
    """Return the steps that a job was told to make, 0 where it was not told."""
    given = str(training.parameters.get("max_steps", ""))
    return int(given) if given.isascii() and given.isdigit() and len(given) < 12 else 0


def entries(user: User) -> list[Entry]:
    """Return the lines of the rail."""
    running = Training.objects.for_user(user).active().count()
    return [
        Entry("runs", _("Training jobs"), "test-pipe", PATH, count=running, position=10),
        Entry("runs", _("My compute"), "cpu", "/me/compute", position=50),
    ]


def _last_metrics() -> Any:
    newest = Excerpt.objects.filter(run=OuterRef("run"), stream="metrics").order_by("-offset")
    return Subquery(newest.values("data")[:1])


def _step(data: Any) -> int | None:
    """Return the iteration in the last whole line of metrics."""
    lines = bytes(data or b"")[-2000:].split(b"\n")[:-1]
    for line in reversed(lines):
        number = line.partition(b"|")[0].strip()
        if number.isdigit() and len(number) < 19:
            return int(number)
    return None

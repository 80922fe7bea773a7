"""The page of a training job."""

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from assets.models import Asset
from core import logs
from core.numbers import duration
from core.plots import Plot
from core.problems import Missing
from core.terminal import Painter
from toolchain.choices import ENVIRONMENT_NAMES, task_name
from toolchain.materials import Survey, surveyed
from toolchain.metrics.panel import Curves, choice_of, show
from toolchain.metrics.rows import log_of, metrics_of
from toolchain.metrics.sources import Source
from toolchain.metrics.usage import Allowed, usage
from toolchain.models import Run, Sample
from toolchain.runs.places import runs_folder
from toolchain.runs.queue import place_of
from toolchain.runs.reading import last_lines, read_stream
from toolchain.trainer import builtin
from toolchain.trainer.mine import seconds_of, total_of
from toolchain.trainer.models import Training
from toolchain.trainer.wording import MARKS, STEPS, doing, failure, method_of, stage_of, status_of

State = Training.State
COMPARED = 12
"""Other jobs that are offered for comparison."""
LAST_LINES = 50
MOST_SAMPLES = 20_000
MOST_FILES = 200
_STEPS_LINE = b"steps: "


class JobPage:
    """Everything about `training`, which was read for `user`; `given` are the parameters of the address."""

    def __init__(self, user: Any, training: Training, given: Any) -> None:
        self.user, self.training, self.given = user, training, given
        self.run: Run | None = training.run

    @property
    def mark(self) -> str:
        return MARKS[self.training.state]

    @property
    def status(self) -> str:
        return status_of(self.training)

    @property
    def live(self) -> bool:
        """Whether it changes by itself."""
        return self.training.active

    @property
    def begun(self) -> bool:
        """Whether its program has run, or still may."""
        return self.live or (self.run is not None and self.run.started_at is not None)

    @property
    def sentence(self) -> str:
        """What it does now, waits for, or why it ended."""
        place = place_of(self.run) if self.run is not None and self.training.state == State.WAITING else 0
        return doing(self.training, place)

    @property
    def failure(self) -> str:
        return failure(self.training) if self.training.state == State.FAILED else ""

    @cached_property
    def last_lines(self) -> SafeString | None:
        """The end of the log of a job that failed."""
        if self.training.state != State.FAILED or self.run is None:
            return None
        painter = Painter()
        lines = [str(painter.paint(line)) for line in last_lines(self.run, LAST_LINES).splitlines()]
        return mark_safe("\n".join(lines)) if lines else None

    @property
    def steps(self) -> list[tuple[str, str, str]]:
        """The stages: what they are called, how long they took, and whether they are done, now or where it broke."""
        here = [code for code, _name in STEPS].index(stage_of(self.training))
        now = "now" if self.training.active else "bad" if self.training.state == State.FAILED else ""
        ended = self.training.state == State.COMPLETED
        found = []
        for number, (code, name) in enumerate(STEPS):
            state = "done" if number < here or ended else now if number == here else ""
            found.append((str(name), self._took(code) if state else "", state))
        return found

    def _took(self, code: str) -> str:
        run = self.run
        if run is None:
            return ""
        end = run.ended_at or timezone.now()
        built = datetime.fromtimestamp(run.facts["built"], UTC) if "built" in run.facts else None
        spans: Mapping[str, tuple[Any, Any]] = {
            "queue": (run.created_at, run.claimed_at or end),
            "environment": (run.claimed_at if built or run.stage == "environment" else None, built or end),
            "files": (built or run.claimed_at, run.started_at or end),
            "run": (run.started_at, end),
        }
        first, last = spans.get(code, (None, None))
        return duration((last - first).total_seconds()) if first is not None else ""

    @cached_property
    def total(self) -> int | None:
        """The steps that it will make, where it was told or says so at the head of its log."""
        if told := total_of(self.training):
            return told
        if self.run is None or self.training.task not in builtin.TASKS:
            return None
        for line in read_stream(self.run, "log", 0, 32 << 10).splitlines():
            number = line.removeprefix(_STEPS_LINE)
            if number != line and number.isdigit() and len(number) < 12:
                return int(number)
        return None

    @property
    def percent(self) -> int | None:
        """How much is done, None where that is not known."""
        if self.training.state == State.COMPLETED:
            return 100
        share = self.curves.figures.share(self.total) if self.curves is not None else None
        return None if share is None else round(share * 100)

    @property
    def step(self) -> int | None:
        return self.curves.figures.step if self.curves is not None else None

    @property
    def left(self) -> float | None:
        """The seconds that it still takes if it goes on like this."""
        if self.curves is None or self.training.state != State.RUNNING:
            return None
        return self.curves.figures.left(self.total, time.time())

    @property
    def seconds(self) -> float | None:
        return seconds_of(self.training)

    @property
    def unit(self) -> str:
        """What throughput counts."""
        return _("tokens/s") if self.training.task in builtin.TASKS else ""

    @property
    def source(self) -> Source | None:
        """Its metrics, None before there is a run."""
        return metrics_of(self.run, self.training.name, self.total) if self.run is not None else None

    @cached_property
    def curves(self) -> Curves | None:
        """The curves, beside those of other jobs that were chosen; None before there is a run."""
        if self.run is None:
            return None
        others = self._others
        offered = {training.run.key: training.name for training in others.values() if training.run is not None}
        source = self.source
        assert source is not None
        return show(source, choice_of(self.given), offered=offered, source_of=self._source_of, unit=self.unit)

    @cached_property
    def _others(self) -> dict[str, Training]:
        """The latest other jobs that the viewer may see, by the keys of their runs; those that were chosen are among them."""
        known = Training.objects.for_user(self.user).exclude(pk=self.training.pk).exclude(run=None).select_related("run").order_by("-pk")
        chosen = [int(key.split("-")[1]) for key in self.given.getlist("with") if _is_key(key)]
        rows = [*known.filter(pk__in=chosen[:COMPARED]), *known.filter(run__started_at__isnull=False)[:COMPARED]]
        return {row.run.key: row for row in rows if row.run is not None}

    def _source_of(self, key: str) -> Source | None:
        found = self._others.get(key)
        return metrics_of(found.run, found.name) if found is not None and found.run is not None else None

    @cached_property
    def usage(self) -> list[Plot]:
        """What it uses of its machine, empty before there is anything."""
        if self.run is None:
            return []
        rows = Sample.objects.filter(run=self.run).order_by("at")
        spec, count = self.training.spec, rows.count()
        if not count:
            return []
        # Of very long runs every n-th: charts show 600 points.
        thinned = list(rows[:: max(1, count // MOST_SAMPLES + 1)] if count > MOST_SAMPLES else rows)
        allowed = Allowed(spec.vcpus, spec.memory << 30, spec.card_memory << 30)
        return usage(thinned, allowed, start=self.run.started_at.timestamp() if self.run.started_at else None)

    @property
    def window(self) -> logs.Window | None:
        """The end of the log."""
        return logs.tail(self.log) if self.run is not None else None

    @property
    def running(self) -> Run:
        """Its run. Raises `Missing` before there is one."""
        if self.run is None:
            raise Missing("run_not_found", _("This training job has not run, so there is nothing to show."))
        return self.run

    @property
    def log(self) -> logs.Log:
        return log_of(self.running, int(self.running.exit.get("dropped", 0) or 0))

    @cached_property
    def _visible(self) -> dict[int, Asset]:
        wanted = [pk for pk in (self.training.model_id, self.training.dataset_id, self.training.output_id) if pk]
        return {asset.pk: asset for asset in Asset.objects.for_user(self.user).filter(pk__in=wanted).select_related("namespace")}

    @property
    def model(self) -> Asset | None:
        """The model, where the viewer may see it."""
        return self._visible.get(self.training.model_id or 0)

    @property
    def dataset(self) -> Asset | None:
        return self._visible.get(self.training.dataset_id or 0)

    @property
    def output(self) -> Asset | None:
        """The model that it made, where the viewer may see it."""
        return self._visible.get(self.training.output_id or 0)

    @property
    def method(self) -> str:
        return method_of(self.training)

    @property
    def task(self) -> str:
        return task_name(self.training.task)

    @property
    def environment(self) -> str:
        return str(ENVIRONMENT_NAMES.get(self.training.environment, self.training.environment))

    @property
    def parameters(self) -> list[tuple[str, str]]:
        return [(name, str(value)) for name, value in self.training.parameters.items()]

    @cached_property
    def attempts(self) -> Sequence[Run]:
        """Its runs, the newest first, where there were several."""
        found = list(Run.objects.of("training", self.training.pk)[:10])
        return found if len(found) > 1 else []

    @property
    def has_files(self) -> bool:
        return self.training.checkpoints == Training.Checkpoints.KEPT

    @cached_property
    def survey(self) -> Survey | None:
        """The files that are kept of a job that was stopped, None where they cannot be reached."""
        return files_of(self.training) if self.has_files else None

    @property
    def files(self) -> list[tuple[str, int]]:
        """The first of the files that are kept, with their sizes."""
        return [(file.path, file.size) for file in self.survey.files[:MOST_FILES]] if self.survey else []

    @property
    def more_files(self) -> int:
        return max(0, len(self.survey.files) - MOST_FILES) if self.survey else 0

    @property
    def kept_days(self) -> int:
        """How long files are kept after the end."""
        return int(settings.CHECKPOINT_DAYS)

    def address(self, page: str) -> str:
        return reverse(f"trainer:{page}", args=[self.training.pk])

    @property
    def url(self) -> str:
        return self.training.get_absolute_url()

    @property
    def log_url(self) -> str:
        return self.address("log")

    @property
    def log_file_url(self) -> str:
        return self.address("log_file")

    @property
    def metrics_url(self) -> str:
        return self.address("metrics")

    @property
    def state_url(self) -> str:
        return self.address("state")


def files_of(training: Training) -> Survey | None:
    """Return the files that are kept of a job, None where they cannot be reached from here."""
    if training.run is None:
        return None
    try:
        folder = runs_folder() / training.run.key / "output"
        return surveyed(folder, most_bytes=settings.RUN_DISK) if folder.is_dir() else None
    except OSError:
        return None


def _is_key(key: str) -> bool:
    parts = key.split("-")
    return len(parts) == 3 and parts[0] == "training" and parts[1].isascii() and parts[1].isdigit() and len(parts[1]) < 18

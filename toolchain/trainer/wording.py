"""Training jobs in words."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from toolchain.models import Run
from toolchain.runs.wording import WAITS, progress, sentence
from toolchain.trainer import builtin
from toolchain.trainer.builtin.wording import method_name
from toolchain.trainer.models import Training

State = Training.State
MARKS: Mapping[str, str] = {
    State.WAITING: "waiting",
    State.RUNNING: "running",
    State.COMPLETED: "ok",
    State.FAILED: "failed",
    State.STOPPING: "warn",
    State.STOPPED: "stopped",
}
"""The state of `components/status.html` for each state of a job."""
STEPS: tuple[tuple[str, Any], ...] = (
    ("queue", gettext_lazy("Queue")),
    ("environment", gettext_lazy("Environment")),
    ("files", gettext_lazy("Model and data")),
    ("run", gettext_lazy("Train")),
    ("result", gettext_lazy("Register model")),
)
"""The stages of a job in their order."""
_PLACES = {"environment": "environment", "model": "files", "dataset": "files", "start": "files", "run": "run"}


def method_of(training: Training) -> str:
    """Return what people call the training method of a job."""
    return method_name(training.method) if training.task in builtin.TASKS else training.method


def stage_of(training: Training) -> str:
    """Return at which of `STEPS` a job is, or where it ended."""
    run = training.run
    if run is None or run.claimed_at is None:
        return "queue"
    if run.state == Run.State.COLLECTING or training.state == State.COMPLETED:
        return "result"
    return _PLACES.get(run.stage, "environment")


def status_of(training: Training) -> str:
    """Return the state of a job as a list shows it: of one that runs, at which stage it is."""
    if training.state != State.RUNNING:
        return str(training.get_state_display())
    return {
        "queue": _("Preparing"),
        "environment": _("Preparing"),
        "files": _("Preparing"),
        "run": pgettext("state", "Training"),
        "result": _("Keeping the result"),
    }[stage_of(training)]


def doing(training: Training, place: int = 0) -> str:
    """Return what a job does now, waits for, or why it ended, in a sentence; `place` is its place in the queue where that is known."""
    run = training.run
    if training.state == State.WAITING:
        waits = run.waits_for if run is not None else ""
        words = str(WAITS.get(waits, WAITS[""]))
        return _("Place %(place)s in the queue. %(reason)s.") % {"place": place, "reason": words} if place else words
    if training.state == State.STOPPING:
        return _("It was asked to stop; its checkpoints are kept.")
    if training.state == State.RUNNING and run is not None and run.state == Run.State.PREPARING:
        return progress(run.stage, run.progress)
    return failure(training)


def failure(training: Training) -> str:
    """Return why a job ended without a model, in a sentence; empty where it did not."""
    if training.state not in (State.FAILED, State.STOPPED):
        return ""
    if training.state == State.STOPPED and training.error in ("", "stopped"):
        return _("It was stopped by hand.")
    return sentence(training.error, training.detail)

"""Inference services in words."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from toolchain.choices import CUSTOM
from toolchain.inference.engines import ENGINES
from toolchain.inference.models import Generation, Replica, Service
from toolchain.models import Run
from toolchain.runs.wording import WAITS, progress, sentence

State = Service.State
MARKS: Mapping[str, str] = {
    State.WAITING: "waiting",
    State.DEPLOYING: "running",
    State.RUNNING: "ok",
    State.STOPPING: "warn",
    State.STOPPED: "stopped",
    State.FAILED: "failed",
}
"""The state of `components/status.html` for each state of a service."""
GENERATION_MARKS: Mapping[str, str] = {
    Generation.State.COMING: "running",
    Generation.State.SERVING: "ok",
    Generation.State.DRAINING: "warn",
    Generation.State.GONE: "stopped",
    Generation.State.FAILED: "failed",
}
ACTS: Mapping[str, Any] = {
    "deploy": gettext_lazy("Deployed"),
    "start": gettext_lazy("Started"),
    "stop": gettext_lazy("Stopped"),
    "restart": gettext_lazy("Restarted"),
    "change": gettext_lazy("Settings changed"),
    "roll_back": gettext_lazy("Rolled back"),
    "make_key": gettext_lazy("Key made"),
    "revoke_key": gettext_lazy("Key revoked"),
}
"""What was done to a service, by the verbs of the audit trail."""


def engine_name(name: str) -> str:
    """Return what people call an engine."""
    engine = ENGINES.get(name)
    return str(engine.title) if engine is not None else name


def is_custom(service: Service) -> bool:
    """Say whether a script or an image of the model itself answers."""
    return service.task == CUSTOM


def mark_of(service: Service, ready: int) -> str:
    """Return the state of `components/status.html` of a service of which `ready` replicas answer."""
    return "warn" if service.state == State.RUNNING and ready < service.replicas else MARKS[service.state]


def status_of(service: Service, ready: int) -> str:
    """Return the state of a service in a word or two; `ready` of its replicas answer."""
    if service.state == State.STOPPED and service.asleep:
        return _("Asleep")
    if service.state == State.RUNNING and ready < service.replicas:
        return _("Degraded")
    return str(service.get_state_display())


def doing(service: Service, replicas: Sequence[Replica], place: int = 0) -> str:
    """Return what a service does now or waits for, or why it stands still, in a sentence.

    `replicas` are those of its newest generation with their runs, `place` is the place of the first of them in the queue.
    """
    if service.state in (State.WAITING, State.DEPLOYING):
        if replicas and all(replica.ready for replica in replicas):
            return _("It answers and is about to get requests.")
        return step_of(_first(replicas), place)
    if service.state == State.STOPPING:
        return _("The requests that it has are being answered, then it stops.")
    if service.state == State.STOPPED:
        return _stopped(service)
    if service.state == State.FAILED:
        return failure(service)
    return ""


def failure(service: Service) -> str:
    """Return what went wrong with a service, or with its newest version, in a sentence; empty where nothing did."""
    if not service.error:
        return ""
    return sentence(service.error, service.detail)


def step_of(run: Run | None, place: int = 0) -> str:
    """Return what the run of a replica does now or waits for."""
    if run is None:
        return str(WAITS[""])
    if run.state == Run.State.WAITING:
        words = str(WAITS.get(run.waits_for, WAITS[""]))
        return (
            _("Place %(place)s in the queue. %(reason)s.") % {"place": place, "reason": words}
            if place
            else _("%(reason)s.") % {"reason": words}
        )
    if run.state == Run.State.PREPARING:
        return progress(run.stage, run.progress)
    if run.state == Run.State.ENDED:
        return sentence(run.error, run.detail) if run.error else _("It is about to be started again.")
    return _("The model is being loaded.")


def replica_status(replica: Replica) -> tuple[str, str]:
    """Return the mark of `components/status.html` of a replica, and its state in a word or two."""
    run = replica.run
    if replica.ready:
        return "ok", _("Answers")
    if run is None or run.state == Run.State.WAITING:
        return "waiting", _("Waiting")
    if run.state == Run.State.ENDED:
        return ("failed", _("Failed")) if run.error not in ("", "stopped") else ("stopped", _("Stopped"))
    if run.stop_requested_at is not None:
        return "warn", _("Stopping")
    return "running", _("Loading") if run.state == Run.State.RUNNING else _("Preparing")


def _first(replicas: Sequence[Replica]) -> Run | None:
    """Return the run that is furthest behind, which is what is waited for."""
    order = (Run.State.ENDED, Run.State.WAITING, Run.State.PREPARING, Run.State.RUNNING, Run.State.COLLECTING)
    runs = [replica.run for replica in replicas if replica.run is not None and not replica.ready]
    return min(runs, key=lambda run: order.index(Run.State(run.state)), default=None)


def _stopped(service: Service) -> str:
    if service.asleep:
        return _("It was stopped because nobody called it. The next call starts it again.")
    if service.error:
        return sentence(service.error, service.detail)
    return _("It is stopped. Nothing of it runs and nothing is counted.")

"""The turns of a run: each a short step, which looks first at what the step before it left."""

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from core.problems import Problem
from jobs.models import Job
from toolchain.compute.ledger import settle
from toolchain.compute.limits import room_for
from toolchain.compute.machines import is_here
from toolchain.materials.inputs import materialise
from toolchain.materials.trimming import release
from toolchain.models import Run, Sample, Spec
from toolchain.runners.base import Look, Reason, Runner, RunnerError, State
from toolchain.runs import environments, places, queue, reading
from toolchain.runs.registry import PURPOSES, Failure, Place, storable

logger = logging.getLogger(__name__)

SHORT, LONG = timedelta(seconds=2), timedelta(seconds=10)
YOUNG = timedelta(minutes=2)
"""A young run is looked at every two seconds, an older one every ten."""
BILLED = timedelta(minutes=1)
SAMPLED = timedelta(seconds=10)
PULLED = 4 << 20
"""Bytes of a stream that one turn takes at most."""
MOST_KEPT = 128 << 20
"""Bytes of a stream that are kept; what a script writes beyond stays where it is, and goes."""
SILENCE = timedelta(seconds=50)
"""How long a runner may be out of reach before its runs count as lost; they have ended themselves by then, see `supervisor.lease`."""
ABSENCE = timedelta(minutes=10)
"""How long a machine may say nothing before what ran on it counts as lost."""
LOST, STOPPED = "lost", "stopped"
REASONS = {
    Reason.STOPPED: STOPPED,
    Reason.TIME: "time",
    Reason.MEMORY: "memory",
    Reason.DISK: "disk",
    Reason.PROCESSES: "processes",
    Reason.REFUSED: "refused",
}


def turn(run: Run, job: Job) -> timedelta | None:
    """Do the next step of a run; return when the one after it is due, None where the run is over."""

    def beat() -> bool:
        return job.beat()

    steps: dict[str, Callable[[Run, Callable[[], bool]], timedelta | None]] = {
        Run.State.PREPARING: _prepare, Run.State.RUNNING: _watch, Run.State.COLLECTING: _collect,
    }  # fmt: skip
    step = steps.get(run.state)
    if step is None:
        return None
    if (elsewhere := _elsewhere(run)) is not None:
        return elsewhere
    try:
        return step(run, beat)
    except Failure as failure:
        return _fail(run, failure.code, failure.facts, retry=failure.retry)
    except Problem as problem:
        return _fail(run, "problem", {"code": problem.code, "sentence": str(problem.detail)})
    except RunnerError as error:
        if error.retry:
            raise
        return _fail(run, "refused", {"code": error.code, "detail": error.detail})


def _elsewhere(run: Run) -> timedelta | None:
    """Return when to look again at a run of another machine, whose own worker looks after it; None for one of this machine.

    What runs on a machine that is silent for a while is found again by its own worker; past `ABSENCE` it counts as lost.
    """
    if run.spec.runner != Spec.Runner.LOCAL or run.node is None or is_here(run.node):
        return None
    if timezone.now() - run.node.beat_at > ABSENCE:
        _finish(run, LOST, {}, retry=True)
    return SHORT


def _prepare(run: Run, beat: Callable[[], bool]) -> timedelta | None:
    """Have everything at its place, and hand the program to the runner."""
    purpose, runner = PURPOSES[run.purpose], places.runner_of(run.spec.runner)
    if run.stop_requested_at is not None:
        # It may have been handed over just before a crash.
        return _stop(run, runner)
    wanted = purpose.want(run)
    environment = environments.prepared(wanted.base, wanted.requirements) if wanted.base else None
    if isinstance(environment, str):
        _say(run, "environment", environment)
        return timedelta(seconds=1)
    if environment is not None:
        run.facts.setdefault("built", time.time())
    inputs = []
    for need in wanted.needs:
        _say(run, need.kind, need.name)
        inputs.append(materialise(need.revision, places.inputs_folder(), beat, holder=run.key).path)
    _say(run, "start")
    spec = purpose.describe(run, Place(runner.folder(run.key), inputs, environment))
    run.facts["streams"] = sorted(spec.streams)
    run.stage = "run"
    run.save(update_fields=["stage", "facts"])
    # Whoever lost the job in the long steps above must not start what another worker has seen to its end since.
    if not beat():
        return None
    runner.start(spec, run.key)
    if not run.begin() and Run.objects.filter(pk=run.pk, state=Run.State.ENDED).exists():
        runner.stop(run.key)
    return timedelta(seconds=1)


def _watch(run: Run, beat: Callable[[], bool]) -> timedelta | None:
    """Take what the program wrote, and look whether it still runs."""
    runner = places.runner_of(run.spec.runner)
    look = runner.look(run.key)
    _pull(run, runner)
    if look.beat is not None:
        _sample(run, look)
    if look.address != run.address:
        run.address = look.address
        run.save(update_fields=["address"])
    if look.state == State.UNKNOWN:
        last = run.samples.order_by("-at").values_list("at", flat=True).first() or run.started_at or timezone.now()
        if timezone.now() - last < SILENCE:
            return SHORT
        look = Look(State.LOST)
    if look.state in (State.EXITED, State.LOST):
        run.leave(storable(asdict(look.exit) if look.exit is not None else {"code": 0, "reason": LOST}))
        return _collect(run, beat)
    if run.stop_requested_at is not None or "failed" in run.facts:
        runner.stop(run.key)
        return timedelta(seconds=1)
    _bill(run)
    PURPOSES[run.purpose].watch(run, look)
    young = run.started_at is None or timezone.now() - run.started_at < YOUNG
    return SHORT if young or run.purpose == "service" else LONG


def _collect(run: Run, beat: Callable[[], bool]) -> timedelta | None:
    """Keep what the program left."""
    runner = places.runner_of(run.spec.runner)
    _pull(run, runner, everything=True)
    if failed := run.facts.get("failed"):
        return _finish(run, failed["error"], failed["facts"], retry=failed["retry"])
    if run.exit.get("reason") == LOST:
        return _finish(run, LOST, {}, retry=True)
    PURPOSES[run.purpose].collect(run, runner.folder(run.key), beat)
    return _finish(run, *_outcome(run))


def _outcome(run: Run) -> tuple[str, dict[str, Any]]:
    """Return how a program ended, as a code and its facts; no code where it ended well."""
    reason, code, signal = run.exit.get("reason"), run.exit.get("code", 0), run.exit.get("signal", 0)
    if reason:
        facts: dict[str, Any] = {"detail": run.exit.get("detail", "")}
        if reason == Reason.TIME:
            facts["seconds"] = run.limit
        elif reason == Reason.MEMORY:
            facts["gib"] = run.spec.memory
        return REASONS[Reason(reason)], facts
    if signal:
        return "signal", {"signal": signal}
    return ("exit", {"code": code}) if code else ("", {})


def _fail(run: Run, error: str, facts: dict[str, Any], *, retry: bool = False) -> timedelta | None:
    """End a run that cannot go on; one whose program runs keeps its machine until that is over."""
    runner = places.runner_of(run.spec.runner)
    if run.state in (Run.State.PREPARING, Run.State.RUNNING) and runner.look(run.key).state in (State.STARTING, State.RUNNING):
        run.facts["failed"] = run.facts.get("failed") or {"error": error, "facts": facts, "retry": retry}
        run.save(update_fields=["facts"])
        runner.stop(run.key)
        run.begin()
        return timedelta(seconds=1)
    return _finish(run, error, facts, retry=retry)


def _stop(run: Run, runner: Runner) -> timedelta | None:
    """End a run that was stopped before its program was known to run."""
    if runner.look(run.key).state in (State.STARTING, State.RUNNING, State.UNKNOWN):
        runner.stop(run.key)
        return timedelta(seconds=1)
    return _finish(run, STOPPED, {})


def _finish(run: Run, error: str, facts: dict[str, Any], *, retry: bool = False) -> timedelta | None:
    """End a run and give its machine to the next; once, whoever comes second."""
    purpose = PURPOSES[run.purpose]
    if error and run.stop_requested_at is not None and error in ("exit", "signal", LOST):
        error, facts, retry = STOPPED, {}, False
    runner = places.runner_of(run.spec.runner)
    if retry:
        # What was lost to us may still be there.
        runner.stop(run.key)
    with transaction.atomic():
        if not run.end(error, facts):
            return None
        settle(run)
        again = None
        if retry and run.attempt <= purpose.retries and run.stop_requested_at is None:
            again = queue.queue_run(
                purpose=run.purpose, target=run.target, namespace=run.namespace, user=run.user, spec=run.spec, limit=run.limit,
                title=run.title, attempt=run.attempt + 1, priority=run.priority,
            )  # fmt: skip
        purpose.ended(run, again=again)
        transaction.on_commit(queue.dispatch, robust=True)
    release(places.inputs_folder(), run.key)
    if not purpose.keeps(run) and not retry:
        # What does not end at once is ended by `upkeep.end_orphans`.
        with suppress(RunnerError):
            runner.forget(run.key)
    return None


def abandon(run: Run, detail: str) -> None:
    """End a run whose turns fail again and again."""
    try:
        places.runner_of(run.spec.runner).stop(run.key)
    except RunnerError:
        logger.exception("run %s could not be stopped", run.key)
    _finish(run, "internal", storable({"detail": detail[:500]}))


def _say(run: Run, stage: str, progress: str = "") -> None:
    if (run.stage, run.progress) != (stage, progress[:200]):
        run.stage, run.progress = stage, progress[:200]
        run.save(update_fields=["stage", "progress", "facts"])


def _pull(run: Run, runner: Runner, *, everything: bool = False) -> None:
    """Take what is new of the log and of the streams."""
    at = timezone.now()
    for stream in [reading.LOG, *run.facts.get("streams", ())]:
        offset, taken = reading.size_of(run, stream), 0
        while offset < MOST_KEPT and taken < (settings.RUN_LOG_SIZE * 8 if everything else PULLED):
            data = runner.read(run.key, stream, offset, 256 << 10)
            if not data:
                break
            reading.keep(run, stream, offset, data, at, join=stream == reading.LOG)
            offset, taken = offset + len(data), taken + len(data)


def _sample(run: Run, look: Look) -> None:
    """Keep what the run uses, every few seconds."""
    beat = look.beat
    assert beat is not None
    at = datetime.fromtimestamp(beat.at, UTC)
    last = run.samples.order_by("-at").first()
    if last is not None and at - last.at < SAMPLED:
        return
    before_seconds, before = (run.facts.get("cpu_seconds", 0.0), last.at) if last else (0.0, run.started_at or at)
    cpu = max(0.0, beat.cpu_seconds - before_seconds) / max(0.1, (at - before).total_seconds())
    Sample.objects.get_or_create(
        run=run, at=at,
        defaults={"cpu": cpu, "memory": beat.memory, "processes": beat.processes, "disk": beat.disk, "accelerators": [list(each) for each in beat.accelerators]},
    )  # fmt: skip
    run.facts["cpu_seconds"] = beat.cpu_seconds
    run.save(update_fields=["facts"])


def _bill(run: Run) -> None:
    """Bring the ledger up to date every minute, and stop what may not go on."""
    last = run.facts.get("billed")
    now = timezone.now()
    # A clock may be set back.
    if last is not None and abs(now - datetime.fromisoformat(last)) < BILLED:
        return
    settle(run)
    run.facts["billed"] = now.isoformat()
    code = room_for(run.namespace, run.purpose, run.spec)
    if run.user is not None and run.user_id == run.namespace_id and not run.user.is_active:
        # What belongs to an organisation goes on: others answer for it.
        code = "user_gone"
    if code in ("hours", "spend", "funds", "user_gone"):
        run.facts["stopped_by"] = code
        run.request_stop()
    run.save(update_fields=["facts"])

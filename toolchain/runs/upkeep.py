"""Keeping runners and rows in step."""

import shutil
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from toolchain.materials.trimming import holders, release, trim
from toolchain.models import Environment, Run, Spec
from toolchain.runners.base import Runner, RunnerError, State
from toolchain.runs import places, queue
from toolchain.runs.registry import PURPOSES

GRACE = timedelta(seconds=30)


def end_orphans(beat: Callable[[], bool]) -> int:
    """Stop what runs here for a run that is over or unknown, remove what is left of it, and return how many those were."""
    ended = _end_orphans(places.runner_of(Spec.Runner.LOCAL), places.runs_folder(), beat)
    return ended + _end_orphans(places.cluster(), places.cluster_folder(), beat) if settings.RAY_ADDRESS else ended


def _end_orphans(runner: Runner, runs: Path, beat: Callable[[], bool]) -> int:
    ended = 0
    # A name that begins with a dot is the runner's own.
    for folder in sorted(runs.glob("[a-z]*")):
        if not folder.is_dir() or timezone.now().timestamp() - folder.stat().st_mtime < GRACE.total_seconds() or _needed(folder.name):
            continue
        beat()
        with suppress(RunnerError):
            if runner.look(folder.name).state in (State.STARTING, State.RUNNING):
                runner.stop(folder.name)
                continue
            runner.forget(folder.name)
            shutil.rmtree(folder, ignore_errors=True)
            ended += 1
    return ended


def _needed(key: str) -> bool:
    """Say whether the folder of a run is still somebody's."""
    purpose, _dash, rest = key.partition("-")
    if purpose == "environment":
        return Environment.objects.filter(state=Environment.State.BUILDING, id__startswith=rest.rpartition("-")[0]).exists()
    target, _dash, attempt = rest.partition("-")
    if not (target.isdigit() and attempt.isdigit()):
        return False
    run = Run.objects.filter(purpose=purpose, target=int(target), attempt=int(attempt)).first()
    return run is not None and (not run.over or (purpose in PURPOSES and PURPOSES[purpose].keeps(run)))


def adopt() -> int:
    """Have a worker look after runs that have none, and return how many those were."""
    found = 0
    for run in Run.objects.holding().select_related("job", "user"):
        if run.job is None or not run.job.active:
            queue.enqueue_turns(run)
            found += 1
    return found


def trim_inputs() -> None:
    """Remove the models and datasets that no run holds and that were used the longest time ago, beyond the space for them."""
    folder = places.inputs_folder()
    # The holders first: a run is there before it holds anything.
    held = holders(folder)
    for key in held - {run.key for run in Run.objects.active()}:
        release(folder, key)
    trim(folder, settings.INPUT_CACHE_SIZE)

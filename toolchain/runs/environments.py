"""Environments on demand: the rows, and the runs that build them."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import astuple
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from toolchain.environments import building, ready
from toolchain.environments.bases import BASES
from toolchain.environments.identity import identify
from toolchain.environments.requirements import RefusedRequirement, parse
from toolchain.environments.wording import sentence
from toolchain.models import Environment, Run, Spec
from toolchain.runners.base import Mount, State
from toolchain.runs import places
from toolchain.runs.registry import Failure, storable

TRIES = 3
"""How often a build is begun again that got lost."""
TAKING_UP = timedelta(seconds=15)
"""How long the runner may take to hear of a build that was begun."""


def prepared(base: str, requirements: str = "") -> Path | str:
    """Return the folder of the environment that `requirements` make over a base, or how far its build is, which this begins where needed.

    Raises `Failure` ("environment") where it cannot be built; the next call tries again.
    """
    try:
        wanted = parse(requirements)
    except RefusedRequirement as error:
        raise Failure("environment", sentence=sentence(error.code, error.detail)) from error
    root = places.environments_folder()
    below = _stand(base, ())
    if isinstance(below, str) or not wanted:
        return below
    if ready.covered(root, base, wanted):
        return below
    return _stand(base, wanted)


def _stand(base: str, requirements: Sequence[str]) -> Path | str:
    root, id = places.environments_folder(), identify(base, requirements)
    row, _made = Environment.objects.get_or_create(id=id, defaults={"base": base, "requirements": "\n".join(requirements)})
    if row.state == Environment.State.READY and ready.is_ready(root, id):
        if timezone.now() - row.used_at > timedelta(minutes=10):
            Environment.objects.filter(pk=id).update(used_at=timezone.now())
        return root / id
    if row.state == Environment.State.BUILDING:
        return _look(row, requirements) or root / id
    if ready.is_ready(root, id):
        # Built by a command, before there was a row.
        made = ready.describe(root, id)
        row.move(row.state, state=Environment.State.READY, packages=list(made.packages), size=made.size, ended_at=timezone.now())
        return root / id
    if row.state == Environment.State.READY:
        # Its folder went away.
        row.move(Environment.State.READY, state=Environment.State.WAITING)
    return _begin(row, requirements)


def _begin(row: Environment, requirements: Sequence[str]) -> str:
    if row.begin():
        spec = building.build_spec(places.environments_folder(), row.base, requirements, places.index())
        places.runner_of(Spec.Runner.LOCAL).start(spec, row.key)
    return row.base


def settle() -> None:
    """See builds to their end that no run waits for any more; one that got lost is not begun again."""
    if Run.objects.filter(state=Run.State.PREPARING, stage="environment").exists():
        return
    for row in Environment.objects.filter(state=Environment.State.BUILDING, base__in=BASES):
        requirements = row.requirements.split("\n") if row.requirements else []
        if identify(row.base, requirements) == row.pk:
            with suppress(Failure):
                _look(row, requirements, again=False)


def _look(row: Environment, requirements: Sequence[str], *, again: bool = True) -> str:
    """Return how far a build is, empty where the environment is ready; `again` says whether one that got lost is begun again."""
    runner, root = places.runner_of(Spec.Runner.LOCAL), places.environments_folder()
    look = runner.look(row.key)
    if look.state == State.LOST and timezone.now() - row.used_at < TAKING_UP:
        # Another worker is about to hand it to the runner.
        return row.progress or row.base
    if look.state == State.LOST:
        # Another worker may have seen its end meanwhile.
        over = row.attempt >= TRIES and row.fail("build_lost", {})
        if over or row.move(Environment.State.BUILDING, state=Environment.State.WAITING):
            runner.forget(row.key)
            if not ready.is_ready(root, row.pk):
                ready.remove(root, row.pk)
        if over:
            raise Failure("environment", sentence=sentence("build_lost", {}))
        return _begin(row, requirements) if again else row.base
    log = runner.read(row.key, "log", 0, building.LIMITS.log)
    if look.exit is None:
        found = building.progress(log)
        progress = "|".join(map(str, astuple(found))).replace("\0", "") if found else ""
        if progress != row.progress:
            Environment.objects.filter(pk=row.pk, state=Environment.State.BUILDING).update(progress=progress[:200])
        return progress[:200] or row.base
    result = building.inspect_result(root, row.base, requirements, look.exit, log)
    if result.ok:
        row.complete(list(result.packages), result.size)
        runner.forget(row.key)
        return ""
    row.fail(result.code, storable(result.detail))
    runner.forget(row.key)
    raise Failure("environment", sentence=sentence(result.code, result.detail))


def python_in(environment: Path | None) -> tuple[str, tuple[Mount, ...]]:
    """Return the interpreter of an environment, and what a run must see to use it; nothing for none."""
    if environment is None:
        return "", ()
    root, id = environment.parent, environment.name
    return ready.python_of(root, id), ready.mounts_of(root, id)


def trim() -> int:
    """Remove environments that nobody used for long, and return how many those were."""
    old = timezone.now() - timedelta(days=settings.ENVIRONMENT_DAYS)
    root, removed = places.environments_folder(), 0
    if Run.objects.holding().exists():
        return 0
    for row in Environment.objects.filter(state=Environment.State.READY, used_at__lt=old):
        if row.requirements == "" and row.base in BASES and row.pk == identify(row.base):
            continue
        if row.move(Environment.State.READY, state=Environment.State.WAITING):
            ready.remove(root, row.pk)
            removed += 1
    return removed

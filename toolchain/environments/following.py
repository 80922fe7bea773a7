"""A build from its start to its end, for a caller that has the time to wait."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from toolchain.environments import building, ready
from toolchain.environments.building import Progress, Result
from toolchain.environments.identity import identify
from toolchain.environments.index import Index
from toolchain.runners.base import Exit, Limits, Runner, State

PAUSE = 0.2


def build(
    runner: Runner,
    root: Path,
    base: str,
    requirements: Sequence[str],
    index: Index,
    *,
    tell: Callable[[Progress], None] = lambda progress: None,
    limits: Limits = building.LIMITS,
) -> Result:
    """Build an environment unless it is ready, and return what became of it; `tell` hears of every step and line.

    Nobody else may build the same environment meanwhile. Whoever interrupts this stops the build.
    """
    id = identify(base, requirements)
    if ready.is_ready(root, id):
        made = ready.describe(root, id)
        return Result(True, packages=made.packages, size=made.size)
    key = f"environment-{id[:24]}-0"
    runner.forget(key)
    runner.start(building.build_spec(root, base, requirements, index, limits), key)
    try:
        exit, log = _watch(runner, key, tell)
    except BaseException:
        runner.stop(key)
        raise
    result = building.inspect_result(root, base, requirements, exit, log) if exit else Result(False, "build_lost")
    runner.forget(key)
    return result


def _watch(runner: Runner, key: str, tell: Callable[[Progress], None]) -> tuple[Exit | None, bytes]:
    log, told = b"", None
    while True:
        look = runner.look(key)
        while piece := runner.read(key, "log", len(log), 1 << 20):
            log += piece
        found = building.progress(log)
        if found is not None and found != told:
            tell(found)
            told = found
        if look.state in (State.EXITED, State.LOST):
            return look.exit, log
        time.sleep(PAUSE)

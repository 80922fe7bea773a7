"""Small programs for tests of runners, and waiting for what becomes of them."""

import itertools
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from toolchain.runners.base import Exit, Limits, Look, Mount, Runner, RunSpec, State

PATIENCE = 60
PYTHON = str(Path(sys.base_prefix) / "bin" / f"python3.{sys.version_info.minor}")
PYTHON_MOUNTS = () if sys.base_prefix.startswith("/usr") else (Mount(sys.base_prefix, sys.base_prefix),)
_numbers = itertools.count(1)


def new_key() -> str:
    """Return a key that no other run of this process has."""
    return f"test-{next(_numbers)}"


def shell(script: str, *mounts: Mount, streams: dict[str, str] | None = None, listen: str | None = None, **limits: Any) -> RunSpec:
    """Return a shell script as a program to run, with small limits."""
    return RunSpec(("sh", "-c", script), {}, mounts, limits=small(**limits), streams=streams or {}, listen=listen)


def python(code: str, *mounts: Mount, listen: str | int | None = None, **limits: Any) -> RunSpec:
    """Return Python code as a program to run, with small limits."""
    return RunSpec((PYTHON, "-I", "-S", "-c", code), {}, (*PYTHON_MOUNTS, *mounts), limits=small(**limits), listen=listen)


def small(**limits: Any) -> Limits:
    """Return limits for a test."""
    return Limits(**{"memory": 256 << 20, "processes": 64, "disk": 64 << 20, "grace": 20, "wall": 120, **limits})


def until(condition: Callable[[], Any]) -> Any:
    """Return what `condition` answers once that is true."""
    end = time.monotonic() + PATIENCE
    while not (answer := condition()):
        assert time.monotonic() < end, "What was waited for did not come."
        time.sleep(0.02)
    return answer


def ended(runner: Runner, key: str) -> Exit:
    """Return how a run ended, once it has."""

    def over() -> Look | None:
        found = runner.look(key)
        return found if found.state not in (State.STARTING, State.RUNNING) else None

    found: Look = until(over)
    assert found.state == State.EXITED, found
    assert found.exit is not None
    return found.exit


def run(runner: Runner, spec: RunSpec) -> tuple[Exit, str]:
    """Run a program to its end; returns that, and what it printed."""
    key = new_key()
    runner.start(spec, key)
    return ended(runner, key), log(runner, key)


def log(runner: Runner, key: str) -> str:
    """Return what a run has printed by now."""
    return runner.read(key, "log", 0, 1 << 20).decode()


def started(runner: Runner, spec: RunSpec, line: str) -> str:
    """Start a program, and return its key once it has printed `line`."""
    key = new_key()
    runner.start(spec, key)
    until(lambda: line in log(runner, key))
    return key


def output(runner: Runner, key: str, target: str = "/out") -> Mount:
    """Return a writable mount in the folder of a run."""
    folder = runner.folder(key) / "output"
    folder.mkdir(exist_ok=True)
    return Mount(str(folder), target, writable=True)

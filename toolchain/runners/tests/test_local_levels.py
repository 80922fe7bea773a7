"""The runner of this machine where there are no namespaces: ends are told as truly, and nothing is left."""

import os
import signal
import tempfile
from pathlib import Path

import pytest

from toolchain.runners.base import Reason, State
from toolchain.runners.local import LocalRunner
from toolchain.runners.sandbox import Level
from toolchain.runners.sandbox.confine import landlock_version
from toolchain.runners.sandbox.landlock import LEAST_VERSION
from toolchain.runners.supervisor import processes
from toolchain.runners.tests.programs import ended, log, new_key, output, run, shell, started, until
from toolchain.runners.tests.test_local import supervisor_of

ORPHANS = "(setsid sh -c 'trap \"\" TERM; while :; do sleep 1; done' > /dev/null 2>&1 &)"


@pytest.fixture(scope="module", params=[Level.LANDLOCK, Level.OFF])
def runner(request):
    if request.param == Level.LANDLOCK and (os.geteuid() != 0 or landlock_version() < LEAST_VERSION):
        pytest.skip("This level needs root and a newer kernel.")
    # Accounts of runs must pass through, and pytest closes its own folders to others.
    with tempfile.TemporaryDirectory(prefix="gallery-test-") as base:
        yield LocalRunner(Path(base), level=request.param)


@pytest.mark.parametrize(("script", "code", "signal"), [("exit 7", 7, 0), ("kill -SEGV $$", 139, 11)])
def test_exit_codes_and_signals_are_told(runner, script, code, signal):
    exit, _text = run(runner, shell(script))
    assert (exit.code, exit.signal, exit.reason) == (code, signal, None)


def test_what_cannot_be_started_is_said(runner):
    spec = shell("true")
    exit, text = run(runner, type(spec)(("/no/program",), limits=spec.limits))
    assert exit.code != 0
    assert "No such file or directory" in text


def test_orphans_end_with_their_program(runner):
    key = started(runner, shell(f"{ORPHANS}; echo ready; sleep 1"), "ready")
    inside = [process.pid for process in processes.descendants(supervisor_of(runner, key))]
    assert ended(runner, key).code == 0
    assert not any(Path(f"/proc/{pid}").exists() for pid in inside)


def test_a_program_that_is_stopped_may_finish(runner):
    key = started(runner, shell("trap 'echo saved; exit 5' TERM; echo ready; while :; do sleep 0.1; done"), "ready")
    runner.stop(key)
    exit = ended(runner, key)
    assert (exit.code, exit.reason) == (5, Reason.STOPPED)
    assert log(runner, key).endswith("saved\n")


def test_a_program_that_will_not_stop_is_killed(runner):
    key = started(runner, shell(f"{ORPHANS}; trap '' TERM; echo ready; while :; do sleep 0.1; done", grace=1), "ready")
    runner.stop(key)
    exit = ended(runner, key)
    assert (exit.code, exit.signal, exit.reason) == (137, 9, Reason.STOPPED)


def test_a_run_whose_supervisor_was_killed_is_lost_and_leaves_no_process(runner):
    key = started(runner, shell(f"{ORPHANS}; echo ready; sleep 100"), "ready")
    supervisor = supervisor_of(runner, key)
    inside = [process.pid for process in processes.descendants(supervisor)]
    os.kill(supervisor, signal.SIGKILL)
    until(lambda: runner.look(key).state == State.LOST)
    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in inside))


def test_what_a_run_made_belongs_to_us(runner):
    key = new_key()
    mount = output(runner, key)
    spec = shell("echo made > made; ls -a > list")
    spec = type(spec)(spec.argv, mounts=(mount,), folder="/out", limits=spec.limits)
    runner.start(spec, key)
    assert ended(runner, key).code == 0
    made = Path(mount.source) / "made"
    assert made.read_text() == "made\n"
    assert {path.stat().st_uid for path in (made, made.parent)} == {os.geteuid()}
    runner.forget(key)
    assert not made.exists()

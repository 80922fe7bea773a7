"""The runner of a Ray cluster, against a real one of two machines: the contract, and what becomes of runs when parts of the cluster die."""

import dataclasses
import json
import os
import signal
import tempfile
from pathlib import Path

import pytest

from toolchain.runners import folders
from toolchain.runners.base import Accelerators, Reason, RunnerError, State
from toolchain.runners.ray import software
from toolchain.runners.ray.runner import RayRunner
from toolchain.runners.supervisor import processes
from toolchain.runners.tests.clusters import machine_of
from toolchain.runners.tests.contract import RunnerContract
from toolchain.runners.tests.programs import ended, log, new_key, run, shell, started, until
from toolchain.runners.tests.serving import ask, service

pytestmark = pytest.mark.process


@pytest.fixture(scope="module")
def base():
    # Paths of sockets are short.
    with tempfile.TemporaryDirectory(prefix="gray-") as folder:
        yield Path(folder)


@pytest.fixture(scope="module")
def runner(ray_cluster, base):
    return runner_of(ray_cluster, base)


def runner_of(ray_cluster, base, **options):
    return RayRunner(base, ray_cluster.address, ray_cluster.token, port=ray_cluster.serve, **options)


def supervisor_of(runner, key):
    return json.loads((runner.folder(key) / folders.OWNER).read_text())["pid"]


def machine(runner, key):
    """Return on which of the two machines a run is."""
    return machine_of(supervisor_of(runner, key))


def on(name, spec, **changes):
    return dataclasses.replace(spec, labels={"zone": name}, **changes)


def gone(pids):
    return not any(Path(f"/proc/{pid}").exists() for pid in pids)


class TestRay(RunnerContract):
    # How a run ends is the work of the supervisor, which is the same one that the local runner starts.
    def test_a_program_that_listens_can_be_called(self, runner):
        key = new_key()
        runner.start(service(runner, key, "first"), key)
        address = until(lambda: runner.look(key).address)
        assert address.startswith("http://127.0.0.")
        assert f"/{key}-" in address
        answer = ask(address, "/a%20b/c?d=e%26f")
        assert (answer.status_code, answer.text) == (200, "first GET /a%20b/c?d=e%26f")
        assert answer.raw.headers.getlist("x-twice") == ["1", "2"]
        assert ask(address, "/", data=b"x" * 3_000_000).text == "3000000"
        runner.stop(key)
        assert ended(runner, key).reason == Reason.STOPPED
        assert runner.look(key).address == ""

    test_a_program_that_listens_on_a_port_can_be_called = None
    test_a_socket_of_somebody_else_is_no_address = None


def test_the_code_that_machines_run_is_copied_once(base):
    first = software.runners(base / "code")
    assert software.runners(base / "code") == first
    assert [each.name for each in (base / "code").iterdir()] == [first.name]
    assert (first / "toolchain/runners/supervisor/__main__.py").is_file()
    assert (first / "toolchain/__init__.py").is_file()
    assert not list(first.rglob("tests"))


def test_a_run_goes_to_a_machine_with_its_labels(runner):
    key = started(runner, on("second", shell("echo ready; sleep 100")), "ready")
    assert machine(runner, key) == "second"
    runner.stop(key)
    ended(runner, key)


def test_cards_are_those_that_the_cluster_lends(runner):
    exit, _text = run(runner, dataclasses.replace(shell("true"), accelerators=Accelerators("npu", 1, (7,))))
    assert (exit.reason, exit.detail) == (Reason.REFUSED, "This machine has no /dev/davinci0.")


def test_what_no_machine_can_take_is_refused_with_a_sentence(runner):
    for spec, sentence in [
        (shell("true", cpus=64), "No machine of the cluster has 64 processors and 0.2 GiB of memory: choose a smaller spec."),
        (
            on("third", shell("true")),
            "No machine of the cluster has 1 processor, 0.2 GiB of memory and the label zone=third: choose a smaller spec.",
        ),
        (
            dataclasses.replace(shell("true"), accelerators=Accelerators("gpu", 2)),
            "No machine of the cluster has 1 processor, 0.2 GiB of memory and 2 × GPU: choose a smaller spec.",
        ),
    ]:
        with pytest.raises(RunnerError) as refused:
            runner.start(spec, new_key())
        assert (refused.value.code, refused.value.detail) == ("infeasible", sentence)


def test_a_wrong_token_is_said(ray_cluster, base):
    other = RayRunner(base, ray_cluster.address, "wrong")
    with pytest.raises(RunnerError) as refused:
        other.start(shell("true"), new_key())
    assert refused.value.code == "ray_denied"


def test_a_cluster_that_is_not_there_is_worth_another_try(base):
    other = RayRunner(base, "http://127.0.0.1:9")
    with pytest.raises(RunnerError) as refused:
        other.start(shell("true"), new_key())
    assert (refused.value.code, refused.value.retry) == ("ray_unreachable", True)


@pytest.fixture(scope="class")
def full(runner):
    """Two runs that leave no processor of the cluster free."""
    keys = [started(runner, shell("echo ready; sleep 1000", cpus=8), "ready") for _each in range(2)]
    yield keys
    for key in keys:
        runner.stop(key)
        ended(runner, key)


class TestWaiting:
    def test_a_run_that_waits_ends_at_once_and_never_starts(self, runner, full):
        key = new_key()
        runner.start(shell("echo ran"), key)
        assert runner.look(key).state == State.STARTING
        runner.stop(key)
        found = runner.look(key)
        assert (found.state, found.exit.reason) == (State.EXITED, Reason.STOPPED)
        assert log(runner, key) == ""
        runner.forget(key)

    def test_a_run_waits_as_long_as_it_may(self, ray_cluster, runner, full):
        impatient = runner_of(ray_cluster, runner.base, patience=0.5)
        key = new_key()
        impatient.start(shell("echo ran"), key)
        exit = ended(impatient, key)
        assert exit.reason == Reason.REFUSED
        assert exit.detail == "No machine of the cluster had 1 processor and 0.2 GiB of memory free for 0 minutes."
        assert log(runner, key) == ""

    def test_a_dashboard_that_hangs_makes_nothing_fail(self, ray_cluster, runner, full):
        impatient = runner_of(ray_cluster, runner.base, seconds=1)
        waiting, living = new_key(), full[0]
        runner.start(shell("echo ran"), waiting)
        ray_cluster.signal("head", signal.SIGSTOP, "dashboard.py")
        try:
            assert impatient.look(waiting).state == State.UNKNOWN
            assert impatient.look(living).state == State.RUNNING
        finally:
            ray_cluster.signal("head", signal.SIGCONT, "dashboard.py")
        assert until(lambda: impatient.look(waiting).state != State.UNKNOWN and impatient.look(waiting)).state == State.STARTING
        runner.stop(waiting)
        ended(runner, waiting)


def test_a_run_whose_supervisor_was_killed_is_lost_and_leaves_no_process(runner):
    key = started(runner, shell("(setsid sleep 100 &); echo ready; sleep 100"), "ready")
    inside = [process.pid for process in processes.descendants(supervisor_of(runner, key))]
    os.kill(supervisor_of(runner, key), signal.SIGKILL)
    until(lambda: runner.look(key).state == State.LOST)
    until(lambda: gone(inside))
    runner.forget(key)
    assert not (runner.base / key).exists()


def test_a_run_on_a_machine_that_died_is_lost_and_its_program_gone(ray_cluster, runner):
    key = started(runner, on("second", shell("(setsid sleep 100 &); echo ready; sleep 100")), "ready")
    supervisor = supervisor_of(runner, key)
    inside = [supervisor, *(process.pid for process in processes.descendants(supervisor))]
    assert machine(runner, key) == "second"
    ray_cluster.signal("second", signal.SIGKILL, "raylet/raylet")
    try:
        until(lambda: gone(inside))
        until(lambda: runner.look(key).state == State.LOST)
        assert log(runner, key) == "ready\n"
        runner.forget(key)
        again = started(runner, shell("echo again; sleep 100"), "again")
        assert machine(runner, again) == "head"
        runner.stop(again)
        assert ended(runner, again).reason == Reason.STOPPED
    finally:
        ray_cluster.add_second()

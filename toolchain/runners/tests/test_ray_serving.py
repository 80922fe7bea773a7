"""Services on a Ray cluster, through Ray Serve: replicas, their deaths, changes and the end."""

import json
import os
import signal
import tempfile
import time
from pathlib import Path

import pytest

from toolchain.runners import folders
from toolchain.runners.base import Reason, RunnerError, State
from toolchain.runners.ray.replicas import is_ready, lives, replicas_of
from toolchain.runners.ray.runner import RayRunner
from toolchain.runners.supervisor import processes
from toolchain.runners.tests.programs import ended, log, new_key, until
from toolchain.runners.tests.serving import ask, asking, service

pytestmark = pytest.mark.process


@pytest.fixture(scope="module")
def runner(ray_cluster):
    # Paths of sockets are short.
    with tempfile.TemporaryDirectory(prefix="gray-") as folder:
        yield RayRunner(Path(folder), ray_cluster.address, ray_cluster.token, port=ray_cluster.serve)


def serve(runner, name, **options):
    """Start a service, and return its key and its address once it answers."""
    key = new_key()
    runner.start(service(runner, key, name, **options), key)
    return key, until(lambda: runner.look(key).address)


def living(runner, key):
    """Return the supervisors of the replicas that answer."""
    found = [each for each in replicas_of(runner.folder(key)) if lives(each) and is_ready(each)]
    return [json.loads((each / folders.OWNER).read_text())["pid"] for each in found]


def all_of(supervisors):
    """Return all processes of some replicas."""
    return [*supervisors, *(process.pid for each in supervisors for process in processes.descendants(each))]


def test_a_service_outlives_one_of_its_replicas_changes_without_an_error_and_leaves_nothing(runner):
    key, address = serve(runner, "first", least=2)
    until(lambda: len(living(runner, key)) == 2)
    runner.start(service(runner, key, "second"), key)
    with asking(address) as answers:
        until(lambda: len(answers) > 20)
        killed = living(runner, key)[0]
        inside = all_of([killed])
        os.kill(killed, signal.SIGKILL)
        until(lambda: len(now := living(runner, key)) == 2 and killed not in now)
        before = len(answers)
        until(lambda: len(answers) > before + 20)
        assert not any(Path(f"/proc/{pid}").exists() for pid in inside)
    # Until its end was noticed, the replica that was killed said that it could not answer.
    wrong = [answer for answer in answers if answer != (200, "first GET /")]
    assert {status for status, _text in wrong} <= {503}
    assert answers[-20:] == [(200, "first GET /")] * 20
    until(lambda: (found := runner.look(key).beat) and found.processes == 2)

    with asking(address) as answers:
        runner.change(service(runner, key, "second", least=2), key)
        until(lambda: answers[-20:] == [(200, "second GET /")] * 20)
    assert {status for status, _text in answers} == {200}
    assert {text for _status, text in answers} == {"first GET /", "second GET /"}
    until(lambda: len(replicas_of(runner.folder(key))) == 5 and len(living(runner, key)) == 2)

    left = all_of(living(runner, key))
    runner.stop(key)
    exit = ended(runner, key)
    assert (exit.code, exit.reason) == (143, Reason.STOPPED)
    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in left))
    assert log(runner, key).count("listening\n") == 5
    assert "==> replica 2 <==\n" in log(runner, key)
    runner.forget(key)
    assert not any(name.startswith(f"{key}-") for name in runner.cluster.serve()["applications"])
    assert not (runner.base / key).exists()


def test_services_come_and_go_without_each_other(runner):
    key, other = new_key(), new_key()
    runner.start(service(runner, key, "stays"), key)
    runner.start(service(runner, other, "goes"), other)
    address, elsewhere = until(lambda: runner.look(key).address), until(lambda: runner.look(other).address)
    assert (ask(address, "/").text, ask(elsewhere, "/").text) == ("stays GET /", "goes GET /")
    began = time.monotonic()
    arrived = [time.monotonic() - began for piece in ask(address, "/slowly", stream=True).iter_content(None) if piece]
    # Passed on as they come: the program pauses between its pieces.
    assert len(arrived) >= 3
    runner.stop(other)
    ended(runner, other)
    assert ask(address, "/").text == "stays GET /"
    with pytest.raises(RunnerError) as refused:
        runner.forget(key)
    assert refused.value.code == "still_running"
    # A program that ends is begun again.
    ask(address, "/end")
    until(lambda: len(replicas_of(runner.folder(key))) == 2 and living(runner, key))
    assert runner.look(key).state == State.RUNNING
    assert ask(address, "/").text == "stays GET /"
    runner.stop(key)
    ended(runner, key)


def test_a_service_has_as_many_replicas_as_its_requests_need(runner):
    key, address = serve(runner, "many", most=2)
    assert len(living(runner, key)) == 1
    with asking(f"{address}/slowly?", callers=6):
        until(lambda: len(living(runner, key)) == 2)
    runner.stop(key)
    ended(runner, key)


def test_a_program_that_ends_before_it_answers_ends_the_run(runner):
    key = new_key()
    runner.start(service(runner, key, "broken", program="print('cannot load'); raise SystemExit(9)"), key)
    exit = ended(runner, key)
    assert (exit.code, exit.reason) == (9, None)
    assert "cannot load\n" in log(runner, key)


def test_a_service_that_is_stopped_while_it_starts_is_stopped(runner):
    key = new_key()
    runner.start(service(runner, key, "late", late=1000), key)
    until(lambda: "listening" in log(runner, key))
    assert runner.look(key).address == ""
    runner.stop(key)
    assert ended(runner, key).reason == Reason.STOPPED

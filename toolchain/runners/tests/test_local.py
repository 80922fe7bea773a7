"""The runner of this machine: the contract, and what becomes of a run when those around it are killed."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from toolchain.runners import folders
from toolchain.runners.base import Reason, RunnerError, State
from toolchain.runners.local import LocalRunner
from toolchain.runners.network import Indexes
from toolchain.runners.supervisor import cgroups, processes
from toolchain.runners.tests.contract import RunnerContract
from toolchain.runners.tests.contract_ending import EndingContract
from toolchain.runners.tests.programs import ended, log, new_key, output, python, run, shell, started, until

ROOT = Path(__file__).resolve().parents[3]
STARTER = """
import sys
sys.path.append(sys.argv[1])
from pathlib import Path
from toolchain.runners.base import RunSpec
from toolchain.runners.local import LocalRunner
from toolchain.runners.network import Indexes
LocalRunner(Path(sys.argv[2])).start(RunSpec(("sh", "-c", "echo ready; sleep 1; echo done")), "orphan-1")
print("started", flush=True)
sys.stdin.read()
"""

FETCH = """
import urllib.request
def fetch(address):
    try:
        print(urllib.request.urlopen(address, timeout=20).read().decode())
    except OSError as error:
        print(type(error).__name__)
"""


class Index(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"the index")

    def log_message(self, *arguments):
        pass


@pytest.fixture(scope="module")
def runner(tmp_path_factory):
    base = tmp_path_factory.mktemp("r")
    local = LocalRunner(base)
    yield local
    for key in (folder.name for folder in base.glob("test-*")):
        if local.look(key).state in (State.STARTING, State.RUNNING):
            local.stop(key)
            ended(local, key)


def supervisor_of(runner, key):
    return json.loads((runner.folder(key) / folders.OWNER).read_text())["pid"]


class TestLocal(RunnerContract, EndingContract):
    def test_a_run_whose_supervisor_was_killed_is_lost_and_leaves_no_process(self, runner):
        key = started(runner, shell("(setsid sleep 100 &); echo ready; sleep 100"), "ready")
        supervisor = supervisor_of(runner, key)
        inside = [process.pid for process in processes.descendants(supervisor)]
        assert len(inside) >= 4
        os.kill(supervisor, signal.SIGKILL)
        until(lambda: runner.look(key).state == State.LOST)
        until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in inside))
        assert log(runner, key) == "ready\n"
        runner.start(shell("echo again"), key)
        assert runner.look(key).state == State.LOST
        runner.forget(key)
        assert not (runner.base / key).exists()

    def test_a_run_outlives_the_one_who_started_it(self, tmp_path):
        starter = subprocess.Popen(
            [sys.executable, "-c", STARTER, str(ROOT), str(tmp_path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        assert starter.stdout.readline() == b"started\n"
        os.killpg(starter.pid, signal.SIGKILL)
        starter.communicate()
        local = LocalRunner(tmp_path)
        assert ended(local, "orphan-1").code == 0
        assert log(local, "orphan-1") == "ready\ndone\n"

    def test_a_sandbox_that_was_killed_is_told(self, runner):
        key = started(runner, shell("echo ready; sleep 100"), "ready")
        for process in processes.descendants(supervisor_of(runner, key)):
            processes.send(process.pid, signal.SIGKILL)
        exit = ended(runner, key)
        assert (exit.code, exit.signal, exit.reason) == (137, 9, None)

    def test_a_signal_to_the_supervisor_stops_the_run(self, runner):
        key = started(runner, shell("trap 'echo saved; exit 0' TERM; echo ready; while :; do sleep 0.1; done"), "ready")
        os.kill(supervisor_of(runner, key), signal.SIGTERM)
        assert ended(runner, key).reason == Reason.STOPPED
        assert log(runner, key).endswith("saved\n")

    def test_an_order_that_nobody_took_up_is_lost_after_a_while_and_can_be_started(self, runner):
        key = new_key()
        folder = runner.folder(key)
        folders.write_order(folder, folders.Order(key, shell("true"), "A"))
        assert runner.look(key).state == State.STARTING
        long_ago = time.time() - 3600
        os.utime(folder / folders.SPEC, (long_ago, long_ago))
        assert runner.look(key).state == State.LOST
        runner.start(shell("true"), key)
        assert ended(runner, key).code == 0

    def test_an_image_is_refused(self, runner):
        spec = shell("true")
        with pytest.raises(RunnerError) as refused:
            runner.start(type(spec)(spec.argv, image="registry/some:1"), new_key())
        assert refused.value.code == "no_containers"

    def test_a_socket_that_nobody_could_call_is_refused(self, tmp_path):
        local = LocalRunner(tmp_path / ("x" * 100))
        with pytest.raises(RunnerError) as refused:
            local.start(shell("true", output(local, "a"), listen="/out/s"), "a")
        assert refused.value.code == "path_too_long"

    def test_a_supervisor_that_cannot_be_started_is_worth_another_try(self, tmp_path):
        local = LocalRunner(tmp_path, python="/no/python")
        with pytest.raises(RunnerError) as refused:
            local.start(shell("true"), "a")
        assert (refused.value.code, refused.value.retry) == ("no_supervisor", True)
        (tmp_path / "broken").write_text("#!/bin/sh\necho out of order >&2\nexit 1\n")
        (tmp_path / "broken").chmod(0o755)
        local = LocalRunner(tmp_path, python=str(tmp_path / "broken"))
        with pytest.raises(RunnerError) as refused:
            local.start(shell("true"), "a")
        assert (refused.value.code, refused.value.detail) == ("no_supervisor", "out of order")

    def test_what_was_printed_before_a_stop_is_kept(self, runner):
        key = started(runner, shell("printf partial; sleep 100"), "partial")
        runner.stop(key)
        assert ended(runner, key).code == 143
        assert log(runner, key) == "partial"

    def test_nothing_stays_in_the_name_of_a_run(self, runner):
        key = new_key()
        mount = output(runner, key)
        runner.start(shell("mkdir -p /out/a; touch /out/a/b; ln /out/a/b /out/c; ln -s /etc /out/d", mount), key)
        assert ended(runner, key).code == 0
        found = [Path(mount.source), *Path(mount.source).rglob("*")]
        assert {path.lstat().st_uid for path in found} == {os.geteuid()}
        assert len(found) == 5

    def test_a_run_uses_the_processors_it_has(self, runner):
        spec = shell("nproc")
        exit, text = run(runner, spec)
        assert (exit.code, text) == (0, "1\n")
        spec = type(spec)(spec.argv, limits=type(spec.limits)(cpus=4096))
        assert run(runner, spec)[1] == f"{len(os.sched_getaffinity(0))}\n"

    def test_two_runs_use_two_processors(self, runner):
        if len(os.sched_getaffinity(0)) < 2:
            pytest.skip("This machine has one processor.")
        script = "grep Cpus_allowed_list /proc/self/status; sleep 100"
        keys = [started(runner, shell(script), "Cpus_allowed_list") for _each in range(2)]
        assert log(runner, keys[0]) != log(runner, keys[1])
        for key in keys:
            runner.stop(key)
            ended(runner, key)

    def test_a_run_has_a_control_group_of_its_own_where_it_may(self, runner):
        above = cgroups._above()
        if above is None or not os.access(above, os.W_OK):
            pytest.skip("Nobody delegated a control group here.")
        key = started(runner, shell("sleep 100 & echo ready; wait"), "ready")
        (group,) = above.glob(f"gallery-run-{key}-*")
        inside = {process.pid for process in processes.descendants(supervisor_of(runner, key))}
        assert {int(pid) for pid in (group / "cgroup.procs").read_text().split()} == inside
        runner.stop(key)
        ended(runner, key)
        assert not group.exists()

    def test_a_run_reaches_the_index_it_was_given_and_nothing_else(self, tmp_path):
        with ThreadingHTTPServer(("127.0.0.1", 0), Index) as index, ThreadingHTTPServer(("127.0.0.1", 0), Index) as other:
            for server in (index, other):
                threading.Thread(target=server.serve_forever, daemon=True).start()
            local = LocalRunner(tmp_path, index=Indexes((f"http://127.0.0.1:{index.server_port}/simple",)))
            code = FETCH + "".join(f"fetch('http://127.0.0.1:{server.server_port}/simple/')\n" for server in (index, other))
            exit, text = run(local, dataclasses.replace(python(code), network="index"))
            for server in (index, other):
                server.shutdown()
        assert (exit.code, text) == (0, "the index\nHTTPError\n")

    def test_a_forgotten_run_that_was_left_halfway_is_removed_with_the_next(self, runner):
        left = runner.base / ".forgotten" / "half" / "way"
        left.mkdir(parents=True)
        runner.forget(new_key())
        assert not left.parent.exists()

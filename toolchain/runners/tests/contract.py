"""What every runner promises: a test class of a runner inherits these and gives a fixture `runner`."""

import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from toolchain.runners.base import Mount, Reason, RunnerError, State
from toolchain.runners.tests.programs import ended, log, new_key, output, python, run, shell, started, until

LISTEN = """
import os, socket, time
server = socket.socket(socket.AF_UNIX)
server.bind("/out/program.sock")
server.listen()
print("listening", flush=True)
while True:
    caller, _ = server.accept()
    if caller.recv(100) == b"hello":
        caller.sendall(b"hello yourself")
    caller.close()
"""


class RunnerContract:
    def test_a_program_runs_to_its_end(self, runner):
        exit, text = run(runner, shell("echo first; echo second >&2; exit 7"))
        assert (exit.code, exit.signal, exit.reason) == (7, 0, None)
        assert text == "first\nsecond\n"
        assert exit.started_at <= exit.ended_at

    def test_a_key_is_started_once(self, runner):
        key = new_key()
        spec = shell("echo run; sleep 1", output(runner, key))
        with ThreadPoolExecutor(3) as pool:
            list(pool.map(lambda _each: runner.start(spec, key), range(3)))
        assert ended(runner, key).code == 0
        runner.start(spec, key)
        assert runner.look(key).state == State.EXITED
        assert log(runner, key) == "run\n"

    def test_a_run_is_looked_at_while_it_lives(self, runner):
        key = started(runner, shell("sleep 100 & echo ready; wait"), "ready")
        found = until(lambda: (seen := runner.look(key)).beat and seen.beat.processes == 2 and seen)
        assert found.state == State.RUNNING
        assert found.exit is None
        assert found.node
        assert 0 < found.beat.memory < 100 << 20
        runner.stop(key)
        ended(runner, key)

    def test_an_unknown_run_is_lost(self, runner):
        key = new_key()
        assert runner.look(key).state == State.LOST
        assert runner.read(key, "log", 0, 100) == b""
        runner.stop(key)
        runner.forget(key)
        assert runner.look(key).state == State.LOST

    def test_a_folder_that_was_only_prepared_is_lost(self, runner):
        key = new_key()
        runner.folder(key)
        assert runner.look(key).state == State.LOST

    def test_a_key_that_is_a_path_is_refused(self, runner):
        for key in ("../up", "a/b", "", ".hidden", "A"):
            with pytest.raises(RunnerError) as refused:
                runner.start(shell("true"), key)
            assert refused.value.code == "bad_key"

    def test_the_log_is_read_from_an_offset(self, runner):
        key = started(runner, shell("echo one; echo two; read forever < /dev/zero"), "two")
        assert runner.read(key, "log", 4, 3) == b"two"
        assert runner.read(key, "log", 4, 100) == b"two\n"
        assert runner.read(key, "log", 8, 100) == b""
        assert runner.read(key, "log", 100, 100) == b""
        runner.stop(key)
        ended(runner, key)

    def test_a_flood_of_output_is_cut_and_counted(self, runner):
        exit, text = run(runner, shell("head -c 9000000 /dev/zero | tr '\\0' x; exit 3", log=10_000))
        assert exit.code == 3
        assert text == "x" * 10_000 + "\n[The log was full here: 8,990,000 more bytes of output were dropped.]\n"

    def test_the_environment_is_the_one_that_was_asked_for(self, runner, monkeypatch):
        monkeypatch.setenv("GALLERY_SECRET", "not for runs")
        spec = shell('echo "$GREETING"; env | grep -c SECRET; cat /proc/1/environ 2> /dev/null | grep -c SECRET')
        spec = type(spec)(spec.argv, {"GREETING": "a “b” $c\nd"}, limits=spec.limits)
        assert run(runner, spec)[1] == "a “b” $c\nd\n0\n0\n"

    def test_mounts_are_what_they_say(self, runner, tmp_path):
        tmp_path.chmod(0o755)
        (tmp_path / "given").write_text("given\n")
        (tmp_path / "given").chmod(0o644)
        key = new_key()
        spec = shell("cat /in/given; echo made > /out/made; echo x > /in/given", Mount(str(tmp_path), "/in"), output(runner, key))
        runner.start(spec, key)
        assert ended(runner, key).code != 0
        assert log(runner, key).startswith("given\n")
        assert (runner.folder(key) / "output" / "made").read_text() == "made\n"
        assert (tmp_path / "given").read_text() == "given\n"

    def test_a_missing_source_is_refused(self, runner):
        with pytest.raises(RunnerError) as refused:
            runner.start(shell("true", Mount("/nowhere/at/all", "/in")), new_key())
        assert (refused.value.code, refused.value.retry) == ("no_source", False)

    def test_streams_are_read_from_an_offset(self, runner):
        key = new_key()
        spec = shell("echo 1\\|2\\|3 >> /out/metrics; sleep 100", output(runner, key), streams={"metrics": "/out/metrics"})
        runner.start(spec, key)
        until(lambda: runner.read(key, "metrics", 0, 100) == b"1|2|3\n")
        assert runner.read(key, "metrics", 2, 2) == b"2|"
        with pytest.raises(RunnerError) as refused:
            runner.read(key, "other", 0, 100)
        assert refused.value.code == "unknown_stream"
        runner.stop(key)
        ended(runner, key)

    def test_a_stream_is_never_read_through_a_link(self, runner, tmp_path):
        (tmp_path / "secret").write_text("secret")
        tricks = [
            f"ln -s {tmp_path}/secret /out/metrics",
            f"ln -s {tmp_path} /out/sub; mv /out/sub /out/down; mkfifo /out/metrics",
            "mkdir /out/metrics",
            "ln -s /proc/self/environ /out/metrics",
        ]
        for trick in tricks:
            key = new_key()
            runner.start(shell(trick, output(runner, key), streams={"metrics": "/out/metrics", "down": "/out/down/secret"}), key)
            assert ended(runner, key).code == 0
            assert runner.read(key, "metrics", 0, 100) == runner.read(key, "down", 0, 100) == b""

    def test_a_stream_lies_below_a_writable_mount(self, runner):
        with pytest.raises(RunnerError) as refused:
            runner.start(shell("true", streams={"metrics": "/etc/passwd"}), new_key())
        assert refused.value.code == "not_writable"

    def test_a_program_that_listens_can_be_called(self, runner):
        key = new_key()
        runner.start(python(LISTEN, output(runner, key), listen="/out/program.sock"), key)
        address = until(lambda: runner.look(key).address)
        assert address.startswith("unix:/")
        with socket.socket(socket.AF_UNIX) as caller:
            caller.connect(address.removeprefix("unix:"))
            caller.sendall(b"hello")
            assert caller.recv(100) == b"hello yourself"
        runner.stop(key)
        assert ended(runner, key).reason == Reason.STOPPED
        assert runner.look(key).address == ""

    def test_a_program_that_listens_on_a_port_can_be_called(self, runner):
        key = new_key()
        runner.start(python(LISTEN.replace("AF_UNIX", "AF_INET").replace('"/out/program.sock"', '("127.0.0.1", 8080)'), listen=8080), key)
        with socket.socket(socket.AF_UNIX) as caller:
            caller.connect(until(lambda: runner.look(key).address).removeprefix("unix:"))
            caller.sendall(b"hello")
            assert caller.recv(100) == b"hello yourself"
        runner.stop(key)
        assert ended(runner, key).reason == Reason.STOPPED

    def test_a_socket_of_somebody_else_is_no_address(self, runner, tmp_path):
        with socket.socket(socket.AF_UNIX) as ours:
            ours.bind(str(tmp_path / "ours.sock"))
            ours.listen()
            key = new_key()
            script = f"ln -s {tmp_path}/ours.sock /out/program.sock; echo ready; sleep 100"
            runner.start(shell(script, output(runner, key), listen="/out/program.sock"), key)
            until(lambda: "ready" in log(runner, key))
            beat = runner.look(key).beat.at
            until(lambda: runner.look(key).beat.at > beat + 1)
            assert runner.look(key).address == ""
        runner.stop(key)
        ended(runner, key)

    def test_a_forgotten_run_leaves_nothing(self, runner):
        key = new_key()
        mount = output(runner, key)
        runner.start(shell("umask 777; mkdir -p /out/a/b; ln -s / /out/link; mkfifo /out/fifo; touch /out/-rf", mount), key)
        ended(runner, key)
        runner.forget(key)
        assert not Path(mount.source).parent.exists()
        assert runner.look(key).state == State.LOST
        runner.start(shell("echo again"), key)
        assert ended(runner, key).code == 0
        assert log(runner, key) == "again\n"

    def test_a_run_that_is_not_over_is_not_forgotten(self, runner):
        key = started(runner, shell("echo ready; sleep 100"), "ready")
        with pytest.raises(RunnerError) as refused:
            runner.forget(key)
        assert (refused.value.code, refused.value.retry) == ("still_running", True)
        runner.stop(key)
        ended(runner, key)

"""What every runner promises of ends: each is told as what it was."""

import pytest

from toolchain.runners.base import Mount, Reason
from toolchain.runners.tests.programs import ended, log, new_key, output, python, run, shell, started, until


class EndingContract:
    @pytest.mark.parametrize(
        ("script", "code", "signal"), [("exit 0", 0, 0), ("exit 1", 1, 0), ("kill -SEGV $$", 139, 11), ("kill -9 $$", 137, 9)]
    )
    def test_exit_codes_and_signals_are_told(self, runner, script, code, signal):
        exit, _text = run(runner, shell(script))
        assert (exit.code, exit.signal, exit.reason, exit.detail) == (code, signal, None, "")

    def test_a_program_that_is_not_there_is_said_so(self, runner):
        spec = shell("true")
        exit, text = run(runner, type(spec)(("/no/program",), limits=spec.limits))
        assert exit.code == 127
        assert "/no/program: No such file or directory" in text

    def test_what_cannot_be_started_as_asked_is_refused_with_the_reason(self, runner):
        spec = shell("true")
        exit, _text = run(runner, type(spec)(spec.argv, folder="/no/folder", limits=spec.limits))
        assert exit.reason == Reason.REFUSED
        assert "/no/folder: No such file or directory" in exit.detail

    def test_a_program_that_is_stopped_may_finish(self, runner):
        key = started(runner, shell("trap 'echo saved; exit 5' TERM; echo ready; while :; do sleep 0.1; done"), "ready")
        runner.stop(key)
        runner.stop(key)
        exit = ended(runner, key)
        assert (exit.code, exit.signal, exit.reason) == (5, 0, Reason.STOPPED)
        assert log(runner, key).endswith("saved\n")
        runner.stop(key)
        assert runner.look(key).exit == exit

    def test_a_program_that_will_not_stop_is_killed(self, runner):
        key = started(runner, shell("trap '' TERM; echo ready; while :; do sleep 0.1; done", grace=1), "ready")
        runner.stop(key)
        exit = ended(runner, key)
        assert (exit.code, exit.signal, exit.reason) == (137, 9, Reason.STOPPED)

    def test_a_run_that_was_stopped_before_it_started_does_not_start(self, runner):
        key = new_key()
        mount = output(runner, key)
        runner.stop(key)
        runner.start(shell("echo ran", mount), key)
        assert ended(runner, key).reason == Reason.STOPPED
        assert log(runner, key) == ""

    def test_children_end_with_their_program(self, runner):
        key = new_key()
        script = "(trap '' TERM; while :; do date +%N > /out/alive; sleep 0.1; done) > /dev/null 2>&1 & until [ -e /out/alive ]; do sleep 0.1; done"
        mount = output(runner, key)
        runner.start(shell(script, mount), key)
        assert ended(runner, key).code == 0
        alive = runner.folder(key) / "output" / "alive"
        left = alive.stat().st_mtime_ns
        run(runner, shell("sleep 0.5"))
        assert alive.stat().st_mtime_ns == left

    def test_a_run_that_takes_too_long_is_ended(self, runner):
        exit, text = run(runner, shell("trap 'echo time is up; exit 0' TERM; while :; do sleep 0.1; done", wall=1))
        assert (exit.code, exit.reason) == (0, Reason.TIME)
        assert text.endswith("time is up\n")
        assert exit.detail == "The run ran longer than its limit of 1 s."

    def test_a_run_that_takes_too_much_memory_is_ended(self, runner):
        exit, _text = run(runner, python("kept = []\nwhile True:\n    kept.append(b'x' * 2000000)", memory=100 << 20))
        assert (exit.code, exit.signal, exit.reason) == (137, 9, Reason.MEMORY)
        assert exit.peak_memory > 100 << 20

    def test_files_in_memory_are_memory(self, runner):
        exit, _text = run(runner, shell("head -c 90000000 /dev/zero > /dev/shm/big; sleep 100", memory=60 << 20))
        assert exit.reason == Reason.MEMORY

    def test_shared_memory_is_counted_once(self, runner):
        code = """
import os, time
kept = b"x" * 60000000
for _ in range(4):
    if not os.fork():
        time.sleep(1.5)
        os._exit(0)
for _ in range(4):
    os.wait()
"""
        assert run(runner, python(code, memory=150 << 20))[0].reason is None

    def test_a_run_that_fills_the_disk_is_ended(self, runner):
        key = new_key()
        script = "i=0; while :; do head -c 1000000 /dev/zero > /out/$i; i=$((i+1)); sleep 0.02; done"
        runner.start(shell(script, output(runner, key), disk=20 << 20), key)
        exit = ended(runner, key)
        assert (exit.code, exit.reason) == (137, Reason.DISK)

    def test_one_file_that_is_too_big_is_told_by_name(self, runner):
        key = new_key()
        runner.start(shell("head -c 90000000 /dev/zero > /out/big; exit 1", output(runner, key), disk=20 << 20), key)
        assert ended(runner, key).reason == Reason.DISK

    def test_files_without_a_name_take_disk_too(self, runner):
        key = new_key()
        script = "exec 5> /out/big; rm /out/big; head -c 40000000 /dev/zero >&5; sleep 100"
        runner.start(shell(script, output(runner, key), disk=20 << 20), key)
        assert ended(runner, key).reason == Reason.DISK

    def test_names_of_empty_files_take_disk_too(self, runner):
        key = new_key()
        code = "import time\nfor i in range(2000): open(f'/out/{i}', 'w').close()\ntime.sleep(100)"
        runner.start(python(code, output(runner, key), disk=6 << 20), key)
        assert ended(runner, key).reason == Reason.DISK

    def test_links_to_what_is_elsewhere_take_no_disk(self, runner, tmp_path):
        tmp_path.chmod(0o755)
        (tmp_path / "big").write_bytes(b"x" * 30_000_000)
        key = new_key()
        script = "ln -s /in/big /out/link; ln -s /in /out/folder; ln -s . /out/loop; sleep 2"
        runner.start(shell(script, Mount(str(tmp_path), "/in"), output(runner, key), disk=10 << 20), key)
        exit = ended(runner, key)
        assert (exit.code, exit.reason) == (0, None)

    def test_a_run_of_too_many_processes_is_ended(self, runner):
        exit, _text = run(runner, shell("(while :; do sleep 100 & done); exec sleep 100", processes=20))
        assert (exit.code, exit.reason) == (137, Reason.PROCESSES)

    def test_the_time_of_processors_is_summed_up(self, runner):
        code = "import os, time\nif os.fork():\n    os.wait()\nwhile time.process_time() < 0.3:\n    pass"
        exit, _text = run(runner, python(code))
        assert 0.6 <= exit.cpu_seconds < 2

    def test_what_a_run_uses_is_told_until_its_end(self, runner):
        key = new_key()
        mount = output(runner, key)
        runner.start(shell("head -c 5000000 /dev/zero > /out/file; sleep 100", mount), key)
        beat = until(lambda: (found := runner.look(key).beat) and found.disk > 5_000_000 and found)
        assert beat.disk < 6_000_000
        runner.stop(key)
        ended(runner, key)

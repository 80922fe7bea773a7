"""Runs on a machine that somebody lent: they end with whoever lent it, and when nobody can hear of them any more."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from toolchain.runners import folders
from toolchain.runners.base import State
from toolchain.runners.local import SUPERVISOR
from toolchain.runners.supervisor import processes
from toolchain.runners.supervisor.lease import ENDED
from toolchain.runners.supervisor.placing import BEST
from toolchain.runners.tests.programs import shell, until

SILENT = """
import sys, time
sys.path.append(sys.argv[1])
from toolchain.runners.supervisor import lease
lease.SECONDS = 0.2
lease.Lease(lambda: None, lambda: print("swept", flush=True))
time.sleep(60)
"""


SWEEPS = """
import sys, threading
from contextlib import suppress
sys.path.append(sys.argv[1])
from toolchain.runners.sandbox.confine import end_account
from toolchain.runners.supervisor import processes

def bury():
    while True:
        with suppress(ChildProcessError):
            processes.bury()

threading.Thread(target=bury, daemon=True).start()
for _number in range(30):
    end_account(1_999_999_999)
"""


def order(base: Path, script: str) -> Path:
    """Return the folder of a run that is ordered and not started."""
    folder = folders.make(base, "lent")
    folders.write_order(folder, folders.Order("lent", shell(script), BEST))
    return folder


def test_a_run_in_the_foreground_answers_with_its_exit_code(tmp_path):
    folder = order(tmp_path, "echo ran; exit 7")
    done = subprocess.run([sys.executable, "-I", "-S", str(SUPERVISOR), "--foreground", str(folder)], check=False)
    assert done.returncode == 7
    assert (folder / folders.LOG).read_text() == "ran\n"
    assert folders.look(folder).state == State.EXITED


def test_a_run_ends_with_the_one_that_started_it_and_says_nothing_of_an_end(tmp_path):
    folder = order(tmp_path, "(setsid sleep 100 &); echo ready; sleep 100")
    script = f"{sys.executable} -I -S {SUPERVISOR} --foreground {folder} & echo $!; wait"
    parent = subprocess.Popen(["sh", "-c", script], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True)
    supervisor = int(parent.stdout.readline())
    until(lambda: (folder / folders.LOG).exists() and (folder / folders.LOG).read_text() == "ready\n")
    inside = [process.pid for process in processes.descendants(supervisor)]
    assert len(inside) >= 3
    os.kill(parent.pid, signal.SIGKILL)
    parent.communicate()
    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in inside))
    until(lambda: folders.look(folder).state == State.LOST)
    assert not (folder / folders.EXIT).exists()


def test_a_run_whose_beat_cannot_be_written_ends():
    root = Path(__file__).resolve().parents[3]
    done = subprocess.run([sys.executable, "-c", SILENT, str(root)], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (ENDED, "swept\n")
    assert done.stderr == "The run was ended: its folder cannot be written to.\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="runs have accounts where root starts them")
def test_an_account_is_swept_while_the_main_thread_buries_everybody():
    root = Path(__file__).resolve().parents[3]
    subprocess.run([sys.executable, "-c", SWEEPS, str(root)], timeout=60, check=True)


def test_a_run_that_nobody_took_up_can_be_settled_once(tmp_path):
    folder = order(tmp_path, "echo ran")
    stopped = folders.Exit(143, 15, None, "", 1.0, 2.0)
    assert folders.settle(folder, stopped)
    assert not folders.settle(folder, stopped)
    subprocess.run([sys.executable, "-I", "-S", str(SUPERVISOR), "--foreground", str(folder)], check=True)
    assert folders.look(folder).exit == stopped
    assert not (folder / folders.LOG).exists()

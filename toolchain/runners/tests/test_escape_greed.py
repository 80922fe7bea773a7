"""Attempts to take what the machine has, or to end what others run: each is ended, told by its name, and leaves nothing."""

import os
import shutil
import tempfile
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from toolchain.runners.base import Reason, State
from toolchain.runners.sandbox import Level
from toolchain.runners.tests.programs import PYTHON, ended, log, new_key, until
from toolchain.runners.tests.targets import NEEDLE, Targets
from toolchain.runners.tests.test_escape import passable_python

FORKS = "bomb() { bomb | bomb & }; bomb; sleep 60"
# No more than 4 GB at once and not for long, whatever fails.
MEMORY = "import time\nkept = []\nfor _ in range(400):\n    kept.append(b'x' * 10_000_000)\ntime.sleep(30)"
MANY = "import os, time\nfor _ in range(30):\n    if not os.fork():\n        kept = b'x' * 60_000_000\n        time.sleep(30)\n        break\ntime.sleep(30)"
MAPPED = "import mmap, time\nkept = mmap.mmap(-1, 2_000_000_000)\nfor at in range(0, len(kept), 4096):\n    kept[at] = 1\ntime.sleep(30)"
HIDDEN = """
import os, time
kept = []
for number in range(40):
    kept.append(os.memfd_create("x"))
    for _ in range(10):
        os.write(kept[-1], bytes(10_000_000))
time.sleep(30)
"""
FILES = "i=0; while [ $i -lt 900 ]; do head -c 1000000 /dev/zero > {folder}/$i || break; i=$((i+1)); done; sleep 30"


@pytest.fixture(scope="module", params=[Level.BUBBLEWRAP, Level.LANDLOCK])
def targets(request):
    if request.param == Level.LANDLOCK and os.geteuid() != 0:
        pytest.skip("needs to be root")
    data = Path(tempfile.mkdtemp(prefix="escape-", dir="/tmp"))
    try:
        with ExitStack() as stack:
            yield Targets(data, request.param, stack, PYTHON if request.param == Level.BUBBLEWRAP else passable_python())
    finally:
        shutil.rmtree(data, ignore_errors=True)


def outcome(targets, spec, key=None):
    key = key or new_key()
    targets.runner.start(spec, key)
    return ended(targets.runner, key)


def python(targets, code, **limits):
    return targets.spec((targets.python, "-I", "-S", "-c", code), **limits)


def processes_with(text):
    found = []
    for entry in Path("/proc").iterdir():
        with suppress(OSError):
            if entry.name.isdigit() and text in (entry / "cmdline").read_bytes():
                found.append(entry.name)
    return found


def test_a_fork_bomb_is_ended_to_the_last_process(targets):
    exit = outcome(targets, targets.shell(FORKS, wall=30, processes=40))
    assert exit.reason == Reason.PROCESSES
    assert processes_with(b"bomb()") == []


@pytest.mark.parametrize("code", [MEMORY, MANY, MAPPED, HIDDEN], ids=["one process", "many processes", "mapped", "hidden"])
def test_a_memory_bomb_is_ended(targets, code):
    exit = outcome(targets, python(targets, code, memory=256 << 20, wall=30))
    assert (exit.code, exit.reason) == (137, Reason.MEMORY)


def test_one_process_cannot_outgrow_the_kernels_own_limit(targets):
    code = "try:\n    kept = bytearray(3_000_000_000)\nexcept MemoryError:\n    print('refused')"
    key = new_key()
    assert outcome(targets, python(targets, code, memory=256 << 20), key).code == 0
    assert log(targets.runner, key) == "refused\n"


def test_a_full_output_is_ended(targets):
    key = new_key()
    mount = targets.output(key)
    exit = outcome(targets, targets.shell(FILES.format(folder=mount.target), mount, disk=20 << 20), key)
    assert (exit.code, exit.reason) == (137, Reason.DISK)


def test_a_file_with_holes_ends_at_the_limit(targets):
    key = new_key()
    mount = targets.output(key)
    exit = outcome(targets, targets.shell(f"truncate -s 200G {mount.target}/holes || exit 4", mount, disk=20 << 20), key)
    assert exit.code in (4, 153)
    assert (Path(mount.source) / "holes").stat().st_size == 0


def test_a_full_tmp_is_ended(targets):
    exit = outcome(targets, targets.shell(FILES.format(folder="${TMPDIR:-/tmp}"), disk=40 << 20, memory=64 << 20))
    assert exit.reason == (Reason.MEMORY if targets.level is Level.BUBBLEWRAP else Reason.DISK)


def test_full_shared_memory_is_ended_and_emptied(targets):
    exit = outcome(targets, targets.shell(FILES.format(folder="/dev/shm"), memory=48 << 20))
    assert exit.reason == Reason.MEMORY
    assert not [entry for entry in Path("/dev/shm").iterdir() if entry.name.isdigit()]


def test_ending_all_it_can_reaches_nobody_else(targets):
    exit = outcome(targets, targets.shell("kill -9 -1; exit 3"))
    assert exit.code in (3, 137)
    assert targets.gallery.poll() is None
    assert targets.runner.look(targets.other).state == State.RUNNING


def test_links_left_in_the_output_lead_nowhere(targets):
    key = new_key()
    mount = targets.output(key)
    out = mount.target
    script = (
        f"cd {out}; ln -s {targets.secret} a; ln -s / b; ln -s ../../../.. c; ln -s {targets.input} d; ln {targets.input}/weights e; "
        f"mkfifo f; mkdir -p g/h; chmod 000 g/h; cp {targets.input}/id i; chmod 4777 i; mv ../output ../elsewhere; rm -rf ../output; true"
    )
    before = targets.secret.stat()
    assert outcome(targets, targets.shell(script, mount), key).code == 0
    assert targets.secret.read_text() == NEEDLE
    after = targets.secret.stat()
    assert (after.st_uid, after.st_mode, after.st_nlink) == (before.st_uid, before.st_mode, before.st_nlink)
    weights = (targets.input / "weights").stat()
    assert (weights.st_uid, weights.st_nlink) == (os.geteuid(), 1)
    assert not (Path(mount.source) / "e").exists()
    targets.runner.forget(key)
    assert not Path(mount.source).exists()
    assert targets.secret.read_text() == NEEDLE
    assert (targets.input / "weights").read_text() == "as it was"


def test_a_run_ends_with_its_sandbox(targets):
    key = new_key()
    targets.runner.start(targets.shell("(setsid sleep 77.7 &); echo ready; sleep 77.7"), key)
    until(lambda: "ready" in log(targets.runner, key))
    targets.runner.stop(key)
    ended(targets.runner, key)
    assert processes_with(b"77.7") == []

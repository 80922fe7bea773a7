"""Attempts to get out of a sandbox, each contained at each level; without a sandbox the same code succeeds, so these tests can fail."""

import json
import os
import re
import shutil
import stat
import subprocess
import tempfile
import traceback
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from toolchain.runners.sandbox import Level, seccomp
from toolchain.runners.tests.programs import PYTHON
from toolchain.runners.tests.targets import HARMLESS_CALLS, HOSTILE, NEEDLE, Targets

ROOT = Path(__file__).resolve().parents[3]
SYSTEM_PYTHON = "/usr/bin/python3"
ORDINARY_USER = 54321
ATTEMPTS = [name for path in sorted(HOSTILE.glob("*.py")) for name in re.findall(r"^@attempt\ndef (\w+)", path.read_text(), re.MULTILINE)]
CALLS = [name for name, numbers in seccomp.DENIED.items() if numbers[os.uname().machine != "x86_64"] is not None]
# What only root may do at all, or needs a driver, IPv6 or a name server that a machine may lack.
NOT_WITHOUT_SANDBOX = {
    "become_root_by_a_setuid_program", "open_descriptors_left_behind", "reach_the_internet", "resolve_a_name", "open_a_vsock",
    "use_the_kernels_ciphers", "reach_a_port_over_ipv6", "open_the_disk", "write_to_a_control_group", "type_into_the_terminal",
    "call_by_the_numbers_of_x32", "change_the_kernels_settings", "press_the_kernels_keys", "read_the_kernels_memory", "raise_a_limit",
    "mark_an_input", "make_a_device", "read_environment_of_the_first_process", "leave_the_output_by_dots", "walk_out_through_proc", "link_a_secret_into_the_output",
}  # fmt: skip
as_root = os.geteuid() == 0


@contextmanager
def folder():
    """A folder that all accounts may pass through, which those of pytest are not."""
    path = Path(tempfile.mkdtemp(prefix="escape-", dir="/tmp"))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def attack(level, data, python=None):
    with ExitStack() as stack:
        targets = Targets(data, level, stack, **({"python": python} if python else {}))
        found = targets.attack()
        left = {path.name: path.read_text() for path in targets.input.iterdir() if path.name in ("weights", "second", "third", "added")}
        status = (targets.input / "weights").stat()
        return {
            "attempts": found,
            "inputs": left,
            "weights": [stat.S_IMODE(status.st_mode), status.st_nlink, status.st_mtime > 0],
            "other": sorted(os.listdir(targets.other_output.source)),
            "secret": targets.secret.read_text(),
        }


def attack_as_ordinary_user(data):
    """The same by a gallery that is not root, in a process of its own, which becomes somebody else."""
    os.chown(data, ORDINARY_USER, ORDINARY_USER)
    report = data / "report"
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(ORDINARY_USER)
            os.setuid(ORDINARY_USER)
            report.write_text(json.dumps(attack(Level.BUBBLEWRAP, data, SYSTEM_PYTHON)))
        except BaseException:
            (data / "trouble").write_text(traceback.format_exc())
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    assert report.exists(), (data / "trouble").read_text()
    return json.loads(report.read_text())


def can_be_ordinary():
    """Whether an ordinary user could run the supervisor's code here, with a Python that is not in somebody's home folder."""
    script = "import sys; sys.path.append(sys.argv[1]); import toolchain.runners.local; sys.exit(sys.version_info < (3, 11))"
    given = [SYSTEM_PYTHON, "-I", "-S", "-c", script, str(ROOT)]
    return as_root and os.path.exists(SYSTEM_PYTHON) and not subprocess.run(given, user=ORDINARY_USER, capture_output=True).returncode


def passable_python():
    """A Python that every account can reach: without namespaces nothing else can be run."""
    inside = all(parent.stat().st_mode & stat.S_IXOTH for parent in Path(PYTHON).resolve().parents)
    return PYTHON if inside else SYSTEM_PYTHON


@pytest.fixture(scope="module", params=["namespaces", "user namespaces", "Landlock"])
def attacked(request):
    if request.param == "user namespaces" and not can_be_ordinary():
        pytest.skip("needs to be root and a system's Python 3.11")
    if request.param == "Landlock" and not as_root:
        pytest.skip("needs to be root")
    with folder() as data:
        if request.param == "user namespaces":
            yield attack_as_ordinary_user(data)
        else:
            yield attack(Level.BUBBLEWRAP, data) if request.param == "namespaces" else attack(Level.LANDLOCK, data, passable_python())


@pytest.fixture(scope="module")
def unconfined():
    if not as_root:
        pytest.skip("what root may do tells most")
    with folder() as data:
        yield attack(Level.OFF, data)


@pytest.mark.parametrize("name", ATTEMPTS)
def test_attempt_is_contained(attacked, name):
    outcome, detail = attacked["attempts"][name]
    assert outcome != "done", detail


@pytest.mark.parametrize("name", CALLS)
def test_system_call_is_denied(attacked, name):
    assert attacked["attempts"][f"call {name}"][0] == "EPERM"


def test_calls_that_are_answered_in_another_way(attacked):
    found = {
        name: attacked["attempts"][name][0] for name in ("type_into_the_terminal", "clone_by_the_new_call", "call_by_the_numbers_of_x32")
    }
    assert found == {"type_into_the_terminal": "EPERM", "clone_by_the_new_call": "ENOSYS", "call_by_the_numbers_of_x32": "ENOSYS"}
    assert {attacked["attempts"][name][0] for name in ("open_a_packet_socket", "open_a_vsock", "use_the_kernels_ciphers")} == {
        "EAFNOSUPPORT"
    }


def test_nothing_outside_has_changed(attacked):
    assert attacked["inputs"] == {"weights": "as it was", "second": "as it was", "third": "as it was"}
    assert attacked["weights"] == [0o644, 1, True]
    assert attacked["other"] == ["result"]
    assert attacked["secret"] == NEEDLE


@pytest.mark.parametrize("name", [name for name in ATTEMPTS if name not in NOT_WITHOUT_SANDBOX])
def test_attempt_succeeds_without_a_sandbox(unconfined, name):
    outcome, detail = unconfined["attempts"][name]
    assert outcome == "done", detail


@pytest.mark.parametrize("name", HARMLESS_CALLS)
def test_system_call_is_made_without_a_sandbox(unconfined, name):
    assert unconfined["attempts"][f"call {name}"][0] != "EPERM"

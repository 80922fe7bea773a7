"""What a sandbox makes of a run: its mounts, variables, accounts and devices, and which level a machine is said to give."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from toolchain.runners.base import Accelerators, Mount, RunnerError, RunSpec
from toolchain.runners.network import Indexes
from toolchain.runners.sandbox import Level, account, command, probe
from toolchain.runners.sandbox.accelerators import devices
from toolchain.runners.sandbox.landlock import order
from toolchain.runners.sandbox.plan import limits, plan
from toolchain.runners.sandbox.probing import advice
from toolchain.runners.tests.programs import small

as_root = os.geteuid() == 0


def planned(tmp_path, *mounts, **fields):
    spec = RunSpec(**{"argv": ("true",), "limits": small(), "mounts": mounts, **fields})
    return plan(spec, tmp_path, Indexes(urls=("file:///usr/share",)), joined=True)


def test_the_best_level_of_this_machine_is_found(tmp_path):
    found = probe(tmp_path)
    assert (found.level, found.missing) == (Level.BUBBLEWRAP, ())
    assert "own namespaces, filtered system calls and limits" in found.detail
    assert list(tmp_path.iterdir()) == []


def test_what_bubblewrap_complains_about_becomes_advice(tmp_path):
    for name in ("kernel/unprivileged_userns_clone", "user/max_user_namespaces"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text("0\n")
        expected = f"Allow user namespaces, as root: sysctl -w {name.replace('/', '.')}="
        assert advice("bwrap: No permissions to create new namespace", settings=tmp_path)[0].startswith(expected)
        (tmp_path / name).write_text("1\n")
    assert advice("bwrap: Unknown option --disable-userns") == ("Install bubblewrap 0.8 or newer.",)
    assert advice("", folders=str(tmp_path)) == ("Install what is missing, as root: apt-get install bubblewrap util-linux",)


FORBIDDEN = """
import os, sys
sys.path.append(sys.argv[1])
from pathlib import Path
from toolchain.runners.sandbox import confine, probe, probing, seccomp
import subprocess, tempfile
if sys.argv[3] != "0":
    os.setgid(int(sys.argv[3]))
    os.setuid(int(sys.argv[3]))
confine.check(confine.libc.prctl(confine.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "prctl")
confine.load_filter(seccomp.program())
found = probe(Path(sys.argv[2]))
print(found.level, found.detail, *found.missing, sep="\\n")
"""


@pytest.mark.skipif(not as_root, reason="compares root with others")
@pytest.mark.parametrize(("user", "level"), [(0, "B"), (54321, "none")])
def test_where_namespaces_are_forbidden_only_root_can_keep_runs_apart(user, level):
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        os.chown(folder, user, user)
        os.chmod(folder, 0o711)
        given = [sys.executable, "-I", "-S", "-c", FORBIDDEN, str(Path(__file__).parents[3]), folder, str(user)]
        said = subprocess.run(given, capture_output=True, text=True).stdout.splitlines()
    assert said[0] == level
    assert "namespaces" in said[2]


@pytest.mark.parametrize(
    "mount",
    [
        Mount("/etc", "/etc"), Mount("/root", "/usr/share/x"), Mount("/etc", "/dev/shm"), Mount("/etc", "/proc/x"), Mount("/etc", "/run/gallery/x"),
        Mount("/etc", "/"), Mount("/etc", "relative"), Mount("etc", "/x"), Mount("/etc", "/a/../b"), Mount("/etc", "//x"), Mount("/usr/share", "/run"),
        Mount("/nowhere", "/x"),
    ],
)  # fmt: skip
def test_mounts_over_the_system_or_to_odd_paths_are_refused(tmp_path, mount):
    with pytest.raises(RunnerError):
        planned(tmp_path, mount)


def test_a_link_is_not_mounted_to_be_written(tmp_path):
    (tmp_path / "link").symlink_to("/etc")
    with pytest.raises(RunnerError):
        planned(tmp_path, Mount(str(tmp_path / "link"), "/x", writable=True))


def test_two_mounts_at_one_place_are_refused(tmp_path):
    with pytest.raises(RunnerError):
        planned(tmp_path, Mount("/usr/share", "/x"), Mount("/usr/lib", "/x"))


def test_what_is_visible_anyway_is_not_mounted_and_folders_come_before_what_lies_in_them(tmp_path):
    found = planned(
        tmp_path, Mount("/usr/share", "/a/b/c"), Mount("/usr/lib", "/usr/lib"), Mount("/usr/lib", "/a"), Mount("/usr/lib", "/a")
    )
    assert [mount.target for mount in found.mounts] == ["/a", "/a/b/c"]


@pytest.mark.parametrize(
    "fields", [{"argv": ()}, {"argv": ("a\0b",)}, {"environment": {"A=B": "x"}}, {"environment": {"": "x"}}, {"image": "x"}]
)
def test_what_no_program_could_be_given_is_refused(tmp_path, fields):
    with pytest.raises(RunnerError):
        planned(tmp_path, **fields)


def test_runs_do_not_lie_where_every_run_can_look():
    with pytest.raises(RunnerError) as refused:
        planned(Path("/usr/local/gallery/runs/x"))
    assert refused.value.code == "bad_folder"


def test_variables_of_the_run_come_last(tmp_path):
    found = planned(tmp_path, environment={"HOME": "/there", "X": "1"}, network="index")
    assert (found.variables["HOME"], found.variables["X"], found.variables["USER"]) == ("/there", "1", "user")
    assert found.variables["https_proxy"] == found.variables["ALL_PROXY"] == "http://127.0.0.1:3128"


def test_limits_are_never_above_our_own(tmp_path):
    import resource

    spec = RunSpec(("true",), limits=small(files=1 << 40, memory=100 << 20, disk=10 << 20, processes=10))
    found = limits(spec)
    assert found["nofile"] == resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    assert (found["nproc"], found["fsize"], found["data"]) == (1034, 74 << 20, (200 << 20) + (2 << 30))
    assert "data" not in limits(RunSpec(("true",), accelerators=Accelerators("gpu", 1, (0,))))


@pytest.mark.skipif(not as_root, reason="accounts are given by root")
def test_each_run_has_an_account_of_its_own():
    (first, held), (second, also) = account(), account()
    assert first != second
    os.close(held)
    again, third = account()
    assert again == first
    for descriptor in (also, third):
        os.close(descriptor)


@pytest.fixture
def machine(tmp_path):
    """A machine with two cards of each kind, as files."""
    for name in ("nvidiactl", "nvidia-uvm", "nvidia0", "nvidia1", "davinci0", "davinci1", "davinci_manager", "hisi_hdc"):
        path = tmp_path / "dev" / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
        path.chmod(0o666 if "nvidia" in name else 0o660)
        if as_root and "davinci" in name:
            os.chown(path, 0, 1000)
    for number in (0, 1):
        folder = tmp_path / f"proc/driver/nvidia/gpus/0000:0{number}:00.0"
        folder.mkdir(parents=True)
        (folder / "information").write_text(f"Model: \t\t NVIDIA H200\nGPU UUID: \t GPU-0000-{number}\nDevice Minor: \t {number}\n")
    return tmp_path


def test_a_run_sees_its_own_cards_only(machine):
    found = devices(Accelerators("gpu", 1, (1,)), root=machine)
    assert found.nodes == ("/dev/nvidiactl", "/dev/nvidia-uvm", "/dev/nvidia1")
    assert found.environment == {
        "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
        "CUDA_VISIBLE_DEVICES": "GPU-0000-1",
        "NVIDIA_VISIBLE_DEVICES": "GPU-0000-1",
    }
    found = devices(Accelerators("npu", 2, (0, 1)), root=machine)
    assert found.nodes == ("/dev/davinci_manager", "/dev/hisi_hdc", "/dev/davinci0", "/dev/davinci1")
    assert found.environment == {"ASCEND_VISIBLE_DEVICES": "0,1", "ASCEND_RT_VISIBLE_DEVICES": "0,1"}
    if as_root:
        assert found.groups == (1000,)


@pytest.mark.parametrize("wanted", [Accelerators("gpu", 1, (7,)), Accelerators("gpu", 2, (0,)), Accelerators("tpu", 1, (0,))])
def test_cards_that_are_not_there_are_refused(machine, wanted):
    with pytest.raises(RunnerError):
        devices(wanted, root=machine)


def test_without_namespaces_paths_are_told_as_they_are_here(tmp_path):
    for name in ("model", "out"):
        (tmp_path / name).mkdir()
    cache = "/home/ma-user/.cache/gallery"
    mounts = (
        Mount(str(tmp_path / "model"), f"{cache}/model/a--b"), Mount(str(tmp_path / "out"), f"{cache}/output", writable=True),
        Mount(str(tmp_path), str(tmp_path)),
    )  # fmt: skip
    told = {
        "ROOT": cache, "MODEL": f"{cache}/model/a--b/x", "OUT": f"{cache}/output", "LIST": f"/usr/bin:{cache}/output:/tmp/x",
        "OTHER": "/home/ma-user/.cache/gallery-2", "PARAMS": '{"a": "/home"}', "TOP": "/", "OWN": str(tmp_path / "model"),
    }  # fmt: skip
    spec = RunSpec(("prog", f"{cache}/model/a--b/run.py"), told, mounts, folder=f"{cache}/output", limits=small())
    found = order(plan(spec, tmp_path, None, joined=False), None, 0, confined=False)
    view = f"{tmp_path}/view"
    expected = {
        "ROOT": f"{view}{cache}", "MODEL": f"{view}{cache}/model/a--b/x", "OUT": f"{view}{cache}/output", "TMPDIR": f"{view}/tmp",
        "LIST": f"/usr/bin:{view}{cache}/output:{view}/tmp/x", **{name: told[name] for name in ("OTHER", "PARAMS", "TOP", "OWN")},
    }  # fmt: skip
    assert {name: found["environment"][name] for name in expected} == expected
    assert found["argv"] == ["prog", f"{view}{cache}/model/a--b/run.py"]
    assert found["folder"] == f"{view}{cache}/output"
    assert sorted(os.listdir(f"{view}{cache}")) == ["model", "output"]


@pytest.mark.skipif(not as_root, reason="needs an account of its own")
def test_a_mount_that_the_account_cannot_reach_is_refused_with_the_command(tmp_path):
    closed = tmp_path / "closed"
    (closed / "out").mkdir(parents=True)
    closed.chmod(0o700)
    uid, held = account()
    with (
        pytest.raises(RunnerError) as refused,
        command(RunSpec(("true",), mounts=(Mount(str(closed / "out"), "/out"),)), folder=tmp_path, level=Level.LANDLOCK, uid=uid),
    ):
        pass
    os.close(held)
    assert refused.value.code == "mount_unreachable"
    assert "chmod o+x " in refused.value.detail


@pytest.mark.parametrize("fields", [{"network": "index"}, {"listen": 7860}])
def test_without_namespaces_there_is_no_network_of_ones_own(tmp_path, fields):
    spec = RunSpec(("true",), **fields)
    with pytest.raises(RunnerError) as refused, command(spec, folder=tmp_path, level=Level.LANDLOCK, uid=12345, index=Indexes()):
        pass
    assert refused.value.code == "level_without_network"


def test_no_sandbox_runs_nothing(tmp_path):
    with pytest.raises(RunnerError) as refused, command(RunSpec(("true",)), folder=tmp_path, level=Level.NONE):
        pass
    assert refused.value.code == "no_sandbox"


def test_what_a_run_is_told_cannot_be_read_by_others_on_the_machine(tmp_path):
    spec = RunSpec(("sh", "-c", "tr '\\0' ' ' < /proc/1/cmdline"), {"TOKEN": "secret-of-a-run"}, limits=small())
    uid, held = account()
    with command(spec, folder=tmp_path, level=Level.BUBBLEWRAP, uid=uid) as made:
        assert not any("secret-of-a-run" in part for part in made.argv)
        done = subprocess.run(made.argv, env={}, pass_fds=made.descriptors, capture_output=True, text=True)
        told = [json.loads(line) for line in os.read(made.info, 10_000).splitlines()]
    assert (done.returncode, done.stderr) == (0, "")
    assert "secret-of-a-run" not in done.stdout
    assert "child-pid" in told[0]
    assert told[-1] == {"exit-code": 0}
    if held >= 0:
        os.close(held)


def test_the_system_tells_nothing_about_this_machine(tmp_path):
    script = "cat /etc/passwd; ls /etc /home /root /var 2>&1; hostname; id -un; stat -c %a /tmp /dev/shm; ls -A /tmp"
    uid, held = account()
    with command(RunSpec(("sh", "-c", script), limits=small()), folder=tmp_path, level=Level.BUBBLEWRAP, uid=uid) as made:
        text = subprocess.run(made.argv, env={}, pass_fds=made.descriptors, capture_output=True, text=True).stdout
    if held >= 0:
        os.close(held)
    lines = text.splitlines()
    assert lines[0].startswith("user:x:")
    assert {"shadow", "hostname", "resolv.conf", "machine-id", "ssh", "environment"}.isdisjoint(lines)
    assert sum("No such file or directory" in line for line in lines) == 3
    assert lines[-4:] == ["run", "user", "1777", "1777"]

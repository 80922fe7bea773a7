"""Which machine this is: its key outlives its name, and two machines that share a folder are two."""

import json
import socket
import stat
from pathlib import Path

import pytest

from toolchain.compute import machines
from toolchain.compute.detection import Machine, register_machine
from toolchain.compute.machines import Place
from toolchain.models import Node, Run
from toolchain.tests.queued import put, spec

GIB = 1 << 30


def place(folder: Path, host: str = "box", boot: str = "one", processes: str = "pid:[1]") -> Place:
    return Place(folder, {"host": host, "boot": boot, "processes": processes})


def test_a_key_is_made_once_and_is_for_us_alone(tmp_path: Path) -> None:
    first = place(tmp_path / "machines")
    key = first.key()

    assert first.key() == key == place(tmp_path / "machines").key()
    (file,) = (tmp_path / "machines").glob("[0-9a-f]*")
    assert (file.name, stat.S_IMODE(file.stat().st_mode)) == (key, 0o600)
    assert json.loads(file.read_text()) == {"host": "box", "boot": "one", "processes": "pid:[1]"}


@pytest.mark.parametrize(
    "changed",
    [
        {"host": "3f2c", "processes": "pid:[2]"},
        {"boot": "two"},
        {"host": "3f2c", "boot": "two", "processes": "pid:[2]"},
    ],
    ids=["a container made anew", "a boot", "a container on another machine"],
)
def test_what_comes_in_the_place_of_a_machine_is_that_machine(tmp_path: Path, changed: dict[str, str]) -> None:
    before = place(tmp_path)
    key = before.key()
    before.leave()

    after = place(tmp_path, **changed)
    assert after.key() == key
    # Whoever was only believed dead comes back as another machine.
    assert before.key() != key
    assert after.key() == key


@pytest.mark.parametrize(
    "other",
    [{"boot": "two"}, {"host": "other", "boot": "two"}, {"host": "other", "processes": "pid:[2]"}],
    ids=["of the same name", "on a shared folder", "a container beside it"],
)
def test_two_machines_that_live_at_once_are_two(tmp_path: Path, other: dict[str, str]) -> None:
    one, two = place(tmp_path), place(tmp_path, **other)
    assert one.key() != two.key()
    keys = one.key(), two.key()
    one.leave()
    two.leave()
    # Both come back: each to its own.
    assert (place(tmp_path, **other).key(), place(tmp_path).key()) == (keys[1], keys[0])


def test_after_a_common_end_names_decide_which_key_is_whose(tmp_path: Path) -> None:
    keys = {}
    for host in ("a", "b"):
        keys[host] = place(tmp_path, host, f"boot of {host}")
    known = {host: each.key() for host, each in keys.items()}
    for each in keys.values():
        each.leave()
    later = {host: place(tmp_path, host, f"next boot of {host}") for host in ("b", "a")}
    assert {host: each.key() for host, each in later.items()} == known


def test_without_locks_no_key_is_taken_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = place(tmp_path)
    key = before.key()
    before.leave()

    def unsupported(descriptor: int, kind: int) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr(machines.fcntl, "flock", unsupported)
    assert place(tmp_path, "other", "two").key() != key
    assert place(tmp_path).key() == key


def test_a_damaged_file_is_a_key_that_nobody_holds(tmp_path: Path) -> None:
    (tmp_path / "ab").write_text("{")
    assert place(tmp_path).key() == "ab"


@pytest.mark.django_db
def test_a_row_from_before_there_were_keys_is_taken_over_with_its_runs(alice) -> None:
    old = Node.objects.create(runner="local", name="box", cpus=2, memory=GIB)
    other = Node.objects.create(runner="local", name="elsewhere", cpus=2, memory=GIB)
    run = put(alice, size=spec(), target=1)
    Run.objects.filter(pk=run.pk).update(node=old)

    assert register_machine(Machine("box", 4, GIB, key="k1")) == old
    # A new name, and another machine of the same.
    assert register_machine(Machine("3f2c", 4, GIB, key="k1")) == old
    made = register_machine(Machine("box", 4, GIB, key="k2"))
    assert sorted(Node.objects.values_list("name", "key")) == [("3f2c", "k1"), ("box", "k2"), ("elsewhere", "")]
    assert (Run.objects.get().node, made != old, other.key) == (old, True, "")


@pytest.mark.django_db
def test_this_machine_is_known_by_its_key_and_an_old_row_by_its_name() -> None:
    assert machines.is_here(Node(name="whatever", key=machines.key()))
    assert not machines.is_here(Node(name=socket.gethostname(), key="other"))
    assert machines.is_here(Node(name=socket.gethostname()))
    assert not machines.is_here(Node(name="other"))

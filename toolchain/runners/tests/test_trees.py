"""Folders that hostile code filled: measured, handed over and removed without following a link or losing the way."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from toolchain.runners import trees

ENOUGH = 1 << 40


def deepen(top, levels, name):
    """Make a chain of folders."""
    here = os.open(top, os.O_RDONLY)
    for _level in range(levels):
        os.mkdir(name, dir_fd=here)
        below = os.open(name, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(os.open("bottom", os.O_CREAT | os.O_WRONLY, dir_fd=here))
    os.close(here)


def test_hard_links_are_measured_once(tmp_path):
    (tmp_path / "file").write_bytes(b"x" * 100_000)
    alone = trees.measure([str(tmp_path)], ENOUGH)
    for number in range(10):
        os.link(tmp_path / "file", tmp_path / f"link-{number}")
    assert trees.measure([str(tmp_path)], ENOUGH) == alone


def test_links_are_not_followed(tmp_path):
    (tmp_path / "given").mkdir()
    before = trees.measure([str(tmp_path / "given")], ENOUGH)
    (tmp_path / "big").write_bytes(b"x" * 1_000_000)
    (tmp_path / "given" / "link").symlink_to(tmp_path / "big")
    (tmp_path / "given" / "up").symlink_to("..")
    assert trees.measure([str(tmp_path / "given")], ENOUGH) == before + 2 * 4096
    trees.remove(str(tmp_path / "given"))
    assert (tmp_path / "big").exists()


def test_holes_take_no_disk(tmp_path):
    with (tmp_path / "holes").open("wb") as file:
        file.truncate(10 << 30)
    assert trees.measure([str(tmp_path)], ENOUGH) < 100_000


def test_measuring_stops_when_it_is_enough(tmp_path):
    for number in range(100):
        (tmp_path / str(number)).touch()
    assert 40_000 < trees.measure([str(tmp_path)], 40_000) <= 50_000


def test_what_is_not_there_measures_nothing(tmp_path):
    assert trees.measure([str(tmp_path / "nowhere")], ENOUGH) == 0


def test_trees_deeper_than_a_path_are_measured_and_removed(tmp_path):
    top = tmp_path / "top"
    top.mkdir()
    (top / "beside").mkdir()
    (top / "beside" / "file").touch()
    deepen(top, 150, "d" * 60)
    found = list(trees.entries(str(top)))
    assert len(found) == 153
    assert sorted(name for _folder, name, _status in found if name[1:] != "d" * 59) == ["beside", "bottom", "file"]
    trees.remove(str(top))
    assert not top.exists()


def test_folders_that_move_meanwhile_do_not_lead_astray(tmp_path):
    top = tmp_path / "top"
    (top / "a").mkdir(parents=True)
    (top / "z").mkdir()
    deepen(top / "a", 200, "d")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "secret").touch()
    names = []
    for _folder, name, _status in trees.entries(str(top)):
        names.append(name)
        if name == "bottom":
            deep = top / "a" / "/".join("d" * 150)
            deep.rename(tmp_path / "elsewhere" / "moved")
    assert "secret" not in names
    assert names[-1] in ("a", "z")


def test_walking_survives_what_vanishes(tmp_path):
    top = tmp_path / "top"
    over = threading.Event()

    def churn() -> None:
        while not over.is_set():
            (top / "a" / "b").mkdir(parents=True, exist_ok=True)
            (top / "a" / "b" / "c").touch()
            trees.remove(str(top / "a"))

    top.mkdir()
    thread = threading.Thread(target=churn)
    thread.start()
    try:
        for _time in range(300):
            trees.measure([str(top)], ENOUGH)
    finally:
        over.set()
        thread.join()


def test_names_that_are_no_text_are_removed(tmp_path):
    top = tmp_path / "top"
    top.mkdir()
    with open(os.fsencode(top) + b"/\xff\n", "wb"):
        pass
    os.mkfifo(top / "fifo")
    trees.remove(str(top))
    assert not top.exists()


def test_a_path_below_is_opened_without_following(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "file").write_text("good")
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "in" / "link").symlink_to("../secret")
    (tmp_path / "out").symlink_to("in")
    os.close(trees.open_below(str(tmp_path), "in//./file", os.O_RDONLY))
    for path in ("in/link", "out/file", "in/../secret", "nowhere"):
        with pytest.raises(OSError):
            trees.open_below(str(tmp_path), path, os.O_RDONLY)


def test_handing_over_spares_files_that_have_another_name(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("Only root gives files away.")
    top = tmp_path / "top"
    (top / "folder").mkdir(parents=True)
    (top / "own").touch()
    (tmp_path / "kept").touch()
    os.link(tmp_path / "kept", top / "shared")
    (top / "link").symlink_to(tmp_path / "kept")
    trees.hand_over(str(top), 0, 54321)
    owners = {path.name: path.lstat().st_uid for path in (top, *top.iterdir())}
    assert owners == {"top": 54321, "folder": 54321, "own": 54321, "shared": 0, "link": 54321}
    assert (tmp_path / "kept").stat().st_uid == 0
    trees.hand_over(str(top), 54321, 0)
    assert {path.lstat().st_uid for path in (top, *top.iterdir())} == {0}


CLOSED = """
import os, sys
sys.path.append(sys.argv[1])
from toolchain.runners import trees
os.makedirs("top/a/b/c")
open("top/a/b/c/file", "wb").write(b"x" * 100000)
os.symlink("/", "top/a/link")
for path in ("top/a/b/c", "top/a/b", "top/a", "top"):
    os.chmod(path, 0)
assert trees.measure(["top"], 1 << 40) > 100000
for path in ("top/a/b", "top/a"):
    os.chmod(path, 0)
trees.remove("top")
assert not os.path.exists("top")
print("removed")
"""


def test_folders_that_were_closed_are_measured_and_removed_by_an_ordinary_user(tmp_path):
    tmp_path.chmod(0o777)
    code = CLOSED
    if os.geteuid() == 0:
        code = f"import os\nos.setgid(54321)\nos.setuid(54321)\n{CLOSED}"
    root = Path(__file__).resolve().parents[3]
    # All that is imported must be there before the rights to read it are gone.
    code = f"import sys; sys.path.append(sys.argv[1])\nfrom toolchain.runners import trees\n{code}"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code, str(root)], cwd=tmp_path, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("removed\n", "")

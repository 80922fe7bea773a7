"""What hostile code may leave in its output folder."""

import os
import socket
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest

from core.problems import Conflict, TooLarge
from toolchain.materials import Survey, opened, survey, surveyed
from toolchain.materials.outputs import readable


@pytest.fixture
def output(tmp_path: Path) -> Path:
    folder = tmp_path / "run" / "output"
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(b"weights")
    return folder


def paths(found: Survey) -> list[str]:
    return [file.path for file in found.files]


def codes(found: Survey) -> dict[str, str]:
    return {refusal.path: refusal.code for refusal in found.refused}


def test_plain_files_are_found_in_order_with_their_sizes(output: Path) -> None:
    (output / "sub" / "deep").mkdir(parents=True)
    (output / "sub" / "deep" / "b.txt").write_text("bb")
    (output / "sub" / "a.txt").write_text("a")
    (output / "empty").mkdir()
    found = survey(output)
    assert [(file.path, file.size) for file in found.files] == [("model.safetensors", 7), ("sub/a.txt", 1), ("sub/deep/b.txt", 2)]
    assert (found.bytes, found.refused, found.refusals, found.over) == (10, (), 0, "")
    found.check()


def test_symbolic_links_are_left_out_and_never_followed(output: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "key").write_text("key")
    (output / "file").symlink_to(secret / "key")
    (output / "folder").symlink_to(secret)
    (output / "dangling").symlink_to("/nowhere")
    (output / "inside").symlink_to("model.safetensors")
    found = survey(output)
    assert paths(found) == ["model.safetensors"]
    assert codes(found) == dict.fromkeys(["dangling", "file", "folder", "inside"], "symlink")
    assert [refusal.reason for refusal in found.refused] == ["a symbolic link"] * 4


def test_a_hard_link_to_something_outside_is_left_out(output: Path, tmp_path: Path) -> None:
    (tmp_path / "passwd").write_text("root")
    os.link(tmp_path / "passwd", output / "mine.txt")
    os.link(tmp_path / "passwd", output / "mine too.txt")
    found = survey(output)
    assert paths(found) == ["model.safetensors"]
    assert codes(found) == {"mine too.txt": "hard_link", "mine.txt": "hard_link"}


def test_hard_links_among_themselves_are_files(output: Path) -> None:
    (output / "last").mkdir()
    os.link(output / "model.safetensors", output / "last" / "model.safetensors")
    assert paths(survey(output)) == ["last/model.safetensors", "model.safetensors"]


def test_pipes_sockets_and_devices_are_left_out(output: Path) -> None:
    os.mkfifo(output / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        here = os.getcwd()
        os.chdir(output)
        try:
            listener.bind("socket")
        finally:
            os.chdir(here)
        expected = {"pipe": "fifo", "socket": "socket"}
        try:
            os.mknod(output / "null", 0o666 | stat.S_IFCHR, os.makedev(1, 3))
            expected["null"] = "device"
        except PermissionError:
            pass
        found = survey(output)
    assert codes(found) == expected
    assert paths(found) == ["model.safetensors"]


@pytest.mark.parametrize(
    ("name", "code"),
    [
        (b".git", "path_git"),
        (b".GIT", "path_git"),
        (b"back\\slash", "path_backslash"),
        (b"line\nbreak", "path_control_character"),
        (b"\xff\xfe", "path_not_unicode"),
        ("\u202egnp.exe".encode(), "path_control_character"),
        (b" leading", "path_trailing"),
        (b"dot.", "path_trailing"),
        (b"C:drive", "path_absolute"),
    ],
)
def test_odd_names_are_left_out_with_everything_below(output: Path, name: bytes, code: str) -> None:
    folder = os.fsencode(output) + b"/" + name
    os.mkdir(folder)
    with open(folder + b"/x.txt", "w") as file:
        file.write("x")
    found = survey(output)
    assert paths(found) == ["model.safetensors"]
    assert list(codes(found).values()) == [code]
    found.refused[0].path.encode()


def test_names_that_are_the_same_elsewhere_are_left_out(output: Path) -> None:
    (output / "Model.SafeTensors").write_text("x")
    (output / "Cat").mkdir()
    (output / "Cat" / "1.txt").write_text("1")
    (output / "cat").mkdir()
    (output / "cat" / "2.txt").write_text("2")
    (output / "e\u0301.txt").write_text("decomposed")
    (output / "é.txt").write_text("composed")
    found = survey(output)
    assert paths(found) == ["Cat/1.txt", "Model.SafeTensors", "e\u0301.txt"]
    assert set(codes(found).values()) == {"path_collision"}
    assert set(codes(found)) == {"cat", "model.safetensors", "é.txt"}


def test_too_many_files_are_not_even_listed(output: Path) -> None:
    for number in range(30):
        (output / f"{number}.txt").touch()
    found = survey(output, most_files=20)
    assert (found.files, found.over, found.limit) == ((), "output_too_many_files", 20)
    with pytest.raises(TooLarge) as caught:
        found.check()
    assert str(caught.value.detail) == "The output has more than 20 files. Pack small files into archives."


def test_a_folder_that_is_too_full_is_refused(output: Path, settings: Any) -> None:
    settings.MAX_FOLDER_ENTRIES = 2
    for number in range(3):
        (output / f"{number}.txt").touch()
    assert survey(output).over == "output_folder_too_full"


def test_a_file_full_of_holes_counts_with_its_length(output: Path) -> None:
    with open(output / "huge.bin", "wb") as file:
        file.truncate(1 << 40)
    assert survey(output, most_bytes=1 << 30).over == "output_too_large"


def test_folders_inside_each_other_without_end_are_left_out(output: Path) -> None:
    here = os.open(output, os.O_RDONLY)
    for _depth in range(3000):
        os.mkdir("d", dir_fd=here)
        below = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    found = survey(output)
    assert paths(found) == ["model.safetensors"]
    assert list(codes(found).values()) == ["too_deep"]
    subprocess.run(["rm", "-rf", output / "d"], check=True)


def test_only_the_first_thousand_refusals_are_named(output: Path) -> None:
    for number in range(1010):
        (output / f"{number}").symlink_to("x")
    found = survey(output)
    assert (len(found.refused), found.refusals) == (1000, 1010)


def test_a_file_opens_as_long_as_it_is_the_same(output: Path) -> None:
    found = survey(output)
    with opened(found, found.files[0]) as file:
        assert file.read() == b"weights"


@pytest.mark.parametrize("swap", ["symlink", "folder symlink", "fifo", "content", "gone"])
def test_a_file_that_was_swapped_does_not_open(output: Path, tmp_path: Path, swap: str) -> None:
    (output / "sub").mkdir()
    path = output / "sub" / "a.txt"
    path.write_text("a")
    found = survey(output)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "a.txt").write_text("s")
    path.unlink()
    if swap == "symlink":
        path.symlink_to(elsewhere / "a.txt")
    elif swap == "folder symlink":
        (output / "sub").rmdir()
        (output / "sub").symlink_to(elsewhere)
    elif swap == "fifo":
        os.mkfifo(path)
    elif swap == "content":
        path.write_text("b")
    with pytest.raises(Conflict) as caught:
        opened(found, found.files[1])
    assert caught.value.code == "output_changed"


def test_the_first_survey_counts_and_is_kept_beside_the_folder(output: Path) -> None:
    (output / "link").symlink_to("x")
    os.mkdir(os.fsencode(output) + b"/\xff")
    first = surveyed(output)
    os.link(output / "model.safetensors", output.parent / "taken")
    assert surveyed(output) == first
    assert codes(survey(output))["model.safetensors"] == "hard_link"
    assert sorted(path.name for path in output.parent.iterdir()) == ["output", "output.survey.json", "taken"]


@pytest.mark.parametrize(
    ("mode", "uid", "expected"),
    [
        (0o100600, 1000, True),
        (0o100200, 1000, False),
        (0o100604, 2000, True),
        (0o100640, 2000, False),
        (0o040700, 1000, True),
        (0o040400, 1000, False),
        (0o040705, 2000, True),
        (0o040704, 2000, False),
        (0o100000, 0, True),
    ],
)
def test_what_the_account_of_the_gallery_may_not_read_is_left_out(mode: int, uid: int, expected: bool) -> None:
    facts = os.stat_result((mode, 1, 1, 1, 1000, 1000, 0, 0, 0, 0))
    assert readable(facts, uid) is expected

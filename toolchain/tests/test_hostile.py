"""Files made to hurt: each has its code, in the confined process with its memory."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from inspection.files import File, Unreadable, in_memory
from inspection.isolation import Limits
from toolchain.steps import examine_confined
from toolchain.tests.samples import SERVING, TRAINING, files_of, places
from toolchain.validator import Report
from toolchain.validator.disk import MOST_LEVELS
from toolchain.validator.disk import files_of as on_disk
from toolchain.validator.examining import wanted

PARAMS = "gallery_train/train_params.json"
TRAIN = "gallery_train/train.py"
MEBIBYTE = 1 << 20


def examined(files: list[File], **more: Any) -> Report:
    listing = [(file.path, file.size) for file in files]
    return Report.from_dict(examine_confined(listing, [file for file in files if wanted(file.path, file.size)], **more))


def judged(path: str, data: bytes) -> list[tuple[str, str, str, int | None]]:
    return places(examined(files_of(TRAINING | {path: data})).findings)


def test_confined_process_says_what_the_function_says() -> None:
    assert examined(files_of(TRAINING | SERVING)).as_dict() == Report.from_dict(examined(files_of(TRAINING | SERVING)).as_dict()).as_dict()
    assert examined(files_of(TRAINING | SERVING)).findings == ()


@pytest.mark.parametrize(
    ("path", "data", "code", "line"),
    [
        (PARAMS, b"[" * 100_000, "json_too_deep", 1),
        (PARAMS, b'{"a":' * 50_000, "json_too_deep", 1),
        (PARAMS, b"\0" * 1000, "null_byte", 1),
        (PARAMS, "{}".encode("utf-16"), "not_utf8", 1),
        (PARAMS, '{"a": "训练"}'.encode("gb18030"), "not_utf8", 1),
        (PARAMS, b"[" + b"9" * 200_000 + b"]", "json_number", 1),
        (PARAMS, b'{"training_methods": [' + b"{}," * 80_000 + b"{}]}", "key_missing", 1),
        (PARAMS, b'"' + b"\\u0041" * 40_000, "json_text_open", 1),
        (TRAIN, b"x = " + b"-" * 200_000 + b"1", "python_too_deep", None),
        (TRAIN, b"x = a" + b"()" * 100_000, "python_too_deep", None),
        (TRAIN, b"#!coding: zlib\nx = 1\n", "encoding_unknown", 1),
        (TRAIN, b"# coding: unicode_escape\nx = 1\n", "encoding_unknown", 1),
    ],
    ids=range(12),
)
def test_contents_beyond_reason(path: str, data: bytes, code: str, line: int | None) -> None:
    assert judged(path, data)[0] == (code, "error", path, line)


def test_huge_files_are_not_read() -> None:
    def never(start: int, end: int) -> bytes:
        raise AssertionError("was read")

    names = [PARAMS, TRAIN, "gallery_train/dataset_readme.md", "gallery_inference/inference.py"]
    rows = places(examined([File(name, 100_000_000, never) for name in names]).findings)
    assert rows == [("file_too_large", "error", name, None) for name in sorted(names)]
    assert examined([File("config.json", 100_000_000, never), File("README.md", 100_000_000, never)]).errors == 0


def test_hundred_thousand_files_are_listed() -> None:
    listing = [(f"data/{number}/gallery_train/x.py", 1) for number in range(100_000)] + [
        (f"data/{number}.bin", 1) for number in range(100_000)
    ]
    report = Report.from_dict(examine_confined(listing, []))
    assert {finding.code for finding in report.findings} == {"folder_nested"}
    assert len(report.findings) == 20


def test_parser_that_takes_too_long_is_stopped_and_that_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("toolchain.steps.LIMITS", Limits(cpu=1))
    report = examined(files_of(TRAINING | {TRAIN: "x = f'" + "{a}" * 85_000 + "'"}))
    assert [(finding.code, finding.facts) for finding in report.findings] == [("validation_stopped", {"reason": "out_of_time"})]


def test_script_of_one_piece_beyond_the_memory_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("toolchain.steps.LIMITS", Limits(memory=40 * MEBIBYTE))
    assert judged(TRAIN, b"(" + b"a," * 120_000 + b")") == [("python_too_deep", "error", TRAIN, None)]


def test_worst_script_stays_within_the_memory_of_a_worker() -> None:
    worst = b"(" + b"a," * 131_000 + b")"
    assert judged(TRAIN, worst) == []


def test_failure_of_the_store_is_not_a_finding() -> None:
    def down(start: int, end: int) -> bytes:
        raise ConnectionError("store is down")

    with pytest.raises(ConnectionError):
        examined([File(TRAIN, 10, down)])


def tree(folder: Path, files: dict[str, str]) -> Path:
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(data)
    return folder


def test_links_are_listed_and_never_followed(tmp_path: Path) -> None:
    folder = tree(tmp_path / "model", TRAINING)
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "train.py").write_text("x = 1")
    (folder / TRAIN).unlink()
    (folder / TRAIN).symlink_to(tmp_path / "secret" / "train.py")
    (folder / "gallery_inference").symlink_to(tmp_path / "secret", target_is_directory=True)
    (folder / "loop").symlink_to(folder, target_is_directory=True)
    listed = on_disk(folder)
    assert listed.refused == {TRAIN: "symbolic_link", "gallery_inference": "symbolic_link", "loop": "symbolic_link"}
    report = examined([file for file in listed.files if file.path not in listed.refused])
    assert places(report.findings) == [("file_missing", "error", TRAIN, None)]
    listing = [(file.path, file.size) for file in listed.files]
    readable = [file for file in listed.files if file.path not in listed.refused]
    rows = places(Report.from_dict(examine_confined(listing, readable, listed.refused)).findings)
    assert rows == [("folder_is_file", "error", "gallery_inference", None), ("symbolic_link", "error", TRAIN, None)]


def test_pipes_are_not_waited_for(tmp_path: Path) -> None:
    folder = tree(tmp_path, TRAINING)
    (folder / TRAIN).unlink()
    os.mkfifo(folder / TRAIN)
    listed = on_disk(folder)
    assert listed.refused == {TRAIN: "not_a_file"}


def swapped_for_a_link(path: Path) -> None:
    path.unlink()
    path.symlink_to("/etc/passwd")


def swapped_for_a_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


@pytest.mark.parametrize("swap", [swapped_for_a_link, swapped_for_a_pipe, Path.unlink])
def test_file_that_changes_after_the_listing_is_not_read(tmp_path: Path, swap: Callable[[Path], None]) -> None:
    (tmp_path / "a").write_text("x")
    (file,) = on_disk(tmp_path).files
    swap(tmp_path / "a")
    with pytest.raises(Unreadable):
        file.read(0, 1)


def test_folders_beyond_any_model_are_refused(tmp_path: Path) -> None:
    (tmp_path / "/".join("a" for _level in range(MOST_LEVELS + 2))).mkdir(parents=True)
    with pytest.raises(Unreadable, match="too_many_levels"):
        on_disk(tmp_path)


def test_history_of_a_clone_is_left_out(tmp_path: Path) -> None:
    tree(tmp_path, {".git/config": "x", "a": "x"})
    assert [file.path for file in on_disk(tmp_path).files] == ["a"]


def test_names_that_are_no_text_do_not_stop_anything(tmp_path: Path) -> None:
    (Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.py"))).write_text("x")
    (file,) = on_disk(tmp_path).files
    assert (file.path, file.read(0, 1)) == ("\ufffd.py", b"x")
    assert examined([file]).findings == ()


def test_sizes_are_those_of_the_files(tmp_path: Path) -> None:
    tree(tmp_path, {"b/c": "xyz", "a": ""})
    assert [(file.path, file.size) for file in on_disk(tmp_path).files] == [("a", 0), ("b/c", 3)]
    assert json.dumps(examined([in_memory("a", b"")]).as_dict())

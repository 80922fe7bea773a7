"""Where the folders stand and what they hold."""

import pytest

from toolchain.tests.samples import SERVING, TRAIN, TRAINING, Tree, found, report


def without(path: str, **more: str) -> Tree:
    return {name: data for name, data in TRAINING.items() if name != path} | more


def moved(tree: dict[str, str], old: str, new: str) -> Tree:
    return {path.replace(old, new, 1): data for path, data in tree.items()}


def test_a_whole_folder_has_no_findings() -> None:
    assert found({**TRAINING, **SERVING, "gallery_train/requirements.txt": "torch\n"}) == []
    said = report({**TRAINING, **SERVING})
    assert (said.training.form, said.inference.form) == ("folder", "folder")


def test_a_model_without_folders_has_no_findings() -> None:
    said = report({"README.md": "# Model\n", "model.safetensors": "x"})
    assert (said.findings, said.training.form, said.inference.form) == ((), "", "")


@pytest.mark.parametrize("name", ["train.py", "train_params.json", "dataset_readme.md"])
def test_every_file_of_training_is_needed(name: str) -> None:
    path = f"gallery_train/{name}"
    assert found(without(path)) == [("file_missing", "error", path, None)]
    for empty in ("", " \n"):
        assert found(TRAINING | {path: empty}) == [("file_empty", "error", path, None)]


def test_inference_script_is_needed() -> None:
    path = "gallery_inference/inference.py"
    assert found({"gallery_inference/other.py": "x = 1"}) == [("file_missing", "error", path, None)]
    assert found({path: ""}) == [("file_empty", "error", path, None)]


def test_requirements_are_not_needed_and_may_be_empty() -> None:
    assert found(TRAINING | {"gallery_train/requirements.txt": ""}) == []


@pytest.mark.parametrize(
    ("folder", "code"),
    [
        ("model/gallery_train", "folder_nested"),
        ("a/b/gallery_train", "folder_nested"),
        ("Gallery_Train", "folder_name"),
        ("GALLERY_TRAIN", "folder_name"),
        ("gallery-train", "folder_name"),
        ("gallerytrain", "folder_name"),
        ("gallery train", "folder_name"),
        ("model/Gallery-Train", "folder_nested"),
    ],
)
def test_folder_in_the_wrong_place_or_under_another_name(folder: str, code: str) -> None:
    assert found(moved(TRAINING, "gallery_train", folder)) == [(code, "error", f"{folder}/", None)]


def test_folder_within_itself() -> None:
    rows = found(moved(TRAINING, "gallery_train", "gallery_train/gallery_train"))
    assert rows[:1] == [("file_misplaced", "error", "gallery_train/dataset_readme.md", None)]
    assert rows[-1:] == [("folder_nested", "warning", "gallery_train/gallery_train/", None)]


def test_nested_folder_of_inference() -> None:
    assert found(moved(SERVING, "gallery_inference", "x/gallery_inference")) == [("folder_nested", "error", "x/gallery_inference/", None)]


def test_copy_beside_the_right_folder_is_a_warning() -> None:
    copy = moved(TRAINING, "gallery_train", "backup/gallery_train")
    assert found({**TRAINING, **copy}) == [("folder_nested", "warning", "backup/gallery_train/", None)]
    assert found({**TRAINING, **moved(TRAINING, "gallery_train", "Gallery_train")}) == [("folder_name", "warning", "Gallery_train/", None)]


def test_other_folders_are_left_alone() -> None:
    assert found({"gallery/train.py": "x", "gallery_training/train.py": "x", "train/gallery.py": "x"}) == []


def test_archive_instead_of_the_folder() -> None:
    assert found({"gallery_train": "PK"}) == [("folder_is_file", "error", "gallery_train", None)]


@pytest.mark.parametrize(
    ("path", "stands", "code", "other"),
    [
        ("gallery_train/train.py", "gallery_train/Train.py", "file_name", "Train.py"),
        ("gallery_train/train_params.json", "gallery_train/train-params.json", "file_name", "train-params.json"),
        ("gallery_train/dataset_readme.md", "gallery_train/dataset_README.md", "file_name", "dataset_README.md"),
        ("gallery_train/train.py", "gallery_train/src/train.py", "file_misplaced", "gallery_train/src/train.py"),
    ],
)
def test_file_under_another_name_or_in_another_place(path: str, stands: str, code: str, other: str) -> None:
    tree = without(path, **{stands: TRAINING[path]})
    assert found(tree) == [(code, "error", path, None)]
    assert report(tree).findings[0].facts["found"] == other


@pytest.mark.parametrize(
    ("data", "code", "line"),
    [
        (b"# Data\n\xff\n", "not_utf8", 2),
        (b"# Data\n\n\0", "null_byte", 3),
        ("# 数据\n".encode("gb18030"), "not_utf8", 1),
        ("# 数据\n".encode("utf-16"), "not_utf8", 1),
        (b"x" * 1_048_577, "file_too_large", None),
    ],
    ids=["bytes", "null", "gb18030", "utf-16", "large"],
)
def test_text_for_the_data_page_is_text(data: bytes, code: str, line: int | None) -> None:
    path = "gallery_train/dataset_readme.md"
    assert found(TRAINING | {path: data}) == [(code, "error", path, line)]


def test_both_folders_are_judged_apart() -> None:
    said = report({**SERVING, "gallery_train/train.py": TRAIN})
    assert {finding.concerns for finding in said.findings} == {("training",)}
    assert said.serving is not None

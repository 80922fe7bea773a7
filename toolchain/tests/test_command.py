"""`manage.py validate` over a folder."""

import io
import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.utils import translation

from toolchain.tests.samples import IMAGE_SERVING, LLAMA, SERVING, TRAINING
from toolchain.validator import Finding
from toolchain.validator.wording import sentence


def tree(folder: Path, files: dict[str, str]) -> str:
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(data)
    return str(folder)


def validate(path: str, *options: str) -> tuple[str, int]:
    """Return what the command writes and its exit status."""
    out, status = io.StringIO(), 0
    try:
        call_command("validate", path, *options, stdout=out)
    except SystemExit as end:
        status = int(end.code or 0)
    return out.getvalue(), status


def test_folder_without_errors_ends_with_0(tmp_path: Path) -> None:
    out, status = validate(tree(tmp_path, TRAINING | SERVING | LLAMA), "--task", "text-generation")
    assert status == 0
    assert out.splitlines() == [
        "Fine-tuning: Ready. With the gallery's own training methods.",
        "Inference: Ready. With the gallery's own engine.",
        "AI app: Ready. As a conversation with the gallery's own engine.",
    ]


def test_errors_are_told_by_place_and_end_with_1(tmp_path: Path) -> None:
    broken = TRAINING | {"gallery_train/train.py": "x = 1\ndef f(:\n", "gallery_train/requirements.txt": "torch\n-i https://x\n"}
    out, status = validate(tree(tmp_path, broken), "--task", "translation")
    assert status == 1
    assert out.splitlines() == [
        "gallery_train/train.py:2: error python_syntax: Python cannot read this line: invalid syntax. Correct it.",
        "gallery_train/requirements.txt:2: warning requirement_option: "
        + sentence(Finding("requirement_option", "warning", "", None, {"text": "-i https://x"})),
        "",
        "Fine-tuning: Not ready. The training scripts are missing or not complete yet.",
        "Inference: Not ready. The inference script is missing or not complete yet.",
        "  folder_missing: There is no “gallery_inference/” at the first level. Add it with its scripts.",
        "AI app: Not offered. Only for text generation and text question answering.",
        "  app_task: An AI app can be made of models for text generation and text question answering only.",
    ]


def test_warnings_alone_end_with_0(tmp_path: Path) -> None:
    out, status = validate(tree(tmp_path, IMAGE_SERVING))
    assert ("README.md:2: warning registry_open:" in out, status) == (True, 0)


def test_registries_of_the_gallery_count(tmp_path: Path, settings: object) -> None:
    settings.IMAGE_REGISTRIES = ["registry.example.org"]  # type: ignore[attr-defined]
    out, status = validate(tree(tmp_path, IMAGE_SERVING))
    assert ("README.md:2: error registry_refused:" in out, status) == (True, 1)


def test_json_for_programs(tmp_path: Path) -> None:
    path = tree(tmp_path, TRAINING | {"gallery_train/train.py": ""})
    out, status = validate(path, "--format", "json")
    said = json.loads(out)
    assert (status, said["path"], said["error_count"], said["warning_count"], said["dropped"]) == (1, path, 1, 0, 0)
    assert said["findings"] == [
        {
            "code": "file_empty", "severity": "error", "path": "gallery_train/train.py", "line": None, "facts": {}, "concerns": ["training"],
            "detail": "This file is empty. Give it its contents.",
        }
    ]  # fmt: skip
    assert {purpose: found["code"] for purpose, found in said["verdicts"].items()} == {
        "fine_tuning": "not_ready", "inference": "not_ready", "ai_app": "not_supported",
    }  # fmt: skip


def test_language_is_chosen(tmp_path: Path) -> None:
    path = tree(tmp_path, LLAMA)
    with translation.override("zh-hans"):
        expected = translation.gettext("AI app")
    out, _status = validate(path, "--language", "zh-hans", "--task", "text-generation")
    assert out.splitlines()[-1].startswith(expected)
    assert translation.get_language() == "en"


@pytest.mark.parametrize("name", ["missing", "file", "nul\0"])
def test_path_that_is_no_folder_ends_with_2(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(CommandError, match="is not a folder that can be read") as caught:
        validate(str(tmp_path / name))
    assert caught.value.returncode == 2


def test_empty_folder_has_no_errors(tmp_path: Path) -> None:
    out, status = validate(str(tmp_path))
    assert (status, out.splitlines()[0].startswith("Fine-tuning: Not ready.")) == (0, True)

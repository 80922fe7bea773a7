"""The image keys at the head of the card."""

import pytest

from toolchain.tests.samples import IMAGE_SERVING, IMAGE_TRAINING, SERVING, TRAINING, Tree, files_of, found, places, report
from toolchain.validator import validate

IMAGE = "swr.example.com/team/name:1.0"
KEYS = ("Train_image_url", "Train_command_path"), ("Infer_image_url", "Infer_command_path")
FILES = {path: data for path, data in TRAINING.items() if path != "gallery_train/train.py"}


def head(image: str = IMAGE, command: str = "/home/run.sh", keys: tuple[str, str] = KEYS[1]) -> str:
    return f"---\nlicense: mit\n{keys[0]}: {image}\n{keys[1]}: {command}\n---\n# Model\n"


def judged(
    readme: str | bytes, more: Tree | None = None, registries: tuple[str, ...] = ("swr.example.com",)
) -> list[tuple[str, str, int | None]]:
    rows = places(report({"README.md": readme} | (more or {}), registries).findings)
    assert all(path == "README.md" for _code, _severity, path, _line in rows)
    return [(code, severity, line) for code, severity, _path, line in rows]


def test_samples_of_both_purposes_have_no_findings() -> None:
    assert found(IMAGE_TRAINING) == []
    assert found(IMAGE_SERVING) == []
    said = report(IMAGE_TRAINING)
    assert (said.training.form, said.training.image, said.training.command) == ("image", "swr.example.com/team/train:1.0", "/home/train.sh")
    assert said.inference.form == ""


@pytest.mark.parametrize("name", ["train_params.json", "dataset_readme.md"])
def test_image_for_training_needs_two_files(name: str) -> None:
    path = f"gallery_train/{name}"
    tree = {key: data for key, data in IMAGE_TRAINING.items() if key != path}
    assert found(tree) == [("file_missing", "error", path, None)]
    assert report(tree).findings[0].concerns == ("image_training",)


def test_image_for_training_needs_no_script_and_does_not_look_at_one() -> None:
    assert found({**IMAGE_TRAINING, "gallery_train/train.py": "def f(:\n", "gallery_train/requirements.txt": "-e .\n"}) == []


def test_image_for_inference_needs_no_folder_and_does_not_look_at_one() -> None:
    assert found({**IMAGE_SERVING, "gallery_inference/inference.py": "def f(:\n"}) == []
    assert report({**IMAGE_SERVING, **SERVING}).inference.form == "image"


def test_without_the_folder_both_files_of_training_are_missing() -> None:
    rows = found({"README.md": IMAGE_TRAINING["README.md"]})
    assert rows == [
        ("file_missing", "error", "gallery_train/dataset_readme.md", None), ("file_missing", "error", "gallery_train/train_params.json", None),
    ]  # fmt: skip


@pytest.mark.parametrize("keys", KEYS)
def test_one_key_without_the_other(keys: tuple[str, str]) -> None:
    concern = "image_training" if keys == KEYS[0] else "image_inference"
    for given, missing in (keys, keys[::-1]):
        value = IMAGE if given == keys[0] else "/run.sh"
        said = report({"README.md": f"---\na: 1\n{given}: {value}\n---\n", **TRAINING})
        assert places(said.findings) == [("image_key_missing", "error", "README.md", 3)]
        assert (said.findings[0].facts, said.findings[0].concerns) == ({"key": missing, "other": given}, (concern,))


def test_command_alone_leaves_the_preset_image() -> None:
    said = report({"README.md": "---\nTrain_command_path: /run.sh\n---\n", **TRAINING})
    assert said.training.form == "folder"


@pytest.mark.parametrize("value", ["", "null", "~", "''"])
def test_empty_keys_are_not_there(value: str) -> None:
    assert judged(f"---\nInfer_image_url: {value}\nInfer_command_path: {value}\n---\n") == []


@pytest.mark.parametrize(
    "image",
    [
        IMAGE, "swr.example.com/name:1.0", "swr.example.com:5000/a/b/c:latest", "swr.example.com/a_b/c__d/e-f.g:V1.0-x_y",
        "swr.example.com/name@sha256:" + "0" * 64, "swr.example.com/name:1@sha256:" + "a" * 64, "SWR.example.com/name:1", f"'{IMAGE}'", f"{IMAGE}  # why",
    ],
)  # fmt: skip
def test_references_that_are_taken(image: str) -> None:
    assert judged(head(image), registries=("swr.example.com", "swr.example.com:5000")) == []


@pytest.mark.parametrize(
    ("image", "code"),
    [
        ("https://swr.example.com/name:1", "image_scheme"),
        ("docker://swr.example.com/name:1", "image_scheme"),
        ("name:1", "image_reference"),
        ("team/name:1", "image_reference"),
        ("swr.example.com", "image_reference"),
        ("swr.example.com/", "image_reference"),
        ("swr.example.com/Team/name:1", "image_reference"),
        ("swr.example.com/team//name:1", "image_reference"),
        ("swr.example.com/team/name:", "image_reference"),
        ("swr.example.com/team/name:1:2", "image_reference"),
        ("swr.example.com/team/name@sha256:00", "image_reference"),
        ("swr.example.com/../name:1", "image_reference"),
        ("swr.example.com/na me:1", "image_reference"),
        ("user@swr.example.com/name:1", "image_reference"),
        ("swr.example.com/" + "a" * 600, "image_reference"),
        ("swr.example.com/" + "a-" * 200, "image_reference"),
        ("swr..example.com/name:1", "image_reference"),
    ],
)
def test_references_that_are_none(image: str, code: str) -> None:
    assert judged(head(f"'{image}'")) == [(code, "error", 3)]


@pytest.mark.parametrize("value", ["[a, b]", "{a: b}", "5", "true"])
def test_keys_are_text(value: str) -> None:
    assert judged(head(value)) == [("image_key_not_text", "error", 3)]
    assert judged(head(command=value)) == [("image_key_not_text", "error", 4)]


def test_reference_without_a_version_is_a_warning() -> None:
    assert judged(head("swr.example.com/team/name")) == [("image_without_tag", "warning", 3)]


@pytest.mark.parametrize(
    ("registries", "image", "expected"),
    [
        ((), IMAGE, [("registry_open", "warning", 3)]),
        (("swr.example.com",), IMAGE, []),
        (("SWR.example.com/",), IMAGE, []),
        (("swr.example.com/team",), IMAGE, []),
        (("swr.example.com/team/name",), IMAGE, [("registry_refused", "error", 3)]),
        (("swr.example.com/tea",), IMAGE, [("registry_refused", "error", 3)]),
        (("other.example.com", "swr.example.com"), IMAGE, []),
        (("example.com",), IMAGE, [("registry_refused", "error", 3)]),
        (("swr.example.com",), "swr.example.com.evil.org/team/name:1", [("registry_refused", "error", 3)]),
        (("swr.example.com",), "swr.example.com:5000/team/name:1", [("registry_refused", "error", 3)]),
        (("localhost",), "localhost/name:1", []),
    ],
)
def test_registries(registries: tuple[str, ...], image: str, expected: list[tuple[str, str, int]]) -> None:
    assert judged(head(image), registries=registries) == expected


@pytest.mark.parametrize("command", ["/run.sh", "/opt/a-b/c_d.py", "/run.bash", "/RUN.SH"])
def test_absolute_commands_stand_in_the_image(command: str) -> None:
    assert judged(head(command=command)) == []


@pytest.mark.parametrize("command", ["scripts/run.sh", "./scripts/run.sh", "serve.py"])
def test_relative_commands_stand_in_the_repository(command: str) -> None:
    assert judged(head(command=command), {"scripts/run.sh": "#!/bin/sh\n", "serve.py": "x = 1\n"}) == []
    assert judged(head(command=command)) == [("command_missing", "error", 4)]


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("run", "command_kind"), ("/bin/serve", "command_kind"), ("run.js", "command_kind"), ("/run.exe", "command_kind"), ("run.sh/", "command_kind"),
        ("../run.sh", "command_outside"), ("scripts/../../run.sh", "command_outside"), ("/opt/../run.sh", "command_outside"),
        ("python run.py", "command_path"), ("/run.sh --port 1", "command_path"), ("run.sh;rm", "command_path"), ("C:\\run.py", "command_path"),
        ("~/run.sh", "command_path"), ("$HOME/run.sh", "command_path"), ("/" + "a" * 600 + ".sh", "command_path"),
    ],
)  # fmt: skip
def test_commands_that_are_none(command: str, code: str) -> None:
    assert judged(head(command=f"'{command}'")) == [(code, "error", 4)]


def test_command_of_the_repository_is_looked_at() -> None:
    assert found({"README.md": head(command="a.py"), "a.py": "x = 1\ndef f(:\n"}) == [("python_syntax", "error", "a.py", 2)]
    assert found({"README.md": head(command="a.sh"), "a.sh": ""}) == [("file_empty", "error", "a.sh", None)]


@pytest.mark.parametrize(
    ("readme", "line", "error"),
    [
        ("---\nTrain_image_url: [\n---\n", 3, "yaml_syntax"),
        ("---\na: 1\n\tb: 2\n---\n", 3, "tab_indentation"),
        ("---\nTrain_image_url: x\nTrain_image_url: y\n---\n", 3, "duplicate_key"),
        ("---\n- a\n---\n", 2, "not_mapping"),
        ("---\na: &a [x]\nb: *c\n---\n", 3, "bad_alias"),
        ("---\na: !!python/object/apply:os.system [ls]\n---\n", 2, "tag"),
        ("---\nTrain_image_url: x\n# never closed\n", 1, "unclosed"),
    ],
)
def test_head_that_is_not_valid_has_no_effect(readme: str, line: int, error: str) -> None:
    said = report({"README.md": readme, **TRAINING})
    assert places(said.findings) == [("front_matter_unreadable", "warning", "README.md", line)]
    assert said.findings[0].facts["error"] == error
    assert said.training.form == "folder"


def test_bombs_of_aliases_are_refused() -> None:
    bomb = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 40))
    (finding,) = report({"README.md": f"---\n{bomb}---\n"}).findings
    assert (finding.code, finding.severity, finding.facts["error"]) == ("front_matter_unreadable", "warning", "too_many_values")


@pytest.mark.parametrize(
    ("readme", "code", "line"),
    [(b"---\nlicense: \xff\n---\n", "not_utf8", 2), (b"---\n\0\n---\n", "null_byte", 2), (b"x" * 5_000_001, "file_too_large", None)],
    ids=["bytes", "null", "large"],
)
def test_card_that_is_no_text_has_no_effect(readme: bytes, code: str, line: int | None) -> None:
    assert judged(readme) == [(code, "warning", line)]


@pytest.mark.parametrize(
    "readme",
    [
        f"Train_image_url: {IMAGE}\nTrain_command_path: /run.sh\n\n# Model\n",
        f"---\ntrain_image_url: {IMAGE}\nTrain-Command-Path: /run.sh\n---\n",
        f"\ufeff---\r\nTrain_image_url: {IMAGE}\r\nTrain_command_path: /run.sh\r\n---\r\n",
    ],
)
def test_keys_are_read_as_the_card_reads_them(readme: str) -> None:
    said = report({"README.md": readme, **FILES})
    assert (said.findings, said.training.image, said.training.command) == ((), IMAGE, "/run.sh")


def test_of_two_spellings_the_first_counts() -> None:
    said = report({"README.md": f"---\nInfer_image_url: {IMAGE}\ninfer-image-url: other\nInfer_command_path: /run.sh\n---\n"})
    assert (said.findings, said.inference.image) == ((), IMAGE)


def test_keys_below_the_head_mean_nothing() -> None:
    assert report({"README.md": f"# Model\n\nTrain_image_url: {IMAGE}\n"}).training.form == ""
    assert validate(files_of({"readme.md": head()}), registries=()).inference.form == ""

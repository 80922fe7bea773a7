"""`requirements.txt`, line by line."""

import pytest

from toolchain.tests.samples import SERVING, TRAINING, places, report

PATH = "gallery_train/requirements.txt"


def judged(text: str | bytes, **more: str) -> list[tuple[str, str, int | None]]:
    tree = TRAINING | {PATH: text} | {f"gallery_train/{name}.txt": data for name, data in more.items()}
    rows = places(report(tree).findings)
    assert all(path == PATH for _code, _severity, path, _line in rows)
    return [(code, severity, line) for code, severity, _path, line in rows]


@pytest.mark.parametrize(
    "line",
    [
        "", " ", "# torch", "torch", "torch==2.1.0", "torch>=2,<3", "torch ~= 2.1  # why", "transformers[torch]>=4.44", "Pillow!=9.*",
        'pywin32; sys_platform == "win32"', "a==1.0 --hash=sha256:" + "0" * 64, "torch\r\n", "\ufefftorch", "numpy (>=1.2)", "zope.interface",
    ],
)  # fmt: skip
def test_lines_that_name_a_package(line: str) -> None:
    assert judged(line) == []


@pytest.mark.parametrize(
    ("line", "code", "severity"),
    [
        ("torch==", "requirement_invalid", "error"),
        ("torch 2.1", "requirement_invalid", "error"),
        ("torch=2.1", "requirement_invalid", "error"),
        ("-torch-", "requirement_option", "warning"),
        ("训练", "requirement_invalid", "error"),
        ("a" * 3000, "requirement_invalid", "error"),
        ("(" * 1500, "requirement_invalid", "error"),
        ("torch; python_version", "requirement_invalid", "error"),
        ("https://example.com/a-1.0-py3-none-any.whl", "requirement_address", "error"),
        ("git+https://example.com/a.git@main", "requirement_address", "error"),
        ("a @ https://example.com/a.whl", "requirement_address", "error"),
        ("a @ file:///etc/passwd", "requirement_address", "error"),
        ("./wheels/a-1.0-py3-none-any.whl", "requirement_path", "error"),
        ("../a", "requirement_path", "error"),
        ("/opt/a", "requirement_path", "error"),
        ("C:\\a", "requirement_path", "error"),
        ("wheels/a-1.0-py3-none-any.whl", "requirement_path", "error"),
        ("-e .", "requirement_editable", "error"),
        ("-e git+https://example.com/a.git", "requirement_editable", "error"),
        ("--editable=./a", "requirement_editable", "error"),
        ("--index-url https://example.com/simple", "requirement_option", "warning"),
        ("--extra-index-url=https://example.com/simple", "requirement_option", "warning"),
        ("-i https://example.com/simple", "requirement_option", "warning"),
        ("--find-links /x", "requirement_option", "warning"),
        ("--no-binary :all:", "requirement_option", "warning"),
        ("-r other.txt", "requirement_include_missing", "error"),
        ("-rother.txt", "requirement_include_missing", "error"),
        ("-r ../other.txt", "requirement_include_missing", "error"),
        ("-c other.txt", "requirement_include_missing", "error"),
        ("--requirement=other.txt", "requirement_include_missing", "error"),
        ("-r base.txt", "requirement_included", "warning"),
        ("-c ./base.txt", "requirement_included", "warning"),
    ],
)
def test_lines_that_do_not(line: str, code: str, severity: str) -> None:
    assert judged(f"numpy\n\n{line}\n", base="numpy\n") == [(code, severity, 3)]


def test_lines_that_go_on_count_from_their_beginning() -> None:
    assert judged("a==1.0 \\\n  --hash=sha256:00 \\\n  --hash=sha256:11\nb==\\\n\nc\n") == [("requirement_invalid", "error", 4)]


def test_same_package_twice_is_a_warning_unless_markers_differ() -> None:
    assert judged("torch==2.1\nnumpy\nTorch>=2\n") == [("requirement_repeated", "warning", 3)]
    assert judged('torch==2.1; os_name == "nt"\ntorch==2.2; os_name != "nt"\n') == []


@pytest.mark.parametrize(
    ("data", "code", "line"),
    [
        (b"torch\n\xff\xfe\n", "not_utf8", 2),
        ("torch\n".encode("utf-16"), "not_utf8", 1),
        (b"torch\nnumpy\0\n", "null_byte", 2),
        (b"#" * 65_537, "file_too_large", None),
    ],
    ids=["bytes", "utf-16", "null", "large"],
)
def test_files_that_are_not_text(data: bytes, code: str, line: int | None) -> None:
    assert judged(data) == [(code, "error", line)]


def test_inference_is_read_by_the_same_rules() -> None:
    rows = report(SERVING | {"gallery_inference/requirements.txt": "-e .\n"}).findings
    assert places(rows) == [("requirement_editable", "error", "gallery_inference/requirements.txt", 1)]
    assert rows[0].concerns == ("inference",)

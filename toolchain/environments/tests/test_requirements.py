"""What a `requirements.txt` asks for."""

import pytest

from toolchain.environments.requirements import RefusedRequirement, parse


def refused(text: str, **siblings: str) -> tuple[str, int, str, str]:
    with pytest.raises(RefusedRequirement) as caught:
        parse(text, {f"{name}.txt": data for name, data in siblings.items()})
    return caught.value.code, caught.value.line, caught.value.text, caught.value.file


def test_lines_in_a_normal_form() -> None:
    text = "\ufeff# what we need\nTorch >= 2.1, <3  # why\n\nnumpy\\\n==2.4.6\nnumpy ==2.4.6\npeft[all]>=0.1; python_version>'3'\n"
    assert parse(text) == ("Torch<3,>=2.1", "numpy==2.4.6", 'peft[all]>=0.1; python_version > "3"')


def test_order_and_comments_make_no_difference() -> None:
    assert parse("b==1\na\n") == parse("# first\na\nb == 1") == ("a", "b==1")


@pytest.mark.parametrize("text", ["", "\n \n", "# nothing", "--pre", "--no-cache-dir\n--upgrade", "--only-binary :all:"])
def test_nothing_is_asked_for(text: str) -> None:
    assert parse(text) == ()


def test_hashes_have_no_effect() -> None:
    assert parse(f"a==1.0 --hash=sha256:{'0' * 64}") == ("a==1.0",)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("-e .", "requirement_editable"),
        ("--editable=git+https://example.com/a.git", "requirement_editable"),
        ("-i https://example.com/simple", "requirement_index"),
        ("--index-url https://example.com/simple", "requirement_index"),
        ("--extra-index-url=https://example.com/simple", "requirement_index"),
        ("-f ./wheels", "requirement_index"),
        ("--find-links /etc", "requirement_index"),
        ("--no-index", "requirement_index"),
        ("--trusted-host example.com", "requirement_index"),
        ("-c versions.txt", "requirement_constraint"),
        ("--constraint=versions.txt", "requirement_constraint"),
        ("git+https://example.com/a.git@main", "requirement_address"),
        ("https://example.com/a-1.0-py3-none-any.whl", "requirement_address"),
        ("file:///etc/passwd", "requirement_address"),
        ("file:wheels/a.whl", "requirement_address"),
        ("a @ file:///etc/passwd", "requirement_address"),
        ("a @ https://example.com/a.whl", "requirement_address"),
        ("./wheels/a-1.0-py3-none-any.whl", "requirement_path"),
        ("../a", "requirement_path"),
        ("/etc/a", "requirement_path"),
        ("a-1.0-py3-none-any.whl", "requirement_path"),
        ("a==", "requirement_invalid"),
        ("a 2.1", "requirement_invalid"),
        ("训练", "requirement_invalid"),
        ("(" * 1500, "requirement_invalid"),
    ],
)
def test_lines_that_are_refused(line: str, code: str) -> None:
    assert refused(f"numpy\n\n{line}\n") == (code, 3, line[:200], "")


def test_files_beside_are_read() -> None:
    assert parse("-r more.txt\n--requirement=./more.txt\nb", {"more.txt": "a\n"}) == ("a", "b")


def test_line_of_a_file_beside_is_named() -> None:
    assert refused("a\n-r more.txt", more="b\n-e .") == ("requirement_editable", 2, "-e .", "more.txt")


def test_files_that_are_missing_or_name_themselves() -> None:
    assert refused("-r ../../etc/passwd") == ("requirement_include_missing", 1, "../../etc/passwd", "")
    assert refused("-r more.txt", more="-r more.txt") == ("requirement_include_missing", 1, "more.txt", "more.txt")


def test_too_many_lines() -> None:
    assert refused("\n".join(f"a{number}" for number in range(2001)))[:2] == ("requirements_too_many", 2001)

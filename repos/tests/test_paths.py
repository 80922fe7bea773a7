import pytest

from core.problems import Problem
from repos.paths import ancestors, checked, collision_key, split_path

REFUSED = {
    "": "path_empty",
    "/etc/passwd": "path_absolute",
    "C:/windows": "path_absolute",
    "a\\b": "path_backslash",
    "a/../b": "path_dots",
    "..": "path_dots",
    "./a": "path_dots",
    "a//b": "path_dots",
    "a/": "path_dots",
    "nul\0byte": "path_control_character",
    "line\nbreak": "path_control_character",
    "txt\u202egpj.exe": "path_control_character",
    ".git/config": "path_git",
    "a/.GIT/hooks": "path_git",
    "git~1": "path_git",
    ".g\u200cit": "path_git",
    ".git ": "path_git",
    ".git::$INDEX_ALLOCATION": "path_git",
    "x" * 256: "path_too_long",
    "/".join(["deep"] * 300): "path_too_long",
    "字" * 90: "path_too_long",
    "half \ud800": "path_not_unicode",
    "trailing.": "path_trailing",
    " space": "path_trailing",
}


@pytest.mark.parametrize(("path", "code"), REFUSED.items())
def test_hostile_path_is_refused_with_its_code(path: str, code: str) -> None:
    with pytest.raises(Problem) as caught:
        checked(path)
    assert caught.value.code == code


@pytest.mark.parametrize("path", ["README.md", "数据/训练 集.csv", ".gitattributes", ".github/x", "a.b/c", "é", "x" * 255, "字" * 85])
def test_plain_path_is_kept(path: str) -> None:
    assert checked(path) == path


def test_key_joins_case_and_composition() -> None:
    assert collision_key("Stra\u00dfe/CAFE\u0301") == collision_key("strasse/caf\u00e9")


def test_ancestors_and_split() -> None:
    assert ancestors("a/b/c") == ["a", "a/b"]
    assert split_path("a/b/c") == ("a/b", "c")
    assert split_path("c") == ("", "c")

"""Views and REST reach rows through `for_user` only: a walk over their syntax trees."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("accounts", "jobs", "repos", "assets", "toolchain", "portal")
ALLOWED_AFTER = {"for_user", "none"}


def surfaces() -> list[Path]:
    """Return every module that answers requests."""
    found = []
    for room in ROOMS:
        for name in ("views", "api"):
            found += [path for path in (ROOT / room / f"{name}.py",) if path.exists()]
            found += sorted((ROOT / room / name).glob("*.py"))
    return found


def unguarded(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield the line and words of each manager that is read other than through `for_user`."""
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Attribute) and node.attr in ("objects", "_default_manager", "_base_manager")):
            continue
        after = parents.get(node)
        if not (isinstance(after, ast.Attribute) and after.attr in ALLOWED_AFTER):
            yield node.lineno, ast.unparse(after or node)


@pytest.mark.parametrize("path", surfaces(), ids=lambda path: str(path.relative_to(ROOT)))
def test_rows_are_reached_through_for_user(path: Path) -> None:
    assert list(unguarded(ast.parse(path.read_text()))) == []


def test_the_walk_finds_a_row_reached_otherwise() -> None:
    code = "a = Asset.objects.get(pk=1)\nb = Asset.objects.for_user(user).get(pk=1)\nc = Asset.objects\n"
    assert sorted(line for line, _words in unguarded(ast.parse(code))) == [1, 3]

"""A step that counts files, registered for one test, in a repository of Alice's."""

from collections.abc import Callable
from typing import Any

import pytest

from inspection import registry
from inspection.registry import Step, Task
from repos.models import Repository
from repos.operations import PutBytes
from repos.services import commit
from repos.tests.conftest import repository  # noqa: F401  (a fixture)


@pytest.fixture
def put(repository: Repository, alice: Any) -> Callable[..., str]:  # noqa: F811
    """Return a function that commits files given by name and returns the commit's id."""

    def put(branch: str = "main", **files: bytes) -> str:
        operations = [PutBytes(name.replace("__", "/").replace("_dot_", "."), data) for name, data in files.items()]
        return commit(repository=repository, actor=alice, operations=operations, message="Change", branch=branch).sha

    return put


class Counting:
    """Counts the files of a commit; `before` is called in the middle of each turn."""

    def __init__(self) -> None:
        self.turns = 0
        self.before: Callable[[Task], None] = lambda task: None

    def read(self, task: Task) -> dict[str, Any]:
        self.turns += 1
        self.before(task)
        return {"files": {file.path: file.size for file in task.files() if file.path != ".gitattributes"}}


@pytest.fixture
def counting(monkeypatch: Any) -> Counting:
    """Return the only step there is."""
    found = Counting()
    monkeypatch.setattr(registry, "STEPS", {})
    monkeypatch.setattr("inspection.services.STEPS", registry.STEPS)
    monkeypatch.setattr("inspection.tasks.STEPS", registry.STEPS)
    monkeypatch.setattr(registry, "LISTENERS", {})
    monkeypatch.setattr("inspection.tasks.LISTENERS", registry.LISTENERS)
    registry.register(Step("counting", "Counting", 1, found.read))  # type: ignore[arg-type]
    return found

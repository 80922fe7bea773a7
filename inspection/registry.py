"""The steps of understanding a commit. Rooms above add their own, and hear when one has a result."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from inspection.files import File
from inspection.isolation import Interrupted
from inspection.models import Inspection
from inspection.sources import content_of, source
from jobs.models import Job
from repos.models import Repository
from repos.reading import Item, Revision, walk

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise


class Again(Exception):
    """A result that stands for now; the step looks again after a while, because something it needs was not there."""

    def __init__(self, result: dict[str, Any], *, after: timedelta) -> None:
        super().__init__("look again")
        self.result, self.after = result, after


@dataclass(frozen=True)
class Task:
    """One turn of a step: what it reads, and how it says that it still works."""

    inspection: Inspection
    revision: Revision
    job: Job

    @property
    def repository(self) -> Repository:
        """The repository, opened for reading."""
        return self.revision.repository

    @property
    def commit(self) -> str:
        """The id of the commit."""
        return self.inspection.commit

    @property
    def again(self) -> bool:
        """Whether somebody asked for another try: what could not be read the last time is read again."""
        return bool(self.job.params.get("again"))

    @cached_property
    def items(self) -> dict[str, Item]:
        """Every file of the commit by path."""
        return {item.path: item for item in walk(self.revision) if not item.is_folder}

    def files(self, paths: Iterable[str] | None = None) -> Iterator[File]:
        """Yield files, all of them or those at `paths`, as readers take them."""
        for path in self.items if paths is None else paths:
            yield source(self.items[path])

    def content(self, path: str) -> str:
        """Return what names the bytes at `path`: their SHA-256 where large, else their git id."""
        return content_of(self.items[path])

    def beat(self, done: int, of: int) -> bool:
        """Keep the job and tell how far it is; raises `Interrupted` where the job was given to somebody else."""
        if not self.job.beat(result={"progress": [done, of]}):
            raise Interrupted
        return True


@dataclass(frozen=True)
class Step:
    """A step: `read` returns its result, plain data. A higher `version` has every head read again.

    `kinds` are the kinds of asset it is for, as the caller of `inspect` names them.
    """

    code: str
    name: "_StrPromise"
    version: int
    read: Callable[[Task], dict[str, Any]]
    kinds: frozenset[str] = field(default_factory=lambda: frozenset({"model", "dataset"}))


STEPS: dict[str, Step] = {}
Listener = Callable[[Inspection], None]
LISTENERS: dict[str, list[Listener]] = {}


def register(step: Step) -> None:
    """Add a step, from `AppConfig.ready`."""
    STEPS[step.code] = step


def when_read(step: str, listener: Listener) -> None:
    """Have `listener` called with each inspection of `step` that has a result, in the transaction that keeps it; it may run twice."""
    known = LISTENERS.setdefault(step, [])
    if listener not in known:
        known.append(listener)


def steps_for(kind: str) -> list[Step]:
    """Return the steps for a kind of asset, in the order in which they were registered."""
    return [step for step in STEPS.values() if kind in step.kinds]

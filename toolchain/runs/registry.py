"""What the rooms above tell the queue about their runs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from repos.reading import Revision
from toolchain.models import Run
from toolchain.runners.base import Look, RunSpec

Beat = Callable[[], bool]
"""Keeps the lease while a long step goes on; False where the job was lost to another worker."""


class Failure(Exception):
    """Why a run cannot go on, by a code of `toolchain.runs.wording` and its facts. `retry`: it is no fault of the user's."""

    def __init__(self, code: str, *, retry: bool = False, **facts: Any) -> None:
        super().__init__(code)
        self.code, self.facts, self.retry = code, storable(facts), retry


def storable(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return facts as PostgreSQL keeps them: texts, which may be those of user code, without NUL and halves of characters."""
    return {
        name: value.replace("\0", "\ufffd").encode("utf-8", "replace").decode() if isinstance(value, str) else value
        for name, value in facts.items()
    }


@dataclass(frozen=True)
class Need:
    """A commit that a run reads, of a repository that was opened for its user, as `kind` of `name` (`owner/name`)."""

    revision: Revision
    kind: str
    name: str


@dataclass(frozen=True)
class Wanted:
    """What a run needs before it can be described: repositories, and an environment of a base with the text of its requirements.

    Without a base it needs no environment: it brings an image.
    """

    needs: Sequence[Need]
    base: str
    requirements: str = ""


@dataclass(frozen=True)
class Place:
    """Where everything lies on the host: the folder of the run, the folders of its needs in their order, the environment's folder if any."""

    folder: Path
    inputs: Sequence[Path]
    environment: Path | None


class Purpose(Protocol):
    """What runs of one purpose are for. Every method may be called again for the same run, after a crash say.

    `retries` is how often a run that was lost is tried again. `stopped` below means that somebody asked for the end.
    """

    name: str
    retries: int

    def want(self, run: Run) -> Wanted:
        """Return what the run needs; raise `Failure` where it may not run any more."""
        ...

    def describe(self, run: Run, place: Place) -> RunSpec:
        """Return the program."""
        ...

    def began(self, run: Run) -> None:
        """The run got its machine."""
        ...

    def watch(self, run: Run, look: Look) -> None:
        """Look at a run that is running."""
        ...

    def collect(self, run: Run, folder: Path, beat: Beat) -> None:
        """Keep what the program left in `folder`; `run.exit` says how it ended. Raise `Failure` where that cannot be."""
        ...

    def ended(self, run: Run, *, again: Run | None) -> None:
        """The run is over as its `error`, `detail` and `exit` say; `again` is the next attempt where there is one. In the transaction."""
        ...

    def keeps(self, run: Run) -> bool:
        """Say whether the folder of a run that is over is still needed."""
        ...


PURPOSES: dict[str, Purpose] = {}


def register(purpose: Purpose) -> None:
    """Register, from `AppConfig.ready`, what runs of a purpose are for."""
    PURPOSES[purpose.name] = purpose

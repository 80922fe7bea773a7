"""Long work inside one turn of a job: it says that it lives, and it is done by one process at a time."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fcntl import F_WRLCK
from pathlib import Path

from jobs.services import JobError
from repos.backends.files import lock_range

Beat = Callable[[], bool]
BEAT_SECONDS = 5.0
WAIT_SECONDS = 0.2


class Superseded(JobError):
    """The turn was given to somebody else, who goes on from what is there."""

    def __init__(self) -> None:
        super().__init__("superseded", retry=True)


class Pace:
    """Calls `beat` every few seconds as long as `tick` is called often; raises `Superseded` where the beat answers False."""

    def __init__(self, beat: Beat | None) -> None:
        self._beat, self._last = beat, time.monotonic()

    def tick(self) -> None:
        if self._beat is None or time.monotonic() - self._last < BEAT_SECONDS:
            return
        self._last = time.monotonic()
        if not self._beat():
            raise Superseded


@contextmanager
def claimed(path: Path, pace: Pace | None) -> Iterator[int]:
    """Hold the lock on the file `path`, made where it is missing, and give its descriptor, open for reading and writing.

    Waits for whoever holds it; with `pace` None it does not wait and raises `BlockingIOError`. The lock goes with the process.
    """
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            if lock_range(descriptor, F_WRLCK):
                if _is_still(descriptor, path):
                    yield descriptor
                    return
            elif pace is None:
                raise BlockingIOError(str(path))
            else:
                pace.tick()
                time.sleep(WAIT_SECONDS)
        finally:
            os.close(descriptor)


def _is_still(descriptor: int, path: Path) -> bool:
    """Whether `path` leads to the open file: while this waited, its holder may have removed or renamed it."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path, follow_symlinks=False))
    except FileNotFoundError:
        return False

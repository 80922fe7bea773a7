"""The data folder: who may use it, whether this version understands it, whether there is room."""

import fcntl
import json
import os
import shutil
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import IO

FORMAT = 1
"""Rises when an older gallery could no longer work in the folder."""

MARKER = "gallery.json"
INSTANCE_VARIABLE = "GALLERY_INSTANCE"


class StartError(Exception):
    """Why the gallery does not start: one sentence for the person who started it."""


class DataFolder:
    """The folder at `path`. A whole gallery holds it alone; single parts of one, with external engines, may share it."""

    def __init__(self, path: Path, *, alone: bool) -> None:
        self.path = path
        self.alone = alone
        self._lock: IO[str] | None = None

    def open(self, *, least_free: int) -> None:
        """Create the folder where needed and check that this process may use it."""
        try:
            self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
            if self.alone:
                self._hold()
        except OSError as error:
            raise StartError(f"The data folder {self.path} cannot be used: {error.strerror}. Choose another DATA_DIR.") from error
        self._check_version()
        free = shutil.disk_usage(self.path).free
        if free < least_free:
            raise StartError(
                f"The disk of {self.path} is almost full: {free // 10**6} MB free, {least_free // 10**6} MB needed. "
                "Make room, or set MIN_FREE_DISK."
            )

    def _hold(self) -> None:
        lock = (self.path / "lock").open("a+")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.seek(0)
            holder = lock.read().strip() or "unknown"
            raise StartError(
                f"A gallery is already running on {self.path} (process {holder}). Stop it first, or choose another DATA_DIR."
            ) from error
        self._lock = lock
        lock.seek(0)
        lock.truncate()
        lock.write(str(os.getpid()))
        lock.flush()

    def _check_version(self) -> None:
        marker = self.path / MARKER
        try:
            found = json.loads(marker.read_text())["format"] if marker.exists() else FORMAT
        except (ValueError, KeyError, TypeError, OSError) as error:
            raise StartError(f"{marker} cannot be read, so this may not be a gallery's data folder. Choose another DATA_DIR.") from error
        if not isinstance(found, int) or found > FORMAT:
            raise StartError(
                f"{self.path} was written by a newer gallery (format {found}, this one knows {FORMAT}). Start the newer gallery."
            )

    def mark(self, version: str) -> None:
        """Write down which gallery uses the folder."""
        draft = self.path / f".{MARKER}"
        draft.write_text(json.dumps({"format": FORMAT, "version": version}) + "\n")
        draft.replace(self.path / MARKER)

    def close(self) -> None:
        """Let another process use the folder."""
        if self._lock:
            self._lock.close()

    def end_leftovers(self, *, grace: float = 15) -> int:
        """End what an earlier run on this folder left behind, killed before it could, and return how many processes that was."""
        if not self.alone:
            return 0
        found = leftovers(self.path)
        for pid in found:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGINT if _is_postgres(pid) else signal.SIGTERM)
        end = time.monotonic() + grace
        while time.monotonic() < end and leftovers(self.path):
            time.sleep(0.1)
        for pid in leftovers(self.path):
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        return len(found)


def leftovers(data: Path) -> list[int]:
    """Return the processes that an earlier `manage.py up` started and that still run, by the mark in their environment."""
    mark = f"{INSTANCE_VARIABLE}={data}".encode()
    ours = _ancestors()
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) in ours:
            continue
        with suppress(OSError):
            if mark in (entry / "environ").read_bytes().split(b"\0"):
                found.append(int(entry.name))
    return found


def _ancestors() -> set[int]:
    """Return this process and those above it: a gallery started from a gallery's own shell must not end it."""
    found, pid = set(), os.getpid()
    while pid > 0:
        found.add(pid)
        try:
            pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError):
            break
    return found


def _is_postgres(pid: int) -> bool:
    with suppress(OSError):
        return Path(f"/proc/{pid}/comm").read_text().strip() == "postgres"
    return False

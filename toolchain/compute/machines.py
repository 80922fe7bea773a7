"""Which machine this is: a key that outlives its host name, kept in the folder of runs.

    RUNS_DIR/machines/<key>     where the machine of this key was last, locked by the processes of its workers while they live
    RUNS_DIR/machines/.lock     held while somebody looks for theirs

A container that is made anew has another host name and is the same machine: it finds the runs of the one before it, in the same folder.
Two machines that share the folder, on a network file system say, are two all the same: each looks after processes that the other cannot
see, and would take them for lost. Neither a host name nor the id in a single file tells these cases apart, and a boot id changes with each
boot. What does is whether anybody lives there: so a machine takes over a key that no living process holds, its own or that of a container
that is gone, and otherwise gets a new one. One key is for those who see the same processes: boot id and process namespace say that. It
takes locks that hold between machines, as NFS 4 has them; where a file system has none, no key is ever taken over.
"""

import fcntl
import json
import os
import socket
import threading
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

from django.conf import settings

from toolchain.models import Node
from toolchain.runners.supervisor.processes import identity

FOLDER = "machines"


class Place:
    """The part of `folder` that belongs to one machine. `where` tells those who see the same processes from all others."""

    def __init__(self, folder: Path, where: Mapping[str, str]) -> None:
        self.folder, self.where = folder, dict(where)
        self._held: tuple[str, int] | None = None
        self._guard = threading.Lock()

    def key(self) -> str:
        """Return the key of this machine, which nobody else gets while this process lives."""
        with self._guard:
            if self._held is None or not self._is_ours(self._held[1]):
                self._let_go()
                self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                with self._alone():
                    self._held = self._find()
            return self._held[0]

    def leave(self) -> None:
        """Let the key go, as the end of the process does."""
        with self._guard:
            self._let_go()

    def _let_go(self) -> None:
        if self._held is not None:
            os.close(self._held[1])
            self._held = None

    def _find(self) -> tuple[str, int]:
        known = [(path.name, os.open(path, os.O_RDWR | os.O_CLOEXEC)) for path in sorted(self.folder.glob("[0-9a-f]*"))]
        try:
            # Of several that nobody holds, that which was on a machine of the same name.
            known.sort(key=lambda each: (not self._is_ours(each[1]), _said(each[1]).get("host") != self.where.get("host")))
            for entry in known:
                if self._is_ours(entry[1]) or _lock(entry[1], fcntl.LOCK_EX):
                    known.remove(entry)
                    return self._settle(*entry)
        finally:
            for _name, descriptor in known:
                os.close(descriptor)
        name = uuid.uuid4().hex
        return self._settle(name, os.open(self.folder / name, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))

    def _settle(self, name: str, descriptor: int) -> tuple[str, int]:
        if _said(descriptor) != self.where:
            # In place: the lock is on this very file.
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, json.dumps(self.where).encode(), 0)
        _lock(descriptor, fcntl.LOCK_SH)
        return name, descriptor

    def _is_ours(self, descriptor: int) -> bool:
        said = _said(descriptor)
        return bool(said) and all(said.get(name) == value for name, value in self.where.items() if name != "host")

    @contextmanager
    def _alone(self) -> Iterator[None]:
        descriptor = os.open(self.folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            with suppress(OSError):
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def key() -> str:
    """Return the key of this machine."""
    return _place(settings.RUNS_DIR / FOLDER).key()


def is_here(node: Node) -> bool:
    """Say whether `node` is this machine. A row from before there were keys is known by its host name."""
    return node.key == key() if node.key else node.name == socket.gethostname()


@cache
def _place(folder: Path) -> Place:
    where = {"host": socket.gethostname(), "boot": str(identity()["boot"]), "processes": os.readlink("/proc/self/ns/pid")}
    return Place(folder, where)


def _said(descriptor: int) -> dict[str, str]:
    try:
        found = json.loads(os.pread(descriptor, 4096, 0) or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _lock(descriptor: int, kind: int) -> bool:
    """Say whether the lock was got. Where there are no locks, nobody can tell that a key is free."""
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except OSError:
        return False
    return True

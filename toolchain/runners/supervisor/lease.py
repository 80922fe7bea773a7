"""The right to run on a machine that a cluster lent: it ends with the process that lent it, and when the shared folder is out of reach.

A cluster forgets a machine that it cannot reach, and has the run start elsewhere. What runs here then has to end by itself, before that.
"""

import os
import sys
import threading
import time
from collections.abc import Callable

from toolchain.runners.supervisor import processes

SECONDS = 30.0
"""How long the beat may fail to be written. With what the end may take it is less than what the other side waits before it counts a silent run as lost."""
TICK = 0.5
ENDED = 75
"""Exit code where the lease ended: EX_TEMPFAIL of sysexits.h."""
_LENDER = "raylet"
# A process that hangs in a file system cannot be waited for.
_LAST_SECONDS = 10.0


class Lease(threading.Thread):
    """Watches from a thread of its own, since the main one may hang in a file system that has gone away."""

    def __init__(self, kill: Callable[[], None], sweep: Callable[[], None]) -> None:
        super().__init__(daemon=True)
        self._kill, self._sweep = kill, sweep
        self._lenders = _lenders()
        self._renewed = time.monotonic()
        self.over = False
        self.start()

    def renew(self) -> None:
        """The beat was written."""
        self._renewed = time.monotonic()

    def run(self) -> None:
        while not (why := self._ended()):
            time.sleep(TICK)
        self.over = True
        try:
            until = time.monotonic() + _LAST_SECONDS
            while time.monotonic() < until and any(process.state not in "ZX" for process in processes.descendants(os.getpid())):
                self._kill()
                time.sleep(0.01)
            self._sweep()
            sys.stderr.write(f"The run was ended: {why}.\n")
            sys.stderr.flush()
        finally:
            # The main thread waits for this one to end everything.
            os._exit(ENDED)

    def _ended(self) -> str:
        if time.monotonic() - self._renewed > SECONDS:
            return "its folder cannot be written to"
        if os.getppid() != self._lenders[0][0] or any(not _lives(*lender) for lender in self._lenders):
            return "what started it on this machine is gone"
        return ""


def _lenders() -> list[tuple[int, int]]:
    """Return our parent, and those above it up to the one that rules the machine for the cluster, each with the time of its start."""
    found = [(os.getppid(), _started(os.getppid()))]
    above = found[0][0]
    chain = list(found)
    while above > 1:
        name, above = _name_and_parent(above)
        if name == _LENDER:
            return chain
        chain.append((above, _started(above)))
    return found


def _lives(pid: int, started: int) -> bool:
    process = processes.stat(pid)
    return process is not None and process.started == started and process.state not in "ZX"


def _started(pid: int) -> int:
    process = processes.stat(pid)
    return process.started if process else 0


def _name_and_parent(pid: int) -> tuple[str, int]:
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            head, _end, rest = file.read().rpartition(b")")
    except OSError:
        return "", 0
    return head.partition(b"(")[2].decode(errors="replace"), int(rest.split()[1])

"""What /proc says about the processes of a run, and ending them. Every process may be gone at every step."""

import os
import signal
import time
from collections.abc import Collection, Iterable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_PR_SET_CHILD_SUBREAPER = 36


class Process(NamedTuple):
    """A process at one moment. `started` and `ticks` count clock ticks, the latter with those of children it has buried; sizes are bytes."""

    pid: int
    state: str
    session: int
    started: int
    ticks: int
    threads: int
    resident: int


def identity() -> dict[str, int | str]:
    """Return what tells this process from any other that has or will have its number."""
    process = stat(os.getpid())
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return {"pid": os.getpid(), "started": process.started if process else 0, "boot": boot}


def stat(pid: int) -> Process | None:
    """Return a process, None where it is gone."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            text = file.read()
    except OSError:
        return None
    # The name is in parentheses and may hold any.
    fields = text[text.rfind(b")") + 2 :].split()
    ticks = sum(int(field) for field in fields[11:15])
    return Process(pid, fields[0].decode(), int(fields[3]), int(fields[19]), ticks, int(fields[17]), int(fields[21]) * _PAGE)


def descendants(root: int) -> list[Process]:
    """Return all processes below `root`, parents first, without those of its own session: tools that it uses itself."""
    own = os.getsid(root)
    found: list[Process] = []
    waiting = _children(root)
    while waiting:
        process = stat(waiting.pop())
        if process and process.session != own:
            found.append(process)
            waiting += _children(process.pid)
    return found


def _children(pid: int) -> list[int]:
    """Return the children of all threads of a process."""
    children: list[int] = []
    with suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):
            with suppress(OSError), open(f"/proc/{pid}/task/{thread}/children", "rb") as file:
                children += [int(each) for each in file.read().split()]
    return children


def memory(seen: Iterable[Process], seconds: float) -> tuple[int, int]:
    """Return the bytes of memory of processes, shared pages by their share, and how many of them are files in memory.

    After `seconds` the rest is counted by its resident size: who has memory in millions of pieces makes looking slow, not wrong.
    """
    own = mapped = 0
    until = time.monotonic() + seconds
    for process in seen:
        share, files = _proportional(process) if time.monotonic() < until else (process.resident, 0)
        own += share
        mapped += files
    return own, mapped


def _proportional(process: Process) -> tuple[int, int]:
    own = mapped = 0
    try:
        with open(f"/proc/{process.pid}/smaps_rollup", "rb") as file:
            for line in file:
                if line.startswith(b"Pss:"):
                    own = int(line.split()[1]) << 10
                elif line.startswith(b"Pss_Shmem:"):
                    mapped = int(line.split()[1]) << 10
    except OSError:
        # Gone meanwhile, and then without memory, or not to be looked into, and then counted in full.
        left = stat(process.pid)
        own = left.resident if left else 0
    return own, mapped


def temporary(pid: int, folders: Collection[str]) -> int:
    """Return the bytes in file systems in memory that a process sees at `folders`; none where it still sees ours there."""
    used = 0
    for folder in folders:
        with suppress(OSError):
            if os.stat(f"/proc/{pid}/root{folder}").st_dev != os.stat(folder).st_dev:
                found = os.statvfs(f"/proc/{pid}/root{folder}")
                used += (found.f_blocks - found.f_bfree) * found.f_frsize
    return used


def nameless(pids: Collection[int], devices: Collection[int]) -> int:
    """Return the bytes of files on `devices` that have lost their last name, and live on because processes hold them open."""
    used = 0
    seen: set[tuple[int, int]] = set()
    for pid in pids:
        with suppress(OSError), os.scandir(f"/proc/{pid}/fd") as listing:
            for entry in listing:
                with suppress(OSError):
                    found = os.stat(entry.path)
                    if found.st_nlink == 0 and found.st_dev in devices and (found.st_dev, found.st_ino) not in seen:
                        seen.add((found.st_dev, found.st_ino))
                        used += found.st_blocks * 512
    return used


def ticks_now() -> int:
    """Return the present moment as `Process.started` counts it."""
    return int(time.clock_gettime(time.CLOCK_BOOTTIME) * TICKS)


def send(pid: int, number: signal.Signals) -> None:
    """Send a signal to a process that may be gone."""
    with suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


def adopt_orphans() -> None:
    """Become the parent of descendants whose parent ends: none of them gets away, and waiting for one is waiting for all it leaves."""
    import ctypes

    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def bury() -> dict[int, int]:
    """Collect the children that have ended and return their exit statuses by process id. Raises ChildProcessError where there are none at all."""
    ended: dict[int, int] = {}
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            if ended:
                return ended
            raise
        if not pid:
            return ended
        ended[pid] = status

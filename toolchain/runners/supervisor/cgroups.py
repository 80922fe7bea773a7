"""A control group (version 2) for each run, where this process may make some: limits that the kernel itself keeps.

May means that our own group was delegated to us, which systemd marks, or is the root of what we see, as in a container. Elsewhere,
and for what is not enabled, the watchdog alone keeps the limits. Formats: Documentation/admin-guide/cgroup-v2.rst of the kernel.
"""

import os
import time
from contextlib import suppress
from pathlib import Path

from toolchain.runners.base import Limits

_PREFIX = "gallery-run-"
# A group with processes of its own cannot limit groups below it: these move to a group beside them.
_OURSELVES = "gallery-itself"
_CONTROLLERS = ("memory", "pids", "cpu")
_PERIOD = 100_000
# Above the watchdog's limit, which names the reason.
_SPARE_TASKS = 128


class Group:
    """The group of one run. What it cannot tell is zero."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def limit(self, limits: Limits) -> None:
        """Let the kernel keep `limits`, as far as its controllers are enabled here."""
        self._write("memory.max", limits.memory)
        self._write("memory.swap.max", 0)
        self._write("memory.oom.group", 1)
        self._write("pids.max", limits.processes + _SPARE_TASKS)
        self._write("cpu.max", f"{max(1000, int(limits.cpus * _PERIOD))} {_PERIOD}")

    def enter(self) -> None:
        """Move the calling process, with what it will start, into the group."""
        self._write("cgroup.procs", 0)

    def kill(self) -> None:
        """Kill every process of the group, also those that are just being born."""
        self._write("cgroup.kill", 1)

    def peak_memory(self) -> int:
        """Return the most bytes of memory that the group had at any time."""
        with suppress(OSError, ValueError):
            return int((self.path / "memory.peak").read_text())
        return 0

    def ran_out_of_memory(self) -> bool:
        """Whether the kernel killed a process for the group's limit of memory."""
        return self._table("memory.events").get("oom_kill", 0) > 0

    def ran_out_of_processes(self) -> bool:
        """Whether the kernel refused a new process for the group's limit."""
        return self._table("pids.events").get("max", 0) > 0

    def remove(self) -> None:
        """Remove the group; the kernel needs a moment after the last process."""
        for _attempt in range(50):
            try:
                self.path.rmdir()
            except FileNotFoundError:
                return
            except OSError:
                time.sleep(0.02)
            else:
                return

    def _write(self, name: str, value: int | str) -> None:
        with suppress(OSError):
            descriptor = os.open(self.path / name, os.O_WRONLY | os.O_CLOEXEC)
            try:
                os.write(descriptor, str(value).encode())
            finally:
                os.close(descriptor)

    def _table(self, name: str) -> dict[str, int]:
        with suppress(OSError, ValueError):
            return {key: int(value) for key, value in (line.split() for line in (self.path / name).read_text().splitlines())}
        return {}


def make(key: str, limits: Limits) -> Group | None:
    """Return a new group with `limits` for a run, None where we may not make one."""
    above = _above()
    if above is None:
        return None
    _enable(above)
    _sweep(above)
    group = Group(above / f"{_PREFIX}{key}-{os.getpid()}")
    try:
        group.path.mkdir(mode=0o755)
    except OSError:
        return None
    group.limit(limits)
    return group


def _above() -> Path | None:
    """Return the group below which those of runs are made."""
    with suppress(OSError, StopIteration, ValueError):
        own = next(line[3:] for line in Path("/proc/self/cgroup").read_text().splitlines() if line.startswith("0::"))
        # Fields of mountinfo(5): the root within the file system, where it is mounted; after " - " its type.
        lines = [line.split(" - ") for line in Path("/proc/self/mountinfo").read_text().splitlines()]
        root, point = next(left.split()[3:5] for left, right in lines if right.startswith("cgroup2 "))
        if root != "/":
            return None
        found = Path(point) / own.strip("/")
        if found.name == _OURSELVES:
            return found.parent
        return found if own == "/" or _is_delegated(found) else None
    return None


def _is_delegated(group: Path) -> bool:
    for name in ("user.delegate", "trusted.delegate"):
        with suppress(OSError):
            if os.getxattr(group, name) == b"1":
                return True
    return False


def _enable(above: Path) -> None:
    """Enable the controllers we use for the groups below `above`."""
    with suppress(OSError):
        offered = (above / "cgroup.controllers").read_text().split()
        enabled = (above / "cgroup.subtree_control").read_text().split()
        wanted = [name for name in _CONTROLLERS if name in offered and name not in enabled]
        if not wanted:
            return
        text = " ".join(f"+{name}" for name in wanted)
        try:
            (above / "cgroup.subtree_control").write_text(text)
        except OSError:
            beside = above / _OURSELVES
            beside.mkdir(exist_ok=True)
            for pid in (above / "cgroup.procs").read_text().split():
                with suppress(OSError):
                    (beside / "cgroup.procs").write_text(pid)
            (above / "cgroup.subtree_control").write_text(text)


def _sweep(above: Path) -> None:
    """End and remove the groups of runs whose supervisor is gone."""
    for path in above.glob(f"{_PREFIX}*"):
        supervisor = path.name.rpartition("-")[2]
        if not Path(f"/proc/{supervisor}").exists():
            group = Group(path)
            group.kill()
            with suppress(OSError):
                path.rmdir()

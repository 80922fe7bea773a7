"""Memory of a process and its descendants, from /proc."""

import contextlib
from pathlib import Path

_PAGE = 4096


def _children(pid: int) -> list[int]:
    found: list[int] = []
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            with contextlib.suppress(OSError):
                found += [int(word) for word in (task / "children").read_text().split()]
    return found


def family(pid: int) -> list[int]:
    """Return a process and all its descendants."""
    found = [pid]
    for each in found:
        found += _children(each)
    return found


def resident(pids: list[int]) -> int:
    """Return the sum of resident bytes, in which shared pages count once for each process. Cheap."""
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError, ValueError, IndexError):
            total += int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
    return total


def proportional(pids: list[int]) -> int:
    """Return the sum of bytes in which each shared page counts once in all (PSS). Walks the page tables."""
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError, ValueError, IndexError):
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1]) * 1024
                    break
    return total


def used(pid: int, limit: int) -> int:
    """Return the bytes that a process and its descendants use; exact only where that may be above `limit`."""
    pids = family(pid)
    total = resident(pids)
    return total if total <= limit else proportional(pids) or total

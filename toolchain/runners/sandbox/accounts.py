"""The user accounts of runs: numbers without a name, one for each run of a moment, where the gallery runs as root."""

import os
import socket
from contextlib import suppress
from pathlib import Path

from toolchain.runners.sandbox.confine import end_account

FIRST, SLOTS = 1_900_000_000, 4096
"""Above what Linux distributions give to people, services and containers."""
FIRST_IN_CONTAINER, SLOTS_IN_CONTAINER = 62_000, 2048
"""Where only 65,536 numbers are mapped."""
SHARED_MEMORY = Path("/dev/shm")


def account() -> tuple[int | None, int]:
    """Return a user number that no other run of this machine has, and a descriptor that holds it; None and -1 where we are not root.

    It is held by the name of a socket, which galleries with different data folders share, and which ends with its holder.
    """
    if os.geteuid() != 0:
        return None, -1
    first, slots = _numbers()
    holder = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    for uid in range(first, first + slots):
        with suppress(OSError):
            holder.bind(f"\0gallery-run-{uid}")
            return uid, holder.detach()
    raise OSError("All accounts for runs are in use.")


def _numbers() -> tuple[int, int]:
    for line in Path("/proc/self/uid_map").read_text().splitlines():
        inside, _, length = map(int, line.split())
        if inside <= FIRST and inside + length >= FIRST + SLOTS:
            return FIRST, SLOTS
    return FIRST_IN_CONTAINER, SLOTS_IN_CONTAINER


def shared_memory(uid: int | None) -> int:
    """Return the bytes that files of the account take in the machine's shared memory, where a run has none of its own."""
    total = 0
    for entry in SHARED_MEMORY.iterdir() if uid is not None else ():
        with suppress(OSError):
            found = entry.lstat()
            total += found.st_blocks * 512 if found.st_uid == uid else 0
    return total


def sweep(uid: int | None) -> None:
    """End whatever still runs under the account and remove the shared memory it left; does nothing for None."""
    if uid is None:
        return
    end_account(uid)
    for entry in SHARED_MEMORY.iterdir():
        with suppress(OSError):
            if entry.lstat().st_uid == uid:
                entry.unlink()

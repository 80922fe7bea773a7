"""The folders of a service's replicas, below that of its run: the cluster makes them, the portal reads them."""

import os
import time
from collections.abc import Iterable
from pathlib import Path

from toolchain.runners import folders
from toolchain.runners.base import Beat

REPLICAS, READY, TAKEN = "r", "ready", "taken.json"
SILENCE = 45.0
_PIECE = 256 << 10


def make_replica(folder: Path) -> Path:
    """Return a new folder for one more replica of the run in `folder`; nobody else gets the same."""
    folders.make_passable(folder / REPLICAS)
    number = max((int(each.name) for each in replicas_of(folder)), default=0)
    while True:
        number += 1
        made = folder / REPLICAS / str(number)
        try:
            made.mkdir()
        except FileExistsError:
            continue
        made.chmod(0o711)
        return made


def replicas_of(folder: Path) -> list[Path]:
    """Return the folders of all replicas that the run ever had, oldest first."""
    try:
        return sorted((each for each in (folder / REPLICAS).iterdir() if each.name.isdigit()), key=lambda each: int(each.name))
    except FileNotFoundError:
        return []


def lives(replica: Path) -> bool:
    """Whether a replica has a supervisor that says so, or is about to get one."""
    if (replica / folders.EXIT).exists():
        return False
    beat, _started = folders.read_beat(replica)
    if not folders.is_locked(replica / folders.LOCK):
        return not folders.node_of(replica) and folders.is_fresh(replica)
    return beat is None or time.time() - beat.at < SILENCE


def is_over(replica: Path) -> bool:
    """Whether a replica had a supervisor, and it is gone."""
    return (replica / folders.EXIT).exists() or (bool(folders.node_of(replica)) and not lives(replica))


def is_ready(replica: Path) -> bool:
    """Whether a replica has answered as one that is ready."""
    return (replica / READY).exists()


def total(replicas: Iterable[Path]) -> Beat | None:
    """Return what all replicas use together: time of processors of all that ever were, the rest of those that live."""
    beats = [(each, beat) for each in replicas if (beat := folders.read_beat(each)[0])]
    if not beats:
        return None
    living = [beat for each, beat in beats if lives(each)]
    return Beat(
        max(beat.at for _each, beat in beats),
        round(sum(beat.cpu_seconds for _each, beat in beats), 3),
        sum(beat.memory for beat in living),
        sum(beat.processes for beat in living),
        sum(beat.disk for beat in living),
        tuple(card for beat in living for card in beat.accelerators),
    )


def merge_logs(folder: Path, limit: int) -> None:
    """Add to the log of the run what its replicas have printed since, as `tail -f` shows several files: up to about `limit` bytes."""
    lock = folders.take_lock(folder / ".merging")
    if lock is None:
        return
    try:
        taken = folders.read(folder, TAKEN) or {"last": 1, "offsets": {}}
        with (folder / folders.LOG).open("ab") as log:
            os.chmod(log.fileno(), 0o600)
            for replica in replicas_of(folder):
                offset = taken["offsets"].get(replica.name, 0)
                while log.tell() < limit and (piece := _whole_lines(replica, offset)):
                    if taken["last"] != int(replica.name):
                        log.write(f"==> replica {replica.name} <==\n".encode())
                        taken["last"] = int(replica.name)
                    log.write(piece)
                    offset += len(piece)
                taken["offsets"][replica.name] = offset
        folders.write(folder, TAKEN, taken)
    finally:
        os.close(lock)


def _whole_lines(replica: Path, offset: int) -> bytes:
    """Return what comes next in the log of a replica; nothing of a line that is not finished, unless no more will come of it."""
    over = not lives(replica)
    piece = folders.read_stream(replica, folders.LOG, offset, _PIECE)
    end = piece.rfind(b"\n") + 1
    if end:
        return piece[:end]
    return piece if over or len(piece) == _PIECE else b""

"""What lies in the folder of a run, and how the one who starts a run and its supervisor read and write it.

`spec.json` is what was asked, `supervisor.json` says that somebody took it up, `beat.json` what it uses, `exit.json` how it ended, `log` what
it printed. `lock` is held for as long as the supervisor lives, also by no hand at all after a crash; `stop` asks it to end. Nothing of
this is mounted into a run, so what it says is true. Files appear whole: they are written under another name first.
"""

import errno
import fcntl
import json
import os
import re
import stat
import struct
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from toolchain.runners import trees
from toolchain.runners.base import Accelerators, Beat, Exit, Limits, Look, Mount, Reason, Replicas, RunnerError, RunSpec, State
from toolchain.runners.sandbox.plan import INDEX_SOCKET, PORT_SOCKET

SPEC, OWNER, BEAT, EXIT, LOG, LOCK, STOP = "spec.json", "supervisor.json", "beat.json", "exit.json", "log", "lock", "stop"
SOCKET, TROUBLE = "s", "supervisor.log"
_FORGOTTEN = ".forgotten"

MAX_READ = 16 << 20
# `sockaddr_un.sun_path` has 108 bytes, with the zero at its end.
_MAX_SOCKET_PATH = 107
# Between `spec.json` and the supervisor's lock lies the start of an interpreter, on a machine that may be busy.
_STARTING_SECONDS = 30
_EXIT_ROOM = 16 << 10
_KEY = re.compile(r"[a-z0-9][a-z0-9_-]{0,79}")
# struct flock: type, whence, start, length, process.
_FLOCK = struct.Struct("hhqqi4x")


@dataclass(frozen=True)
class Order:
    """What a supervisor needs to know: the program, the sandbox level, and the fields of `network.Indexes` where packages may be fetched."""

    key: str
    spec: RunSpec
    level: str
    indexes: Mapping[str, Any] | None = field(default=None)


def check_key(key: str) -> str:
    """Return `key`, which is fit to be the name of a folder. Raises `RunnerError` where it is not."""
    if not _KEY.fullmatch(key):
        raise RunnerError("bad_key", f"“{key}” cannot be the key of a run: use a-z, 0-9, “-” and “_”.")
    return key


def make(base: Path, key: str) -> Path:
    """Return the folder of a run, made where it is missing."""
    folder = base / check_key(key)
    make_passable(base)
    make_passable(folder)
    return folder


def make_passable(folder: Path) -> None:
    """Make a folder, where it is missing, through which others may pass, as accounts of runs must, and which they may not list."""
    folder.mkdir(parents=True, exist_ok=True)
    if stat.S_IMODE(folder.stat().st_mode) != 0o711:
        folder.chmod(0o711)


def write(folder: Path, name: str, data: Mapping[str, Any]) -> None:
    """Put a file of JSON there, whole or not at all."""
    draft = folder / f".{name}.{os.getpid()}.{threading.get_native_id()}"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        json.dump(data, file)
    draft.replace(folder / name)


def read(folder: Path, name: str) -> dict[str, Any] | None:
    """Return what a file of JSON says, None where it is not there."""
    try:
        found = json.loads((folder / name).read_bytes())
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    return found if isinstance(found, dict) else None


class ExitRoom:
    """Room on the disk for `exit.json`, taken while there is some: a run that filled the disk must still be able to say so."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.draft = folder, folder / f".{EXIT}"
        self.descriptor = os.open(self.draft, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with suppress(OSError):
            os.posix_fallocate(self.descriptor, 0, _EXIT_ROOM)

    def say(self, exit: Exit) -> None:
        """Write how the run ended, so that it outlives a crash of the machine."""
        text = json.dumps(asdict(exit)).encode()
        os.pwrite(self.descriptor, text, 0)
        os.ftruncate(self.descriptor, len(text))
        os.fsync(self.descriptor)
        self.draft.replace(self.folder / EXIT)
        above = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(above)
        finally:
            os.close(above)


def take_lock(path: Path) -> int | None:
    """Return a descriptor that holds the lock on `path` until it is closed or its process is gone, None where somebody holds it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0))
    except OSError as error:
        os.close(descriptor)
        if error.errno in (errno.EAGAIN, errno.EACCES):
            return None
        raise
    return descriptor


def is_locked(path: Path) -> bool:
    """Whether somebody alive holds the lock on `path`. Asking takes nothing, so it cannot make a start fail."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        answer = fcntl.fcntl(descriptor, fcntl.F_OFD_GETLK, _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0))
    finally:
        os.close(descriptor)
    return bool(_FLOCK.unpack(answer)[0] != fcntl.F_UNLCK)


def write_order(folder: Path, order: Order) -> None:
    """Put down what is to run; environment and arguments are readable for our own user only."""
    write(
        folder,
        SPEC,
        {**asdict(order), "spec": {**asdict(order.spec), "environment": dict(order.spec.environment), "labels": dict(order.spec.labels)}},
    )


def read_order(folder: Path) -> Order | None:
    """Return what is to run in this folder, None where nobody has said."""
    found = read(folder, SPEC)
    if found is None:
        return None
    spec = found["spec"]
    return Order(
        found["key"],
        RunSpec(
            **{
                **spec,
                "argv": tuple(spec["argv"]),
                "mounts": tuple(Mount(**each) for each in spec["mounts"]),
                "limits": Limits(**spec["limits"]),
                "accelerators": Accelerators(**{**spec["accelerators"], "indexes": tuple(spec["accelerators"]["indexes"])}),
                "replicas": Replicas(**spec["replicas"]) if spec.get("replicas") else None,
            }
        ),
        found["level"],
        found["indexes"],
    )


def begun(folder: Path) -> bool:
    """Whether a supervisor has taken this run up, now or ever."""
    return (folder / EXIT).exists() or (folder / OWNER).exists() or is_locked(folder / LOCK)


def read_exit(folder: Path) -> Exit | None:
    """Return how the run ended, None where it has not said so."""
    found = read(folder, EXIT)
    return Exit(**{**found, "reason": Reason(found["reason"]) if found["reason"] else None}) if found else None


def write_beat(folder: Path, beat: Beat, *, started: bool) -> None:
    """Put down what the run uses now, and whether its program has been started."""
    write(folder, BEAT, {**asdict(beat), "started": started})


def look(folder: Path) -> Look:
    """Return where the run stands, from its folder alone: whether its supervisor lives is known on the machine on which it runs."""
    beat, started = read_beat(folder)
    node = node_of(folder)
    alive = is_locked(folder / LOCK)
    # Asked after the lock: a supervisor says how the run ended before it lets go.
    if exit := read_exit(folder):
        return Look(State.EXITED, beat, exit, node=node)
    if alive and started:
        return Look(State.RUNNING, beat, address=_address(folder), node=node)
    if alive or (not node and is_fresh(folder)):
        return Look(State.STARTING, beat, node=node)
    return Look(State.LOST, beat, node=node)


def read_beat(folder: Path) -> tuple[Beat | None, bool]:
    """Return what the run used when its supervisor last wrote it down, and whether its program had been started."""
    said = read(folder, BEAT) or {}
    started = bool(said.pop("started", False))
    beat = Beat(**{**said, "accelerators": tuple((busy, memory) for busy, memory in said["accelerators"])}) if said else None
    return beat, started


def node_of(folder: Path) -> str:
    """Return the name of the machine on which a supervisor took the run up, empty where none did."""
    owner = read(folder, OWNER)
    return str(owner["node"]) if owner else ""


def is_fresh(folder: Path) -> bool:
    """Whether the run was ordered a moment ago, so that its supervisor may be about to come."""
    try:
        return time.time() - (folder / SPEC).stat().st_mtime < _STARTING_SECONDS
    except OSError:
        return False


def settle(folder: Path, exit: Exit) -> bool:
    """Say how a run ended that no supervisor took up; none will any more. False where one did."""
    lock = take_lock(folder / LOCK)
    if lock is None:
        return False
    try:
        if (folder / EXIT).exists() or (folder / OWNER).exists():
            return False
        ExitRoom(folder).say(exit)
        return True
    finally:
        os.close(lock)


def discard(base: Path, key: str) -> None:
    """Remove the folder of a run, and what is left of others that were being removed. Raises `RunnerError` "not_removed" where files stay."""
    folder, gone = base / key, base / _FORGOTTEN
    own = gone / f"{key}.{time.time_ns()}"
    if folder.exists():
        gone.mkdir(mode=0o700, exist_ok=True)
        # Renamed first, a run is forgotten at once, whatever happens while its files are removed.
        with suppress(FileNotFoundError):
            folder.rename(own)
    for left in gone.iterdir() if gone.exists() else ():
        with suppress(OSError):
            trees.remove(str(left))
    if own.exists():
        raise RunnerError("not_removed", f"“{own}” cannot be removed.", retry=True)


def _address(folder: Path) -> str:
    return f"unix:{folder / SOCKET}" if (folder / SOCKET).is_socket() else ""


def check_addressable(folder: Path, spec: RunSpec) -> None:
    """Raise `RunnerError` where the sockets that `spec` needs cannot be made, or lie where the program cannot make one."""
    names = [SOCKET] if spec.listen is not None else []
    names += [f"{PORT_SOCKET}.new"] if isinstance(spec.listen, int) else []
    names += [INDEX_SOCKET] if spec.network == "index" else []
    if any(len(os.fsencode(folder / name)) > _MAX_SOCKET_PATH for name in names):
        raise RunnerError("path_too_long", f"“{folder}” is too long for sockets below it: choose a shorter DATA_DIR.")
    if isinstance(spec.listen, str):
        host_path(spec, spec.listen)


def host_path(spec: RunSpec, target: str) -> tuple[str, str]:
    """Return where `target`, a path as the program sees it, lies on the host: source of its writable mount, and path below that.

    Raises `RunnerError` where it lies below no writable mount.
    """
    wanted = os.path.normpath(target)
    found: tuple[str, str] | None = None
    longest = -1
    for mount in spec.mounts:
        top = os.path.normpath(mount.target)
        inside = wanted == top or wanted.startswith(top.rstrip("/") + "/")
        if inside and len(top) >= longest:
            longest = len(top)
            found = (mount.source, wanted[len(top) :].strip("/")) if mount.writable else None
    if found is None:
        raise RunnerError("not_writable", f"“{target}” does not lie below a writable mount.")
    return found


def socket_of(folder: Path, spec: RunSpec) -> tuple[str, str] | None:
    """Return where the program's socket will lie on the host: a folder, and the path below it that the program may shape as it likes."""
    if spec.listen is None:
        return None
    return host_path(spec, spec.listen) if isinstance(spec.listen, str) else (str(folder), PORT_SOCKET)


def read_stream(folder: Path, stream: str, offset: int, limit: int) -> bytes:
    """Return up to `limit` bytes (16 MiB at most) of "log" or of a stream of the spec, from `offset`; only ever of a regular file.

    Empty where there is none yet. Raises `RunnerError` for a stream that the spec does not name.
    """
    base, relative = str(folder), LOG
    if stream != LOG:
        order = read_order(folder)
        if order is None:
            return b""
        if stream not in order.spec.streams:
            raise RunnerError("unknown_stream", f"This run has no stream “{stream}”.")
        base, relative = host_path(order.spec, order.spec.streams[stream])
    try:
        # Without O_NONBLOCK, opening a named pipe waits for whoever writes to it.
        descriptor = trees.open_below(base, relative, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return b""
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return b""
        return os.pread(descriptor, max(0, min(limit, MAX_READ)), max(0, offset))
    except OSError:
        return b""
    finally:
        os.close(descriptor)

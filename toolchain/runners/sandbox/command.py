"""From what a run asks for to the process that runs it in a sandbox."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from toolchain.runners import trees
from toolchain.runners.base import RunnerError, RunSpec
from toolchain.runners.network import Indexes
from toolchain.runners.sandbox import bubblewrap, landlock
from toolchain.runners.sandbox.plan import INDEX_SOCKET, PORT_SOCKET, plan


class Level(StrEnum):
    """How well a run is kept apart. A: namespaces, filtered system calls, limits. B: Landlock, filtered calls without internet sockets,
    limits, an own account. OFF: limits only, for operators who opted out. NONE: nothing here can, and strangers' code is refused.
    """

    BUBBLEWRAP = "A"
    LANDLOCK = "B"
    OFF = "off"
    NONE = "none"


@dataclass(frozen=True)
class Command:
    """A process to start with an empty environment, the `descriptors` passed on, from the main thread of a process that stays.

    `info` is the end of a pipe that says, in lines of JSON, {"child-pid": …} once the sandbox stands and {"exit-code": …} at the end, the
    latter only of a program that came to run. `counted` are the folders beside the writable mounts that the run can fill.
    """

    argv: tuple[str, ...]
    descriptors: tuple[int, ...]
    info: int
    counted: tuple[str, ...] = ()


@contextmanager
def command(spec: RunSpec, *, folder: Path, level: Level, uid: int | None = None, index: Indexes | None = None) -> Iterator[Command]:
    """Yield what starts the run in a sandbox of this level; its descriptors are closed in the end, `info` too.

    `folder` is the run's own, `uid` the account of its slot where we are root: writable mounts become that account's. Raises
    `RunnerError` where the run cannot be started as it asks for.
    """
    if level is Level.NONE:
        raise RunnerError("no_sandbox", "This machine cannot keep strangers' programs apart, so none is run.")
    if level is Level.LANDLOCK and uid is None:
        raise RunnerError("no_account", "Without namespaces each run needs a user account of its own, which only root can give.")
    uid = None if level is Level.OFF else uid
    asked = plan(spec, folder, index, joined=level is Level.BUBBLEWRAP)
    sockets = [folder / name for name, used in ((INDEX_SOCKET, spec.network == "index"), (PORT_SOCKET, asked.port)) if used]
    for socket in sockets:
        socket.parent.mkdir(exist_ok=True)
        socket.parent.chmod(0o711)
    counted = [folder / PORT_SOCKET.partition("/")[0]] if asked.port else []
    if uid is not None:
        for path in (*(mount.source for mount in asked.mounts if mount.writable), *map(str, counted)):
            trees.hand_over(path, os.geteuid(), uid)
    with ExitStack() as stack:
        kept: list[int] = []

        def hold(data: bytes) -> int:
            descriptor = os.memfd_create("run")
            stack.callback(os.close, descriptor)
            kept.append(descriptor)
            with open(descriptor, "wb", closefd=False) as file:
                file.write(data)
            os.lseek(descriptor, 0, os.SEEK_SET)
            return descriptor

        info, status = os.pipe()
        stack.callback(os.close, info)
        stack.callback(os.close, status)
        if level is Level.BUBBLEWRAP:
            argv = bubblewrap.arguments(asked, uid, status, hold)
        else:
            order = landlock.order(asked, uid, status, confined=level is Level.LANDLOCK)
            argv = [sys.executable, "-I", "-S", str(landlock.CONFINE), str(hold(json.dumps(order).encode()))]
            counted.append(folder / "tmp")
        yield Command(tuple(argv), (status, *kept), info, tuple(map(str, counted)))

"""Runs on a cluster whose machines share a folder with the portal: the cluster starts their supervisors, and the folder says what becomes of them."""

import dataclasses
import json
import os
import re
import shlex
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from toolchain.runners import folders
from toolchain.runners.base import Exit, Look, Reason, RunnerError, RunSpec, State
from toolchain.runners.network import Indexes
from toolchain.runners.ray import resources, software
from toolchain.runners.ray.client import PENDING, Cluster, Job, Unreachable
from toolchain.runners.ray.serving import Services
from toolchain.runners.supervisor.placing import BEST

SILENCE = 45.0
"""Seconds after which a run without a new beat is not running any more: its supervisor has ended it before that (`supervisor.lease`)."""
PATIENCE = 600.0
"""Seconds for which a job may wait for a machine of the cluster."""
_SOFTWARE, _NAME = ".software", "name.json"
_SETTLING = 6.0
# Registry, path, tag and digest, without anything that a shell would read.
_IMAGE = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._:/@-]{0,254}")
# The Python of the process that starts the job; it needs no packages.
_ENTRY = 'exec "$(readlink -f /proc/$PPID/exe)" -I -S'


class RayRunner:
    """Runs programs on the cluster whose dashboard is at `address`; `base` lies in a folder that all its machines see at the same path.

    That folder needs what NFS 4 has: locks between machines, and sockets. `level` is a sandbox level or a choice of `supervisor.placing`,
    `index` what runs with network "index" may reach. Serve is started with `port` where it does not run yet. `patience` is in seconds.
    """

    name = "ray"

    def __init__(
        self,
        base: Path,
        address: str,
        token: str = "",
        *,
        level: str = BEST,
        index: Indexes | None = None,
        port: int = 8000,
        patience: float = PATIENCE,
        seconds: float = 10.0,
    ) -> None:
        self.base = base.resolve()
        self.level, self.index, self.patience = level, index, patience
        self.cluster = Cluster(address, token, seconds=seconds)
        self.services = Services(self.cluster, self.base, port)

    def folder(self, key: str) -> Path:
        """Return the folder of a run, made where it is missing."""
        return folders.make(self.base, key)

    def start(self, spec: RunSpec, key: str) -> None:
        """Start the run; of a key that was started already this does nothing.

        Raises `RunnerError`: `infeasible`, `no_containers`, `bad_image`, `no_source`, `not_writable`, `path_too_long`, `bad_key`, `ray_denied`, `ray_refused`; or, worth
        another try, `ray_unreachable`.
        """
        folder = self.folder(key)
        if folders.begun(folder) or self.services.has(folder):
            return
        spec = self._ready(spec, folder)
        folders.write_order(folder, self._order(spec, key))
        if (folder / folders.STOP).exists():
            folders.settle(folder, _stopped())
        elif spec.listen is not None:
            self.services.deploy(name_on_cluster(folder, key), folder, spec, self._software())
        else:
            self._submit(spec, key, folder)

    def change(self, spec: RunSpec, key: str) -> None:
        """Give a program that listens another command, size or number of replicas, one replica after the other. Raises as `start`."""
        folder = self.folder(key)
        spec = self._ready(spec, folder)
        folders.write_order(folder, self._order(spec, key))
        self.services.deploy(name_on_cluster(folder, key), folder, spec, self._software())

    def look(self, key: str) -> Look:
        """Return where the run stands; UNKNOWN only where neither its folder nor the cluster can say."""
        folder = self.base / folders.check_key(key)
        if exit := folders.read_exit(folder):
            return Look(State.EXITED, folders.read_beat(folder)[0], exit, node=folders.node_of(folder))
        if not (folder / folders.SPEC).exists():
            return Look(State.LOST)
        if self.services.has(folder):
            return self.services.look(name_on_cluster(folder, key), folder)
        return self._look(key, folder)

    def read(self, key: str, stream: str, offset: int, limit: int) -> bytes:
        """Return up to `limit` bytes, 16 MiB at most, of "log" or of a stream of the spec, from `offset`."""
        folder = self.base / folders.check_key(key)
        if self.services.has(folder):
            return self.services.read(folder, stream, offset, limit)
        return folders.read_stream(folder, stream, offset, limit)

    def stop(self, key: str) -> None:
        """Ask the run to end. One that waits for a machine ends at once, also where the cluster goes on offering it one."""
        folder = self.base / folders.check_key(key)
        try:
            (folder / folders.STOP).touch(0o600)
        except FileNotFoundError:
            return
        if self.services.has(folder):
            with suppress(Unreachable):
                self.services.remove(name_on_cluster(folder, key))
        elif (folder / folders.SPEC).exists() and folders.settle(folder, _stopped()):
            self._withdraw(name_on_cluster(folder, key))

    def forget(self, key: str) -> None:
        """Remove everything kept of a run that is over. Raises `RunnerError` "still_running" for others."""
        folder = self.base / folders.check_key(key)
        if self.look(key).state in (State.STARTING, State.RUNNING):
            raise RunnerError("still_running", f"The run “{key}” is not over.", retry=True)
        if self.services.has(folder):
            self.services.remove(name_on_cluster(folder, key))
        elif (folder / folders.SPEC).exists():
            self._delete(name_on_cluster(folder, key))
        folders.discard(self.base, key)

    def _ready(self, spec: RunSpec, folder: Path) -> RunSpec:
        """Return `spec`, which can be run on this cluster, as its machines need it. Raises `RunnerError` where it cannot."""
        for mount in spec.mounts:
            if not Path(mount.source).exists():
                raise RunnerError("no_source", f"“{mount.source}”, which the run shall see as “{mount.target}”, does not exist.")
        if spec.image and not _IMAGE.fullmatch(spec.image):
            raise RunnerError("bad_image", f"“{spec.image}” is not the name of a container image.")
        if spec.image and isinstance(spec.listen, str):
            raise RunnerError("no_containers", "A service in a container image listens on a port, not on a socket.")
        folders.check_addressable(self.services.longest(folder) if spec.listen is not None else folder, spec)
        for path in spec.streams.values():
            folders.host_path(spec, path)
        resources.check(spec, self.cluster.machines())
        # Which cards these are is for the cluster to say.
        spec = dataclasses.replace(spec, accelerators=dataclasses.replace(spec.accelerators, indexes=()))
        return software.carried(self.base / _SOFTWARE, spec)

    def _order(self, spec: RunSpec, key: str) -> folders.Order:
        return folders.Order(key, spec, self.level, dataclasses.asdict(self.index) if self.index and spec.network == "index" else None)

    def _software(self) -> Path:
        return software.runners(self.base / _SOFTWARE)

    def _submit(self, spec: RunSpec, key: str, folder: Path) -> None:
        runners = self._software() / software.RUNNERS
        if spec.image:
            entry = f"exec python {shlex.quote(str(runners / 'ray' / 'contained.py'))}"
        else:
            entry = f"{_ENTRY} {shlex.quote(str(runners / 'supervisor' / '__main__.py'))} --foreground"
        job: dict[str, Any] = {
            "submission_id": name_on_cluster(folder, key),
            "entrypoint": f"{entry} {shlex.quote(str(folder))}",
            "metadata": {"gallery": key},
            **resources.for_job(spec),
        }
        self.cluster.submit(job)

    def _look(self, key: str, folder: Path) -> Look:
        try:
            job = self.cluster.job(name_on_cluster(folder, key))
        except RunnerError:
            job, asked = None, False
        else:
            asked = True
        # The folder after the cluster: a supervisor says how the run ended before its job is over.
        node = folders.node_of(folder)
        state = State.EXITED if folders.read_exit(folder) else self._state(key, folder, job, asked=asked)
        return Look(state, folders.read_beat(folder)[0], folders.read_exit(folder) if state is State.EXITED else None, node=node)

    def _state(self, key: str, folder: Path, job: Job | None, *, asked: bool) -> State:
        """Return where a run stands that has not said how it ended."""
        beat, started = folders.read_beat(folder)
        alive = beat is not None and time.time() - beat.at < SILENCE
        living = State.RUNNING if started else State.STARTING
        if not asked:
            return living if alive else State.UNKNOWN
        if job is None or job.over:
            # The lock goes with the supervisor, which may outlive the job for a moment.
            if alive and folders.is_locked(folder / folders.LOCK):
                return living
            return State.STARTING if job is None and not folders.begun(folder) and folders.is_fresh(folder) else State.LOST
        if alive:
            return living
        if beat is not None:
            return State.LOST
        if job.status == PENDING and time.time() - job.began > self.patience:
            return self._give_up(key, folder)
        return State.STARTING

    def _give_up(self, key: str, folder: Path) -> State:
        order = folders.read_order(folder)
        what = resources.described(order.spec) if order else "room"
        detail = f"No machine of the cluster had {what} free for {self.patience / 60:.0f} minutes."
        if not folders.settle(folder, Exit(1, 0, Reason.REFUSED, detail, time.time(), time.time())):
            return State.STARTING
        self._withdraw(name_on_cluster(folder, key))
        return State.EXITED

    def _withdraw(self, name: str) -> None:
        """Have the cluster drop a job that waits; if it starts it all the same, its supervisor finds that the run is over."""
        with suppress(RunnerError):
            self.cluster.stop_job(name)

    def _delete(self, name: str) -> None:
        """Have the cluster forget the job, which it may take some seconds to find ended."""
        until = time.monotonic() + _SETTLING
        while (job := self.cluster.job(name)) is not None:
            if job.over:
                self.cluster.delete_job(name)
            elif time.monotonic() > until:
                return
            time.sleep(0.2)


def name_on_cluster(folder: Path, key: str) -> str:
    """Return the name of a run on the cluster: its key, and what tells it from runs of other galleries and from one that was forgotten."""
    if found := folders.read(folder, _NAME):
        return str(found["name"])
    draft = folder / f".{_NAME}.{os.urandom(4).hex()}"
    draft.write_text(json.dumps({"name": f"{key}-{os.urandom(4).hex()}"}))
    try:
        # The first of several stays.
        os.link(draft, folder / _NAME)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return name_on_cluster(folder, key)


def _stopped() -> Exit:
    return Exit(128 + signal.SIGTERM, signal.SIGTERM, Reason.STOPPED, "", time.time(), time.time())

"""Programs that listen, as applications of Ray Serve: one application for a run, with replicas that each have a supervisor of their own."""

import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from toolchain.runners import folders
from toolchain.runners.base import Exit, Look, Reason, Replicas, RunnerError, RunSpec, State
from toolchain.runners.ray import resources
from toolchain.runners.ray.client import Cluster, Unreachable
from toolchain.runners.ray.replicas import REPLICAS, is_over, is_ready, lives, merge_logs, replicas_of, total

SERVICE = "service.json"
PROGRAM, DEPLOYMENT = "toolchain.runners.ray.replica:application", "Replica"
# The program itself limits how many requests it takes at once, and how many wait.
_MOST_REQUESTS = 10_000
_HEALTH_SECONDS = 1.0
_LOCK_SECONDS = 60.0
# For how long there must have been too many requests for another replica, or too few for one less.
_MORE_SECONDS, _LESS_SECONDS = 5.0, 300.0
_SPARE_SECONDS = 10.0
# Replicas in a row that end before they answer, of a service that answered before.
_TRIES = 3
_FAILED = ("DEPLOY_FAILED", "UNHEALTHY")

Applications = Mapping[str, Mapping[str, Any]]


class Services:
    """The applications of Serve that belong to runs below `base`. Serve takes them all together, so one process at a time changes them.

    `port` is where Serve listens if it is started by us.
    """

    def __init__(self, cluster: Cluster, base: Path, port: int) -> None:
        self.cluster, self.base, self.port = cluster, base, port

    def has(self, folder: Path) -> bool:
        """Whether the run of this folder is a service."""
        return (folder / SERVICE).exists()

    def longest(self, folder: Path) -> Path:
        """Return the folder with the longest name that a replica of the run may have."""
        return folder / REPLICAS / "99999"

    def deploy(self, name: str, folder: Path, spec: RunSpec, software: Path) -> None:
        """Have Serve run the program, or change to it from what it was, one replica after the other. Raises `RunnerError`."""
        before = folders.read(folder, SERVICE)
        version = before["version"] + 1 if before else 1
        config = _application(name, folder, spec, software, version)
        # Where the cluster then does not answer, it may have heard us all the same.
        folders.write(folder, SERVICE, {"version": version})
        self._change(lambda applications: {**applications, name: config})

    def remove(self, name: str) -> None:
        """Have Serve end the application, if it has it. Raises `RunnerError`."""
        if name in self.cluster.serve()["applications"]:
            self._change(lambda applications: {other: each for other, each in applications.items() if other != name})

    def look(self, name: str, folder: Path) -> Look:
        """Return where the service stands, what its replicas use together, and where it is called."""
        living = [each for each in replicas_of(folder) if lives(each)]
        node = ", ".join(dict.fromkeys(found for each in living if (found := folders.node_of(each))))
        address = ""
        try:
            said = self.cluster.serve()
        except RunnerError:
            state = State.RUNNING if any(is_ready(each) for each in living) else State.UNKNOWN
        else:
            state = self._state(name, folder, said["applications"].get(name), living)
            if state is State.RUNNING and not (folder / folders.STOP).exists():
                address = _address(said, name, urlsplit(self.cluster.address).hostname or "")
        exit = folders.read_exit(folder) if state is State.EXITED else None
        return Look(state, total(replicas_of(folder)), exit, address, node)

    def read(self, folder: Path, stream: str, offset: int, limit: int) -> bytes:
        """Return a piece of the log of all replicas together, or of a stream of the newest."""
        replicas = replicas_of(folder)
        if stream != folders.LOG:
            return folders.read_stream(replicas[-1] if replicas else folder, stream, offset, limit)
        order = folders.read_order(folder)
        merge_logs(folder, order.spec.limits.log if order else 0)
        return folders.read_stream(folder, stream, offset, limit)

    def _state(self, name: str, folder: Path, application: Mapping[str, Any] | None, living: list[Path]) -> State:
        """Return where the service stands by what Serve says of it; a service that is over is put away."""
        stopping = (folder / folders.STOP).exists()
        if application is None or application["status"] == "DELETING":
            if living:
                return State.RUNNING
            if application is not None or (folders.is_fresh(folder) and not stopping):
                return State.STARTING
            return self._settle(folder, 128 + signal.SIGTERM, Reason.STOPPED, "") if stopping else State.LOST
        if stopping:
            self.remove(name)
            return State.RUNNING
        if any(is_ready(each) for each in living):
            return State.RUNNING
        replicas = replicas_of(folder)
        in_vain = list(takewhile(lambda each: not is_ready(each), (each for each in reversed(replicas) if is_over(each))))
        ever = any(is_ready(each) for each in replicas)
        if len(in_vain) >= (_TRIES if ever else 1) or (not ever and application["status"] in _FAILED):
            # Serve would try again and again.
            self.remove(name)
            exit = next((exit for each in in_vain if (exit := folders.read_exit(each))), None)
            if exit is None:
                return self._settle(folder, 1, Reason.REFUSED, application["message"][-2000:])
            return self._settle(folder, exit.code, exit.reason, exit.detail)
        return State.RUNNING if ever else State.STARTING

    def _settle(self, folder: Path, code: int, reason: Reason | None, detail: str) -> State:
        """Put down how the service ended."""
        exits = [exit for each in replicas_of(folder) if (exit := folders.read_exit(each))]
        spent = total(replicas_of(folder))
        began, peak = min((exit.started_at for exit in exits), default=time.time()), max((exit.peak_memory for exit in exits), default=0)
        number = code - 128 if code > 128 else 0
        folders.settle(folder, Exit(code, number, reason, detail, began, time.time(), spent.cpu_seconds if spent else 0.0, peak))
        return State.EXITED

    def _change(self, change: Callable[[Applications], Applications]) -> None:
        with self._alone():
            said = self.cluster.serve()
            known = {name: each["deployed_app_config"] for name, each in said["applications"].items() if each["status"] != "DELETING"}
            wanted = change({name: config for name, config in known.items() if config})
            # Serve keeps the address that it was started with.
            http = said.get("http_options") or {"host": "0.0.0.0", "port": self.port}
            self.cluster.set_applications({"http_options": http, "proxy_location": "EveryNode", "applications": list(wanted.values())})

    @contextmanager
    def _alone(self) -> Iterator[None]:
        folders.make_passable(self.base)
        until = time.monotonic() + _LOCK_SECONDS
        while (lock := folders.take_lock(self.base / ".serve.lock")) is None:
            if time.monotonic() > until:
                raise Unreachable("another process has been changing its services for a minute.")
            time.sleep(0.05)
        try:
            yield
        finally:
            os.close(lock)


def _application(name: str, folder: Path, spec: RunSpec, software: Path, version: int) -> dict[str, Any]:
    """Return the program as an application in Serve's configuration (ServeApplicationSchema)."""
    wanted = spec.replicas or Replicas()
    scaling = {
        "min_replicas": wanted.least, "max_replicas": wanted.most, "target_ongoing_requests": wanted.target,
        "upscale_delay_s": _MORE_SECONDS, "downscale_delay_s": _LESS_SECONDS,
    }  # fmt: skip
    deployment = {
        "name": DEPLOYMENT,
        **({"autoscaling_config": scaling} if wanted.most > wanted.least else {"num_replicas": wanted.least}),
        "max_ongoing_requests": _MOST_REQUESTS,
        "health_check_period_s": _HEALTH_SECONDS,
        "graceful_shutdown_timeout_s": spec.limits.grace + _SPARE_SECONDS,
        "ray_actor_options": resources.for_replica(spec),
    }
    return {
        "name": name,
        "route_prefix": f"/{name}",
        "import_path": PROGRAM,
        "runtime_env": {"env_vars": {"PYTHONPATH": str(software)}},
        # A change of these makes Serve replace the replicas.
        "args": {"folder": str(folder), "version": str(version)},
        "deployments": [deployment],
    }


def _address(said: Mapping[str, Any], name: str, host: str) -> str:
    """Return where an application is called: at the machine of the dashboard, or at another whose entrance is in order."""
    machines = [each["node_ip"] for each in said["proxies"].values() if each["status"] == "HEALTHY"]
    options = said.get("http_options") or {}
    if not machines or "port" not in options:
        return ""
    return f"http://{host if host in machines else machines[0]}:{options['port']}/{name}"

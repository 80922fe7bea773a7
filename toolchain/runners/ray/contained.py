"""A run in a container image: `contained.py FOLDER` has Ray start a worker in the image, which runs the program.

It is a job of Ray, or stands beside a replica of Serve and ends with SIGTERM. Serve could start its replicas in the image itself
(`image_uri` of the application), but without the mounts of the run, and then a stranger's image would say what becomes of the run.
Runs in a Ray cluster, where `podman` is on the machine; the image holds Python and Ray of the cluster's versions, as Ray's `container`
needs it. Of the run's folder the container sees its mounts only, so what is put down there is ours. A worker is on the network of its
machine, and so is the program: see docs/how-to/ray-cluster.md.
"""

import os
import shlex
import signal
import socket
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).resolve().parents[3]))

from toolchain.runners import folders
from toolchain.runners.base import Beat, Exit, Reason, RunSpec
from toolchain.runners.supervisor import processes
from toolchain.runners.supervisor.lease import Lease
from toolchain.runners.supervisor.output import Log

_TICK = 1.0
_HEAD = 2000


class Program:
    """The program, in a worker inside the image; carried there by value, so it knows the standard library only."""

    def __init__(self, argv: list[str], environment: dict[str, str], folder: str) -> None:
        import ctypes
        import subprocess
        import threading

        def end_with_us() -> None:
            ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)

        os.makedirs(folder, exist_ok=True)
        self.output, self.lock = bytearray(), threading.Condition()
        self.process = subprocess.Popen(
            argv, env={"PATH": os.environ["PATH"], "HOME": "/tmp", "LANG": "C.UTF-8", **environment}, cwd=folder,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True, preexec_fn=end_with_us,
        )  # fmt: skip
        threading.Thread(target=self._pump, daemon=True).start()

    def _pump(self) -> None:
        assert self.process.stdout is not None
        while piece := os.read(self.process.stdout.fileno(), 1 << 16):
            with self.lock:
                # Whoever prints faster than it is taken waits.
                self.lock.wait_for(lambda: len(self.output) < 4 << 20)
                self.output += piece

    def take(self) -> tuple[bytes, int | None, float, int]:
        """Return what was printed since, the exit status once it ended, seconds of processors and bytes of memory at their peak."""
        import resource

        status = self.process.poll()
        if status is not None:
            self.signal(signal.SIGKILL)
        with self.lock:
            piece = bytes(self.output)
            self.output.clear()
            self.lock.notify_all()
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return piece, status, used.ru_utime + used.ru_stime, used.ru_maxrss << 10

    def signal(self, number: int) -> None:
        """Send a signal to all processes of the program's session."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)


def runtime_env(spec: RunSpec) -> dict[str, Any]:
    """Return the environment of a worker in the image. Ray puts options and image into a line that a shell reads, so they are quoted here."""
    options = [f"--volume={mount.source}:{mount.target}:{'rw' if mount.writable else 'ro'}" for mount in spec.mounts]
    options += [f"--memory={spec.limits.memory}", f"--cpus={spec.limits.cpus:g}", f"--pids-limit={spec.limits.processes + 256}"]
    options += ["--cap-drop=all", "--security-opt=no-new-privileges", "--rm"]
    if spec.accelerators.kind == "gpu":
        options.append("--device=nvidia.com/gpu=all")
    return {"container": {"image": shlex.quote(spec.image), "run_options": [shlex.quote(option) for option in options]}}


def main(arguments: list[str]) -> int:
    """Run what is ordered in the folder that is named last, to its end, and return its exit code."""
    folder = Path(arguments[-1]).resolve()
    os.umask(0o077)
    order, lock = folders.read_order(folder), folders.take_lock(folder / folders.LOCK)
    if order is None or lock is None or (folder / folders.EXIT).exists() or (folder / folders.OWNER).exists():
        return 0
    folders.write(folder, folders.OWNER, {**processes.identity(), "node": os.uname().nodename})
    _stop_in_order(folder)
    lease = Lease(lambda: None, lambda: None)
    exit = _taken(order.spec) or _Run(folder, order.spec, lease).run()
    folders.ExitRoom(folder).say(exit)
    return exit.code


def _stop_in_order(folder: Path) -> None:
    """Take SIGTERM for a stop of the run."""
    signal.signal(signal.SIGTERM, lambda number, frame: (folder / folders.STOP).touch(0o600))


def _taken(spec: RunSpec) -> Exit | None:
    """Return the end of a run whose port somebody else has on this machine: whoever calls would get that one's answers."""
    if not isinstance(spec.listen, int):
        return None
    with socket.socket() as probe:
        # As servers do: the last connections of one that has ended are no hindrance.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("", spec.listen))
        except OSError:
            now = time.time()
            return Exit(1, 0, Reason.REFUSED, f"Another program of this machine has the port {spec.listen}.", now, now)
    return None


class _Run:
    def __init__(self, folder: Path, spec: RunSpec, lease: Lease) -> None:
        self.folder, self.spec, self.lease = folder, spec, lease
        self.log = Log(folder / folders.LOG, spec.limits.log)
        self.began = time.time()
        self.reason: Reason | None = None
        self.kill_at: float | None = None
        self.cpu, self.peak = 0.0, 0

    def run(self) -> Exit:
        """Run the program in the image, and return how it ended."""
        try:
            status = self._run()
        except Exception as error:
            return Exit(1, 0, Reason.REFUSED, str(error)[-_HEAD:], self.began, time.time())
        finally:
            self.log.close()
        number = -status if status < 0 else 0
        return Exit(128 + number if number else status, number, self.reason, "", self.began, time.time(), round(self.cpu, 3), self.peak)

    def _run(self) -> int:
        import ray
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        ray.init(log_to_driver=False, logging_level="ERROR")
        # Ray has put a handler of its own there, which ends us at once.
        _stop_in_order(self.folder)
        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
        worker = ray.remote(Program).options(num_cpus=0, scheduling_strategy=here, runtime_env=runtime_env(self.spec))
        self._beat(started=False)
        program = worker.remote(list(self.spec.argv), dict(self.spec.environment), self.spec.folder)
        ending: int | None = None
        while True:
            asked = program.take.remote()
            while not ray.wait([asked], timeout=_TICK)[0]:
                # An image that is not there yet is fetched first.
                self._beat(started=False)
                if (self.folder / folders.STOP).exists():
                    self.reason = Reason.STOPPED
                    return -signal.SIGTERM
            piece, status, self.cpu, self.peak = ray.get(asked)
            if piece:
                self.log.add(piece)
            self._beat(started=True)
            if ending is not None and not piece:
                return ending
            ending = status
            if ending is None:
                self._judge(program)
                time.sleep(_TICK)

    def _judge(self, program: Any) -> None:
        late = self.spec.limits.wall is not None and time.time() - self.began > self.spec.limits.wall
        if self.reason is None and ((self.folder / folders.STOP).exists() or late):
            self.reason = Reason.TIME if late else Reason.STOPPED
            self.kill_at = time.monotonic() + self.spec.limits.grace
            program.signal.remote(signal.SIGTERM)
        if self.kill_at is not None and time.monotonic() > self.kill_at:
            program.signal.remote(signal.SIGKILL)

    def _beat(self, *, started: bool) -> None:
        with suppress(OSError):
            folders.write_beat(self.folder, Beat(time.time(), round(self.cpu, 3), self.peak, 1), started=started)
            self.lease.renew()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

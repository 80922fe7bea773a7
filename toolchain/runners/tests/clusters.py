"""A real Ray cluster of two machines on this one, with a token, for tests: its Ray lies in an environment of its own, outside the repository."""

import fcntl
import hashlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import requests

from toolchain.runners.tests.programs import until

PINS = Path(__file__).resolve().parents[3] / "requirements-toolchain-ray.txt"
# Machines of a cluster need addresses of their own, and Ray takes 127.0.0.1 for the address of the real one.
HEAD, SECOND = "127.0.0.2", "127.0.0.3"
_MARK = "GALLERY_TEST_CLUSTER"
# A machine that is gone is told within seconds.
_QUICK = {
    "RAY_health_check_initial_delay_ms": "500",
    "RAY_health_check_period_ms": "500",
    "RAY_health_check_timeout_ms": "1000",
    "RAY_health_check_failure_threshold": "3",
}


def ray() -> Path:
    """Return the folder of programs of an environment with Ray as it is pinned; the first call on a machine installs it."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gallery-tests" / "ray"
    cache.mkdir(parents=True, exist_ok=True)
    folder = cache / hashlib.sha256(PINS.read_bytes() + sys.version.encode()).hexdigest()[:16]
    with (cache / ".making").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "made").exists():
            shutil.rmtree(folder, ignore_errors=True)
            uv = str(Path(sys.executable).with_name("uv"))
            subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, folder], check=True)
            subprocess.run([uv, "pip", "install", "--quiet", "--python", folder / "bin" / "python", "-r", PINS], check=True)
            (folder / "made").touch()
    return folder / "bin"


class LocalCluster:
    """Two machines, `head` and `second`, that share a folder with us. `second` has the label zone=second and one NPU of Ascend declared.

    They find programs in the folder `programs` before those of the system.
    """

    def __init__(self) -> None:
        self.ray = ray()
        # Paths of sockets are short.
        self.folder = Path(tempfile.mkdtemp(prefix="gray-"))
        self.folder.chmod(0o711)
        self.programs = self.folder / "bin"
        self.programs.mkdir()
        self.token, self.mark = secrets.token_hex(16), secrets.token_hex(8)
        self.dashboard, self.serve, gcs = (_free_port() for _each in range(3))
        self.gcs = f"{HEAD}:{gcs}"
        self.address = f"http://127.0.0.1:{self.dashboard}"
        dashboard = ("--dashboard-host=127.0.0.1", f"--dashboard-port={self.dashboard}")
        self._start("head", "--head", f"--node-ip-address={HEAD}", f"--port={gcs}", f"--ray-client-server-port={_free_port()}", *dashboard)
        until(lambda: self._machines() >= 1)

    def add_second(self) -> None:
        """Have the second machine join."""
        names = ("--labels=zone=second", '--resources={"NPU": 1}')
        self._start("second", f"--address={self.gcs}", f"--node-ip-address={SECOND}", *names)

    def wait_for(self, machines: int) -> None:
        """Return once so many machines are there."""
        until(lambda: self._machines() == machines)

    def signal(self, name: str, number: signal.Signals, pattern: str) -> None:
        """Send a signal to the processes of one machine whose command line or name holds `pattern`."""
        found = [pid for pid in self.processes() if machine_of(pid) == name and pattern in _command(pid)]
        assert found, pattern
        for pid in found:
            os.kill(pid, number)

    def processes(self) -> list[int]:
        """Return all processes of the cluster, also those that lost their parents."""
        mark = f"{_MARK}={self.mark}".encode()
        found = []
        for entry in Path("/proc").iterdir():
            with suppress(OSError):
                if entry.name.isdigit() and mark in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
        return found

    def close(self) -> None:
        """Leave nothing running, and nothing on the disk."""
        while found := self.processes():
            for pid in found:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.05)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _start(self, name: str, *arguments: str) -> None:
        environment = {
            **{each: value for each, value in os.environ.items() if each in ("HOME", "LANG")},
            "PATH": f"{self.programs}:{self.ray}:{os.environ['PATH']}",
            **_QUICK,
            _MARK: self.mark,
            "GALLERY_TEST_MACHINE": name,
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN": self.token,
            "RAY_USAGE_STATS_ENABLED": "0",
        }
        with (self.folder / f"{name}.log").open("wb") as log:
            subprocess.Popen(
                [
                    *(self.ray / "ray", "start", "--block", "--num-cpus=8", "--object-store-memory=80000000"),
                    *("--min-worker-port=0", "--max-worker-port=0", f"--temp-dir={self.folder / 't'}"),
                    *(f"--dashboard-agent-listen-port={_free_port()}", *arguments),
                ],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _machines(self) -> int:
        try:
            answer = requests.get(f"{self.address}/api/v0/nodes", headers={"Authorization": f"Bearer {self.token}"}, timeout=10)
            rows = answer.json()["data"]["result"]["result"]
        except (requests.RequestException, KeyError, TypeError, ValueError):
            return 0
        return sum(row["state"] == "ALIVE" for row in rows)


def _command(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    return ""


def machine_of(pid: int) -> str:
    """Return the machine of the cluster on which a process is."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
            if line.startswith(b"GALLERY_TEST_MACHINE="):
                return line.partition(b"=")[2].decode()
    return ""


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("", 0))
        port: int = probe.getsockname()[1]
        return port

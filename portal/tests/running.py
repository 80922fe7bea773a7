"""A gallery as people start it: `manage.py up` in a process of its own, with its own data folder and port."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import requests

from portal.datafolder import leftovers

MANAGE = Path(__file__).resolve().parents[2] / "manage.py"
PATIENCE = 240.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(data: Path, port: int, **changes: str) -> dict[str, str]:
    """Return an environment without the settings of the test run."""
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "TMPDIR")}
    return {
        **kept,
        "DATA_DIR": str(data),
        "PORT": str(port),
        "WEB_WORKERS": "1",
        "WORKER_CONCURRENCY": "1",
        "PYTHONUNBUFFERED": "1",
        **changes,
    }


def run_up(data: Path, port: int, *arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
    """Run `manage.py up` where it is expected to end by itself."""
    return subprocess.run(
        [sys.executable, str(MANAGE), "up", *arguments],
        env=environment(data, port, **changes),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )


class Gallery:
    """A running `manage.py up`."""

    def __init__(self, data: Path, port: int, *arguments: str, **changes: str) -> None:
        self.data, self.port = data, port
        self.address = f"http://127.0.0.1:{port}"
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            [sys.executable, str(MANAGE), "up", *arguments],
            env=environment(data, port, **changes),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        threading.Thread(target=self._collect, daemon=True).start()

    def _collect(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))

    @property
    def output(self) -> str:
        return "\n".join(self.lines)

    def until(self, holds: Callable[[], Any], what: str) -> Any:
        """Return what `holds` returns once that is true."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if found := holds():
                return found
            assert self.process.poll() is None, f"`up` ended with {self.process.returncode} before {what}:\n{self.output}"
            time.sleep(0.05)
        raise AssertionError(f"waited {PATIENCE:.0f} s for {what}:\n{self.output}")

    def until_ready(self) -> None:
        self.until(lambda: "Ready after" in self.output, "the end of the start")
        self.until(self.is_ready, "readiness")

    def is_ready(self) -> bool:
        try:
            return requests.get(f"{self.address}/readyz", timeout=10).status_code == 200
        except requests.RequestException:
            return False

    def said(self, pattern: str) -> re.Match[str] | None:
        return re.search(pattern, self.output, re.MULTILINE)

    def child(self, name: str) -> int:
        """Return the process id of one of the supervisor's children by a word of its command line."""
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue
            if parent == self.process.pid and name in command:
                return int(entry.name)
        return 0

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """Send a signal and return the exit status; nothing of the gallery may be left then."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        status = self.process.wait(PATIENCE)
        assert leftovers(self.data) == []
        return status

    def destroy(self) -> None:
        """End everything whatever happened before."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
        for pid in leftovers(self.data):
            os.kill(pid, signal.SIGKILL)

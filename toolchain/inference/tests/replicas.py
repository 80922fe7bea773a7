"""Serving programs as real processes, and a client that calls them over their socket."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from toolchain.inference.engines import SOURCE

PATIENCE = 60


def until(condition: Callable[[], Any], seconds: float = PATIENCE) -> Any:
    """Return what `condition` returns once that is true."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "it did not come true"
        time.sleep(0.02)
    return found


@dataclass
class Reply:
    """An answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """Return the code of an error, which stands in body and header alike."""
        code = self.json["error"]["code"]
        assert code == self.headers["x-ag-error"]
        return str(code)


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("replica", timeout=PATIENCE)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(PATIENCE)
        self.sock.connect(self._path)


@dataclass
class Replica:
    """A program that runs; without a process it is one that somebody else started."""

    process: Any
    socket: str
    folder: Path
    connections: list[_Connection] = field(default_factory=list)

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Reply:
        """Send a request on a connection of its own and return the whole answer."""
        connection = _Connection(self.socket)
        try:
            connection.request(method, path, body, {name.replace("_", "-"): text for name, text in headers.items()})
            answer = connection.getresponse()
            return Reply(answer.status, {name.lower(): text for name, text in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def post(self, value: object, path: str = "/predict", **headers: str) -> Reply:
        """Send JSON."""
        return self.ask("POST", path, json.dumps(value).encode(), Content_Type="application/json", **headers)

    def later(self, value: object, path: str = "/predict", **headers: str) -> Callable[[], Reply]:
        """Send JSON from a thread; the function returned waits for the answer."""
        found: list[Reply] = []
        thread = threading.Thread(target=lambda: found.append(self.post(value, path, **headers)), daemon=True)
        thread.start()

        def reply() -> Reply:
            thread.join(PATIENCE)
            return found[0]

        return reply

    def raw(self, data: bytes) -> socket.socket:
        """Send bytes as they are and return the connection."""
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(PATIENCE)
        connection.connect(self.socket)
        connection.sendall(data)
        return connection

    def get(self, path: str) -> Any:
        """Return the JSON at an address."""
        return self.ask("GET", path).json

    def wait(self, status: str) -> dict[str, Any]:
        """Return the health once its status is this one."""
        return dict(until(lambda: (found := self.health()) and found["status"] == status and found))

    def health(self) -> dict[str, Any] | None:
        try:
            return dict(self.get("/health"))
        except OSError:
            assert self.process is None or self.process.poll() is None, self.log()
            return None

    def log(self) -> str:
        return (self.folder / "log").read_text()


def request(value: object, path: str = "/predict", accept: str = "*/*") -> bytes:
    """Return a request with JSON as bytes."""
    body = json.dumps(value).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nAccept: {accept}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def model(folder: Path, **scripts: str) -> Path:
    """Write a model with `gallery_inference/<name>.py` for each keyword."""
    place = folder / "gallery_inference"
    place.mkdir(parents=True)
    for name, text in scripts.items():
        (place / f"{name}.py").write_text(text)
    return folder


@contextmanager
def serving(
    program: str, *options: str, model: Path, python: str = sys.executable, wait: str = "ready", **environment: str
) -> Iterator[Replica]:
    """Run a program of the serving package as a sandbox would, on a socket in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="serving-") as name:
        folder = Path(name)
        # The package stands alone here, as it does at its mount: nothing of the portal can be imported.
        (folder / "gallery").mkdir()
        (folder / "gallery" / "serving").symlink_to(SOURCE)
        (folder / "run").mkdir()
        path = str(folder / "run" / "s.sock")
        plain = {"PATH": os.environ["PATH"], "PYTHONPATH": str(folder / "gallery"), "PYTHONDONTWRITEBYTECODE": "1", "HOME": name}
        plain |= {"ENV_AG_MODEL_DIR": str(model)} | environment
        with open(folder / "log", "wb") as log:
            process = subprocess.Popen(
                [python, "-m", f"serving.{program}", "--socket", path, *options], cwd=folder, env=plain, stdout=log, stderr=log
            )
        replica = Replica(process, path, folder)
        try:
            if wait:
                replica.wait(wait)
            yield replica
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(PATIENCE)
                finally:
                    process.kill()
                    process.wait()

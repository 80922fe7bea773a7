"""A gallery of its own on loopback, as `manage.py up` runs it, and a small client: for tests of whole stories and for benchmarks."""

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil

from portal.tests.prepared import place_cluster

ROOT = Path(__file__).resolve().parent.parent
CONFIGURED = (
    "DATABASE_URL", "REDIS_URL", "BLOB_STORE", "EMAIL_URL", "SECRET_KEY", "DJANGO_SETTINGS_MODULE", "DJANGO_ALLOW_ASYNC_UNSAFE", "HOST",
)  # fmt: skip


class Answer(Exception):
    """A refusal: the status and the decoded envelope."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(f"{status} {body}")
        self.status, self.body = status, body


@dataclass
class Gallery:
    """A running gallery and a token of its user `bench`."""

    url: str
    data: Path
    process: "subprocess.Popen[bytes]"
    environment: dict[str, str]
    token: str = field(default="", repr=False)

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Return the decoded answer to a REST call, or raise `Answer` with the server's own words."""
        request = urllib.request.Request(
            self.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=600) as answer:
                content = answer.read()
        except urllib.error.HTTPError as error:
            content = error.read()
            try:
                raise Answer(error.code, json.loads(content)) from error
            except ValueError:
                raise Answer(error.code, content[:500]) from error
        return json.loads(content) if content else None

    def fetch(self, path: str, **headers: str) -> bytes:
        """Return the bytes at an address."""
        request = urllib.request.Request(self.url + path, headers={"Authorization": f"Bearer {self.token}", **headers})
        with urllib.request.urlopen(request, timeout=600) as answer:
            content: bytes = answer.read()
        return content

    def put_part(self, part: dict[str, Any], data: bytes, digest: str) -> int:
        """Send one part to its address and return the status."""
        connection = self.connection()
        try:
            connection.request("PUT", part["url"].removeprefix(self.url), data, {"X-Part-SHA256": digest})
            answer = connection.getresponse()
            answer.read()
            return answer.status
        finally:
            connection.close()

    def manage(self, *arguments: str) -> str:
        """Run an administrative command against this gallery and return what it printed."""
        command = [sys.executable, str(ROOT / "manage.py"), *arguments]
        return subprocess.run(command, env=self.environment, check=True, capture_output=True, text=True).stdout

    def part(self, words: str) -> list[psutil.Process]:
        """Return the gallery's processes whose command line contains `words`: `portal.web`, `celery worker`, `redis-server`."""
        found = []
        for process in psutil.Process(self.process.pid).children(recursive=True):
            try:
                if all(word in " ".join(process.cmdline()) for word in words.split()):
                    found.append(process)
            except psutil.NoSuchProcess:
                continue
        return found

    def kill(self, words: str) -> None:
        """End processes of this gallery at once, without a chance to tidy up."""
        for process in self.part(words):
            try:
                process.send_signal(signal.SIGKILL)
            except psutil.NoSuchProcess:
                continue

    def wait_until_ready(self) -> float:
        """Wait until `/readyz` answers 200 and return the seconds it took."""
        start = time.monotonic()
        while time.monotonic() - start < 120:
            if self.process.poll() is not None:
                raise AssertionError(f"The gallery ended: {self.log()[-2000:]}")
            try:
                with urllib.request.urlopen(f"{self.url}/readyz", timeout=5):
                    return time.monotonic() - start
            except OSError:
                time.sleep(0.05)
        raise AssertionError(f"The gallery is not ready after two minutes: {self.log()[-2000:]}")

    def log(self) -> str:
        """Return what the gallery printed so far."""
        return (self.data.parent / "log").read_text(errors="replace")

    def connection(self) -> http.client.HTTPConnection:
        """Return a new connection to the server."""
        parts = urlsplit(self.url)
        return http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=600)

    def create(self, name: str, kind: str = "models") -> str:
        """Make an asset and return its REST address."""
        address = f"/api/v1/{kind}/bench/{name}"
        self.call("POST", f"/api/v1/{kind}", {"owner": "bench", "name": name})
        self.call("POST", f"{address}/publish", {})
        return address


def free_port() -> int:
    """Return a port of loopback that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(**environment: str) -> Iterator[Gallery]:
    """Start a gallery whose tables are empty, and stop it and remove its folder at the end."""
    folder = Path(tempfile.mkdtemp(prefix="gallery-live-", dir="/tmp"))
    folder.chmod(0o755)
    place_cluster(folder / "data" / "postgres")
    port = free_port()
    inherited = {name: value for name, value in os.environ.items() if name not in CONFIGURED}
    settings = {"DATA_DIR": str(folder / "data"), "PORT": str(port), "PUBLIC_URL": f"http://127.0.0.1:{port}", "LOG_LEVEL": "WARNING"}
    env = {**inherited, **settings, **environment}
    with open(folder / "log", "wb") as log:
        process = subprocess.Popen([sys.executable, str(ROOT / "manage.py"), "up"], env=env, stdout=log, stderr=log)
        try:
            gallery = Gallery(settings["PUBLIC_URL"], folder / "data", process, env)
            gallery.wait_until_ready()
            gallery.token = gallery.manage("token", "bench", "--create", "--scope", "write").strip()
            yield gallery
        finally:
            process.terminate()
            process.wait(60)
            shutil.rmtree(folder, ignore_errors=True)

"""A replica of a service on a machine of the cluster: it has a supervisor run the program, and passes requests on to it.

Runs in Ray's Python, in a worker of Serve; what it imports beyond the standard library comes with `ray[default,serve]`.
"""

import contextlib
import dataclasses
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import ray
from ray import serve
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from toolchain.runners import folders
from toolchain.runners.base import RunSpec
from toolchain.runners.ray.replicas import READY, make_replica

RUNNERS = Path(__file__).resolve().parents[1]
_READY_SECONDS = 5.0
_SPARE_SECONDS = 5.0
_LINE = 1 << 18
_STOPPED = "The service was stopped."
# Headers of one connection, which is not the other (RFC 9110, section 7.6.1).
_HOP = frozenset({"connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer", "transfer-encoding", "upgrade"})


@serve.deployment(name="Replica")
class Replica:
    """Runs the program that is ordered in `folder`; made once the program is ready for requests, fails its health check when it is over."""

    def __init__(self, folder: str) -> None:
        top = Path(folder)
        order = folders.read_order(top)
        if order is None or (top / folders.STOP).exists():
            raise RuntimeError(_STOPPED)
        self.top, self.folder = top, make_replica(top)
        self.grace = order.spec.limits.grace
        folders.write_order(self.folder, dataclasses.replace(order, spec=own(order.spec, top, self.folder)))
        self.supervisor = subprocess.Popen(
            supervising(order.spec, self.folder), stdin=subprocess.DEVNULL, start_new_session=True,
            env={**os.environ, "RAY_ADDRESS": ray.get_runtime_context().gcs_address},
        )  # fmt: skip
        self.session: aiohttp.ClientSession | None = None
        try:
            self.socket = self._called(order.spec.replicas.ready if order.spec.replicas else "")
        except BaseException:
            self._end()
            raise
        (self.folder / READY).touch()

    async def __call__(self, request: Request) -> Response:
        if self.session is None:
            self.session = aiohttp.ClientSession(
                connector=aiohttp.UnixConnector(self.socket, limit=0),
                auto_decompress=False,
                cookie_jar=aiohttp.DummyCookieJar(),
                read_bufsize=_LINE,
                skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
                timeout=aiohttp.ClientTimeout(total=None),
            )
        has_body = "content-length" in request.headers or "transfer-encoding" in request.headers
        headers = [(name, value) for name, value in request.headers.items() if name not in _HOP]
        try:
            answer = await self.session.request(
                request.method,
                address_of(request.scope),
                headers=headers,
                data=request.stream() if has_body else None,
                allow_redirects=False,
            )
        except (aiohttp.ClientError, OSError):
            return JSONResponse({"error": {"message": "The program of this replica does not answer."}}, 503, {"Retry-After": "1"})
        response = StreamingResponse(pieces(answer), answer.status)
        response.raw_headers = [(name.lower(), value) for name, value in answer.raw_headers if name.decode("latin-1").lower() not in _HOP]
        return response

    def check_health(self) -> None:
        """Raise where the program is over: Serve then makes another replica."""
        if self.supervisor.poll() is not None:
            raise RuntimeError(self._ended())

    def __del__(self) -> None:
        # Serve calls it once the last request is answered.
        self._end()

    def _called(self, ready: str) -> str:
        """Return the path of the program's socket once it is ready for requests. Raises `RuntimeError` where it ended before."""
        while True:
            address = folders.look(self.folder).address.removeprefix("unix:")
            if address and (not ready or is_ready(address, ready)):
                return address
            if self.supervisor.poll() is not None:
                raise RuntimeError(self._ended())
            if (self.top / folders.STOP).exists():
                raise RuntimeError(_STOPPED)
            time.sleep(0.1)

    def _ended(self) -> str:
        exit = folders.read_exit(self.folder)
        if exit is None:
            return "The program was lost."
        return f"The program ended with code {exit.code}. {exit.detail}".strip()

    def _end(self) -> None:
        if self.supervisor.poll() is None:
            self.supervisor.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.supervisor.wait(self.grace + _SPARE_SECONDS)
        if self.supervisor.poll() is None:
            self.supervisor.kill()
            self.supervisor.wait()


def application(arguments: dict[str, str]) -> Any:
    """Return the application of Serve for the run whose folder is `arguments["folder"]`."""
    return Replica.bind(arguments["folder"])  # type: ignore[attr-defined]


def supervising(spec: RunSpec, folder: Path) -> list[str]:
    """Return the command that runs the program of `folder` and looks after it; a socket of the folder leads to the port of an image."""
    plain = [os.path.realpath(sys.executable), "-I", "-S"]
    if not spec.image:
        return [*plain, str(RUNNERS / "supervisor" / "__main__.py"), "--foreground", str(folder)]
    # A worker in an image is on the network of its machine, and so is this.
    join = f"{folder / folders.SOCKET}={spec.listen}"
    contained = [sys.executable, str(RUNNERS / "ray" / "contained.py"), str(folder)]
    return [*plain, str(RUNNERS / "network" / "bridge.py"), join, "--", *contained]


def own(spec: RunSpec, top: Path, folder: Path) -> RunSpec:
    """Return `spec` with what it may write in the folder of its run moved to the folder of one replica."""
    mounts = []
    for mount in spec.mounts:
        source = Path(mount.source)
        if mount.writable and source.is_relative_to(top):
            source = folder / source.relative_to(top)
            source.mkdir(parents=True, exist_ok=True)
        mounts.append(dataclasses.replace(mount, source=str(source)))
    return dataclasses.replace(spec, mounts=tuple(mounts), replicas=None)


def address_of(scope: Any) -> Any:
    """Return where the program has what was asked for: the path behind the service's own, as it was written."""
    from yarl import URL

    path = scope.get("raw_path") or scope["path"].encode()
    path = path.partition(b"?")[0].decode("latin-1").removeprefix(scope.get("root_path", "").rstrip("/")) or "/"
    query = scope["query_string"].decode("latin-1")
    return URL(f"http://replica{path}{f'?{query}' if query else ''}", encoded=True)


async def pieces(answer: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    """Yield the body of an answer as it comes; when nobody takes it any more, the program sees its caller go."""
    try:
        async for piece in answer.content.iter_any():
            yield piece
    finally:
        answer.close()


def is_ready(path: str, ready: str) -> bool:
    """Whether the program at a socket answers a GET of `ready` with 200."""

    class Connection(http.client.HTTPConnection):
        def connect(self) -> None:
            self.sock = socket.socket(socket.AF_UNIX)
            self.sock.settimeout(_READY_SECONDS)
            self.sock.connect(path)

    connection = Connection("replica")
    try:
        connection.request("GET", ready)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()

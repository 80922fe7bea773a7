"""Replicas that mean harm, and calls of the services that they belong to."""

import asyncio
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from core.testing import People, token
from toolchain.inference.models import Service
from toolchain.inference.tests.calling import Answer, call, gateway
from toolchain.inference.tests.factories import make_service
from toolchain.models import Run

Behaviour = Callable[[socket.socket, bytes], None]
PLAIN = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Wicked:
    """A replica that answers as it likes; `seen` are the heads of requests as they came."""

    def __init__(self, behave: Behaviour) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "s"
        self.behave, self.seen, self.cut = behave, list[bytes](), threading.Event()
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(self.path))
        self.listener.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _address = self.listener.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            self._answer(connection)
        self.cut.set()

    def _answer(self, connection: socket.socket) -> None:
        while True:
            head = b""
            while b"\r\n\r\n" not in head:
                data = connection.recv(65536)
                if not data:
                    return
                head += data
            self.seen.append(head)
            self.behave(connection, head)

    def close(self) -> None:
        self.listener.close()
        self.folder.cleanup()


@pytest.fixture
def wicked() -> Iterator[Callable[[Behaviour], Wicked]]:
    made: list[Wicked] = []

    def make(behave: Behaviour) -> Wicked:
        made.append(Wicked(behave))
        return made[-1]

    yield make
    for each in made:
        each.close()


def served(people: People, replica: Wicked, **columns: Any) -> Service:
    """Return a running service of alice's whose only replica this is."""
    service = make_service(people.alice, state="running", ready=1, **columns)
    Run.objects.filter(purpose="service").update(address=f"unix:{replica.path}")
    return service


def ask(service: Service, user: Any, path: str = "/predict", **options: Any) -> Answer:
    given = {"authorization": f"Bearer {token(user, 'write')}"} | options.pop("headers", {})

    async def once() -> Answer:
        async with gateway() as entrance:
            return await call(entrance, f"{service.get_absolute_url()}{path}", headers=given, **options)

    return asyncio.run(once())


def saying(answer: bytes) -> Behaviour:
    def behave(connection: socket.socket, _head: bytes) -> None:
        connection.sendall(answer)

    return behave

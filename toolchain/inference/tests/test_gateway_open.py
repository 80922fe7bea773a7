"""What stays open through the gateway ends once its caller may not call any more, or the service is gone."""

import asyncio
import base64
import hashlib
import re
import socket
import time
from collections.abc import Callable
from typing import Any

import pytest

from accounts.models import AccessToken
from accounts.services.tokens import revoke_token
from assets.models import Asset
from core.testing import People, token
from toolchain.inference.gateway import callers, passing, routes
from toolchain.inference.gateway.routes import in_thread
from toolchain.inference.models import Key, Service
from toolchain.inference.services import make_key, revoke_key
from toolchain.inference.tests.calling import call, gateway
from toolchain.inference.tests.factories import make_model
from toolchain.inference.tests.wicked import Behaviour, Wicked, served, wicked

__all__ = ["wicked"]
pytestmark = [pytest.mark.django_db(transaction=True)]

Make = Callable[[Behaviour], Wicked]
Step = Callable[[Service, People], Any]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Callers are asked for again at once."""
    monkeypatch.setattr(passing, "CHECK_SECONDS", 0.1)
    for module in (callers, routes):
        monkeypatch.setattr(module, "FRESH", 0.0)
        monkeypatch.setattr(module, "STALE", 0.0)


def silent(connection: socket.socket, head: bytes) -> None:
    """Take a WebSocket as RFC 6455, section 4.2.2, has it, and say nothing until it is closed."""
    key = re.search(rb"(?i)sec-websocket-key: (\S+)", head)
    assert key is not None
    accepted = base64.b64encode(hashlib.sha1(key[1] + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
    connection.sendall(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n" % accepted
    )
    if connection.recv(1):
        # A frame that closes is answered with one.
        connection.sendall(b"\x88\x00")
    connection.close()


def dropping(connection: socket.socket, head: bytes) -> None:
    """Take a WebSocket and go away without a word."""
    connection.shutdown(socket.SHUT_RD)
    silent(connection, head)


def endless(connection: socket.socket, _head: bytes) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        connection.sendall(b"1\r\nx\r\n")
        time.sleep(0.02)


async def join(entrance: Any, service: Service, secret: str, once_open: Callable[[], Any] | None = None) -> list[dict[str, Any]]:
    """Return what a client that stays hears over a socket; `once_open` is done when it is open."""
    heard: list[dict[str, Any]] = []
    waiting = [{"type": "websocket.connect"}]

    async def receive() -> dict[str, Any]:
        return waiting.pop() if waiting else await asyncio.Event().wait()  # type: ignore[return-value]

    async def send(message: dict[str, Any]) -> None:
        heard.append(message)
        if message["type"] == "websocket.accept" and once_open is not None:
            await in_thread(once_open)

    path = f"{service.get_absolute_url()}/live"
    scope = {
        "type": "websocket", "path": path, "raw_path": path.encode(), "query_string": b"", "subprotocols": [],
        "headers": [(b"authorization", f"Bearer {secret}".encode())],
    }  # fmt: skip
    await asyncio.wait_for(entrance(scope, receive, send), 30)
    return heard


def revoke(service: Service, people: People) -> None:
    revoke_key(service=service, actor=people.alice, key=Key.objects.get())


ENDS: dict[str, tuple[Step, tuple[int, str]]] = {
    "its key was revoked": (revoke, (1008, "bad_key")),
    "its key expired": (lambda service, people: Key.objects.update(expires_at="2020-01-01T00:00Z"), (1008, "bad_key")),
    "the service stops": (lambda service, people: Service.objects.update(state="stopping"), (1001, "service_stopped")),
    "the service failed": (lambda service, people: Service.objects.update(state="failed"), (1001, "service_stopped")),
    "the service was removed": (lambda service, people: service.delete(), (1001, "service_stopped")),
}


@pytest.mark.parametrize("why", ENDS)
def test_a_socket_ends_when(people: People, wicked: Make, why: str) -> None:
    replica = wicked(silent)
    service = served(people, replica)
    _key, secret = make_key(service=service, actor=people.alice, name="shop", limit=1)
    step, (code, reason) = ENDS[why]

    async def heard() -> list[dict[str, Any]]:
        async with gateway() as entrance:
            return await join(entrance, service, secret, lambda: step(service, people))

    said = asyncio.run(heard())
    assert [message["type"] for message in said] == ["websocket.accept", "websocket.close"]
    assert (said[-1]["code"], said[-1]["reason"]) == (code, reason)
    assert replica.cut.wait(30)


def test_a_socket_ends_when_a_person_loses_access_or_their_token(people: People, wicked: Make) -> None:
    service = served(people, wicked(silent), shared=True, model=make_model(people.alice))

    async def heard(secret: str, step: Callable[[], Any]) -> list[dict[str, Any]]:
        async with gateway() as entrance:
            return await join(entrance, service, secret, step)

    secret = token(people.alice, "write")
    said = asyncio.run(heard(secret, lambda: revoke_token(token=AccessToken.objects.get(), actor=people.alice)))
    assert (said[-1]["code"], said[-1]["reason"]) == (1008, "bad_token")
    said = asyncio.run(heard(token(people.charlie), lambda: Asset.objects.update(availability="on_application")))
    assert (said[-1]["code"], said[-1]["reason"]) == (1008, "service_not_found")


def test_a_socket_stays_open_meanwhile_and_says_that_a_replica_went_away(people: People, wicked: Make) -> None:
    checked: list[float] = []
    service = served(people, wicked(silent))
    secret = token(people.alice, "write")

    async def heard() -> list[dict[str, Any]]:
        async with gateway() as entrance:
            before = entrance._check

            async def counted(*args: Any, **options: Any) -> None:
                await before(*args, **options)
                checked.append(time.monotonic())

            entrance._check = counted  # type: ignore[method-assign]
            task = asyncio.ensure_future(join(entrance, service, secret))
            while len(checked) < 4:
                assert not task.done()
                await asyncio.sleep(0.02)
            task.cancel()
            return []

    asyncio.run(heard())
    gone = served(people, wicked(dropping), name="gone")

    async def lost() -> list[dict[str, Any]]:
        async with gateway() as entrance:
            return await join(entrance, gone, secret)

    assert asyncio.run(lost())[-1] == {"type": "websocket.close", "code": 1001}


def test_a_stream_is_cut_off_when_its_key_is_revoked_and_not_because_its_service_is_about_to_stop(people: People, wicked: Make) -> None:
    replica = wicked(endless)
    service = served(people, replica)
    _key, secret = make_key(service=service, actor=people.alice, name="shop")
    pieces = 0

    async def stream() -> None:
        async with gateway() as entrance:
            went = asyncio.ensure_future(
                call(entrance, f"{service.get_absolute_url()}/predict", headers={"authorization": f"Bearer {secret}"}, leave_after=count)
            )
            while pieces < 20:
                await asyncio.sleep(0.02)
            await in_thread(lambda: Service.objects.update(state="stopping"))
            before = pieces
            while pieces < before + 30:
                assert not went.done()
                await asyncio.sleep(0.02)
            await in_thread(revoke, service, people)
            # An answer that has begun is cut off: the web server closes the connection of an application that raises.
            with pytest.raises(ConnectionAbortedError, match="bad_key"):
                await asyncio.wait_for(went, 30)

    def count(answer: Any) -> bool:
        nonlocal pieces
        pieces = len(answer.pieces)
        return False

    asyncio.run(stream())
    assert replica.cut.wait(30)

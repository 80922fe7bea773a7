"""Request ids, addresses and log lines, also for answers that Django never sees."""

import json
import logging
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from asgiref.testing import ApplicationCommunicator

from core.requests import JsonFormatter, Origin, RequestIdFilter, origin, working
from jobs.bell import run
from jobs.models import Job
from jobs.services import handler
from portal.access import AccessLog
from portal.asgi import application
from repos.transfer import ByteTransfer, TransferHandler
from toolchain.inference.gateway import Gateway


def ask(served: Any, *, headers: tuple[tuple[bytes, bytes], ...] = (), proxies: int = 0) -> dict[str, Any]:
    """Return the head of the answer to a GET by 192.0.2.1."""

    async def answer() -> dict[str, Any]:
        scope = {"type": "http", "method": "GET", "path": "/x", "headers": list(headers), "client": ("192.0.2.1", 5000)}
        communicator = ApplicationCommunicator(AccessLog(served, trusted_proxies=proxies), scope)
        await communicator.send_input({"type": "http.request", "body": b""})
        head: dict[str, Any] = await communicator.receive_output()
        await communicator.wait()
        return head

    return async_to_sync(answer)()


async def plain(scope: Any, receive: Any, send: Any) -> None:
    """Tells who asks, without Django."""
    logging.getLogger("plain").warning("working")
    await send({"type": "http.response.start", "status": 200, "headers": [(b"x-seen", f"{scope['client'][0]} {origin().ip}".encode())]})
    await send({"type": "http.response.body", "body": b""})


def header(head: dict[str, Any], name: bytes) -> list[str]:
    return [value.decode() for key, value in head["headers"] if key == name]


def test_answer_below_django_carries_one_id() -> None:
    assert header(ask(plain, headers=((b"x-request-id", b"abcdefgh-1"),)), b"x-request-id") == ["abcdefgh-1"]
    assert len(header(ask(plain), b"x-request-id")[0]) == 20


@pytest.mark.parametrize("given", [b"short", b"has blanks in it", b"x" * 65, b"line\nbreak-1234"])
def test_malformed_id_is_replaced(given: bytes) -> None:
    assert header(ask(plain, headers=((b"x-request-id", given),)), b"x-request-id") != [given.decode()]


def test_log_lines_below_django_carry_the_id(caplog: pytest.LogCaptureFixture) -> None:
    caplog.handler.addFilter(RequestIdFilter())
    with caplog.at_level(logging.INFO):
        ask(plain, headers=((b"x-request-id", b"abcdefgh-1"),))

    assert [(record.name, record.request_id) for record in caplog.records if record.name in ("plain", "gallery.access")] == [  # type: ignore[attr-defined]
        ("plain", "abcdefgh-1"),
        ("gallery.access", "abcdefgh-1"),
    ]


@pytest.mark.parametrize(
    ("proxies", "forwarded", "seen"),
    [
        (0, b"203.0.113.9", "192.0.2.1"),
        (1, b"203.0.113.9", "203.0.113.9"),
        (1, b"6.6.6.6, 203.0.113.9", "203.0.113.9"),
        (2, b"6.6.6.6, 203.0.113.9, 10.0.0.1", "203.0.113.9"),
        (2, b"203.0.113.9", "192.0.2.1"),
        (1, b"2001:db8::1", "2001:db8::1"),
        (1, b"not an address", "192.0.2.1"),
        (1, b"", "192.0.2.1"),
    ],
)
def test_client_behind_proxies(proxies: int, forwarded: bytes, seen: str) -> None:
    head = ask(plain, headers=((b"x-forwarded-for", forwarded),), proxies=proxies)

    assert header(head, b"x-seen") == [f"{seen} {seen}"]


def test_json_lines_are_objects_with_the_id() -> None:
    record = logging.LogRecord("room", logging.WARNING, "f.py", 1, "%s 行", ("one",), None)
    with working(Origin("abcdefgh-1")):
        RequestIdFilter().filter(record)

    line = json.loads(JsonFormatter().format(record))

    assert {key: line[key] for key in ("level", "logger", "request_id", "message")} == {
        "level": "WARNING",
        "logger": "room",
        "request_id": "abcdefgh-1",
        "message": "one 行",
    }


@pytest.mark.django_db
def test_lines_of_a_job_carry_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    monkeypatch.setattr("jobs.services.HANDLERS", {})
    handler("test")(lambda job: seen.append(origin().request_id))
    job = Job.objects.create(kind="test")

    run.apply(args=[job.pk])

    assert seen == [f"job-{job.pk}"]
    assert origin().request_id == ""


def test_downloads_leave_django_early() -> None:
    assert isinstance(application, AccessLog)
    assert isinstance(application.application, ByteTransfer)
    assert isinstance(application.application.application, Gateway)
    assert isinstance(application.application.application.application, TransferHandler)

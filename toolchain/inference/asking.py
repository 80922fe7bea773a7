"""Calling a service for a page, in the name of the person who looks at it: the way of those without script."""

import asyncio
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from threading import Lock
from typing import Any

from asgiref.sync import async_to_sync
from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import gettext as _

from core.errors import envelope
from core.problems import Problem
from toolchain.inference.gateway import Gateway
from toolchain.inference.models import Service

PATIENCE = 60
"""Seconds that a page waits for an answer."""
MOST = 4 << 20
"""Bytes of an answer that are kept; what comes after is not waited for."""
MOST_AT_ONCE = 16
"""Pages of one web process that wait for answers: each keeps a thread from other pages."""
ROOM = 4
"""JSON is laid out where it takes at most so many times its room then, as deeply nested answers do not."""
SHOWN = ("content-type", "content-length", "retry-after", "x-ag-error", "x-ag-seconds", "x-ag-queue-seconds", "x-request-id")


@dataclass(frozen=True)
class Reply:
    """The answer of a service: `cut` says that it goes on behind `body`, or would have if it had come in time."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float
    cut: bool = False

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @cached_property
    def text(self) -> str:
        """The body as text, JSON laid out where that has room."""
        text = self.body.decode("utf-8", "replace")
        if self.json is None:
            return text
        pieces, left = list[str](), max(len(text), 16 << 10) * ROOM
        with suppress(RecursionError):
            for piece in json.JSONEncoder(ensure_ascii=False, indent=2).iterencode(self.json):
                pieces.append(piece)
                left -= len(piece)
                if left < 0:
                    return text
            return "".join(pieces)
        return text

    @cached_property
    def json(self) -> Any:
        """The body as JSON, None where it is none."""
        try:
            found = json.loads(self.body)
            if b"\\ud" in self.body.lower():
                # Halves of characters, which JSON can name, stand in no page.
                found = json.loads(json.dumps(found, ensure_ascii=False).encode("utf-8", "replace"))
        except (ValueError, RecursionError):
            return None
        return found

    @property
    def is_text(self) -> bool:
        kind = self.headers.get("content-type", "").partition(";")[0]
        return kind.startswith("text/") or kind.endswith("json") or not self.body

    @property
    def shown(self) -> list[tuple[str, str]]:
        """The headers that say something about the answer."""
        return [(name, self.headers[name]) for name in SHOWN if name in self.headers]

    @property
    def problem(self) -> str:
        """The sentence of a refusal, empty where the answer is none."""
        if self.ok:
            return ""
        found = self.json if isinstance(self.json, dict) else {}
        error = found.get("error")
        if isinstance(error, dict):
            return str(error.get("message", ""))[:2000]
        return str(found.get("detail", ""))[:2000]


def ask(request: HttpRequest, service: Service, path: str, body: bytes, content_type: str) -> Reply:
    """Return the answer of a service to a POST of the person behind `request`, as the gateway gives it: it asks who they are and counts."""
    with _place() as free:
        if not free:
            return _refused("gateway_busy", _("The gallery passes on as many requests as it can. Try again in a moment."), 503)
        return async_to_sync(_ask)(
            request.META.get("HTTP_COOKIE", ""), request.META.get("HTTP_ACCEPT_LANGUAGE", ""), service, path, body, content_type
        )


class _Enough(Exception):
    """As much of an answer has come as is kept."""


_counting = Lock()
_waiting = 0


@contextmanager
def _place() -> Iterator[bool]:
    """Say whether one page more may wait for an answer, and count it meanwhile."""
    global _waiting
    with _counting:
        free = _waiting < MOST_AT_ONCE
        _waiting += free
    try:
        yield free
    finally:
        with _counting:
            _waiting -= free


def _refused(code: str, sentence: str, status: int) -> Reply:
    body = json.dumps(envelope(Problem(code, sentence, status=status)), ensure_ascii=False).encode()
    return Reply(status, {"content-type": "application/json"}, body, 0.0)


async def _ask(cookie: str, language: str, service: Service, path: str, body: bytes, content_type: str) -> Reply:
    gateway, start = Gateway(None), time.monotonic()
    status, headers, pieces, size = 0, dict[str, str](), list[bytes](), 0
    sent = cut = False
    given = {
        "cookie": cookie, "accept-language": language, "accept": "application/json", "content-type": content_type,
        "content-length": str(len(body)), "origin": settings.PUBLIC_URL, "x-ag-timeout": str(min(PATIENCE, service.request_limit)),
    }  # fmt: skip
    address = f"/services/{service.namespace.handle}/{service.name}{path}"
    scope = {
        "type": "http", "method": "POST", "path": address, "raw_path": address.encode(), "query_string": b"", "scheme": "http",
        "headers": [(name.encode(), value.encode("latin-1", "replace")) for name, value in given.items()],
    }  # fmt: skip

    async def receive() -> dict[str, Any]:
        nonlocal sent
        if sent:
            # Whoever looks at the page waits until its end.
            await asyncio.Event().wait()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        nonlocal status, size
        if message["type"] == "http.response.start":
            status = message["status"]
            headers.update({name.decode("latin-1").lower(): value.decode("latin-1") for name, value in message["headers"]})
        elif message.get("body"):
            if size < MOST:
                pieces.append(message["body"][: MOST - size])
            size += len(message["body"])
            if size > MOST:
                raise _Enough

    try:
        async with asyncio.timeout(PATIENCE):
            await gateway(scope, receive, send)
    except (_Enough, TimeoutError):
        cut = True
    finally:
        await gateway.counts.flush()
        await gateway.wires.close()
    if not status:
        return _refused("timeout", _("The service did not answer in time."), 504)
    return Reply(status, headers, b"".join(pieces), time.monotonic() - start, cut)

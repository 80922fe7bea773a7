"""Calling a service for a page, in the name of the person who looks at it: the way of those without script."""

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from asgiref.sync import async_to_sync
from django.conf import settings
from django.http import HttpRequest

from toolchain.inference.gateway import Gateway
from toolchain.inference.models import Service

PATIENCE = 60
"""Seconds that a page waits for an answer."""
MOST = 4 << 20
"""Bytes of an answer that are kept."""
SHOWN = ("content-type", "content-length", "retry-after", "x-ag-error", "x-ag-seconds", "x-ag-queue-seconds", "x-request-id")


@dataclass(frozen=True)
class Reply:
    """The answer of a service: `cut` says that it is longer than `body`."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float
    cut: bool = False

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def text(self) -> str:
        """The body as text, JSON laid out."""
        text = self.body.decode("utf-8", "replace")
        if self.json is None:
            return text
        return json.dumps(self.json, ensure_ascii=False, indent=2)

    @property
    def json(self) -> Any:
        """The body as JSON, None where it is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None

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
    return async_to_sync(_ask)(
        request.META.get("HTTP_COOKIE", ""), request.META.get("HTTP_ACCEPT_LANGUAGE", ""), service, path, body, content_type
    )


async def _ask(cookie: str, language: str, service: Service, path: str, body: bytes, content_type: str) -> Reply:
    gateway, start = Gateway(None), time.monotonic()
    status, headers, pieces, size = 0, dict[str, str](), list[bytes](), 0
    sent = False
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

    try:
        await gateway(scope, receive, send)
    finally:
        await gateway.counts.flush()
        await gateway.wires.close()
    return Reply(status, headers, b"".join(pieces), time.monotonic() - start, size > MOST)

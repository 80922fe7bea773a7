"""What every request gets, whoever answers it: an id, the client's true address, a line in the log."""

import logging
import time
from collections.abc import Awaitable, Callable
from ipaddress import ip_address
from typing import Any

from django.conf import settings

from core.requests import Origin, request_id, working

logger = logging.getLogger("gallery.access")

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

QUIET = ("/healthz", "/readyz", "/static/")


class AccessLog:
    """Wraps an ASGI application."""

    def __init__(self, application: Application, trusted_proxies: int | None = None) -> None:
        self.application = application
        self.trusted_proxies = settings.TRUSTED_PROXIES if trusted_proxies is None else trusted_proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.application(scope, receive, send)
            return
        identity = request_id(_header(scope, b"x-request-id"))
        client = self._client(scope)
        others = [(name, value) for name, value in scope["headers"] if name.lower() != b"x-request-id"]
        scope = {**scope, "client": client, "headers": [*others, (b"x-request-id", identity.encode())]}
        begun = time.monotonic()
        status = 0

        async def send_with_id(message: dict[str, Any]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = [(name, value) for name, value in message.get("headers", ()) if bytes(name).lower() != b"x-request-id"]
                message = {**message, "headers": [*headers, (b"x-request-id", identity.encode())]}
            await send(message)

        with working(Origin(identity, client[0] if client else None)):
            try:
                await self.application(scope, receive, send_with_id)
            finally:
                if not scope["path"].startswith(QUIET):
                    took = (time.monotonic() - begun) * 1000
                    logger.info("%s %s %s %.0fms", scope["method"], scope["path"], status or "aborted", took)

    def _client(self, scope: Scope) -> tuple[str, int] | None:
        """Return who is calling: what the outermost trusted proxy saw, else the peer of the connection."""
        peer: tuple[str, int] | None = tuple(scope["client"]) if scope.get("client") else None
        if not self.trusted_proxies:
            return peer
        seen = [address.strip() for address in _header(scope, b"x-forwarded-for").split(",")]
        if len(seen) < self.trusted_proxies:  # came past a proxy: nobody we trust wrote the header
            return peer
        try:
            return str(ip_address(seen[-self.trusted_proxies])), 0
        except ValueError:
            return peer


def _header(scope: Scope, name: bytes) -> str:
    return ",".join(bytes(value).decode("latin-1") for key, value in scope["headers"] if bytes(key).lower() == name)

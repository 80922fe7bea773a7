"""What is known about the request being served: its id and where it came from, in every response and log line."""

import json
import logging
import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse

_WELL_FORMED = re.compile(r"\A[A-Za-z0-9._-]{8,64}\Z")


@dataclass(frozen=True)
class Origin:
    """Where the current work comes from; empty outside a request."""

    request_id: str = ""
    ip: str | None = None


_current: ContextVar[Origin] = ContextVar("origin", default=Origin())


def origin() -> Origin:
    """Return the origin of the request being served in this context."""
    return _current.get()


@contextmanager
def working(origin: Origin) -> Iterator[None]:
    """Let everything inside the block count as coming from `origin`."""
    token = _current.set(origin)
    try:
        yield
    finally:
        _current.reset(token)


def request_id(given: str = "") -> str:
    """Return `given` where it is well-formed, else a new id."""
    return given if _WELL_FORMED.match(given) else secrets.token_hex(10)


class RequestContextMiddleware:
    """Give every request an id, taken from a well-formed `X-Request-Id` or made here, and return it as `X-Request-Id`."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        identity = request_id(request.headers.get("X-Request-Id", ""))
        request.request_id = identity  # type: ignore[attr-defined]
        with working(Origin(identity, request.META.get("REMOTE_ADDR") or None)):
            response = self.get_response(request)
        response["X-Request-Id"] = identity
        return response


class RequestIdFilter(logging.Filter):
    """Add `request_id` to log records, `-` outside a request."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = origin().request_id or "-"
        return True


class JsonFormatter(logging.Formatter):
    """Write a record as one JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname,
            "logger": record.name,
            "request_id": getattr(record, "request_id", "-"),
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)

"""Whether this process lives and whether the gallery can work: `/healthz` and `/readyz`, for probes and for people."""

import logging
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooSlow

from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse

from jobs.bell import HEARTBEAT_KEY
from repos.backends.base import StoreError
from repos.blobs import store

logger = logging.getLogger(__name__)

TIMEOUT_SECONDS = 5


class NotReady(Exception):
    """A part that cannot work; the message is a short reason that names no address and no secret."""


def database() -> None:
    """Raise unless the database answers."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    finally:
        connection.close()


def redis() -> None:
    """Raise unless Redis answers."""
    from redis import Redis

    with Redis.from_url(settings.REDIS_ADDRESS, socket_connect_timeout=2, socket_timeout=2) as client:
        client.ping()


def blob_store() -> None:
    """Raise unless large files can be read and, in a folder, written."""
    blobs = store()
    if path := blobs.local_path("probe"):
        if not os.access(path.parent, os.W_OK | os.X_OK):
            raise NotReady("folder not writable")
        return
    try:
        next(blobs.open("probe"), None)
    except StoreError as error:
        if error.code != "blob_missing":
            raise NotReady(error.code) from error


def worker() -> None:
    """Raise unless a worker was heard of lately."""
    if not cache.get(HEARTBEAT_KEY):
        raise NotReady("no heartbeat")


PARTS: dict[str, Callable[[], None]] = {"database": database, "redis": redis, "blob_store": blob_store, "worker": worker}
_checks = ThreadPoolExecutor(max_workers=8, thread_name_prefix="readyz")


def readiness() -> dict[str, str]:
    """Return each part's state: `ok`, or in a few words why not."""
    asked = {name: _checks.submit(check_part, name) for name in PARTS}
    end = time.monotonic() + TIMEOUT_SECONDS
    states: dict[str, str] = {}
    for name, future in asked.items():
        try:
            states[name] = future.result(max(0.0, end - time.monotonic()))
        except TooSlow:
            states[name] = f"no answer within {TIMEOUT_SECONDS} seconds"
    return states


def check_part(name: str) -> str:
    """Return one part's state."""
    try:
        PARTS[name]()
    except NotReady as reason:
        return str(reason)
    except Exception as error:
        logger.warning("%s is not ready: %s", name, error)
        return f"failed ({type(error).__name__})"
    return "ok"


class HealthMiddleware:
    """Answers the two probes before anything else can refuse them: probes know no host name, no https and no session."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info == "/healthz":
            return _answer({"status": "ok"}, 200)
        if request.path_info == "/readyz":
            states = readiness()
            ready = all(state == "ok" for state in states.values())
            return _answer({"status": "ok" if ready else "not ready", "parts": states}, 200 if ready else 503)
        return self.get_response(request)


def _answer(content: dict[str, object], status: int) -> HttpResponse:
    response = JsonResponse(content, status=status)
    response["Cache-Control"] = "no-store"
    # A probe asks every few seconds: the part that is not ready has its own line in the log.
    response._has_been_logged = True  # type: ignore[attr-defined]
    return response

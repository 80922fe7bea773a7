"""Which replicas answer for a service now, remembered for a moment."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from asgiref.sync import sync_to_async
from django.db import connection

from toolchain.inference.models import Replica, Service

FRESH, STALE = 1.0, 3.0
"""Seconds for which what the database said is believed, and for which it is while it is asked again: nobody waits for that under load."""
FORGOTTEN = 300.0


@dataclass
class Upstream:
    """A replica that answers at `address`, and how many requests of this process it has."""

    pk: int
    address: str
    busy: int = 0


@dataclass
class Route:
    """A service as the gateway knows it: its row, the replicas of the generation that serves, and how many requests wait for one (`busy`)."""

    service: Service
    upstreams: list[Upstream] = field(default_factory=list)
    read_at: float = 0.0
    busy: int = 0

    def pick(self, without: Upstream | None = None) -> Upstream | None:
        """Return the replica with the fewest requests, other than `without` where there is another one."""
        choice = [each for each in self.upstreams if each is not without]
        return min(choice, key=lambda each: each.busy, default=None)


class Routes:
    """The routes of this process."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], Route] = {}
        self._reading: dict[tuple[str, str], asyncio.Task[Route | None]] = {}

    async def find(self, namespace: str, name: str, *, fresh: bool = False) -> Route | None:
        """Return the route to a service, None where there is no such service; many callers at once cause one query."""
        key = (namespace.lower(), name.lower())
        known = None if fresh else self._known.get(key)
        age = time.monotonic() - known.read_at if known is not None else STALE
        if known is not None and age < FRESH:
            return known
        task = self._reading.get(key)
        if task is None:
            task = self._reading[key] = asyncio.ensure_future(self._read(key))
            task.add_done_callback(lambda done: (self._reading.pop(key, None), done.cancelled() or done.exception()))
        # Where it seems to have no replica the answer must be news.
        return known if known is not None and age < STALE and known.upstreams else await asyncio.shield(task)

    async def _read(self, key: tuple[str, str]) -> Route | None:
        found = await in_thread(_query, *key)
        if found is None:
            self._known.pop(key, None)
            return None
        service, addresses = found
        route = self._known.get(key)
        before = {(each.pk, each.address): each for each in route.upstreams} if route else {}
        route = route or Route(service)
        route.service, route.read_at = service, time.monotonic()
        route.upstreams = [before.get(each) or Upstream(*each) for each in addresses]
        self._known[key] = route
        if len(self._known) > 1000:
            old = time.monotonic() - FORGOTTEN
            self._known = {key: each for key, each in self._known.items() if each.read_at > old}
        return route


def _query(namespace: str, name: str) -> tuple[Service, list[tuple[int, str]]] | None:
    service = Service.objects.at(namespace, name).select_related("namespace", "spec", "creator").first()
    if service is None:
        return None
    rows = Replica.objects.filter(generation=service.generation_id or 0, ready=True, wanted=True).exclude(run=None)
    return service, [(pk, address) for pk, address in rows.values_list("pk", "run__address") if address]


async def in_thread(function: Callable[..., Any], *args: Any) -> Any:
    """Run a function that uses the database in a thread, whose connection it gives back at the end."""

    def work() -> Any:
        try:
            return function(*args)
        finally:
            connection.close()

    return await sync_to_async(work, thread_sensitive=False)()

"""What is counted of the requests to services: kept in this process for a few seconds, then added to the minute's row."""

import asyncio
import bisect
import logging
from datetime import UTC, datetime
from typing import Any

from django.db import connection

from toolchain.inference.counts import FIELDS, Counts
from toolchain.inference.gateway.routes import in_thread
from toolchain.inference.models import LATENCIES, Minute, Service

logger = logging.getLogger(__name__)

FLUSH_SECONDS = 5
Minutes = dict[tuple[int, datetime], Counts]
"""What was counted of services, by their ids, in minutes."""


class Counting:
    """The counts of this process that are not in the database yet."""

    def __init__(self) -> None:
        self.minutes: Minutes = {}
        self._flushing: asyncio.Task[None] | None = None

    def add(self, service: Service, *, milliseconds: float, replicas: int, latency: bool = True, **counts: Any) -> None:
        """Count a request that is over; without `latency`, one that never reached a replica."""
        request = Counts(replicas=replicas, **counts)
        if latency:
            request.milliseconds = round(milliseconds)
            request.latencies[bisect.bisect_left(LATENCIES, milliseconds)] = 1
        self._add(service.pk, datetime.now(UTC).replace(second=0, microsecond=0), request)
        if self._flushing is None or self._flushing.done():
            self._flushing = asyncio.ensure_future(self._flush_soon())

    def _add(self, pk: int, minute: datetime, counts: Counts) -> None:
        self.minutes.setdefault((pk, minute), Counts()).add(counts)

    async def _flush_soon(self) -> None:
        while self.minutes:
            await asyncio.sleep(FLUSH_SECONDS)
            await self.flush()

    async def flush(self) -> None:
        """Add everything to the database now; what it does not take is tried again later."""
        minutes, self.minutes = self.minutes, {}
        try:
            await in_thread(_write, minutes)
        except Exception:
            logger.exception("counts of services could not be written")
            for (pk, minute), counts in minutes.items():
                self._add(pk, minute, counts)


def _write(minutes: Minutes) -> None:
    """Add counts to the rows of their minutes, as other processes do at the same time."""
    table = Minute._meta.db_table
    added = ", ".join(f"{name} = {table}.{name} + excluded.{name}" for name in FIELDS)
    columns = ["service_id", "at", *FIELDS, "replicas", "latencies"]
    known = set(Service.objects.filter(pk__in={pk for pk, _at in minutes}).values_list("pk", flat=True))
    with connection.cursor() as cursor:
        for (pk, at), counts in minutes.items():
            if pk not in known:
                continue
            values: list[Any] = [pk, at, *(getattr(counts, name) for name in FIELDS), counts.replicas, counts.latencies]
            cursor.execute(
                f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join(['%s'] * len(columns))}) ON CONFLICT (service_id, at) DO UPDATE SET "
                f"{added}, replicas = greatest({table}.replicas, excluded.replicas), "
                f"latencies = ARRAY(SELECT coalesce(a, 0) + coalesce(b, 0) FROM unnest({table}.latencies, excluded.latencies) AS pair(a, b))",
                values,
            )
            last = at.replace(second=59)
            cursor.execute(
                f"UPDATE {Service._meta.db_table} SET called_at = greatest(coalesce(called_at, %s), least(%s, now())) WHERE id = %s",
                [at, last, pk],
            )

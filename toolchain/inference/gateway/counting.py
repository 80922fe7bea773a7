"""What is counted of the requests to services: kept in this process for a few seconds, then added to the minute's row."""

import asyncio
import bisect
import logging
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.db import connection

from toolchain.inference.gateway.routes import in_thread
from toolchain.inference.models import LATENCIES, Minute, Service

logger = logging.getLogger(__name__)

FLUSH_SECONDS = 5
_FIELDS = (
    "requests", "errors", "refused", "milliseconds", "first_milliseconds", "first_count", "tokens_in", "tokens_out", "bytes_in", "bytes_out",
)  # fmt: skip


@dataclass
class Sum:
    """The counts of one service in one minute."""

    requests: int = 0
    errors: int = 0
    refused: int = 0
    milliseconds: int = 0
    first_milliseconds: int = 0
    first_count: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    replicas: int = 0
    latencies: list[int] = field(default_factory=lambda: [0] * (len(LATENCIES) + 1))


class Counts:
    """The counts of this process that are not in the database yet."""

    def __init__(self) -> None:
        self._sums: dict[tuple[int, datetime], Sum] = {}
        self._flushing: asyncio.Task[None] | None = None

    def add(self, service: Service, *, milliseconds: float, replicas: int, latency: bool = True, **counts: int) -> None:
        """Count a request that is over; without `latency`, one that never reached a replica."""
        sum = self._sums.setdefault((service.pk, datetime.now(UTC).replace(second=0, microsecond=0)), Sum())
        for name, value in counts.items():
            setattr(sum, name, getattr(sum, name) + value)
        sum.replicas = max(sum.replicas, replicas)
        if latency:
            sum.milliseconds += round(milliseconds)
            sum.latencies[bisect.bisect_left(LATENCIES, milliseconds)] += 1
        if self._flushing is None or self._flushing.done():
            self._flushing = asyncio.ensure_future(self._flush_soon())

    async def _flush_soon(self) -> None:
        while self._sums:
            await asyncio.sleep(FLUSH_SECONDS)
            await self.flush()

    async def flush(self) -> None:
        """Add everything to the database now; what it does not take is tried again later."""
        sums, self._sums = self._sums, {}
        try:
            await in_thread(_write, sums)
        except Exception:
            logger.exception("counts of services could not be written")
            for key, sum in sums.items():
                self._sums.setdefault(key, sum)


def _write(sums: dict[tuple[int, datetime], Sum]) -> None:
    """Add counts to the rows of their minutes, as other processes do at the same time."""
    table = Minute._meta.db_table
    added = ", ".join(f"{name} = {table}.{name} + excluded.{name}" for name in _FIELDS)
    columns = ["service_id", "at", *_FIELDS, "replicas", "latencies"]
    known = set(Service.objects.filter(pk__in={pk for pk, _at in sums}).values_list("pk", flat=True))
    with connection.cursor() as cursor:
        for (pk, at), sum in sums.items():
            if pk not in known:
                continue
            values: list[Any] = [pk, at, *(getattr(sum, name) for name in _FIELDS), sum.replicas, sum.latencies]
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

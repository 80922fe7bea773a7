"""What services did, from the rows of their minutes: sums over a stretch of time, in steps, and percentiles."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import nan
from typing import Any

from django.db.models import DateTimeField, Func, Max, Sum, Value

from toolchain.inference.models import LATENCIES, Minute

CLASSES = len(LATENCIES) + 1
FIELDS = (
    "requests",
    "errors",
    "refused",
    "milliseconds",
    "first_milliseconds",
    "first_count",
    "tokens_in",
    "tokens_out",
    "bytes_in",
    "bytes_out",
)
_ORIGIN = datetime(2020, 1, 1, tzinfo=UTC)


@dataclass
class Counts:
    """What happened in `seconds`; rates and times are NaN where nothing says them. Times are in seconds."""

    seconds: float = 0.0
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
    latencies: list[int] = field(default_factory=lambda: [0] * CLASSES)

    def add(self, other: "Counts") -> None:
        """Count what `other` counted as well."""
        for name in FIELDS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.replicas = max(self.replicas, other.replicas)
        self.latencies = [mine + its for mine, its in zip(self.latencies, other.latencies, strict=True)]

    @property
    def succeeded(self) -> int:
        return max(0, self.requests - self.errors - self.refused)

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds if self.seconds else nan

    @property
    def error_share(self) -> float:
        """The share of the requests that the service failed to answer."""
        return self.errors / self.requests if self.requests else nan

    @property
    def mean(self) -> float:
        """The average latency of the requests that reached a replica."""
        reached = sum(self.latencies)
        return self.milliseconds / reached / 1000 if reached else nan

    @property
    def first(self) -> float:
        """The average time until the first byte of a streamed answer."""
        return self.first_milliseconds / self.first_count / 1000 if self.first_count else nan

    @property
    def token_rate(self) -> float:
        """Tokens written a second."""
        return self.tokens_out / self.seconds if self.seconds else nan

    def percentile(self, share: float) -> float:
        """Return the latency that `share` of the requests stayed below, as `percentile` says."""
        return percentile(self.latencies, share)


def percentile(classes: Sequence[int], share: float) -> float:
    """Return a percentile in seconds of latencies that were counted by the classes of `LATENCIES`; NaN for none.

    Within a class they are taken as evenly spread, from its lower to its upper end, as Prometheus's `histogram_quantile` does. One
    that falls into the open last class is the lower end of that class.
    """
    total = sum(classes)
    if not total:
        return nan
    rank, before = share * total, 0
    for place, count in enumerate(classes):
        if count and before + count >= rank:
            if place >= len(LATENCIES):
                break
            low = LATENCIES[place - 1] if place else 0
            return (low + (LATENCIES[place] - low) * max(0.0, rank - before) / count) / 1000
        before += count
    return LATENCIES[-1] / 1000


class DateBin(Func):
    """PostgreSQL's `date_bin`: the beginning of the step that a moment falls into."""

    function = "date_bin"
    output_field = DateTimeField()

    def __init__(self, step: timedelta, moment: str, origin: datetime = _ORIGIN) -> None:
        super().__init__(Value(step), moment, Value(origin))


def counted(services: Iterable[int], start: datetime, end: datetime, step: timedelta) -> dict[int, dict[datetime, Counts]]:
    """Return what services did from `start` to `end`, by their ids and by the beginnings of steps in which something was counted. One query."""
    sums: dict[str, Any] = {f"sum_{name}": Sum(name) for name in FIELDS}
    classes = {f"class_{place}": Sum(f"latencies__{place}") for place in range(CLASSES)}
    rows: Any = (
        Minute.objects.filter(service__in=list(services), at__gte=start, at__lt=end)
        .order_by()
        .annotate(step=DateBin(step, "at"))
        .values("service_id", "step")
        .annotate(most=Max("replicas"), **sums, **classes)
    )
    found: dict[int, dict[datetime, Counts]] = {}
    for row in rows:
        values = {name: int(row[f"sum_{name}"] or 0) for name in FIELDS}
        latencies = [int(row[f"class_{place}"] or 0) for place in range(CLASSES)]
        counts = Counts(step.total_seconds(), **values, replicas=row["most"] or 0, latencies=latencies)
        found.setdefault(row["service_id"], {})[row["step"]] = counts
    return found


def step_at(moment: datetime, step: timedelta) -> datetime:
    """Return the beginning of the step that a moment falls into, as `DateBin` says."""
    return _ORIGIN + (moment - _ORIGIN) // step * step


def total(counts: Iterable[Counts], seconds: float) -> Counts:
    """Return the sum of counts, as what happened in `seconds`."""
    found = Counts(seconds)
    for each in counts:
        found.add(each)
    return found

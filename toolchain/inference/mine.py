"""The list of services of a person and of their organisations."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from django.db.models import Count
from django.utils import timezone

from toolchain.inference.counts import Counts, counted, step_at, total
from toolchain.inference.filters import ServiceFilter
from toolchain.inference.metrics import reading_of
from toolchain.inference.models import Replica, Service
from toolchain.inference.wording import doing, mark_of, status_of
from toolchain.lists import OwnedList
from toolchain.runs.queue import places_of

PATH = "/services"
HOURS = timedelta(hours=6)
STEP = timedelta(minutes=10)
LATELY = timedelta(minutes=15)
State = Service.State


@dataclass(frozen=True)
class Line:
    """A service of the list: `ready` of its replicas answer, `lately` is what it did in the last minutes, `hours` are requests by steps."""

    service: Service
    replicas: Sequence[Replica]
    place: int
    ready: int
    lately: Counts
    hours: Sequence[float]

    @property
    def mark(self) -> str:
        return mark_of(self.service, self.ready)

    @property
    def status(self) -> str:
        return status_of(self.service, self.ready)

    @property
    def text(self) -> str:
        """What it does now or waits for, or why it stands still."""
        return doing(self.service, self.replicas, self.place)

    @property
    def rate(self) -> float | None:
        """Requests a second, None for a service that does not run."""
        return self.lately.rate if self.service.state == State.RUNNING else None

    @property
    def slowest(self) -> str:
        """The latency that one request of a hundred exceeds, a dash without requests."""
        return reading_of(self.lately.percentile(0.99))

    @property
    def is_busy(self) -> bool:
        return any(self.hours)


class Mine(OwnedList[Service]):
    """The page of services that the person behind `request` may see."""

    kind, filters, path = Service, ServiceFilter, PATH

    @property
    def model(self) -> str:
        """The model whose services are shown, empty for all."""
        return self.given.get("model", "")

    @cached_property
    def lines(self) -> list[Line]:
        """The services of this page."""
        return lines_of(self.page.rows)

    @property
    def running(self) -> int:
        return self.counts[State.RUNNING]

    @property
    def starting(self) -> int:
        return self.counts[State.WAITING] + self.counts[State.DEPLOYING]

    @property
    def failed(self) -> int:
        return self.counts[State.FAILED]

    @cached_property
    def requests(self) -> int:
        """The requests of all the services one may see, in the last day."""
        now = timezone.now()
        wanted = Service.objects.for_user(self.user).order_by().values("pk")
        day = counted([row["pk"] for row in wanted], now - timedelta(days=1), now, timedelta(days=1))
        return sum(each.requests for steps in day.values() for each in steps.values())


def lines_of(services: Sequence[Service], now: datetime | None = None) -> list[Line]:
    """Return services as lines of a list; as many queries for one as for thirty."""
    now = now or timezone.now()
    wanted = [service.pk for service in services]
    replicas = newest_replicas(wanted)
    places = places_of(replica.run for rows in replicas.values() for replica in rows if replica.run is not None)
    hours = counted(wanted, step_at(now - HOURS, STEP), now, STEP)
    lately = counted(wanted, now - LATELY, now, timedelta(minutes=1))
    steps = [step_at(now, STEP) - STEP * back for back in range(HOURS // STEP, -1, -1)]
    ready = ready_of(wanted)
    return [
        Line(
            service,
            rows := replicas.get(service.pk, []),
            min((places.get(row.run_id or 0, 0) for row in rows if places.get(row.run_id or 0)), default=0),
            ready[service.pk] if service.state == State.RUNNING else 0,
            total(lately.get(service.pk, {}).values(), LATELY.total_seconds()),
            [float(found.requests) if (found := hours.get(service.pk, {}).get(step)) else 0.0 for step in steps],
        )
        for service in services
    ]


def newest_replicas(services: Sequence[int]) -> dict[int, list[Replica]]:
    """Return the replicas of the newest generation of each service that has some, by the ids of services."""
    rows = Replica.objects.filter(generation__service__in=services).exclude(generation__state__in=["gone", "draining"])
    found: dict[int, list[Replica]] = {}
    for row in rows.select_related("generation", "run__spec").order_by("-generation__number", "index"):
        known = found.setdefault(row.generation.service_id, [])
        if not known or known[0].generation_id == row.generation_id:
            known.append(row)
    return found


def ready_of(services: Sequence[int]) -> Counter[int]:
    """Return how many replicas answer for each service, by the ids of services."""
    rows = Replica.objects.filter(generation__service__in=services, ready=True, generation__state="serving").order_by()
    return Counter(dict(rows.values_list("generation__service").annotate(count=Count("pk"))))

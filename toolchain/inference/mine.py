"""The list of services of a person and of their organisations."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from django.db.models import Count, Q
from django.http import HttpRequest, QueryDict
from django.utils import timezone

from accounts.models import Namespace
from assets.places import places_for
from core.paging import Page, page_of
from core.problems import Problem
from toolchain.inference.counts import Counts, counted, step_at, total
from toolchain.inference.filters import ServiceFilter
from toolchain.inference.metrics import reading_of
from toolchain.inference.models import Replica, Service
from toolchain.inference.wording import doing, mark_of, status_of
from toolchain.runs.queue import places_of

PAGE_SIZE = 30
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


class Mine:
    """The page of services that the person behind `request` may see."""

    def __init__(self, request: HttpRequest) -> None:
        self.user: Any = request.user
        self.notices: list[str] = []
        self.given: QueryDict = request.GET
        self.filterset = ServiceFilter(request.GET, queryset=Service.objects.for_user(self.user).whole())
        if not self.filterset.is_valid():
            bad = dict(self.filterset.errors)
            self.notices += [str(message) for messages in bad.values() for message in messages]
            kept = request.GET.copy()
            for name in bad:
                kept.pop(name, None)
            self.given = kept
            self.filterset = ServiceFilter(kept, queryset=Service.objects.for_user(self.user).whole())

    @property
    def path(self) -> str:
        return PATH

    @property
    def query(self) -> str:
        return self.given.get("q", "")

    @property
    def model(self) -> str:
        """The model whose services are shown, empty for all."""
        return self.given.get("model", "")

    @property
    def states(self) -> list[tuple[str, Any, bool]]:
        """The states to choose from."""
        chosen = self.given.getlist("state")
        return [(value, name, value in chosen) for value, name in State.choices]

    @cached_property
    def places(self) -> list[tuple[str, str, bool]]:
        """The namespaces to choose from, where there is more than one's own."""
        chosen = {handle.lower() for handle in self.given.getlist("namespace")}
        members = Namespace.objects.for_user(self.user).filter(Q(pk=self.user.pk) | Q(organisation__memberships__user=self.user.pk))
        return [(row.handle, row.name, row.handle.lower() in chosen) for row in members.distinct().order_by("handle")]

    @property
    def is_narrowed(self) -> bool:
        return any(value for name in ("q", "state", "namespace", "model") for value in self.given.getlist(name))

    @cached_property
    def page(self) -> Page[Service]:
        try:
            return page_of(self.filterset.qs, self.filterset.order, cursor=self.given.get("cursor", ""), limit=PAGE_SIZE)
        except Problem as problem:
            self.notices.append(str(problem.detail))
            return page_of(self.filterset.qs, self.filterset.order, limit=PAGE_SIZE)

    @cached_property
    def lines(self) -> list[Line]:
        """The services of this page."""
        return lines_of(self.page.rows)

    @property
    def moves(self) -> bool:
        """Whether something of this page changes by itself."""
        return any(row.active for row in self.page.rows)

    @cached_property
    def counts(self) -> Counter[str]:
        """How many services there are of each state, whatever is filtered."""
        return Counter(dict(Service.objects.for_user(self.user).order_by().values_list("state").annotate(count=Count("pk"))))

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

    @property
    def may_start(self) -> bool:
        """Whether there is a namespace in which the person may deploy one."""
        return bool(places_for(self.user))

    @property
    def next_url(self) -> str:
        return self._address(self.page.next) if self.page.next else ""

    @property
    def previous_url(self) -> str:
        return self._address(self.page.previous) if self.page.previous else ""

    def _address(self, cursor: str) -> str:
        kept = self.given.copy()
        kept["cursor"] = cursor
        return f"{PATH}?{kept.urlencode()}"

    @property
    def address(self) -> str:
        """The address of this page, without what is empty."""
        kept = QueryDict(mutable=True)
        for name, values in self.given.lists():
            if found := [str(value) for value in values if value]:
                kept.setlist(name, found)
        return f"{PATH}?{kept.urlencode()}" if kept else PATH


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

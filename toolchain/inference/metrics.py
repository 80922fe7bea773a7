"""What a service did over a stretch of time, in figures and charts: section 12.5 of the specification."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from math import isnan, nan
from typing import Any

import numpy as np
from django.db.models import Avg, Max
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from core.numbers import NO_BREAK, compact
from core.plots import PIGMENTS, Curve, Plot
from toolchain.inference.counts import Counts, DateBin, counted, step_at, total
from toolchain.inference.engines import GENERATION
from toolchain.inference.finding import replicas_of
from toolchain.inference.models import Replica, Service
from toolchain.metrics.usage import Allowed, usage, with_gaps
from toolchain.models import Run, Sample

RANGES: Mapping[str, tuple[timedelta, Any]] = {
    "1h": (timedelta(hours=1), gettext_lazy("1 h")),
    "6h": (timedelta(hours=6), gettext_lazy("6 h")),
    "24h": (timedelta(hours=24), gettext_lazy("24 h")),
    "7d": (timedelta(days=7), gettext_lazy("7 d")),
    "30d": (timedelta(days=30), gettext_lazy("30 d")),
}
USUAL = "6h"
KEPT = timedelta(days=90)
POINTS = 360
STEPS = (60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 28_800, 43_200, 86_400)
"""Steps in seconds that a range is cut into: the first with at most `POINTS` of them."""
SAMPLED = 10
"""Seconds between two samples of what a run uses."""


@dataclass(frozen=True)
class Window:
    """A stretch of time and the steps it is cut into; `code` is one of `RANGES`, or "custom". `problem` says what is wrong with what was asked for."""

    code: str
    start: datetime
    end: datetime
    step: timedelta
    problem: str = ""

    @property
    def seconds(self) -> float:
        return (self.end - self.start).total_seconds()


def window_of(given: Mapping[str, str], now: datetime | None = None) -> Window:
    """Return the window that the parameters `range`, `from` and `to` ask for; moments without a zone are in the viewer's."""
    now = now or timezone.now()
    code, problem = given.get("range", "") or (USUAL if not given.get("from") else "custom"), ""
    if code == "custom":
        start, end = _moment(given.get("from", "")), _moment(given.get("to", "")) or now
        if start is None:
            problem = _("Choose when the time begins.")
        elif start >= min(end, now):
            problem = _("The beginning must lie before the end, and in the past.")
        else:
            return _window("custom", max(start, now - KEPT), min(end, now))
        code = USUAL
    if code not in RANGES:
        code = USUAL
    return _window(code, now - RANGES[code][0], now, problem)


def _window(code: str, start: datetime, end: datetime, problem: str = "") -> Window:
    seconds = (end - start).total_seconds()
    step = timedelta(seconds=next((step for step in STEPS if seconds / step <= POINTS), STEPS[-1]))
    return Window(code, start, end, step, problem)


def _moment(text: str) -> datetime | None:
    try:
        found = parse_datetime(text)
        if found is not None and timezone.is_naive(found):
            found = timezone.make_aware(found)
        return found.astimezone(UTC) if found is not None else None
    except (ValueError, OverflowError):
        return None


class Metrics:
    """What `service`, which was read for a viewer, did in the window that `given` asks for; `replica` narrows its use of machines."""

    def __init__(self, service: Service, given: Mapping[str, str], now: datetime | None = None) -> None:
        self.service, self.now = service, now or timezone.now()
        self.window = window_of(given, self.now)
        self._wanted = given.get("replica", "")

    @cached_property
    def _steps(self) -> dict[datetime, Counts]:
        window = self.window
        return counted([self.service.pk], step_at(window.start, window.step), window.end, window.step).get(self.service.pk, {})

    @cached_property
    def total(self) -> Counts:
        """What happened in the window."""
        seconds = (self.window.end - max(self.window.start, self.service.created_at)).total_seconds()
        return total(self._steps.values(), max(1.0, seconds))

    @cached_property
    def points(self) -> list[tuple[float, Counts]]:
        """The steps of the window since the service exists, each with its beginning in Unix time; also those in which nothing happened."""
        window, found = self.window, []
        moment = step_at(max(window.start, self.service.created_at), window.step)
        while moment < window.end:
            counts = self._steps.get(moment) or Counts()
            counts.seconds = max(1.0, (min(moment + window.step, window.end) - moment).total_seconds())
            found.append((moment.timestamp(), counts))
            moment += window.step
        return found

    @property
    def has_tokens(self) -> bool:
        """Whether it writes texts."""
        return any(counts.tokens_out or (counts.first_count and self.service.task == GENERATION) for _at, counts in self.points)

    @cached_property
    def _whole(self) -> list[tuple[float, Counts]]:
        """The steps that are over: in the one that runs, what is counted comes late."""
        ended = self.now.timestamp() - self.window.step.total_seconds()
        return [(at, counts) for at, counts in self.points if at <= ended] or self.points

    def _curve(self, name: str, value: Callable[[Counts], float], place: int = 0) -> Curve:
        x = [at for at, _counts in self._whole]
        return Curve(name, x, [value(counts) for _at, counts in self._whole], PIGMENTS[place % len(PIGMENTS)], dashed=place % 2 == 1)

    @cached_property
    def plots(self) -> list[Plot]:
        """The charts of requests."""

        def plot(id_: str, title: str, curves: Sequence[Curve], kind: Any = "number", unit: str = "", filled: bool = False) -> Plot:
            return Plot(
                id_, title, curves, axis="time", kind=kind, unit=unit, start=self.window.start.timestamp(), end=self.window.end.timestamp(), zero=True,
                filled=filled and len(curves) == 1, size="chart-sm",
            )  # fmt: skip

        per_second = _("/s")
        found = [
            plot(
                "latency", _("Latency"),
                [
                    self._curve(_("P50"), lambda counts: counts.percentile(0.5)),
                    self._curve(_("P95"), lambda counts: counts.percentile(0.95), 1),
                    self._curve(_("P99"), lambda counts: counts.percentile(0.99), 2),
                    self._curve(_("Average"), lambda counts: counts.mean, 3),
                ],
                "seconds",
            ),
            plot("requests", _("Requests"), [self._curve(_("Requests"), lambda counts: counts.rate)], unit=per_second, filled=True),
            plot(
                "outcomes", _("Answers"),
                [
                    self._curve(_("Succeeded"), lambda counts: float(counts.succeeded)),
                    self._curve(_("Failed (5xx)"), lambda counts: float(counts.errors), 3),
                    self._curve(_("Refused (4xx)"), lambda counts: float(counts.refused), 4),
                ],
                "count",
            ),
        ]  # fmt: skip
        if self.has_tokens:
            found += [
                plot("tokens", _("Tokens out"), [self._curve(_("Tokens out"), lambda counts: counts.token_rate)], unit=_("tokens/s"), filled=True),
                plot("first", _("First token"), [self._curve(_("First token"), lambda counts: counts.first)], "seconds", filled=True),
            ]  # fmt: skip
        found.append(
            plot(
                "replicas", _("Replicas that answered"), [self._curve(_("Replicas"), lambda counts: float(counts.replicas) or nan)], "count"
            )
        )
        return found

    @property
    def kpis(self) -> list[tuple[str, str]]:
        """Further figures of the window: what they are called and what they read."""
        found = self.total
        values = [
            (_("Average latency"), reading_of(found.mean)),
            (_("P50"), reading_of(found.percentile(0.5))),
            (_("P95"), reading_of(found.percentile(0.95))),
            (_("P99"), reading_of(found.percentile(0.99))),
            (_("Errors"), "–" if isnan(found.error_share) else f"{found.error_share:.2%}"),
        ]
        if self.has_tokens:
            values += [(_("First token"), reading_of(found.first)), (_("Tokens written"), compact(found.tokens_out))]
        return values

    @cached_property
    def replicas(self) -> list[Replica]:
        """The replicas that ran at some time in the window."""
        return [row for row in replicas_of(self.service) if row.run is not None and self._overlaps(row.run)]

    def _overlaps(self, run: Run) -> bool:
        return run.created_at < self.window.end and (run.ended_at is None or run.ended_at > self.window.start)

    @property
    def replica(self) -> Replica | None:
        """The replica that was chosen, None for all."""
        return next((row for row in self.replicas if str(row.pk) == self._wanted), None)

    @property
    def choices(self) -> list[tuple[int, str, bool]]:
        """The replicas to choose from."""
        chosen = self.replica
        return [(row.pk, name_of(row), row == chosen) for row in self.replicas]

    @cached_property
    def usage(self) -> list[Plot]:
        """What the chosen replica used of its machine, or all of them beside each other."""
        rows = [self.replica] if self.replica is not None else self.replicas[: len(PIGMENTS)]
        samples = self._samples(rows)
        if not any(samples.values()):
            return []
        start, end = self.window.start.timestamp(), self.window.end.timestamp()
        if len(rows) == 1:
            spec = rows[0].generation.spec
            allowed = Allowed(spec.vcpus, spec.memory << 30, spec.card_memory << 30)
            return usage(samples[rows[0].pk], allowed, start=start, end=end)
        return [
            Plot(
                f"usage-{code}", title, [self._used(row, samples[row.pk], value, place) for place, row in enumerate(rows)],
                axis="time", kind=kind, unit=unit, start=start, end=end, zero=True, size="chart-sm",
            )
            for code, title, kind, unit, value in self._quantities(samples)
        ]  # fmt: skip

    def _quantities(self, samples: Mapping[int, Sequence["Used"]]) -> list[tuple[str, str, Any, str, Callable[["Used"], float]]]:
        found: list[tuple[str, str, Any, str, Callable[[Used], float]]] = [
            ("cpu", _("CPU"), "number", "vCPU", lambda row: row.cpu),
            ("memory", _("Memory in use"), "memory", "", lambda row: float(row.memory)),
        ]
        if any(row.accelerators for rows in samples.values() for row in rows):
            found += [
                ("cards", _("Accelerator busy"), "share", "", lambda row: _mean([each[0] for each in row.accelerators])),
                ("card-memory", _("Accelerator memory"), "memory", "", lambda row: float(sum(each[1] for each in row.accelerators)) or nan),
            ]
        return found

    def _used(self, replica: Replica, rows: Sequence["Used"], value: Callable[["Used"], float], place: int) -> Curve:
        times = np.array([row.at.timestamp() for row in rows])
        x, y = with_gaps(times, np.array([value(row) for row in rows]), max(120.0, 3 * self._grain.total_seconds()))
        return Curve(name_of(replica), x.tolist(), y.tolist(), PIGMENTS[place], dashed=place % 2 == 1)

    @property
    def _grain(self) -> timedelta:
        return timedelta(seconds=max(SAMPLED, int(self.window.seconds / POINTS)))

    def _samples(self, rows: Sequence[Replica]) -> dict[int, list["Used"]]:
        """Return what replicas used, by their ids: of each step the mean of the processors and the most of the memory. Three queries at most."""
        runs = dict(Run.objects.filter(purpose="service", target__in=[row.pk for row in rows]).values_list("pk", "target"))
        taken = Sample.objects.filter(run__in=runs, at__gte=self.window.start, at__lt=self.window.end).annotate(
            step=DateBin(self._grain, "at")
        )
        cards: dict[tuple[int, datetime], Any] = {}
        if any(row.generation.spec.cards for row in rows):
            newest = taken.order_by("run", "step", "-at").distinct("run", "step").values_list("run_id", "step", "accelerators")
            cards = {(run, step): found for run, step, found in newest}
        found: dict[int, list[Used]] = {row.pk: [] for row in rows}
        steps = taken.order_by("step").values("run_id", "step").annotate(mean=Avg("cpu"), most=Max("memory"), last=Max("at"))
        for row in steps:
            used = Used(row["last"], row["mean"], row["most"], cards.get((row["run_id"], row["step"]), []))
            found[runs[row["run_id"]]].append(used)
        return found

    def as_json(self) -> dict[str, Any]:
        """Return the figures as REST shows them: times in seconds, None where nothing says them."""
        return {
            "start": self.window.start,
            "end": self.window.end,
            "step": int(self.window.step.total_seconds()),
            "total": figures(self.total),
            "steps": [{"at": datetime.fromtimestamp(at, UTC), **figures(counts)} for at, counts in self.points],
        }


@dataclass(frozen=True)
class Used:
    """What a replica used in a step."""

    at: datetime
    cpu: float
    memory: int
    accelerators: Sequence[Sequence[float]]


def name_of(replica: Replica) -> str:
    """Return what a replica is called: the number of its version and its own."""
    return f"#{replica.generation.number}.{replica.index}"


def figures(counts: Counts) -> dict[str, Any]:
    """Return counts as plain figures."""
    values = {
        "requests": counts.requests, "succeeded": counts.succeeded, "errors": counts.errors, "refused": counts.refused,
        "requests_per_second": counts.rate, "average": counts.mean, "p50": counts.percentile(0.5), "p95": counts.percentile(0.95),
        "p99": counts.percentile(0.99), "first_token": counts.first, "tokens_in": counts.tokens_in, "tokens_out": counts.tokens_out,
        "tokens_per_second": counts.token_rate, "bytes_in": counts.bytes_in, "bytes_out": counts.bytes_out, "replicas": counts.replicas,
    }  # fmt: skip
    return {
        name: None if isinstance(value, float) and isnan(value) else round(value, 6) if isinstance(value, float) else value
        for name, value in values.items()
    }


def reading_of(seconds: float) -> str:
    """Return a length of time as people read it: `38 ms`, `1.84 s`; a dash for none."""
    if isnan(seconds):
        return "–"
    milliseconds, unit = f"{seconds * 1000:.0f}", pgettext("unit of time", "ms")
    return f"{milliseconds}{NO_BREAK}{unit}" if seconds < 1 else f"{seconds:.2f}{NO_BREAK}{pgettext('unit of time', 's')}"


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else nan

"""What was counted of requests, as figures: percentiles, steps, ranges, charts."""

import asyncio
from datetime import UTC, datetime, timedelta
from math import isnan
from typing import Any

import pytest
from django.utils import timezone

from core.testing import api, assert_flat_queries, browser
from toolchain.inference.counts import CLASSES, Counts, counted, percentile, step_at, total
from toolchain.inference.gateway.counting import Counting
from toolchain.inference.metrics import Metrics, window_of
from toolchain.inference.models import LATENCIES, Service
from toolchain.inference.tests.factories import add_replica, count_minute, make_service, make_spec
from toolchain.models import Sample

NOW = datetime(2026, 11, 23, 12, 0, 30, tzinfo=UTC)


def classes(**numbers: int) -> list[int]:
    found = [0] * CLASSES
    for name, number in numbers.items():
        found[LATENCIES.index(int(name[1:])) if name != "more" else -1] = number
    return found


@pytest.mark.parametrize(
    ("counts", "share", "seconds"),
    [
        (classes(_10=10), 0.5, 0.0075), (classes(_10=10), 1.0, 0.010), (classes(_5=10), 0.5, 0.0025), (classes(_5=50, _100=50), 0.5, 0.005),
        (classes(_5=50, _100=50), 0.75, 0.075), (classes(_5=99, _60000=1), 0.99, 0.005), (classes(_5=99, _60000=1), 0.995, 50.0),
        (classes(more=3), 0.5, 60.0), (classes(_5=1, more=99), 0.99, 60.0), (classes(_1000=1), 0.0, 0.5),
    ],
)  # fmt: skip
def test_percentile_lies_within_its_class(counts: list[int], share: float, seconds: float) -> None:
    assert percentile(counts, share) == pytest.approx(seconds)


def test_nothing_counted_has_no_percentile_rate_or_mean() -> None:
    assert isnan(percentile([0] * CLASSES, 0.5))
    empty = Counts()
    assert all(isnan(value) for value in (empty.rate, empty.mean, empty.first, empty.error_share, empty.token_rate))


@pytest.mark.parametrize(
    ("given", "code", "hours", "step"),
    [
        ({}, "6h", 6, 60), ({"range": "1h"}, "1h", 1, 60), ({"range": "24h"}, "24h", 24, 300), ({"range": "7d"}, "7d", 168, 1800),
        ({"range": "30d"}, "30d", 720, 7200), ({"range": "odd"}, "6h", 6, 60),
        ({"range": "custom", "from": "2026-11-23T02:00", "to": "2026-11-23T12:00"}, "custom", 10, 120),
        ({"from": "2026-11-23T11:00:30+00:00"}, "custom", 1, 60),
    ],
)  # fmt: skip
def test_window_is_cut_into_steps(given: dict[str, str], code: str, hours: int, step: int) -> None:
    window = window_of(given, NOW)
    assert (window.code, window.seconds, window.step, window.problem) == (code, hours * 3600, timedelta(seconds=step), "")


@pytest.mark.parametrize(
    "given",
    [
        {"range": "custom"}, {"range": "custom", "from": "odd"}, {"range": "custom", "from": "2026-13-45T00:00"}, {"range": "custom", "from": "2027-01-01T00:00"},
        {"range": "custom", "from": "2026-11-20T00:00", "to": "2026-11-19T00:00"}, {"range": "custom", "from": "0001-01-01T00:00:00+14:00", "to": "0001-01-01T00:00"},
    ],
)  # fmt: skip
def test_bad_window_says_so_and_shows_the_usual_one(given: dict[str, str]) -> None:
    window = window_of(given, NOW)
    assert window.code == "6h"
    assert window.problem


@pytest.mark.django_db
def test_counts_are_summed_in_steps(alice: Any) -> None:
    service, other = make_service(alice), make_service(alice)
    for minute in range(10):
        count_minute(service, NOW - timedelta(minutes=minute), {10: 2, 1000: 1}, tokens_out=5, replicas=minute)
    count_minute(other, NOW, {5: 7})
    step = timedelta(minutes=5)
    found = counted([service.pk], NOW - timedelta(hours=1), NOW, step)[service.pk]
    assert {at: (each.requests, each.tokens_out, each.replicas) for at, each in found.items()} == {
        step_at(NOW, step): (3, 5, 0),
        step_at(NOW, step) - step: (15, 25, 5),
        step_at(NOW, step) - 2 * step: (12, 20, 9),
    }
    assert found[step_at(NOW, step)].latencies == classes(_10=2, _1000=1)


@pytest.mark.django_db
def test_charts_and_figures_of_a_service(alice: Any) -> None:
    service = make_service(alice, state="running")
    now = timezone.now()
    for minute in range(1, 31):
        count_minute(
            service, now - timedelta(minutes=minute), {100: 8, 2000: 1}, errors=1, refused=1, requests=11, first_count=9, first_milliseconds=900,
            tokens_out=600,
        )  # fmt: skip
    found = Metrics(service, {"range": "1h"}, now)
    assert (found.total.requests, found.total.succeeded, found.total.errors, found.total.refused) == (330, 270, 30, 30)
    assert found.total.mean == pytest.approx((800 + 2000) / 9 / 1000)
    assert found.total.first == pytest.approx(0.1)
    assert found.total.token_rate == pytest.approx(30 * 600 / 3600)
    assert [plot.id for plot in found.plots] == ["latency", "requests", "outcomes", "tokens", "first", "replicas"]
    requests = found.plots[1].curves[0].y
    assert len(requests) in (59, 60)
    assert sorted({round(value, 6) for value in requests}) == [0.0, round(11 / 60, 6)]
    text = browser(alice).get(f"/services/alice/{service.name}/-/metrics?range=1h").content.decode()
    assert "interpolated within a class" in text
    assert 'hx-trigger="every 30s"' in text


@pytest.mark.django_db
def test_use_of_machines_is_that_of_the_chosen_replica_or_of_all(alice: Any) -> None:
    spec = make_spec("1-gpu-24-cpu-8-32", accelerator="gpu", cards=1, card_memory=24, vcpus=8, memory=32)
    service = make_service(alice, state="running", replicas=2, most_replicas=2, spec=spec)
    now, replicas = timezone.now(), list(service.generations.get().replicas.all())
    for number, replica in enumerate(replicas):
        for minute in range(1, 5):
            for second in (0, 1):
                at = now - timedelta(minutes=minute, seconds=second)
                Sample.objects.create(run=replica.run, at=at, cpu=1 + number, memory=(second + 1) << 30, accelerators=[[0.5, 1 << 30]])
    both = Metrics(service, {"range": "24h"}, now)
    assert [plot.id for plot in both.usage] == ["usage-cpu", "usage-memory", "usage-cards", "usage-card-memory"]
    assert [curve.name for curve in both.usage[0].curves] == ["#1.0", "#1.1"]
    assert set(both.usage[0].curves[1].y) == {2.0}
    assert set(both.usage[1].curves[0].y) == {float(2 << 30)}
    one = Metrics(service, {"range": "24h", "replica": str(replicas[1].pk)}, now)
    assert [name for _pk, name, chosen in one.choices if chosen] == ["#1.1"]
    assert [plot.id for plot in one.usage] == ["usage-cpu", "usage-memory", "usage-cards", "usage-card-memory"]
    assert one.usage[0].limit == ("limit", 8)
    assert Metrics(service, {"replica": "odd"}, now).replica is None


@pytest.mark.django_db
def test_metrics_page_asks_as_much_for_ten_replicas_as_for_two(alice: Any) -> None:
    service = make_service(alice, state="running")
    generation, numbers = service.generations.get(), iter(range(1, 100))

    def add() -> None:
        replica = add_replica(generation, next(numbers), "running")
        Sample.objects.create(run=replica.run, at=timezone.now() - timedelta(minutes=2), cpu=1, memory=1)

    assert_flat_queries(f"/services/alice/{service.name}/-/metrics", add, client=browser(alice))


@pytest.mark.django_db
def test_metrics_as_json(alice: Any) -> None:
    service = make_service(alice, state="running")
    count_minute(service, timezone.now() - timedelta(minutes=2), {10: 4})
    answer = api(alice).get(f"/api/v1/services/alice/{service.name}/metrics?range=1h").json()
    assert (answer["step"], answer["total"]["requests"], answer["total"]["p50"], answer["total"]["first_token"]) == (60, 4, 0.0075, None)
    assert sum(step["requests"] for step in answer["steps"]) == 4
    assert api(alice).get(f"/api/v1/services/alice/{service.name}/metrics?range=odd").json()["errors"]["range"]
    assert api(alice).get(f"/api/v1/services/alice/{service.name}/metrics?range=custom").json()["errors"]["from"]


def test_what_the_database_does_not_take_is_kept_with_what_came_meanwhile() -> None:
    """This test has no database, so none takes anything."""
    counting, service = Counting(), Service(pk=1)

    async def story() -> None:
        counting.add(service, milliseconds=30, replicas=1, requests=1)
        flushing = asyncio.ensure_future(counting.flush())
        await asyncio.sleep(0)
        counting.add(service, milliseconds=30, replicas=2, requests=1)
        await flushing

    asyncio.run(story())
    kept = total(counting.minutes.values(), 60)
    assert (kept.requests, kept.replicas, kept.milliseconds) == (2, 2, 60)

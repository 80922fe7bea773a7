import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import translation

from core.plots import draw
from toolchain.metrics.usage import Allowed, usage, with_gaps

START = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)


@dataclass
class Sample:
    at: datetime
    cpu: float = 1.5
    memory: int = 2_000_000_000
    accelerators: tuple = ()


@pytest.fixture(autouse=True)
def english():
    with translation.override("en"):
        yield


def samples(count, **options):
    return [Sample(START + timedelta(seconds=10 * place), **options) for place in range(count)]


def test_cpu_and_memory_have_their_limits_and_share_a_range():
    charts = usage(samples(30), Allowed(cpus=4, memory=8 << 30), start=START.timestamp(), end=START.timestamp() + 600)
    assert [chart.title for chart in charts] == ["CPU", "Memory in use"]
    assert [chart.limit for chart in charts] == [("limit", 4), ("limit", 8 << 30)]
    assert {(chart.left, chart.right) for chart in charts} == {(START.timestamp(), START.timestamp() + 600)}
    cpu, memory = charts
    assert (cpu.scale.unit, cpu.scale.high, memory.scale.unit, memory.scale.high) == ("\u00a0vCPU", 4, "\u00a0GiB", 8)
    assert 'aria-label="Memory in use. Memory in use latest 1.86\u00a0GiB' in draw(memory)
    assert "limit 8\u00a0GiB" in draw(memory)


def test_each_card_has_its_line_in_the_order_of_the_cards():
    charts = usage(samples(3, accelerators=((0.5, 10), (0.25, 20))), Allowed(card_memory=16 << 30))
    assert [chart.title for chart in charts] == ["CPU", "Memory in use", "Accelerator busy", "Accelerator memory"]
    busy, memory = charts[2:]
    assert [(curve.name, list(curve.y)) for curve in busy.curves] == [("Card 0", [0.5] * 3), ("Card 1", [0.25] * 3)]
    assert [list(curve.y) for curve in memory.curves] == [[10.0] * 3, [20.0] * 3]
    assert (busy.scale.unit, memory.limit) == ("%", ("limit", 16 << 30))


def test_card_that_came_later_begins_with_a_gap():
    rows = [*samples(1), Sample(START + timedelta(seconds=10), accelerators=((0.5, 1),))]
    busy = usage(rows)[2]
    assert math.isnan(busy.curves[0].y[0]) and busy.curves[0].y[1] == 0.5


def test_silence_is_a_gap():
    x, y = with_gaps([0, 10, 500, 510], [1, 2, 3, 4])
    assert x.tolist() == [0, 10, 10, 500, 510]
    assert y.tolist()[:2] == [1, 2] and math.isnan(y[2]) and y.tolist()[3:] == [3, 4]


def test_days_of_samples_are_few_points_and_keep_their_peak():
    rows = samples(50_000)
    rows[31_000].memory = 7_000_000_000
    memory = usage(rows)[1]
    assert len(memory.curves[0].x) <= 600
    assert max(memory.curves[0].y) == 7e9
    assert memory.limit is None


def test_run_without_samples_has_empty_charts():
    assert [chart.has_values for chart in usage([])] == [False, False]
    assert "<figure" in draw(usage([])[0])

"""Edges of histogram bins that people can read: at most twenty bins between round numbers or moments."""

import math
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise

BINS = 20
UNIT_BINS = 30
SECOND = 1_000_000
DAY = 86_400 * SECOND
_MOMENTS = [
    *(factor * 10**power for power in range(6) for factor in (1, 2, 5)),
    *(SECOND * seconds for seconds in (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200)),
    *(DAY * days for days in (1, 2, 7, 14)),
]
_MONTHS = (1, 2, 3, 6, 12, 24, 60, 120, 240, 600, 1200, 2400, 6000)


def of_numbers(low: float, high: float, *, whole: bool) -> list[float]:
    """Return edges from at most `low` to at least `high`: whole numbers fewer than 30 apart get a bin each, up to `high` + 1."""
    if whole and high - low < UNIT_BINS:
        return [*range(int(low), int(high) + 2)]
    if low == high:
        return [low, high]
    step = _step(Decimal(high) / BINS - Decimal(low) / BINS, whole)
    first = math.floor(Decimal(low) / step)
    count = 1
    while (first + count) * step < Decimal(high):
        count += 1
    convert = int if whole else float
    edges = [convert((first + index) * step) for index in range(count + 1)]
    # Between neighbouring floats round numbers can fall together, and beyond the largest there is only infinity.
    kept = [edge for edge, following in pairwise([*edges, math.inf]) if edge < following]
    return kept if len(kept) > 1 and all(map(math.isfinite, kept)) else [low, high]


def _step(least: Decimal, whole: bool) -> Decimal:
    power = Decimal(10) ** least.adjusted()
    factors = (Decimal(1), Decimal(2), Decimal("2.5"), Decimal(5), Decimal(10))
    steps = [factor * power for factor in factors if not whole or factor * power == int(factor * power)]
    return next((step for step in steps if step >= least), steps[-1])


def of_moments(low: int, high: int) -> list[int]:
    """Return edges in microseconds since 1970, at round times or at firsts of months."""
    least = (high - low) / BINS
    step = next((step for step in _MOMENTS if step >= least), None)
    if step is None:
        months = next((months for months in _MONTHS if months * 30 * DAY >= least), _MONTHS[-1])
        edges = list(_months(low, high, months))
        if edges:
            return edges
        return [int(edge) for edge in of_numbers(low, high, whole=True)]
    # Weeks start on Mondays; the epoch was a Thursday.
    shift = 4 * DAY if step % (7 * DAY) == 0 else 0
    first = (low - shift) // step * step + shift
    return [first + index * step for index in range((high - first) // step + 2)]


def _months(low: int, high: int, months: int) -> Iterator[int]:
    try:
        start = datetime.fromtimestamp(low // SECOND, UTC)
        number = (start.year * 12 + start.month - 1) // months * months
        edges: list[int] = []
        while not edges or edges[-1] <= high:
            edges.append(int(datetime(number // 12, number % 12 + 1, 1, tzinfo=UTC).timestamp()) * SECOND)
            number += months
    except (ValueError, OverflowError, OSError):
        return
    yield from edges

"""Scales of drawings: round steps, what stands beside them, and units."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil, floor, isfinite, log2, log10
from typing import Literal

from django.utils import formats, timezone
from django.utils.translation import pgettext

from core import numbers

Kind = Literal["number", "count", "bytes", "memory", "share", "seconds"]
"""What values are: plain numbers, whole ones, bytes in powers of 1000 or (memory) of 1024, shares of one shown as per cent, or lengths of time."""
Tick = tuple[float, str]
"""Where a mark stands, and what stands beside it."""

_BINARY = ("KiB", "MiB", "GiB", "TiB")
_ROUND = (1.0, 2.0, 2.5, 5.0, 10.0)
_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200)
_QUARTER = 900
_NEAREST = 1e-300
"""Nearer to nought floats have too few digits for the steps of a scale."""
"""No clock is set by less."""
_DAY = 86400
_DAYS = (1, 2, 7, 14, 30, 90, 180, 365)


@dataclass(frozen=True)
class Scale:
    """A vertical scale from `low` to `high`, both of them round; values are divided by `factor` first and have the unit `unit`.

    `digits` is how many decimals values are read out with, -1 where they need powers of ten.
    """

    low: float
    high: float
    step: float
    factor: float
    unit: str
    digits: int

    @property
    def labels(self) -> list[str]:
        """What stands beside the scale, from its top down, at even distances."""
        count = round((self.high - self.low) / self.step)
        return _labels([self.high - place * self.step for place in range(count + 1)], self.step)

    def text(self, value: float) -> str:
        """Return a value, divided already, as people read it."""
        return f"{value:.3e}" if self.digits < 0 else f"{value:,.{self.digits}f}"


def scale(values: Sequence[float], *, kind: Kind = "number", unit: str = "", zero: bool = False, steps: int = 4) -> Scale:
    """Return a round scale on which all finite `values` lie; from zero on where `zero` asks for it and nothing is below."""
    known = [value for value in values if isfinite(value)] or [0.0]
    least, most = min(known), max(known)
    factor, suffix = _unit(kind, unit, max(abs(least), abs(most)))
    least, most = least / factor, most / factor
    if zero:
        least, most = min(least, 0.0), max(most, 0.0)
    if most - least <= max(abs(most) * 1e-9, _NEAREST):
        room = abs(most) * 0.1 if abs(most) > _NEAREST else 1.0
        least, most = (least if zero and least == 0 else least - room), most + room
    step = round_step((most - least) / steps)
    if kind == "count":
        step = float(ceil(step))
    low, high = floor(least / step + 1e-9) * step, ceil(most / step - 1e-9) * step
    far = max(abs(low), abs(high)) >= 1e15 or step < 1e-6
    digits = -1 if far else 0 if kind == "count" else max(0, -floor(log10(step / 100) + 1e-9))
    return Scale(low, high, step, factor, suffix, digits)


def _unit(kind: Kind, unit: str, most: float) -> tuple[float, str]:
    if kind == "share":
        return 0.01, "%"
    if kind == "seconds":
        return (
            (0.001, numbers.NO_BREAK + pgettext("unit of time", "ms"))
            if most < 1
            else (1.0, numbers.NO_BREAK + pgettext("unit of time", "s"))
        )
    if kind == "bytes":
        power = min(max(floor(log10(most) / 3), 1), len(numbers.UNITS)) if most >= 1 else 1
        return 1000.0**power, numbers.NO_BREAK + numbers.UNITS[power - 1]
    if kind == "memory":
        power = min(max(floor(log2(most) / 10), 1), len(_BINARY)) if most >= 1 else 1
        return 1024.0**power, numbers.NO_BREAK + _BINARY[power - 1]
    return 1.0, f"{numbers.NO_BREAK}{unit}" if unit else ""


def round_step(rough: float) -> float:
    """Return the next of 1, 2, 2.5, 5 times a power of ten that is not below `rough`."""
    power = 10.0 ** floor(log10(rough))
    return next(step for step in _ROUND if step * power >= rough * (1 - 1e-9)) * power


def _labels(values: Sequence[float], step: float) -> list[str]:
    values = [0.0 if abs(value) < step / 1000 else value for value in values]
    most = max(map(abs, values))
    if most >= 1e15 or (most < 1e-4 and most > 0):
        return [f"{value:.3g}" for value in values]
    if most >= 10_000:
        short = [numbers.compact(round(value)) for value in values]
        if len(set(short)) == len(short):
            return short
    digits = next((digits for digits in range(6) if abs(round(step, digits) - step) < step / 1000), 6)
    return [f"{value:,.{digits}f}" for value in values]


def number_ticks(start: float, end: float, steps: int = 5) -> list[Tick]:
    """Return round numbers from `start` to `end`."""
    step = max(round_step((end - start) / steps), 1.0) if end - start >= 1 else round_step((end - start) / steps)
    first = ceil(start / step - 1e-9)
    values = [place * step for place in range(first, floor(end / step + 1e-9) + 1)]
    return list(zip(values, _labels(values, step), strict=True)) if values else []


def elapsed_ticks(start: float, end: float, steps: int = 5) -> list[Tick]:
    """Return round lengths of time from `start` to `end`, in seconds."""
    step = _time_step((end - start) / steps)
    return [(place * step, numbers.duration(place * step)) for place in range(ceil(start / step), floor(end / step) + 1)]


def time_ticks(start: float, end: float, steps: int = 5) -> list[Tick]:
    """Return round moments of the viewer's time zone from `start` to `end` (Unix time): clock times, and the day where one begins."""
    step = _time_step((end - start) / steps)
    zone = timezone.get_current_timezone()
    began = datetime.fromtimestamp(start, zone)
    moments: Iterable[float]
    if step <= _QUARTER:
        ahead = (began.utcoffset() or timedelta()).total_seconds()
        first = ceil((start + ahead) / step) * step - ahead
        moments = (first + place * step for place in range(int((end - first) // step) + 1))
    else:
        # By the clock on the wall, which changes in between where clocks are set.
        day = began.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
        walls = (day + timedelta(seconds=place * step) for place in range(int((end - start + 2 * _DAY) // step) + 2))
        moments = (wall.replace(tzinfo=zone).timestamp() for wall in walls)
    ticks: list[Tick] = []
    for at in moments:
        if start <= at <= end and (not ticks or at - ticks[-1][0] >= step / 2):
            ticks.append((at, _moment(datetime.fromtimestamp(at, zone), step)))
    return ticks


def _moment(wall: datetime, step: int) -> str:
    if step >= _DAY or (wall.hour, wall.minute, wall.second) == (0, 0, 0):
        return numbers.month_and_day(wall)
    return formats.date_format(wall, "H:i" if step >= 60 else "H:i:s")


def _time_step(rough: float) -> int:
    for step in _STEPS:
        if step >= rough:
            return step
    return next((days for days in _DAYS if days * _DAY >= rough), ceil(rough / _DAY)) * _DAY

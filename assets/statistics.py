"""Figures by day: who looked at an asset, and who fetched from it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from assets.models import Asset, DailyViews
from core import charts, numbers
from core.problems import Problem
from repos.models import DailyDownloads

PERIODS = (30, 90)
"""The days that pages offer."""
LONGEST = 365


@dataclass(frozen=True)
class Line:
    """One figure: viewers a day, each counted once, and the sum of the equally long period before."""

    name: str
    pigment: str
    counts: Sequence[int]
    before: int

    @property
    def total(self) -> int:
        return sum(self.counts)

    @property
    def change(self) -> int | None:
        """The change against the period before in per cent, None where nobody came then."""
        return round((self.total - self.before) * 100 / self.before) if self.before else None

    @property
    def shown_change(self) -> str:
        """The change with its sign, such as `+14%`."""
        return "" if self.change is None else f"{self.change:+d}%".replace("-", "\u2212")


@dataclass(frozen=True)
class Statistics:
    """Views and downloads of the last days, today included (UTC)."""

    days: Sequence[date]
    views: Line
    downloads: Line

    @property
    def lines(self) -> tuple[Line, Line]:
        return self.views, self.downloads

    @property
    def has_some(self) -> bool:
        """Whether anybody came at all."""
        return any(line.total for line in self.lines)

    @property
    def chart(self) -> SafeString:
        """Both as one chart."""
        top = _round_up(max(max(line.counts) for line in self.lines))
        marks = [self.days[round(index * (len(self.days) - 1) / 3)] for index in range(4)]
        figure = charts.Figure(
            id="c-days",
            title=_("Views and downloads a day"),
            series=[charts.Series(line.name, line.pigment, list(line.counts), dashed=line is self.downloads) for line in self.lines],
            low=0,
            high=top,
            y_labels=[numbers.compact(top * step // 3) if step else "0" for step in (3, 2, 1, 0)],
            x_labels=[date_format(mark, "MONTH_DAY_FORMAT") for mark in marks],
            positions=[f"{day:%m-%d}" for day in self.days],
            digits=0,
            size="chart-xs no-title",
            x_name=_("Day"),
        )
        return mark_safe(charts.line(figure))


def statistics_of(asset: Asset, days: int = PERIODS[0], today: date | None = None) -> Statistics:
    """Return the figures of an asset that was read for a viewer."""
    today = today or timezone.now().date()
    shown = [today - timedelta(days=before) for before in range(days - 1, -1, -1)]
    views = _by_day(DailyViews.objects.filter(asset=asset.pk), shown)
    downloads = _by_day(DailyDownloads.objects.filter(repository=asset.repository_id), shown)
    return Statistics(shown, _line(_("Views"), "azurite", views, shown), _line(_("Downloads"), "malachite", downloads, shown))


def period_of(text: str) -> int:
    """Return a number of days as pages offer it; anything else is the shortest."""
    return next((days for days in PERIODS if text == str(days)), PERIODS[0])


def days_of(text: str) -> int:
    """Return a number of days that a program asked for, 1 to 365; anything else is a `bad_days`."""
    if not (text.isascii() and text.isdigit() and len(text) < 4 and 1 <= int(text) <= LONGEST):
        raise Problem("bad_days", _("“days” must be a number from 1 to %(most)s.") % {"most": LONGEST})
    return int(text)


def _by_day(rows: Any, shown: Sequence[date]) -> Mapping[date, int]:
    first = shown[0] - timedelta(days=len(shown))
    return dict(rows.filter(day__gte=first, day__lte=shown[-1]).values_list("day", "count"))


def _line(name: str, pigment: str, counts: Mapping[date, int], shown: Sequence[date]) -> Line:
    before = sum(count for day, count in counts.items() if day < shown[0])
    return Line(name, pigment, [counts.get(day, 0) for day in shown], before)


def _round_up(value: int) -> int:
    """Return the next number above `value` that divides into three even steps: 3, 6, 9, 15, 30, 60 …"""
    step, scale = 3, 1
    while step * scale < value:
        step = {3: 6, 6: 9, 9: 15}.get(step, 3)
        scale *= 10 if step == 3 else 1
    return step * scale

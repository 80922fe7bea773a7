"""How often an asset is fetched: the figures of its page, and the column that lists sort by."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import OuterRef, Subquery, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from assets.models import Asset
from core import charts, numbers
from repos.models import DailyDownloads, Repository

DAYS = 30


@dataclass(frozen=True)
class Downloads:
    """The last 30 days, today included (UTC): viewers a day, their sum, and the sum of the 30 days before."""

    days: Sequence[date]
    counts: Sequence[int]
    before: int

    @property
    def total(self) -> int:
        return sum(self.counts)

    @property
    def change(self) -> int | None:
        """The change against the period before in per cent, None where nobody fetched anything then."""
        return round((self.total - self.before) * 100 / self.before) if self.before else None

    @property
    def shown_change(self) -> str:
        """The change with its sign, such as `+14%`."""
        return "" if self.change is None else f"{self.change:+d}%".replace("-", "\u2212")

    @property
    def chart(self) -> SafeString:
        """The counts as a chart."""
        top = _round_up(max(self.counts))
        marks = [self.days[round(index * (DAYS - 1) / 3)] for index in range(4)]
        figure = charts.Figure(
            id="c-dl",
            title=_("Downloads a day"),
            series=[charts.Series(_("Downloads"), "malachite", list(self.counts))],
            low=0,
            high=top,
            y_labels=[numbers.compact(top * step // 3) if step else "0" for step in (3, 2, 1, 0)],
            x_labels=[_day(mark) for mark in marks],
            positions=[f"{day:%m-%d}" for day in self.days],
            digits=0,
            size="chart-xs no-title",
            x_name=_("Day"),
        )
        return mark_safe(charts.line(figure))


def downloads_of(repository: Repository, today: date | None = None) -> Downloads:
    """Return the downloads of a repository that was opened for a viewer."""
    today = today or timezone.now().date()
    first = today - timedelta(days=DAYS - 1)
    rows = DailyDownloads.objects.filter(repository=repository, day__gt=first - timedelta(days=DAYS + 1), day__lte=today)
    by_day = {row.day: row.count for row in rows}
    days = [first + timedelta(days=number) for number in range(DAYS)]
    before = sum(by_day.get(day - timedelta(days=DAYS), 0) for day in days)
    return Downloads(days, [by_day.get(day, 0) for day in days], before)


def tally(today: date | None = None) -> int:
    """Bring `Asset.downloads` up to date everywhere and return how many assets changed."""
    today = today or timezone.now().date()
    recent = DailyDownloads.objects.filter(repository=OuterRef("repository"), day__gt=today - timedelta(days=DAYS), day__lte=today)
    total = Coalesce(Subquery(recent.order_by().values("repository").annotate(total=Sum("count")).values("total")), 0)
    return Asset.objects.annotate(fresh=total).exclude(downloads=total).update(downloads=total)


def _round_up(value: int) -> int:
    """Return the next number above `value` that divides into three even steps: 3, 6, 9, 15, 30, 60 …"""
    step, scale = 3, 1
    while step * scale < value:
        step = {3: 6, 6: 9, 9: 15}.get(step, 3)
        scale *= 10 if step == 3 else 1
    return step * scale


def _day(day: date) -> str:
    return date_format(day, "MONTH_DAY_FORMAT")

"""Numbers, sizes and moments as people read them, in the language of the page."""

import re
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

from django.utils import formats, timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext, ngettext, pgettext

UNITS = ("KB", "MB", "GB", "TB", "PB", "EB")
NO_BREAK = "\u00a0"
_SIZE = re.compile(r"(?P<amount>[0-9]{1,18}(?:\.[0-9]{1,6})?)\s*(?:(?P<unit>[KMGTPE])(?P<binary>I)?)?B?")


def _round(value: Decimal, digits: int) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP)


def _scaled(value: int, step: int) -> tuple[Decimal, int]:
    """Return `value` divided by the largest power of `step` not above it, and the power."""
    power, number = 0, Decimal(value)
    while abs(number) >= step:
        number /= step
        power += 1
    return number, power


def _chinese() -> bool:
    return (get_language() or "").startswith("zh")


def size(value: int) -> str:
    """Return a number of bytes as B, KB, MB … in steps of 1000: `742 B`, `18.2 KB`, `524 MB`, `4.98 GB`."""
    number, power = _scaled(int(value), 1000)
    if power == 0:
        return f"{int(value)}{NO_BREAK}B"
    fine = 2 if power > 2 and number < 10 else 1 if number < 100 else 0
    number = _round(number, fine)
    if number >= 1000 and power < len(UNITS):
        number, power = Decimal("1.0") if power < 2 else Decimal("1.00"), power + 1
    return f"{number}{NO_BREAK}{UNITS[power - 1]}"


def bytes_in(text: str) -> int:
    """Return the number of bytes that somebody wrote as `500 GB`, `16MiB` or a plain number. Raises `ValueError`."""
    found = _SIZE.fullmatch(text.strip().upper())
    if found is None:
        raise ValueError(f"{text!r} is not a size.")
    step = 1024 if found["binary"] else 1000
    return int(Decimal(found["amount"]) * Decimal(step) ** ("KMGTPE".index(found["unit"]) + 1 if found["unit"] else 0))


def compact(value: int) -> str:
    """Return a count in little room: `988`, `128.4K`, `2.3M` in English, `988`, `2,345`, `12.8 万`, `1.3 亿` in Chinese."""
    value = int(value)
    if _chinese():
        if abs(value) < 10_000:
            return grouped(value)
        number, power = _scaled(value, 10_000)
        number = _round(number, 1)
        if number >= 10_000:
            number, power = Decimal("1.0"), power + 1
        return f"{_short(number)}{NO_BREAK}{('', '万', '亿', '万亿')[min(power, 3)]}"
    number, power = _scaled(value, 1000)
    if power == 0:
        return str(value)
    number = _round(number, 1)
    if number >= 1000:
        number, power = Decimal("1.0"), power + 1
    return f"{_short(number)}{('', 'K', 'M', 'B', 'T')[min(power, 4)]}"


def _short(number: Decimal) -> str:
    return f"{number:f}".removesuffix(".0")


def parameters(value: int) -> str:
    """Return a parameter count in three digits: `31.4 M`, `568 M`, `7.50 B`."""
    number, power = _scaled(int(value), 1000)
    if power == 0:
        return str(value)
    number = _round(number, 2 if number < 10 else 1 if number < 100 else 0)
    return f"{number}{NO_BREAK}{('', 'K', 'M', 'B', 'T')[min(power, 4)]}"


def grouped(value: int) -> str:
    """Return a whole number with thousands set apart: `7,503,876,096`."""
    return f"{int(value):,}"


def figure(value: float) -> str:
    """Return a measured value in four digits: `0.8424`, `11.48`, `11,480`, `3.2e-07`."""
    if not value or 1e-4 <= abs(value) < 1e12:
        whole = len(str(int(abs(value)))) if abs(value) >= 1 else 0
        return f"{value:,.{max(0, 4 - whole)}f}"
    return f"{value:.3g}"


def date(moment: datetime) -> str:
    """Return the day in the site's time zone: `22 Nov 2026`, `2026-11-22`."""
    return str(formats.date_format(timezone.localtime(moment), "DATE_FORMAT"))


def month_and_day(day: datetime) -> str:
    """Return the day without its year, as it stands on an axis: `22 Nov`, `11-22`."""
    return str(formats.date_format(day, "m-d" if _chinese() else "j M"))


def date_and_time(moment: datetime) -> str:
    """Return day, minute and zone: `22 Nov 2026, 14:05 UTC`, `2026-11-22 14:05 UTC`."""
    local = timezone.localtime(moment)
    return f"{formats.date_format(local, 'DATETIME_FORMAT')}{NO_BREAK}{local.tzname()}"


def ago(moment: datetime, now: datetime | None = None) -> str:
    """Return how long ago `moment` is, up to 30 days; the date after that and for days to come."""
    now = now or timezone.now()
    passed = now - moment
    if passed < timedelta(minutes=-1) or passed > timedelta(days=30):
        return date(moment)
    minutes = int(passed.total_seconds() // 60)
    if minutes < 1:
        return gettext("just now")
    if minutes < 60:
        return ngettext("%(count)s minute ago", "%(count)s minutes ago", minutes) % {"count": minutes}
    days = (timezone.localtime(now).date() - timezone.localtime(moment).date()).days
    if minutes < 24 * 60 and (days == 0 or minutes < 12 * 60):
        hours = minutes // 60
        return ngettext("%(count)s hour ago", "%(count)s hours ago", hours) % {"count": hours}
    if days <= 1:
        return gettext("yesterday")
    return ngettext("%(count)s day ago", "%(count)s days ago", days) % {"count": days}


def time_element(moment: datetime) -> SafeString:
    """Return a <time> element that reads as `ago` and carries the full moment."""
    return format_html('<time datetime="{}" title="{}">{}</time>', moment.isoformat(timespec="seconds"), date_and_time(moment), ago(moment))


def duration(seconds: float) -> str:
    """Return a length of time in its two largest units: `42 s`, `3 min 5 s`, `2 h 10 min`, `4 d 3 h`."""
    total = int(seconds)
    units = (
        (86400, pgettext("unit of time", "d")),
        (3600, pgettext("unit of time", "h")),
        (60, pgettext("unit of time", "min")),
        (1, pgettext("unit of time", "s")),
    )
    for position, (length, unit) in enumerate(units):
        if total >= length or length == 1:
            text = f"{total // length}{NO_BREAK}{unit}"
            if position + 1 < len(units) and (rest := total % length // units[position + 1][0]):
                text += f" {rest}{NO_BREAK}{units[position + 1][1]}"
            return text
    return ""

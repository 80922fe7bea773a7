"""The ledger: what each run used, by month, and what is left."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from django.db.models import Sum
from django.utils import timezone

from accounts.models import Namespace
from toolchain.models import Entry, Run, Spec

CENT = Decimal("0.0001")


def settle(run: Run) -> None:
    """Write down what `run` used up to now, a line for each month; nothing before its program was started. May be called again at any time."""
    if run.started_at is None:
        return
    price = Decimal(run.facts.get("price", "0"))
    for month, seconds in _months(run.started_at, run.ended_at or timezone.now()):
        amount = -(price * seconds / 3600).quantize(CENT)
        found = {"namespace_id": run.namespace_id, "kind": Entry.Kind.USE, "spec_id": run.spec_id, "what": run.title or run.key}
        Entry.objects.update_or_create(
            run=run,
            month=month,
            defaults={"seconds": seconds, "amount": amount},
            create_defaults={**found, "seconds": seconds, "amount": amount},
        )


def this_month() -> date:
    """Return the first day of the calendar month, in UTC."""
    return timezone.now().astimezone(UTC).date().replace(day=1)


def used(namespace: Namespace, spec: Spec | None = None) -> tuple[Decimal, Decimal]:
    """Return the hours and the money that a namespace used this month, of everything or of one spec."""
    rows = Entry.objects.filter(namespace=namespace, kind=Entry.Kind.USE, month=this_month())
    if spec is not None:
        rows = rows.filter(spec=spec)
    sums = rows.aggregate(seconds=Sum("seconds"), amount=Sum("amount"))
    return Decimal(sums["seconds"] or 0) / 3600, -(sums["amount"] or Decimal(0))


def balance(namespace: Namespace) -> Decimal:
    """Return the funds that are left."""
    return Entry.objects.filter(namespace=namespace).aggregate(sum=Sum("amount"))["sum"] or Decimal(0)


def _months(start: datetime, end: datetime) -> Iterator[tuple[date, int]]:
    start, end = start.astimezone(UTC), max(start, end).astimezone(UTC)
    while True:
        first = start.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        following = (first + timedelta(days=32)).replace(day=1)
        stop = min(end, following)
        yield first.date(), round((stop - start).total_seconds())
        if stop == end:
            return
        start = stop

"""Whether a namespace may use a spec now, and what that costs."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Namespace
from core.problems import Invalid
from toolchain.compute import ledger
from toolchain.compute.sizes import parse
from toolchain.models import Limit, Run, Spec

PURPOSES = {"training": "trainings", "service": "services"}
"""The column of `Limit` that counts each purpose of a run."""


@dataclass(frozen=True)
class Allowance:
    """What a namespace may use, of everything or of one spec; None is no limit."""

    trainings: int | None = None
    services: int | None = None
    hours: Decimal | None = None
    spend: Decimal | None = None


@dataclass(frozen=True)
class Objection:
    """Why a namespace may not use a spec now: a code, and a sentence that says what to do."""

    code: str
    sentence: str


@dataclass(frozen=True)
class Order:
    """What a run on a spec costs and what is left of the limits; None is no limit, or for `cost` no end.

    `price` is per hour in `currency`, `running` counts what runs for the namespace of the same purpose, `waiting` the runs in the queue for the
    same kind of machine. `objections` are in the way of submitting.
    """

    spec: Spec
    limit: int | None
    price: Decimal
    currency: str
    cost: Decimal | None
    hours_left: Decimal | None
    spend_left: Decimal | None
    balance: Decimal
    running: int
    running_limit: int | None
    waiting: int
    objections: tuple[Objection, ...]


_LACKS: dict[str, Any] = {
    "accelerator": gettext_lazy("The model needs %(least)s, and %(spec)s has another kind of accelerator."),
    "cards": gettext_lazy("The model needs at least %(least)s; %(spec)s has too few cards."),
    "card_memory": gettext_lazy("The model needs at least %(least)s; the cards of %(spec)s have too little memory."),
    "vcpus": gettext_lazy("The model needs at least %(least)s; %(spec)s has too few vCPUs."),
    "memory": gettext_lazy("The model needs at least %(least)s; %(spec)s has too little memory."),
}


def fits(spec: Spec, minimum: str) -> str:
    """Return why `spec` is below a model's minimum spec, given as its code; empty where it is enough.

    A minimum that states no size, one of the gallery's own list say, asks for nothing that can be compared.
    """
    least = parse(minimum) if minimum else None
    lack = spec.size.lacks(least) if least else ""
    return str(_LACKS[lack]) % {"least": least.words, "spec": spec.name} if least and lack else ""


def allowance(namespace: Namespace, spec: Spec | None = None) -> Allowance:
    """Return the limits of a namespace, those for one spec where it is given: its own, else those for all of its kind."""
    rows = Limit.objects.filter(Q(namespace=namespace) | Q(namespace=None, kind=namespace.kind), spec=spec)
    found: dict[str, Any] = {}
    for row in sorted(rows, key=lambda row: row.namespace_id is None):
        for name in ("trainings", "services", "hours", "spend"):
            if found.get(name) is None:
                found[name] = getattr(row, name)
    return Allowance(**found)


def room_for(namespace: Namespace, purpose: str, spec: Spec) -> str:
    """Return what a waiting run of `namespace` waits for besides a machine: "limit", "hours", "spend", "funds", or nothing."""
    column = PURPOSES.get(purpose)
    if column is None:
        return ""
    holding = Run.objects.holding().filter(namespace=namespace, purpose=purpose)
    for scope in (None, spec):
        allowed = allowance(namespace, scope)
        most = getattr(allowed, column)
        if most is not None and (holding.filter(spec=scope) if scope else holding).count() >= most:
            return "limit"
        if code := _used_up(namespace, scope, allowed):
            return code
    return "funds" if spec.price and ledger.balance(namespace) <= 0 else ""


def order_of(namespace: Namespace, spec: Spec, limit: int | None, *, purpose: str = "training", count: int = 1) -> Order:
    """Return what `count` runs on `spec`, for at most `limit` seconds each, cost `namespace`, and what is in the way."""
    scopes = [(scope, allowance(namespace, scope), ledger.used(namespace, scope)) for scope in (None, spec)]
    hours = [allowed.hours - used[0] for _scope, allowed, used in scopes if allowed.hours is not None]
    spend = [allowed.spend - used[1] for _scope, allowed, used in scopes if allowed.spend is not None]
    at_once = [most for _scope, allowed, _used in scopes if (most := getattr(allowed, PURPOSES[purpose])) is not None]
    cost = None if limit is None else (spec.price * limit * count / 3600).quantize(Decimal("0.01"))
    order = Order(
        spec=spec, limit=limit, price=spec.price, currency=settings.CURRENCY, cost=cost,
        hours_left=min(hours, default=None), spend_left=min(spend, default=None), balance=ledger.balance(namespace),
        running=Run.objects.holding().filter(namespace=namespace, purpose=purpose).count(), running_limit=min(at_once, default=None),
        waiting=Run.objects.waiting().filter(spec__runner=spec.runner, spec__accelerator=spec.accelerator).count(), objections=(),
    )  # fmt: skip
    objections = tuple(Objection(code, sentence) for code, sentence in _objections(namespace, order, purpose, count))
    return Order(**{**order.__dict__, "objections": objections})


def check_order(order: Order) -> None:
    """Raise `Invalid` with what is in the way of an order, if anything is."""
    if order.objections:
        raise Invalid({"limit" if each.code in ("limit_above_hours",) else "spec": [each.sentence] for each in reversed(order.objections)})


def _objections(namespace: Namespace, order: Order, purpose: str, count: int) -> Iterator[tuple[str, str]]:
    spec, hours = order.spec, None if order.limit is None else Decimal(order.limit) * count / 3600
    if not spec.enabled:
        yield "spec_withdrawn", _("This spec is not on offer any more. Choose another one.")
    elif spec.sold_out:
        yield "spec_sold_out", _("This spec is sold out. Choose another one, or come back later.")
    if order.running_limit == 0:
        yield "limit_zero", _("You may not run anything of this kind on this spec. Ask an administrator.")
    if order.hours_left is not None and order.hours_left <= 0:
        yield "hours_used_up", _("The hours of this month are used up. Ask an administrator for more, or wait for the next month.")
    elif order.hours_left is not None and hours is not None and hours > order.hours_left:
        yield (
            "limit_above_hours",
            _("Only %(hours)s hours are left this month. Set a shorter run time limit.") % {"hours": f"{order.hours_left:.1f}"},
        )
    if order.spend_left is not None and spec.price and (order.cost or spec.price * count) > order.spend_left:
        yield "spend_used_up", _("This costs more than may be spent this month. Choose a cheaper spec or a shorter run time limit.")
    if spec.price and order.balance < (order.cost or spec.price * count):
        yield "funds_missing", _("There are not enough funds for this spec. Ask an administrator to add some.")
    waiting = Run.objects.waiting().filter(namespace=namespace).count()
    if waiting + count > settings.RUN_QUEUE:
        yield "queue_full", _("%(count)s runs wait already. Wait until some of them have begun.") % {"count": waiting}


def _used_up(namespace: Namespace, scope: Spec | None, allowed: Allowance) -> str:
    if allowed.hours is None and allowed.spend is None:
        return ""
    hours, spend = ledger.used(namespace, scope)
    if allowed.hours is not None and hours >= allowed.hours:
        return "hours"
    return "spend" if allowed.spend is not None and spend >= allowed.spend else ""

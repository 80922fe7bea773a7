"""What somebody may compute with: specs, limits, what was used, and the ledger."""

from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any

from django.conf import settings
from django.http import HttpRequest

from accounts.models import Namespace
from core.paging import Order, Page, Pager, page_or_first
from toolchain.choices import kind_of_machine
from toolchain.compute import ledger
from toolchain.compute.limits import Allowance, allowance
from toolchain.lists import members_of
from toolchain.models import Entry, Run, Spec

PAGE_SIZE = 30
PATH = "/me/compute"
NEWEST = Order("newest", "id", kind=int)


@dataclass(frozen=True)
class Standing:
    """What a namespace used this month and may use; None in `allowed` is no limit."""

    allowed: Allowance
    hours: Decimal
    spend: Decimal
    balance: Decimal
    trainings: int
    services: int

    @property
    def hours_left(self) -> Decimal | None:
        return None if self.allowed.hours is None else max(Decimal(0), self.allowed.hours - self.hours)

    @property
    def spend_left(self) -> Decimal | None:
        return None if self.allowed.spend is None else max(Decimal(0), self.allowed.spend - self.spend)


def standing_of(namespace: Namespace) -> Standing:
    """Return what a namespace used this month, and what it may use."""
    hours, spend = ledger.used(namespace)
    holding = Run.objects.holding().filter(namespace=namespace)
    trainings, services = (holding.filter(purpose=purpose).count() for purpose in ("training", "service"))
    return Standing(allowance(namespace), hours, spend, ledger.balance(namespace), trainings, services)


class ComputePage(Pager):
    """What the person behind `request` may compute with, for themselves or for the organisation that `namespace` names."""

    path = PATH

    def __init__(self, request: HttpRequest) -> None:
        self.user: Any = request.user
        self.given = request.GET
        self.notices: list[str] = []

    @cached_property
    def namespaces(self) -> list[Namespace]:
        rows = list(members_of(self.user))
        return sorted(rows, key=lambda row: row.pk != self.user.pk)

    @cached_property
    def namespace(self) -> Namespace:
        """Whose use is shown."""
        wanted = self.given.get("namespace", "").lower()
        return next((row for row in self.namespaces if row.handle.lower() == wanted), self.namespaces[0])

    @cached_property
    def standing(self) -> Standing:
        return standing_of(self.namespace)

    @property
    def currency(self) -> str:
        return str(settings.CURRENCY)

    @cached_property
    def specs(self) -> list[tuple[str, list[Spec]]]:
        """The specs on offer by kind of machine."""
        groups: dict[str, list[Spec]] = {}
        for spec in Spec.objects.for_user(self.user).offered():
            groups.setdefault(kind_of_machine(spec.accelerator), []).append(spec)
        return list(groups.items())

    @cached_property
    def page(self) -> Page[Entry]:
        """The ledger, the newest entries first."""
        rows = Entry.objects.for_user(self.user).filter(namespace=self.namespace).select_related("spec", "run")
        return page_or_first(rows, NEWEST, cursor=self.given.get("cursor", ""), limit=PAGE_SIZE, notices=self.notices)

    @property
    def lines(self) -> list[tuple[Entry, Decimal | None]]:
        """The entries of this page, each with its hours."""
        return [(entry, Decimal(entry.seconds) / 3600 if entry.kind == Entry.Kind.USE else None) for entry in self.page.rows]

"""What staff do to compute: its specs, its limits, and the funds of namespaces. Every function leaves one audit row."""

from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.models import Namespace, User
from accounts.services import authorise, record
from core.problems import Invalid
from toolchain.compute.ledger import this_month
from toolchain.models import Entry, Limit, Spec

SPEC_FIELDS = (
    "code", "name_en", "name_zh", "accelerator", "cards", "card_memory", "vcpus", "memory", "architecture", "runner", "labels", "price",
    "sold_out", "enabled", "position",
)  # fmt: skip
LIMIT_FIELDS = ("namespace", "kind", "spec", "trainings", "services", "hours", "spend")
ADD_FUNDS = "toolchain.add_entry"


@transaction.atomic
def save_spec(*, actor: User, spec: Spec | None = None, **values: Any) -> Spec:
    """Return the new or changed spec. Specs are taken off offer, not deleted: jobs keep naming them. What runs keeps its price."""
    authorise(actor, "toolchain.change_spec" if spec else "toolchain.add_spec")
    row = Spec.objects.select_for_update().get(pk=spec.pk) if spec else Spec()
    changed = _change(row, values, SPEC_FIELDS)
    if spec and not changed:
        return row
    _save(row)
    verb = "edit" if spec else "create"
    record(actor=actor, verb=verb, target_kind="spec", target_id=row.pk, target=row.code, fields=changed)
    return row


@transaction.atomic
def save_limit(*, actor: User, limit: Limit | None = None, **values: Any) -> Limit:
    """Return the new or changed limit; it counts for everything that is submitted or begins from now on."""
    authorise(actor, "toolchain.change_limit" if limit else "toolchain.add_limit")
    row = Limit.objects.select_for_update().get(pk=limit.pk) if limit else Limit()
    changed = _change(row, values, LIMIT_FIELDS)
    if limit and not changed:
        return row
    _save(row)
    verb = "edit" if limit else "create"
    details = {name: getattr(row, name) for name in ("trainings", "services", "hours", "spend")}
    record(actor=actor, verb=verb, target_kind="limit", target_id=row.pk, target=str(row), **details)
    return row


@transaction.atomic
def remove_limit(*, actor: User, limit: Limit) -> None:
    """Lift a limit."""
    authorise(actor, "toolchain.delete_limit")
    key, name = limit.pk, str(limit)
    Limit.objects.filter(pk=key).delete()
    record(actor=actor, verb="delete", target_kind="limit", target_id=key, target=name)


@transaction.atomic
def add_funds(*, actor: User, namespace: Namespace, amount: Decimal, what: str = "") -> Entry:
    """Return a new line of the ledger with funds for a namespace; a negative amount takes some back. No line is ever changed."""
    authorise(actor, ADD_FUNDS)
    row = Entry(namespace=namespace, kind=Entry.Kind.CREDIT, what=what.strip(), month=this_month(), amount=amount)
    _save(row)
    record(
        actor=actor,
        verb="add_funds",
        target_kind="namespace",
        target_id=namespace.pk,
        target=namespace.handle,
        amount=str(amount),
        what=what,
    )
    return row


def _change(row: Any, values: dict[str, Any], fields: tuple[str, ...]) -> list[str]:
    """Give a row new values; return the names of those that differ."""
    changed = sorted(name for name, value in values.items() if name in fields and getattr(row, name) != value)
    for name in changed:
        setattr(row, name, values[name])
    return changed


def _save(row: Any) -> None:
    try:
        row.full_clean()
    except ValidationError as error:
        raise Invalid(error.message_dict) from error
    row.save()

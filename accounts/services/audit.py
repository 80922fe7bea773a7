"""Writing the audit trail, and proving that nobody rewrote it."""

import json
from collections.abc import Iterator
from ipaddress import ip_address
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, transaction
from django.utils import timezone

from accounts.models import AuditEvent, User
from accounts.models.audit import GENESIS
from core.requests import origin

AUDIT_LOCK = 0x6175646974  # "audit"


@transaction.atomic
def record(*, actor: User | None, verb: str, target_kind: str, target_id: object, target: str, **details: Any) -> None:
    """Append one row to the audit trail as part of the caller's transaction.

    Call it last before the commit: the chain is extended by one transaction at a time, so everybody else who records waits
    until the caller's transaction ends. `details` must be plain data; it holds names and numbers, never secrets.
    """
    event = AuditEvent(
        at=timezone.now(),
        actor_id=actor.pk if actor else None,
        actor=actor.handle if actor else "",
        verb=verb,
        target_kind=target_kind,
        target_id=str(target_id)[:64],
        target=_storable(target)[:255],
        ip=address_of(origin().ip),
        request_id=origin().request_id,
        details=plain(details),
    )
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [AUDIT_LOCK])
    event.previous_hash = AuditEvent.objects.order_by("-id").values_list("hash", flat=True).first() or GENESIS
    event.hash = event.computed_hash()
    event.save(force_insert=True)


def plain(details: dict[str, Any]) -> dict[str, Any]:
    """Return `details` as JSON that PostgreSQL can keep and that reads back as it was written."""
    found: dict[str, Any] = json.loads(json.dumps(details, cls=DjangoJSONEncoder), parse_float=str, object_hook=_storable_keys)
    return found


def _storable(text: str) -> str:
    """Return `text` as PostgreSQL can keep it: without NUL and lone surrogates."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def _storable_keys(found: dict[str, Any]) -> dict[str, Any]:
    return {_storable(key): _storable_value(value) for key, value in found.items()}


def _storable_value(value: Any) -> Any:
    if isinstance(value, str):
        return _storable(value)
    return [_storable_value(item) for item in value] if isinstance(value, list) else value


def address_of(given: str | None) -> str | None:
    """Return an IP address in its one written form, or None where the server is reached without one (a socket)."""
    try:
        return str(ip_address(given or ""))
    except ValueError:
        return None


class ChainBroken(Exception):
    """The row `event` does not fit the ones before it."""

    def __init__(self, event: AuditEvent, reason: str) -> None:
        super().__init__(reason)
        self.event = event


def chain() -> Iterator[AuditEvent]:
    """Yield every row of the trail, oldest first, each proven to follow the one before; raise `ChainBroken` at the first that does not."""
    previous = GENESIS
    for event in AuditEvent.objects.order_by("id").iterator(chunk_size=2000):
        if event.previous_hash != previous:
            raise ChainBroken(event, "it does not follow the row before it: a row was removed, added or moved")
        if event.hash != event.computed_hash():
            raise ChainBroken(event, "its content does not match its hash: it was changed")
        previous = event.hash
        yield event

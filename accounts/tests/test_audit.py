"""The audit trail: linked, append-only, provable."""

import io
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction

from accounts.models import AuditEvent
from accounts.models.audit import GENESIS
from accounts.services import record
from core.testing import browser


def note(actor: Any, target: str, **details: Any) -> None:
    record(actor=actor, verb="try", target_kind="thing", target_id=7, target=target, **details)


def tamper(sql: str, *values: Any) -> None:
    """Change the table as somebody could who owns the database."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE accounts_auditevent DISABLE TRIGGER USER")
        cursor.execute(sql, values)
        cursor.execute("ALTER TABLE accounts_auditevent ENABLE TRIGGER USER")


def test_rows_are_linked(alice: Any) -> None:
    note(alice, "first")
    note(None, "second", number=3)
    first, second = AuditEvent.objects.order_by("id")
    assert (first.previous_hash, second.previous_hash) == (GENESIS, first.hash)
    assert (first.actor_id, first.actor, second.actor_id, second.actor) == (alice.pk, "alice", None, "")
    assert second.details == {"number": 3}
    assert [first.hash, second.hash] == [first.computed_hash(), second.computed_hash()]


@pytest.mark.parametrize("sql", ["UPDATE accounts_auditevent SET actor = 'bob'", "DELETE FROM accounts_auditevent"])
def test_database_refuses_to_rewrite(alice: Any, sql: str) -> None:
    note(alice, "first")
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)
    assert AuditEvent.objects.get().actor == "alice"


def test_database_refuses_truncate_without_the_setting_of_the_tests(alice: Any) -> None:
    note(alice, "first")
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL gallery.allow_truncate = off")
        cursor.execute("TRUNCATE accounts_auditevent")
    assert AuditEvent.objects.count() == 1


def test_verify_audit_prints_the_proof(alice: Any) -> None:
    for number in range(3):
        note(alice, f"row {number}", text="中文 \x00 \ud800", nested={"share": 0.1, "list": [1, "\x00"]})
    last = AuditEvent.objects.order_by("-id")[0]
    out = io.StringIO()
    call_command("verify_audit", stdout=out)
    assert "3 rows" in out.getvalue() and last.hash in out.getvalue()


def test_verify_audit_of_an_empty_trail(db: None) -> None:
    out = io.StringIO()
    call_command("verify_audit", stdout=out)
    assert "0 rows" in out.getvalue()


@pytest.mark.parametrize(
    ("sql", "broken"),
    [
        ("UPDATE accounts_auditevent SET target = 'other' WHERE id = %s", 1),
        ("UPDATE accounts_auditevent SET details = '{\"a\": 1}' WHERE id = %s", 1),
        ("UPDATE accounts_auditevent SET at = at + interval '1 microsecond' WHERE id = %s", 1),
        ("DELETE FROM accounts_auditevent WHERE id = %s", 2),
    ],
)
def test_verify_audit_names_the_first_broken_row(alice: Any, sql: str, broken: int) -> None:
    for number in range(4):
        note(alice, f"row {number}")
    ids = list(AuditEvent.objects.order_by("id").values_list("id", flat=True))
    tamper(sql, ids[1])
    with pytest.raises(CommandError, match=f"Row {ids[broken]} ") as error:
        call_command("verify_audit")
    assert error.value.returncode == 1


def test_verify_audit_knows_a_hash_that_was_noted_earlier(alice: Any) -> None:
    note(alice, "first")
    known = AuditEvent.objects.get().hash
    note(alice, "second")
    out = io.StringIO()
    call_command("verify_audit", known=known, stdout=out)
    tamper("DELETE FROM accounts_auditevent")
    with pytest.raises(CommandError, match=known):
        call_command("verify_audit", known=known)


def test_rows_carry_address_and_request_id(alice: Any) -> None:
    client = browser(alice)
    client.post(
        "/me/profile",
        {"nickname": "Alice", "bio": "", "language": "en"},
        headers={"X-Request-Id": "my-request-1"},
        REMOTE_ADDR="2001:DB8::0001",
    )
    event = AuditEvent.objects.get(verb="edit")
    assert (event.ip, event.request_id) == ("2001:db8::1", "my-request-1")

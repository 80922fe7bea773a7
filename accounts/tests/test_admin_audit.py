"""The audit trail in the administration: filters, verification, export."""

import csv
import io
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import AuditEvent
from accounts.services import record, set_standing
from core.sheets import cell
from core.testing import browser, person

pytestmark = pytest.mark.django_db
LIST = "/admin/accounts/auditevent/"


def note(actor: Any, verb: str, target: str) -> None:
    record(actor=actor, verb=verb, target_kind="thing", target_id=1, target=target)


def shown(client: Any, **filters: str) -> list[str]:
    page = client.get(LIST, filters)
    assert page.status_code == 200
    return [row.target for row in page.context["cl"].result_list]


async def collect(response: Any) -> str:
    return b"".join([piece async for piece in response.streaming_content]).decode()


def content(response: Any) -> list[list[str]]:
    from asgiref.sync import async_to_sync

    text = async_to_sync(collect)(response)
    assert text.startswith("\ufeff")
    return list(csv.reader(io.StringIO(text[1:])))


def test_trail_is_filtered_by_who_what_kind_and_day(alice: Any, bob: Any, ada: Any) -> None:
    note(alice, "paint", "one")
    note(bob, "paint", "two")
    note(bob, "draw", "three")
    client, today = browser(ada), timezone.localdate().isoformat()
    assert shown(client, actor__icontains="BO") == ["three", "two"]
    assert shown(client, verb="paint") == ["two", "one"]
    assert shown(client, target_kind="thing", q="three") == ["three"]
    assert shown(client, target_kind="thing", at_from=today, at_to=today) == ["three", "two", "one"]
    assert shown(client, target_kind="thing", at_to="2020-01-01") == []
    assert shown(client, target_kind="thing", at_from="no day") == ["three", "two", "one"]


def test_rows_are_not_changed(ada: Any) -> None:
    note(ada, "paint", "one")
    client, row = browser(ada), AuditEvent.objects.get(verb="paint")
    assert client.get(f"{LIST}{row.pk}/change/").status_code == 200
    assert client.post(f"{LIST}{row.pk}/change/", {"actor": "x"}).status_code == 403
    assert client.post(f"{LIST}{row.pk}/delete/", {"post": "yes"}).status_code == 403
    assert client.get(f"{LIST}add/").status_code == 403


def test_chain_is_verified_and_that_is_recorded(ada: Any) -> None:
    client = browser(ada)
    rows = AuditEvent.objects.count()
    assert client.get(f"{LIST}verify/").status_code == 405
    page = client.post(f"{LIST}verify/", follow=True).content.decode()
    assert f"The audit trail holds: {rows} rows" in page
    assert AuditEvent.objects.latest("id").details == {"rows": rows, "broken_at": None}


def test_broken_chain_is_found_at_its_row(ada: Any) -> None:
    note(ada, "paint", "one")
    note(ada, "paint", "two")
    first = AuditEvent.objects.get(target="one")
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("UPDATE accounts_auditevent SET target = 'forged' WHERE id = %s", [first.pk])
        cursor.execute("SET LOCAL session_replication_role = origin")
    client = browser(ada)
    page = client.post(f"{LIST}verify/", follow=True).content.decode()
    assert f"The audit trail is broken at row {first.pk}:" in page
    assert AuditEvent.objects.latest("id").details["broken_at"] == first.pk
    assert "Broken" in client.get("/admin/").content.decode()


def test_export_holds_what_the_list_shows_and_is_recorded(alice: Any, ada: Any) -> None:
    note(alice, "paint", "=HYPERLINK(1)")
    note(alice, "paint", "name, with “quotes”\nand a line")
    note(alice, "draw", "not this")
    response = browser(ada).get(f"{LIST}export/", {"verb": "paint"})
    assert response["Content-Disposition"] == 'attachment; filename="audit-trail.csv"'
    assert "unsafe-inline" not in response["Content-Security-Policy"].replace("style-src-attr 'unsafe-inline'", "")
    head, *rows = content(response)
    assert head[:4] == ["ID", "when", "who", "what"]
    assert [row[6] for row in rows] == ["name, with “quotes”\nand a line", "'=HYPERLINK(1)"]
    event = AuditEvent.objects.latest("id")
    assert (event.actor, event.verb, event.details) == ("ada", "export", {"filters": {"verb": "paint"}})


@pytest.mark.parametrize(
    ("value", "text"),
    [("=1+1", "'=1+1"), ("+a", "'+a"), ("-a", "'-a"), ("@a", "'@a"), ("\ta", "'\ta"), (-5, "-5"), (None, ""), ("a=1", "a=1")],
)
def test_cells_are_no_formulas(value: Any, text: str) -> None:
    assert cell(value) == text


def test_reviewer_sees_no_trail(ada: Any) -> None:
    vera = person("vera")
    set_standing(actor=ada, user=vera, standing="reviewer")
    client = browser(vera)
    before = AuditEvent.objects.count()
    assert [client.get(LIST).status_code, client.get(f"{LIST}export/").status_code, client.post(f"{LIST}verify/").status_code] == [403] * 3
    assert AuditEvent.objects.count() == before

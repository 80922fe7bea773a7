"""The register of an asset: complete, true about the moment, and safe to open in a spreadsheet."""

import csv
import io
from typing import Any

import pytest
from asgiref.sync import async_to_sync

from assets.models import Approver, Asset, Audience
from assets.register import seen_by
from assets.services import applications, grants
from assets.tests.gated import REST, ask, gated_asset, give
from core.testing import People, api, assert_flat_queries, browser, organisation, person

pytestmark = pytest.mark.django_db
PAGE = "/models/atelier/tiny/settings/access"


def downloaded(response: Any) -> list[dict[str, str]]:
    raw = async_to_sync(_collected)(response)
    assert raw.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(raw.decode("utf-8-sig"))))


async def _collected(response: Any) -> bytes:
    return b"".join([piece async for piece in response.streaming_content])


def test_every_decision_and_grant_is_in_the_register(people: People) -> None:
    asset = gated_asset(people)
    dora, emil, fred = person("dora"), person("emil"), person("fred")
    applications.reject(application=ask(asset, dora), actor=people.alice, note="No")
    grants.revoke_grant(grant=applications.approve(application=ask(asset, emil), actor=people.mona), actor=people.alice, reason="Over")
    give(asset, people.alice, fred)
    ask(asset, people.charlie)
    lines = api(people.alice).get(REST + "/register").json()
    assert lines["next"] is None
    assert [(row["person"]["handle"], row["state"], row["source"], row["may_use_it"]) for row in lines["results"]] == [
        ("charlie", "pending", "", False),
        ("fred", "active", "direct", True),
        ("emil", "revoked", "application", False),
        ("dora", "rejected", "", False),
    ]
    emils = lines["results"][2]
    assert (emils["decided_by"], emils["granted_by"], emils["ended_by"], emils["end_reason"]) == ("mona", "mona", "alice", "Over")


def test_the_register_comes_in_stretches(people: People) -> None:
    asset = gated_asset(people)
    for number in range(5):
        give(asset, people.alice, person(f"p{number}"))
    first = api(people.alice).get(REST + "/register?limit=2").json()
    assert ([row["person"]["handle"] for row in first["results"]], first["next"]) == (["p4", "p3"], 2)
    last = api(people.alice).get(REST + "/register?limit=2&offset=4").json()
    assert ([row["person"]["handle"] for row in last["results"]], last["next"]) == (["p0"], None)
    assert api(people.alice).get(REST + "/register?limit=x").json()["code"] == "bad_limit"


@pytest.mark.parametrize("how", ["format", "accept", "page"])
def test_the_register_as_a_file_is_safe_for_spreadsheets(people: People, how: str) -> None:
    asset = gated_asset(people)
    row = ask(asset, person("dora", nickname="=1+1"), reason="=HYPERLINK(1)")
    applications.reject(application=row, actor=people.alice, note="-2")
    client: Any = browser(people.alice) if how == "page" else api(people.alice)
    address = {"format": REST + "/register?format=csv", "accept": REST + "/register", "page": PAGE + "/register.csv"}[how]
    response = client.get(address, **({"HTTP_ACCEPT": "text/csv"} if how == "accept" else {}))
    assert response.status_code == 200
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response["Content-Disposition"] == 'attachment; filename="atelier-tiny-register.csv"'
    (line,) = downloaded(response)
    assert (line["person"], line["name"], line["state"]) == ("dora", "'=1+1", "rejected")
    assert (line["reason"], line["decision_note"]) == ("'=HYPERLINK(1)", "'-2")


@pytest.mark.parametrize(("who", "status"), [("charlie", 403), ("rita", 403), ("bob", 403), ("mona", 200), ("alice", 200), ("ada", 200)])
def test_the_register_is_for_those_who_decide(people: People, who: str, status: int) -> None:
    gated_asset(people)
    user = getattr(people, who)
    assert api(user).get(REST + "/register").status_code == status
    assert api(user).get(REST + "/register?format=csv").status_code == status
    assert browser(user).get(PAGE).status_code == status
    assert browser(user).get(PAGE + "/register.csv").status_code == status


def test_a_delegate_reads_it_and_a_visitor_does_not(people: People) -> None:
    asset = gated_asset(people)
    Approver.objects.create(asset=asset, user=people.charlie)
    assert api(people.charlie).get(REST + "/register").status_code == 200
    assert api().get(REST + "/register").status_code == 403


@pytest.mark.parametrize("visibility", ["public", "signed_in", "chosen"])
@pytest.mark.parametrize("state", ["published", "delisted", "review"])
def test_the_register_agrees_with_the_role_about_who_sees(people: People, visibility: str, state: str) -> None:
    asset = gated_asset(people)
    named, through, delegate = person("named"), person("through"), person("delegate")
    Audience.objects.create(asset=asset, namespace=named)
    Audience.objects.create(asset=asset, namespace=organisation("lab", reader=through))
    Approver.objects.create(asset=asset, user=delegate)
    Asset.objects.filter(pk=asset.pk).update(visibility=visibility, state=state)
    asset.refresh_from_db()
    everybody = [people.alice, people.mona, people.bob, people.rita, people.charlie, people.ada, named, through, delegate]
    seen = seen_by(asset, [user.pk for user in everybody])
    for user in everybody:
        assert (user.pk in seen) is Asset.objects.for_user(user).filter(pk=asset.pk).exists(), user.handle


def test_the_register_costs_the_same_for_ten_as_for_two(people: People) -> None:
    asset = gated_asset(people)
    numbers = iter(range(100))

    def add() -> None:
        number = next(numbers)
        give(asset, people.alice, person(f"g{number}"))
        ask(asset, person(f"a{number}"))

    assert_flat_queries(REST + "/register", add, client=api(people.alice))

"""Two at once around applications and grants: one goes through, the other learns what stands, and the register fits the access."""

from typing import Any

import pytest

from accounts.models import AuditEvent, Notification
from assets.models import Application, Grant
from assets.services import applications, grants
from assets.tests.factories import read_for
from assets.tests.gated import DAY, NOON, ask, gated_asset, give, may_download
from assets.tests.test_races import codes, together
from core.problems import Problem
from core.testing import make_people

pytestmark = pytest.mark.django_db(transaction=True)


def states(rows: Any) -> list[str]:
    return list(rows.objects.order_by("pk").values_list("state", flat=True))


@pytest.mark.parametrize("turn", range(3))
def test_of_two_approvers_one_decides(turn: int) -> None:
    people = make_people()
    row = ask(gated_asset(people), people.charlie)
    results = together(
        lambda: applications.approve(application=row, actor=people.alice),
        lambda: applications.approve(application=row, actor=people.mona),
    )
    assert codes(results) == ["application_decided"]
    loser = next(result for result in results if isinstance(result, Problem))
    winner = next(result for result in results if isinstance(result, Grant))
    assert (loser.extra["state"], loser.extra["decider"]) == ("approved", winner.granter.handle)
    assert (states(Application), states(Grant)) == (["approved"], ["active"])
    assert Notification.objects.filter(kind="application.decided").count() == 1
    assert AuditEvent.objects.filter(target_kind="application", verb="approve").count() == 1


@pytest.mark.parametrize("turn", range(3))
def test_an_approval_and_a_refusal(turn: int) -> None:
    people = make_people()
    asset = gated_asset(people)
    row = ask(asset, people.charlie)
    results = together(
        lambda: applications.approve(application=row, actor=people.alice),
        lambda: applications.reject(application=row, actor=people.mona, note="No"),
    )
    assert codes(results) == ["application_decided"]
    assert may_download(asset, people.charlie) is (states(Application) == ["approved"])


@pytest.mark.parametrize("turn", range(3))
def test_an_approval_and_a_withdrawal(turn: int) -> None:
    people = make_people()
    asset = gated_asset(people)
    row = ask(asset, people.charlie)
    results = together(
        lambda: applications.approve(application=row, actor=people.alice),
        lambda: applications.withdraw(application=row, actor=people.charlie),
    )
    assert codes(results) == ["application_decided"]
    assert may_download(asset, people.charlie) is (states(Application) == ["approved"])
    assert Grant.objects.exists() is (states(Application) == ["approved"])


@pytest.mark.parametrize("turn", range(3))
def test_of_two_applications_one_is_made(turn: int) -> None:
    people = make_people()
    asset = gated_asset(people)
    results = together(*[lambda: ask(asset, people.charlie)] * 3)
    assert codes(results) == ["application_open", "application_open"]
    assert states(Application) == ["pending"]


@pytest.mark.parametrize("turn", range(3))
def test_an_application_and_a_direct_grant_leave_one_grant_and_nothing_open(turn: int) -> None:
    people = make_people()
    asset = gated_asset(people)
    results = together(lambda: ask(asset, people.charlie), lambda: give(asset, people.alice, people.charlie))
    assert codes(results) in ([], ["already_allowed"])
    assert states(Grant) == ["active"]
    assert set(states(Application)) <= {"approved"}


@pytest.mark.parametrize("turn", range(3))
def test_a_revocation_and_a_renewal_leave_nobody_in_whom_the_register_does_not_show(turn: int) -> None:
    people = make_people()
    asset = gated_asset(people)
    grant = give(asset, people.alice, people.charlie, days=5)
    row = grants.renew(grant=grant, actor=people.charlie)
    results = together(
        lambda: grants.revoke_grant(grant=grant, actor=people.alice, reason="Over"),
        lambda: applications.approve(application=row, actor=people.mona),
    )
    assert codes(results) in (["grant_ended"], ["application_decided"])
    active = Grant.objects.in_force().filter(user=people.charlie).count()
    assert may_download(asset, people.charlie) is (active == 1)
    assert (states(Grant), states(Application)) in ((["revoked"], ["rejected"]), (["renewed", "active"], ["approved"]))


@pytest.mark.parametrize("turn", range(3))
def test_the_job_and_an_extension(turn: int) -> None:
    people = make_people()
    asset = gated_asset(people)
    grant = give(asset, people.alice, people.charlie, days=1, at=NOON)
    results = together(
        lambda: grants.expire_grants(NOON + DAY),
        lambda: grants.extend_grant(grant=grant, actor=people.alice, days=5, at=NOON + DAY / 2),
    )
    assert codes(results) in ([], ["grant_ended"])
    grant.refresh_from_db()
    assert (grant.state, grant.expires_at) in (("expired", NOON + DAY), ("active", NOON + 6 * DAY))


@pytest.mark.parametrize("turn", range(3))
def test_the_job_and_the_approval_of_a_renewal(turn: int) -> None:
    people = make_people()
    asset = gated_asset(people)
    grant = give(asset, people.alice, people.charlie, days=1, at=NOON)
    row = grants.renew(grant=grant, actor=people.charlie, at=NOON)
    late = NOON + DAY
    results = together(
        lambda: grants.expire_grants(late), lambda: applications.approve(application=row, actor=people.alice, days=3, at=late)
    )
    assert codes(results) == []
    assert states(Grant) == ["expired", "active"]
    assert may_download(asset, people.charlie, late)


@pytest.mark.parametrize("turn", range(3))
def test_two_jobs_write_an_end_once(turn: int) -> None:
    people = make_people()
    give(gated_asset(people), people.alice, people.charlie, days=1, at=NOON)
    assert sorted(together(*[lambda: grants.expire_grants(NOON + DAY)] * 2)) == [0, 1]
    assert Notification.objects.filter(kind="grant.expired").count() == 1
    assert sorted(together(*[lambda: grants.remind_of_expiry(NOON)] * 2)) == [0, 0]


def test_two_bulk_decisions_share_the_rows() -> None:
    people = make_people()
    asset = gated_asset(people)
    rows = [ask(asset, user) for user in (people.charlie,)] + [ask(asset, _person(number)) for number in range(4)]
    ids = [row.pk for row in rows]
    first, second = together(
        lambda: applications.decide_many(actor=people.alice, ids=ids, decision="approve"),
        lambda: applications.decide_many(actor=people.mona, ids=list(reversed(ids)), decision="reject", note="No"),
    )
    assert sorted(first.done + second.done) == ids
    assert {refused.code for refused in first.refused + second.refused} <= {"application_decided"}
    assert Grant.objects.count() == len(first.done)


def test_a_narrowed_range_and_an_application() -> None:
    from assets.models import Asset
    from assets.services import delist_asset

    people = make_people()
    asset = gated_asset(people)
    results = together(lambda: delist_asset(asset=read_for(people.alice, asset), actor=people.alice), lambda: ask(asset, people.charlie))
    assert codes(results) in ([], ["asset_not_found"])
    assert Asset.objects.get(pk=asset.pk).state == "delisted"
    assert not may_download(asset, people.charlie)


def _person(number: int) -> Any:
    from core.testing import person

    return person(f"p{number}")

"""Giving, extending, ending and renewing the right to use an asset."""

from datetime import timedelta
from typing import Any

import pytest

from accounts.models import AuditEvent, Notification
from assets.models import AccessTerms, Application, Asset, Audience, Grant
from assets.services import applications, grants
from assets.tests.factories import read_for
from assets.tests.gated import DAY, NOON, REST, ask, gated_asset, give, may_download, post
from core.problems import Problem
from core.testing import People, api, organisation, person

pytestmark = pytest.mark.django_db
GRANTS = "/models/atelier/tiny/grants"
SECOND = timedelta(seconds=1)


def told(user: Any) -> list[str]:
    return list(Notification.objects.filter(receiver=user).order_by("pk").values_list("kind", flat=True))


# --- Adding ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["handle", "@handle", "id", "nickname"])
def test_people_are_added_by_what_they_are_known_by(people: People, how: str) -> None:
    asset = gated_asset(people)
    people.charlie.nickname = "Charlie Brown"
    people.charlie.save()
    word = {"handle": "Charlie", "@handle": "@charlie", "id": str(people.charlie.pk), "nickname": "charlie brown"}[how]
    answer = post(people.mona, GRANTS, {"users": [word], "days": 10})
    assert answer.status_code == 201
    assert [(row["user"]["handle"], row["source"], row["granter"]["handle"]) for row in answer.json()] == [("charlie", "direct", "mona")]
    assert may_download(asset, people.charlie)
    assert told(people.charlie) == ["grant.added"]
    assert list(AuditEvent.objects.filter(target_kind="grant").values_list("actor", "verb")) == [("mona", "grant")]


def test_a_word_that_names_nobody_or_several_adds_nobody(people: People) -> None:
    gated_asset(people)
    for handle in ("dora", "emil"):
        person(handle, nickname="Twin")
    answer = post(people.alice, GRANTS, {"users": ["charlie", "nobody", "twin"]})
    assert (answer.status_code, answer.json()["code"]) == (400, "user_not_found")
    assert answer.json()["errors"]["users"] == [
        "There is nobody called “nobody”.",
        "Several people are called “twin”: dora, emil. Use the handle.",
    ]
    assert Grant.objects.count() == 0


@pytest.mark.parametrize(("who", "status"), [("bob", 403), ("rita", 403), ("charlie", 403), ("mona", 201), ("alice", 201)])
def test_only_maintainers_add_people(people: People, who: str, status: int) -> None:
    gated_asset(people)
    dora = person("dora")
    assert post(getattr(people, who), GRANTS, {"users": ["dora"]}).status_code == status
    assert Grant.objects.filter(user=dora).count() == (status == 201)


def test_nobody_is_added_twice_and_nobody_adds_themselves(people: People) -> None:
    gated_asset(people)
    post(people.alice, GRANTS, {"users": ["charlie"]})
    again = post(people.alice, GRANTS, {"users": ["charlie", "rita"]})
    assert (again.status_code, again.json()["code"]) == (409, "already_allowed")
    assert again.json()["errors"]["users"] == ["charlie, rita may use it already."]
    own = post(people.ada, GRANTS, {"users": ["ada"]})
    assert (own.status_code, own.json()["code"]) == (403, "own_grant")
    assert Grant.objects.count() == 1


def test_who_is_added_to_what_chosen_people_see_sees_it(people: People) -> None:
    asset = gated_asset(people, visibility="chosen")
    assert Asset.objects.for_user(people.charlie).filter(pk=asset.pk).first() is None
    give(asset, people.alice, people.charlie)
    assert Audience.objects.get().namespace_id == people.charlie.pk
    assert may_download(asset, people.charlie)


def test_who_sees_it_through_an_organisation_is_not_named_again(people: People) -> None:
    asset = gated_asset(people, visibility="chosen")
    Audience.objects.create(asset=asset, namespace=organisation("lab", reader=people.charlie))
    give(asset, people.alice, people.charlie)
    assert Audience.objects.count() == 1


def test_adding_somebody_approves_what_they_asked_for(people: People) -> None:
    asset = gated_asset(people)
    row = ask(asset, people.charlie)
    grant = give(asset, people.alice, people.charlie)
    row.refresh_from_db()
    assert (row.state, row.decider, grant.application) == ("approved", people.alice, row)


# --- Ending ------------------------------------------------------------------------------------------------


def test_a_revocation_ends_it_at_once_and_declines_what_waits(people: People) -> None:
    asset = gated_asset(people)
    grant = give(asset, people.alice, people.charlie, days=30)
    waiting = grants.renew(grant=grant, actor=people.charlie)
    answer = post(people.mona, f"/grants/{grant.pk}/revoke", {"reason": "Project over"})
    assert (answer.status_code, answer.json()["state"], answer.json()["end_reason"]) == (200, "revoked", "Project over")
    assert not may_download(asset, people.charlie)
    waiting.refresh_from_db()
    assert (waiting.state, waiting.decision_note) == ("rejected", "Project over")
    assert told(people.charlie) == ["grant.added", "application.decided", "grant.revoked"]
    again = post(people.alice, f"/grants/{grant.pk}/revoke", {"reason": "Twice"})
    assert (again.status_code, again.json()["code"], again.json()["state"]) == (409, "grant_ended", "revoked")


def test_a_revocation_needs_a_reason_and_the_right(people: People) -> None:
    grant = give(gated_asset(people), people.alice, people.charlie)
    assert post(people.alice, f"/grants/{grant.pk}/revoke", {"reason": ""}).status_code == 400
    assert post(people.charlie, f"/grants/{grant.pk}/revoke", {"reason": "x"}).status_code == 403
    assert post(people.bob, f"/grants/{grant.pk}/revoke", {"reason": "x"}).status_code == 404
    assert Grant.objects.get().state == "active"


def test_several_are_revoked_each_on_its_own(people: People) -> None:
    asset = gated_asset(people)
    rows = [give(asset, people.alice, person(handle)) for handle in ("dora", "emil")]
    grants.revoke_grant(grant=rows[0], actor=people.alice, reason="x")
    answer = post(people.alice, "/grants/revoke", {"ids": [row.pk for row in rows], "reason": "Over"}).json()
    assert answer["done"] == [rows[1].pk]
    assert [(row["id"], row["code"]) for row in answer["refused"]] == [(rows[0].pk, "grant_ended")]


# --- Time --------------------------------------------------------------------------------------------------


def test_a_grant_ends_to_the_second_before_any_job_ran(people: People) -> None:
    asset = gated_asset(people)
    give(asset, people.alice, people.charlie, days=1, at=NOON)
    assert may_download(asset, people.charlie, NOON + DAY - SECOND)
    assert not may_download(asset, people.charlie, NOON + DAY)


def test_the_job_writes_the_end_down_and_tells_once(people: People) -> None:
    asset = gated_asset(people)
    grant = give(asset, people.alice, people.charlie, days=1, at=NOON)
    assert grants.expire_grants(NOON + DAY - SECOND) == 0
    assert grants.expire_grants(NOON + DAY) == 1
    assert grants.expire_grants(NOON + DAY) == 0
    grant.refresh_from_db()
    assert (grant.state, grant.ended_at, grant.ended_by) == ("expired", NOON + DAY, None)
    assert told(people.charlie) == ["grant.added", "grant.expired"]


def test_the_recurring_job_expires_and_reminds(people: People) -> None:
    from django.utils import timezone

    from assets.tasks import expire
    from jobs.models import Job

    asset = gated_asset(people)
    give(asset, people.alice, people.charlie, days=1, at=timezone.now() - 2 * DAY)
    dora = person("dora")
    give(asset, people.alice, dora, days=30, at=timezone.now() - 25 * DAY)
    expire(Job(kind="assets.expire"))
    assert told(people.charlie) == ["grant.added", "grant.expired"]
    assert told(dora) == ["grant.added", "grant.expiring"]


def test_holders_are_reminded_once_seven_days_before(people: People) -> None:
    asset = gated_asset(people)
    give(asset, people.alice, people.charlie, days=30, at=NOON)
    ends = NOON + 30 * DAY
    assert grants.remind_of_expiry(ends - 7 * DAY - SECOND) == 0
    assert grants.remind_of_expiry(ends - 7 * DAY) == 1
    assert grants.remind_of_expiry(ends - 6 * DAY) == 0
    assert grants.remind_of_expiry(ends) == 0
    assert told(people.charlie) == ["grant.added", "grant.expiring"]


def test_grants_of_a_week_and_of_delisted_assets_go_without_a_reminder(people: People) -> None:
    asset = gated_asset(people)
    give(asset, people.alice, people.charlie, days=7, at=NOON)
    give(asset, people.alice, person("dora"), days=30, at=NOON - 24 * DAY)
    Asset.objects.filter(pk=asset.pk).update(state="delisted")
    assert grants.remind_of_expiry(NOON + SECOND) == 0
    Asset.objects.filter(pk=asset.pk).update(state="published")
    assert grants.remind_of_expiry(NOON + SECOND) == 1


def test_an_extended_grant_lasts_on_and_is_reminded_of_again(people: People) -> None:
    asset = gated_asset(people)
    grant = give(asset, people.alice, people.charlie, days=30, at=NOON)
    grants.remind_of_expiry(NOON + 25 * DAY)
    grants.extend_grant(grant=grant, actor=people.mona, days=30, at=NOON + 26 * DAY)
    grant.refresh_from_db()
    assert grant.expires_at == NOON + 60 * DAY
    assert grants.expire_grants(NOON + 31 * DAY) == 0
    assert may_download(asset, people.charlie, NOON + 59 * DAY)
    assert grants.remind_of_expiry(NOON + 54 * DAY) == 1


@pytest.mark.parametrize("days", [0, 3651, "x"])
def test_extensions_that_cannot_be_are_refused(people: People, days: Any) -> None:
    grant = give(gated_asset(people), people.alice, people.charlie, days=30)
    answer = post(people.alice, f"/grants/{grant.pk}/extend", {"days": days})
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["days"])


def test_an_extension_does_not_wake_what_has_ended_nor_reach_beyond_ten_years(people: People) -> None:
    grant = give(gated_asset(people), people.alice, people.charlie, days=30, at=NOON)
    with pytest.raises(Problem) as late:
        grants.extend_grant(grant=grant, actor=people.alice, days=5, at=NOON + 30 * DAY)
    assert late.value.code == "grant_ended"
    with pytest.raises(Problem) as long:
        grants.extend_grant(grant=grant, actor=people.alice, days=3650, at=NOON)
    assert list(long.value.errors) == ["days"]


# --- Renewal -----------------------------------------------------------------------------------------------


def test_a_renewal_takes_the_place_of_the_former_grant(people: People) -> None:
    asset = gated_asset(people, grant_days=30)
    first = applications.approve(application=ask(asset, people.charlie, at=NOON), actor=people.alice, at=NOON)
    row = grants.renew(grant=first, actor=people.charlie, at=NOON + 25 * DAY)
    assert (row.state, row.reason, row.renews) == ("pending", "I study it.", first)
    second = applications.approve(application=row, actor=people.alice, at=NOON + 26 * DAY)
    first.refresh_from_db()
    assert (first.state, second.state, second.expires_at) == ("renewed", "active", NOON + 60 * DAY)
    assert told(people.alice) == ["application.received", "application.renewal"]


def test_a_renewal_after_the_end_begins_with_the_approval(people: People) -> None:
    asset = gated_asset(people, grant_days=30)
    first = give(asset, people.alice, people.charlie, at=NOON)
    late = NOON + 40 * DAY
    row = grants.renew(grant=first, actor=people.charlie, at=late)
    assert not may_download(asset, people.charlie, late)
    second = applications.approve(application=row, actor=people.alice, at=late)
    first.refresh_from_db()
    assert (first.state, first.ended_at, second.expires_at) == ("expired", NOON + 30 * DAY, late + 30 * DAY)


def test_a_renewal_by_rest_is_one_request(people: People) -> None:
    grant = give(gated_asset(people), people.alice, people.charlie, days=3)
    answer = post(people.charlie, f"/grants/{grant.pk}/renew")
    assert (answer.status_code, answer.json()["renews"], answer.json()["state"]) == (201, grant.pk, "pending")
    again = post(people.charlie, f"/grants/{grant.pk}/renew")
    assert (again.status_code, again.json()["code"]) == (409, "application_open")
    assert post(people.alice, f"/grants/{grant.pk}/renew").status_code == 403


def test_what_has_no_end_or_was_revoked_is_not_renewed(people: People) -> None:
    asset = gated_asset(people)
    endless = give(asset, people.alice, people.charlie)
    assert post(people.charlie, f"/grants/{endless.pk}/renew").json()["code"] == "nothing_to_renew"
    grants.revoke_grant(grant=endless, actor=people.alice, reason="x")
    assert post(people.charlie, f"/grants/{endless.pk}/renew").json()["code"] == "nothing_to_renew"
    assert Application.objects.count() == 0


def test_changed_terms_send_back_to_the_form(people: People) -> None:
    asset = gated_asset(people)
    grant = give(asset, people.alice, people.charlie, days=3)
    terms = AccessTerms.objects.create(asset=asset, agreement="Be kind.", agreement_version=1)
    assert post(people.charlie, f"/grants/{grant.pk}/renew").json()["code"] == "terms_changed"
    terms.agreement, terms.questions = "", [{"id": "q", "label": "Why?", "kind": "text", "required": True}]
    terms.save()
    assert post(people.charlie, f"/grants/{grant.pk}/renew").json()["code"] == "terms_changed"
    made = post(people.charlie, "/models/atelier/tiny/applications", {"reason": "On", "answers": {"q": "So"}, "renews": grant.pk})
    assert (made.status_code, made.json()["renews"]) == (201, grant.pk)


def test_nobody_renews_the_grant_of_another(people: People) -> None:
    asset = gated_asset(people)
    grant = give(asset, people.alice, people.charlie, days=3)
    dora = person("dora")
    assert post(dora, f"/grants/{grant.pk}/renew").status_code == 404
    assert post(dora, "/models/atelier/tiny/applications", {"reason": "x", "renews": grant.pk}).status_code == 404
    with pytest.raises(Problem):
        applications.apply(asset=read_for(dora, asset), actor=dora, reason="x", renews=grant)


# --- The two ranges ----------------------------------------------------------------------------------------


def test_narrowed_and_delisted_assets_keep_their_grants_but_let_nobody_in(people: People) -> None:
    asset = gated_asset(people)
    give(asset, people.alice, people.charlie)
    for columns in ({"visibility": "chosen"}, {"visibility": "public", "state": "delisted"}):
        Asset.objects.filter(pk=asset.pk).update(**columns)
        assert not may_download(asset, people.charlie)
        line = api(people.alice).get(REST + "/register").json()["results"][0]
        assert (line["state"], line["sees_it"], line["may_use_it"]) == ("active", False, False)
    Asset.objects.filter(pk=asset.pk).update(state="published")
    assert may_download(asset, people.charlie)


def test_lists_of_grants(people: People) -> None:
    asset = gated_asset(people)
    grant = give(asset, people.alice, people.charlie, days=3)
    assert [row["id"] for row in api(people.charlie).get("/api/v1/grants?role=holder").json()["results"]] == [grant.pk]
    assert [row["id"] for row in api(people.mona).get("/api/v1/grants?role=approver").json()["results"]] == [grant.pk]
    assert api(people.bob).get("/api/v1/grants").json()["results"] == []
    assert [row["id"] for row in api(people.mona).get(REST + "/grants").json()] == [grant.pk]
    assert api(people.bob).get(REST + "/grants").status_code == 403
    assert api(people.charlie).get(f"/api/v1/grants/{grant.pk}").json()["allowed"] == ["renew", "reply", "view", "withdraw"]

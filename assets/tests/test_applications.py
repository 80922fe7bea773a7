"""Applying for the use of an asset, and deciding on it, over REST."""

from typing import Any

import pytest

from accounts.models import AuditEvent, Notification
from assets.models import Application, Approver, Asset, Grant
from assets.services import applications, grants
from assets.tests.factories import hang_asset, read_for
from assets.tests.gated import ANSWERS, DAY, NOON, QUESTIONS, REST, ask, gate, gated_asset, give, may_download, post
from core.problems import Problem
from core.testing import People, api, assert_flat_queries, person

pytestmark = pytest.mark.django_db
APPLY = "/models/atelier/tiny/applications"


def told(user: Any) -> list[str]:
    return list(Notification.objects.filter(receiver=user).order_by("pk").values_list("kind", flat=True))


def audited(kind: str) -> list[tuple[str, str]]:
    return list(AuditEvent.objects.filter(target_kind=kind).order_by("id").values_list("actor", "verb"))


# --- Asking ------------------------------------------------------------------------------------------------


def test_an_application_waits_for_those_who_decide(people: People) -> None:
    asset = gated_asset(people)
    answer = post(people.charlie, APPLY, {"reason": " I study it. "})
    assert answer.status_code == 201
    made = answer.json()
    assert (made["state"], made["reason"], made["asset"], made["applicant"]["handle"]) == (
        "pending",
        "I study it.",
        "atelier/tiny",
        "charlie",
    )
    assert made["allowed"] == ["renew", "reply", "view", "withdraw"]
    assert not may_download(asset, people.charlie)
    assert [told(user) for user in (people.alice, people.mona, people.bob, people.charlie)] == [
        ["application.received"], ["application.received"], [], [],
    ]  # fmt: skip
    assert audited("application") == [("charlie", "apply")]


def test_delegates_are_told_and_decide(people: People) -> None:
    asset = gated_asset(people)
    dora = person("dora")
    Approver.objects.create(asset=asset, user=dora)
    row = ask(asset, people.charlie)
    assert told(dora) == ["application.received"]
    assert post(dora, f"/applications/{row.pk}/approve").status_code == 200
    assert may_download(asset, people.charlie)
    assert not may_download(asset, dora)


def test_one_application_is_open_at_a_time(people: People) -> None:
    gated_asset(people)
    assert post(people.charlie, APPLY, {"reason": "One"}).status_code == 201
    second = post(people.charlie, APPLY, {"reason": "Two"})
    assert (second.status_code, second.json()["code"]) == (409, "application_open")
    assert Application.objects.count() == 1


def test_after_a_refusal_one_may_ask_again(people: People) -> None:
    asset = gated_asset(people)
    applications.reject(application=ask(asset, people.charlie), actor=people.alice, note="Not now")
    assert post(people.charlie, APPLY, {"reason": "Again"}).status_code == 201


@pytest.mark.parametrize("who", ["rita", "bob", "mona", "alice", "ada"])
def test_who_may_use_it_need_not_ask(people: People, who: str) -> None:
    gated_asset(people)
    answer = post(getattr(people, who), APPLY, {"reason": "I"})
    assert (answer.status_code, answer.json()["code"]) == (409, "already_allowed")


def test_who_was_granted_need_not_ask(people: People) -> None:
    give(gated_asset(people), people.alice, people.charlie)
    answer = post(people.charlie, APPLY, {"reason": "I"})
    assert (answer.status_code, answer.json()["code"]) == (409, "already_allowed")


def test_what_is_free_needs_no_application(people: People) -> None:
    asset = gated_asset(people)
    Asset.objects.filter(pk=asset.pk).update(availability="free")
    answer = post(people.charlie, APPLY, {"reason": "I"})
    assert (answer.status_code, answer.json()["code"]) == (409, "free_to_use")


def test_visitors_reading_tokens_and_the_unpublished_are_refused(people: People) -> None:
    asset = gated_asset(people)
    assert api().post(REST + "/applications", {"reason": "I"}, format="json").status_code == 403
    assert api(people.charlie, "read").post(REST + "/applications", {"reason": "I"}, format="json").status_code == 403
    Asset.objects.filter(pk=asset.pk).update(state="delisted")
    assert post(people.charlie, APPLY, {"reason": "I"}).status_code == 404
    assert Application.objects.count() == 0


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({}, "reason"),
        ({"reason": " "}, "reason"),
        ({"reason": "x" * 501}, "reason"),
        ({"reason": "a\0b"}, "reason"),
        ({"reason": ["x"]}, "reason"),
        ({"reason": "x", "files": ["a"]}, "files"),
        ({"reason": "x", "renews": "one"}, "renews"),
        ({"reason": "x", "answers": ["a"]}, "answers"),
        ({"reason": "x", "answers": {"nope": "a"}}, "answers.nope"),
        ({"reason": "x", "agreement_version": -1}, "agreement_version"),
    ],
)
def test_bad_applications_are_refused_by_field(people: People, data: Any, field: str) -> None:
    gated_asset(people)
    answer = post(people.charlie, APPLY, data)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    assert list(answer.json()["errors"]) == [field]
    assert Application.objects.count() == 0


def test_files_are_not_taken(people: People) -> None:
    from django.core.files.uploadedfile import SimpleUploadedFile

    gated_asset(people)
    sent = {"reason": "x", "file": SimpleUploadedFile("a.txt", b"a")}
    assert api(people.charlie).post(REST + "/applications", sent, format="multipart").status_code == 415


# --- Questions and the agreement ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"use": ""}, "answers.use"),
        ({"use": 3}, "answers.use"),
        ({"use": "x" * 501}, "answers.use"),
        ({"plan": "x" * 4001}, "answers.plan"),
        ({"size": "huge"}, "answers.size"),
        ({"alone": False}, "answers.alone"),
        ({"alone": "yes"}, "answers.alone"),
    ],
)
def test_answers_must_fit_the_questions(people: People, changes: dict[str, Any], field: str) -> None:
    gated_asset(people, questions=QUESTIONS)
    answer = post(people.charlie, APPLY, {"reason": "x", "answers": {**ANSWERS, **changes}})
    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == [field]


def test_questions_stay_as_they_were_asked(people: People) -> None:
    asset = gated_asset(people, questions=QUESTIONS)
    made = post(people.charlie, APPLY, {"reason": "x", "answers": {**ANSWERS, "size": "small"}}).json()
    asset.terms.questions = []
    asset.terms.save()
    shown = api(people.alice).get(f"/api/v1/applications/{made['id']}").json()
    assert shown["answers"] == {"use": "Study", "size": "small", "alone": True}
    assert [question["label"] for question in shown["questions"]] == ["What for?", "Plan", "How large?", "Only I"]


def test_the_agreement_must_be_accepted_as_it_stands(people: People) -> None:
    gated_asset(people, agreement="Be kind.", agreement_version=2)
    without = post(people.charlie, APPLY, {"reason": "x"})
    assert (without.status_code, list(without.json()["errors"])) == (400, ["agreement"])
    former = post(people.charlie, APPLY, {"reason": "x", "agreement_version": 1})
    assert (former.status_code, former.json()["code"], former.json()["version"]) == (409, "agreement_changed", 2)
    assert post(people.charlie, APPLY, {"reason": "x", "agreement_version": 2}).status_code == 201
    row = Application.objects.get()
    assert (row.agreement, row.agreement_version) == ("Be kind.", 2)


# --- Automatic rules ---------------------------------------------------------------------------------------


def test_members_of_a_named_organisation_are_granted_at_once(people: People) -> None:
    from core.testing import organisation

    asset = gated_asset(people, organisations=[organisation("lab", reader=people.charlie)], grant_days=30)
    made = applications.apply(asset=read_for(people.charlie, asset), actor=people.charlie, reason="x", at=NOON)
    row = Grant.objects.get()
    assert (made.state, made.automatic, row.source, row.granter, row.expires_at) == ("approved", True, "rule", None, NOON + 30 * DAY)
    assert told(people.alice) == []
    assert told(people.charlie) == ["application.decided"]
    assert audited("application") == [("charlie", "apply"), ("", "approve")]
    last = AuditEvent.objects.filter(target_kind="application").order_by("-id").first()
    assert last.details["rule"] == "organisation:lab"


def test_no_rule_undoes_a_revocation(people: People) -> None:
    from core.testing import organisation

    asset = gated_asset(people, organisations=[organisation("lab", reader=people.charlie)])
    grants.revoke_grant(grant=ask(asset, people.charlie).grant, actor=people.alice, reason="Leaked")
    again = ask(asset, people.charlie)
    assert (again.state, again.automatic, may_download(asset, people.charlie)) == ("pending", False, False)
    applications.approve(application=again, actor=people.alice, days=5, at=NOON)
    later = NOON + 6 * DAY
    renewed = applications.apply(asset=read_for(people.charlie, asset), actor=people.charlie, reason="x", at=later)
    assert (renewed.state, renewed.automatic) == ("approved", True)


def test_a_grant_by_rule_outlives_the_membership_and_stands_in_the_register(people: People) -> None:
    from core.testing import organisation

    lab = organisation("lab", reader=people.charlie)
    asset = gated_asset(people, organisations=[lab])
    ask(asset, people.charlie)
    lab.memberships.all().delete()
    assert may_download(asset, people.charlie)
    assert [(row["person"]["handle"], row["source"]) for row in api(people.alice).get(REST + "/register").json()["results"]] == [
        ("charlie", "rule")
    ]


@pytest.mark.parametrize(
    ("address", "verified", "granted"),
    [
        ("c@example.edu", True, True),
        ("C@EXAMPLE.EDU", True, True),
        ("c@example.edu", False, False),
        ("c@mail.example.edu", True, False),
        ("c@notexample.edu", True, False),
        ("c@example.edu.evil.org", True, False),
        ("example.edu@evil.org", True, False),
        ('"c@example.edu"@evil.org', True, False),
    ],
)
def test_a_mail_domain_counts_whole_and_proven(people: People, address: str, verified: bool, granted: bool) -> None:
    from allauth.account.models import EmailAddress

    asset = gated_asset(people, mail_domains=["example.edu"])
    EmailAddress.objects.create(user=people.charlie, email=address, verified=verified)
    assert ask(asset, people.charlie).state == ("approved" if granted else "pending")
    assert may_download(asset, people.charlie) is granted


# --- Deciding ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("terms", "sent", "days"),
    [({"grant_days": 90}, {}, 90), ({}, {}, None), ({"grant_days": 90}, {"days": 5}, 5), ({"grant_days": 90}, {"days": None}, None)],
)
def test_an_approval_grants_for_the_length(people: People, terms: Any, sent: Any, days: int | None) -> None:
    asset = gated_asset(people, **terms)
    row = ask(asset, people.charlie)
    made = applications.approve(application=row, actor=people.alice, at=NOON, **sent)
    assert made.expires_at == (NOON + days * DAY if days else None)
    assert made.granter == people.alice
    assert told(people.charlie) == ["application.decided"]


def test_a_decision_by_rest_answers_with_the_grant(people: People) -> None:
    row = ask(gated_asset(people), people.charlie)
    answer = post(people.mona, f"/applications/{row.pk}/approve", {"days": 7, "note": "Welcome"})
    assert (answer.status_code, answer.json()["user"]["handle"], answer.json()["in_force"]) == (200, "charlie", True)
    row.refresh_from_db()
    assert (row.state, row.decider, row.decision_note) == ("approved", people.mona, "Welcome")


@pytest.mark.parametrize("days", [0, -1, 3651, "x", 1.5, True])
def test_lengths_that_cannot_be_are_refused(people: People, days: Any) -> None:
    row = ask(gated_asset(people), people.charlie)
    assert post(people.alice, f"/applications/{row.pk}/approve", {"days": days}).status_code == 400
    assert Grant.objects.count() == 0


def test_a_refusal_needs_a_reason(people: People) -> None:
    row = ask(gated_asset(people), people.charlie)
    assert post(people.alice, f"/applications/{row.pk}/reject", {"note": " "}).status_code == 400
    assert post(people.alice, f"/applications/{row.pk}/reject", {"note": "No"}).json()["state"] == "rejected"
    assert told(people.charlie) == ["application.decided"]


def test_the_second_decision_meets_the_first(people: People) -> None:
    row = ask(gated_asset(people), people.charlie)
    assert post(people.alice, f"/applications/{row.pk}/approve").status_code == 200
    answer = post(people.mona, f"/applications/{row.pk}/reject", {"note": "No"})
    assert (answer.status_code, answer.json()["code"]) == (409, "application_decided")
    assert (answer.json()["state"], answer.json()["decider"]) == ("approved", "alice")


@pytest.mark.parametrize("who", ["charlie", "rita", "bob"])
def test_others_do_not_decide(people: People, who: str) -> None:
    row = ask(gated_asset(people), people.charlie)
    expected = 403 if who == "charlie" else 404
    for step, data in (("approve", {}), ("reject", {"note": "No"}), ("ask", {"question": "Why?"})):
        assert post(getattr(people, who), f"/applications/{row.pk}/{step}", data).status_code == expected
    assert Application.objects.get().state == "pending"


def test_nobody_decides_on_an_own_application(people: People) -> None:
    asset = gated_asset(people)
    dora = person("dora")
    Approver.objects.create(asset=asset, user=dora)
    row = ask(asset, dora)
    answer = post(dora, f"/applications/{row.pk}/approve")
    assert (answer.status_code, answer.json()["code"]) == (403, "own_application")
    assert told(dora) == []


def test_asking_back_and_answering(people: People) -> None:
    row = ask(gated_asset(people), people.charlie)
    asked = post(people.alice, f"/applications/{row.pk}/ask", {"question": "Which data?"})
    assert (asked.json()["state"], asked.json()["question"]) == ("asked", "Which data?")
    assert told(people.charlie) == ["application.asked"]
    again = post(people.mona, f"/applications/{row.pk}/ask", {"question": "More?"})
    assert (again.status_code, again.json()["code"]) == (409, "application_asked")
    replied = post(people.charlie, f"/applications/{row.pk}/reply", {"reply": "Tickets"})
    assert (replied.json()["state"], replied.json()["reply"]) == ("pending", "Tickets")
    assert told(people.alice) == ["application.received", "application.replied"]
    twice = post(people.charlie, f"/applications/{row.pk}/reply", {"reply": "Tickets"})
    assert (twice.status_code, twice.json()["code"]) == (409, "application_not_asked")


def test_withdrawing(people: People) -> None:
    row = ask(gated_asset(people), people.charlie)
    assert post(people.alice, f"/applications/{row.pk}/withdraw").status_code == 403
    assert post(people.charlie, f"/applications/{row.pk}/withdraw").json()["state"] == "withdrawn"
    again = post(people.charlie, f"/applications/{row.pk}/withdraw")
    assert (again.status_code, again.json()["code"]) == (409, "application_decided")
    approve = post(people.alice, f"/applications/{row.pk}/approve")
    assert (approve.status_code, approve.json()["state"]) == (409, "withdrawn")
    assert Grant.objects.count() == 0


def test_reminding_once_a_day(people: People) -> None:
    row = ask(gated_asset(people), people.charlie)
    applications.remind(application=row, actor=people.charlie, at=NOON)
    with pytest.raises(Problem) as refused:
        applications.remind(application=row, actor=people.charlie, at=NOON + DAY / 2)
    assert refused.value.code == "reminded_already"
    applications.remind(application=row, actor=people.charlie, at=NOON + DAY)
    assert told(people.alice) == ["application.received", "application.reminded", "application.reminded"]


def test_several_are_decided_each_on_its_own(people: People) -> None:
    asset = gated_asset(people)
    rows = [ask(asset, person(handle)) for handle in ("dora", "emil", "fred")]
    applications.withdraw(application=rows[1], actor=rows[1].applicant)
    answer = post(people.alice, "/applications/decide", {"ids": [row.pk for row in rows] + [9999], "decision": "approve", "days": 3})
    assert answer.status_code == 200
    assert answer.json()["done"] == [rows[0].pk, rows[2].pk]
    assert [(row["id"], row["code"]) for row in answer.json()["refused"]] == [
        (rows[1].pk, "application_decided"),
        (9999, "application_not_found"),
    ]
    assert Grant.objects.count() == 2


def test_a_bulk_refusal_needs_a_reason_first(people: People) -> None:
    row = ask(gated_asset(people), people.charlie)
    assert post(people.alice, "/applications/decide", {"ids": [row.pk], "decision": "reject"}).status_code == 400
    assert post(people.alice, "/applications/decide", {"ids": [], "decision": "approve"}).status_code == 400
    assert post(people.alice, "/applications/decide", {"ids": [row.pk], "decision": "like"}).status_code == 400
    assert Application.objects.get().state == "pending"


# --- Lists -------------------------------------------------------------------------------------------------


def test_lists_by_role_and_state(people: People) -> None:
    asset = gated_asset(people)
    ask(asset, people.charlie)
    own = gate(people, hang_asset(people.charlie, name="own"))
    ask(own, people.mona)

    def listed(user: Any, query: str = "") -> list[str]:
        answer = api(user).get(f"/api/v1/applications{query}")
        assert answer.status_code == 200
        return [row["asset"] for row in answer.json()["results"]]

    assert listed(people.mona) == ["charlie/own", "atelier/tiny"]
    assert listed(people.mona, "?role=applicant") == ["charlie/own"]
    assert listed(people.mona, "?role=approver&state=open") == ["atelier/tiny"]
    assert listed(people.mona, "?state=approved") == []
    assert listed(people.bob) == []
    assert api().get("/api/v1/applications").status_code in (401, 403)
    assert api(people.mona).get("/api/v1/applications?role=boss").json()["code"] == "invalid"
    assert api(people.mona).get("/api/v1/applications?state=lost").json()["code"] == "invalid"


def test_the_list_costs_the_same_for_ten_as_for_two(people: People) -> None:
    asset = gated_asset(people)
    client = api(people.alice)
    numbers = iter(range(100))
    assert_flat_queries("/api/v1/applications", lambda: ask(asset, person(f"p{next(numbers)}")), client=client)


def test_what_applicants_are_asked_is_read_by_everybody_who_sees_it(people: People) -> None:
    gated_asset(people, questions=QUESTIONS, agreement="Be kind.", agreement_version=1, grant_days=30)
    shown = api().get(REST + "/access").json()
    assert (shown["availability"], shown["agreement"], shown["grant_days"]) == ("on_application", "Be kind.", 30)
    assert [row["handle"] for row in shown["reviewers"]] == ["alice", "mona"]
    assert shown["median_seconds"] is None

"""Requests and approvals on pages: every step as a plain form."""

from typing import Any

import pytest

from accounts.menu import rail_of, waiting_for
from assets.models import AccessTerms, Application, Approver, Asset, Grant
from assets.services import applications, grants
from assets.tests.gated import ADDRESS, ANSWERS, DAY, QUESTIONS, ask, gated_asset, give, may_download, post
from core.testing import People, assert_flat_queries, browser, person

pytestmark = pytest.mark.django_db
MINE, APPROVALS, ACCESS = "/me/requests", "/me/approvals", f"{ADDRESS}/settings/access"


def page(user: Any, address: str, status: int = 200) -> str:
    response = browser(user).get(address)
    assert response.status_code == status, response.content[:300]
    return str(response.content.decode())


def said(response: Any) -> list[str]:
    """Return the messages that the next page shows."""
    return [str(message) for message in response.wsgi_request._messages]


# --- Asking ------------------------------------------------------------------------------------------------


def test_the_page_of_the_asset_leads_to_the_form(people: People) -> None:
    gated_asset(people)
    shown = page(people.charlie, ADDRESS)
    assert f'href="{ADDRESS}/apply"' in shown
    assert "Approvers: alice, mona" in " ".join(shown.split())
    assert f'href="{ADDRESS}/apply"' not in page(people.rita, ADDRESS)
    assert "Sign in and request access" in page(None, ADDRESS)


def test_a_request_is_sent_with_answers_and_agreement(people: People) -> None:
    gated_asset(people, questions=QUESTIONS, agreement="Be kind.\n\nAlways.", agreement_version=3)
    form = page(people.charlie, f"{ADDRESS}/apply")
    assert all(text in form for text in ("What for?", "How large?", "Be kind.", 'name="agreement_version" value="3"'))
    data = {"reason": "I study\r\nit.", "answers.use": "Study", "answers.alone": "on", "agreement": "on", "agreement_version": "3"}
    response = browser(people.charlie).post(f"{ADDRESS}/apply", data)
    row = Application.objects.get()
    assert (response.status_code, response["Location"]) == (302, f"{MINE}#request-{row.pk}")
    assert (row.reason, row.answers, row.agreement_version) == ("I study\nit.", ANSWERS, 3)


def test_the_form_shows_what_is_wrong_at_its_fields(people: People) -> None:
    gated_asset(people, questions=QUESTIONS, agreement="Be kind.", agreement_version=3)
    response = browser(people.charlie).post(f"{ADDRESS}/apply", {"reason": "x" * 501, "agreement_version": "2"})
    assert response.status_code == 422
    form = response.context["form"]
    assert set(form.errors) == {"reason", "answers.use", "answers.alone", "agreement"}
    stale = {"reason": "x", "answers.use": "x", "answers.alone": "on", "agreement": "on", "agreement_version": "2"}
    response = browser(people.charlie).post(f"{ADDRESS}/apply", stale)
    assert (response.status_code, list(response.context["form"].errors)) == (409, ["agreement"])
    assert Application.objects.count() == 0


def test_a_reason_of_500_characters_with_line_ends_fits(people: People) -> None:
    gated_asset(people)
    browser(people.charlie).post(f"{ADDRESS}/apply", {"reason": "a\r\n" * 249 + "ab"})
    assert len(Application.objects.get().reason) == 500


def test_files_sent_along_are_refused(people: People) -> None:
    from django.core.files.uploadedfile import SimpleUploadedFile

    gated_asset(people)
    response = browser(people.charlie).post(f"{ADDRESS}/apply", {"reason": "x", "file": SimpleUploadedFile("a.txt", b"a")})
    assert response.status_code == 400
    assert Application.objects.count() == 0


def test_visitors_sign_in_first_and_who_need_not_ask_is_led_away(people: People) -> None:
    asset = gated_asset(people)
    assert browser().get(f"{ADDRESS}/apply")["Location"] == f"/account/login/?next={ADDRESS}/apply"
    assert browser(people.rita).get(f"{ADDRESS}/apply")["Location"] == ADDRESS
    row = ask(asset, people.charlie)
    assert browser(people.charlie).get(f"{ADDRESS}/apply")["Location"] == f"{MINE}#request-{row.pk}"
    again = browser(people.charlie).post(f"{ADDRESS}/apply", {"reason": "x"})
    assert again.status_code == 409


def test_an_automatic_approval_leads_back_to_the_asset(people: People) -> None:
    from core.testing import organisation

    asset = gated_asset(people, organisations=[organisation("lab", reader=people.charlie)])
    response = browser(people.charlie).post(f"{ADDRESS}/apply", {"reason": "x"})
    assert response["Location"] == ADDRESS
    assert may_download(asset, people.charlie)


# --- My requests -------------------------------------------------------------------------------------------


def test_my_requests_show_what_became_of_each(people: People) -> None:
    asset = gated_asset(people)
    row = ask(asset, people.charlie)
    shown = " ".join(page(people.charlie, MINE).split())
    assert "With alice, mona" in shown
    assert "Waiting for approval" in shown
    assert f'action="/me/requests/{row.pk}/withdraw"' in shown
    applications.reject(application=row, actor=people.alice, note="Not for this")
    shown = page(people.charlie, MINE)
    assert "Declined by alice: Not for this" in shown
    assert f'href="{ADDRESS}/apply"' in shown
    assert f"/me/requests/{row.pk}/withdraw" not in shown
    assert "I study it.</textarea>" in page(people.charlie, f"{ADDRESS}/apply")


def test_the_steps_of_ones_own_request(people: People) -> None:
    row = ask(gated_asset(people), people.charlie)
    client = browser(people.charlie)
    assert client.post(f"/me/requests/{row.pk}/remind")["Location"] == f"{MINE}#request-{row.pk}"
    assert "less than a day ago" in said(client.post(f"/me/requests/{row.pk}/remind"))[-1]
    applications.ask_back(application=row, actor=people.alice, question="Which data?")
    assert "You were asked: Which data?" in page(people.charlie, MINE)
    client.post(f"/me/requests/{row.pk}/reply", {"reply": "Tickets"})
    row.refresh_from_db()
    assert (row.state, row.reply) == ("pending", "Tickets")
    client.post(f"/me/requests/{row.pk}/withdraw")
    row.refresh_from_db()
    assert row.state == "withdrawn"


@pytest.mark.parametrize("step", ["withdraw", "remind", "reply"])
def test_nobody_takes_steps_for_another(people: People, step: str) -> None:
    row = ask(gated_asset(people), people.charlie)
    for user in (people.alice, people.bob):
        assert browser(user).post(f"/me/requests/{row.pk}/{step}", {"reply": "x"}).status_code == 404
    row.refresh_from_db()
    assert (row.state, row.reminded_at, row.reply) == ("pending", None, "")


def test_a_renewal_is_one_click_or_leads_to_the_form(people: People) -> None:
    asset = gated_asset(people)
    grant = give(asset, people.alice, people.charlie, days=5)
    assert f'action="/me/grants/{grant.pk}/renew"' in page(people.charlie, MINE)
    AccessTerms.objects.create(asset=asset, agreement="Be kind.", agreement_version=1)
    led = browser(people.charlie).post(f"/me/grants/{grant.pk}/renew")["Location"]
    assert led == f"{ADDRESS}/apply?renews={grant.pk}"
    assert "Ask to go on using tiny" in page(people.charlie, led)
    data = {"reason": "On", "agreement": "on", "agreement_version": "1"}
    assert browser(people.charlie).post(led, data).status_code == 302
    assert Application.objects.get().renews == grant
    assert browser(people.bob).get(led).status_code == 404
    assert browser(people.charlie).get(f"{ADDRESS}/apply?renews=x").status_code == 404


def test_one_click_is_enough_while_the_terms_stand(people: People) -> None:
    grant = give(gated_asset(people), people.alice, people.charlie, days=5)
    browser(people.charlie).post(f"/me/grants/{grant.pk}/renew")
    row = Application.objects.get()
    assert (row.state, row.renews) == ("pending", grant)
    assert f"/me/grants/{grant.pk}/renew" not in page(people.charlie, MINE)


def test_what_cannot_be_seen_any_more_is_not_linked(people: People) -> None:
    asset = gated_asset(people)
    give(asset, people.alice, people.charlie)
    assert f'href="{ADDRESS}"' in page(people.charlie, MINE)
    Asset.objects.filter(pk=asset.pk).update(state="delisted")
    shown = page(people.charlie, MINE)
    assert f'href="{ADDRESS}"' not in shown
    assert "Not published for you at present" in shown


def test_my_requests_cost_the_same_for_ten_as_for_two(people: People) -> None:
    from assets.tests.factories import hang_asset
    from assets.tests.gated import gate

    def add() -> None:
        asset = gate(people, hang_asset(people.atelier))
        ask(asset, people.charlie)

    assert_flat_queries(MINE, add, client=browser(people.charlie))


# --- Approvals ---------------------------------------------------------------------------------------------


def test_approvals_show_the_first_request_with_what_one_should_know(people: People) -> None:
    asset = gated_asset(people, questions=QUESTIONS, grant_days=90)
    applications.reject(application=ask(asset, people.charlie, answers=ANSWERS), actor=people.alice, note="No")
    ask(asset, people.charlie, answers={**ANSWERS, "size": "large"})
    shown = " ".join(page(people.mona, APPROVALS).split())
    assert "charlie wants to use tiny" in shown
    assert "1, of these 0 approved and 1 declined" in shown
    assert "large" in shown
    assert 'name="days" value="90"' in shown


@pytest.mark.parametrize(("decision", "data", "state"), [("approve", {"days": "30"}, "approved"), ("reject", {"note": "No"}, "rejected"), ("ask", {"note": "Why?"}, "asked")])  # fmt: skip
def test_a_decision_is_one_form(people: People, decision: str, data: Any, state: str) -> None:
    row = ask(gated_asset(people), people.charlie)
    response = browser(people.alice).post(f"{APPROVALS}/{row.pk}/decide", {"decision": decision, **data})
    assert (response.status_code, response["Location"]) == (302, APPROVALS)
    row.refresh_from_db()
    assert row.state == state
    assert Grant.objects.filter(user=people.charlie).exists() is (decision == "approve")


@pytest.mark.parametrize("decision", ["reject", "ask"])
def test_declining_and_asking_need_words(people: People, decision: str) -> None:
    row = ask(gated_asset(people), people.charlie)
    response = browser(people.alice).post(f"{APPROVALS}/{row.pk}/decide", {"decision": decision, "note": " "})
    assert (response.status_code, list(response.context["form"].errors)) == (422, ["note"])
    row.refresh_from_db()
    assert row.state == "pending"


def test_the_page_says_what_stands_when_somebody_was_faster(people: People) -> None:
    row = ask(gated_asset(people), people.charlie)
    applications.approve(application=row, actor=people.mona)
    response = browser(people.alice).post(f"{APPROVALS}/{row.pk}/decide", {"decision": "reject", "note": "No"})
    assert response.status_code == 409
    assert "This is decided already: Approved (mona)." in response.content.decode()


def test_decisions_that_do_not_exist_and_requests_of_others(people: People) -> None:
    row = ask(gated_asset(people), people.charlie)
    assert browser(people.alice).post(f"{APPROVALS}/{row.pk}/decide", {"decision": "like"}).status_code == 400
    assert browser(people.charlie).post(f"{APPROVALS}/{row.pk}/decide", {"decision": "approve"}).status_code == 404
    assert browser(people.bob).get(f"{APPROVALS}/{row.pk}").status_code == 404
    row.refresh_from_db()
    assert row.state == "pending"


def test_own_requests_are_not_among_ones_approvals(people: People) -> None:
    asset = gated_asset(people)
    Approver.objects.create(asset=asset, user=people.charlie)
    row = ask(asset, people.charlie)
    assert "Nothing waits for you" in page(people.charlie, APPROVALS)
    assert browser(people.charlie).post(f"{APPROVALS}/{row.pk}/decide", {"decision": "approve"}).status_code == 404


def test_several_are_decided_from_the_list(people: People) -> None:
    asset = gated_asset(people)
    rows = [ask(asset, person(handle)) for handle in ("dora", "emil", "fred")]
    applications.withdraw(application=rows[1], actor=rows[1].applicant)
    data = {"ids": [row.pk for row in rows], "decision": "approve"}
    response = browser(people.alice).post(f"{APPROVALS}/decide", data)
    assert said(response) == ["2 requests approved.", f"Request {rows[1].pk}: This is decided already: Withdrawn (-). Load the page again."]
    assert Grant.objects.count() == 2
    assert said(browser(people.alice).post(f"{APPROVALS}/decide", {"decision": "approve"})) == [
        "Choose at least one request, and what to do."
    ]


def test_filters_of_approvals(people: People) -> None:
    asset = gated_asset(people)
    applications.approve(application=ask(asset, person("dora")), actor=people.alice)
    applications.reject(application=ask(asset, person("emil")), actor=people.alice, note="No")
    ask(asset, person("fred"))
    for state, name in (("open", "fred"), ("approved", "dora"), ("declined", "emil")):
        assert f"{name} wants to use tiny" in page(people.alice, f"{APPROVALS}?state={state}")


def test_approvals_cost_the_same_for_ten_as_for_two(people: People) -> None:
    asset = gated_asset(people)
    numbers = iter(range(100))
    assert_flat_queries(APPROVALS, lambda: ask(asset, person(f"p{next(numbers)}")), client=browser(people.alice))


def test_the_rail_and_the_header_count_what_waits(people: People) -> None:
    asset = gated_asset(people)
    row = ask(asset, people.charlie)

    def counts(user: Any) -> dict[str, int]:
        return {entry.address: entry.count for _title, entries in rail_of(user, "/me/assets") for entry in entries}

    assert (counts(people.mona)[APPROVALS], counts(people.charlie)[APPROVALS]) == (1, 0)
    assert (counts(people.mona)[MINE], counts(people.charlie)[MINE]) == (0, 1)
    assert {line["address"]: line["count"] for line in waiting_for(people.mona)}[APPROVALS] == 1
    applications.ask_back(application=row, actor=people.alice, question="Why?")
    assert (counts(people.mona)[APPROVALS], counts(people.charlie)[MINE]) == (0, 1)


# --- Who may use it ----------------------------------------------------------------------------------------


def test_people_are_added_on_the_page(people: People) -> None:
    asset = gated_asset(people)
    assert browser(people.mona).post(f"{ACCESS}/add", {"users": "charlie， nobody", "days": "5"}).status_code == 422
    response = browser(people.mona).post(f"{ACCESS}/add", {"users": "charlie", "days": "5"})
    assert (response.status_code, response["Location"]) == (302, ACCESS)
    assert may_download(asset, people.charlie)
    assert ">charlie</a>" in page(people.mona, ACCESS)


def test_a_delegate_revokes_but_does_not_add(people: People) -> None:
    asset = gated_asset(people)
    grant = give(asset, people.alice, people.charlie)
    dora = person("dora")
    Approver.objects.create(asset=asset, user=dora)
    assert "Add users" not in page(dora, ACCESS)
    assert browser(dora).post(f"{ACCESS}/add", {"users": "emil"}).status_code == 403
    assert browser(dora).post(f"{ACCESS}/revoke", {"ids": grant.pk, "reason": "Over"}).status_code == 302
    assert not may_download(asset, people.charlie)


def test_several_are_revoked_or_extended_on_the_page(people: People) -> None:
    asset = gated_asset(people)
    rows = [give(asset, people.alice, person(handle), days=5) for handle in ("dora", "emil")]
    ids = [row.pk for row in rows]
    assert browser(people.alice).post(f"{ACCESS}/extend", {"ids": ids, "days": "5"}).status_code == 302
    before = rows[0].expires_at
    rows[0].refresh_from_db()
    assert rows[0].expires_at == before + 5 * DAY
    assert browser(people.alice).post(f"{ACCESS}/revoke", {"ids": ids}).status_code == 422
    assert browser(people.alice).post(f"{ACCESS}/revoke", {"reason": "x"}).status_code == 422
    response = browser(people.alice).post(f"{ACCESS}/revoke", {"ids": ids, "reason": "Over"})
    assert said(response) == ["2 people may not use it any more."]
    assert set(Grant.objects.values_list("state", flat=True)) == {"revoked"}


@pytest.mark.parametrize("step", ["add", "revoke", "extend"])
@pytest.mark.parametrize("who", ["charlie", "rita", "bob"])
def test_others_change_nothing_on_the_page(people: People, who: str, step: str) -> None:
    asset = gated_asset(people)
    grant = give(asset, people.alice, person("dora"), days=5)
    data = {"ids": grant.pk, "reason": "x", "days": "5", "users": "emil"}
    assert browser(getattr(people, who)).post(f"{ACCESS}/{step}", data).status_code == 403
    assert list(Grant.objects.values_list("state", "expires_at")) == [("active", grant.expires_at)]


def test_the_register_says_who_cannot_see_it_at_present(people: People) -> None:
    asset = gated_asset(people)
    give(asset, people.alice, people.charlie)
    Asset.objects.filter(pk=asset.pk).update(visibility="chosen")
    assert "cannot see it at present" in page(people.alice, ACCESS)


def test_the_median_of_decisions_is_shown(people: People) -> None:
    from django.utils import timezone

    asset = gated_asset(people)
    now = timezone.now()
    for handle, hours in (("dora", 1), ("emil", 5), ("fred", 30)):
        row = ask(asset, person(handle), at=now - hours * DAY / 24)
        applications.approve(application=row, actor=people.alice, at=now)
    shown = post(people.charlie, "/models/atelier/tiny/applications", {"reason": "x"})
    assert shown.status_code == 201
    from core.testing import api

    assert api().get("/api/v1/models/atelier/tiny/access").json()["median_seconds"] == 5 * 3600
    assert "Recent requests took a median of 5 h" in " ".join(page(person("gabi"), ADDRESS).split())


def test_grants_of_an_ended_request_show_how_they_ended(people: People) -> None:
    asset = gated_asset(people)
    grant = applications.approve(application=ask(asset, people.charlie), actor=people.alice)
    grants.revoke_grant(grant=grant, actor=people.alice, reason="Project over")
    shown = page(people.charlie, MINE)
    assert "Taken back: Project over" in shown
    assert "Change and ask again" in shown

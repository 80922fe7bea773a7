"""The pages of publishing: who reaches them, and that every button works as a plain form."""

from typing import Any

import pytest

from accounts.models import WordList
from assets import services
from assets.models import AccessTerms, Approver, Asset, Submission
from assets.tests.factories import make_asset, read_for
from assets.tests.test_publishing import bring_to, pending, reviewer
from core.testing import SIGN_IN, People, assert_access, browser, organisation, person
from repos.operations import PutBytes

pytestmark = pytest.mark.django_db
PUBLIC = {"visibility": "public", "availability": "free", "rights": "on", "questions": "0"}
APPLICATION = {**PUBLIC, "availability": "on_application"}


def url(asset: Asset, step: str = "publish") -> str:
    return f"{asset.get_absolute_url()}/{step}"


def state(asset: Asset) -> str:
    return Asset.objects.get(pk=asset.pk).state


def test_access_to_the_publish_page_of_an_unpublished_asset(people: People) -> None:
    asset = make_asset(people.alice, people.atelier, visibility="private")
    expected: dict[str, int | str] = {
        "visitor": SIGN_IN, "stranger": 404, "reader": 403, "contributor": 403, "maintainer": 302, "owner": 302, "administrator": 302
    }  # fmt: skip
    assert_access(
        people=people, surface="page", expected=expected, request=lambda client: client.post(url(asset), PUBLIC), state=lambda: state(asset)
    )


@pytest.mark.parametrize("step", ["delist", "publish"])
def test_access_to_the_pages_of_a_published_asset(people: People, step: str) -> None:
    asset = make_asset(people.alice, people.atelier)
    expected: dict[str, int | str] = {
        "visitor": SIGN_IN, "stranger": 403, "reader": 403, "contributor": 403, "maintainer": 302, "owner": 302, "administrator": 302
    }  # fmt: skip
    data = {"delist": {"reason": ""}, "publish": {**PUBLIC, "visibility": "signed_in"}}[step]
    assert_access(
        people=people, surface="page", expected=expected, request=lambda client: client.post(url(asset, step), data),
        state=lambda: (state(asset), Asset.objects.get(pk=asset.pk).visibility),
    )  # fmt: skip


@pytest.mark.parametrize("step", ["withdraw", "review"])
def test_access_to_the_pages_of_an_asset_in_review(settings: Any, people: People, step: str) -> None:
    settings.REVIEW = "manual"
    asset = services.publish_asset(asset=make_asset(people.alice, people.atelier, visibility="private"), actor=people.alice)
    allowed: dict[str, int | str] = (
        {"maintainer": 302, "owner": 302, "administrator": 302}
        if step == "withdraw"
        else {"maintainer": 403, "owner": 403, "administrator": 302}
    )
    data = {"decision": "reject", "reason": "No"}
    assert_access(
        people=people, surface="page", expected={"visitor": SIGN_IN, "stranger": 404, "reader": 403, "contributor": 403, **allowed},
        request=lambda client: client.post(url(asset, step), data), state=lambda: state(asset),
    )  # fmt: skip


def test_publishing_needs_the_statement_of_rights(people: People) -> None:
    asset = make_asset(people.alice, visibility="private")
    answer = browser(people.alice).post(url(asset), {name: value for name, value in PUBLIC.items() if name != "rights"})
    assert (answer.status_code, state(asset)) == (422, "unpublished")


def test_the_form_publishes_with_ranges_terms_and_approvers(people: People) -> None:
    asset = make_asset(people.alice, visibility="private")
    data = {
        **APPLICATION, "visibility": "chosen", "audience": ["charlie", "atelier"], "approvers": ["bob"], "organisations": ["atelier"],
        "questions": "2", "q0_id": "", "q0_label": "Why?", "q0_kind": "long", "q0_required": "on",
        "q1_label": "Which?", "q1_kind": "choice", "q1_choices": "one\r\ntwo\r\n", "agreement": "Be kind", "grant_days": "30",
        "mail_domains": "Example.org，例子.中国",
    }  # fmt: skip
    answer = browser(people.alice).post(url(asset), data)
    assert (answer.status_code, answer["Location"]) == (302, asset.get_absolute_url())
    row = Asset.objects.get(pk=asset.pk)
    assert (row.state, row.visibility, row.availability) == ("published", "chosen", "on_application")
    assert sorted(row.audience.values_list("namespace__handle", flat=True)) == ["atelier", "charlie"]
    terms = AccessTerms.objects.get(asset=asset)
    assert [(q["label"], q["kind"], q["required"], q["choices"]) for q in terms.questions] == [
        ("Why?", "long", True, []),
        ("Which?", "choice", False, ["one", "two"]),
    ]
    assert (terms.agreement, terms.agreement_version, terms.grant_days) == ("Be kind", 1, 30)
    assert terms.mail_domains == ["example.org", "xn--fsqu00a.xn--fiqs8s"]
    assert list(terms.organisations.values_list("handle", flat=True)) == ["atelier"]
    assert list(Approver.objects.values_list("user__handle", flat=True)) == ["bob"]


def test_a_mistake_in_the_terms_leaves_everything_as_it_was(people: People) -> None:
    asset = make_asset(people.alice, visibility="private")
    answer = browser(people.alice).post(url(asset), {**APPLICATION, "agreement": "Be kind", "mail_domains": "not a domain"})
    assert answer.status_code == 422
    assert "is not the domain of mail addresses" in answer.content.decode()
    assert (state(asset), AccessTerms.objects.count(), Submission.objects.count()) == ("unpublished", 0, 0)


def test_terms_that_free_use_does_not_need_are_kept_for_later(people: People) -> None:
    asset = make_asset(people.alice, availability="on_application")
    services.set_terms(asset=asset, actor=people.alice, agreement="Be kind")
    assert browser(people.alice).post(url(asset), {**PUBLIC, "agreement": "", "mail_domains": "junk"}).status_code == 302
    assert (Asset.objects.get(pk=asset.pk).availability, AccessTerms.objects.get().agreement) == ("free", "Be kind")


def test_a_changed_agreement_is_the_next_version_and_questions_keep_their_ids(people: People) -> None:
    asset = make_asset(people.alice, availability="on_application")
    first = services.set_terms(asset=asset, actor=people.alice, agreement="One", questions=[{"label": "Why?"}])
    key = first.questions[0]["id"]
    data = {**APPLICATION, "agreement": "Two", "questions": "1", "q0_id": key, "q0_label": "Why so?", "q0_kind": "text"}
    assert browser(people.alice).post(url(asset), data).status_code == 302
    terms = AccessTerms.objects.get()
    assert (terms.agreement_version, terms.questions[0]["id"], terms.questions[0]["label"]) == (2, key, "Why so?")


@pytest.mark.parametrize(
    ("do", "labels"),
    [
        ("add_question", ["One", "Two", ""]),
        ("remove_question-0", ["Two"]),
        ("up_question-1", ["Two", "One"]),
        ("down_question-0", ["Two", "One"]),
        ("up_question-0", ["One", "Two"]),
        ("remove_question-9", ["One", "Two"]),
        ("remove_question-x", ["One", "Two"]),
    ],
)
def test_buttons_change_the_rows_of_questions_and_save_nothing(people: People, do: str, labels: list[str]) -> None:
    asset = make_asset(people.alice, visibility="private")
    data = {
        "visibility": "public",
        "availability": "on_application",
        "questions": "2",
        "q0_label": "One",
        "q0_kind": "text",
        "q1_label": "Two",
        "q1_kind": "text",
        "do": do,
    }
    answer = browser(people.alice).post(url(asset), data)
    assert answer.status_code == 200
    assert [row["label"] for row in answer.context["form"].question_rows.rows] == labels
    assert answer.context["form"].errors == {}
    assert (state(asset), AccessTerms.objects.count()) == ("unpublished", 0)


def test_people_are_found_without_script_and_ticked_ones_stay(people: People) -> None:
    organisation("charlies", owner=people.bob)
    asset = make_asset(people.alice, visibility="private")
    data = {**PUBLIC, "visibility": "chosen", "audience": ["bob"], "find_audience": "charli", "do": "find_audience"}
    answer = browser(people.alice).post(url(asset), data)
    chooser = answer.context["form"].choosers["audience"]
    assert [row.handle for row in chooser.chosen] == ["bob"]
    assert [row.handle for row in chooser.found] == ["charlie", "charlies"]
    approvers = browser(people.alice).post(url(asset), {**PUBLIC, "find_approvers": "charli", "do": "find_approvers"})
    assert [row.handle for row in approvers.context["form"].choosers["approvers"].found] == ["charlie"]


def test_htmx_gets_the_form_alone_and_is_sent_on_after_success(people: People) -> None:
    asset = make_asset(people.alice, visibility="private")
    page = browser(people.alice)
    fragment = page.get(url(asset), headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in fragment
    assert 'class="publish-form' in fragment
    answer = page.post(url(asset), PUBLIC, headers={"HX-Request": "true"})
    assert (answer.status_code, answer["HX-Redirect"], state(asset)) == (200, asset.get_absolute_url(), "published")


def test_the_detail_page_offers_publishing_and_tells_the_reason_of_a_rejection(settings: Any, people: People) -> None:
    settings.REVIEW = "manual"
    vera = reviewer()
    asset = make_asset(people.alice, people.atelier, visibility="private")
    page = browser(people.alice)
    assert f'href="{url(asset)}" data-dialog="#publish"' in page.get(asset.get_absolute_url()).content.decode()
    bring_to(asset, people.alice, vera, "rejected")
    text = page.get(asset.get_absolute_url()).content.decode()
    assert "It did not pass the review." in text
    assert "No licence" in text
    assert "Submit again" in text
    reader = browser(people.rita).get(asset.get_absolute_url()).content.decode()
    assert "No licence" in reader
    assert "Submit again" not in reader


@pytest.mark.parametrize(
    ("step", "words"),
    [("unpublished", "Not published"), ("review", "Under review"), ("rejected", "Rejected"), ("delisted", "Delisted"), ("published", "")],
)
def test_a_seal_says_the_state(settings: Any, people: People, step: str, words: str) -> None:
    settings.REVIEW = "manual"
    asset = bring_to(make_asset(people.alice, visibility="private"), people.alice, reviewer(), step)
    head = browser(people.alice).get(asset.get_absolute_url()).content.decode().split("<h1>")[1].split("</h1>")[0]
    assert ("seal" in head.replace("head-seals", "")) == bool(words)
    assert words in head


def test_withdrawing_and_delisting_by_page(settings: Any, people: People) -> None:
    settings.REVIEW = "manual"
    asset = services.publish_asset(asset=make_asset(people.alice, visibility="private"), actor=people.alice)
    page = browser(people.alice)
    assert page.post(url(asset, "withdraw")).status_code == 302
    assert state(asset) == "unpublished"
    settings.REVIEW = "words"
    page.post(url(asset), PUBLIC)
    assert page.get(url(asset, "delist")).status_code == 200
    assert page.post(url(asset, "delist"), {"reason": "Old"}).status_code == 302
    assert state(asset) == "delisted"
    assert page.post(url(asset, "delist"), {"reason": "Old"}).status_code == 409


@pytest.mark.parametrize(("step", "words"), [("published", "Delist it first"), ("review", "Withdraw it first")])
def test_the_delete_page_offers_the_step_before(settings: Any, people: People, step: str, words: str) -> None:
    settings.REVIEW = "manual"
    asset = bring_to(make_asset(people.alice, visibility="private"), people.alice, reviewer(), step)
    page = browser(people.alice)
    for answer in (page.get(url(asset, "settings/delete")), page.get(url(asset, "settings"))):
        assert words in answer.content.decode()
    refused = page.post(url(asset, "settings/delete"), {"confirm": asset.repo_id})
    assert (refused.status_code, state(asset)) == (409, step)
    assert words in refused.content.decode()


# --- the reviewer's page -----------------------------------------------------------------------------------------


def test_the_reviewer_sees_facts_and_words_and_approves(settings: Any, people: People) -> None:
    settings.REVIEW = "manual"
    vera = reviewer()
    asset = make_asset(people.alice, people.atelier, visibility="private")
    services.publish_asset(asset=asset, actor=people.alice, visibility="signed_in")
    WordList.objects.create(name="new", category="prohibited", words=asset.name)
    page = browser(vera)
    text = page.get(url(asset, "review")).content.decode()
    assert "Everybody signed in" in text
    assert f"<b>{asset.name}</b> (Prohibited)" in text
    head = page.get(url(asset, "review")).context["page"].head
    answer = page.post(url(asset, "review"), {"decision": "approve", "revision": head})
    assert (answer.status_code, state(asset)) == (302, "published")
    after = page.get(url(asset, "review"))
    assert (after.status_code, "is decided" in after.content.decode()) == (200, True)
    assert page.post(url(asset, "review"), {"decision": "reject", "reason": "No"}).status_code == 409


def test_a_moved_revision_must_be_confirmed_on_the_page(settings: Any, people: People) -> None:
    settings.REVIEW = "manual"
    vera = reviewer()
    asset = services.publish_asset(asset=make_asset(people.alice, visibility="private"), actor=people.alice)
    page = browser(vera)
    seen = page.get(url(asset, "review")).context["page"].head
    made = services.commit_files(asset=read_for(people.alice, asset), actor=people.alice, operations=[PutBytes("a", b"a")], message="More")
    assert page.post(url(asset, "review"), {"decision": "approve", "revision": seen}).status_code == 422
    assert page.post(url(asset, "review"), {"decision": "approve", "revision": seen, "seen": "on"}).status_code == 409
    assert state(asset) == "review"
    assert page.post(url(asset, "review"), {"decision": "approve", "revision": made.sha, "seen": "on"}).status_code == 302
    assert (state(asset), pending(asset).revision) == ("published", made.sha)


def test_a_rejection_without_a_reason_is_shown_at_its_field(settings: Any, people: People) -> None:
    settings.REVIEW = "manual"
    asset = services.publish_asset(asset=make_asset(people.alice, visibility="private"), actor=people.alice)
    answer = browser(reviewer()).post(url(asset, "review"), {"decision": "reject", "reason": " "})
    assert (answer.status_code, state(asset)) == (422, "review")
    assert list(answer.context["reject"].errors) == ["reason"]


# --- people ----------------------------------------------------------------------------------------------------


def test_people_are_for_those_who_are_signed_in(people: People) -> None:
    assert browser().get("/people?q=a").status_code == 302
    text = browser(people.bob).get("/people?q=CHAR").content.decode()
    assert 'href="/charlie"' in text
    assert "charlie@example.com" not in text


def test_people_are_found_by_handle_number_and_nickname_and_never_by_mail(people: People) -> None:
    person("zhao", nickname="赵小明")
    gone = person("gone")
    gone.is_active = False
    gone.save(update_fields=["is_active"])
    page = browser(people.bob)

    def found(words: str) -> list[str]:
        return [row.handle for row in page.get("/people", {"q": words}).context["found"]]

    assert found("@Charlie") == ["charlie"]
    assert found("小明") == ["zhao"]
    assert found(str(people.charlie.pk)) == ["charlie"]
    assert (found("charlie@example.com"), found("gone"), found(""), found("9" * 30), found("\0")) == ([], [], [], [], [])


def test_the_list_in_a_form_keeps_what_was_ticked(people: People) -> None:
    answer = browser(people.bob).get(
        "/people", {"field": "audience", "find_audience": "char", "audience": ["alice"], "kinds": "user"}, headers={"HX-Request": "true"}
    )
    text = answer.content.decode()
    assert 'name="audience" value="alice" checked' in text
    assert 'name="audience" value="charlie">' in text
    assert "<html" not in text


def test_many_searches_are_slowed_down(people: People) -> None:
    page = browser(people.bob)
    statuses = [page.get("/people?q=a").status_code for _turn in range(62)]
    assert statuses[:60] == [200] * 60
    assert statuses[-1] == 429

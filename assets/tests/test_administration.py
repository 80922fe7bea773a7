"""The administration of the catalog, and what tokens may be limited to."""

from typing import Any

import pytest

from accounts.models import AuditEvent
from accounts.services import resource_choices, set_standing
from assets.models import Asset, Collection, Grant, Submission, Term
from assets.tests.factories import hang_asset, make_asset
from core.testing import People, assert_flat_queries, browser, person

pytestmark = pytest.mark.django_db
QUEUE = "/admin/assets/submission/"


@pytest.fixture
def operator(people: People) -> Any:
    olga = person("olga")
    set_standing(actor=people.ada, user=olga, standing="operator")
    return browser(olga)


@pytest.fixture
def reviewer(people: People) -> Any:
    vera = person("vera")
    set_standing(actor=people.ada, user=vera, standing="reviewer")
    return browser(vera)


def submitted(people: People, name: str = "tiny") -> Submission:
    """Return the submission of an asset that waits for a reviewer."""
    asset = make_asset(people.alice, name=name, visibility="private")
    Asset.objects.filter(pk=asset.pk).update(state="review")
    commit = asset.open_repository().refs.get(name="refs/heads/main").commit
    return Submission.objects.create(asset=asset, submitter=people.alice, revision=commit)


def test_an_administrator_edits_a_term_and_pages_follow(people: People) -> None:
    term = Term.objects.get(vocabulary="task", code="translation")
    data = {
        "vocabulary": "task", "code": "translation", "name_en": "Machine translation", "name_zh": "机器翻译", "parent": term.parent_id,
        "aliases": "mt\nnmt\nmt", "pigment": "", "url": "", "fine_tuning": "", "inference": "", "app": "", "position": 3, "active": "on",
    }  # fmt: skip
    response = browser(people.ada).post(f"/admin/assets/term/{term.pk}/change/", data)
    assert response.status_code == 302
    assert Term.objects.get(pk=term.pk).aliases == ["mt", "nmt"]
    rows = browser().get("/api/v1/taxonomy/task").json()
    assert [row["name_en"] for row in rows if row["code"] == "translation"] == ["Machine translation"]
    assert browser().get("/models?task=nmt").context["catalogue"].chips[0].name == "Machine translation"
    event = AuditEvent.objects.get(target_kind="term")
    assert (event.actor, event.verb, event.target) == ("ada", "edit", "task:translation")
    assert {"aliases", "name_en"} <= set(event.details["fields"])


def test_a_task_needs_a_modality(people: People) -> None:
    language = Term.objects.filter(vocabulary="language").first()
    data = {"vocabulary": "task", "code": "x", "name_en": "X", "name_zh": "X", "parent": language.pk, "aliases": "", "position": 1}
    response = browser(people.ada).post("/admin/assets/term/add/", data)
    assert response.status_code == 200
    assert not Term.objects.filter(code="x").exists()


def test_a_term_is_added_and_switched_off_and_never_deleted(operator: Any) -> None:
    data = {"vocabulary": "industry", "code": "kites", "name_en": "Kites", "name_zh": "风筝", "aliases": "", "position": 1, "active": "on"}
    assert operator.post("/admin/assets/term/add/", data).status_code == 302
    term = Term.objects.get(code="kites")
    assert operator.post("/admin/assets/term/add/", data).status_code == 200
    assert operator.post(f"/admin/assets/term/{term.pk}/delete/", {"post": "yes"}).status_code == 403
    rows = {"form-TOTAL_FORMS": "1", "form-INITIAL_FORMS": "1", "form-0-id": term.pk, "form-0-position": "7", "_save": "Save"}
    assert operator.post("/admin/assets/term/?q=kites", rows).status_code == 302
    term.refresh_from_db()
    assert (term.position, term.active, term.name_zh, term.code) == (7, False, "风筝", "kites")
    changes = AuditEvent.objects.filter(target_kind="term").order_by("id").values_list("verb", "details")
    assert [(verb, details["fields"]) for verb, details in changes][1] == ("edit", ["active", "position"])


def test_assets_are_only_looked_at(people: People) -> None:
    asset = make_asset(people.alice, name="tiny")
    client = browser(people.ada)
    assert client.get("/admin/assets/asset/").status_code == 200
    assert client.get(f"/admin/assets/asset/{asset.pk}/change/").status_code == 200
    assert client.post(f"/admin/assets/asset/{asset.pk}/change/", {"name": "other"}).status_code == 403
    assert client.post(f"/admin/assets/asset/{asset.pk}/delete/", {"post": "yes"}).status_code == 403
    assert Asset.objects.get().name == "tiny"


@pytest.mark.parametrize("mark", ["official", "featured", "commercial"])
def test_marks_are_given_and_taken_by_operators(people: People, operator: Any, mark: str) -> None:
    asset = hang_asset(people.alice, name="tiny")
    page = f"/admin/assets/asset/{asset.pk}/act/{{}}/"
    assert operator.post(page.format(mark)).status_code == 302
    assert getattr(Asset.objects.get(pk=asset.pk), mark) is True
    operator.post(page.format(mark))
    operator.post(page.format(f"un{mark}"))
    assert getattr(Asset.objects.get(pk=asset.pk), mark) is False
    changes = AuditEvent.objects.filter(verb="set_marks").order_by("id")
    assert [(row.actor, row.target, row.details) for row in changes] == [
        ("olga", "alice/tiny", {"kind": "model", mark: True}),
        ("olga", "alice/tiny", {"kind": "model", mark: False}),
    ]


def test_reviewer_gives_no_marks(people: People, reviewer: Any) -> None:
    asset = hang_asset(people.alice)
    assert reviewer.get("/admin/assets/asset/").status_code == 200
    assert reviewer.post(f"/admin/assets/asset/{asset.pk}/act/featured/").status_code == 403
    assert not Asset.objects.get(pk=asset.pk).featured


def test_queue_shows_what_waits_and_publishes_it(people: People, reviewer: Any) -> None:
    waiting = submitted(people)
    Submission.objects.create(asset=hang_asset(people.bob, name="old"), submitter=people.bob, revision="0" * 40, state="rejected")
    assert [row.pk for row in reviewer.get(QUEUE).context["cl"].result_list] == [waiting.pk]
    assert reviewer.get(QUEUE, {"state": "all"}).context["cl"].result_count == 2
    assert reviewer.get(f"{QUEUE}{waiting.pk}/change/").status_code == 200
    assert reviewer.get(f"{QUEUE}{waiting.pk}/act/approve/").status_code == 200
    assert reviewer.post(f"{QUEUE}{waiting.pk}/act/approve/").status_code == 302
    waiting.refresh_from_db()
    assert (waiting.state, waiting.reviewer.handle, Asset.objects.get(pk=waiting.asset_id).state) == ("approved", "vera", "published")
    assert AuditEvent.objects.get(verb="approve").actor == "vera"
    reviewer.post(f"{QUEUE}{waiting.pk}/act/approve/")
    assert AuditEvent.objects.filter(verb="approve").count() == 1


def test_queue_rejects_with_a_reason(people: People, reviewer: Any) -> None:
    waiting = submitted(people)
    page = f"{QUEUE}{waiting.pk}/act/reject/"
    assert reviewer.post(page, {"reason": ""}).status_code == 422
    assert reviewer.post(page, {"reason": "No licence."}).status_code == 302
    waiting.refresh_from_db()
    assert (waiting.state, waiting.reason, Asset.objects.get(pk=waiting.asset_id).state) == ("rejected", "No licence.", "rejected")
    assert AuditEvent.objects.get(verb="reject").actor == "vera"


def test_files_that_changed_since_are_approved_only_by_their_new_revision(people: People, reviewer: Any) -> None:
    waiting = submitted(people)
    head, page = waiting.revision, f"{QUEUE}{waiting.pk}/act/approve/"
    Submission.objects.filter(pk=waiting.pk).update(revision="0" * 40)
    reviewer.post(page, {"revision": ""})
    assert "The files changed since you looked at them." in reviewer.get("/admin/").content.decode()
    assert reviewer.post(page, {"revision": "main"}).status_code == 422
    reviewer.post(page, {"revision": head})
    assert Asset.objects.get(pk=waiting.asset_id).state == "published"


def test_operator_sees_the_queue_and_decides_nothing(people: People, operator: Any) -> None:
    waiting = submitted(people)
    assert operator.get(QUEUE).status_code == 200
    assert operator.post(f"{QUEUE}{waiting.pk}/act/approve/").status_code == 403
    assert Submission.objects.get().state == "pending"


def test_register_and_collections_are_only_looked_at(people: People, operator: Any) -> None:
    asset = hang_asset(people.alice)
    grant = Grant.objects.create(asset=asset, user=people.bob, source="direct", granter=people.alice)
    shelf = Collection.objects.create(owner=people.bob, title="Shelf")
    for table, row in (("grant", grant), ("collection", shelf)):
        page = f"/admin/assets/{table}/{row.pk}/"
        assert operator.get(f"{page}change/").status_code == 200
        assert operator.post(f"{page}change/", {"state": "revoked", "title": "x"}).status_code == 403
        assert operator.post(f"{page}delete/", {"post": "yes"}).status_code == 403
    assert (Grant.objects.get().state, Collection.objects.get().title) == ("active", "Shelf")


@pytest.mark.parametrize("table", ["asset", "submission", "grant"])
def test_lists_cost_the_same_for_many(people: People, operator: Any, table: str) -> None:
    def add() -> None:
        asset = hang_asset(people.alice)
        Submission.objects.create(asset=asset, submitter=people.alice, revision="0" * 40)
        Grant.objects.create(asset=asset, user=people.bob, source="direct", granter=people.alice)

    assert_flat_queries(f"/admin/assets/{table}/", add, client=operator)


def test_a_token_may_be_limited_to_what_its_user_may_change(people: People) -> None:
    mine = make_asset(people.bob, name="mine", visibility="private")
    shared = make_asset(people.alice, people.atelier, name="shared", kind="dataset")
    make_asset(people.alice, name="foreign")
    assert [(choice.key, choice.url) for choice in resource_choices(people.bob)] == [
        (f"asset:{shared.pk}", "/datasets/atelier/shared"),
        (f"asset:{mine.pk}", "/models/bob/mine"),
    ]
    assert resource_choices(people.rita) == []

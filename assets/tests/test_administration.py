"""The administration of the catalog, and what tokens may be limited to."""

import pytest

from accounts.services import resource_choices
from assets.models import Asset, Term
from assets.tests.factories import make_asset
from core.testing import People, browser

pytestmark = pytest.mark.django_db


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


def test_a_task_needs_a_modality(people: People) -> None:
    language = Term.objects.filter(vocabulary="language").first()
    data = {"vocabulary": "task", "code": "x", "name_en": "X", "name_zh": "X", "parent": language.pk, "aliases": "", "position": 1}
    response = browser(people.ada).post("/admin/assets/term/add/", data)
    assert response.status_code == 200
    assert not Term.objects.filter(code="x").exists()


def test_assets_are_only_looked_at(people: People) -> None:
    asset = make_asset(people.alice, name="tiny")
    client = browser(people.ada)
    assert client.get("/admin/assets/asset/").status_code == 200
    assert client.get(f"/admin/assets/asset/{asset.pk}/change/").status_code == 200
    assert client.post(f"/admin/assets/asset/{asset.pk}/change/", {"name": "other"}).status_code == 403
    assert client.post(f"/admin/assets/asset/{asset.pk}/delete/", {"post": "yes"}).status_code == 403
    assert Asset.objects.get().name == "tiny"


def test_a_token_may_be_limited_to_what_its_user_may_change(people: People) -> None:
    mine = make_asset(people.bob, name="mine", visibility="private")
    shared = make_asset(people.alice, people.atelier, name="shared", kind="dataset")
    make_asset(people.alice, name="foreign")
    assert [(choice.key, choice.url) for choice in resource_choices(people.bob)] == [
        (f"asset:{shared.pk}", "/datasets/atelier/shared"),
        (f"asset:{mine.pk}", "/models/bob/mine"),
    ]
    assert resource_choices(people.rita) == []

"""Agreements and word lists in the administration."""

from typing import Any

import pytest

from accounts.models import Agreement, AuditEvent, WordList
from accounts.services import draft_agreement, publish_agreement
from core.problems import Conflict
from core.testing import browser

pytestmark = pytest.mark.django_db
TEXTS = {"title_en": "Risks", "title_zh": "风险", "text_en": "Be careful.", "text_zh": "请小心。"}


@pytest.fixture(autouse=True)
def no_agreements(db: None) -> None:
    Agreement.objects.all().delete()


def verbs(kind: str) -> list[str]:
    return list(AuditEvent.objects.filter(target_kind=kind).order_by("id").values_list("verb", flat=True))


def test_agreement_is_drafted_edited_published_and_then_stays(ada: Any) -> None:
    client = browser(ada)
    assert client.post("/admin/accounts/agreement/add/", {"kind": "risk", **TEXTS}).status_code == 302
    draft = Agreement.objects.get()
    page = f"/admin/accounts/agreement/{draft.pk}/"
    assert client.post(f"{page}change/", {**TEXTS, "text_en": "Be very careful."}).status_code == 302
    assert client.post(f"{page}act/publish/").status_code == 302
    draft.refresh_from_db()
    assert (draft.version, draft.text_en, draft.published_at is None) == (1, "Be very careful.", False)
    assert client.get(f"{page}change/").status_code == 200
    assert client.post(f"{page}change/", {**TEXTS, "text_en": "No danger."}).status_code == 403
    assert client.post(f"{page}delete/", {"post": "yes"}).status_code == 403
    assert Agreement.objects.get().text_en == "Be very careful."
    assert verbs("agreement") == ["create", "edit", "publish"]


def test_new_version_begins_with_the_old_texts(ada: Any) -> None:
    first = draft_agreement(actor=ada, kind="risk", **TEXTS)
    publish_agreement(actor=ada, agreement=first)
    browser(ada).post(f"/admin/accounts/agreement/{first.pk}/act/next/")
    second = Agreement.objects.get(version=2)
    assert (second.kind, second.title_zh, second.published_at) == ("risk", "风险", None)
    assert [row.pk for row in Agreement.objects.current()] == [first.pk]
    client = browser(ada)
    client.post(f"/admin/accounts/agreement/{first.pk}/act/next/")
    assert "There is a draft of this agreement already." in client.get("/admin/").content.decode()
    assert Agreement.objects.count() == 2


def test_publishing_twice_is_a_conflict(ada: Any) -> None:
    draft = draft_agreement(actor=ada, kind="risk", **TEXTS)
    publish_agreement(actor=ada, agreement=draft)
    with pytest.raises(Conflict):
        publish_agreement(actor=ada, agreement=draft)
    assert verbs("agreement") == ["create", "publish"]


def test_word_list_moves_its_moment_on_with_each_change(ada: Any) -> None:
    client = browser(ada)
    client.post("/admin/accounts/wordlist/add/", {"name": "Basics", "category": "political", "words": "one\n二", "active": "on"})
    row = WordList.objects.get(name="Basics")
    former = row.updated_at
    client.post(f"/admin/accounts/wordlist/{row.pk}/change/", {"name": "Basics", "category": "political", "words": "one"})
    row.refresh_from_db()
    assert (row.words, row.active, row.updated_at > former) == ("one", False, True)
    assert client.post(f"/admin/accounts/wordlist/{row.pk}/delete/", {"post": "yes"}).status_code == 403
    assert AuditEvent.objects.filter(target_kind="word_list").latest("id").details == {"fields": ["active", "words"], "words": 1}
    double = client.post("/admin/accounts/wordlist/add/", {"name": "Basics", "category": "other", "words": "x"})
    assert (double.status_code, WordList.objects.filter(name="Basics").count()) == (200, 1)

"""Forbidden words keep an asset from the shelf, and stay out of what is on it."""

from collections.abc import Callable
from typing import Any

import pytest

from accounts.models import AuditEvent, WordList
from assets import services
from assets.models import AccessTerms, Asset, Submission
from assets.tests.factories import make_asset, read_for
from core.problems import Problem
from core.testing import api, browser, person
from repos.operations import PutBytes
from repos.reading import resolve

pytestmark = pytest.mark.django_db
SENTENCE = "“heroin” must not stand here (Prohibited). Say it without this word."


@pytest.fixture(autouse=True)
def words() -> None:
    WordList.objects.create(name="drugs", category="prohibited", words="heroin\n毒品")


def head(asset: Asset, user: Any) -> str:
    return resolve(read_for(user, asset).open_repository()).commit.sha


def write_card(asset: Asset, user: Any, text: str) -> Any:
    return services.commit_files(asset=read_for(user, asset), actor=user, operations=[PutBytes("README.md", text.encode())], message="Card")


def in_terms(asset: Asset, user: Any, **values: Any) -> None:
    services.set_terms(asset=read_for(user, asset), actor=user, **values)


PLACES: dict[str, Callable[[Any], Asset]] = {}


def place(field: str) -> Callable[[Callable[[Any], Asset]], Callable[[Any], Asset]]:
    def add(make: Callable[[Any], Asset]) -> Callable[[Any], Asset]:
        PLACES[field] = make
        return make

    return add


@place("name")
def _name(alice: Any) -> Asset:
    return make_asset(alice, visibility="private", name="my-heroin")


@place("title_zh")
def _title(alice: Any) -> Asset:
    return make_asset(alice, visibility="private", title_zh="ｈｅｒｏｉｎ模型")


@place("description")
def _description(alice: Any) -> Asset:
    return make_asset(alice, visibility="private", description="Buy Heroin")


@place("tags")
def _tags(alice: Any) -> Asset:
    asset = make_asset(alice, visibility="private")
    services.save_settings(asset=asset, actor=alice, values={"tags": ["safe", "HEROIN"]})
    return asset


@place("text")
def _text(alice: Any) -> Asset:
    asset = make_asset(alice, visibility="private")
    write_card(asset, alice, "# Hello\n\nheroin")
    return asset


@place("questions")
def _questions(alice: Any) -> Asset:
    asset = make_asset(alice, visibility="private")
    in_terms(asset, alice, questions=[{"label": "Which?", "kind": "choice", "choices": ["tea", "heroin"]}])
    return asset


@place("agreement")
def _agreement(alice: Any) -> Asset:
    asset = make_asset(alice, visibility="private")
    in_terms(asset, alice, agreement="No heroin")
    return asset


@pytest.mark.parametrize("review", ["words", "manual"])
@pytest.mark.parametrize("field", ["name", "title_zh", "description", "tags", "text", "questions", "agreement"])
def test_a_word_anywhere_is_named_at_its_field_and_nothing_changes(settings: Any, field: str, review: str) -> None:
    settings.REVIEW = review
    alice = person("alice")
    asset = PLACES[field](alice)
    before = AuditEvent.objects.count()
    with pytest.raises(Problem) as refused:
        services.publish_asset(asset=read_for(alice, asset), actor=alice)
    assert refused.value.code == "forbidden_words"
    assert refused.value.errors[field] == [SENTENCE]
    assert Asset.objects.get(pk=asset.pk).state == "unpublished"
    assert (Submission.objects.count(), AuditEvent.objects.count()) == (0, before)


def test_the_words_do_not_count_where_nobody_reviews(settings: Any) -> None:
    settings.REVIEW = "off"
    alice = person("alice")
    asset = services.publish_asset(asset=_text(alice), actor=alice)
    assert asset.state == "published"
    write_card(asset, alice, "heroin")
    services.rename_asset(asset=read_for(alice, asset), actor=alice, name="heroin")


EDITS: dict[str, Callable[[Asset, Any], Any]] = {
    "save_settings": lambda asset, alice: services.save_settings(
        asset=read_for(alice, asset), actor=alice, values={"description": "heroin"}
    ),
    "save_card": lambda asset, alice: services.save_card(
        asset=read_for(alice, asset), actor=alice, text="# Heroin", values={}, parent=head(asset, alice)
    ),
    "commit": lambda asset, alice: write_card(asset, alice, "毒品"),
    "rename": lambda asset, alice: services.rename_asset(asset=read_for(alice, asset), actor=alice, name="heroin"),
    "questions": lambda asset, alice: in_terms(asset, alice, questions=[{"label": "heroin?"}]),
    "agreement": lambda asset, alice: in_terms(asset, alice, agreement="毒品"),
}


@pytest.mark.parametrize("state", ["published", "review"])
@pytest.mark.parametrize("edit", EDITS)
def test_later_edits_are_looked_at_as_well(settings: Any, edit: str, state: str) -> None:
    settings.REVIEW = "words" if state == "published" else "manual"
    alice = person("alice")
    asset = services.publish_asset(asset=make_asset(alice, visibility="private"), actor=alice)
    assert asset.state == state
    commit, events = head(asset, alice), AuditEvent.objects.count()
    with pytest.raises(Problem) as refused:
        EDITS[edit](asset, alice)
    assert refused.value.code == "forbidden_words"
    now = Asset.objects.get(pk=asset.pk)
    assert (now.name, now.description, head(asset, alice)) == (asset.name, asset.description, commit)
    assert (AccessTerms.objects.count(), AuditEvent.objects.count()) == (0, events)


def test_what_nobody_else_sees_may_say_anything() -> None:
    alice = person("alice")
    asset = make_asset(alice, visibility="private")
    write_card(asset, alice, "heroin")
    assert services.rename_asset(asset=read_for(alice, asset), actor=alice, name="heroin").name == "heroin"


def test_a_restored_card_is_looked_at() -> None:
    alice = person("alice")
    asset = make_asset(alice, visibility="private")
    bad = write_card(asset, alice, "heroin").sha
    write_card(asset, alice, "fine")
    services.publish_asset(asset=read_for(alice, asset), actor=alice)
    with pytest.raises(Problem) as refused:
        services.restore_files(asset=read_for(alice, asset), actor=alice, revision=bad)
    assert refused.value.code == "forbidden_words"


def test_a_new_word_does_not_lock_the_files_of_a_published_asset() -> None:
    alice = person("alice")
    asset = make_asset(alice, visibility="private")
    write_card(asset, alice, "cocaine")
    services.publish_asset(asset=read_for(alice, asset), actor=alice)
    WordList.objects.create(name="more", category="prohibited", words="cocaine")
    services.commit_files(asset=read_for(alice, asset), actor=alice, operations=[PutBytes("a.txt", b"a")], message="Data")
    write_card(asset, alice, "mended")
    with pytest.raises(Problem):
        write_card(asset, alice, "cocaine")


def test_other_branches_are_not_the_card() -> None:
    alice = person("alice")
    asset = make_asset(alice)
    services.create_version(asset=asset, actor=alice, name="refs/heads/draft", revision=head(asset, alice))
    services.commit_files(
        asset=read_for(alice, asset), actor=alice, operations=[PutBytes("README.md", b"heroin")], message="Draft", branch="draft"
    )


# --- over HTTP ---------------------------------------------------------------------------------------------------


def test_rest_answers_400_by_field() -> None:
    alice = person("alice")
    asset = _description(alice)
    answer = api(alice).post(f"/api/v1{asset.get_absolute_url()}/publish", {}, format="json")
    assert (answer.status_code, answer.json()["code"]) == (400, "forbidden_words")
    assert answer.json()["errors"]["description"] == [SENTENCE]
    published = make_asset(alice)
    edited = api(alice).patch(f"/api/v1{published.get_absolute_url()}", {"description": "heroin"}, format="json")
    assert (edited.status_code, edited.json()["errors"]) == (400, {"description": [SENTENCE]})


def test_the_page_says_which_field_and_keeps_what_was_chosen() -> None:
    alice = person("alice")
    asset = _description(alice)
    data = {"visibility": "signed_in", "availability": "free", "rights": "on", "questions": "0"}
    answer = browser(alice).post(f"{asset.get_absolute_url()}/publish", data)
    assert answer.status_code == 422
    assert f"Summary: {SENTENCE}" in answer.content.decode()
    assert 'value="signed_in" checked' in answer.content.decode()
    assert Asset.objects.get(pk=asset.pk).state == "unpublished"


def test_the_editor_shows_the_word_at_the_text() -> None:
    alice = person("alice")
    asset = make_asset(alice)
    data = {"text": "heroin", "parent": head(asset, alice), "message": ""}
    answer = browser(alice).post(f"{asset.get_absolute_url()}/edit", data)
    assert answer.status_code == 422
    assert SENTENCE in answer.content.decode()


def test_the_settings_page_shows_the_word_at_the_summary() -> None:
    alice = person("alice")
    asset = make_asset(alice)
    answer = browser(alice).post(f"{asset.get_absolute_url()}/settings/names", {"title_zh": "", "description": "heroin"})
    assert answer.status_code == 400
    assert SENTENCE in answer.content.decode()

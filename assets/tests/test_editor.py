"""The editor of the introduction, through its page."""

import re
from typing import Any

import pytest
from django.http import HttpResponse

from accounts.models import AuditEvent
from assets import services
from assets.models import Asset
from assets.services import card_text
from assets.tests.factories import finish_jobs, make_asset, read_for
from core.testing import SIGN_IN, assert_access, browser
from repos.models import Commit
from repos.operations import PutBytes
from repos.reading import resolve

pytestmark = pytest.mark.django_db

CARD = "---\nlicense: apache-2.0  # theirs\nlanguage: [zh, en]\npipeline_tag: text-generation\n---\n\n# Title\n\nText.\n"


@pytest.fixture
def asset(alice: Any) -> Asset:
    made = make_asset(alice, name="tiny")
    write(made, alice, CARD)
    finish_jobs()
    return read_for(alice, made)


def write(asset: Asset, actor: Any, text: str, path: str = "README.md") -> str:
    return services.commit_files(asset=asset, actor=actor, operations=[PutBytes(path, text.encode())], message="Change").sha


def head(asset: Asset) -> str:
    return resolve(asset.open_repository()).commit.sha


def url(asset: Asset) -> str:
    return f"{asset.get_absolute_url()}/edit"


def posted(asset: Asset, **changes: Any) -> dict[str, Any]:
    """Return what a browser sends for the form as it was loaded, with `changes`."""
    values = {
        "title_zh": "", "licence": "apache-2.0", "description": "", "task": "text-generation", "languages": "Chinese, English", "frameworks": "",
        "minimum_spec": "", "industry": "", "tags": "", "base_models": "", "datasets": "", "text": CARD.replace("\n", "\r\n"), "message": "",
        "parent": head(asset),
    }  # fmt: skip
    return values | changes


def save(user: Any, asset: Asset, **changes: Any) -> HttpResponse:
    response: HttpResponse = browser(user).post(url(asset), posted(asset, **changes))
    return response


def commits(asset: Asset) -> int:
    return Commit.objects.filter(repository=asset.repository_id).count()


def source(response: HttpResponse) -> str:
    """Return the text in the editor of a page."""
    from html import unescape

    found = re.search(r'<textarea name="text"[^>]*>\n?(.*?)</textarea>', response.content.decode(), re.DOTALL)
    assert found
    return unescape(found[1]).replace("\r\n", "\n")


def test_page_shows_settings_text_and_preview(alice: Any, asset: Asset) -> None:
    page = browser(alice).get(url(asset))
    text = page.content.decode()
    assert (page.status_code, source(page)) == (200, CARD)
    assert '<option value="apache-2.0" selected>Apache-2.0</option>' in text
    assert 'name="languages" value="Chinese, English"' in text
    assert '<h3 id="preview-title">Title' in text and "Supports fine-tuning, services and AI apps" in text
    assert '<progress class="prog-sm" value="3" max="10"' in text


def test_form_change_rewrites_one_line_in_one_commit(alice: Any, asset: Asset) -> None:
    before = commits(asset)
    response = save(alice, asset, licence="mit", message="New licence")
    assert (response.status_code, response["Location"]) == (302, asset.get_absolute_url())
    assert card_text(asset) == CARD.replace("apache-2.0", "mit")
    assert commits(asset) == before + 1
    assert resolve(asset.open_repository()).commit.message == "New licence"
    assert Asset.objects.get(pk=asset.pk).licence == "mit"
    assert AuditEvent.objects.filter(verb="commit", actor_id=alice.pk, details__commit=head(asset)).count() == 1


def test_every_setting_is_written(alice: Any, asset: Asset) -> None:
    save(
        alice, asset, title_zh="云鹤", description=" One  line ", task="translation", languages="en、日文", frameworks="PyTorch, onnx", hardware=["gpu", "npu"],
        minimum_spec="1-snt9b-16-cpu-24-96", distributed="on", industry="finance", tags="a, b c", base_models="lab/Base", datasets="lab/One, lab/Two",
    )  # fmt: skip
    row = Asset.objects.get(pk=asset.pk)
    assert (row.title_zh, row.description, row.task, row.languages, row.frameworks) == (
        "云鹤",
        "One line",
        "translation",
        ["en", "ja"],
        ["pytorch", "onnx"],
    )
    assert (row.hardware, row.minimum_spec, row.distributed, row.industry) == (["gpu", "npu"], "1-snt9b-16-cpu-24-96", True, "finance")
    assert (row.tags, row.base_models, row.datasets) == (["a", "b c"], ["lab/Base"], ["lab/One", "lab/Two"])
    finish_jobs()
    assert Asset.objects.filter(pk=asset.pk).values_list("tags", "hardware").get() == (["a", "b c"], ["gpu", "npu"])


def test_head_changed_by_hand_wins_for_its_settings(alice: Any, asset: Asset) -> None:
    by_hand = CARD.replace("license: apache-2.0  # theirs", "license: gpl-3.0")
    save(alice, asset, text=by_hand, licence="mit", task="translation")
    assert card_text(asset) == by_hand.replace("text-generation", "translation")
    assert Asset.objects.get(pk=asset.pk).licence == "gpl-3.0"


def test_text_alone_is_saved_as_typed(alice: Any, asset: Asset) -> None:
    save(alice, asset, text=CARD + "\r\nMore  \r\n")
    assert card_text(asset) == CARD + "\nMore  \n"


def test_line_ends_of_the_file_stay(alice: Any, asset: Asset) -> None:
    write(asset, alice, CARD.replace("\n", "\r\n"))
    save(alice, asset, licence="mit")
    assert card_text(asset) == CARD.replace("apache-2.0", "mit").replace("\n", "\r\n")


def test_nothing_changed_makes_no_commit(alice: Any, asset: Asset) -> None:
    before = commits(asset)
    response = save(alice, asset)
    assert (response.status_code, commits(asset)) == (302, before)


def test_broken_head_is_saved_with_a_warning_and_settings_stay(alice: Any, asset: Asset) -> None:
    broken = CARD.replace("[zh, en]", "[zh")
    response = browser(alice).post(url(asset), posted(asset, text=broken), follow=True)
    assert card_text(asset) == broken
    assert Asset.objects.get(pk=asset.pk).licence == "apache-2.0"
    assert "A setting keeps its last good value. Line 4: The settings are not valid YAML" in response.content.decode()


def test_settings_are_not_lost_silently_when_the_head_is_broken(alice: Any, asset: Asset) -> None:
    before = commits(asset)
    broken = CARD.replace("[zh, en]", "[zh")
    response = save(alice, asset, text=broken, licence="mit")
    assert (response.status_code, commits(asset)) == (422, before)
    assert "The settings cannot be written before the head of the text is mended: Line 4" in response.content.decode()
    assert source(response) == broken


def test_mending_a_broken_head_by_hand_works(alice: Any, asset: Asset) -> None:
    write(asset, alice, CARD.replace("[zh, en]", "[zh"))
    finish_jobs()
    save(alice, asset, text=CARD.replace("[zh, en]", "[ja]"))
    assert Asset.objects.get(pk=asset.pk).languages == ["ja"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"title_zh": "x" * 97}, "Ensure this value has at most 96 characters (it has 97)."),
        ({"tags": "x" * 65}, "Use at most 64 characters."),
        ({"tags": ", ".join(str(n) for n in range(101))}, "Use at most 100 values."),
        ({"licence": "nobody-knows"}, "Select a valid choice. nobody-knows is not one of the available choices."),
        ({"hardware": ["abacus"]}, "Select a valid choice. abacus is not one of the available choices."),
    ],
)
def test_values_a_card_cannot_hold_are_refused_by_field(alice: Any, asset: Asset, changes: dict[str, Any], message: str) -> None:
    before = commits(asset)
    response = save(alice, asset, **changes)
    assert (response.status_code, commits(asset)) == (422, before)
    assert message in response.content.decode()


@pytest.mark.parametrize("parent", ["", "f" * 40, "not a commit", "x" * 41])
def test_unknown_parent_is_refused(alice: Any, asset: Asset, parent: str) -> None:
    before = commits(asset)
    assert save(alice, asset, licence="mit", parent=parent).status_code in (404, 422)
    assert commits(asset) == before


def test_control_characters_do_not_break_anything(alice: Any, asset: Asset) -> None:
    assert save(alice, asset, text="a\x00b\x07").status_code == 422
    assert save(alice, asset, text="a\x07b\u2028c\x85").status_code == 302


def test_other_files_changing_meanwhile_is_no_conflict(alice: Any, asset: Asset) -> None:
    parent = head(asset)
    write(asset, alice, "x", "other.txt")
    assert save(alice, asset, licence="mit", parent=parent).status_code == 302
    assert card_text(asset) == CARD.replace("apache-2.0", "mit")


def test_second_person_sees_both_changes_and_a_merge(people: Any) -> None:
    asset = make_asset(people.alice, people.atelier, name="shared")
    write(asset, people.alice, CARD)
    asset = read_for(people.bob, asset)
    parent = head(asset)
    save(people.alice, read_for(people.alice, asset), licence="mit", parent=parent)
    before = commits(asset)
    response = save(people.bob, asset, text=CARD + "Bob was here.\n", parent=parent)
    page = response.content.decode()
    assert (response.status_code, commits(asset)) == (409, before)
    both = CARD.replace("apache-2.0", "mit") + "Bob was here.\n"
    assert source(response) == both
    assert "What alice changed" in page and "Both changes fit together" in page
    assert f'name="parent" value="{head(asset)}"' in page and '<option value="mit" selected>' in page
    again = save(people.bob, asset, text=both, licence="mit", parent=head(asset))
    assert (again.status_code, card_text(asset)) == (302, both)


def test_overlapping_changes_are_overwritten_only_knowingly(alice: Any, asset: Asset) -> None:
    parent = head(asset)
    theirs, mine = CARD.replace("Text.", "Their text."), CARD.replace("Text.", "My text.")
    write(asset, alice, theirs)
    response = save(alice, asset, text=mine, licence="mit", parent=parent)
    mine = mine.replace("apache-2.0", "mit")
    assert (response.status_code, card_text(asset), source(response)) == (409, theirs, mine)
    assert "Saving it replaces theirs" in response.content.decode()
    assert save(alice, asset, text=mine, licence="mit", parent=head(asset)).status_code == 302
    assert card_text(asset) == mine


def test_same_change_twice_is_no_conflict(alice: Any, asset: Asset) -> None:
    parent = head(asset)
    save(alice, asset, licence="mit", parent=parent)
    before = commits(asset)
    assert save(alice, asset, licence="mit", parent=parent).status_code == 302
    assert commits(asset) == before


def test_preview_is_what_readers_get(alice: Any, asset: Asset) -> None:
    text = "---\nlicense: [\n---\n# A\n[x](docs/y.md) <script>alert(1)</script>\n"
    page = browser(alice).post(f"{url(asset)}/preview", {"text": text}).content.decode()
    assert "Line 3: The settings are not valid YAML" in page and '<h3 id="preview-a">' in page
    assert f'href="{asset.get_absolute_url()}/files/main/docs/y.md"' in page and "<script" not in page


def test_preview_works_without_script(alice: Any, asset: Asset) -> None:
    before = commits(asset)
    response = save(alice, asset, text="# Not yet saved\n", action="preview")
    assert (response.status_code, commits(asset)) == (200, before)
    assert '<h3 id="preview-not-yet-saved">' in response.content.decode() and source(response) == "# Not yet saved\n"


def test_dataset_has_its_own_settings(alice: Any) -> None:
    asset = make_asset(alice, kind="dataset")
    page = browser(alice).get(url(asset)).content.decode()
    assert 'name="platform"' in page and 'name="hardware"' not in page and "Edit the dataset card" in page
    data = {"task": "translation", "platform": "pangu-studio", "languages": "zh", "text": "# X\n", "parent": head(asset)}
    assert browser(alice).post(url(asset), data).status_code == 302
    assert card_text(asset) == "---\ntask_categories: [translation]\nlanguage: [zh]\nplatform: pangu-studio\n---\n\n# X\n"


def test_value_outside_the_vocabulary_can_be_kept(alice: Any, asset: Asset) -> None:
    write(asset, alice, "---\nlicense: our-own\nhardware: [abacus]\n---\n")
    finish_jobs()
    page = browser(alice).get(url(asset)).content.decode()
    assert '<option value="our-own" selected>our-own</option>' in page
    assert save(alice, asset, text="---\nlicense: our-own\nhardware: [abacus]\n---\nMore\n", licence="our-own", hardware=["abacus"], task="",
                languages="").status_code == 302  # fmt: skip
    assert card_text(asset) == "---\nlicense: our-own\nhardware: [abacus]\n---\nMore\n"


def test_card_that_is_not_text_cannot_be_edited_here(alice: Any, asset: Asset) -> None:
    services.commit_files(asset=asset, actor=alice, operations=[PutBytes("README.md", b"\xff\xfe\x00")], message="Binary")
    response = browser(alice).get(url(asset))
    assert (response.status_code, "README.md cannot be edited here" in response.content.decode()) == (400, True)


@pytest.mark.parametrize("method", ["get", "post", "preview"])
def test_only_those_who_may_commit_edit(people: Any, method: str) -> None:
    asset = make_asset(people.alice, people.atelier, name="shared")
    write(asset, people.alice, CARD)
    parent = head(read_for(people.alice, asset))
    count = iter(range(100))

    def request(client: Any) -> HttpResponse:
        if method == "get":
            return client.get(url(asset))  # type: ignore[no-any-return]
        if method == "preview":
            return client.post(f"{url(asset)}/preview", {"text": "x"})  # type: ignore[no-any-return]
        fresh = head(read_for(people.alice, asset))
        return client.post(url(asset), posted(asset, text=f"# {next(count)}\n", licence="", task="", languages="", parent=fresh))  # type: ignore[no-any-return]

    done = 302 if method == "post" else 200
    expected = {
        "visitor": SIGN_IN,
        "stranger": 403,
        "reader": 403,
        "contributor": done,
        "maintainer": done,
        "owner": done,
        "administrator": done,
    }
    assert_access(
        people=people,
        surface="page",
        expected=expected,
        request=request,
        state=lambda: Commit.objects.filter(repository=asset.repository_id).count(),
    )
    assert parent

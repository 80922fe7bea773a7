"""What script adds to the editor of a card."""

import itertools
import re

from playwright.sync_api import Page, expect

from tests.browser.person import Person

NUMBERS = itertools.count(1)
CARD = "---\nlicense: apache-2.0\n---\n# Weather\n\nForecasts rain.\n"
COMPOSE = """(text) => {
  const source = document.querySelector('[data-editor] textarea');
  source.dispatchEvent(new CompositionEvent('compositionstart'));
  source.value += text;
  source.dispatchEvent(new InputEvent('input', { bubbles: true, isComposing: true }));
}"""


def editor(owner: Person) -> Page:
    """Open the editor of a new model; time can be moved on."""
    owner.page.clock.install()
    return owner.open(owner.make(f"edited-{next(NUMBERS)}", {"README.md": CARD}) + "/edit")


def test_preview_follows_the_text_but_never_an_unfinished_word(owner: Person) -> None:
    page = editor(owner)
    preview = page.get_by_role("region", name="Preview")
    expect(preview.get_by_role("heading")).to_have_text(["Weather#"])
    page.get_by_label("README source").press("Control+End")
    page.keyboard.type("\n## Limits\n\nNo snow.")
    expect(preview.get_by_role("heading")).to_have_text(["Weather#", "Limits#"])
    expect(page.get_by_text("Unsaved changes", exact=True)).to_be_visible()

    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.evaluate(COMPOSE, "ni hao")
    page.clock.fast_forward(1_000)
    assert [url for url in asked if url.endswith("/edit/preview")] == []
    page.evaluate("document.querySelector('[data-editor] textarea').dispatchEvent(new CompositionEvent('compositionend'))")
    expect(preview).to_contain_text("No snow.ni hao")


def test_completeness_counts_while_the_form_is_filled_in(owner: Person) -> None:
    page = editor(owner)
    meter = page.locator("[data-meter-text]")
    expect(meter).to_have_text("1 / 10")
    page.get_by_label("One-line summary").fill("Forecasts rain")
    page.get_by_text("GPU", exact=True).click()
    expect(meter).to_have_text("3 / 10")


def test_toolbar_and_keys_change_the_text_and_save(owner: Person) -> None:
    page = editor(owner)
    source = page.get_by_label("README source")
    source.press("Control+End")
    page.get_by_role("button", name="Insert template").click()
    expect(source).to_have_value(CARD + "\n## Overview\n\n## Quick start\n\n## Training\n\n## Evaluation\n\n## Limits\n\n## Citation\n\n")
    source.press("Control+End")
    page.keyboard.press("Control+b")
    page.keyboard.type("bold")
    source.press("Control+Enter")
    page.wait_for_url(re.compile(r"/edited-\d+$"))
    expect(page.locator("article strong")).to_have_text("bold")


def test_draft_of_the_same_version_is_offered_again(owner: Person) -> None:
    page = editor(owner)
    source = page.get_by_label("README source")
    source.press("Control+End")
    page.keyboard.type("Half a thou")
    page.clock.fast_forward(6_000)
    assert page.evaluate("Object.keys(localStorage).filter((key) => key.startsWith('gallery-draft:card-')).length") == 1
    page.on("dialog", lambda dialog: dialog.accept())
    page.reload()
    expect(source).to_have_value(CARD)
    page.get_by_role("button", name="Use the draft").click()
    expect(source).to_have_value(CARD + "Half a thou")

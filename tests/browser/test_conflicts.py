"""Two people edit the same thing: the second sees what changed and decides."""

import re

from playwright.sync_api import Page, expect

from tests.browser.person import Person

CARD = "---\nlicense: mit\n---\n# Shared\n\nFirst line.\n\nMiddle.\n\nLast line.\n"


def two_windows(owner: Person, address: str) -> tuple[Page, Page]:
    first, second = owner.context.new_page(), owner.context.new_page()
    for page in (first, second):
        page.goto(address)
    return first, second


def test_second_editor_of_a_file_sees_the_difference_and_saves_knowingly(owner: Person) -> None:
    path = owner.make("shared-file", {"notes.txt": "one\ntwo\n"})
    first, second = two_windows(owner, f"{path}/edit-file/main/notes.txt")
    first.locator("textarea[name=content]").fill("one\ntwo\nthree\n")
    first.get_by_role("button", name="Save as a commit").click()
    first.wait_for_url(re.compile("/files/main/notes.txt$"))

    second.locator("textarea[name=content]").fill("zero\none\ntwo\n")
    second.get_by_role("button", name="Save as a commit").click()
    expect(second.get_by_role("alert").first).to_contain_text("Somebody else changed this file meanwhile")
    expect(second.locator("textarea[name=content]")).to_have_value("zero\none\ntwo\n")
    expect(second.get_by_role("heading", name="Difference")).to_be_visible()
    assert owner.context.request.get(f"{path}/resolve/main/notes.txt").text() == "one\ntwo\nthree\n"
    second.locator("textarea[name=content]").fill("zero\none\ntwo\nthree\n")
    second.get_by_role("button", name="Save as a commit").click()
    second.wait_for_url(re.compile("/files/main/notes.txt$"))
    assert owner.context.request.get(f"{path}/resolve/main/notes.txt").text() == "zero\none\ntwo\nthree\n"


def test_card_changes_in_different_places_are_merged_before_the_eyes_of_the_second(owner: Person) -> None:
    path = owner.make("merged-card", {"README.md": CARD})
    first, second = two_windows(owner, f"{path}/edit")
    text = first.locator("[data-editor] textarea").input_value()
    first.locator("[data-editor] textarea").fill(text.replace("First line.", "The first line."))
    first.get_by_role("button", name="Save to main").click()
    first.wait_for_url(re.compile(f"{path}$"))

    second.locator("[data-editor] textarea").fill(text.replace("Last line.", "The last line."))
    second.get_by_role("button", name="Save to main").click()
    expect(second.get_by_role("alert").first).to_contain_text("Somebody else changed the card meanwhile")
    expect(second.get_by_role("heading", name="What saving would change")).to_be_visible()
    merged = second.locator("[data-editor] textarea").input_value()
    assert "The first line." in merged and "The last line." in merged
    second.get_by_role("button", name="Save to main").click()
    second.wait_for_url(re.compile(f"{path}$"))
    expect(second.locator(".prose")).to_contain_text("The first line.")
    expect(second.locator(".prose")).to_contain_text("The last line.")


def test_card_changes_in_one_place_replace_only_knowingly(owner: Person) -> None:
    path = owner.make("torn-card", {"README.md": CARD})
    first, second = two_windows(owner, f"{path}/edit")
    text = first.locator("[data-editor] textarea").input_value()
    first.locator("[data-editor] textarea").fill(text.replace("Middle.", "Theirs."))
    first.get_by_role("button", name="Save to main").click()
    first.wait_for_url(re.compile(f"{path}$"))

    second.locator("[data-editor] textarea").fill(text.replace("Middle.", "Mine."))
    second.get_by_role("button", name="Save to main").click()
    expect(second.get_by_role("alert").first).to_contain_text("Saving it replaces theirs")
    assert "Theirs." in owner.context.request.get(f"{path}/resolve/main/README.md").text()
    second.get_by_role("link", name="Drop mine, load theirs").click()
    expect(second.locator("[data-editor] textarea")).to_have_value(re.compile("Theirs\\."))

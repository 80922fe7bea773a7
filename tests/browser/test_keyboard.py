"""Everything by keyboard: single keys, menus, dialogs, and where the focus goes."""

import re
from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.pages import MODEL
from tests.browser.person import Person


def test_single_keys_find_search_list_files_and_shortcuts(arrive: Callable[..., Person]) -> None:
    page = arrive().open("/")
    page.keyboard.press("/")
    expect(page.get_by_role("search", name="Site").get_by_role("searchbox")).to_be_focused()
    page.keyboard.type("/?t")
    expect(page.get_by_role("search", name="Site").get_by_role("searchbox")).to_have_value("/?t")

    page.goto("/models")
    page.keyboard.press("/")
    expect(page.get_by_label("Search in models")).to_be_focused()
    page.get_by_label("Search in models").blur()
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(page.locator("#results .asset-t a").nth(1)).to_be_focused()
    page.keyboard.press("k")
    expect(page.locator("#results .asset-t a").first).to_be_focused()

    page.goto(f"{MODEL}/files")
    page.keyboard.press("t")
    expect(page.get_by_label("Go to file")).to_be_focused()
    page.keyboard.type("tokenizer_config")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="tokenizer_config.json").click()
    page.wait_for_url(re.compile("/files/main/tokenizer_config.json$"))

    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_hidden()
    page.keyboard.press("g")
    page.keyboard.press("d")
    page.wait_for_url(re.compile("/datasets$"))


def test_single_keys_can_be_switched_off(arrive: Callable[..., Person]) -> None:
    page = arrive().open("/models")
    page.keyboard.press("?")
    page.get_by_role("switch", name="Single-key shortcuts").uncheck()
    page.keyboard.press("Escape")
    page.reload()
    page.keyboard.press("?")
    page.keyboard.press("/")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.locator("body")).to_be_focused()


def test_menu_is_walked_with_arrows_and_left_with_escape(owner: Person) -> None:
    page = owner.open("/")
    head = page.locator("summary[aria-label='Create']")
    head.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowDown")
    expect(page.locator(".bar .menu-pop a", has_text="New model")).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(page.locator(".bar .menu-pop a", has_text="New dataset")).to_be_focused()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    expect(page.locator(".bar .menu-pop a", has_text="New organisation")).to_be_focused()
    page.keyboard.press("Escape")
    expect(head).to_be_focused()
    expect(page.locator(".bar .menu-pop a", has_text="New model")).to_be_hidden()


def test_dialog_takes_the_focus_and_gives_it_back(owner: Person) -> None:
    path = owner.make("focus", {"a.txt": "a\n"})
    page = owner.open(f"{path}/files")
    opener = page.get_by_role("button", name="Delete a.txt")
    opener.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Delete this file?")
    expect(dialog).to_be_visible()
    expect(dialog.locator(":focus")).to_have_count(1)
    for _step in range(6):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement === document.body || document.activeElement.closest('dialog') !== null")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(opener).to_be_focused()


def test_first_wrong_field_has_the_focus_after_a_refused_form(owner: Person) -> None:
    page = owner.open("/models/new")
    page.get_by_label("Name in English").fill("-not a name-")
    page.get_by_role("button", name="Create model").click()
    expect(page.get_by_label("Name in English")).to_be_focused()
    expect(page.get_by_label("Name in English")).to_have_attribute("aria-invalid", "true")


def test_drawer_of_a_phone_opens_takes_the_focus_and_closes(arrive: Callable[..., Person]) -> None:
    page = arrive(width=390).open("/models")
    page.get_by_role("button", name="Open menu").click()
    drawer = page.get_by_role("dialog", name="Menu")
    expect(drawer.get_by_role("link", name="Datasets")).to_be_visible()
    page.keyboard.press("Escape")
    expect(drawer).to_be_hidden()
    page.get_by_role("button", name="Filters").click()
    page.get_by_role("group", name="Hardware").get_by_label(re.compile("NPU")).check()
    page.get_by_role("button", name=re.compile(r"^Show \d+ models?$")).click()
    expect(page.get_by_role("link", name=re.compile("^Remove filter: NPU"))).to_be_visible()

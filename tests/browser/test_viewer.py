"""Somebody puts a table into a dataset, and another one looks through it."""

import re
from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.person import READ_WITHIN, Person

ROWS = 230
LONG = "The spindle whines after start-up. " * 20


def table() -> str:
    """A CSV with a long text in its second row and one row that has too much."""
    lines = ["id,scene,text,score"]
    for number in range(ROWS):
        said = LONG if number == 1 else f"Note {number}"
        lines.append(f"{number},{('fault', 'parts')[number % 2]},{said},{number % 7}")
    return "\n".join([*lines, "1,2,3,4,5,6"]) + "\n"


def test_table_is_read_searched_filtered_opened_and_asked(owner: Person, arrive: Callable[..., Person]) -> None:
    path = owner.make("notes", kind="datasets")
    owner.commit(path, {"train.csv": table()})
    # The page says that it waits, and shows the table by itself once it is there.
    page = owner.open(f"{path}/preview")
    expect(page.locator("#rows .pager")).to_contain_text(f"Rows 1–100 of {ROWS}", timeout=READ_WITHIN * 1000)
    expect(page.locator(".facts-row")).to_contain_text("CSV")

    page.get_by_text("1 row could not be read as it is").click()
    expect(page.locator(".viewer-bad")).to_contain_text("The line has more fields than there are columns.")

    reader = arrive()
    page = reader.open(f"{path}/preview")
    page.get_by_label("Search rows").press_sequentially("note 11")
    expect(page.locator("#rows .pager")).to_contain_text("of 11")
    expect(page.get_by_label("Search rows")).to_be_focused()
    assert "search=note+11" in page.url
    page.get_by_role("link", name=re.compile("^Remove filter: “note 11”")).click()
    expect(page.locator("#rows .pager")).to_contain_text(f"Rows 1–100 of {ROWS}")

    page.locator("th", has_text="scene").locator("svg a").first.click()
    page.wait_for_url(re.compile("filter="))
    expect(page.locator("#rows .pager")).to_contain_text("of 115")
    page.get_by_role("link", name=re.compile("^Remove filter: scene")).click()
    expect(page.locator("#rows .pager")).to_contain_text(f"Rows 1–100 of {ROWS}")

    page.get_by_role("link", name="Next page").click()
    expect(page.locator("#rows .pager")).to_contain_text(f"Rows 101–200 of {ROWS}")
    page.get_by_label("Go to row").fill("205")
    page.get_by_label("Go to row").press("Enter")
    expect(page.locator("#rows .pager")).to_contain_text(f"Rows 205–{ROWS} of {ROWS}")

    page.goto(f"{path}/preview")
    page.locator("a.cell-btn", has_text="The spindle whines").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.locator("pre")).to_have_text(LONG.strip())
    dialog.get_by_role("link", name="Whole row").click()
    expect(dialog.get_by_role("heading")).to_have_text("Row 2")
    dialog.get_by_role("link", name="Next").click()
    expect(dialog.get_by_role("heading")).to_have_text("Row 3")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()

    page.get_by_role("link", name=re.compile("^Column score")).click()
    dialog.get_by_role("link", name="6", exact=True).click()
    page.wait_for_url(re.compile("filter="))
    expect(page.locator("#rows .pager")).to_contain_text("of 32")

    page.get_by_role("link", name="SQL", exact=True).click()
    page.get_by_label("Query").fill("SELECT scene, count(*) AS n FROM train GROUP BY 1 ORDER BY 1")
    page.get_by_role("button", name="Run").click()
    expect(page.locator("#result tbody tr")).to_have_text(["fault115", "parts115"])
    page.get_by_label("Query").fill("SELECT * FROM somewhere")
    page.get_by_role("button", name="Run").click()
    expect(page.get_by_role("alert")).to_contain_text("somewhere")


def test_table_is_read_without_script(owner: Person, arrive: Callable[..., Person]) -> None:
    path = owner.make("plain-notes", {"train.csv": table()}, kind="datasets")
    owner.open(f"{path}/preview")
    expect(owner.page.locator("#rows .pager")).to_contain_text(f"of {ROWS}", timeout=READ_WITHIN * 1000)
    person = arrive(script=False)
    person.speak("en")
    page = person.open(f"{path}/preview")
    page.get_by_role("textbox", name="Filter").fill('scene = "parts" and score > 4')
    page.get_by_role("textbox", name="Filter").press("Enter")
    page.wait_for_url(re.compile("filter=scene"))
    expect(page.locator("#rows .pager")).to_contain_text("Results 1–33 of 33")
    page.get_by_role("link", name=re.compile("^Column text")).click()
    expect(page.get_by_role("heading", name="text")).to_be_visible()
    page.get_by_role("link", name="Back to the table").click()
    page.locator("td.row-n a").first.click()
    expect(page.get_by_role("heading", name=re.compile("^Row "))).to_be_visible()
    page.goto(f"{path}/sql")
    page.get_by_role("link", name="Rows by scene").click()
    expect(page.locator("#result tbody tr")).to_have_count(2)

"""Putting a training job together with script: the page follows each choice, and nothing that was typed is lost."""

from collections.abc import Callable

from playwright.sync_api import Locator, expect

from tests.browser.person import Person


def test_new_training_job_follows_each_choice(arrive: Callable[..., Person]) -> None:
    person = arrive()
    person.sign_in("linwz")
    person.speak("en")
    page = person.open("/jobs/new?model=yunhe-lab/Yunhe-7B-Chat")

    def value(name: str) -> Locator:
        return page.locator(f'[name="param.{name}"]')

    first = page.locator("tbody input[name^='param.']").first
    name = (first.get_attribute("name") or "").removeprefix("param.")
    value(name).fill("0.5")
    value(name).blur()
    expect(page.locator("tr", has=value(name)).locator(".badge")).to_have_text("changed")

    page.get_by_role("button", name="Leave out").first.click()
    expect(page.get_by_text("Left out:")).to_be_visible()
    expect(value(name)).to_have_value("0.5")

    page.locator("#words").press_sequentially("Spindle-Tickets", delay=20)
    page.get_by_role("button", name="Choose linwz/Spindle-Tickets").click()
    expect(page.locator("input[name=dataset]")).to_have_value("linwz/Spindle-Tickets")

    page.get_by_label("Output model").fill("not a name")
    page.get_by_role("button", name="Check the order").click()
    expect(page.get_by_role("alert")).to_contain_text("Output model")
    expect(value(name)).to_have_value("0.5")
    expect(page.get_by_label("Output model")).to_be_focused()
    assert not [problem for problem in person.problems if "422" not in problem]

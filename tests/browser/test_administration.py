"""The administration in a browser: its menus run under their policy, and a suspension counts at once."""

from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.person import Person


def test_an_administrator_suspends_somebody_from_the_list(arrive: Callable[..., Person], handle: str) -> None:
    guest, keeper = arrive().sign_up(f"spam-{handle}"), arrive()
    guest.open("/me/profile")
    keeper.sign_in("keeper").speak("en")
    page = keeper.open(f"/admin/accounts/user/?q=spam-{handle}")
    page.check("tbody input.action-select")
    page.select_option("select[name=action]", "suspend")
    page.click("#changelist-actions button[type=submit]")
    expect(page.locator("main, [role=main]")).to_contain_text("the person is told why by mail")
    page.fill("[name=reason]", "Advertising")
    page.click("#content button[type=submit]")
    expect(page.locator("#main")).to_contain_text("Done: Suspend (1).")
    guest.page.goto("/me/profile")
    guest.page.wait_for_url("**/account/login/**")


def test_the_trail_is_filtered_and_verified(arrive: Callable[..., Person]) -> None:
    page = arrive(width=390, theme="dark").sign_in("keeper").speak("en").open("/admin/accounts/auditevent/")
    page.click("text=Filters")
    page.fill("[name=actor__icontains]", "keeper")
    page.press("[name=actor__icontains]", "Enter")
    page.wait_for_url("**actor__icontains=keeper**")
    expect(page.locator("#result_list")).to_contain_text("sign_in")
    page.click("text=Verify the chain")
    expect(page.locator("#main")).to_contain_text("The audit trail holds:")

"""What only a browser can say of the frame: axe, reflow, keyboard, and the behaviours of static/js."""

import re

import pytest
from playwright.sync_api import expect

from core import testing
from core.testing import PASSWORD

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SCREENS = {"wide-light": (1440, "light"), "tablet-dark": (768, "dark"), "phone-light": (390, "light"), "phone-dark": (390, "dark")}
AXED = set()
"""Pages in which axe ran: it sets styles of its own, which the policy refuses."""
PAGES = ("/design", "/account/login/", "/account/signup/", "/account/password/reset/", "/no/such/page/here")


@pytest.fixture
def visit(chromium, live_server):
    """Open a page as a visitor; errors in the console fail the test."""
    contexts, errors = [], []

    def open_(path, *, width=1440, theme="light", locale="en-GB", script=True, context=None):
        if context is None:
            context = chromium.new_context(
                viewport={"width": width, "height": 900},
                color_scheme=theme,
                locale=locale,
                java_script_enabled=script,
                reduced_motion="reduce",
                base_url=live_server.url,
            )
            contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda message: errors.append(message.text) if "Content Security" in message.text and page not in AXED else None)
        page.goto(path)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert not errors


def violations(page):
    AXED.add(page)
    return testing.violations(page)


@pytest.mark.parametrize(
    ("path", "screen"), [*(("/design", screen) for screen in SCREENS), *zip(PAGES[1:], reversed(SCREENS), strict=True)]
)
def test_page_has_no_accessibility_violation(visit, path, screen):
    width, theme = SCREENS[screen]
    locale = "zh-CN" if screen in ("tablet-dark", "phone-light") else "en-GB"
    page = visit(path, width=width, theme=theme, locale=locale)
    assert violations(page) == []


def test_open_dialogs_menus_and_drawer_have_no_accessibility_violation(visit):
    page = visit("/design")
    page.get_by_role("button", name="Delete dialog").click()
    assert violations(page) == []
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    assert violations(page) == []
    page.keyboard.press("Escape")
    page.locator("#overlays details.menu summary").click()
    assert violations(page) == []
    page = visit("/design", width=390)
    page.get_by_role("button", name="Open menu").click()
    assert violations(page) == []


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("locale", ["en-GB", "zh-CN"])
def test_page_does_not_scroll_sideways_at_320_pixels(visit, path, locale):
    page = visit(path, width=320, locale=locale)
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0


def test_skip_link_is_first_and_leads_to_the_content(visit):
    page = visit("/design")
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_text("Skip to content")
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()


def test_menu_opens_walks_and_closes_by_keyboard(visit):
    page = visit("/design")
    head = page.locator("#overlays details.menu summary")
    head.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowDown")
    expect(page.locator("#overlays .menu-pop a").first).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(page.locator("#overlays .menu-pop a").nth(1)).to_be_focused()
    page.keyboard.press("Escape")
    expect(head).to_be_focused()
    expect(page.locator("#overlays details.menu")).not_to_have_attribute("open", "")


def test_dialog_gives_the_focus_back_to_its_opener(visit):
    page = visit("/design")
    opener = page.get_by_role("button", name="Delete dialog")
    opener.click()
    expect(page.get_by_role("button", name="Delete for good").last).to_be_disabled()
    page.get_by_label("Type Yunhe-7B-Chat to confirm").fill("Yunhe-7B-Chat")
    expect(page.get_by_role("button", name="Delete for good").last).to_be_enabled()
    page.keyboard.press("Escape")
    expect(opener).to_be_focused()


def test_dialog_opened_from_a_menu_gives_the_focus_to_the_menu(visit):
    page = visit("/design")
    head = page.locator("#overlays details.menu summary")
    head.click()
    page.locator("#overlays .menu-pop a.danger").click()
    page.keyboard.press("Escape")
    expect(head).to_be_focused()


def test_chosen_theme_is_kept(visit):
    page = visit("/design")
    page.locator("summary[aria-label=Appearance]").click()
    page.get_by_role("button", name="Dark").click()
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_single_keys_work_and_can_be_switched_off(visit):
    page = visit("/design")
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox", name="Search models").first).to_be_focused()
    page.keyboard.type("?")
    expect(page.locator("#keys")).not_to_have_attribute("open", "")
    page.locator("h1").click()
    page.keyboard.press("?")
    page.get_by_role("switch", name="Single-key shortcuts").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox", name="Search models").first).not_to_be_focused()


def test_language_switch_stays_on_the_page(visit):
    page = visit("/design?x=1")
    page.locator(".bar button[name=language]").click()
    expect(page.locator("html")).to_have_attribute("lang", "zh-Hans")
    assert page.url.endswith("/design?x=1")


def test_chart_reads_by_arrow_keys(visit):
    page = visit("/design")
    plot = page.locator("#one .chart-plot")
    plot.focus()
    page.keyboard.press("Home")
    expect(page.locator("#one .chart-tip")).to_contain_text("2.000")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#one .chart-tip b")).to_have_text("100")


def test_several_values_turn_into_chips_and_back_into_text(visit):
    page = visit("/design")
    page.locator("#demo-tags").fill("edge")
    page.keyboard.press("Enter")
    expect(page.locator("input[name=tags]")).to_have_value("tool-calling, long-context, edge")
    page.get_by_role("button", name="Remove long-context").click()
    expect(page.locator("input[name=tags]")).to_have_value("tool-calling, edge")


def test_password_can_be_shown(visit):
    page = visit("/account/login/")
    page.locator("#id_password").fill("secret")
    page.get_by_role("button", name="Show password").click()
    expect(page.locator("#id_password")).to_have_attribute("type", "text")


def test_signed_in_person_sees_rooms_without_violation_and_signs_out(visit, alice):
    page = visit("/account/login/?next=/me/email")
    page.get_by_label("Handle or email").fill("alice")
    page.locator("#id_password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url(re.compile("/me/email"))
    assert violations(page) == []
    for path in ("/account/2fa/", "/account/sessions/", "/account/password/change/"):
        page.goto(path)
        assert violations(page) == [], path
    page.set_viewport_size({"width": 320, "height": 800})
    for path in ("/me/email", "/account/2fa/", "/account/sessions/", "/account/password/change/"):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0, path
    page.set_viewport_size({"width": 1440, "height": 900})
    page.locator(".bar summary", has_text="Account menu").click()
    page.locator(".bar").get_by_role("button", name="Sign out").click()
    expect(page.locator("#toasts")).to_contain_text("Signed out.")


def test_everything_but_comfort_works_without_script(visit, alice):
    page = visit("/account/login/?next=/design", script=False)
    expect(page.get_by_role("button", name="Show password")).to_have_count(0)
    page.get_by_label("Handle or email").fill("alice")
    page.locator("#id_password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.locator("h1")).to_have_text("Components and tokens")
    page.locator(".bar summary", has_text="Account menu").click()
    page.locator(".bar").get_by_role("button", name="Sign out").click()
    expect(page.locator(".toast")).to_have_text("Signed out.")

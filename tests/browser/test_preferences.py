"""Language and colours: chosen once, remembered, and the page stays where it was."""

import re
from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.pages import MODEL
from tests.browser.person import PASSWORD, Person

LIGHT, DARK = "rgb(250, 249, 245)", "rgb(15, 20, 18)"


def test_language_switch_keeps_page_and_query_and_is_remembered(arrive: Callable[..., Person]) -> None:
    visitor = arrive(locale="en-GB")
    page = visitor.open("/models?hardware=npu&sort=name")
    expect(page.locator("h1")).to_have_text("Models")
    page.locator(".bar").get_by_role("button", name=re.compile("切换到中文")).click()
    expect(page.locator("h1")).to_have_text("模型")
    expect(page).to_have_url(re.compile(r"/models\?hardware=npu&sort=name$"))
    expect(page.locator("html")).to_have_attribute("lang", "zh-Hans")
    page.goto(MODEL)
    expect(page.locator("html")).to_have_attribute("lang", "zh-Hans")
    expect(page.locator("h1")).to_contain_text("云鹤 7B 对话")
    page.locator(".bar").get_by_role("button", name=re.compile("Switch to English")).click()
    expect(page.locator("h1")).to_contain_text("Yunhe-7B-Chat")


def test_browser_language_decides_until_somebody_chooses(arrive: Callable[..., Person]) -> None:
    expect(arrive(locale="zh-CN").open("/models").locator("h1")).to_have_text("模型")
    expect(arrive(locale="de-DE").open("/models").locator("h1")).to_have_text("Models")


def test_language_of_an_account_follows_to_another_browser(arrive: Callable[..., Person], handle: str) -> None:
    page = arrive().sign_up(handle).speak("en").open("/")
    page.locator(".bar").get_by_role("button", name=re.compile("切换到中文")).click()
    expect(page.locator("html")).to_have_attribute("lang", "zh-Hans")
    page = arrive(locale="en-GB").open("/account/login/")
    page.get_by_label("Handle or email").fill(handle)
    page.locator("#id_password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.locator("html")).to_have_attribute("lang", "zh-Hans")


def test_colours_are_chosen_and_remembered(arrive: Callable[..., Person]) -> None:
    page = arrive(theme="light").open("/")

    body = page.locator("body")
    expect(body).to_have_css("background-color", LIGHT)
    page.locator("summary[aria-label='Appearance']").click()
    page.get_by_role("button", name="Dark").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(body).to_have_css("background-color", DARK)
    page.goto("/models")
    expect(body).to_have_css("background-color", DARK)
    page.locator("summary[aria-label='Appearance']").click()
    page.get_by_role("button", name="Match system").click()
    expect(body).to_have_css("background-color", LIGHT)
    page.emulate_media(color_scheme="dark")
    expect(body).to_have_css("background-color", DARK)


def test_numbers_and_days_follow_the_language(arrive: Callable[..., Person]) -> None:
    visitor = arrive(locale="en-GB")
    page = visitor.open("/models?view=table&sort=downloads")
    expect(page.locator("tbody tr").first).to_contain_text(re.compile(r"\d+(\.\d)?K"))
    visitor.speak("zh-hans")
    page.reload()
    expect(page.locator("tbody tr").first).to_contain_text(re.compile(r"\d+(\.\d)?\s万"))

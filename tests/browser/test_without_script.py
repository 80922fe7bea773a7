"""The main job with scripts switched off: forms and links alone."""

import re
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import expect

from tests.browser.person import PASSWORD, Person


def test_main_job_works_without_script(arrive: Callable[..., Person], handle: str, tmp_path: Path) -> None:
    arrive().sign_up(handle)
    (tmp_path / "notes.txt").write_text("first\n")
    (tmp_path / "data.csv").write_text("a,b\n1,2\n")

    person = arrive(script=False)
    page = person.open("/account/login/")
    page.get_by_label("Handle or email").fill(handle)
    page.locator("#id_password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    person.speak("en")

    page.goto("/models/new")
    page.get_by_label("Name in English").fill("plain")
    page.get_by_role("button", name="Create model").click()
    page.wait_for_url(re.compile(f"/models/{handle}/plain"))

    page.goto(f"/models/{handle}/plain/upload")
    page.get_by_role("button", name="Files", exact=True).set_input_files([tmp_path / "notes.txt", tmp_path / "data.csv"])
    page.get_by_role("textbox", name="Commit message").fill("Add two files")
    page.get_by_role("button", name="Upload").click()
    expect(page.locator(".files tbody th")).to_contain_text([".gitattributes", "README.md", "data.csv", "notes.txt"])

    page.get_by_role("link", name="notes.txt", exact=True).click()
    page.get_by_role("link", name="Edit", exact=True).click()
    page.locator("textarea[name=content]").fill("second\n")
    page.get_by_role("button", name="Save as a commit").click()
    expect(page.locator("#blob")).to_contain_text("second")

    page.goto(f"/models/{handle}/plain/edit")
    page.locator("textarea[name=text]").fill("---\nlicense: mit\n---\n# Plain\n\nWritten without **script**.\n")
    page.get_by_role("button", name="Refresh the preview").click()
    expect(page.locator("#preview strong")).to_have_text("script")
    page.get_by_role("button", name="Save to main").click()
    expect(page.locator(".prose strong")).to_have_text("script")

    page.goto(f"/models/{handle}/plain/settings")
    page.get_by_role("link", name="Delete model").last.click()
    page.get_by_label(re.compile("^Type ")).fill("something else")
    page.get_by_role("button", name="Delete for good").click()
    expect(page.get_by_label(re.compile("^Type "))).to_have_attribute("aria-invalid", "true")
    page.get_by_label(re.compile("^Type ")).fill(f"{handle}/plain")
    page.get_by_role("button", name="Delete for good").click()
    person.open(f"/models/{handle}/plain", status=404)


def test_catalogue_is_filtered_and_sorted_by_a_button_without_script(arrive: Callable[..., Person]) -> None:
    page = arrive(script=False).open("/models")
    page.get_by_role("group", name="Hardware").get_by_label(re.compile("NPU")).check()
    page.get_by_label("Sort by").select_option("name")
    page.get_by_role("button", name="Apply filters").click()
    page.wait_for_url(re.compile("hardware=npu"))
    expect(page.get_by_role("link", name=re.compile("^Remove filter: NPU"))).to_be_visible()
    names = page.locator("#results .asset-t").all_inner_texts()
    assert names and names == sorted(names, key=str.lower)

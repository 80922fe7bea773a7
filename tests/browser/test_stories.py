"""One person makes a model and works on it; another finds it and takes it home."""

import hashlib
import re
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import expect

from tests.browser.person import PASSWORD, Person

CARD = "---\nlicense: apache-2.0\n---\n# Weather\n\nForecasts rain.\n"


def test_newcomer_signs_up_makes_a_model_and_is_led_to_its_files(arrive: Callable[..., Person], handle: str) -> None:
    page = arrive().open("/")
    page.get_by_role("link", name="Sign up").first.click()
    page.get_by_label("Email").fill(f"{handle}@example.com")
    page.get_by_label("Handle").fill(handle)
    page.locator("#id_password1").fill(PASSWORD)
    page.get_by_role("button", name="Sign up").click()
    page.get_by_role("button", name="Account menu").or_(page.locator("summary", has_text="Account menu")).click()
    expect(page.locator(".menu-label", has_text=handle)).to_be_visible()
    page.keyboard.press("Escape")
    page.locator("summary[aria-label='Create']").click()
    page.get_by_role("link", name="New model").first.click()
    page.get_by_label("Name in English").fill("Weather-1B")
    page.get_by_label("Name in Chinese").fill("天气 1B")
    page.get_by_label("Licence").select_option("apache-2.0")
    page.get_by_label("Summary").fill("Forecasts rain for the next hour.")
    page.get_by_role("button", name="Create model").click()
    page.wait_for_url(re.compile(f"/models/{handle}/Weather-1B"))
    expect(page.locator("h1")).to_contain_text("Weather-1B")
    page.get_by_role("link", name="Files").first.click()
    page.get_by_role("link", name="Add files").last.click()
    expect(page.locator("h1")).to_have_text("Upload files")


def test_text_file_is_edited_compared_restored_and_tagged(owner: Person) -> None:
    path = owner.make("weather", {"README.md": CARD, "config.json": '{\n  "layers": 2\n}\n'})
    page = owner.open(f"{path}/files")
    page.get_by_role("link", name="config.json", exact=True).click()
    expect(page.locator("#blob")).to_contain_text('"layers": 2')

    page.get_by_role("link", name="Edit", exact=True).click()
    editor = page.locator("textarea[name=content]")
    editor.fill('{\n  "layers": 3\n}\n')
    expect(page.get_by_text("Unsaved changes", exact=True)).to_be_visible()
    page.get_by_label("Commit message").fill("Use three layers")
    page.get_by_role("button", name="Save as a commit").click()
    expect(page.locator("#blob")).to_contain_text('"layers": 3')

    page.get_by_role("link", name="History").first.click()
    expect(page.locator(".commits .table-name")).to_have_text(["Use three layers", "Add files"])
    page.get_by_role("link", name="Use three layers").click()
    expect(page.locator("#commit")).to_contain_text('"layers": 2')
    expect(page.locator("#commit")).to_contain_text('"layers": 3')

    page.goto(f"{path}/history/main")
    page.get_by_role("link", name=re.compile("^Restore ")).first.click()
    expect(page.locator(".checks")).to_contain_text("config.json")
    page.get_by_role("button", name="Restore").click()
    page.goto(f"{path}/files/main/config.json")
    expect(page.locator("#blob")).to_contain_text('"layers": 2')

    page.goto(f"{path}/versions")
    page.get_by_role("textbox", name="Name", exact=True).fill("v1.0")
    page.get_by_role("button", name="Make it").click()
    page.get_by_role("link", name="v1.0", exact=True).click()
    page.wait_for_url(re.compile(r"/files/v1\.0$"))
    page.locator(".filebar details.menu summary").first.click()
    expect(page.locator(".filebar .menu-pop").first).to_contain_text("v1.0")


def test_introduction_is_written_with_a_live_preview_and_becomes_the_label(owner: Person) -> None:
    path = owner.make("storm", {"README.md": CARD})
    page = owner.open(f"{path}/edit")
    source = page.locator("[data-editor] textarea")
    source.press("ControlOrMeta+End")
    source.press_sequentially("\n## Limits\n\nNot for **hurricanes**.")
    expect(page.locator("#preview strong")).to_have_text("hurricanes")
    page.get_by_label("One-line summary").fill("Forecasts storms.")
    page.get_by_label("Licence").select_option("mit")
    page.locator("label.chip", has_text="NPU").click()
    page.locator(".savebar").get_by_role("textbox").fill("Say what it cannot do")
    page.get_by_role("button", name="Save to main").click()
    page.wait_for_url(re.compile(f"{path}$"))
    expect(page.locator(".prose")).to_contain_text("Not for hurricanes.")
    expect(page.locator("#label")).to_contain_text("MIT")
    expect(page.locator("#label")).to_contain_text("NPU")
    expect(page.get_by_text("The files are being read.")).to_have_count(0)
    expect(page.locator(".asset-head")).to_contain_text("Forecasts storms.")
    page.goto(f"{path}/history/main")
    expect(page.locator(".commits .table-name").first).to_have_text("Say what it cannot do")


def test_second_person_filters_previews_and_downloads(owner: Person, arrive: Callable[..., Person], tmp_path: Path) -> None:
    name = f"Rain-{owner.call('GET', '/api/v1/me')['handle']}"
    path = owner.make(
        name, {"README.md": "---\nlicense: mulan-psl-2.0\nhardware: [npu]\n---\n# Rain\n", "data/rain.csv": "hour,mm\n1,0.5\n2,3.25\n"}
    )
    owner.read_through(path)

    reader = arrive(accept_downloads=True)
    page = reader.open("/models")
    page.get_by_role("group", name="Hardware").get_by_label(re.compile("NPU")).check()
    page.wait_for_url(re.compile("hardware=npu"))
    expect(page.get_by_role("link", name=re.compile("^Remove filter: NPU"))).to_be_visible()
    page.get_by_label("Search in models").fill(name)
    expect(page.locator("#results .asset-t")).to_have_count(1)
    page.wait_for_url(re.compile(f"q={name}"))
    page.get_by_role("link", name=name, exact=True).click()
    expect(page.locator("h1")).to_contain_text(name)
    page.get_by_role("link", name="Files").first.click()
    page.get_by_role("link", name="data", exact=True).click()
    page.get_by_role("link", name="rain.csv", exact=True).click()
    expect(page.locator("td", has_text="3.25")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download", exact=True).first.click()
    assert download.value.suggested_filename == "rain.csv"
    download.value.save_as(tmp_path / "rain.csv")
    assert hashlib.sha256((tmp_path / "rain.csv").read_bytes()).hexdigest() == hashlib.sha256(b"hour,mm\n1,0.5\n2,3.25\n").hexdigest()
    expect(page.get_by_role("link", name="Edit", exact=True)).to_have_count(0)


def test_back_button_returns_to_the_filters_before(arrive: Callable[..., Person]) -> None:
    page = arrive().open("/models")
    everything = page.locator(".result-n b").inner_text()
    page.get_by_role("group", name="Hardware").get_by_label(re.compile("NPU")).check()
    expect(page.locator(".result-n b")).not_to_have_text(everything)
    page.go_back()
    expect(page.locator(".result-n b")).to_have_text(everything)
    expect(page.get_by_role("group", name="Hardware").get_by_label(re.compile("NPU"))).not_to_be_checked()


def test_model_is_deleted_by_typing_its_name(owner: Person) -> None:
    path = owner.make("short-lived")
    owner.call("POST", f"/api/v1{path}/delist", {})
    repo_id = path.removeprefix("/models/")
    page = owner.open(f"{path}/settings")
    page.get_by_role("link", name="Delete model").last.click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    button = dialog.get_by_role("button", name="Delete for good")
    expect(button).to_be_disabled()
    dialog.get_by_role("textbox").fill(repo_id.upper())
    expect(button).to_be_disabled()
    dialog.get_by_role("textbox").fill(repo_id)
    button.click()
    expect(page.get_by_text(re.compile("is deleted"))).to_be_visible()
    owner.open(path, status=404)


def test_several_files_are_deleted_at_once(owner: Person) -> None:
    path = owner.make("tidy", {"a.txt": "a\n", "b.txt": "b\n", "c.txt": "c\n"})
    page = owner.open(f"{path}/files")
    page.get_by_label("Choose a.txt").check()
    page.get_by_label("Choose c.txt").check()
    page.get_by_role("button", name="Delete selected").click()
    page.get_by_role("button", name=re.compile("^Delete")).last.click()
    expect(page.locator(".files tbody th", has_text="b.txt")).to_be_visible()
    expect(page.locator(".files tbody th", has_text="a.txt")).to_have_count(0)
    expect(page.locator(".files tbody th", has_text="c.txt")).to_have_count(0)


def test_one_file_is_deleted_after_a_question(owner: Person) -> None:
    path = owner.make("tidier", {"a.txt": "a\n", "b.txt": "b\n"})
    page = owner.open(f"{path}/files")
    page.get_by_role("button", name="Delete a.txt").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete file").click()
    expect(page.locator(".files tbody th", has_text="b.txt")).to_be_visible()
    expect(page.locator(".files tbody th", has_text="a.txt")).to_have_count(0)

"""Uploading through the browser: folders, parts, pauses, a closed tab, plain http."""

import hashlib
import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.browser.person import Person
from tests.live import Gallery

MB = 1024 * 1024
ONE_PART = "33%"
"""How much has arrived with one part of three."""
NO_WEBCRYPTO = "Object.defineProperty(Crypto.prototype, 'subtle', { get: () => undefined })"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with small files, deeper folders, and a file that goes up in three parts."""
    top = tmp_path / "tiny-llama"
    (top / "gallery_train").mkdir(parents=True)
    (top / "README.md").write_text("---\nlicense: mit\n---\n# Tiny llama\n\nA very small model.\n")
    (top / "gallery_train" / "train.py").write_text("print('train')\n")
    (top / "gallery_train" / "训练数据.csv").write_text("text,label\n你好,1\n")
    (top / "weights.bin").write_bytes(os.urandom(24 * MB))
    return top


def row(page: Page, path: str) -> Locator:
    return page.locator(".q-item").filter(has=page.get_by_text(path, exact=True))


def commit(page: Page) -> None:
    button = page.get_by_role("button", name="Commit upload")
    expect(button).to_have_attribute("aria-disabled", "false")
    button.click()
    page.wait_for_url(re.compile(r"/files/main$"))


def hold_parts(page: Page, first: int) -> list[Route]:
    """Let the first `first` parts through and keep the others under way, as a slow line does; return those kept."""
    held: list[Route] = []
    passed: list[str] = []

    def part(route: Route) -> None:
        if route.request.method != "PUT":
            route.fallback()
        elif len(passed) < first:
            passed.append(route.request.url)
            route.continue_()
        else:
            held.append(route)

    page.route(re.compile("/transfer/parts/"), part)
    return held


def test_folder_with_a_large_file_is_uploaded_and_committed(owner: Person, gallery: Gallery, folder: Path) -> None:
    path = owner.make("tiny-llama")
    page = owner.open(f"{path}/upload")
    page.get_by_label("Choose a folder").set_input_files(folder)
    for name in ("README.md", "weights.bin", "gallery_train/train.py", "gallery_train/训练数据.csv"):
        expect(row(page, f"tiny-llama/{name}").locator(".status-ok")).to_be_visible()
    expect(page.locator("[data-up-summary]")).to_contain_text("4 of 4 done, 25.2 MB of 25.2 MB")
    page.get_by_label("Commit message").fill("Add the weights")
    commit(page)
    expect(page.locator(".commitline")).to_contain_text("Add the weights")
    page.get_by_role("link", name="tiny-llama", exact=True).last.click()
    expect(page.locator(".files tbody th")).to_contain_text(["gallery_train", "README.md", "weights.bin"])
    sent = (folder / "weights.bin").read_bytes()
    stored = owner.context.request.get(f"{path}/resolve/main/tiny-llama/weights.bin").body()
    assert hashlib.sha256(stored).hexdigest() == hashlib.sha256(sent).hexdigest()
    assert owner.context.request.get(f"{path}/resolve/main/tiny-llama/gallery_train/训练数据.csv").text() == "text,label\n你好,1\n"


def test_upload_pauses_and_goes_on(owner: Person, folder: Path) -> None:
    path = owner.make("paused")
    page = owner.open(f"{path}/upload")
    held = hold_parts(page, first=1)
    page.locator("[data-up-pick]").set_input_files(folder / "weights.bin")
    item = row(page, "weights.bin")
    expect(item.locator(".num")).to_have_text(ONE_PART)
    page.get_by_role("button", name="Pause all").click()
    expect(item).to_have_attribute("data-state", "paused")
    expect(page.get_by_role("button", name="Commit upload")).to_have_attribute("aria-disabled", "true")
    page.unroute_all(behavior="ignoreErrors")
    del held
    page.get_by_role("button", name="Resume all").click()
    expect(item).to_have_attribute("data-state", "done")
    commit(page)
    stored = owner.context.request.get(f"{path}/resolve/main/weights.bin").body()
    assert stored == (folder / "weights.bin").read_bytes()


def test_reloaded_page_asks_for_the_same_files_and_goes_on_from_there(owner: Person, folder: Path) -> None:
    path = owner.make("resumed")
    page = owner.open(f"{path}/upload")
    hold_parts(page, first=1)
    page.locator("[data-up-pick]").set_input_files(folder / "weights.bin")
    expect(row(page, "weights.bin").locator(".num")).to_have_text(ONE_PART)
    page.on("dialog", lambda dialog: dialog.accept())  # the browser asks whether to leave while something is under way
    page.reload()
    expect(page.get_by_text("Unfinished uploads")).to_be_visible()
    expect(page.locator("[data-up-unfinished-text]")).to_have_text(re.compile(r"^weights\.bin stopped with 8\.4\sMB of 25\.2\sMB sent\."))
    page.unroute_all(behavior="ignoreErrors")
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "PUT" else None)
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose file to resume").click()
    chooser.value.set_files(folder / "weights.bin")
    expect(row(page, "weights.bin")).to_have_attribute("data-state", "done")
    assert len(sent) == 2  # of three parts, one had arrived
    commit(page)
    stored = owner.context.request.get(f"{path}/resolve/main/weights.bin").body()
    assert stored == (folder / "weights.bin").read_bytes()


def test_worker_hashes_parts_where_webcrypto_is_absent(owner: Person, folder: Path) -> None:
    owner.context.add_init_script(NO_WEBCRYPTO)
    path = owner.make("plain-http")
    page = owner.open(f"{path}/upload")
    assert page.evaluate("crypto.subtle") is None
    with page.expect_worker() as worker:
        page.locator("[data-up-pick]").set_input_files([folder / "weights.bin", folder / "README.md"])
    assert "upload-worker" in worker.value.url
    for name in ("weights.bin", "README.md"):
        expect(row(page, name)).to_have_attribute("data-state", "done")
    commit(page)
    stored = owner.context.request.get(f"{path}/resolve/main/weights.bin").body()
    assert stored == (folder / "weights.bin").read_bytes()


def test_commit_meanwhile_is_said_and_the_upload_goes_on_top_of_it(owner: Person, folder: Path) -> None:
    path = owner.make("raced")
    page = owner.open(f"{path}/upload")
    page.locator("[data-up-pick]").set_input_files(folder / "gallery_train" / "train.py")
    expect(row(page, "train.py")).to_have_attribute("data-state", "done")
    owner.commit(path, {"notes.txt": "meanwhile\n"})
    page.get_by_role("button", name="Commit upload").click()
    page.get_by_role("button", name="Commit on the new head").click()
    page.wait_for_url(re.compile(r"/files/main$"))
    expect(page.locator(".files tbody th")).to_contain_text(["notes.txt", "train.py"])


def test_file_can_be_removed_from_the_queue(owner: Person, folder: Path) -> None:
    path = owner.make("removed")
    page = owner.open(f"{path}/upload")
    page.locator("[data-up-pick]").set_input_files([folder / "README.md", folder / "gallery_train" / "train.py"])
    for name in ("README.md", "train.py"):
        expect(row(page, name)).to_have_attribute("data-state", "done")
    row(page, "README.md").get_by_role("button", name="Remove").click()
    expect(row(page, "README.md")).to_have_count(0)
    page.get_by_role("combobox", name="Folder").fill("code")
    page.get_by_role("button", name="Commit upload").click()
    page.wait_for_url(re.compile(r"/files/main/code$"))
    expect(page.locator(".files tbody th")).to_have_count(1)

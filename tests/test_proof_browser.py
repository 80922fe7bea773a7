"""The whole way once in a real browser and a real gallery: from the page of a model to the answer of the model that was trained from it."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from core.testing import PASSWORD, violations
from tests.proving import Person, destroy, furnished, started
from tests.stages import MODEL
from toolchain.tests.environments import Bases, bases

__all__ = ["bases"]
pytestmark = [pytest.mark.process, pytest.mark.browser]

SLOW = 120_000
"""Milliseconds for what processes do meanwhile."""


@pytest.fixture
def page(bases: Bases, chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """A browser in which the first administrator, Olivia, just became one, and has a model and a dataset."""
    data = tmp_path_factory.mktemp("g") / "data"
    furnished(bases, data, "current")
    up = started(data)
    errors: list[str] = []
    try:
        up.until_ready()
        link = up.until(lambda: up.said(r"^  (http://\S+/first/\S+)$"), "the link")[1]
        page = chromium.new_page(base_url=f"http://localhost:{up.port}", locale="en-GB", viewport={"width": 1280, "height": 900})
        page.set_default_timeout(30_000)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(link)
        page.fill("#id_handle", "olivia")
        page.fill("#id_email", "olivia@example.com")
        page.fill("#id_password", PASSWORD)
        page.locator("form:has(#id_handle) button[type=submit]").click()
        page.wait_for_url(re.compile(r"/$"))
        olivia = Person(up, "olivia")
        olivia.publish("model", "slow", MODEL, "image-classification")
        olivia.publish("dataset", "rows", {"data.csv": b"a,b\n1,2\n"})
        olivia.usable("olivia/slow")
        yield page
        page.close()
        assert not errors
    finally:
        destroy(up)


def menu(page: Page, name: str, line: str) -> None:
    """Choose a line of a menu in the head of a model's page."""
    page.locator("summary", has_text=name).first.click()
    page.get_by_role("link", name=line).first.click()


def heading(page: Page, text: Any) -> None:
    expect(page.get_by_role("heading", level=1, name=text)).to_be_visible(timeout=30_000)


def test_train_deploy_and_call(page: Page, tmp_path: Path) -> None:
    page.goto("/models/olivia/slow")
    menu(page, "Train", "Fine-tune")
    heading(page, re.compile("Fine-tune"))
    page.get_by_role("button", name="Choose olivia/rows").click()
    expect(page.locator("input[name=dataset][value='olivia/rows']")).to_have_count(1)
    page.locator("#id_output_name").fill("slower")
    page.locator("input[name=spec]").last.check()
    page.locator("input[name='param.steps']").fill("20")
    assert violations(page) == []
    page.get_by_role("button", name="Check the order").click()
    heading(page, "Confirm the order")
    expect(page.locator("#order-form")).to_contain_text("olivia/slower")
    page.get_by_role("button", name="Start training").click()

    heading(page, "slower")
    page.wait_for_url(re.compile(r"/jobs/\d+$"))
    expect(page.locator("#log")).to_contain_text("begin", timeout=SLOW)
    expect(page.get_by_role("link", name="Open model")).to_be_visible(timeout=SLOW)
    page.reload()
    expect(page.locator("section[aria-labelledby=curves-t] svg").first).to_be_visible()
    assert violations(page) == []
    page.get_by_role("link", name="Open model").click()
    page.wait_for_url(re.compile("/models/olivia/slower$"))
    expect(page.locator("body")).to_contain_text("olivia/slow")

    page.goto("/models/olivia/slow")
    menu(page, "Deploy", "Inference service")
    heading(page, re.compile("Deploy"))
    page.locator("#id_name").fill("echo")
    page.locator("input[name=spec]").last.check()
    page.get_by_role("button", name="Start deployment").click()
    heading(page, "Confirm the order")
    page.get_by_role("button", name="OK, deploy").click()
    page.wait_for_url(re.compile(r"/services$"))
    page.get_by_role("link", name="echo").first.click()
    page.wait_for_url(re.compile(r"/services/olivia/echo$"))
    expect(page.locator("#service-head h1")).to_contain_text("Running", timeout=SLOW)
    page.goto("/services/olivia/echo")
    page.locator("#id_body").fill('{"inputs": "hello"}')
    page.get_by_role("button", name="Send").click()
    expect(page.locator("[data-body]")).to_contain_text("hello", timeout=SLOW)
    assert violations(page) == []

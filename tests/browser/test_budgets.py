"""What a page may weigh: section 15 of the design."""

import gzip
from collections.abc import Callable

import pytest
from playwright.sync_api import Response

from tests.browser.pages import DATASET, MODEL, OF_A_VISITOR, OWN
from tests.browser.person import Person

KB = 1000
SCRIPTS = {"ordinary": 24 * KB, "charts, editor or upload": 32 * KB}


def weigh(person: Person, path: str) -> dict[str, int]:
    """Return the requests of a first view and what its parts weigh after gzip."""
    seen: list[Response] = []
    person.page.on("response", lambda response: seen.append(response))
    person.page.goto(path, wait_until="networkidle")
    weights = {"requests": len(seen), "document": 0, "stylesheet": 0, "script": 0}
    for response in seen:
        kind = response.request.resource_type
        if kind in weights:
            weights[kind] += len(gzip.compress(response.body(), 6))
    return weights


def test_files_are_compressed_and_kept_for_a_year(arrive: Callable[..., Person]) -> None:
    person = arrive()
    seen: list[Response] = []
    person.page.on("response", lambda response: seen.append(response))
    person.open("/models")
    static = [response for response in seen if "/static/" in response.url]
    assert len(static) >= 4
    for response in static:
        assert "max-age=31536000" in response.headers["cache-control"] and "immutable" in response.headers["cache-control"], response.url
        if response.request.resource_type in ("stylesheet", "script"):
            assert response.headers.get("content-encoding") in ("gzip", "br"), response.url


@pytest.mark.parametrize("name", ["home", "cards", "table", "files", "history", "organisation", "sign-in"])
def test_ordinary_page_stays_within_its_budget(arrive: Callable[..., Person], name: str) -> None:
    found = weigh(arrive(), OF_A_VISITOR[name])
    assert found["requests"] <= 10
    assert found["stylesheet"] <= 24 * KB
    assert found["script"] <= SCRIPTS["ordinary"]
    assert found["document"] <= 20 * KB


@pytest.mark.parametrize("path", [MODEL, f"{OWN}/upload", f"{OWN}/edit", f"{DATASET}/edit"])
def test_page_with_charts_editor_or_upload_stays_within_its_budget(arrive: Callable[..., Person], path: str) -> None:
    found = weigh(arrive().sign_in("linwz").speak("en"), path)
    assert found["requests"] <= 10
    assert found["stylesheet"] <= 24 * KB
    assert found["script"] <= SCRIPTS["charts, editor or upload"]
    assert found["document"] <= 20 * KB


def test_nothing_comes_from_another_host(arrive: Callable[..., Person]) -> None:
    person = arrive()
    asked: list[str] = []
    person.page.on("request", lambda request: asked.append(request.url))
    for path in ("/", "/models", MODEL, "/api/docs"):
        person.page.goto(path, wait_until="networkidle")
    home = person.page.url.removesuffix("/api/docs")
    assert [url for url in asked if not url.startswith((f"{home}/", "data:", "blob:"))] == []


def test_layout_does_not_shift_while_a_page_loads(arrive: Callable[..., Person]) -> None:
    person = arrive(width=390)
    person.context.add_init_script(
        "window.shifts = 0; new PerformanceObserver((list) => list.getEntries().forEach((entry) => {"
        " if (!entry.hadRecentInput) window.shifts += entry.value; })).observe({ type: 'layout-shift', buffered: true });"
    )
    for path in ("/", "/models", MODEL, f"{MODEL}/files"):
        person.page.goto(path, wait_until="networkidle")
        assert person.page.evaluate("window.shifts") <= 0.02, path

"""One gallery with demo content, and people who each have a browser of their own."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, StorageState, expect

from tests.browser.person import PASSWORD, Person
from tests.live import Gallery, running

HERE = Path(__file__).parent
PATIENCE = 20_000
NUMBERS = itertools.count(1)
expect.set_options(timeout=PATIENCE)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="package")
def gallery() -> Iterator[Gallery]:
    """A running gallery with the demo's people, models and datasets."""
    # Parts of the least size: a file of 20 MB goes up in three.
    with running(UPLOAD_PART_SIZE="8MiB", DJANGO_SUPERUSER_PASSWORD=PASSWORD) as gallery:
        gallery.manage("demo", "--password", PASSWORD)
        gallery.manage("createsuperuser", "--noinput", "--handle", "keeper", "--email", "keeper@example.com")
        gallery.manage("shell", "--no-imports", "-c", "from tests.browser.runs import add_runs; add_runs()")
        yield gallery


@pytest.fixture
def arrive(gallery: Gallery, chromium: Browser) -> Iterator[Callable[..., Person]]:
    """Bring somebody with a fresh browser; errors in the console, broken policies and failed requests fail the test."""
    people: list[Person] = []

    def arrive(*, width: int = 1440, theme: str = "light", locale: str = "en-GB", script: bool = True, **options: Any) -> Person:
        context = chromium.new_context(
            base_url=gallery.url,
            viewport={"width": width, "height": 900},
            color_scheme=theme,
            locale=locale,
            java_script_enabled=script,
            reduced_motion="reduce",
            timezone_id="Europe/Berlin",
            **options,
        )
        context.set_default_timeout(PATIENCE)
        people.append(Person(context))
        return people[-1]

    yield arrive
    for person in people:
        person.context.close()
    assert [problem for person in people for problem in person.problems] == []


@pytest.fixture
def handle() -> str:
    """A handle nobody has."""
    return f"guest{next(NUMBERS)}"


@pytest.fixture(scope="package")
def regular(gallery: Gallery, chromium: Browser) -> StorageState:
    """The session of somebody who has signed up and speaks English; signing up for every test would meet the rate limit."""
    context = chromium.new_context(base_url=gallery.url)
    Person(context).sign_up(f"regular{next(NUMBERS)}").speak("en")
    state = context.storage_state()
    context.close()
    return state


@pytest.fixture
def owner(arrive: Callable[..., Person], regular: StorageState) -> Person:
    """Somebody who is signed in and speaks English; their models stay from test to test, so each test names its own."""
    return arrive(storage_state=regular)

"""What holds of every page: no accessibility violation, no sideways scrolling, nothing refused by the browser."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page

from core.testing import violations
from tests.browser.pages import OF_A_VISITOR, OF_AN_ADMINISTRATOR, OF_AN_OWNER, REFUSED
from tests.browser.person import Person, wait_for_tables

SCREENS: dict[str, dict[str, Any]] = {
    "wide light Chinese": {"width": 1440, "theme": "light", "language": "zh-hans"},
    "phone dark English": {"width": 390, "theme": "dark", "language": "en"},
    "tablet light English": {"width": 768, "theme": "light", "language": "en"},
}
NARROW = "phone dark English"
SAMPLE = (
    "cards", "table", "model", "files", "weights", "history", "organisation", "upload", "editor", "settings", "tokens", "members", "preview", "sql",
)  # fmt: skip
EVERY = {**OF_A_VISITOR, **OF_AN_OWNER, **OF_AN_ADMINISTRATOR}
CASES = [
    *((screen, name) for screen in ("wide light Chinese", "phone dark English") for name in EVERY),
    *(("tablet light English", name) for name in SAMPLE),
]


@pytest.fixture(scope="package")
def seats(gallery: Any, chromium: Any) -> Iterator[dict[tuple[str, str], Person]]:
    """Browsers that stay open from one page to the next, by screen and by who sits there."""
    taken: dict[tuple[str, str], Person] = {}
    yield taken
    for person in taken.values():
        person.context.close()


@pytest.fixture
def look(seats: dict[tuple[str, str], Person], gallery: Any, chromium: Any) -> Callable[[str, str], Person]:
    """Show a page on a screen to whoever may see it."""

    def look(screen: str, name: str) -> Person:
        who = "linwz" if name in OF_AN_OWNER else "keeper" if name in OF_AN_ADMINISTRATOR else ""
        if (screen, who) not in seats:
            wanted = SCREENS[screen]
            context = chromium.new_context(
                base_url=gallery.url,
                viewport={"width": wanted["width"], "height": 900},
                color_scheme=wanted["theme"],
                locale="en-GB",
                reduced_motion="reduce",
            )
            context.add_cookies([{"name": "gallery_language", "value": wanted["language"], "url": gallery.url}])
            seats[screen, who] = Person(context)
            if who:
                seats[screen, who].sign_in(who)
        person = seats[screen, who]
        if "/preview" in EVERY[name] or EVERY[name].endswith("/sql"):
            wait_for_tables(gallery, EVERY[name])
        person.problems.clear()
        person.open(EVERY[name], status=REFUSED.get(name, 200))
        return person

    return look


def sideways(page: Page) -> list[str]:
    """Return what stands out of a page that scrolls sideways, or nothing where it does not."""
    found: list[str] = page.evaluate(
        """() => {
            const width = document.documentElement.clientWidth;
            if (document.documentElement.scrollWidth <= width) return [];
            const out = [...document.querySelectorAll('main *')].filter((e) => e.getBoundingClientRect().right > width + 1);
            return [`${document.documentElement.scrollWidth} of ${width}`, ...out.slice(0, 5).map((e) => e.outerHTML.slice(0, 120))];
        }"""
    )
    return found


@pytest.mark.parametrize(("screen", "name"), CASES, ids=[f"{name}, {screen}" for screen, name in CASES])
def test_page_is_accessible_fits_and_is_refused_nothing(look: Callable[[str, str], Person], screen: str, name: str) -> None:
    person = look(screen, name)
    assert person.page.locator("html").get_attribute("lang") == {"en": "en", "zh-hans": "zh-Hans"}[SCREENS[screen]["language"]]
    assert sideways(person.page) == []
    if screen == NARROW:
        person.page.set_viewport_size({"width": 320, "height": 900})
        overflow = sideways(person.page)
        person.page.set_viewport_size({"width": SCREENS[screen]["width"], "height": 900})
        assert overflow == [], "at 320 pixels"
    # Before axe runs: it sets styles of its own, which the policy refuses.
    assert person.problems == []
    assert violations(person.page) == []

"""The rail of My Gallery and what the header of every page counts."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from accounts import menu
from accounts.menu import Entry, Waiting
from accounts.models import Notification
from core.testing import assert_flat_queries, browser, count_queries

OWN_PAGES = ("/me/profile", "/me/email", "/me/following", "/me/organisations", "/me/tokens", "/account/password/change/", "/account/2fa/",
             "/account/sessions/")  # fmt: skip


@pytest.fixture
def offers() -> Iterator[None]:
    """Forget at the end what the test offers."""
    kept = list(menu._OFFERS), list(menu._WAITING)
    yield
    menu._OFFERS[:], menu._WAITING[:] = kept


def rail(page: str) -> str:
    return page.split('<nav class="rail"')[1].split("</nav>")[0]


def tell(user: Any, number: int) -> None:
    for place in range(number):
        Notification.objects.create(receiver=user, kind="follower.added", key=f"k{place}-{Notification.objects.count()}")


@pytest.mark.parametrize("address", OWN_PAGES)
def test_rail_marks_the_page_one_is_on(alice: Any, address: str) -> None:
    found = rail(browser(alice).get(address).content.decode())
    assert re.findall(r'href="([^"]+)" aria-current="page"', found) == [address]


def test_lines_of_other_rooms_stand_in_their_group_in_order(alice: Any, offers: None) -> None:
    menu.offer_entries(
        lambda user: [
            Entry("access", "Late", "key", "/me/late", position=900),
            Entry("access", "Early", "key", "/me/early", count=7, position=-1, alert=True),
            Entry("account", "Deeper", "user", "/me/profile/deeper", position=900),
        ]
    )
    found = rail(browser(alice).get("/me/profile").content.decode())
    assert found.index("Early") < found.index("Late") < found.index("Profile") < found.index("Deeper") < found.index("Password")
    assert 'Early<span class="count count-alert">7</span>' in found
    assert re.findall(r'href="([^"]+)" aria-current="page"', found) == ["/me/profile"]


def test_counts_of_the_rail_are_made_only_where_it_is_shown(alice: Any, offers: None) -> None:
    asked: list[Any] = []
    menu.offer_entries(lambda user: asked.append(user) or [])
    browser(alice).get("/design")
    browser(alice).get("/alice")
    assert asked == []
    browser(alice).get("/me/profile")
    assert asked == [alice]


def test_header_shows_what_waits_and_counts_it_once(alice: Any, offers: None) -> None:
    asked: list[Any] = []

    def three(user: Any) -> int:
        asked.append(user)
        return 3

    menu.offer_waiting(Waiting("Wanted", "inbox", "/me/wanted", three))
    menu.offer_waiting(Waiting("Wanted", "inbox", "/me/wanted", three))
    page = browser(alice).get("/design").content.decode()
    assert asked == [alice]
    assert page.count('<span>Wanted</span><span class="count count-alert">3</span>') == 2, "in the bar and in the drawer"


def test_bell_says_how_much_is_unread(alice: Any) -> None:
    client = browser(alice)
    assert 'aria-label="Inbox">' in client.get("/design").content.decode()
    tell(alice, 2)
    page = client.get("/design").content.decode()
    assert 'aria-label="Inbox, 2 unread">' in page and "bell-dot" in page


def test_visitors_and_error_pages_count_nothing(alice: Any, offers: None) -> None:
    asked: list[Any] = []
    menu.offer_waiting(Waiting("Wanted", "inbox", "/me/wanted", lambda user: asked.append(user) or 0))
    assert 'href="/me/inbox"' not in browser().get("/design").content.decode()
    assert browser(alice).get("/models/nobody/nothing").status_code == 404
    assert asked == []


def test_notices_cost_one_query_however_many_there_are(alice: Any) -> None:
    assert_flat_queries("/design", lambda: tell(alice, 1), client=browser(alice))
    browser().get("/design")
    assert count_queries(lambda: browser().get("/design")) == 0


def test_every_entry_leads_somewhere(alice: Any) -> None:
    client = browser(alice)
    found = re.findall(r'href="([^"]+)"', rail(client.get("/me/profile").content.decode()))
    assert len(found) == len(set(found)) > 8
    assert {address: client.get(address).status_code for address in found} == dict.fromkeys(found, 200)

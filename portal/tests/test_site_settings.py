"""The banner above every page."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import AuditEvent
from core.problems import Forbidden, Problem
from core.testing import browser
from portal import site
from portal.models import SiteSettings
from portal.site import save_site_settings

pytestmark = pytest.mark.django_db
PAGE = "/admin/portal/sitesettings/1/change/"


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    site.forget()
    yield
    site.forget()


def banner(client: Any, path: str = "/account/login/") -> str:
    page = client.get(path).content.decode()
    return page.partition('<aside class="site-banner')[2].partition("</aside>")[0]


def form(**values: str) -> dict[str, str]:
    empty = {"banner_en": "", "banner_zh": "", "banner_level": "info"}
    return {**empty, **{f"banner_{name}_{part}": "" for name in ("from", "until") for part in "01"}, **values}


def test_banner_is_set_in_the_administration_and_stands_on_every_page(ada: Any) -> None:
    client = browser(ada)
    assert banner(browser()) == ""
    assert client.get("/admin/portal/sitesettings/")["Location"] == PAGE
    assert client.get(PAGE).status_code == 200
    sent = client.post(PAGE, form(banner_en="Maintenance at <noon> & later", banner_zh="中午维护", banner_level="warn"))
    assert sent.status_code == 302
    for path in ("/", "/models", "/account/login/", "/no/such/page"):
        assert "Maintenance at &lt;noon&gt; &amp; later" in banner(browser(), path), path
    assert "site-banner-warn" in browser().get("/").content.decode()
    reader = browser()
    reader.cookies["gallery_language"] = "zh-hans"
    assert "中午维护" in banner(reader)
    event = AuditEvent.objects.get(target_kind="site_settings")
    assert (event.actor, event.verb) == ("ada", "edit")
    assert event.details == {
        "banner_dismissible": False,
        "banner_en": "Maintenance at <noon> & later",
        "banner_level": "warn",
        "banner_zh": "中午维护",
    }


def test_one_language_serves_both(ada: Any) -> None:
    save_site_settings(actor=ada, banner_zh="维护")
    assert "维护" in banner(browser())


def test_banner_shows_between_its_moments(ada: Any) -> None:
    now = timezone.now()
    row = SiteSettings(banner_en="x", banner_from=now, banner_until=now + timedelta(hours=1))
    moments = [timedelta(seconds=-1), timedelta(0), timedelta(minutes=59), timedelta(hours=1)]
    assert [row.shows_banner(now + moment) for moment in moments] == [False, True, True, False]
    assert not SiteSettings(banner_en="").shows_banner(now)
    with pytest.raises(Problem):
        save_site_settings(actor=ada, banner_en="x", banner_from=now, banner_until=now)
    assert SiteSettings.objects.count() == 0


def test_reader_hides_the_banner_until_it_says_something_else(ada: Any) -> None:
    save_site_settings(actor=ada, banner_en="one", banner_dismissible=True)
    client = browser()
    key = client.get("/").context["banner"].key
    hidden = client.post("/banner", {"key": key, "next": "/models?q=a"})
    assert (hidden.status_code, hidden["Location"]) == (302, "/models?q=a")
    assert banner(client) == ""
    assert banner(browser()) != ""
    save_site_settings(actor=ada, banner_en="two")
    assert "two" in banner(client)
    assert client.post("/banner", {"key": key, "next": "https://elsewhere.example/"})["Location"] == "/"
    assert client.get("/banner").status_code == 405


def test_banner_that_must_stay_has_no_button(ada: Any) -> None:
    save_site_settings(actor=ada, banner_en="one", banner_dismissible=False)
    client = browser()
    client.post("/banner", {"key": client.get("/").context["banner"].key})
    assert "one" in banner(client)
    assert "<form" not in banner(client)


def test_settings_are_read_once_in_ten_seconds(ada: Any, django_assert_num_queries: Any) -> None:
    save_site_settings(actor=ada, banner_en="one")
    site.site_settings()
    with django_assert_num_queries(0):
        assert site.site_settings().banner_en == "one"


def test_only_operators_change_the_settings(alice: Any) -> None:
    with pytest.raises(Forbidden):
        save_site_settings(actor=alice, banner_en="mine")
    assert browser(alice).get(PAGE).status_code == 302
    assert SiteSettings.objects.count() == 0


def test_form_refuses_an_end_before_the_beginning(ada: Any) -> None:
    times = {"banner_from_0": "2026-01-02", "banner_from_1": "10:00", "banner_until_0": "2026-01-01", "banner_until_1": "10:00"}
    page = browser(ada).post(PAGE, form(banner_en="x", **times))
    assert (page.status_code, "It ends before it begins." in page.content.decode()) == (200, True)

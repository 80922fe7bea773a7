"""Views and downloads by day: who counts, and what the page and REST show."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.core.cache.backends.redis import RedisCache
from django.utils import timezone
from redis.exceptions import RedisError

from assets.models import Asset, DailyViews, DownloadRecord
from assets.tests.factories import hang_asset, make_asset, shelve
from core.testing import People, api, assert_flat_queries, browser
from repos.models import DailyDownloads

pytestmark = pytest.mark.django_db
FIREFOX = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"}


def views(asset: Asset) -> tuple[int, list[int]]:
    """Return what the column and the days say."""
    return Asset.objects.get(pk=asset.pk).views, list(DailyViews.objects.filter(asset=asset).values_list("count", flat=True))


def test_a_viewer_counts_once_a_day(people: People) -> None:
    asset = make_asset(people.alice, people.atelier)
    url = asset.get_absolute_url()
    for client in (browser(people.charlie), browser(people.charlie), browser(), browser()):
        assert client.get(url, headers=FIREFOX).status_code == 200
    assert views(asset) == (2, [2])
    assert browser(people.charlie).get(url, headers=FIREFOX).context["page"].counts[0] == ("Views", 2)


def test_members_programs_and_pages_fetched_ahead_do_not_count(people: People) -> None:
    asset = make_asset(people.alice, people.atelier)
    url = asset.get_absolute_url()
    for user in (people.alice, people.mona, people.bob, people.rita, people.ada):
        browser(user).get(url, headers=FIREFOX)
    for agent in (
        "",
        "curl/8.9",
        "Googlebot/2.1 (+http://www.google.com/bot.html)",
        "python-requests/2.32",
        "Mozilla/5.0 HeadlessChrome/140",
    ):
        browser(people.charlie).get(url, headers={"User-Agent": agent})
    browser(people.charlie).get(url, headers={**FIREFOX, "Sec-Purpose": "prefetch"})
    browser(people.charlie).head(url, headers=FIREFOX)
    assert views(asset) == (0, [])
    browser(people.charlie).get(url, headers=FIREFOX)
    assert views(asset) == (1, [1])


def test_what_is_not_published_is_not_counted(people: People) -> None:
    asset = make_asset(people.alice, people.atelier, visibility="private")
    browser(people.ada).get(asset.get_absolute_url(), headers=FIREFOX)
    assert views(asset) == (0, [])


def test_a_cache_that_is_down_stops_no_page(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    asset = make_asset(people.alice)

    def down(*args: Any, **kwargs: Any) -> Any:
        raise RedisError("away")

    client = browser(people.charlie)
    for name in ("add", "get", "set"):
        monkeypatch.setattr(RedisCache, name, down)
    assert client.get(asset.get_absolute_url(), headers=FIREFOX).status_code == 200
    assert client.get(f"{asset.get_absolute_url()}/resolve/main/README.md").status_code == 200
    assert views(asset) == (0, [])
    assert DailyDownloads.objects.count() == 0
    assert DownloadRecord.objects.get().user == people.charlie


def figures(asset: Asset) -> None:
    today = timezone.now().date()
    for before, number in ((0, 3), (29, 4), (30, 100), (89, 5), (90, 1000)):
        DailyViews.objects.create(asset=asset, day=today - timedelta(days=before), count=number)
        DailyDownloads.objects.create(repository=asset.repository, day=today - timedelta(days=before), count=2 * number)


def test_the_page_shows_thirty_or_ninety_days_by_links(people: People) -> None:
    asset = make_asset(people.alice)
    figures(asset)
    url, client = asset.get_absolute_url(), browser()
    month = client.get(url)
    found = month.context["page"].statistics
    assert [(line.total, line.before) for line in found.lines] == [(7, 100), (14, 200)]
    assert (len(found.days), found.views.counts[0], found.views.counts[-1], found.views.shown_change) == (30, 4, 3, "\u221293%")
    assert f'<a href="{url}?days=90#statistics">90 days</a>' in month.content.decode()
    assert 'id="c-days"' in month.content.decode()
    found = client.get(f"{url}?days=90").context["page"].statistics
    assert [(line.total, line.before) for line in found.lines] == [(112, 1000), (224, 2000)]
    assert len(client.get(f"{url}?days=7000").context["page"].statistics.days) == 30


def test_rest_shows_the_same_figures(people: People) -> None:
    asset = make_asset(people.alice)
    figures(asset)
    url = f"/api/v1{asset.get_absolute_url()}/statistics"
    shown = api().get(f"{url}?days=30").json()
    assert shown["views"] == {"total": 7, "before": 100}
    assert shown["downloads"] == {"total": 14, "before": 200}
    assert len(shown["days"]) == 30
    assert shown["days"][-1] == {"day": f"{timezone.now().date():%Y-%m-%d}", "views": 3, "downloads": 6}
    assert len(api().get(f"{url}?days=365").json()["days"]) == 365
    for bad in ("0", "366", "-1", "x", "1e2", "9999999999", "３０", "\0"):
        answer = api().get(url, {"days": bad})
        assert (answer.status_code, answer.json()["code"]) == (400, "bad_days")


def test_figures_are_for_those_who_see_the_asset(people: People) -> None:
    asset = make_asset(people.alice, people.atelier, visibility="private")
    url = f"/api/v1{asset.get_absolute_url()}/statistics"
    assert [api(user).get(url).status_code for user in (None, people.charlie, people.rita)] == [404, 404, 200]


def test_downloads_of_people_are_noted(people: People) -> None:
    asset = make_asset(people.alice)
    url = f"{asset.get_absolute_url()}/resolve/main/README.md"
    first = timezone.now()
    for client in (browser(people.charlie), api(people.bob), browser()):
        assert client.get(url).status_code == 200
    assert sorted(DownloadRecord.objects.values_list("user__handle", flat=True)) == ["bob", "charlie"]
    DownloadRecord.objects.update(first_at=first - timedelta(days=2), last_at=first - timedelta(days=1))
    cache.clear()
    browser(people.charlie).get(f"{asset.get_absolute_url()}/zip/main")
    row = DownloadRecord.objects.get(user=people.charlie)
    assert (row.first_at, row.last_at > first) == (first - timedelta(days=2), True)
    assert DownloadRecord.objects.count() == 2


def test_pictures_of_a_page_and_refused_downloads_are_not_noted(people: People) -> None:
    asset = make_asset(people.alice)
    url = f"{asset.get_absolute_url()}/resolve/main/README.md"
    browser(people.charlie).get(f"{url}?inline=1")
    browser(people.charlie).get(url, headers={"Sec-Fetch-Dest": "image"})
    shelve(asset, availability="on_application")
    assert browser(people.charlie).get(url).status_code == 403
    assert DownloadRecord.objects.count() == 0


def test_the_catalogue_sorts_by_what_people_do(people: People) -> None:
    now = timezone.now()
    for name, number, moment in (("a", 1, now), ("b", 3, now - timedelta(days=1)), ("c", 2, None)):
        hang_asset(people.alice, name=name, favourites=number, views=number, subscriptions=number, published_at=moment)
    hang_asset(people.alice, name="d", published_at=now - timedelta(days=9))

    def names(sort: str, **more: Any) -> list[str]:
        answer = api().get("/api/v1/models", {"sort": sort, **more}).json()
        found = [row["name"] for row in answer["results"]]
        return [*found, *[row["name"] for row in api().get(answer["next"]).json()["results"]]] if answer["next"] else found

    for sort in ("favourites", "views", "subscriptions"):
        assert names(sort) == names(sort, limit=2) == ["b", "c", "a", "d"]
        assert names(f"-{sort}") == names(f"-{sort}", limit=2) == ["d", "a", "c", "b"]
    assert names("published") == names("published", limit=2) == ["a", "b", "d", "c"]
    assert names("-published") == names("-published", limit=2) == ["c", "d", "b", "a"]
    page = browser().get("/models?sort=favourites").context["catalogue"]
    assert [card.asset.name for card in page.cards] == ["b", "c", "a", "d"]
    assert [sort.code for sort in page.sort_choices if sort.chosen] == ["favourites"]


def test_the_catalogue_filters_by_marks_and_availability(people: People) -> None:
    type(people.atelier).objects.filter(pk=people.atelier.pk).update(official=True)
    hang_asset(people.atelier, name="of-owner")
    hang_asset(people.alice, name="by-itself", official=True, commercial=True)
    hang_asset(people.alice, name="plain", featured=True, availability="on_application")

    def names(**parameters: Any) -> list[str]:
        return sorted(row["name"] for row in api().get("/api/v1/models", parameters).json()["results"])

    assert names(mark="official") == ["by-itself", "of-owner"]
    assert names(mark=["featured", "commercial"]) == ["by-itself", "plain"]
    assert names(availability="on_application") == ["plain"]
    assert names(availability="free", mark="commercial") == ["by-itself"]
    assert api().get("/api/v1/models?mark=best").json()["errors"] == {"mark": ["“best” is not a known value."]}
    assert api().get("/api/v1/models?availability=never").status_code == 400
    found = browser().get("/models?mark=featured").context["catalogue"]
    options = {facet.name: {option.value: option.number for option in facet.options} for facet in found.facets}
    assert options["mark"] == {"official": 2, "featured": 1, "commercial": 1}
    assert options["availability"] == {"on_application": 1}
    assert [chip.name for chip in found.chips] == ["Featured"]


def test_cards_show_favourites_and_the_button_to_people_signed_in(people: People) -> None:
    asset = hang_asset(people.alice, favourites=12, official=True, featured=True, commercial=True, availability="on_application")
    page = browser().get("/models").content.decode()
    assert f'<span id="fav-{asset.pk}">12</span>' in page
    assert [word in page for word in ("Official</span>", "Featured</span>", "Commercial</span>", "On request</span>")] == [True] * 4
    assert "/favourite" not in page
    page = browser(people.charlie).get("/models").content.decode()
    assert page.count('class="fav-form"') == 1


@pytest.mark.parametrize("sort", ["favourites", "published"])
def test_queries_stay_flat_with_the_buttons(people: People, sort: str) -> None:
    assert_flat_queries(f"/models?sort={sort}", lambda: hang_asset(people.alice), client=browser(people.charlie))

"""My Gallery: each list shows what is the person's own and what they may still see, and nothing else."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from assets import services
from assets.models import Asset, DownloadRecord, Favourite, Grant, Submission, Subscription
from assets.tests.factories import hang_asset, read_for
from core.testing import SIGN_IN, People, api, assert_access, assert_flat_queries, browser, organisation

pytestmark = pytest.mark.django_db
LISTS = {"favourites": Favourite, "subscriptions": Subscription, "downloads": DownloadRecord}
PAGES = ["/me/assets", *(f"/me/{name}" for name in LISTS)]


def keep(name: str, user: Any, asset: Asset) -> None:
    LISTS[name]._default_manager.create(user=user, asset=asset)


def names(user: Any, name: str, **parameters: Any) -> list[str]:
    return [row["name"] for row in api(user).get(f"/api/v1/me/{name}", parameters).json()["results"]]


def shown(user: Any, address: str) -> list[str]:
    context = browser(user).get(address).context
    return [card.asset.name for card in (context["catalogue"] if "catalogue" in context else context["list"]).cards]


def text(response: Any) -> str:
    return " ".join(response.content.decode().split())


@pytest.mark.parametrize("page", PAGES)
def test_the_pages_are_for_people_signed_in(people: People, page: str) -> None:
    signed_in = ("stranger", "reader", "contributor", "maintainer", "owner", "administrator")
    assert_access(
        people=people,
        surface="page",
        expected={"visitor": SIGN_IN, **dict.fromkeys(signed_in, 200)},
        request=lambda client: client.get(page),
    )
    assert_access(
        people=people, surface="rest", expected={"visitor": 401, **dict.fromkeys(signed_in, 200)},
        request=lambda client: client.get(f"/api/v1{page}"),
    )  # fmt: skip


def test_me_leads_to_my_assets(people: People) -> None:
    assert browser(people.charlie).get("/me")["Location"] == "/me/assets"


def test_my_assets_are_those_i_may_change(people: People) -> None:
    hang_asset(people.bob, name="own", visibility="private")
    hang_asset(people.atelier, name="contributed")
    hang_asset(organisation("studio", owner=people.alice, reader=people.bob), name="only-read")
    hang_asset(people.alice, name="foreign")
    hang_asset(people.bob, name="rows", kind="dataset")
    assert sorted(names(people.bob, "assets", kind="model")) == sorted(shown(people.bob, "/me/assets")) == ["contributed", "own"]
    assert names(people.bob, "assets", kind="dataset") == shown(people.bob, "/me/assets?kind=dataset") == ["rows"]
    assert names(people.rita, "assets") == names(people.ada, "assets") == []
    assert names(people.bob, "assets", sort="name") == ["contributed", "own", "rows"]
    page = text(browser(people.bob).get("/me/assets"))
    assert 'Models<span class="count">2</span>' in page
    assert 'Datasets<span class="count">1</span>' in page
    assert api(people.bob).get("/api/v1/me/assets?kind=image").json()["code"] == "bad_kind"


def test_my_assets_are_filtered_by_status_and_words(people: People) -> None:
    hang_asset(people.bob, name="draft", visibility="private")
    rejected = hang_asset(people.bob, name="rejected", visibility="private")
    Asset.objects.filter(pk=rejected.pk).update(state="rejected")
    hang_asset(people.bob, name="open", favourites=4, subscriptions=5, views=6, published_at=timezone.now())
    assert shown(people.bob, "/me/assets?state=rejected") == ["rejected"]
    assert shown(people.bob, "/me/assets?kind=model&q=dra&state=") == ["draft"]
    assert shown(people.bob, "/me/assets?state=nonsense&sort=name") == ["draft", "open", "rejected"]
    response = browser(people.bob).get("/me/assets?kind=model&q=&state=published", headers={"HX-Request": "true"})
    assert "<html" not in response.content.decode()
    assert response["HX-Push-Url"] == "/me/assets?kind=model&state=published"
    assert 'data-label="Favourites">4<' in text(response)
    assert 'data-label="Subscriptions">5<' in text(response)
    assert 'data-label="Views">6<' in text(response)


def test_my_assets_say_why_one_was_rejected_and_lead_on(people: People) -> None:
    draft = hang_asset(people.bob, name="draft", visibility="private")
    row = hang_asset(people.bob, name="bad", visibility="private")
    Asset.objects.filter(pk=row.pk).update(state="rejected")
    for reason in ("An older reason", "A screenshot shows <b>coordinates</b>."):
        Submission.objects.create(asset=row, state="rejected", reason=reason, revision="0" * 40)
    page = text(browser(people.bob).get("/me/assets"))
    assert "“bad” was rejected" in page
    assert "A screenshot shows &lt;b&gt;coordinates&lt;/b&gt;." in page
    assert "An older reason" not in page
    assert f'href="{draft.get_absolute_url()}/publish"' in page
    assert "See why</a>" in page


@pytest.mark.parametrize("name", LISTS)
def test_a_list_shows_the_latest_first_by_kind(people: People, name: str) -> None:
    now = timezone.now()
    moment = "last_at" if name == "downloads" else "created_at"
    for number, kind in enumerate(("model", "dataset", "model")):
        asset = hang_asset(people.alice, name=f"a{number}", kind=kind)
        LISTS[name]._default_manager.create(user=people.charlie, asset=asset, **{moment: now - timedelta(days=number)})
    assert names(people.charlie, name) == ["a0", "a1", "a2"]
    assert names(people.charlie, name, kind="model") == ["a0", "a2"]
    assert shown(people.charlie, f"/me/{name}?kind=dataset") == ["a1"]
    assert shown(people.charlie, f"/me/{name}") == (["a0", "a1", "a2"] if name == "favourites" else ["a0", "a2"])
    assert names(people.bob, name) == []
    first = api(people.charlie).get(f"/api/v1/me/{name}?limit=2").json()
    assert [row["name"] for row in first["results"]] == ["a0", "a1"]
    assert first["results"][0]["marked_at"] == now.isoformat().replace("+00:00", "Z")
    second = api(people.charlie).get(first["next"]).json()
    assert [row["name"] for row in second["results"]] == ["a2"]
    assert [row["name"] for row in api(people.charlie).get(second["previous"]).json()["results"]] == ["a0", "a1"]
    page = text(browser(people.charlie).get(f"/me/{name}"))
    assert 'Models<span class="count">2</span>' in page
    assert 'Datasets<span class="count">1</span>' in page
    if name == "favourites":
        assert 'All<span class="count">3</span>' in page


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("change", [{"state": "delisted"}, {"visibility": "chosen"}, {"state": "unpublished"}])
def test_what_one_may_not_see_any_more_is_a_number_only(people: People, name: str, change: dict[str, str]) -> None:
    asset, other = hang_asset(people.alice, name="secret-plan", title_zh="秘密"), hang_asset(people.alice, name="open")
    keep(name, people.charlie, asset)
    keep(name, people.charlie, other)
    Asset.objects.filter(pk=asset.pk).update(**change)
    answer = api(people.charlie).get(f"/api/v1/me/{name}")
    assert ([row["name"] for row in answer.json()["results"]], answer.json()["unseen"]) == (["open"], 1)
    assert api(people.charlie).get(f"/api/v1/me/{name}?kind=dataset").json()["unseen"] == 0
    page = text(browser(people.charlie).get(f"/me/{name}"))
    assert "1 more is here that you may not see at present" in page
    for content in (answer.content.decode(), page):
        assert "secret-plan" not in content and "秘密" not in content
    assert 'Models<span class="count">1</span>' in page


@pytest.mark.parametrize("name", LISTS)
def test_a_narrow_token_sees_no_list(people: People, name: str) -> None:
    asset = hang_asset(people.alice)
    keep(name, people.charlie, asset)
    client = api(people.charlie, "fine", resources=[f"asset:{asset.pk}"], verbs=["commit"])
    assert client.get(f"/api/v1/me/{name}").json() == {"next": None, "previous": None, "results": [], "unseen": 0}
    assert len(api(people.charlie, "read").get(f"/api/v1/me/{name}").json()["results"]) == 1


@pytest.mark.parametrize("name", ["subscriptions", "downloads"])
def test_what_one_may_not_use_any_more_stays_and_says_so(people: People, name: str) -> None:
    asset = hang_asset(people.alice, name="gated", availability="on_application")
    grant = Grant.objects.create(asset=asset, user=people.charlie, source="direct")
    keep(name, people.charlie, asset)

    def usable() -> tuple[bool, bool]:
        rest = api(people.charlie).get(f"/api/v1/me/{name}").json()["results"][0]["usable"]
        page = text(browser(people.charlie).get(f"/me/{name}"))
        return rest, "Not usable now" not in page and "/apply" not in page

    assert usable() == (True, True)
    Grant.objects.filter(pk=grant.pk).update(state="revoked")
    assert usable() == (False, False)


def test_a_list_with_an_address_of_another_starts_at_its_beginning(people: People) -> None:
    keep("favourites", people.charlie, hang_asset(people.alice, name="tiny"))
    assert shown(people.charlie, "/me/favourites?cursor=nonsense") == ["tiny"]
    assert api(people.charlie).get("/api/v1/me/favourites?cursor=nonsense").json()["code"] == "bad_cursor"


@pytest.mark.parametrize("page", PAGES)
def test_an_empty_list_says_what_belongs_there(people: People, page: str) -> None:
    words = {
        "/me/assets": "No models yet",
        "/me/favourites": "No favourites yet",
        "/me/subscriptions": "No subscriptions yet",
        "/me/downloads": "No downloads yet",
    }
    assert words[page] in text(browser(people.charlie).get(page))


def test_the_rail_leads_to_the_lists_and_the_lists_to_each_other(people: People) -> None:
    page = text(browser(people.charlie).get("/me/downloads?kind=dataset"))
    rail = page.split('<nav class="rail"')[1].split("</nav>")[0]
    assert [f'href="{address}"' in rail for address in PAGES] == [True] * 4
    assert '<a href="/me/downloads" aria-current="page">' in rail
    ways = page.split('aria-label="How they came to you"')[1].split("</nav>")[0]
    assert [f'href="/me/{name}?kind=dataset"' in ways for name in ("assets", "subscriptions", "downloads")] == [True] * 3


@pytest.mark.parametrize("name", LISTS)
def test_queries_of_a_list_stay_flat(people: People, name: str) -> None:
    def add() -> None:
        keep(name, people.charlie, hang_asset(people.alice))

    assert_flat_queries(f"/me/{name}", add, client=browser(people.charlie))
    assert_flat_queries(f"/api/v1/me/{name}", add, client=api(people.charlie))


def test_queries_of_my_assets_stay_flat(people: People) -> None:
    def add() -> None:
        row = hang_asset(people.bob, visibility="private")
        Asset.objects.filter(pk=row.pk).update(state="rejected")
        Submission.objects.create(asset=row, state="rejected", reason="No", revision="0" * 40)

    assert_flat_queries("/me/assets", add, client=browser(people.bob))
    assert_flat_queries("/api/v1/me/assets", add, client=api(people.bob))


def test_a_favourite_of_an_asset_without_a_reader_counts_for_its_owner_only_as_a_number(people: People) -> None:
    asset = hang_asset(people.alice, name="tiny")
    services.set_favourite(asset=read_for(people.charlie, asset), actor=people.charlie, wanted=True)
    body = api(people.alice).get(f"/api/v1{asset.get_absolute_url()}").content.decode()
    assert '"favourites":1' in body
    assert "charlie" not in body

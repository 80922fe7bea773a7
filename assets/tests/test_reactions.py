"""Favourites, likes and subscriptions: who may, what they change, and that counts are exact."""

from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Acceptance, Agreement, AuditEvent, Notification, Organisation
from assets import services
from assets.models import Asset, Favourite, Grant, Like, Subscription
from assets.tests.factories import finish_jobs, hang_asset, make_asset, read_for, shelve
from core.testing import SIGN_IN, People, api, assert_access, browser, person
from repos.operations import PutBytes

pytestmark = pytest.mark.django_db
ROWS: dict[str, Any] = {"favourite": Favourite, "like": Like, "subscription": Subscription}
COLUMNS = {"favourite": "favourites", "like": "likes", "subscription": "subscriptions"}
SIGNED_IN = ("stranger", "reader", "contributor", "maintainer", "owner", "administrator")


def everybody(status: int, **others: Any) -> dict[str, Any]:
    return {"visitor": status, **dict.fromkeys(SIGNED_IN, status), **others}


def count(asset: Asset, what: str) -> int:
    number: int = getattr(Asset.objects.get(pk=asset.pk), COLUMNS[what])
    return number


def official(people: People, **fields: Any) -> Asset:
    Organisation.objects.filter(pk=people.atelier.pk).update(official=True)
    return make_asset(people.alice, people.atelier, **fields)


def current() -> dict[str, int]:
    return {agreement.kind: agreement.version for agreement in Agreement.objects.current().filter(kind__in=["risk", "service"])}


def verbs() -> list[str]:
    words = ["favourite", "unfavourite", "like", "unlike", "subscribe", "unsubscribe"]
    return list(AuditEvent.objects.filter(verb__in=words).order_by("pk").values_list("verb", flat=True))


@pytest.mark.parametrize("what", ["favourite", "like"])
def test_everybody_signed_in_reacts_to_what_they_see(people: People, what: str) -> None:
    asset = make_asset(people.alice, people.atelier)
    rows = ROWS[what].objects
    for surface, expected, send in (
        ("page", everybody(302, visitor=SIGN_IN), lambda client: client.post(f"{asset.get_absolute_url()}/{what}", {"wanted": "1"})),
        ("rest", everybody(200, visitor=403), lambda client: client.put(f"/api/v1{asset.get_absolute_url()}/{what}")),
        ("rest", everybody(204, visitor=403), lambda client: client.delete(f"/api/v1{asset.get_absolute_url()}/{what}")),
    ):
        assert_access(people=people, surface=surface, expected=expected, request=send, state=rows.count)


@pytest.mark.parametrize("what", ["favourite", "like", "subscription"])
def test_nobody_reacts_to_what_they_do_not_see(people: People, what: str) -> None:
    asset = make_asset(people.alice, people.atelier, visibility="private")
    members = dict.fromkeys(("reader", "contributor", "maintainer", "owner", "administrator"), 204)
    assert_access(
        people=people, surface="rest", expected={"visitor": 404, "stranger": 404, **members},
        request=lambda client: client.delete(f"/api/v1{asset.get_absolute_url()}/{what}"), state=ROWS[what].objects.count,
    )  # fmt: skip


def test_subscribing_needs_the_right_to_use(people: People) -> None:
    asset = official(people)
    shelve(asset, availability="on_application")
    members = dict.fromkeys(("reader", "contributor", "maintainer", "owner", "administrator"), 200)
    url = asset.get_absolute_url()
    assert_access(
        people=people, surface="rest", expected={"visitor": 403, "stranger": 403, **members},
        request=lambda client: client.put(f"/api/v1{url}/subscription"), state=Subscription.objects.count,
    )  # fmt: skip
    members = dict.fromkeys(members, 302)
    assert_access(
        people=people, surface="page", expected={"visitor": SIGN_IN, "stranger": 403, **members},
        request=lambda client: client.post(f"{url}/subscribe"), state=Subscription.objects.count,
    )  # fmt: skip


@pytest.mark.parametrize("what", ["favourite", "like"])
def test_a_repetition_changes_nothing(people: People, what: str) -> None:
    asset = make_asset(people.alice)
    url, client = f"/api/v1{asset.get_absolute_url()}/{what}", api(people.charlie)
    assert client.get(url).json() == {what: False, COLUMNS[what]: 0}
    assert [client.put(url).json() for _time in range(2)] == [{what: True, COLUMNS[what]: 1}] * 2
    assert client.get(url).json() == {what: True, COLUMNS[what]: 1}
    assert api(people.bob).get(url).json() == {what: False, COLUMNS[what]: 1}
    assert [client.delete(url).status_code for _time in range(2)] == [204, 204]
    assert count(asset, what) == 0
    assert verbs() == [what, f"un{what}"]


def test_a_read_token_and_a_narrow_one_react_to_nothing(people: People) -> None:
    asset = make_asset(people.alice)
    url = f"/api/v1{asset.get_absolute_url()}/favourite"
    fine = {"resources": [f"asset:{asset.pk}"], "verbs": ["commit"]}
    for client in (api(people.charlie, "read"), api(people.charlie, "fine", **fine)):
        assert client.put(url).status_code == 403
        assert client.get(url).status_code == 200
    assert Favourite.objects.count() == 0


@pytest.mark.parametrize("what", ["favourite", "like"])
def test_the_form_leads_back_to_the_page_it_stood_on(people: People, what: str) -> None:
    asset = make_asset(people.alice)
    client, url = browser(people.charlie), f"{asset.get_absolute_url()}/{what}"
    assert client.post(url, {"wanted": "1"}, headers={"Referer": "http://testserver/models?sort=name"})["Location"] == "/models?sort=name"
    assert client.post(url, {"wanted": "1"}, headers={"Referer": "https://elsewhere.example/x"})["Location"] == asset.get_absolute_url()
    assert client.get(url)["Location"] == asset.get_absolute_url()
    assert count(asset, what) == 1
    client.post(url, {"wanted": "0"})
    assert count(asset, what) == 0


def test_htmx_gets_the_button(people: People) -> None:
    asset = make_asset(people.alice)
    client, url = browser(people.charlie), f"{asset.get_absolute_url()}/favourite"
    pressed = client.post(url, {"wanted": "1"}, headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in pressed
    assert 'aria-pressed="true"' in pressed
    assert '<input type="hidden" name="wanted" value="0">' in pressed
    assert f'<hx-partial hx-target="#fav-{asset.pk}" hx-swap="innerHTML">1</hx-partial>' in pressed
    large = client.post(url, {"wanted": "0", "size": "large"}, headers={"HX-Request": "true"}).content.decode()
    assert 'aria-pressed="false"' in large
    assert '<span class="fav-n">0</span>' in large
    assert "hx-partial" not in large


def test_buttons_stand_only_where_they_work(people: People) -> None:
    asset = official(people)
    url = asset.get_absolute_url()
    shelve(asset, availability="on_application")

    def buttons(user: Any) -> list[str]:
        page = browser(user).get(url).content.decode()
        return [word for word in ("favourite", "like", "subscribe") if f'"{url}/{word}"' in page]

    assert buttons(None) == []
    assert buttons(people.charlie) == ["favourite", "like"]
    assert buttons(people.rita) == ["favourite", "like", "subscribe"]
    services.subscribe(asset=read_for(people.rita, asset), actor=people.rita, agreements={})
    page = browser(people.rita).get(url).content.decode()
    assert f'action="{url}/unsubscribe"' in page
    assert f'"{url}/subscribe"' not in page


def test_a_foreign_asset_is_subscribed_with_the_present_versions_of_both_agreements(people: People) -> None:
    asset = make_asset(people.alice)
    client, url = api(people.charlie), f"/api/v1{asset.get_absolute_url()}/subscription"
    shown = client.get(url).json()
    assert [(row["kind"], row["version"]) for row in shown["agreements"]] == [("risk", 1), ("service", 1)]
    assert [row["name"] for row in shown["restrictions"]] == ["Licence"]
    refused = client.put(url, {"agreements": {"risk": 1}}, format="json")
    assert (refused.status_code, refused.json()["code"], list(refused.json()["errors"])) == (400, "agreements_required", ["service"])
    assert client.put(url).status_code == 400
    assert (Subscription.objects.count(), Acceptance.objects.count()) == (0, 0)
    made = client.put(url, {"agreements": current()}, format="json").json()
    assert (made["subscription"], made["subscriptions"], made["usable"]) == (True, 1, True)
    assert sorted(Acceptance.objects.values_list("user__handle", "agreement__kind", "agreement__version")) == [
        ("charlie", "risk", 1),
        ("charlie", "service", 1),
    ]
    assert client.put(url).status_code == 200
    assert verbs() == ["subscribe"]
    assert client.delete(url).status_code == 204
    assert count(asset, "subscription") == 0


def test_a_newer_version_is_agreed_to_again(people: People) -> None:
    asset = make_asset(people.alice)
    old = current()
    text = Agreement.objects.get(kind="risk", version=1)
    Agreement.objects.create(
        kind="risk", version=2, title_en="New", title_zh="新", text_en=text.text_en, text_zh=text.text_zh, published_at=timezone.now()
    )
    client, url = browser(people.charlie), f"{asset.get_absolute_url()}/subscribe"
    refused = client.post(url, {"agreements": [f"{kind}:{version}" for kind, version in old.items()]})
    assert refused.status_code == 422
    assert "A newer version of this agreement has been published." in refused.content.decode()
    assert Subscription.objects.count() == 0
    assert client.post(url, {"agreements": ["risk:2", "service:1"]})["Location"] == asset.get_absolute_url()
    assert Subscription.objects.count() == 1


def test_the_page_asks_for_both_boxes(people: People) -> None:
    asset = make_asset(people.alice, licence="mit")
    client, url = browser(people.charlie), f"{asset.get_absolute_url()}/subscribe"
    page = client.get(url).content.decode()
    assert page.count('type="checkbox" name="agreements"') == 2
    assert "(version 1)" in page
    refused = client.post(url, {"agreements": ["risk:1"]})
    assert refused.status_code == 422
    assert "Read both texts and agree to them first." in refused.content.decode()
    assert Subscription.objects.count() == 0


@pytest.mark.parametrize("by", ["owner", "asset"])
def test_an_official_asset_asks_for_nothing_but_shows_its_limits(people: People, by: str) -> None:
    asset = make_asset(people.alice, people.atelier)
    if by == "owner":
        Organisation.objects.filter(pk=people.atelier.pk).update(official=True)
    else:
        Asset.objects.filter(pk=asset.pk).update(official=True)
    card = b"---\nlicense: mit\nhardware: gpu\n---\n# Tiny\n\n## Limits\n\nNot for medicine.\n\n### Nor law\n\n## Uses\n\nJokes.\n"
    mine = read_for(people.alice, asset)
    services.commit_files(asset=mine, actor=people.alice, operations=[PutBytes("README.md", card)], message="Card")
    finish_jobs()
    client, url = browser(people.charlie), f"{asset.get_absolute_url()}/subscribe"
    response = client.get(url)
    found = response.context["restrictions"]
    assert [(fact.name, fact.text) for fact in found.facts] == [("Licence", "MIT"), ("Hardware", "GPU")]
    assert "Not for medicine." in found.text and "Nor law" in found.text and "Jokes" not in found.text
    assert "checkbox" not in response.content.decode().split("What restricts its use")[1].split("</main>")[0]
    assert client.post(url).status_code == 302
    assert Subscription.objects.get().user == people.charlie
    assert Acceptance.objects.count() == 0
    assert client.get(url)["Location"] == asset.get_absolute_url()


def test_who_loses_the_use_keeps_the_subscription_and_may_end_it(people: People) -> None:
    asset = official(people)
    shelve(asset, availability="on_application")
    grant = Grant.objects.create(asset=asset, user=people.charlie, source="direct")
    client, url = api(people.charlie), f"/api/v1{asset.get_absolute_url()}/subscription"
    assert client.put(url).json()["usable"] is True
    Grant.objects.filter(pk=grant.pk).update(state="revoked")
    shown = client.get(url).json()
    assert (shown["subscription"], shown["usable"]) == (True, False)
    assert client.put(url).status_code == 403
    assert browser(people.charlie).post(f"{asset.get_absolute_url()}/unsubscribe").status_code == 302
    assert count(asset, "subscription") == 0


def test_subscribers_who_may_use_it_hear_of_a_version_once(people: People) -> None:
    asset = official(people)
    dora = person("dora")
    for user in (people.charlie, people.rita, people.alice, dora):
        services.subscribe(asset=read_for(user, asset), actor=user, agreements={})
    shelve(asset, availability="on_application")
    Grant.objects.create(asset=asset, user=dora, source="direct")
    mine = read_for(people.alice, asset)
    head = api(people.alice).get(f"/api/v1{asset.get_absolute_url()}/commits").json()["results"][0]["sha"]
    services.create_version(asset=mine, actor=people.alice, name="refs/tags/v1.0", revision=head)
    services.create_version(asset=mine, actor=people.alice, name="refs/heads/next", revision=head)
    finish_jobs()
    finish_jobs()
    told = Notification.objects.filter(kind="asset.updated")
    assert sorted(told.values_list("receiver__handle", flat=True)) == ["dora", "rita"]
    assert {(row.facts["asset"], row.facts["version"], row.url) for row in told} == {
        (asset.repo_id, "v1.0", f"{asset.get_absolute_url()}/versions")
    }


def test_nobody_hears_of_an_asset_they_no_longer_see(people: People) -> None:
    asset = official(people)
    services.subscribe(asset=read_for(people.charlie, asset), actor=people.charlie, agreements={})
    shelve(asset, visibility="chosen")
    mine = read_for(people.alice, asset)
    head = api(people.alice).get(f"/api/v1{asset.get_absolute_url()}/commits").json()["results"][0]["sha"]
    services.create_version(asset=mine, actor=people.alice, name="refs/tags/v1.0", revision=head)
    finish_jobs()
    assert Notification.objects.filter(kind="asset.updated").count() == 0


def test_the_recount_mends_what_left_with_an_account(people: People) -> None:
    asset, other = hang_asset(people.alice), hang_asset(people.alice)
    for user in (people.charlie, people.bob):
        services.set_favourite(asset=read_for(user, asset), actor=user, wanted=True)
    Favourite.objects.filter(user=people.bob).delete()
    Asset.objects.filter(pk=other.pk).update(likes=7)
    assert services.recount() == 2
    assert (count(asset, "favourite"), count(other, "like")) == (1, 0)
    assert services.recount() == 0

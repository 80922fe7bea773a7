"""Clicks at the same moment: every count is what the rows say."""

import pytest

from accounts.models import AuditEvent
from assets import services
from assets.models import Asset, Favourite, Subscription
from assets.tests.factories import hang_asset, make_asset, read_for
from assets.tests.test_races import together
from core.testing import api, person

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("turn", range(3))
def test_two_clicks_of_one_person_count_once(turn: int) -> None:
    alice, charlie = person("alice"), person("charlie")
    asset = hang_asset(alice)
    url, clients = f"/api/v1{asset.get_absolute_url()}/favourite", [api(charlie) for _time in range(4)]
    answers = together(*[lambda client=client: client.put(url) for client in clients])
    assert [answer.status_code for answer in answers] == [200] * 4
    assert (Favourite.objects.count(), Asset.objects.get().favourites) == (1, 1)
    answers = together(*[lambda client=client: client.delete(url) for client in clients])
    assert [answer.status_code for answer in answers] == [204] * 4
    assert (Favourite.objects.count(), Asset.objects.get().favourites) == (0, 0)
    assert list(AuditEvent.objects.filter(verb__endswith="favourite").order_by("pk").values_list("verb", flat=True)) == [
        "favourite",
        "unfavourite",
    ]


def test_clicks_of_many_people_are_all_counted_also_while_somebody_recounts() -> None:
    alice, others = person("alice"), [person(f"dora{number}") for number in range(6)]
    asset = hang_asset(alice)
    rows = [read_for(user, asset) for user in others]
    Asset.objects.filter(pk=asset.pk).update(favourites=40)
    clicks = [
        lambda user=user, row=row: services.set_favourite(asset=row, actor=user, wanted=True)
        for user, row in zip(others, rows, strict=True)
    ]
    together(*clicks, services.recount, services.recount)
    services.recount()
    assert (Favourite.objects.count(), Asset.objects.get().favourites) == (6, 6)


@pytest.mark.parametrize("turn", range(3))
def test_a_recount_never_writes_over_a_click(turn: int) -> None:
    alice, others = person("alice"), [person(f"dora{number}") for number in range(4)]
    asset = hang_asset(alice)
    Favourite.objects.create(asset=asset, user=alice)
    rows = [read_for(user, asset) for user in others]
    clicks = [
        lambda user=user, row=row: services.set_favourite(asset=row, actor=user, wanted=True)
        for user, row in zip(others, rows, strict=True)
    ]
    together(services.recount, *clicks)
    services.recount()
    assert Asset.objects.get().favourites == Favourite.objects.count() == 5


@pytest.mark.parametrize("turn", range(3))
def test_a_click_and_the_end_of_an_asset(turn: int) -> None:
    alice = person("alice")
    asset = make_asset(alice, visibility="private")
    mine, seen = read_for(alice, asset), read_for(alice, asset)
    together(
        lambda: services.delete_asset(asset=mine, actor=alice),
        lambda: services.set_favourite(asset=seen, actor=alice, wanted=True),
    )
    assert (Asset.objects.count(), Favourite.objects.count()) == (0, 0)


def test_two_subscribe_at_once_and_one_row_is_made() -> None:
    alice, charlie = person("alice"), person("charlie")
    asset = hang_asset(alice, official=True)
    rows = [read_for(charlie, asset) for _time in range(3)]
    together(*[lambda row=row: services.subscribe(asset=row, actor=charlie, agreements={}) for row in rows])
    assert (Subscription.objects.count(), Asset.objects.get().subscriptions) == (1, 1)

"""Two at once: one wins, the other is told, nothing is half done."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.db import connection

from accounts.models import Namespace
from assets import services
from assets.models import Asset, AssetRedirect
from assets.tests.factories import make_asset, read_for
from core.problems import Problem
from core.testing import api, person
from repos.models import Repository
from repos.operations import PutBytes
from repos.services import commit

pytestmark = pytest.mark.django_db(transaction=True)


def together(*calls: Callable[[], Any]) -> list[Any]:
    """Run `calls` at the same moment and return what each returned, or the `Problem` it raised."""
    barrier = Barrier(len(calls))

    def run(call: Callable[[], Any]) -> Any:
        try:
            barrier.wait(10)
            return call()
        except Problem as problem:
            return problem
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return [future.result(30) for future in [pool.submit(run, call) for call in calls]]


def codes(results: list[Any]) -> list[str]:
    return sorted(result.code for result in results if isinstance(result, Problem))


@pytest.mark.parametrize("turn", range(3))
def test_of_two_creates_of_one_name_one_wins(turn: int) -> None:
    alice = person("alice")

    def create(name: str) -> Asset:
        return make_asset(alice, name=name)

    results = together(lambda: create("tiny"), lambda: create("Tiny"), lambda: create("TINY"))
    assert codes(results) == ["name_taken", "name_taken"]
    assert Asset.objects.count() == 1
    assert Repository.objects.count() == 1


def test_the_loser_of_a_create_by_rest_gets_409_and_a_message_at_the_field() -> None:
    alice = person("alice")
    clients = [api(alice), api(alice)]
    answers = together(*[lambda client=client: client.post("/api/v1/models", {"name": "tiny"}) for client in clients])
    assert sorted(answer.status_code for answer in answers) == [201, 409]
    loser = next(answer.json() for answer in answers if answer.status_code == 409)
    assert loser["code"] == "name_taken"
    assert list(loser["errors"]) == ["name"]


@pytest.mark.parametrize("turn", range(3))
def test_a_rename_and_a_create_of_the_same_name(turn: int) -> None:
    alice = person("alice")
    asset = make_asset(alice, name="old")
    results = together(
        lambda: services.rename_asset(asset=read_for(alice, asset), actor=alice, name="new-name"),
        lambda: make_asset(alice, name="new-name"),
    )
    assert codes(results) == ["name_taken"]
    assert Asset.objects.filter(name="new-name").count() == 1


def test_a_rename_away_and_a_create_at_the_old_name_leave_no_shadowing_redirect() -> None:
    alice = person("alice")
    asset = make_asset(alice, name="old")
    results = together(
        lambda: services.rename_asset(asset=read_for(alice, asset), actor=alice, name="moved"),
        lambda: make_asset(alice, name="old"),
    )
    live = set(Asset.objects.values_list("name", flat=True))
    redirects = set(AssetRedirect.objects.values_list("name", flat=True))
    assert "moved" in live
    assert not live & redirects
    assert codes(results) in ([], ["name_taken"])


def test_two_renames_leave_one_name_and_a_redirect_from_the_other() -> None:
    alice = person("alice")
    asset = make_asset(alice, name="old")
    results = together(
        lambda: services.rename_asset(asset=read_for(alice, asset), actor=alice, name="one"),
        lambda: services.rename_asset(asset=read_for(alice, asset), actor=alice, name="two"),
    )
    assert codes(results) == []
    last = Asset.objects.get().name
    assert last in ("one", "two")
    assert set(AssetRedirect.objects.values_list("name", flat=True)) == {"old", "one", "two"} - {last}


@pytest.mark.parametrize("turn", range(3))
def test_a_delete_and_a_commit_leave_nothing_visible(turn: int) -> None:
    alice = person("alice")
    asset = make_asset(alice, name="tiny", visibility="private")
    opened = read_for(alice, asset)
    results = together(
        lambda: services.delete_asset(asset=read_for(alice, asset), actor=alice),
        lambda: commit(repository=opened.open_repository(), actor=alice, operations=[PutBytes("a.txt", b"a")], message="Add"),
    )
    assert not Asset.objects.exists()
    assert Repository.objects.get().deleted_at is not None
    assert isinstance(results[1], Problem) or results[1].title == "Add"


def test_of_two_deletes_one_finds_nothing() -> None:
    alice = person("alice")
    asset = make_asset(alice, name="tiny", visibility="private")
    rows = [read_for(alice, asset), read_for(alice, asset)]
    results = together(*[lambda row=row: services.delete_asset(asset=row, actor=alice) for row in rows])
    assert codes(results) == ["asset_not_found"]


def test_two_transfers_end_with_one_owner() -> None:
    alice = person("alice")
    places = [Namespace.objects.for_user(alice).get(pk=owner.pk) for owner in (_studio("one", alice), _studio("two", alice))]
    asset = make_asset(alice, name="tiny")
    results = together(
        *[lambda place=place: services.transfer_asset(asset=read_for(alice, asset), actor=alice, namespace=place) for place in places]
    )
    assert [result for result in codes(results) if result != "asset_not_found"] == []
    row = Asset.objects.select_related("repository").get()
    assert row.namespace_id in {place.pk for place in places}
    assert row.repository.namespace_id == row.namespace_id


def _studio(handle: str, owner: Any) -> Any:
    from core.testing import organisation

    return organisation(handle, owner=owner)

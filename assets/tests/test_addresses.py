"""Names change, addresses lead on."""

import json
from typing import Any

import pytest

from accounts.models import AuditEvent, Namespace
from accounts.services import rename_handle
from assets import services
from assets.models import Asset, AssetRedirect
from assets.tests.factories import make_asset, read_for
from core.problems import Conflict, Problem
from core.testing import People, api, browser

pytestmark = pytest.mark.django_db


@pytest.fixture
def tiny(people: People) -> Asset:
    return make_asset(people.alice, people.atelier, name="tiny")


def rename(asset: Asset, actor: Any, name: str) -> None:
    services.rename_asset(asset=read_for(actor, asset), actor=actor, name=name)


def delete(asset: Asset, actor: Any) -> None:
    services.delist_asset(asset=read_for(actor, asset), actor=actor)
    services.delete_asset(asset=read_for(actor, asset), actor=actor)


def place(actor: Any, namespace: Any) -> Namespace:
    return Namespace.objects.for_user(actor).get(pk=namespace.pk)


def test_a_page_at_a_former_name_leads_to_the_new_one(people: People, tiny: Asset) -> None:
    rename(tiny, people.alice, "small")
    response = browser().get("/models/atelier/tiny?tab=1")
    assert (response.status_code, response["Location"]) == (301, "/models/atelier/small?tab=1")


def test_the_rest_of_the_address_is_kept(people: People, tiny: Asset) -> None:
    rename(tiny, people.alice, "small")
    response = browser(people.alice).get("/models/atelier/tiny/settings")
    assert (response.status_code, response["Location"]) == (301, "/models/atelier/small/settings")


def test_a_read_by_rest_at_a_former_name_leads_on_with_301(people: People, tiny: Asset) -> None:
    rename(tiny, people.alice, "small")
    response = api().get("/api/v1/models/atelier/tiny")
    assert (response.status_code, response["Location"]) == (301, "/api/v1/models/atelier/small")
    assert response.json()["code"] == "moved"


def test_a_write_by_rest_at_a_former_name_leads_on_with_308(people: People, tiny: Asset) -> None:
    rename(tiny, people.alice, "small")
    response = api(people.alice).patch(
        "/api/v1/models/atelier/tiny", json.dumps({"visibility": "private"}), content_type="application/json"
    )
    assert (response.status_code, response["Location"]) == (308, "/api/v1/models/atelier/small")
    assert Asset.objects.get().visibility == "public"


def test_former_names_lead_straight_to_the_present_one(people: People, tiny: Asset) -> None:
    for name in ("small", "smaller", "smallest"):
        rename(tiny, people.alice, name)
    for former in ("tiny", "small", "smaller"):
        assert browser().get(f"/models/atelier/{former}")["Location"] == "/models/atelier/smallest"


def test_a_rename_back_forgets_the_redirect_at_the_live_address(people: People, tiny: Asset) -> None:
    rename(tiny, people.alice, "small")
    rename(tiny, people.alice, "tiny")
    assert browser().get("/models/atelier/tiny").status_code == 200
    assert browser().get("/models/atelier/small")["Location"] == "/models/atelier/tiny"
    assert list(AssetRedirect.objects.values_list("name", flat=True)) == ["small"]


def test_a_new_asset_at_a_former_name_comes_first(people: People, tiny: Asset) -> None:
    rename(tiny, people.alice, "small")
    make_asset(people.alice, people.atelier, name="Tiny")
    assert browser().get("/models/atelier/tiny").status_code == 200
    assert AssetRedirect.objects.count() == 0


def test_a_redirect_does_not_tell_of_a_private_asset(people: People, tiny: Asset) -> None:
    rename(tiny, people.alice, "secret-name")
    Asset.objects.update(state="unpublished")
    response = browser(people.charlie).get("/models/atelier/tiny")
    assert response.status_code == 404
    assert b"secret-name" not in response.content


def test_a_change_of_case_alone_leaves_no_redirect(people: People, tiny: Asset) -> None:
    rename(tiny, people.alice, "TINY")
    assert AssetRedirect.objects.count() == 0
    assert browser().get("/models/ATELIER/tiny").status_code == 200


def test_a_transfer_moves_the_asset_and_its_bytes(people: People, tiny: Asset) -> None:
    moved = services.transfer_asset(asset=read_for(people.alice, tiny), actor=people.alice, namespace=place(people.alice, people.alice))
    assert moved.repo_id == "alice/tiny"
    assert Asset.objects.get().repository.namespace_id == people.alice.pk
    assert browser().get("/models/atelier/tiny")["Location"] == "/models/alice/tiny"


def test_a_transfer_to_where_the_name_is_taken_is_refused(people: People, tiny: Asset) -> None:
    make_asset(people.alice, name="TINY")
    with pytest.raises(Conflict) as caught:
        services.transfer_asset(asset=read_for(people.alice, tiny), actor=people.alice, namespace=place(people.alice, people.alice))
    assert caught.value.code == "name_taken"
    assert Asset.objects.get(pk=tiny.pk).namespace_id == people.atelier.pk


def test_a_transfer_to_its_owner_is_refused(people: People, tiny: Asset) -> None:
    with pytest.raises(Problem) as caught:
        services.transfer_asset(asset=read_for(people.alice, tiny), actor=people.alice, namespace=place(people.alice, people.atelier))
    assert caught.value.code == "same_owner"


def test_a_transfer_into_a_strange_organisation_is_refused(people: People, tiny: Asset) -> None:
    mine = make_asset(people.charlie, name="mine")
    response = api(people.charlie).post(f"/api/v1{mine.get_absolute_url()}/transfer", {"owner": "atelier"})
    assert (response.status_code, response.json()["code"]) == (403, "not_permitted")
    assert Asset.objects.get(pk=mine.pk).namespace_id == people.charlie.pk


def test_a_renamed_owner_keeps_old_addresses(people: People, tiny: Asset) -> None:
    rename_handle(namespace=place(people.alice, people.atelier), actor=people.alice, handle="workshop")
    assert browser().get("/models/atelier/tiny")["Location"] == "/models/workshop/tiny"
    assert browser().get("/atelier?kind=dataset")["Location"] == "/workshop?kind=dataset"
    assert api().get("/api/v1/models/Atelier/tiny")["Location"] == "/api/v1/models/workshop/tiny"


def test_a_deleted_asset_frees_its_address_and_hides_at_once(people: People, tiny: Asset) -> None:
    delete(tiny, people.alice)
    assert browser(people.alice).get("/models/atelier/tiny").status_code == 404
    assert make_asset(people.alice, people.atelier, name="tiny").repo_id == "atelier/tiny"


def test_the_old_addresses_of_a_deleted_asset_lead_nowhere(people: People, tiny: Asset) -> None:
    rename(tiny, people.alice, "small")
    delete(tiny, people.alice)
    assert browser().get("/models/atelier/tiny").status_code == 404


def test_every_write_leaves_an_audit_row(people: People, tiny: Asset) -> None:
    rename(tiny, people.alice, "small")
    services.transfer_asset(asset=read_for(people.alice, tiny), actor=people.alice, namespace=place(people.alice, people.alice))
    delete(tiny, people.alice)
    rows = AuditEvent.objects.filter(target_kind="asset", target_id=str(tiny.pk)).order_by("id")
    assert list(rows.values_list("verb", "target")) == [
        ("create", "atelier/tiny"),
        ("submit", "atelier/tiny"),
        ("approve", "atelier/tiny"),
        ("rename", "atelier/small"),
        ("transfer", "alice/small"),
        ("delist", "alice/small"),
        ("delete", "alice/small"),
    ]

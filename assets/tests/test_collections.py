"""Collections: kept in order, shared by address, and silent about what somebody may not see."""

import re
from typing import Any

import pytest

from accounts.models import AuditEvent, WordList
from accounts.tests.test_sign_up import in_threads
from assets.collections import collection_at, item_at, items_of
from assets.models import Asset, Collection, CollectionItem
from assets.services import collections as services
from assets.tests.factories import hang_asset, make_asset
from core.problems import Conflict, Problem
from core.testing import SIGN_IN, People, api, assert_access, assert_flat_queries, browser, person


def make_collection(user: Any, *assets: Asset, title: str = "Best of", public: bool = True, **fields: Any) -> Collection:
    made = services.create_collection(actor=user, title=title, public=public, **fields)
    for asset in assets:
        put(user, made, asset)
    return collection_at(user, made.slug)


def put(user: Any, collection: Collection, asset: Asset, note: str = "") -> CollectionItem:
    seen = Asset.objects.for_user(user).get(pk=asset.pk)
    return services.add_item(collection=collection_at(user, collection.slug), actor=user, asset=seen, note=note)[0]


def names(user: Any, collection: Collection) -> list[str]:
    return [item.asset.name for item in items_of(user, collection)]


def shelf(owner: Any, *wanted: str) -> list[Asset]:
    return [hang_asset(owner, name=name) for name in wanted]


def test_assets_stand_in_the_order_in_which_they_were_put(alice: Any) -> None:
    a, b, c = shelf(alice, "a", "b", "c")
    assert names(alice, make_collection(alice, b, c, a)) == ["b", "c", "a"]


def test_asset_that_is_in_already_stays_where_it_is(alice: Any) -> None:
    a, b = shelf(alice, "a", "b")
    collection = make_collection(alice, a, b)
    item, new = services.add_item(collection=collection, actor=alice, asset=Asset.objects.for_user(alice).get(pk=a.pk), note="again")
    assert (item.note, new, names(alice, collection)) == ("", False, ["a", "b"])


def test_item_moves_up_and_down_and_to_a_place(alice: Any) -> None:
    a, b, c, d = shelf(alice, "a", "b", "c", "d")
    collection = make_collection(alice, a, b, c, d)
    item = CollectionItem.objects.get(asset=c)
    services.move_item(collection=collection, item=item, actor=alice, up=True)
    assert names(alice, collection) == ["a", "c", "b", "d"]
    services.move_item(collection=collection, item=item, actor=alice, up=True)
    services.move_item(collection=collection, item=item, actor=alice, up=True)
    assert names(alice, collection) == ["c", "a", "b", "d"]
    services.move_item(collection=collection, item=item, actor=alice, up=False)
    assert names(alice, collection) == ["a", "c", "b", "d"]
    services.place_item(collection=collection, item=item, actor=alice, place=99)
    services.move_item(collection=collection, item=item, actor=alice, up=False)
    assert names(alice, collection) == ["a", "b", "d", "c"]


def test_what_its_owner_may_not_see_any_more_is_left_out_and_keeps_its_place(alice: Any, bob: Any) -> None:
    a, c, d = shelf(alice, "a", "c", "d")
    (b,) = shelf(bob, "b")
    collection = make_collection(alice, a, b, c, d)
    Asset.objects.filter(pk=b.pk).update(state="delisted")
    assert names(alice, collection) == ["a", "c", "d"]
    services.move_item(collection=collection, item=CollectionItem.objects.get(asset=c), actor=alice, up=True)
    assert names(alice, collection) == ["c", "a", "d"]
    Asset.objects.filter(pk=b.pk).update(state="published")
    assert names(alice, collection) == ["c", "b", "a", "d"]


def test_everybody_sees_of_a_collection_what_they_may_see(people: People) -> None:
    """By visibility range, and whatever the availability: a gated asset shows its name, not its contents."""
    gated = hang_asset(people.alice, name="gated", availability="on_application")
    inside = hang_asset(people.alice, name="inside", visibility="signed_in")
    hidden = hang_asset(people.alice, name="hidden", visibility="private")
    collection = make_collection(people.alice, hidden, gated, inside)
    page = collection.get_absolute_url()
    for user, expected in (
        (None, ["gated"]),
        (people.charlie, ["gated", "inside"]),
        (people.alice, ["hidden", "gated", "inside"]),
    ):
        shown = browser(user).get(page)
        assert [entry.card.asset.name for entry in shown.context["entries"]] == expected
        text = shown.content.decode()
        assert [name for name in ("hidden", "gated", "inside") if f"alice/{name}" in text] == sorted(
            expected, key=["hidden", "gated", "inside"].index
        )
        rest = api(user).get(f"/api/v1{page}")
        assert rest.json()["count"] == len(expected)
        items = api(user).get(f"/api/v1{page}/items").json()
        assert [(item["repo_id"], item["place"]) for item in items] == [(f"alice/{name}", n) for n, name in enumerate(expected, 1)]


def test_own_list_counts_what_one_sees(alice: Any, bob: Any) -> None:
    (a,) = shelf(alice, "a")
    (b,) = shelf(bob, "b")
    make_collection(alice, a, b, title="Both")
    Asset.objects.filter(pk=b.pk).update(state="delisted")
    assert [row.count for row in browser(alice).get("/me/collections").context["collections"]] == [1]
    (listed,) = api(alice).get("/api/v1/collections").json()["results"]
    assert (listed["title"], listed["count"], listed["owner"]) == ("Both", 1, "alice")


PRIVATE = {"visitor": 404, "stranger": 404, "reader": 404, "contributor": 404, "maintainer": 404, "owner": 200, "administrator": 404}
SIGNED_IN = ("stranger", "reader", "contributor", "maintainer", "administrator")


@pytest.mark.parametrize("surface", ["page", "rest"])
def test_private_collection_is_its_owners_alone(people: People, surface: str) -> None:
    address = make_collection(people.alice, public=False).get_absolute_url()
    address = address if surface == "page" else f"/api/v1{address}"
    assert_access(people=people, surface=surface, expected=PRIVATE, request=lambda client: client.get(address))


def everything() -> Any:
    return list(Collection.objects.values_list("title", "public")), list(CollectionItem.objects.values_list("position", "note"))


@pytest.mark.parametrize("public", [True, False])
def test_only_its_owner_changes_a_collection(people: People, public: bool) -> None:
    (a,) = shelf(people.alice, "a")
    collection = make_collection(people.alice, a, public=public)
    page, item = collection.get_absolute_url(), CollectionItem.objects.get().pk
    others = dict.fromkeys(SIGNED_IN, 403 if public else 404)
    edits = {"title": "Changed", "description": "", "public": "on"}
    for request, fine in (
        (lambda client: client.get(f"{page}/edit"), 200),
        (lambda client: client.post(f"{page}/edit", edits), 302),
        (lambda client: client.post(f"{page}/items/{item}", {"do": "note", "note": "x"}), 302),
        (lambda client: client.post(f"{page}/items/{item}", {"do": "up"}), 302),
        (lambda client: client.post(f"{page}/items/{item}", {"do": "remove"}), 302),
        (lambda client: client.post(f"{page}/delete"), 302),
    ):
        expected: dict[str, int | str] = {**others, "visitor": SIGN_IN, "owner": fine}
        assert_access(people=people, surface="page", expected=expected, request=request, state=everything)
    rest = f"/api/v1{page}"
    for request, fine in (
        (lambda client: client.patch(rest, {"title": "Changed"}), 200),
        (lambda client: client.post(f"{rest}/items", {"kind": "model", "repo_id": "alice/a"}), 200),
        (lambda client: client.patch(f"{rest}/items/{item}", {"note": "x"}), 200),
        (lambda client: client.delete(f"{rest}/items/{item}"), 204),
        (lambda client: client.delete(rest), 204),
    ):
        expected = {**others, "visitor": 403 if public else 404, "owner": fine}
        assert_access(people=people, surface="rest", expected=expected, request=request, state=everything)


def test_tokens_read_and_write_within_their_scope(alice: Any) -> None:
    make_collection(alice, title="Shared")
    make_collection(alice, title="Own", public=False)
    for scope, expected in (("write", ["Own", "Shared"]), ("read", ["Own", "Shared"]), ("fine", ["Shared"])):
        client = api(alice, scope)
        assert [row["title"] for row in client.get("/api/v1/collections").json()["results"]] == expected
        made = client.post("/api/v1/collections", {"title": f"By {scope}"})
        assert made.status_code == (201 if scope == "write" else 403)
        page = f"/api/v1{Collection.objects.get(title='Shared').get_absolute_url()}"
        assert client.patch(page, {"description": scope}).status_code == (200 if scope == "write" else 403)
        Collection.objects.filter(title__startswith="By").delete()
    assert Collection.objects.get(title="Shared").description == "write"


def test_pages_from_the_first_collection_to_its_end(alice: Any) -> None:
    hang_asset(alice, name="a")
    hang_asset(alice, name="b", kind="dataset")
    client = browser(alice)
    assert client.post("/me/collections", {"title": " "}).status_code == 422
    page = client.post("/me/collections", {"title": "Best of", "description": "All of it", "public": "on"})["Location"]
    assert re.fullmatch(r"/collections/[\w-]{12}", page)
    slug = page.rpartition("/")[2]
    assert client.post("/models/alice/a/collect", {"collection": slug, "note": "Start here"})["Location"] == "/models/alice/a"
    assert client.post("/datasets/alice/b/collect", {"collection": slug})["Location"] == "/datasets/alice/b"
    shown = client.get(page).content.decode()
    assert ("Start here" in shown, shown.index("alice/a") < shown.index("alice/b")) == (True, True)
    last = CollectionItem.objects.get(asset__name="b").pk
    assert client.post(f"{page}/items/{last}", {"do": "up"})["Location"] == f"{page}#item-{last}"
    assert [entry.card.asset.name for entry in client.get(page).context["entries"]] == ["b", "a"]
    client.post(f"{page}/items/{last}", {"do": "note", "note": "<b>bold</b>"})
    assert "&lt;b&gt;bold&lt;/b&gt;" in browser().get(page).content.decode()
    client.post(f"{page}/items/{last}", {"do": "remove"})
    assert client.post(f"{page}/items/{last}", {"do": "up"}).status_code == 404
    assert client.post(f"{page}/edit", {"title": "Worst of", "description": ""})["Location"] == page
    assert (browser().get(page).status_code, "Worst of" in client.get(page).content.decode()) == (404, True)
    assert client.post(f"{page}/delete")["Location"] == "/me/collections"
    assert (Collection.objects.count(), Asset.objects.count()) == (0, 2)
    verbs = list(AuditEvent.objects.filter(target_kind="collection").order_by("id").values_list("verb", flat=True))
    assert verbs == ["create", "add_item", "add_item", "place_item", "annotate_item", "remove_item", "edit", "delete"]


def test_form_in_the_head_makes_the_first_collection_on_the_way(alice: Any, bob: Any) -> None:
    make_asset(bob, name="a")
    client = browser(alice)
    assert 'hx-get="/models/bob/a/collect"' in client.get("/models/bob/a").content.decode()
    assert "/models/bob/a/collect" not in browser().get("/models/bob/a").content.decode()
    fragment = client.get("/models/bob/a/collect", HTTP_HX_REQUEST="true").content.decode()
    assert ("<html" in fragment, 'action="/models/bob/a/collect"' in fragment) == (False, True)
    assert client.post("/models/bob/a/collect", {"title": ""}).status_code == 422
    assert client.post("/models/bob/a/collect", {"title": "x" * 101}).status_code == 422
    assert client.post("/models/bob/a/collect", {"title": "New", "note": "n" * 501}).status_code == 422
    assert Collection.objects.count() == 0
    assert client.post("/models/bob/a/collect", {"title": "New"}).status_code == 302
    made = Collection.objects.get()
    assert (made.owner, made.public, names(alice, made)) == (alice, False, ["a"])


def test_asset_or_collection_out_of_sight_cannot_be_used(alice: Any, bob: Any) -> None:
    hang_asset(bob, name="hidden", visibility="private")
    hang_asset(bob, name="open")
    theirs = make_collection(bob, title="Of Bob")
    mine = make_collection(alice)
    client, rest = browser(alice), api(alice)
    assert client.post("/models/bob/hidden/collect", {"collection": mine.slug}).status_code == 404
    assert client.post("/models/bob/open/collect", {"collection": theirs.slug}).status_code == 422
    items = f"/api/v1{mine.get_absolute_url()}/items"
    assert rest.post(items, {"kind": "model", "repo_id": "bob/hidden"}).json()["code"] == "asset_not_found"
    assert rest.post(items, {"kind": "model", "repo_id": "bob"}).json()["errors"].keys() == {"repo_id"}
    assert rest.post(items, {"kind": "car", "repo_id": "bob/open"}).json()["errors"].keys() == {"kind"}
    assert CollectionItem.objects.count() == 0


def test_item_is_found_in_its_own_collection_only(alice: Any) -> None:
    (a,) = shelf(alice, "a")
    one, other = make_collection(alice, a), make_collection(alice)
    item = CollectionItem.objects.get(collection=one)
    with pytest.raises(Problem) as error:
        item_at(alice, other, item.pk)
    assert error.value.code == "item_not_found"


def test_collection_over_rest(alice: Any) -> None:
    shelf(alice, "a", "b")
    client = api(alice)
    made = client.post("/api/v1/collections", {"title": "Best of", "public": True})
    collection = Collection.objects.get()
    page = f"/api/v1/collections/{collection.slug}"
    assert (made.status_code, made["Location"]) == (201, page)
    assert made.json() == {
        "slug": collection.slug, "title": "Best of", "description": "", "public": True, "owner": "alice", "count": 0,
        "url": f"/collections/{collection.slug}", "created_at": made.json()["created_at"], "updated_at": made.json()["updated_at"],
        "allowed": ["edit", "view"],
    }  # fmt: skip
    first = client.post(f"{page}/items", {"kind": "model", "repo_id": "alice/a", "note": "first"})
    assert first.status_code == 201
    assert first.json() == {
        "id": first.json()["id"], "place": 1, "kind": "model", "repo_id": "alice/a", "name": "a", "description": "", "note": "first",
    }  # fmt: skip
    assert client.post(f"{page}/items", {"kind": "model", "repo_id": "ALICE/A"}).status_code == 200
    second = client.post(f"{page}/items", {"kind": "model", "repo_id": "alice/b"}).json()
    moved = client.patch(f"{page}/items/{second['id']}", {"place": 1, "note": "now first"}).json()
    assert (moved["place"], moved["note"]) == (1, "now first")
    assert [item["repo_id"] for item in client.get(f"{page}/items").json()] == ["alice/b", "alice/a"]
    assert client.patch(f"{page}/items/{second['id']}", {"place": 0}).json()["errors"].keys() == {"place"}
    assert client.patch(page, {"public": False, "title": "Mine"}).json()["public"] is False
    assert api().get(page).json()["code"] == "collection_not_found"
    assert client.delete(f"{page}/items/{second['id']}").status_code == 204
    assert client.get(page).json()["count"] == 1
    assert client.delete(page).status_code == 204
    assert Collection.objects.count() == 0


@pytest.mark.parametrize(
    ("changes", "field"),
    [({"title": ""}, "title"), ({"title": "x" * 101}, "title"), ({"description": "x" * 501}, "description")],
)
def test_bad_text_is_refused_at_the_field(alice: Any, changes: dict[str, str], field: str) -> None:
    collection = make_collection(alice)
    for act in (
        lambda: services.create_collection(**{"actor": alice, "title": "t", **changes}),
        lambda: services.edit_collection(collection=collection, actor=alice, **changes),
    ):
        with pytest.raises(Problem) as error:
            act()
        assert list(error.value.errors) == [field]


def test_words_that_must_not_be_shown_stay_out_of_public_collections(alice: Any) -> None:
    WordList.objects.all().delete()
    WordList.objects.create(name="Test", category="other", words="blorptastic")
    (a,) = shelf(alice, "a")
    private = make_collection(alice, public=False, title="blorptastic")
    put(alice, private, a, note="blorptastic")
    for changes in ({"public": True}, {"public": True, "title": "Fine"}):
        with pytest.raises(Problem) as error:
            services.edit_collection(collection=private, actor=alice, **changes)
        assert error.value.code == "forbidden_words"
    public = make_collection(alice)
    with pytest.raises(Problem) as error:
        put(alice, public, a, note="blorptastic")
    assert list(error.value.errors) == ["note"]
    assert (names(alice, public), Collection.objects.get(pk=private.pk).public) == ([], False)


def test_limits_are_kept(alice: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(services, "MAX_COLLECTIONS", 1)
    monkeypatch.setattr(services, "MAX_ITEMS", 1)
    a, b = shelf(alice, "a", "b")
    collection = make_collection(alice, a)
    with pytest.raises(Conflict) as error:
        put(alice, collection, b)
    assert error.value.code == "collection_full"
    with pytest.raises(Conflict) as error:
        make_collection(alice)
    assert error.value.code == "too_many_collections"


def test_pages_stay_flat(alice: Any) -> None:
    collection = make_collection(alice)

    def add() -> None:
        put(alice, collection, hang_asset(alice))

    page = collection.get_absolute_url()
    assert_flat_queries(page, add, client=browser(alice))
    assert_flat_queries(f"/api/v1{page}/items", add, client=api(alice))
    assert_flat_queries("/me/collections", lambda: make_collection(alice, hang_asset(alice)), client=browser(alice))
    assert_flat_queries("/api/v1/collections", lambda: make_collection(alice, hang_asset(alice)), client=api(alice))


@pytest.mark.django_db(transaction=True)
def test_many_at_once_each_get_a_place() -> None:
    alice = person("alice")
    assets = shelf(alice, *"abcdef")
    collection = make_collection(alice)
    in_threads(*[lambda asset=asset: put(alice, collection, asset) for asset in assets])
    assert sorted(names(alice, collection)) == list("abcdef")
    item = CollectionItem.objects.latest("position")
    moves = [lambda: services.move_item(collection=collection_at(alice, collection.slug), item=item, actor=alice, up=True)] * 3
    in_threads(*moves)
    assert names(alice, collection).index(item.asset.name) == 2
    assert len(set(CollectionItem.objects.values_list("position", flat=True))) == 6

"""Collections: lists of assets that people put together, in their order, with a note on each."""

from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import AccessToken, User
from accounts.services import record
from accounts.words import check_words
from assets.models import Asset, Collection, CollectionItem
from core.permissions import require
from core.problems import Conflict, Forbidden, Invalid, Missing

MAX_COLLECTIONS = 200
MAX_ITEMS = 500


@transaction.atomic
def create_collection(*, actor: User, title: str, description: str = "", public: bool = False) -> Collection:
    """Return a new, empty collection of `actor`."""
    if actor.token is not None and actor.token.scope != AccessToken.Scope.WRITE:
        raise Forbidden("token_scope", _("This access token may only read. Use one with the scope “write”."))
    values = _checked(title=title, description=description)
    _check_public(public, values)
    User.objects.select_for_update(no_key=True).get(pk=actor.pk)
    if Collection.objects.filter(owner=actor.pk).count() >= MAX_COLLECTIONS:
        raise Conflict("too_many_collections", _("You have %(count)s collections. Delete one first.") % {"count": MAX_COLLECTIONS})
    made = Collection.objects.create(owner=actor, public=public, **values)
    made.mine = True
    _record(actor, "create", made, public=public)
    return made


@transaction.atomic
def edit_collection(*, collection: Collection, actor: User, **changes: Any) -> None:
    """Change `title`, `description` or `public`; whoever has the address sees a public one."""
    held = _held(collection)
    values = {**_checked(**{name: value for name, value in changes.items() if name != "public"})}
    if "public" in changes:
        values["public"] = bool(changes["public"])
    changed = {name: value for name, value in values.items() if getattr(held, name) != value}
    if not changed:
        return
    texts = {name: changed.get(name, getattr(held, name)) for name in ("title", "description")}
    _check_public(changed.get("public", held.public), texts)
    if changed.get("public"):
        notes = held.items.exclude(note="").values_list("note", flat=True)
        check_words({"public": "\n".join(notes)})
    Collection.objects.filter(pk=held.pk).update(**changed, updated_at=timezone.now())
    for name, value in changed.items():
        setattr(collection, name, value)
    _record(actor, "edit", collection, fields=sorted(changed))


@transaction.atomic
def delete_collection(*, collection: Collection, actor: User) -> None:
    """Delete a collection; the assets stay."""
    held = _held(collection)
    held.delete()
    _record(actor, "delete", collection)


@transaction.atomic
def add_item(*, collection: Collection, actor: User, asset: Asset, note: str = "") -> tuple[CollectionItem, bool]:
    """Return the item of `asset`, at the end of the collection, and whether it is new: what is in it already stays where it is."""
    held = _held(collection)
    require(asset, "view")
    note = _checked(note=note)["note"]
    if item := held.items.filter(asset=asset.pk).first():
        return item, False
    if held.items.count() >= MAX_ITEMS:
        raise Conflict("collection_full", _("A collection holds up to %(count)s entries. Start another one.") % {"count": MAX_ITEMS})
    _check_public(held.public, {"note": note})
    last = held.items.aggregate(last=Max("position"))["last"] or 0
    item = CollectionItem.objects.create(collection=held, asset_id=asset.pk, position=last + 1, note=note)
    _changed(collection, actor, "add_item", asset)
    return item, True


@transaction.atomic
def collect_asset(*, actor: User, asset: Asset, collection: Collection | None, title: str = "", note: str = "") -> tuple[Collection, bool]:
    """Put `asset` into `collection`, or into a new one with `title`; return the collection and whether the entry is new."""
    into = collection or create_collection(actor=actor, title=title)
    _item, new = add_item(collection=into, actor=actor, asset=asset, note=note)
    return into, new


@transaction.atomic
def remove_item(*, collection: Collection, item: CollectionItem, actor: User) -> None:
    """Take an asset out of a collection."""
    _held(collection)
    if not CollectionItem.objects.filter(pk=item.pk, collection=collection.pk).delete()[0]:
        raise _no_item()
    _changed(collection, actor, "remove_item", item.asset)


@transaction.atomic
def annotate_item(*, collection: Collection, item: CollectionItem, actor: User, note: str) -> None:
    """Say something about an asset in a collection."""
    held = _held(collection)
    note = _checked(note=note)["note"]
    if note == item.note:
        return
    _check_public(held.public, {"note": note})
    if not CollectionItem.objects.filter(pk=item.pk, collection=collection.pk).update(note=note):
        raise _no_item()
    item.note = note
    _changed(collection, actor, "annotate_item", item.asset)


@transaction.atomic
def place_item(*, collection: Collection, item: CollectionItem, actor: User, place: int) -> None:
    """Put an item at `place` among those that `actor` sees, from 1; what they may not see stays where it is."""
    held = _held(collection)
    rows = list(CollectionItem.objects.for_user(actor).filter(collection=held.pk).order_by("position"))
    moved = next((row for row in rows if row.pk == item.pk), None)
    if moved is None:
        raise _no_item()
    places = [row.position for row in rows]
    rows.remove(moved)
    rows.insert(max(0, place - 1), moved)
    changed = []
    for row, position in zip(rows, places, strict=True):
        if row.position != position:
            row.position = position
            changed.append(row)
    if changed:
        CollectionItem.objects.bulk_update(changed, ["position"])
        _changed(collection, actor, "place_item", item.asset)


@transaction.atomic
def change_item(*, collection: Collection, item: CollectionItem, actor: User, note: str | None = None, place: int | None = None) -> None:
    """Change the note of an item, its place, or both."""
    require(collection, "edit")
    if note is not None:
        annotate_item(collection=collection, item=item, actor=actor, note=note)
    if place is not None:
        place_item(collection=collection, item=item, actor=actor, place=place)


def move_item(*, collection: Collection, item: CollectionItem, actor: User, up: bool) -> None:
    """Put an item one place up or down among those that `actor` sees."""
    with transaction.atomic():
        _held(collection)
        order = list(
            CollectionItem.objects.for_user(actor).filter(collection=collection.pk).order_by("position").values_list("pk", flat=True)
        )
        if item.pk not in order:
            raise _no_item()
        place_item(collection=collection, item=item, actor=actor, place=order.index(item.pk) + (0 if up else 2))


def _held(collection: Collection) -> Collection:
    """Return the row as it is now; until the transaction ends nobody else changes the list."""
    require(collection, "edit")
    held = Collection.objects.select_for_update(no_key=True).filter(pk=collection.pk).first()
    if held is None:
        raise Missing("collection_not_found", _("There is no such collection, or it is not shared."))
    return held


def _no_item() -> Missing:
    return Missing("item_not_found", _("This is not in the collection any more."))


def _checked(**texts: str) -> dict[str, Any]:
    limits = {"title": 100, "description": 500, "note": 500}
    values = {name: text.replace("\r\n", "\n").strip() for name, text in texts.items()}
    errors = {
        name: [_("Write up to %(count)s characters.") % {"count": limits[name]}]
        for name, text in values.items()
        if len(text) > limits[name]
    }
    if "title" in values and not values["title"]:
        errors["title"] = [_("Give the collection a title.")]
    if errors:
        raise Invalid(errors)
    return values


def _check_public(public: bool, texts: dict[str, str]) -> None:
    if public:
        check_words({name: text for name, text in texts.items() if text})


def _changed(collection: Collection, actor: User, verb: str, asset: Asset) -> None:
    collection.updated_at = timezone.now()
    Collection.objects.filter(pk=collection.pk).update(updated_at=collection.updated_at)
    _record(actor, verb, collection, asset=asset.repo_id, kind=asset.kind)


def _record(actor: User, verb: str, collection: Collection, **details: Any) -> None:
    record(actor=actor, verb=verb, target_kind="collection", target_id=collection.pk, target=collection.title, **details)

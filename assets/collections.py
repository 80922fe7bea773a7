"""Collections as their pages and REST show them: what a viewer may not see is neither shown nor counted."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from assets.labels import Card, card
from assets.models import Asset, Collection, CollectionItem
from assets.vocabulary import Terms
from core.problems import Missing


@dataclass(frozen=True)
class Entry:
    """An item with its asset, read for the viewer; `first` and `last` are about what this viewer sees."""

    item: CollectionItem
    card: Card
    number: int
    first: bool
    last: bool


def collection_at(user: Any, slug: str) -> Collection:
    """Return the collection at an address as `user` sees it."""
    found = Collection.objects.for_user(user).select_related("owner").filter(slug=slug).first()
    if found is None:
        raise Missing("collection_not_found", _("There is no such collection, or it is not shared."))
    return found


def item_at(user: Any, collection: Collection, pk: int) -> CollectionItem:
    """Return an item of `collection` whose asset `user` may see."""
    found = CollectionItem.objects.for_user(user).filter(collection=collection.pk, pk=pk).select_related("asset__namespace").first()
    if found is None:
        raise Missing("item_not_found", _("This is not in the collection any more."))
    return found


def own_collections(user: Any) -> QuerySet[Collection]:
    """Return the collections of `user`, the latest change first, each with the `count` of items that they see."""
    seen = CollectionItem.objects.for_user(user).filter(collection=OuterRef("pk")).order_by().values("collection")
    rows = Collection.objects.for_user(user).filter(owner=user.pk).select_related("owner")
    return rows.annotate(count=Coalesce(Subquery(seen.annotate(count=Count("pk")).values("count")), 0)).order_by("-updated_at", "-pk")


def items_of(user: Any, collection: Collection) -> list[CollectionItem]:
    """Return the items that `user` sees, in order, each with its asset read for them; two queries."""
    items = list(CollectionItem.objects.for_user(user).filter(collection=collection.pk).order_by("position"))
    assets = Asset.objects.for_user(user).whole().marked_by(user).in_bulk([item.asset_id for item in items])
    for item in items:
        if item.asset_id in assets:
            item.asset = assets[item.asset_id]
    return [item for item in items if item.asset_id in assets]


def entries_of(items: Sequence[CollectionItem]) -> list[Entry]:
    """Return the items as the page shows them."""
    terms, last = Terms.load(), len(items)
    return [Entry(item, card(item.asset, terms), number, number == 1, number == last) for number, item in enumerate(items, 1)]

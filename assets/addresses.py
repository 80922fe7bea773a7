"""Finding an asset by its address, also by one it had before."""

from collections.abc import Iterable
from functools import reduce
from operator import or_

from django.contrib.auth.models import AnonymousUser
from django.db.models import Q
from django.utils.translation import gettext as _

from accounts.handles import normalise
from accounts.models import Handle, User
from assets.models import Asset, AssetRedirect
from core.problems import Missing, Moved

KINDS = {"models": Asset.Kind.MODEL, "datasets": Asset.Kind.DATASET}
"""The word of addresses for each kind."""


def asset_at(user: User | AnonymousUser, kind: str, namespace: str, name: str) -> Asset:
    """Return the asset at `/<kind>s/<namespace>/<name>`, whatever the case of the letters, read for `user` and with their marks.

    `kind` may be the word of the row (`model`) or of addresses (`models`).
    Raises `Moved` where an asset that `user` may see had this address before, `Missing` where there is nothing to see.
    """
    kind = KINDS.get(kind, kind)
    if asset := Asset.objects.for_user(user).of_kind(kind).named(namespace, name).whole().marked_by(user).first():
        return asset
    if asset := _former(user, kind, namespace, name):
        raise Moved(f"{kind}s/{namespace}/{name}", f"{kind}s/{asset.repo_id}")
    raise Missing("asset_not_found", _("There is nothing at this address, or you may not see it."))


def asset_named(user: User | AnonymousUser, kind: str, repo_id: str) -> Asset:
    """Return the asset `owner/name`; otherwise as `asset_at`."""
    # PostgreSQL takes no null character, and no address has one.
    namespace, _slash, name = ("" if "\0" in repo_id else repo_id).partition("/")
    return asset_at(user, kind, namespace, name)


def _former(user: User | AnonymousUser, kind: str, namespace: str, name: str) -> Asset | None:
    handle = Handle.objects.filter(key=normalise(namespace)).first()
    if handle is None:
        return None
    assets = Asset.objects.for_user(user).of_kind(kind).select_related("namespace")
    if asset := assets.filter(namespace=handle.namespace_id, name__iexact=name).first():
        return asset
    gone = AssetRedirect.objects.filter(kind=kind, namespace=handle.namespace_id, name__iexact=name).first()
    return assets.filter(pk=gone.asset_id).first() if gone else None


def spellings(asset: Asset) -> list[str]:
    """Return every repo id under which cards may name `asset`: the present one first, then those it had before."""
    former = AssetRedirect.objects.filter(asset=asset.pk).select_related("namespace")
    handles = Handle.objects.filter(namespace=asset.namespace_id).values_list("key", flat=True)
    found = [asset.repo_id, *(f"{row.namespace.handle}/{row.name}" for row in former), *(f"{key}/{asset.name}" for key in handles)]
    return list(dict.fromkeys(found))


def visible(user: User | AnonymousUser, kind: str, repo_ids: Iterable[str]) -> dict[str, Asset]:
    """Return those of `repo_ids` that name an asset `user` may see, present and former addresses alike; four queries at most."""
    wanted = {repo_id: repo_id.split("/") for repo_id in repo_ids if repo_id.count("/") == 1}
    if not wanted:
        return {}
    keys = {normalise(namespace) for namespace, _name in wanted.values()}
    owners = dict(Handle.objects.filter(key__in=keys).values_list("key", "namespace_id"))
    places = {repo_id: (owners[normalise(owner)], name.upper()) for repo_id, (owner, name) in wanted.items() if normalise(owner) in owners}
    if not places:
        return {}
    there = reduce(or_, (Q(namespace=owner, name__iexact=name) for owner, name in set(places.values())))
    assets = Asset.objects.for_user(user).of_kind(kind).select_related("namespace")
    live = {(asset.namespace_id, asset.name.upper()): asset for asset in assets.filter(there)}
    if set(places.values()) - set(live):
        former = {(row.namespace_id, row.name.upper()): row.asset_id for row in AssetRedirect.objects.filter(there, kind=kind)}
        moved = assets.in_bulk(former.values()) if former else {}
        live = {place: moved[pk] for place, pk in former.items() if pk in moved} | live
    return {repo_id: live[place] for repo_id, place in places.items() if place in live}

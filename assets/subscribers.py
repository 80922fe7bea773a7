"""Who has taken an asset into use, and is told what becomes of it."""

from collections.abc import Iterator
from itertools import islice

from django.db import transaction

from accounts.models import User
from accounts.services import notify
from assets.models import Asset, Subscription
from repos.models import Ref

BATCH = 200


def subscribers_with(verb: str, asset: Asset) -> Iterator[User]:
    """Yield the subscribers of `asset` who may use `verb` now; one query each, so this is work for a job."""
    for row in Subscription.objects.filter(asset=asset.pk).select_related("user").order_by("pk").iterator(chunk_size=BATCH):
        seen = Asset.objects.for_user(row.user).select_related("namespace").filter(pk=asset.pk).first()
        if seen is not None and verb in seen.allowed:
            yield row.user


def announce_version(*, asset_id: int, ref_id: int, actor: User | None) -> int:
    """Tell the subscribers who may use the asset that the version is there, each once, and return how many had not been told yet."""
    asset = Asset.objects.select_related("namespace").filter(pk=asset_id).first()
    ref = Ref.objects.filter(pk=ref_id).first()
    if asset is None or ref is None:
        return 0
    told = 0
    others = (user for user in subscribers_with("subscribe", asset) if actor is None or user.pk != actor.pk)
    for receivers in _batches(others):
        with transaction.atomic():
            told += notify(
                receivers=receivers, kind="asset.updated", key=f"asset.updated:{asset.pk}:{ref.pk}",
                url=f"{asset.get_absolute_url()}/versions", actor=actor, asset=asset.repo_id, version=ref.short,
            )  # fmt: skip
    return told


def _batches(users: Iterator[User]) -> Iterator[list[User]]:
    while batch := list(islice(users, BATCH)):
        yield batch

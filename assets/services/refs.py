"""Versions (tags) and branches of an asset."""

from django.db import transaction

from accounts.models import User
from accounts.services import record
from assets.models import Asset, Subscription
from inspection.services import inspect
from jobs.services import enqueue
from repos.models import Ref
from repos.models.git import TAGS
from repos.services import create_ref, delete_ref


def create_version(*, asset: Asset, actor: User, name: str, revision: str) -> Ref:
    """Return a new tag (`refs/tags/…`) or branch (`refs/heads/…`) of `asset` at the commit id `revision`; a job tells subscribers of tags."""
    with transaction.atomic():
        made = create_ref(repository=asset.open_repository(), actor=actor, name=name, revision=revision)
        # What was known of a commit is forgotten after a while once nothing leads to it; now something does again.
        inspect(repository=asset.repository, commit=revision, kind=asset.kind, owner=actor)
        if name.startswith(TAGS) and Subscription.objects.filter(asset=asset.pk).exists():
            enqueue(
                kind="assets.announce", params={"asset": asset.pk, "ref": made.pk}, owner=actor, dedupe_key=f"assets.announce:{made.pk}"
            )
        record(actor=actor, verb="create_ref", target_kind="asset", target_id=asset.pk, target=str(asset), ref=name, commit=revision)
    return made


def delete_version(*, asset: Asset, actor: User, name: str) -> None:
    """Remove a tag or branch of `asset`, given by its full name; the default branch stays."""
    with transaction.atomic():
        delete_ref(repository=asset.open_repository(), actor=actor, name=name)
        record(actor=actor, verb="delete_ref", target_kind="asset", target_id=asset.pk, target=str(asset), ref=name)

"""Changing the files of an asset: every door to the catalog commits through here."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from accounts.models import User
from accounts.services import record
from assets.models import Asset
from jobs.services import enqueue
from repos import services as repos
from repos.models import Commit
from repos.operations import Operation


def commit_files(
    *,
    asset: Asset,
    actor: User,
    operations: Sequence[Operation],
    message: str,
    branch: str = "main",
    parent: str | None = None,
    at: datetime | None = None,
) -> Commit:
    """Apply `operations` to the head of `branch` and return the new commit, with its audit row and the job that reads the card.

    Raises as `repos.services.commit` does; nothing has happened then.
    """
    with transaction.atomic():
        made = repos.commit(
            repository=asset.open_repository(), actor=actor, operations=operations, message=message, branch=branch, parent=parent, at=at
        )
        after_commit(asset=asset, actor=actor, commit=made.sha, branch=branch)
    return made


def restore_files(
    *, asset: Asset, actor: User, revision: str, branch: str = "main", parent: str | None = None, message: str = ""
) -> Commit:
    """Make a new commit whose files are those of the commit `revision`; raises as `repos.services.restore` does."""
    with transaction.atomic():
        made = repos.restore(
            repository=asset.open_repository(), actor=actor, revision=revision, branch=branch, parent=parent, message=message
        )
        after_commit(asset=asset, actor=actor, commit=made.sha, branch=branch)
    return made


def after_commit(*, asset: Asset, actor: User, commit: str, branch: str = "", quiet: bool = False) -> None:
    """Have the card read again when the default branch moved, and write the audit row unless `quiet`; inside the transaction."""
    if branch in ("", asset.repository.default_branch):
        job = enqueue(
            kind="assets.ingest", params={"asset": asset.pk, "commit": commit}, owner=actor, dedupe_key=f"assets.ingest:{asset.pk}:{commit}"
        )
        Asset.objects.filter(pk=asset.pk).update(ingest_job=job)
        asset.ingest_job = job
    if not quiet:
        record(actor=actor, verb="commit", target_kind="asset", target_id=asset.pk, target=asset.repo_id, commit=commit, branch=branch)

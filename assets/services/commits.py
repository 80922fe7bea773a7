"""Changing the files of an asset: every door to the catalog commits through here."""

from collections.abc import Sequence
from datetime import datetime

from django.conf import settings
from django.db import transaction

from accounts.models import User
from accounts.services import emit, record
from accounts.words import check_words
from assets.ingest import CARD, read_card
from assets.models import Asset
from core.problems import Missing
from jobs.services import enqueue
from repos import services as repos
from repos.models import Commit, Repository
from repos.operations import Operation
from repos.reading import find, resolve


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
        after_commit(asset=asset, actor=actor, commit=made.sha, branch=branch, message=made.title)
    return made


def restore_files(
    *, asset: Asset, actor: User, revision: str, branch: str = "main", parent: str | None = None, message: str = ""
) -> Commit:
    """Make a new commit whose files are those of the commit `revision`; raises as `repos.services.restore` does."""
    with transaction.atomic():
        made = repos.restore(
            repository=asset.open_repository(), actor=actor, revision=revision, branch=branch, parent=parent, message=message
        )
        after_commit(asset=asset, actor=actor, commit=made.sha, branch=branch, message=made.title)
    return made


def after_commit(*, asset: Asset, actor: User, commit: str, branch: str = "", message: str = "", quiet: bool = False) -> None:
    """Have the files read, the card too where the default branch moved; unless `quiet`, tell webhooks and write the audit row. In the transaction.

    `message` is the first line of the commit's.
    """
    job = enqueue(
        kind="assets.ingest", params={"asset": asset.pk, "commit": commit}, owner=actor, dedupe_key=f"assets.ingest:{asset.pk}:{commit}"
    )
    if branch in ("", asset.repository.default_branch):
        Asset.objects.filter(pk=asset.pk).update(ingest_job=job)
        asset.ingest_job = job
        _check_card(asset, commit)
    if not quiet:
        emit(
            namespace_id=asset.namespace_id,
            event="asset.commit",
            payload={
                "repo_id": asset.repo_id,
                "kind": asset.kind,
                "branch": branch or asset.repository.default_branch,
                "commit": commit,
                "message": message,
                "actor": actor.handle,
                "url": f"{settings.PUBLIC_URL}{asset.get_absolute_url()}",
            },
        )
        record(actor=actor, verb="commit", target_kind="asset", target_id=asset.pk, target=asset.repo_id, commit=commit, branch=branch)


def _check_card(asset: Asset, commit: str) -> None:
    """Refuse a commit that brings forbidden words into a card that others than its members read.

    The caller holds the row by now, so the state cannot change before the commit is there: publishing waits and reads the new card.
    """
    if settings.REVIEW == "off" or not Asset.objects.filter(pk=asset.pk, state__in=Asset.SHOWN).exists():
        return
    repository = asset.open_repository()
    revision = resolve(repository, commit)
    if _card_id(repository, commit) not in [_card_id(repository, parent) for parent in revision.commit.parents]:
        text, _errors = read_card(revision)
        check_words({"text": text or ""})


def _card_id(repository: Repository, commit: str) -> str:
    try:
        return find(resolve(repository, commit), CARD).etag
    except Missing:
        return ""

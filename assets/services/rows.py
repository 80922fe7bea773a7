"""Holding an asset while something about it changes, and saying that it did."""

from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.services import emit, record
from assets.models import Asset
from core.permissions import require
from core.problems import Missing


def hold(asset: Asset, actor: User, verb: str = "") -> Asset:
    """Return `asset` as `actor` sees it now; until the transaction ends nobody else changes its row.

    The second read matters: rights and state that the caller read may have gone while this waited for the lock. Raises `Missing`
    where the asset is gone, `Forbidden` where `actor` may not use `verb`.
    """
    lock(asset.pk)
    found = Asset.objects.for_user(actor).whole().filter(pk=asset.pk).first()
    if found is None:
        raise gone()
    if verb:
        require(found, verb)
    return found


def lock(pk: int) -> None:
    """Wait until nobody else changes the asset with this id, and keep them from it; rows may still refer to it."""
    # Not `exists()`: it forgets `of` and would lock the repository too, in the other order than a commit does.
    if Asset.objects.select_for_update(of=("self",), no_key=True).filter(pk=pk, repository__deleted_at=None).first() is None:
        raise gone()


def note(asset: Asset, actor: User | None, verb: str, **details: Any) -> None:
    """Write the audit row of what `actor`, or the gallery itself, did to `asset`."""
    record(actor=actor, verb=verb, target_kind="asset", target_id=asset.pk, target=asset.repo_id, kind=asset.kind, **details)


def tell(asset: Asset, event: str, **facts: Any) -> None:
    """Tell the webhooks of the namespace that something happened to `asset`."""
    facts |= {"repo_id": asset.repo_id, "kind": asset.kind, "url": f"{settings.PUBLIC_URL}{asset.get_absolute_url()}"}
    emit(namespace_id=asset.namespace_id, event=event, payload=facts)


def gone() -> Missing:
    """Return the problem of an asset that is not there, or not for this viewer."""
    return Missing("asset_not_found", _("There is nothing at this address, or you may not see it."))

"""What people do with assets besides reading them: keep, thank, take into use. Every count is exact, whoever clicks at once."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Count, F, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Agreement, User
from accounts.services import accept_agreements, current_agreements, record
from assets.models import Asset, DailyViews, Favourite, Like, Subscription
from assets.models.reactions import Reaction
from assets.services.rows import gone
from core.permissions import require
from core.problems import Problem

COUNTED: dict[str, type[Reaction]] = {"favourites": Favourite, "likes": Like, "subscriptions": Subscription}
"""The columns of an asset that count rows."""


def set_favourite(*, asset: Asset, actor: User, wanted: bool, at: datetime | None = None) -> bool:
    """Keep `asset` among the favourites of `actor`, or not; say whether that changed anything."""
    require(asset, "react")
    return _set("favourites", "favourite" if wanted else "unfavourite", asset=asset, actor=actor, wanted=wanted, at=at)


def set_like(*, asset: Asset, actor: User, wanted: bool, at: datetime | None = None) -> bool:
    """Let `actor` like `asset`, or not; say whether that changed anything."""
    require(asset, "react")
    return _set("likes", "like" if wanted else "unlike", asset=asset, actor=actor, wanted=wanted, at=at)


def needed_agreements(asset: Asset) -> list[Agreement]:
    """Return what somebody agrees to before they subscribe to `asset`: nothing for an official one."""
    return [] if asset.is_official else current_agreements(Agreement.Kind.RISK, Agreement.Kind.SERVICE)


def subscribe(*, asset: Asset, actor: User, agreements: Mapping[str, int], at: datetime | None = None) -> bool:
    """Take `asset` into use for `actor`, who hears of its new versions from now on; False where they had subscribed already.

    `agreements` maps kinds to the versions that the person agreed to. Raises `Problem` (`agreements_required`) unless these are the
    present versions of all that is needed.
    """
    require(asset, "subscribe")
    if Subscription.objects.filter(asset=asset.pk, user=actor.pk).exists():
        return False
    needed = needed_agreements(asset)
    if missing := [agreement for agreement in needed if agreements.get(agreement.kind) != agreement.version]:
        raise Problem(
            "agreements_required",
            _("Read the present version of each agreement and agree to it first."),
            errors={
                agreement.kind: [_("Agree to version %(version)s of this text.") % {"version": agreement.version}] for agreement in missing
            },
            extra={"agreements": [{"kind": agreement.kind, "version": agreement.version} for agreement in needed]},
        )
    with transaction.atomic():
        if needed:
            accept_agreements(user=actor, agreements=needed)
        return _set("subscriptions", "subscribe", asset=asset, actor=actor, wanted=True, at=at, agreements=dict(agreements))


def unsubscribe(*, asset: Asset, actor: User) -> bool:
    """End the subscription of `actor`, which they may do also when they may no longer use `asset`; say whether there was one."""
    require(asset, "react")
    return _set("subscriptions", "unsubscribe", asset=asset, actor=actor, wanted=False)


def _set(column: str, verb: str, *, asset: Asset, actor: User, wanted: bool, at: datetime | None = None, **details: Any) -> bool:
    """Make or remove the row that `column` counts; the count moves only with a row that was really made or removed."""
    rows: QuerySet[Any] = COUNTED[column].objects.filter(asset=asset.pk, user=actor.pk)
    with transaction.atomic():
        if wanted:
            changed = rows.get_or_create(asset_id=asset.pk, user=actor, defaults={"created_at": at or timezone.now()})[1]
        else:
            changed = rows.delete()[0] == 1
        if changed:
            moved = Asset.objects.filter(pk=asset.pk).update(**{column: F(column) + (1 if wanted else -1)})
            if not moved:
                raise gone()
            record(actor=actor, verb=verb, target_kind="asset", target_id=asset.pk, target=asset.repo_id, kind=asset.kind, **details)
    asset.refresh_from_db(fields=[column])
    return changed


def recount() -> int:
    """Bring the counts of all assets in line with their rows and return how many were not: accounts leave, and take theirs along."""
    changed = 0
    sources: list[tuple[str, Any, Any]] = [(column, rows, Count("pk")) for column, rows in COUNTED.items()]
    for column, rows, total in [*sources, ("views", DailyViews, Sum("count"))]:
        of_asset = rows.objects.filter(asset=OuterRef("pk")).order_by().values("asset").annotate(total=total).values("total")
        true = Coalesce(Subquery(of_asset), 0)
        for pk in Asset.objects.annotate(true=true).exclude(**{column: F("true")}).values_list("pk", flat=True):
            # The row is held, and counted for by a statement of its own: one that began earlier would not see what came meanwhile.
            with transaction.atomic():
                if Asset.objects.select_for_update(no_key=True).filter(pk=pk).first():
                    changed += Asset.objects.filter(pk=pk).annotate(true=true).exclude(**{column: F("true")}).update(**{column: true})
    return changed

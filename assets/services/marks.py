"""Marks that staff give: official, featured, commercial."""

from collections.abc import Mapping

from django.db import transaction

from accounts.models import User
from accounts.services import authorise, record
from assets.models import Asset
from assets.services.rows import gone

MARKS = ("official", "featured", "commercial")


@transaction.atomic
def set_marks(*, asset: Asset, actor: User, marks: Mapping[str, bool]) -> None:
    """Give or take any of `MARKS`; the others stay as they are. Only changes are recorded."""
    authorise(actor, "assets.change_asset")
    row = Asset.objects.select_for_update(of=("self",)).select_related("namespace").filter(pk=asset.pk).first()
    if row is None:
        raise gone()
    changes = {mark: value for mark, value in marks.items() if mark in MARKS and getattr(row, mark) != value}
    if not changes:
        return
    Asset.objects.filter(pk=row.pk).update(**changes)
    for mark, value in changes.items():
        setattr(asset, mark, value)
    record(actor=actor, verb="set_marks", target_kind="asset", target_id=row.pk, target=row.repo_id, kind=row.kind, **changes)

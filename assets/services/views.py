"""Counting who looks at the page of an asset."""

import logging

from django.contrib.auth.models import AnonymousUser
from django.db import DatabaseError, transaction
from django.db.models import F, Q

from accounts.models import Namespace, User
from assets.models import Asset, DailyViews
from assets.permissions import Role
from core.daily import add_one, first_today

logger = logging.getLogger(__name__)


def count_view(*, asset: Asset, viewer: User | AnonymousUser, viewer_key: str) -> bool:
    """Count that `viewer` opened the page of a published `asset`, once a day, and say whether it counted.

    The members of its owner do not count. Nothing that fails here stops the page.
    """
    if asset.state != Asset.State.PUBLISHED or asset.role >= Role.CONTRIBUTOR or not first_today(f"view:{asset.pk}", viewer_key):
        return False
    try:
        with transaction.atomic():
            if viewer.is_authenticated and _is_member(asset, viewer):
                return False
            add_one(DailyViews, "asset_id", asset.pk)
            Asset.objects.filter(pk=asset.pk).update(views=F("views") + 1)
    except DatabaseError:
        logger.warning("view of asset %s not counted", asset.pk, exc_info=True)
        return False
    asset.views += 1
    return True


def _is_member(asset: Asset, viewer: User) -> bool:
    return Namespace.objects.filter(Q(pk=viewer.pk) | Q(organisation__memberships__user=viewer.pk), pk=asset.namespace_id).exists()

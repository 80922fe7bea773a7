"""Where somebody may put an asset."""

from django.contrib.auth.models import AnonymousUser
from django.db.models import Q

from accounts.models import Namespace, User


def places_for(user: User | AnonymousUser) -> list[Namespace]:
    """Return the namespaces in which `user` may create assets: their own first, then their organisations by handle."""
    if not user.is_authenticated:
        return []
    near = Namespace.objects.for_user(user).filter(Q(pk=user.pk) | Q(organisation__memberships__user=user.pk)).distinct()
    return sorted((row for row in near if "create_asset" in row.allowed), key=lambda row: (row.pk != user.pk, row.handle.lower()))

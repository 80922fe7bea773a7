"""Following people and organisations."""

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import Follow, Membership, Namespace, User
from accounts.services.audit import record
from accounts.services.notices import notify
from core.permissions import require
from core.problems import Problem


@transaction.atomic
def follow(*, actor: User, namespace: Namespace) -> bool:
    """Let `actor` follow `namespace`, read for them, and say whether that is new; the person, or the organisation's owners, are told."""
    require(namespace, "view")
    if namespace.pk == actor.pk:
        raise Problem("follow_self", _("You cannot follow yourself. Your own things are in My Gallery."))
    _row, created = Follow.objects.get_or_create(follower=actor, namespace=namespace)
    if created:
        personal = namespace.kind == Namespace.Kind.USER
        owners = User.objects.filter(memberships__organisation=namespace.pk, memberships__role=Membership.Role.OWNER)
        receivers = User.objects.filter(pk=namespace.pk) if personal else owners.exclude(pk=actor.pk)
        notify(
            receivers=receivers, kind="follower.added" if personal else "follower.organisation",
            key=f"follower.added:{actor.pk}:{namespace.pk}", url=actor.get_absolute_url(), actor=actor, organisation=namespace.name,
        )  # fmt: skip
        record(actor=actor, verb="follow", target_kind=namespace.kind, target_id=namespace.pk, target=namespace.handle)
    return created


@transaction.atomic
def unfollow(*, actor: User, namespace: Namespace) -> bool:
    """End that `actor` follows `namespace`, and say whether they did."""
    deleted, _rows = Follow.objects.filter(follower=actor.pk, namespace=namespace.pk).delete()
    if deleted:
        record(actor=actor, verb="unfollow", target_kind=namespace.kind, target_id=namespace.pk, target=namespace.handle)
    return bool(deleted)

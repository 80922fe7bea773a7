"""What the head of a page of a person or an organisation shows."""

from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db.models import Count, Q
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.models import Membership, Namespace, User


@dataclass(frozen=True)
class NamespaceHead:
    """For `accounts/_namespace_head.html`; `namespace` carries the viewer's verbs."""

    namespace: Namespace
    is_me: bool
    tabs: list[dict[str, Any]]
    followers: int
    follows: bool
    """Whether the viewer follows it."""

    @property
    def is_organisation(self) -> bool:
        return self.namespace.kind == Namespace.Kind.ORGANISATION


def head_of(namespace: Namespace, user: User | AnonymousUser, current: str = "assets") -> NamespaceHead:
    """Return the head of `namespace`, read for `user`, on its page `current`: assets, members, webhooks or settings."""
    tabs: list[dict[str, Any]] = []
    if namespace.kind == Namespace.Kind.ORGANISATION:
        tabs.append({"text": _("Models and datasets"), "address": namespace.get_absolute_url(), "current": current == "assets"})
        if "view_members" in namespace.allowed:
            count = Membership.objects.for_user(user).filter(organisation=namespace.pk).count()
            address = reverse("accounts:members", kwargs={"handle": namespace.handle})
            tabs.append({"text": _("Members"), "address": address, "count": count, "current": current == "members"})
        if "edit" in namespace.allowed:
            address = reverse("accounts:webhooks", kwargs={"handle": namespace.handle})
            tabs.append({"text": _("Webhooks"), "address": address, "current": current == "webhooks"})
            address = reverse("accounts:settings", kwargs={"handle": namespace.handle})
            tabs.append({"text": _("Settings"), "address": address, "current": current == "settings", "push": True})
    counts = namespace.followers.aggregate(all=Count("pk"), mine=Count("pk", filter=Q(follower=user.pk)))
    return NamespaceHead(namespace, namespace.pk == user.pk, tabs, counts["all"], counts["mine"] > 0)

"""Services as somebody may see them: members of the namespace in full, others what they may call."""

from collections.abc import Sequence
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.utils.translation import gettext as _

from accounts.models import AccessToken, User
from assets.models import Asset
from core.problems import Missing
from toolchain.inference.models import Generation, Key, Replica, Service

MOST_OPEN = 5


def service_at(user: User | AnonymousUser, namespace: str, name: str) -> Service:
    """Return the service at this address, read for a member of its namespace. Raises `Missing`."""
    found = None if "\0" in namespace + name else Service.objects.for_user(user).whole().at(namespace, name).first()
    if found is None:
        raise Missing("service_not_found", _("There is no service at this address, or you may not see it."))
    return found


def callable_at(user: User | AnonymousUser, namespace: str, name: str) -> Service:
    """Return the service at this address for somebody who may at least call it; `allowed` is empty for those who are no members."""
    try:
        return service_at(user, namespace, name)
    except Missing:
        token = getattr(user, "token", None)
        if not user.is_authenticated or "\0" in namespace + name or (token is not None and token.scope == AccessToken.Scope.FINE):
            raise
        found = Service.objects.filter(shared=True).whole().at(namespace, name).first()
        if found is None or not may_call(user, found):
            raise
        found.role, found.reads = 0, True
        return found


def may_call(user: User | AnonymousUser, service: Service) -> bool:
    """Say whether a service is open to somebody who is no member: they may use its model."""
    asset = Asset.objects.for_user(user).filter(pk=service.model_id or 0).first() if service.shared else None
    return asset is not None and "download" in asset.allowed


def open_services(asset: Asset) -> Sequence[Service]:
    """Return services of a model that everybody who may use it may call; for viewers who may."""
    rows = Service.objects.filter(model=asset, shared=True, state=Service.State.RUNNING).select_related("namespace")
    return list(rows.order_by("-called_at", "-pk")[:MOST_OPEN])


def generations_of(service: Service) -> Any:
    """Return the generations of a service that was read for a viewer, the newest first."""
    return Generation.objects.filter(service=service).select_related("spec")


def replicas_of(service: Service) -> list[Replica]:
    """Return the replicas of a service that was read for a viewer, those of the newest generation first, with their runs."""
    rows = Replica.objects.filter(generation__service=service).select_related("generation__spec", "run__spec", "run__node")
    return list(rows.order_by("-generation__number", "index"))


def key_of(service: Service, pk: int) -> Key:
    """Return a key of a service that was read for a viewer. Raises `Missing`."""
    found = service.keys.filter(pk=pk).first() if pk < 2**63 else None
    if found is None:
        raise Missing("service_key_not_found", _("This service has no such key."))
    return found

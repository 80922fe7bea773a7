"""Webhooks and events for tests, made through the services that everybody uses."""

from typing import Any

from accounts import services
from accounts.models import Namespace, Webhook, WebhookDelivery


def seen_by(user: Any, namespace: Any = None) -> Namespace:
    row: Namespace = Namespace.objects.for_user(user).get(pk=(namespace or user).pk)
    return row


def make_webhook(user: Any, url: str = "https://example.com/hook", *, namespace: Any = None, **values: Any) -> Webhook:
    """Return a new webhook as `user` sees it."""
    fields = {"name": "builds", "url": url, "events": ["asset.commit", "job.failed"], **values}
    made = services.create_webhook(namespace=seen_by(user, namespace), actor=user, **fields)
    row: Webhook = Webhook.objects.for_user(user).select_related("namespace").get(pk=made.pk)
    return row


def emit(namespace: Any, event: str = "asset.commit", **payload: Any) -> None:
    services.emit(namespace_id=namespace.pk, event=event, payload=payload or {"repo_id": "alice/tiny"})


def only() -> WebhookDelivery:
    return WebhookDelivery.objects.get()

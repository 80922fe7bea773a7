"""Webhooks: telling addresses outside what happened in a namespace."""

import time
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import calling, events
from accounts.models import Membership, Namespace, User, Webhook, WebhookDelivery
from accounts.models.webhooks import new_secret
from accounts.services.audit import plain, record
from accounts.services.handover import hand_over
from accounts.services.notices import notify
from core.permissions import require
from core.problems import Conflict, Invalid, Missing

MAX_WEBHOOKS = 20
PATIENCE = timedelta(days=3)
"""How long everything may fail before a webhook is switched off."""
KEPT = timedelta(days=30)
"""How long the log of deliveries reaches back."""
EXCERPT = 2000

# `FOR KEY SHARE` keeps a webhook from being deleted while its delivery is written; one that is being deleted is not waited for.
SUBSCRIBED = "SELECT * FROM accounts_webhook WHERE namespace_id = %s AND active AND %s = ANY(events) ORDER BY id FOR KEY SHARE SKIP LOCKED"


def emit(*, namespace_id: int, event: str, payload: dict[str, Any]) -> None:
    """Tell every active webhook of the namespace that subscribes to `event`, as part of the caller's transaction.

    `payload` is plain data. Receivers get it as `data`, beside the id, name, time and namespace of the event.
    """
    if not events.is_event(event):
        raise ValueError(f"The event {event} is not registered.")
    if webhooks := list(Webhook.objects.raw(SUBSCRIBED, [namespace_id, event])):
        message = _message(Namespace.objects.get(pk=namespace_id), event, payload)
        for webhook in webhooks:
            _send(webhook, message)


def _message(namespace: Namespace, event: str, data: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": str(uuid.uuid4()),
        "event": event,
        "created_at": timezone.now().isoformat(timespec="milliseconds"),
        "namespace": namespace.handle,
        "data": plain(data),
    }


def _send(webhook: Webhook, message: dict[str, Any], replay_of: WebhookDelivery | None = None) -> WebhookDelivery:
    delivery = WebhookDelivery.objects.create(
        webhook=webhook, event_id=uuid.UUID(message["id"]), event=message["event"], payload=message, replay_of=replay_of
    )
    hand_over("webhook", delivery.pk)
    return delivery


@transaction.atomic
def create_webhook(*, namespace: Namespace, actor: User, name: str, url: str, events: Sequence[str], active: bool = True) -> Webhook:
    """Create a webhook of `namespace` and return it; its secret is shown to nobody after this."""
    require(namespace, "edit")
    values = _checked(name=name, url=url, events=events)
    Namespace.objects.select_for_update(no_key=True).get(pk=namespace.pk)
    if Webhook.objects.filter(namespace=namespace.pk).count() >= MAX_WEBHOOKS:
        raise Conflict("too_many_webhooks", _("There are %(count)s webhooks here. Delete one first.") % {"count": MAX_WEBHOOKS})
    webhook = Webhook.objects.create(namespace=namespace, creator=actor, active=active, **values)
    _record(actor, "create", webhook, url=_without_query(webhook.url), events=webhook.events)
    return webhook


@transaction.atomic
def edit_webhook(*, webhook: Webhook, actor: User, **changes: Any) -> None:
    """Change `name`, `url`, `events` or `active`. Another address, or switching on, starts the count of failures anew."""
    require(webhook, "edit")
    checked = _checked(**{name: value for name, value in changes.items() if name != "active"})
    if "active" in changes:
        checked["active"] = bool(changes["active"])
    changed = {name: value for name, value in checked.items() if getattr(webhook, name) != value}
    if not changed:
        return
    if "url" in changed or changed.get("active"):
        changed["failing_since"] = None
    if not Webhook.objects.filter(pk=webhook.pk).update(**changed):
        raise _gone()
    for name, value in changed.items():
        setattr(webhook, name, value)
    _record(actor, "edit", webhook, fields=sorted(set(changed) - {"failing_since"}), url=_without_query(webhook.url))


@transaction.atomic
def delete_webhook(*, webhook: Webhook, actor: User) -> None:
    """Delete a webhook with its log; what still waits to be sent is not sent."""
    require(webhook, "edit")
    held = Webhook.objects.select_for_update().filter(pk=webhook.pk).first()
    if held is None:
        raise _gone()
    held.delete()
    _record(actor, "delete", webhook)


@transaction.atomic
def renew_secret(*, webhook: Webhook, actor: User) -> str:
    """Give the webhook another secret and return it; the former one signs nothing from now on."""
    require(webhook, "edit")
    secret = new_secret()
    if not Webhook.objects.filter(pk=webhook.pk).update(secret=secret):
        raise _gone()
    webhook.secret = secret
    _record(actor, "renew_secret", webhook)
    return secret


@transaction.atomic
def ping(*, webhook: Webhook, actor: User) -> WebhookDelivery:
    """Send a test, tried once, and return its delivery."""
    held = _active(webhook)
    data = {"webhook": held.name, "sender": actor.handle}
    delivery = _send(held, _message(webhook.namespace, events.PING, data))
    _record(actor, "test", webhook, delivery=delivery.pk)
    return delivery


@transaction.atomic
def replay_delivery(*, delivery: WebhookDelivery, webhook: Webhook, actor: User) -> WebhookDelivery:
    """Send again what a delivery of `webhook` sent, under the same event id, and return the new delivery."""
    held = _active(webhook)
    again = _send(held, delivery.payload, replay_of=delivery)
    _record(actor, "replay", webhook, delivery=again.pk, replay_of=delivery.pk)
    return again


def _active(webhook: Webhook) -> Webhook:
    require(webhook, "edit")
    held = Webhook.objects.select_for_update(no_key=True).filter(pk=webhook.pk).first()
    if held is None:
        raise _gone()
    if not held.active:
        raise Conflict("webhook_off", _("This webhook is switched off. Switch it on first."))
    return held


def _gone() -> Missing:
    return Missing("webhook_not_found", _("There is no such webhook."))


def _record(actor: User | None, verb: str, webhook: Webhook, **details: Any) -> None:
    details["namespace"] = webhook.namespace.handle
    record(actor=actor, verb=verb, target_kind="webhook", target_id=webhook.pk, target=webhook.name, **details)


def _without_query(url: str) -> str:
    """Return an address without what may hold a key."""
    return url.partition("?")[0]


def _checked(**values: Any) -> dict[str, Any]:
    errors: dict[str, list[Any]] = {}
    if "name" in values:
        values["name"] = values["name"].strip()
        if not 0 < len(values["name"]) <= 100 or not values["name"].isprintable():
            errors["name"] = [_("Give the webhook a name of up to 100 characters.")]
    if "url" in values:
        values["url"] = values["url"].strip().partition("#")[0]
        try:
            calling.check_url(values["url"], allowed=settings.WEBHOOK_PRIVATE_ADDRESSES)
            if len(values["url"]) > 500:
                raise calling.CallError("bad_url")
        except calling.CallError as error:
            errors["url"] = [calling.FAILURES[error.code]]
    if "events" in values:
        values["events"] = sorted(set(values["events"]))
        if not values["events"] or not all(events.is_event(code) for code in values["events"]):
            errors["events"] = [_("Choose at least one event of the list.")]
    if errors:
        raise Invalid(errors)
    return values


# --- Sending ------------------------------------------------------------------------------------------------


def deliver(*, delivery_id: int, at: datetime | None = None, resolver: calling.Resolver = calling.resolve) -> timedelta | None:
    """Try once to send a delivery, and return after how long to try again: None when it arrived, failed for good or is gone."""
    now = at or timezone.now()
    delivery = WebhookDelivery.objects.select_related("webhook__namespace").filter(pk=delivery_id).first()
    if delivery is None or delivery.state != WebhookDelivery.State.QUEUED:
        return None
    if not delivery.webhook.active:
        delivery.give_up("switched_off", now)
        return None
    began = time.monotonic()
    body = calling.body_of(delivery.payload)
    headers = _headers(delivery, body, now)
    facts: dict[str, Any] = {"headers": headers, "tried_at": now, "status": None, "response": ""}
    error = ""
    try:
        answer = calling.post(delivery.webhook.url, body, headers, allowed=settings.WEBHOOK_PRIVATE_ADDRESSES, resolver=resolver)
    except calling.CallError as failure:
        error = str(failure)
    else:
        facts |= {"status": answer.status, "response": _excerpt(answer.body)}
        if not 200 <= answer.status < 300:
            error = "redirected" if 300 <= answer.status < 400 else "bad_status"
    facts["milliseconds"] = round((time.monotonic() - began) * 1000)
    return _arrived(delivery, facts) if not error else _failed(delivery, error, facts, now)


def _headers(delivery: WebhookDelivery, body: bytes, at: datetime) -> dict[str, str]:
    return {
        "Content-Type": "application/json; charset=utf-8",
        "Accept-Encoding": "identity",
        "User-Agent": f"AI-Gallery-Webhooks/{settings.VERSION}",
        "Gallery-Event": delivery.event,
        "Gallery-Delivery": str(delivery.event_id),
        "Gallery-Signature": calling.signature(delivery.webhook.secret, body, int(at.timestamp())),
    }


def _excerpt(body: bytes) -> str:
    return body[: EXCERPT * 4].decode("utf-8", "replace")[:EXCERPT].replace("\0", "\ufffd")


@transaction.atomic
def _arrived(delivery: WebhookDelivery, facts: dict[str, Any]) -> None:
    if delivery.arrive(**facts):
        Webhook.objects.filter(pk=delivery.webhook_id).exclude(failing_since=None).update(failing_since=None)


@transaction.atomic
def _failed(delivery: WebhookDelivery, error: str, facts: dict[str, Any], at: datetime) -> timedelta | None:
    wait = delivery.next_wait
    if not delivery.stumble(error, **facts):
        return None
    if delivery.event != events.PING:
        Webhook.objects.filter(pk=delivery.webhook_id, failing_since=None).update(failing_since=at)
        if wait is None:
            _switch_off(delivery.webhook, at)
    return wait


def _switch_off(webhook: Webhook, at: datetime) -> None:
    """End a webhook that nothing reached for `PATIENCE`, and tell those who can mend it."""
    if not Webhook.objects.filter(pk=webhook.pk, active=True, failing_since__lte=at - PATIENCE).update(active=False):
        return
    namespace = webhook.namespace
    notify(
        receivers=_owners(namespace), kind="webhook.switched_off", key=f"webhook.switched_off:{webhook.pk}:{at.isoformat()}",
        url=webhook.get_absolute_url(), name=webhook.name, namespace=namespace.handle,
    )  # fmt: skip
    _record(None, "switch_off", webhook)


def _owners(namespace: Namespace) -> list[User]:
    if namespace.kind == Namespace.Kind.USER:
        return list(User.objects.filter(pk=namespace.pk))
    return list(User.objects.filter(memberships__organisation=namespace.pk, memberships__role=Membership.Role.OWNER))


def prune_deliveries(*, at: datetime | None = None) -> int:
    """Forget deliveries that ended longer ago than `KEPT`, and return how many."""
    ended = WebhookDelivery.objects.exclude(state=WebhookDelivery.State.QUEUED).filter(created_at__lt=(at or timezone.now()) - KEPT)
    _count, by_model = ended.delete()
    return by_model.get("accounts.WebhookDelivery", 0)

"""Addresses outside that are told what happens, and every attempt to tell them."""

import secrets
import uuid
from datetime import datetime, timedelta
from typing import Any, Self

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import events
from accounts.calling import FAILURES
from accounts.models.namespaces import Namespace, role_in_namespace
from accounts.permissions import VERBS, MemberRole
from core.states import Stateful

WAITS = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=2), timedelta(hours=6))
"""Between one try to deliver and the next; past the last one the delivery has failed."""
EDITORS = [role for role, verbs in VERBS.items() if "edit" in verbs]


def new_secret() -> str:
    """Return 256 random bits to sign with."""
    return "whsec_" + secrets.token_urlsafe(32)


class WebhookQuerySet(models.QuerySet["Webhook"]):
    def for_user(self, user: Any) -> Self:
        """Return the webhooks of the namespaces that `user` may edit, each carrying the viewer's `role` there."""
        return self.annotate(role=role_in_namespace(user, "namespace_id")).filter(role__in=EDITORS)


class Webhook(models.Model):
    """An address that is called for `events` in a namespace; `secret` signs each body with HMAC-SHA-256.

    `failing_since` is when the first try failed after which none arrived. `role` is set by `for_user` only.
    """

    role: int

    namespace = models.ForeignKey(Namespace, on_delete=models.CASCADE, related_name="webhooks")
    name = models.CharField(_("name"), max_length=100)
    url = models.URLField(_("address"), max_length=500)
    events = ArrayField(models.CharField(max_length=64), verbose_name=_("events"))
    secret = models.CharField(max_length=64, default=new_secret, editable=False)
    active = models.BooleanField(_("active"), default=True)
    creator = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    failing_since = models.DateTimeField(null=True, blank=True, editable=False)

    objects = WebhookQuerySet.as_manager()

    class Meta:
        verbose_name = _("webhook")
        verbose_name_plural = _("webhooks")

    def __str__(self) -> str:
        return self.name

    @property
    def allowed(self) -> frozenset[str]:
        """The verbs this viewer has in the namespace; an error on rows not read through `for_user`."""
        return VERBS[MemberRole(self.role)]

    @property
    def secret_end(self) -> str:
        """The last four characters of the secret, to tell one from another."""
        return self.secret[-4:]

    @property
    def event_names(self) -> list[Any]:
        """What it is told, in words."""
        names = dict(events.event_choices())
        return [names.get(code, code) for code in self.events]

    def get_absolute_url(self) -> str:
        return f"/{self.namespace.handle}/-/webhooks/{self.pk}"


class DeliveryQuerySet(models.QuerySet["WebhookDelivery"]):
    def for_user(self, user: Any) -> Self:
        """Return the deliveries of the webhooks that `user` may see."""
        return self.filter(webhook__in=Webhook.objects.for_user(user).values("pk"))

    def of(self, webhook: Any) -> Self:
        """Return the deliveries of one webhook, the newest first."""
        return self.filter(webhook=webhook).order_by("-id")


class WebhookDelivery(Stateful):
    """One event on its way to one address: queued -> delivered | failed.

    `event_id` is the same for every receiver and replay, `payload` the whole body that is sent, `headers` what stood above it at the
    last try. `error` is a code of `accounts.calling.FAILURES`, with a detail after a colon where there is one.
    """

    class State(models.TextChoices):
        QUEUED = "queued", _("Waiting")
        DELIVERED = "delivered", _("Delivered")
        FAILED = "failed", _("Failed")

    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="deliveries")
    event_id = models.UUIDField(default=uuid.uuid4)
    event = models.CharField(max_length=64)
    payload = models.JSONField()
    state = models.CharField(max_length=12, choices=State.choices, default=State.QUEUED)
    tries = models.PositiveSmallIntegerField(default=0)
    status = models.PositiveSmallIntegerField(null=True, blank=True)
    response = models.TextField(blank=True)
    error = models.TextField(blank=True)
    headers = models.JSONField(default=dict)
    milliseconds = models.PositiveIntegerField(null=True, blank=True)
    replay_of = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL, related_name="replays")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    tried_at = models.DateTimeField(null=True, blank=True)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        constraints = [models.CheckConstraint(condition=Q(state__in=["queued", "delivered", "failed"]), name="delivery_state")]
        indexes = [
            models.Index(fields=["webhook", "-id"]),
            models.Index(fields=["id"], condition=Q(state="queued"), name="delivery_queued"),
            models.Index(fields=["created_at"]),
        ]

    def __str__(self) -> str:
        return f"{self.event} #{self.pk}"

    def same_row(self) -> models.QuerySet[Self]:
        return super().same_row().filter(tries=self.tries)

    def arrive(self, **answer: Any) -> bool:
        """The receiver took it."""
        return self.move(self.State.QUEUED, state=self.State.DELIVERED, tries=self.tries + 1, error="", **answer)

    def stumble(self, error: str, **answer: Any) -> bool:
        """A try failed: wait for the next one, or fail after the last."""
        state = self.State.QUEUED if self.next_wait else self.State.FAILED
        return self.move(self.State.QUEUED, state=state, tries=self.tries + 1, error=error, **answer)

    def give_up(self, error: str, at: datetime) -> bool:
        """Fail without another try."""
        return self.move(self.State.QUEUED, state=self.State.FAILED, error=error, tried_at=at)

    @property
    def next_wait(self) -> timedelta | None:
        """How long to wait if the next try fails, None if it is the last; what was sent by hand to try the address has one only."""
        return WAITS[self.tries] if self.event != events.PING and self.tries < len(WAITS) else None

    @property
    def next_try_at(self) -> datetime | None:
        """When a delivery that failed before is tried again."""
        if self.state != self.State.QUEUED or self.tried_at is None or not 0 < self.tries <= len(WAITS):
            return None
        return self.tried_at + WAITS[self.tries - 1]

    @property
    def event_name(self) -> Any:
        """What happened, in words."""
        return _("Test") if self.event == events.PING else dict(events.event_choices()).get(self.event, self.event)

    @property
    def reason(self) -> str:
        """Why the last try failed, as a sentence; empty where none did."""
        code, _colon, detail = self.error.partition(": ")
        sentence = str(FAILURES.get(code, self.error))
        return f"{sentence} ({detail})" if detail else sentence

    def get_absolute_url(self) -> str:
        return f"{self.webhook.get_absolute_url()}/deliveries/{self.pk}"

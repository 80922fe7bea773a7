"""What people are told: rows that the inbox shows, and that mail is sent from."""

from datetime import datetime
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts import notices


class NotificationQuerySet(models.QuerySet["Notification"]):
    def for_user(self, user: Any) -> Self:
        """Return what `user` was told, and nobody else's, not even for an administrator; nothing for a fine-grained token."""
        token = getattr(user, "token", None)
        if not user.is_authenticated or (token is not None and token.scope == "fine"):
            return self.none()
        return self.filter(receiver=user.pk)

    def unread(self) -> Self:
        return self.filter(read_at=None)

    def due(self) -> Self:
        """Return what waits to be mailed on its own."""
        return self.filter(mail=Notification.Mail.DUE)

    def for_digest(self, until: datetime) -> Self:
        """Return what waited for a daily digest before `until`."""
        return self.filter(mail=Notification.Mail.DIGEST, created_at__lt=until)


class Notification(models.Model):
    """One thing that one person is told, once: `key` is unique among what the receiver was told.

    `kind` names a sentence that a room registered; `facts` are the plain values it is filled with, so that every reader gets it in
    the language of the day. `mail` says what becomes of it beyond the inbox.
    """

    class Mail(models.TextChoices):
        NONE = "none", _("No mail")
        DUE = "due", _("Waits to be sent")
        DIGEST = "digest", _("Waits for the daily digest")
        SENT = "sent", _("Sent")

    receiver = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notifications")
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    kind = models.CharField(max_length=64)
    facts = models.JSONField(default=dict)
    url = models.CharField(max_length=500, blank=True)
    key = models.CharField(max_length=200)
    mail = models.CharField(max_length=8, choices=Mail.choices, default=Mail.NONE)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    read_at = models.DateTimeField(null=True, blank=True)
    mailed_at = models.DateTimeField(null=True, blank=True)

    objects = NotificationQuerySet.as_manager()

    class Meta:
        verbose_name = _("notification")
        verbose_name_plural = _("notifications")
        constraints = [
            models.UniqueConstraint(fields=["receiver", "key"], name="notification_once"),
            models.CheckConstraint(condition=Q(mail__in=["none", "due", "digest", "sent"]), name="notification_mail"),
        ]
        indexes = [
            models.Index(fields=["receiver", "-id"]),
            models.Index(fields=["receiver"], condition=Q(read_at=None), name="notification_unread"),
            models.Index(fields=["mail", "receiver"], condition=Q(mail__in=["due", "digest"]), name="notification_to_mail"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} #{self.pk}"

    @property
    def is_read(self) -> bool:
        return self.read_at is not None

    @property
    def sentence(self) -> str:
        """What happened, as one line of plain text in the language of the moment."""
        return notices.sentence(self.kind, self.facts)

    @property
    def markup(self) -> SafeString:
        """What happened, as HTML in the language of the moment."""
        return notices.markup(self.kind, self.facts)


class NoticeSetting(models.Model):
    """How a person wants to hear of one kind beyond the inbox; without a row the kind's own default holds."""

    class Mail(models.TextChoices):
        NOW = "now", _("At once")
        DAILY = "daily", _("Once a day")
        NEVER = "never", _("Never")

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notice_settings")
    kind = models.CharField(max_length=64)
    mail = models.CharField(max_length=8, choices=Mail.choices)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "kind"], name="notice_setting_once"),
            models.CheckConstraint(condition=Q(mail__in=["now", "daily", "never"]), name="notice_setting_mail"),
        ]

    def __str__(self) -> str:
        return f"{self.kind}: {self.mail}"

"""Texts that people agree to, who agreed to which version, and codes that prove an address."""

from datetime import datetime, timedelta
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

GOOD_FOR = timedelta(minutes=10)
PAUSE = timedelta(seconds=60)


class AgreementQuerySet(models.QuerySet["Agreement"]):
    def for_user(self, user: Any) -> Self:
        """Return the versions that everybody may read: the published ones; drafts show in the administration."""
        return self.exclude(published_at=None)

    def current(self) -> Self:
        """Return the newest published version of every kind."""
        return self.exclude(published_at=None).order_by("kind", "-version").distinct("kind")


class Agreement(models.Model):
    """One version of a text that people agree to. It may be changed until it is published, never after."""

    class Kind(models.TextChoices):
        SERVICE = "service", _("Service agreement")
        PUBLISHING = "publishing", _("Digital content publishing agreement")
        RISK = "risk", _("Data security and privacy risk statement")

    kind = models.CharField(_("kind"), max_length=16, choices=Kind.choices)
    version = models.PositiveIntegerField(_("version"))
    title_en = models.CharField(_("English title"), max_length=200)
    title_zh = models.CharField(_("Chinese title"), max_length=200)
    text_en = models.TextField(_("English text"))
    text_zh = models.TextField(_("Chinese text"))
    published_at = models.DateTimeField(_("published"), null=True, blank=True, editable=False)

    objects = AgreementQuerySet.as_manager()

    class Meta:
        verbose_name = _("agreement")
        verbose_name_plural = _("agreements")
        ordering = ["kind", "-version"]
        constraints = [
            models.UniqueConstraint(fields=["kind", "version"], name="agreement_once"),
            models.CheckConstraint(condition=Q(kind__in=["service", "publishing", "risk"]), name="agreement_kind"),
        ]

    def __str__(self) -> str:
        return f"{self.title} {self.version}"

    def get_absolute_url(self) -> str:
        return f"/agreements/{self.kind}/{self.version}"

    @property
    def title(self) -> str:
        """The title in the language of the request."""
        return self.title_zh if (get_language() or "").startswith("zh") else self.title_en

    @property
    def text(self) -> str:
        """The text, Markdown, in the language of the request."""
        return self.text_zh if (get_language() or "").startswith("zh") else self.text_en


class AcceptanceQuerySet(models.QuerySet["Acceptance"]):
    def for_user(self, user: Any) -> Self:
        """Return what `user` agreed to, and nobody else; nothing for a fine-grained token."""
        token = getattr(user, "token", None)
        return self.none() if token is not None and token.scope == "fine" else self.filter(user=user.pk)


class Acceptance(models.Model):
    """That a person agreed to a version, when and where from; never changed, never removed while the person exists."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="acceptances")
    agreement = models.ForeignKey(Agreement, on_delete=models.PROTECT, related_name="acceptances")
    accepted_at = models.DateTimeField(default=timezone.now, editable=False)
    ip = models.GenericIPAddressField(null=True)

    objects = AcceptanceQuerySet.as_manager()

    class Meta:
        verbose_name = _("acceptance")
        verbose_name_plural = _("acceptances")
        constraints = [models.UniqueConstraint(fields=["user", "agreement"], name="acceptance_once")]

    def __str__(self) -> str:
        return f"{self.user}: {self.agreement}"


class EmailCode(models.Model):
    """A six-digit code on its way to an address, kept as a keyed hash; it counts once, for ten minutes and five tries."""

    class Purpose(models.TextChoices):
        ONBOARDING = "onboarding", _("Onboarding")
        CHANGE = "change", _("New email address")

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="email_codes")
    purpose = models.CharField(max_length=12, choices=Purpose.choices)
    email = models.EmailField()
    digest = models.CharField(max_length=64)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    tries = models.PositiveSmallIntegerField(default=0)
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(purpose__in=["onboarding", "change"]), name="email_code_purpose")]
        indexes = [models.Index(fields=["user", "purpose", "-id"])]

    def __str__(self) -> str:
        return f"{self.purpose} #{self.pk}"

    @property
    def expires_at(self) -> datetime:
        """From when on the code counts no more."""
        return self.created_at + GOOD_FOR

    @property
    def resend_at(self) -> datetime:
        """From when on another code may be sent."""
        return self.created_at + PAUSE

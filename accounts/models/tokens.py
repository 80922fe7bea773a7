"""Access tokens: shown once, stored as a digest."""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Self

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

PREFIX = "agt_"


def digest(secret: str) -> str:
    """Return the stored form of a token: SHA-256 in hex; 256 random bits need no slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()


class AccessTokenQuerySet(models.QuerySet["AccessToken"]):
    def usable(self, at: datetime | None = None) -> Self:
        """Return tokens that have not expired and whose user may sign in."""
        return self.filter(Q(expires_at=None) | Q(expires_at__gt=at or timezone.now()), user__is_active=True)

    def for_user(self, user: object) -> Self:
        """Return the tokens of `user`, and of nobody else, not even for an administrator; a fine-grained token sees itself only."""
        rows = self.filter(user=getattr(user, "pk", None))
        used: AccessToken | None = getattr(user, "token", None)
        return rows.filter(pk=used.pk) if used is not None and used.scope == AccessToken.Scope.FINE else rows


class AccessToken(models.Model):
    """A key for programs, acting as its user within a scope.

    A `read` token may only read what its user reads; `write` may do what its user may; `fine` acts with `verbs` on the
    `resources` it names and sees elsewhere only what everybody sees. A resource is an opaque string of the room that owns it
    (`asset:42`).
    """

    class Scope(models.TextChoices):
        READ = "read", _("Read")
        WRITE = "write", pgettext_lazy("scope of a token", "Write")
        FINE = "fine", _("Chosen repositories")

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="access_tokens")
    name = models.CharField(_("name"), max_length=100)
    scope = models.CharField(_("scope"), max_length=8, choices=Scope.choices, default=Scope.READ)
    verbs = ArrayField(models.CharField(max_length=32), default=list, blank=True)
    resources = ArrayField(models.CharField(max_length=64), default=list, blank=True)
    prefix = models.CharField(max_length=16, editable=False)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, editable=False)

    objects = AccessTokenQuerySet.as_manager()

    class Meta:
        verbose_name = _("access token")
        verbose_name_plural = _("access tokens")
        constraints = [models.CheckConstraint(condition=Q(scope__in=["read", "write", "fine"]), name="token_scope")]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    @property
    def expired(self) -> bool:
        """Whether the token is over."""
        return self.expires_at is not None and self.expires_at <= timezone.now()

    @property
    def expires_soon(self) -> bool:
        """Whether the token ends within a week."""
        return self.expires_at is not None and self.expires_at <= timezone.now() + timedelta(days=7)

    def issue(self) -> str:
        """Save the token under a new secret and return it: the only time it exists in the clear."""
        secret = PREFIX + secrets.token_urlsafe(32)
        self.prefix, self.digest = secret[:10], digest(secret)
        self.save()
        return secret

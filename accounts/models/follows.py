"""Whose new things somebody wants to hear of."""

from typing import Self

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models.namespaces import Namespace, User
from accounts.models.tokens import AccessToken


class FollowQuerySet(models.QuerySet["Follow"]):
    def for_user(self, user: User | AnonymousUser) -> Self:
        """Return whom `user` follows, and nobody else's choices; nothing for a fine-grained token."""
        if not user.is_authenticated or (user.token is not None and user.token.scope == AccessToken.Scope.FINE):
            return self.none()
        return self.filter(follower=user.pk)


class Follow(models.Model):
    """One person follows one user or organisation."""

    follower = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="follows")
    namespace = models.ForeignKey(Namespace, on_delete=models.CASCADE, related_name="followers")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = FollowQuerySet.as_manager()

    class Meta:
        verbose_name = _("follow")
        verbose_name_plural = _("follows")
        constraints = [
            models.UniqueConstraint(fields=["follower", "namespace"], name="follow_once"),
            models.CheckConstraint(condition=~Q(follower=F("namespace")), name="follow_somebody_else"),
        ]

    def __str__(self) -> str:
        return f"{self.follower} follows {self.namespace}"

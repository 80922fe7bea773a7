"""What people think of assets and do with them."""

from typing import Any, Self

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class ReactionQuerySet(models.QuerySet[Any]):
    def of(self, user: Any) -> Self:
        """Return the rows of `user`, the newest first; a token limited to chosen resources sees none."""
        token = getattr(user, "token", None)
        own = user.is_authenticated and (token is None or token.scope != "fine")
        return (self.filter(user=user.pk) if own else self.none()).order_by("-id")


class Reaction(models.Model):
    """One person's mark on one asset, at most once."""

    asset = models.ForeignKey("assets.Asset", on_delete=models.CASCADE, related_name="%(class)s_rows")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="%(class)s_rows")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = ReactionQuerySet.as_manager()

    class Meta:
        abstract = True
        constraints = [models.UniqueConstraint(fields=["user", "asset"], name="%(class)s_once")]
        indexes = [models.Index(fields=["user", "-id"])]

    def __str__(self) -> str:
        return f"{self.user}: {self.asset}"


class Favourite(Reaction):
    """Kept for later."""

    class Meta(Reaction.Meta):
        verbose_name = _("favourite")
        verbose_name_plural = _("favourites")


class Like(Reaction):
    """Thanks to its makers."""

    class Meta(Reaction.Meta):
        verbose_name = _("like")
        verbose_name_plural = _("likes")


class Subscription(Reaction):
    """Taken into use: its subscriber is told of new versions and when it leaves the shelf."""

    class Meta(Reaction.Meta):
        verbose_name = _("subscription")
        verbose_name_plural = _("subscriptions")


class DownloadRecord(models.Model):
    """When somebody signed in first and last fetched content of an asset."""

    asset = models.ForeignKey("assets.Asset", on_delete=models.CASCADE, related_name="download_records")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    first_at = models.DateTimeField(default=timezone.now, editable=False)
    last_at = models.DateTimeField(default=timezone.now)

    objects = ReactionQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "asset"], name="download_record_once")]
        indexes = [models.Index(fields=["user", "-last_at"])]

    def __str__(self) -> str:
        return f"{self.user} fetched {self.asset}"


class DailyViews(models.Model):
    """How many viewers opened the page of an asset on a day (UTC); one viewer counts once a day."""

    asset = models.ForeignKey("assets.Asset", on_delete=models.CASCADE, related_name="daily_views")
    day = models.DateField()
    count = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["asset", "day"], name="views_once_a_day")]

    def __str__(self) -> str:
        return f"{self.day}: {self.count}"

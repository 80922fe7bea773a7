"""Ordered lists of assets that people put together."""

import secrets
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from assets.models.assets import Asset


def new_slug() -> str:
    """Return an address that cannot be guessed, so that a private collection's existence stays its owner's."""
    return secrets.token_urlsafe(9)


class CollectionQuerySet(models.QuerySet["Collection"]):
    def for_user(self, user: Any) -> Self:
        """Return the collections `user` may see: public ones and their own, each carrying whether it is `mine`."""
        token = getattr(user, "token", None)
        own = Q(owner=user.pk) if user.is_authenticated and (token is None or token.scope != "fine") else Q(pk__in=[])
        writes = token is None or token.scope == "write"
        mine = models.Case(models.When(own, then=models.Value(writes)), default=models.Value(False), output_field=models.BooleanField())
        return self.annotate(mine=mine).filter(Q(public=True) | own)


class Collection(models.Model):
    """An ordered list of assets with notes, of one person. `mine` is set by `for_user` only."""

    mine: bool

    slug = models.CharField(max_length=16, unique=True, default=new_slug, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="collections")
    title = models.CharField(_("title"), max_length=100)
    description = models.CharField(_("description"), max_length=500, blank=True)
    public = models.BooleanField(_("public"), default=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now)

    objects = CollectionQuerySet.as_manager()

    class Meta:
        verbose_name = _("collection")
        verbose_name_plural = _("collections")
        indexes = [models.Index(fields=["owner", "-updated_at", "-id"])]

    def __str__(self) -> str:
        return self.title

    @property
    def allowed(self) -> frozenset[str]:
        """The verbs this viewer may use; an error on rows not read through `for_user`."""
        return frozenset({"view", "edit"}) if self.mine else frozenset({"view"})

    def get_absolute_url(self) -> str:
        return f"/collections/{self.slug}"


class CollectionItemQuerySet(models.QuerySet["CollectionItem"]):
    def for_user(self, user: Any) -> Self:
        """Return, in their order, the items of collections that `user` may see whose assets they may see too."""
        collections, assets = Collection.objects.for_user(user), Asset.objects.for_user(user)
        return self.filter(collection__in=collections.values("pk"), asset__in=assets.values("pk"))


class CollectionItem(models.Model):
    """An asset at its place in a collection. Places have gaps, and what a viewer may not see keeps its own."""

    collection = models.ForeignKey(Collection, on_delete=models.CASCADE, related_name="items")
    asset = models.ForeignKey("assets.Asset", on_delete=models.CASCADE, related_name="+")
    position = models.PositiveIntegerField()
    note = models.CharField(_("note"), max_length=500, blank=True)

    objects = CollectionItemQuerySet.as_manager()

    class Meta:
        ordering = ["position", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["collection", "asset"], name="collection_item_once"),
            models.UniqueConstraint(
                fields=["collection", "position"], name="collection_position_once", deferrable=models.Deferrable.DEFERRED
            ),
        ]

    def __str__(self) -> str:
        return f"{self.position}: {self.asset}"

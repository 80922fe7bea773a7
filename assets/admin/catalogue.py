"""Assets and collections: looked at here, changed on their own pages; staff give the marks."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from assets.models import Asset, AssetRedirect, Collection, CollectionItem
from assets.services.marks import set_marks
from core.administration import Act, Administration, ShownInline


def _marking(name: str, label: Any, mark: str, value: bool) -> Act:
    def service(*, actor: User, asset: Asset) -> None:
        set_marks(asset=asset, actor=actor, marks={mark: value})

    return Act(name, label, service, "asset", "assets.change_asset", applies=lambda asset: getattr(asset, mark) is not value)


class RedirectInline(ShownInline):
    model = AssetRedirect
    fields = readonly_fields = ("namespace", "name")
    verbose_name_plural = _("former addresses")


@admin.register(Asset)
class AssetAdministration(Administration):
    fields = [
        "page", "kind", "namespace", "name", "title_zh", "description", "state", "visibility", "availability", "published_at",
        "official", "featured", "commercial", "licence", "task", "tags", "downloads", "views", "favourites", "likes", "subscriptions",
        "creator", "created_at", "updated_at",
    ]  # fmt: skip
    readonly_fields = ["page"]
    list_display = ["name", "namespace", "kind", "state", "visibility", "availability", "official", "featured", "commercial", "page"]
    list_filter = ["kind", "state", "visibility", "availability", "official", "featured", "commercial"]
    list_select_related = ["namespace"]
    search_fields = ["name", "title_zh", "namespace__handle"]
    ordering = ["-updated_at"]
    inlines = [RedirectInline]
    acts = [
        _marking("official", _("Mark as official"), "official", True),
        _marking("unofficial", _("Take the official mark away"), "official", False),
        _marking("featured", _("Mark as featured"), "featured", True),
        _marking("unfeatured", _("Take the featured mark away"), "featured", False),
        _marking("commercial", _("Mark as commercial"), "commercial", True),
        _marking("uncommercial", _("Take the commercial mark away"), "commercial", False),
    ]

    @admin.display(description=_("page"))
    def page(self, asset: Asset) -> SafeString:
        return format_html('<a href="{}">{}</a>', asset.get_absolute_url(), asset.repo_id)


class ItemInline(ShownInline):
    model = CollectionItem
    fields = readonly_fields = ("position", "asset", "note")
    verbose_name_plural = _("items")

    def get_queryset(self, request: HttpRequest) -> QuerySet[CollectionItem]:
        return CollectionItem.objects.select_related("asset__namespace")


@admin.register(Collection)
class CollectionAdministration(Administration):
    list_display = ["title", "owner", "public", "created_at", "updated_at"]
    list_filter = ["public"]
    list_select_related = ["owner"]
    search_fields = ["title", "owner__handle"]
    ordering = ["-updated_at"]
    inlines = [ItemInline]

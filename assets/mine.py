"""The assets of My Gallery: what is one's own, and what one keeps, subscribes to or has fetched."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count, F, FilteredRelation, Model, Q
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from accounts.menu import Entry
from accounts.models import User
from accounts.permissions import MemberRole
from assets.labels import Card, cards
from assets.models import Asset, DownloadRecord, Favourite, Submission, Subscription
from assets.models.assets import AssetQuerySet
from assets.vocabulary import Terms
from core.paging import Order, Page, Pager, page_or_first

PAGE_SIZE = 24
NEWEST = Order("newest", "marked_at", kind=datetime)


@dataclass(frozen=True)
class Kept:
    """A list that fills itself by what people do: where its rows are, and the moment that orders it."""

    rows: type[Model]
    relation: str
    moment: str


LISTS = {
    "favourites": Kept(Favourite, "favourite_rows", "created_at"),
    "subscriptions": Kept(Subscription, "subscription_rows", "created_at"),
    "downloads": Kept(DownloadRecord, "download_records", "last_at"),
}


def own_assets(user: Any) -> AssetQuerySet:
    """Return what belongs to `user`, or to an organisation to which they contribute."""
    return Asset.objects.for_user(user).of_members(user, MemberRole.CONTRIBUTOR)


def kept_assets(user: Any, name: str) -> AssetQuerySet:
    """Return the assets of the list `name` that `user` may still see, each with `marked_at`."""
    kept = LISTS[name]
    own = FilteredRelation(kept.relation, condition=Q(**{f"{kept.relation}__user": user.pk}))
    rows = Asset.objects.for_user(user).filter(pk__in=_rows(user, name).values("asset"))
    return rows.annotate(own=own).annotate(marked_at=F(f"own__{kept.moment}"))


def unseen_count(user: Any, name: str, kind: str = "") -> int:
    """Return how many assets of the list `user` may not see any more; that number is all there is to know of them."""
    rows, seen = _rows(user, name), kept_assets(user, name)
    if kind:
        rows, seen = rows.filter(asset__kind=kind), seen.of_kind(kind)
    return int(rows.count() - seen.count())


def _rows(user: Any, name: str) -> Any:
    rows: Any = LISTS[name].rows._default_manager
    return rows.of(user).order_by()


class MyList(Pager):
    """A page of one of the `LISTS` for the person behind `request`. `kind` is empty where the list shows all kinds at once."""

    def __init__(self, request: HttpRequest, name: str, *, every_kind: bool = False) -> None:
        self.user, self.name = request.user, name
        self.path = f"/me/{name}"
        self.parameters = request.GET
        given = request.GET.get("kind", "")
        self.kind = given if given in Asset.Kind.values else "" if every_kind else Asset.Kind.MODEL.value
        self.every_kind = every_kind
        self.notices: list[str] = []

    @cached_property
    def page(self) -> Page[Asset]:
        """The rows of this page, the latest first; an address of another list leads to the first page, with a notice."""
        rows = kept_assets(self.user, self.name).whole().marked_by(self.user)
        rows = rows.of_kind(self.kind) if self.kind else rows
        return page_or_first(rows, NEWEST, cursor=self.parameters.get("cursor", ""), limit=PAGE_SIZE, notices=self.notices)

    @cached_property
    def cards(self) -> list[Card]:
        """The rows of this page as cards."""
        return cards(self.page.rows, Terms.load())

    @cached_property
    def counts(self) -> dict[str, int]:
        """How many assets of each kind the list shows."""
        rows = kept_assets(self.user, self.name).order_by().values_list("kind").annotate(count=Count("pk"))
        return dict.fromkeys(Asset.Kind.values, 0) | dict(rows)

    @cached_property
    def count(self) -> int:
        """How many of them are in sight of the present tab."""
        return self.counts[self.kind] if self.kind else sum(self.counts.values())

    @cached_property
    def unseen(self) -> int:
        """How many more there are that the person may not see any more."""
        rows = _rows(self.user, self.name)
        return int((rows.filter(asset__kind=self.kind) if self.kind else rows).count()) - self.count

    @property
    def tabs(self) -> list[dict[str, Any]]:
        """The kinds, with how many there are."""
        found = [kind_tab(self.path, kind, count, self.kind) for kind, count in self.counts.items()]
        every = {"text": pgettext("every kind", "All"), "address": self.path, "count": sum(self.counts.values()), "current": not self.kind}
        return [every, *found] if self.every_kind else found

    def _address(self, cursor: str) -> str:
        return f"{self.path}?{urlencode({'kind': self.kind, 'cursor': cursor} if self.kind else {'cursor': cursor})}"


def kind_tab(path: str, kind: str, count: int, current: str) -> dict[str, Any]:
    """Return a tab that shows one kind of a list."""
    name = _("Models") if kind == Asset.Kind.MODEL else _("Datasets")
    return {"text": name, "address": f"{path}?kind={kind}", "count": count, "current": kind == current}


def ways(kind: str, current: str) -> list[tuple[str, str, bool]]:
    """Return how assets of a kind came to a person, as links between the lists: the words, the address, whether it is this one."""
    names = {
        "assets": pgettext("assets by their way to a person", "Created"),
        "subscriptions": pgettext("assets by their way to a person", "Subscribed"),
        "downloads": pgettext("assets by their way to a person", "Downloaded"),
    }
    return [(text, f"/me/{name}?kind={kind}", name == current) for name, text in names.items()]


def rejections(assets: Iterable[Asset]) -> list[tuple[Asset, str]]:
    """Return those of `assets`, read for a member of their owner, that were turned down, each with the reason."""
    rejected = {asset.pk: asset for asset in assets if asset.state == Asset.State.REJECTED}
    if not rejected:
        return []
    found = Submission.objects.filter(asset__in=rejected, state=Submission.State.REJECTED).order_by("asset", "-pk").distinct("asset")
    return [(rejected[row.asset_id], row.reason) for row in found]


def entries(user: User) -> list[Entry]:
    """Return the lines of the rail."""
    return [
        Entry("assets", gettext_lazy("My assets"), "cube", "/me/assets", position=10),
        Entry("assets", gettext_lazy("Subscriptions"), "bell", "/me/subscriptions", position=20),
        Entry("assets", gettext_lazy("Downloads"), "download", "/me/downloads", position=30),
        Entry("assets", gettext_lazy("Favourites"), "heart", "/me/favourites", position=40),
        Entry("assets", gettext_lazy("Collections"), "list-numbers", "/me/collections", position=50),
    ]

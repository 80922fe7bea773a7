"""A page of the catalogue: what was asked for, what was found, and where to go from there."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from django.http import HttpRequest, QueryDict
from django.utils.translation import gettext as _

from assets.facets import Facet, Tally, count, facets, parameters_of, value_name
from assets.filters import DEFAULT_SORT, AssetFilter
from assets.labels import Card, cards
from assets.models import Asset
from assets.models.assets import AssetQuerySet
from assets.vocabulary import Terms
from core.paging import Page, page_or_first

PAGE_SIZE = 24


class Chip(NamedTuple):
    """One filter in use, and the address without it."""

    name: str
    url: str


class Sort(NamedTuple):
    """One sort of the list; `chosen` for the present one."""

    code: str
    name: str
    chosen: bool


@dataclass(frozen=True)
class Relaxation:
    """A filter that, dropped, would show `count` assets."""

    chip: Chip
    count: int


class Catalogue:
    """The assets of one kind that a viewer asked for. Nothing is read before it is shown, and then once.

    `path` is the address without parameters, `fixed` holds parameters that stay whatever is chosen. Parameters that were not understood are left out and named in `notices`.
    """

    def __init__(self, request: HttpRequest, kind: str, visible: AssetQuerySet, *, path: str, fixed: dict[str, str] | None = None) -> None:
        self.kind, self.visible, self.path, self.fixed = kind, visible, path, fixed or {}
        self.parameters = request.GET
        self.user = request.user
        self.terms = Terms.load()
        self.filterset = AssetFilter(request.GET, visible, request=request, terms=self.terms)
        self.notices = [
            _("“%(parameter)s” was left out: %(reason)s") % {"parameter": name, "reason": reasons[0]}
            for name, reasons in self.filterset.form.errors.items()
        ]
        self.found: AssetQuerySet = self.filterset.filter_queryset(visible)

    @cached_property
    def page(self) -> Page[Asset]:
        """The rows of this page; an address of another list leads to the first page, with a notice."""
        rows, order = self.found.whole().marked_by(self.user), self.filterset.order
        return page_or_first(rows, order, cursor=self.parameters.get("cursor", ""), limit=PAGE_SIZE, notices=self.notices)

    @cached_property
    def cards(self) -> list[Card]:
        """The rows of this page as cards."""
        return cards(self.page.rows, self.terms)

    @cached_property
    def total(self) -> int:
        """How many assets of the kind the viewer may see."""
        return self.visible.count() if self.filterset.chosen else self.count

    @cached_property
    def count(self) -> int:
        """How many of them match."""
        return self._tally.matching

    @cached_property
    def _tally(self) -> Tally:
        return count(parameters_of(self.kind, signed_in=self.user.is_authenticated), self.filterset, self.visible)

    @cached_property
    def facets(self) -> list[Facet]:
        """The panel of choices."""
        return facets(self.filterset, self._tally)

    @property
    def view(self) -> str:
        """`cards` or `table`."""
        return "table" if self.parameters.get("view") == "table" else "cards"

    @property
    def query(self) -> str:
        """The words searched for, as typed."""
        return self.parameters.get("q", "")

    @cached_property
    def chips(self) -> list[Chip]:
        """The filters in use, each with the address that drops it."""
        found = []
        for parameter, values in self.filterset.chosen.items():
            for value in values:
                name = _("“%(words)s”") % {"words": value} if parameter == "q" else value_name(parameter, value, self.terms)
                found.append(Chip(name, self._address(drop=(parameter, value))))
        return found

    @property
    def sort_choices(self) -> list[Sort]:
        """The sorts of the list in words, the chosen one marked."""
        names = {
            "updated": _("Recently updated"),
            "published": _("Recently published"),
            "created": _("Newest"),
            "downloads": _("Most downloads"),
            "favourites": _("Most favourites"),
            "views": _("Most views"),
            "subscriptions": _("Most subscriptions"),
            "name": _("Name A–Z"),
        }
        chosen = self.filterset.order.code
        return [Sort(code, name, code == chosen) for code, name in names.items()]

    @cached_property
    def relaxations(self) -> list[Relaxation]:
        """For a list without rows: each parameter in use with what dropping it would show, the most first."""
        if self.count:
            return []
        found = []
        for parameter, values in self.filterset.chosen.items():
            number = self.filterset.filter_queryset(self.visible, without=parameter).count()
            if number:
                name = ", ".join(value_name(parameter, value, self.terms) for value in values)
                found.append(Relaxation(Chip(name, self._address(drop=(parameter, None))), number))
        return sorted(found, key=lambda relaxation: -relaxation.count)[:3]

    @property
    def address(self) -> str:
        """The address of this list, with what is in use and nothing else."""
        return self._address(cursor=self.parameters.get("cursor", ""))

    @property
    def clear_url(self) -> str:
        """The address without any filter; view and sort stay."""
        return self._address(drop=("*", None))

    @property
    def cards_url(self) -> str:
        return self._address(view="cards")

    @property
    def table_url(self) -> str:
        return self._address(view="table")

    @property
    def next_url(self) -> str:
        return self._address(cursor=self.page.next) if self.page.next else ""

    @property
    def previous_url(self) -> str:
        return self._address(cursor=self.page.previous) if self.page.previous else ""

    @property
    def sort_heads(self) -> dict[str, dict[str, str]]:
        """For the heads of table columns: the address that sorts by it or turns the present sort round, `aria-sort` and an icon."""
        order = self.filterset.order
        heads = {}
        for code in ("name", "downloads", "favourites", "updated"):
            here = order.code.lstrip("-") == code
            heads[code] = {
                "url": self._address(sort=f"-{code}" if order.code == code else code),
                "direction": ("descending" if order.descending else "ascending") if here else "",
                "icon": ("chevron-down" if order.descending else "chevron-up") if here else "",
            }
        return heads

    @property
    def kept(self) -> list[tuple[str, str]]:
        """Parameters that a change of filters keeps."""
        return [("view", "table")] if self.view == "table" else []

    def _address(self, *, drop: tuple[str, str | None] | None = None, cursor: str = "", view: str = "", sort: str = "") -> str:
        query = QueryDict(mutable=True)
        query.update(self.fixed)
        for parameter, values in self.filterset.chosen.items():
            gone = drop and drop[0] in ("*", parameter)
            kept = [value for value in values if drop and drop[1] is not None and value != drop[1]] if gone else values
            if kept:
                query.setlist(parameter, kept)
        chosen: dict[str, Any] = {"sort": sort or self.filterset.order.code, "view": view or self.view, "cursor": cursor}
        usual = {"sort": DEFAULT_SORT, "view": "cards", "cursor": ""}
        query.update({name: value for name, value in chosen.items() if value != usual[name]})
        return f"{self.path}?{query.urlencode()}" if query else self.path

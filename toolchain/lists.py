"""A page of what belongs to a person and to their organisations: what was asked for, what was found, and where to go from there."""

from collections import Counter
from functools import cached_property
from typing import Any, ClassVar, Generic, TypeVar

from django.db.models import Count, Q
from django.http import HttpRequest, QueryDict

from accounts.models import AccessToken, Namespace
from assets.places import places_for
from core.paging import Page, Pager, page_or_first
from toolchain.filters import OwnedFilter
from toolchain.models import Owned

M = TypeVar("M", bound=Owned)
PAGE_SIZE = 30


def members_of(user: Any) -> Any:
    """Return the namespaces whose work `user` may see: their own and those of their organisations; with a token of scope `fine` none."""
    near = Q(pk=user.pk) | Q(organisation__memberships__user=user.pk)
    rows = Namespace.objects.for_user(user).filter(near).distinct().order_by("handle")
    token = getattr(user, "token", None)
    return rows.none() if token is not None and token.scope == AccessToken.Scope.FINE else rows


class OwnedList(Pager, Generic[M]):
    """The rows of `kind` that the person behind `request` may see. Parameters that were not understood are left out and named in `notices`."""

    kind: ClassVar[Any]
    filters: ClassVar[type[OwnedFilter]]

    def __init__(self, request: HttpRequest) -> None:
        self.user: Any = request.user
        self.notices: list[str] = []
        self.given: QueryDict = request.GET
        self.filterset = self._filtered()
        if not self.filterset.is_valid():
            bad = dict(self.filterset.errors)
            self.notices += [str(message) for messages in bad.values() for message in messages]
            self.given = request.GET.copy()
            for name in bad:
                self.given.pop(name, None)
            self.filterset = self._filtered()

    def _filtered(self) -> OwnedFilter:
        return self.filters(self.given, queryset=self.kind.objects.for_user(self.user).whole())

    @property
    def query(self) -> str:
        return self.given.get("q", "")

    @property
    def states(self) -> list[tuple[str, Any, bool]]:
        """The states to choose from."""
        chosen = self.given.getlist("state")
        return [(value, name, value in chosen) for value, name in self.kind.State.choices]

    @cached_property
    def places(self) -> list[tuple[str, str, bool]]:
        """The namespaces to choose from, where there is more than one's own."""
        chosen = {handle.lower() for handle in self.given.getlist("namespace")}
        return [(row.handle, row.name, row.handle.lower() in chosen) for row in members_of(self.user)]

    @property
    def is_narrowed(self) -> bool:
        return any(value for name in ("q", "state", "namespace", "model") for value in self.given.getlist(name))

    @cached_property
    def page(self) -> Page[M]:
        """The rows of this page; an address of another list leads to the first page, with a notice."""
        return page_or_first(self.found(), self.filterset.order, cursor=self.given.get("cursor", ""), limit=PAGE_SIZE, notices=self.notices)

    def found(self) -> Any:
        """Return all rows that were asked for."""
        return self.filterset.qs

    @property
    def moves(self) -> bool:
        """Whether something of this page changes by itself."""
        return any(row.active for row in self.page.rows)  # type: ignore[attr-defined]

    @cached_property
    def counts(self) -> Counter[str]:
        """How many rows there are of each state, whatever is filtered."""
        return Counter(dict(self.kind.objects.for_user(self.user).order_by().values_list("state").annotate(count=Count("pk"))))

    @property
    def may_start(self) -> bool:
        """Whether there is a namespace in which the person may begin another one."""
        return bool(places_for(self.user))

    @property
    def address(self) -> str:
        """The address of this page, without what is empty."""
        kept = QueryDict(mutable=True)
        for name, values in self.given.lists():
            if found := [str(value) for value in values if value]:
                kept.setlist(name, found)
        return f"{self.path}?{kept.urlencode()}" if kept else self.path

"""Finding what belongs to a namespace by plain parameters, for the page and REST alike."""

from datetime import datetime
from typing import Any, ClassVar

import django_filters
from django import forms
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from assets.filters import WordsFilter
from core.paging import Order

ORDERS = {
    "-created": Order("-created", "created_at", descending=True, kind=datetime),
    "created": Order("created", "created_at", descending=False, kind=datetime),
}
DEFAULT_SORT = "-created"


class StateFilter(WordsFilter):
    def condition(self, values: list[str], filterset: Any) -> Q:
        return Q(state__in=values)


class NamespaceFilter(WordsFilter):
    def condition(self, values: list[str], filterset: Any) -> Q:
        found = Q()
        for handle in values:
            found |= Q(namespace__handle__iexact=handle)
        return found


class OwnedFilter(django_filters.FilterSet):  # type: ignore[misc]
    """`q` looks into the columns `named`. Subclasses name their model in `Meta`, with a `State` of its own."""

    named: ClassVar[tuple[str, ...]] = ("name",)

    q = django_filters.CharFilter(method="matching", max_length=200, label=_("Words"))
    state = StateFilter(match="state", label=_("Status"))
    namespace = NamespaceFilter(match="namespace", label=_("Owner"))
    model = django_filters.CharFilter(field_name="model_name", lookup_expr="iexact", max_length=200, label=_("Model"))
    sort = django_filters.ChoiceFilter(
        method="leave", choices=[(code, code) for code in ORDERS], label=_("Sort"), empty_label=None, null_label=None
    )

    class Meta:
        fields: list[str] = []
        form = forms.Form

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.filters["state"].extra["known"] = self._meta.model.State.values

    @property
    def order(self) -> Order:
        """The sort that was asked for."""
        given = self.data.get("sort", "") if self.data else ""
        return ORDERS.get(given, ORDERS[DEFAULT_SORT])

    def matching(self, rows: Any, name: str, words: str) -> Any:
        """Return the rows that `words` may mean."""
        words = words.strip().replace("\0", "")
        found = Q()
        for column in self.named:
            found |= Q(**{f"{column}__icontains": words})
        return rows.filter(found) if words else rows

    def leave(self, rows: Any, name: str, value: str) -> Any:
        """Return the rows as they are: the page follows `order`."""
        return rows

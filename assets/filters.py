"""Finding assets by plain parameters: one set of filters and one list of sorts, for the catalogue pages and REST alike."""

from collections.abc import Sequence
from datetime import datetime
from functools import reduce
from operator import and_, or_
from typing import Any

import django_filters
from django import forms
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import ProhibitNullCharactersValidator
from django.db.models import Case, CharField, F, Func, Q, Value, When
from django.db.models.functions import Upper
from django.db.models.lookups import IContains
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field

from assets.addresses import spellings
from assets.models import Asset, Term
from assets.models.assets import PUBLISHED_OR_NEVER, AssetQuerySet
from assets.vocabulary import Terms
from core.paging import Order

V = Term.Vocabulary
MOST_VALUES, LONGEST = 30, 200

ORDERS = {
    order.code: order
    for order in (
        Order("updated", "updated_at", descending=True, kind=datetime),
        Order("created", "created_at", descending=True, kind=datetime),
        Order("published", "sort_published", descending=True, kind=datetime),
        Order("downloads", "downloads", descending=True, kind=int),
        Order("favourites", "favourites", descending=True, kind=int),
        Order("views", "views", descending=True, kind=int),
        Order("subscriptions", "subscriptions", descending=True, kind=int),
        Order("name", "sort_name", descending=False),
        Order("-updated", "updated_at", descending=False, kind=datetime),
        Order("-created", "created_at", descending=False, kind=datetime),
        Order("-published", "sort_published", descending=False, kind=datetime),
        Order("-downloads", "downloads", descending=False, kind=int),
        Order("-favourites", "favourites", descending=False, kind=int),
        Order("-views", "views", descending=False, kind=int),
        Order("-subscriptions", "subscriptions", descending=False, kind=int),
        Order("-name", "sort_name", descending=True),
    )
}
"""Every sort, by its word in addresses. All but `name` begin with the newest or the most; a leading minus turns a sort round."""

SORTED_BY: dict[str, Any] = {
    "sort_name": Upper("name"),
    "sort_published": PUBLISHED_OR_NEVER,
}
"""The annotations that sorts follow."""

DEFAULT_SORT = "updated"

MARKED = {
    "official": Q(official=True) | Q(namespace__official=True),
    "featured": Q(featured=True),
    "commercial": Q(commercial=True),
}
"""What gives an asset each mark."""

MARKS = Func(
    *(Case(When(condition, then=Value(mark)), default=Value("")) for mark, condition in MARKED.items()),
    template="ARRAY[%(expressions)s]",
    output_field=ArrayField(CharField()),
)
"""The marks of a row, empty texts where it has none."""


class WordsField(forms.Field):
    """Several values of one parameter, as a list without repetitions; `vocabulary` or `known` says which words they must be, if any."""

    widget = forms.SelectMultiple
    default_error_messages = {
        "too_many": _("Use at most %(most)s values."),
        "too_long": _("Use at most %(most)s characters a value."),
        "unknown_value": _("“%(word)s” is not a known value."),
    }

    def __init__(self, *, vocabulary: str = "", known: Sequence[str] = (), **kwargs: Any) -> None:
        self.vocabulary, self.known = vocabulary, known
        super().__init__(**kwargs)

    def to_python(self, value: Any) -> list[str]:
        words = list(dict.fromkeys(word.strip() for word in value or [] if word.strip()))
        if len(words) > MOST_VALUES:
            raise ValidationError(self.error_messages["too_many"], code="too_many", params={"most": MOST_VALUES})
        for word in words:
            if len(word) > LONGEST:
                raise ValidationError(self.error_messages["too_long"], code="too_long", params={"most": LONGEST})
            ProhibitNullCharactersValidator()(word)
            if self.known and word not in self.known:
                raise ValidationError(self.error_messages["unknown_value"], code="unknown_value", params={"word": word})
        return words


@extend_schema_field({"type": "array", "items": {"type": "string"}})
class WordsFilter(django_filters.Filter):  # type: ignore[misc]
    """Rows that have any of the given values."""

    field_class = WordsField

    def __init__(self, *, match: str, vocabulary: str = "", **kwargs: Any) -> None:
        self.match = match
        super().__init__(vocabulary=vocabulary, **kwargs)

    def filter(self, qs: AssetQuerySet, value: Sequence[str] | None) -> AssetQuerySet:
        return qs.filter(self.condition(list(value), self.parent)) if value else qs

    def condition(self, values: list[str], filterset: "AssetFilter") -> Q:
        """Return what must hold for one of `values`."""
        return Q(**{self.match: values})


class MarkFilter(WordsFilter):
    def condition(self, values: list[str], filterset: "AssetFilter") -> Q:
        return reduce(or_, (MARKED[value] for value in values))


class ModalityFilter(WordsFilter):
    def condition(self, values: list[str], filterset: "AssetFilter") -> Q:
        return Q(task__in=[task.code for modality in values for task in filterset.terms.tasks_of(modality)])


class OwnerFilter(WordsFilter):
    def condition(self, values: list[str], filterset: "AssetFilter") -> Q:
        return reduce(or_, (Q(namespace__handle__iexact=handle) for handle in values))


class LineageFilter(WordsFilter):
    """Rows whose cards name an asset of `kind`, also by an address that it had before."""

    def __init__(self, *, kind: str, **kwargs: Any) -> None:
        self.kind = kind
        super().__init__(**kwargs)

    def condition(self, values: list[str], filterset: "AssetFilter") -> Q:
        names = list(values)
        for repo_id in values:
            namespace, slash, name = repo_id.partition("/")
            if slash and (asset := Asset.objects.for_user(filterset.user).of_kind(self.kind).named(namespace, name).whole().first()):
                names += spellings(asset)
        return Q(**{self.match: names})


class AssetForm(forms.Form):
    """Checks words against the vocabularies; the good ones stay usable beside a bad one, for pages that leave bad ones out."""

    terms: Terms

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        for name, field in self.fields.items():
            vocabulary = getattr(field, "vocabulary", "")
            if not vocabulary or not cleaned.get(name):
                continue
            known = {word: self.terms.find(vocabulary, word) for word in cleaned[name]}
            if bad := [word for word, term in known.items() if term is None]:
                self.add_error(name, ValidationError(_("“%(word)s” is not a known value."), code="unknown_value", params={"word": bad[0]}))
            self.cleaned_data[name] = list(dict.fromkeys(term.code for term in known.values() if term))
        return self.cleaned_data


class AssetFilter(django_filters.FilterSet):  # type: ignore[misc]
    """Several values of one parameter widen the list, several parameters narrow it.

    `user` is the viewer the rows were read for; `terms` the vocabularies, loaded when not given.
    """

    q = django_filters.CharFilter(
        method="search", max_length=LONGEST, help_text=_("Words that must all occur in name, description, owner or tags.")
    )
    task = WordsFilter(match="task__in", vocabulary=V.TASK)
    modality = ModalityFilter(match="task__in", vocabulary=V.MODALITY)
    licence = WordsFilter(match="licence__in", vocabulary=V.LICENCE)
    language = WordsFilter(match="languages__overlap", vocabulary=V.LANGUAGE)
    framework = WordsFilter(match="frameworks__overlap", vocabulary=V.FRAMEWORK)
    hardware = WordsFilter(match="hardware__overlap", vocabulary=V.HARDWARE)
    industry = WordsFilter(match="industry__in", vocabulary=V.INDUSTRY)
    platform = WordsFilter(match="platform__in", vocabulary=V.PLATFORM)
    tag = WordsFilter(match="tags__overlap")
    base_model = LineageFilter(match="base_models__overlap", kind=Asset.Kind.MODEL, help_text=_("Repo ids of models it was made from."))
    dataset = LineageFilter(match="datasets__overlap", kind=Asset.Kind.DATASET, help_text=_("Repo ids of datasets it was trained on."))
    owner = OwnerFilter(match="namespace", help_text=_("Handles of users or organisations."))
    mark = MarkFilter(match="official", known=list(MARKED), help_text=_("official (also by its owner), featured or commercial."))
    availability = django_filters.ChoiceFilter(choices=Asset.Availability.choices)
    safety = WordsFilter(
        match="safety__in", known=Asset.Safety.values, help_text=_("The gravest verdict on a file: safe, caution, dangerous or unscanned.")
    )
    state = django_filters.ChoiceFilter(choices=Asset.State.choices)
    sort = django_filters.ChoiceFilter(
        method="keep", choices=[(code, code) for code in ORDERS], help_text=_("A leading minus turns the sort round.")
    )

    class Meta:
        model = Asset
        fields: list[str] = []
        form = AssetForm

    def __init__(
        self, data: Any = None, queryset: Any = None, *, request: Any = None, prefix: str | None = None, terms: Terms | None = None
    ) -> None:
        super().__init__(data, queryset, request=request, prefix=prefix)
        self.is_bound = True
        self.data = data if data is not None else {}
        self._terms = terms

    @property
    def terms(self) -> Terms:
        """The vocabularies, loaded once."""
        if self._terms is None:
            self._terms = Terms.load()
        return self._terms

    @property
    def user(self) -> Any:
        """The viewer of the request."""
        return self.request.user

    def get_form_class(self) -> type[forms.Form]:
        form: type[AssetForm] = super().get_form_class()
        form.terms = self.terms
        return form

    @property
    def order(self) -> Order:
        """The chosen sort, the newest change first where there is none."""
        self.form.is_valid()
        return ORDERS[self.form.cleaned_data.get("sort") or DEFAULT_SORT]

    @property
    def chosen(self) -> dict[str, list[str]]:
        """The values in use by parameter, without `sort`; only those that were understood."""
        self.form.is_valid()
        found = {name: value for name, value in self.form.cleaned_data.items() if value and name != "sort"}
        return {name: value if isinstance(value, list) else [value] for name, value in found.items()}

    def filter_queryset(self, queryset: AssetQuerySet, *, without: str = "") -> AssetQuerySet:
        """Return the rows that match every parameter that was understood, leaving out the parameter `without`."""
        self.form.is_valid()
        for name, found in self.filters.items():
            if name != without and name in self.form.cleaned_data:
                queryset = found.filter(queryset, self.form.cleaned_data[name])
        field = self.order.field
        return queryset.annotate(**{field: SORTED_BY[field]}) if field in SORTED_BY else queryset

    def search(self, queryset: AssetQuerySet, name: str, value: str) -> AssetQuerySet:
        """Return the rows in which every word of `value` occurs somewhere."""
        return queryset.filter(search_condition(value))

    def keep(self, queryset: AssetQuerySet, name: str, value: Any) -> AssetQuerySet:
        """Return all rows; the parameter is about their order."""
        return queryset


def search_condition(text: str) -> Q:
    """Return the condition that each word of `text` occurs in the names, description, owner or tags, in any case."""
    tags = Func(F("tags"), Value(" "), function="array_to_string", output_field=CharField())
    places = ("name", "title_zh", "description", "namespace__handle", "namespace__nickname")
    # One text a row, whose case is folded once. Words hold no blanks, so none is found across two places.
    everything = Func(Value(" "), *(F(place) for place in places), tags, function="concat_ws", output_field=CharField())
    return reduce(and_, (Q(IContains(everything, word)) for word in text.split()), Q())

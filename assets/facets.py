"""The facet panel: which values there are to choose from, and how many assets each would show."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.utils.translation import gettext as _

from assets.filters import MARKS, AssetFilter
from assets.models import Asset, Term
from assets.models.assets import AssetQuerySet
from assets.vocabulary import Terms

V = Term.Vocabulary
SHOWN = 8
"""Values a facet shows before “Show more”."""


class Option(NamedTuple):
    """One value of a facet; `number` is how many assets it would show beside the other facets' choices."""

    value: str
    text: str
    number: int
    checked: bool


@dataclass(frozen=True)
class Facet:
    """One folding part of the panel, as `components/facets.html` takes it: `sections` are options under headings, `more` those
    behind “Show more”."""

    name: str
    title: str
    open: bool
    chips: bool
    options: Sequence[Option]
    sections: Sequence[tuple[str, Sequence[Option]]]
    more: Sequence[Option]


@dataclass(frozen=True)
class _Source:
    """Where a facet's values stand: a column, or an array with several of them."""

    column: str
    several: bool
    vocabulary: str = ""


SOURCES = {
    "task": _Source("task", False, V.TASK),
    "hardware": _Source("hardware", True, V.HARDWARE),
    "licence": _Source("licence", False, V.LICENCE),
    "framework": _Source("frameworks", True, V.FRAMEWORK),
    "language": _Source("languages", True, V.LANGUAGE),
    "industry": _Source("industry", False, V.INDUSTRY),
    "platform": _Source("platform", False, V.PLATFORM),
    "tag": _Source("tags", True),
    "mark": _Source("marks", True),
    "availability": _Source("availability", False),
    "state": _Source("state", False),
    "safety": _Source("safety", False),
}
OF_KIND = {
    Asset.Kind.MODEL: ["task", "hardware", "licence", "framework", "language", "industry", "tag"],
    Asset.Kind.DATASET: ["task", "language", "licence", "platform", "industry", "tag"],
}
CHIPS = ("state", "mark", "availability")
OPEN = {"task", "hardware", *CHIPS}
USUAL: dict[str, set[str]] = {
    "state": {Asset.State.PUBLISHED}, "availability": {Asset.Availability.FREE}, "safety": {Asset.Safety.SAFE, Asset.Safety.UNSCANNED},
}  # fmt: skip
"""Values that alone are no choice."""


@dataclass(frozen=True)
class Tally:
    """How many rows match every parameter in use, and how many each value of a parameter would show beside the others' choices."""

    matching: int
    values: Mapping[str, Counter[str]]


def parameters_of(kind: str, *, signed_in: bool) -> list[str]:
    """Return the parameters that the panel of a kind offers."""
    return (["state"] if signed_in else []) + ["mark", "availability"] + OF_KIND[Asset.Kind(kind)] + ["safety"]


def facets(filterset: AssetFilter, tally: Tally) -> list[Facet]:
    """Return the panel: every parameter that has something to choose."""
    found = []
    for parameter, counts in tally.values.items():
        chosen = filterset.chosen.get(parameter)
        if parameter in USUAL and counts.keys() <= USUAL[parameter] and not chosen:
            continue
        if counts or chosen:
            found.append(_facet(parameter, counts, filterset))
    return found


def count(parameters: Sequence[str], filterset: AssetFilter, rows: AssetQuerySet) -> Tally:
    """Return how many of `rows` there are for each value of `parameters`; one query.

    The parameters that are not in use share their rows, so the database finds those once, whatever the number of facets.
    """
    columns = sorted({SOURCES[parameter].column for parameter in parameters})
    bases: dict[str, str] = {}
    values: list[Any] = []
    parts = []
    for parameter in ["", *parameters]:
        chosen = parameter if filterset.chosen.get(parameter) else ""
        if chosen not in bases:
            try:
                found = filterset.filter_queryset(rows, without=chosen).order_by()
                found = found.annotate(marks=MARKS) if "marks" in columns else found
                sql, given = found.values(*columns).query.sql_with_params()
            except EmptyResultSet:
                continue
            bases[chosen] = f"base{len(bases)} AS MATERIALIZED ({sql})"
            values += given
        base = f"base{list(bases).index(chosen)}"
        if not parameter:
            parts.append(f"SELECT '', '', count(*) FROM {base}")
            continue
        source = SOURCES[parameter]
        place = (
            f"{base}, unnest({base}.{source.column}) AS value"
            if source.several
            else f"(SELECT {source.column} AS value FROM {base}) AS of_{base}"
        )
        parts.append(f"SELECT '{parameter}', value, count(*) FROM {place} WHERE value <> '' GROUP BY value")
    counts: dict[str, Counter[str]] = {parameter: Counter() for parameter in ["", *parameters]}
    if parts:
        with connection.cursor() as cursor:
            cursor.execute(f"WITH {', '.join(bases.values())} {' UNION ALL '.join(parts)}", values)
            for parameter, value, number in cursor.fetchall():
                counts[parameter][value] = number
    return Tally(counts.pop("")[""], counts)


def _facet(parameter: str, counts: Counter[str], filterset: AssetFilter) -> Facet:
    checked = set(filterset.chosen.get(parameter, []))
    names: dict[str, Callable[[], str]] = {
        "task": lambda: _("Task"),
        "hardware": lambda: _("Hardware"),
        "licence": lambda: _("Licence"),
        "framework": lambda: _("Framework"),
        "language": lambda: _("Language"),
        "industry": lambda: _("Industry"),
        "platform": lambda: _("Running platform"),
        "tag": lambda: _("Tags"),
        "mark": lambda: _("Marks"),
        "availability": lambda: _("Availability"),
        "state": lambda: _("Publication"),
        "safety": lambda: _("Safety"),
    }
    terms = filterset.terms
    values = sorted(set(counts) | checked, key=lambda value: (value not in checked, -counts[value], value))
    cut = max(SHOWN, len(checked))
    options = [Option(value, value_name(parameter, value, terms), counts[value], value in checked) for value in values]
    shown, more = sorted(options[:cut], key=lambda option: (-option.number, option.text)), options[cut:]
    sections: list[tuple[str, list[Option]]] = []
    if parameter == "task":
        shown, sections = [], _by_modality(shown, terms)
    return Facet(parameter, names[parameter](), parameter in OPEN or bool(checked), parameter in CHIPS, shown, sections, more)


def _by_modality(options: list[Option], terms: Terms) -> list[tuple[str, list[Option]]]:
    """Return tasks under their modalities, in the order of the vocabulary; unknown ones come last."""
    sections: dict[str, list[Option]] = {modality.name: [] for modality in terms.of(V.MODALITY)}
    for option in options:
        modality = terms.modality(option.value)
        sections.setdefault(modality.name if modality else _("Other"), []).append(option)
    return [(name, found) for name, found in sections.items() if found]


def value_name(parameter: str, value: str, terms: Terms) -> str:
    """Return a value of a parameter in words."""
    if parameter == "state":
        return str(Asset.State(value).label)
    if parameter == "safety":
        return str(Asset.Safety(value).label)
    if parameter == "availability":
        return str(Asset.Availability(value).label)
    if parameter == "mark":
        return {"official": _("Official"), "featured": _("Featured"), "commercial": _("Commercial")}[value]
    if parameter == "modality":
        return terms.name(V.MODALITY, value)
    source = SOURCES.get(parameter)
    return terms.name(source.vocabulary, value) if source and source.vocabulary else value

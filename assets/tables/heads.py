"""The heads of a table's columns: what each holds, drawn and in words, and the ways to sort and filter by it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from assets.tables.asking import Question
from assets.tables.distributions import MEDIA, Distribution, Slice, distribution, figure, missing
from assets.tables.opening import Tables
from core.charts import Bar, linked_bars, linked_stack
from core.numbers import grouped, size
from inspection.models import Sheet

SEGMENTS = 5
NUMERIC = frozenset({"integer", "number"})
SORTABLE = frozenset({"integer", "number", "boolean", "text", "time", "category", "bytes", "list"}) | MEDIA
LONG_NAME = 24


@dataclass(frozen=True)
class Choice:
    """One bar with the way to its rows: `share` is of all rows, in per cent; `url` is empty where no filter can say it."""

    label: str
    count: int
    share: float
    url: str
    chosen: bool
    pigment: str

    @property
    def percent(self) -> str:
        """The share in words."""
        return "0%" if not self.count else "< 0.1%" if self.share < 0.1 else f"{self.share:.1f}%"


@dataclass(frozen=True)
class Head:
    """The head of a column; the addresses keep what else is asked of the table."""

    tables: Tables
    sheet: Sheet
    question: Question
    column: Mapping[str, Any]

    @property
    def name(self) -> str:
        return str(self.column["name"])

    @property
    def kind(self) -> str:
        """What the column holds, as `inspection.tables` names it."""
        return str(self.column.get("kind", "text"))

    @property
    def type(self) -> str:
        """The type as the files state it."""
        return str(self.column.get("type", self.kind))

    @property
    def facts(self) -> Mapping[str, Any]:
        """The statistics of the column, empty where there are none."""
        return self.sheet.statistics.get(self.name, {})  # type: ignore[no-any-return]

    @property
    def is_numeric(self) -> bool:
        return self.kind in NUMERIC

    @property
    def is_wide(self) -> bool:
        """Whether cells need room for sentences."""
        return (self.kind == "text" and self.facts.get("lengths", {}).get("mean", 0) > 30) or self.kind in ("list", "struct", "json")

    @property
    def url(self) -> str:
        """The page of the column."""
        return self._address("preview/column", self.question, column=self.name)

    @property
    def direction(self) -> str:
        """What `aria-sort` says, empty where the rows are not sorted by the column."""
        if self.question.sort != self.name:
            return ""
        return "descending" if self.question.descending else "ascending"

    @property
    def sort_url(self) -> str:
        """Where the rows are sorted by the column, or the other way round, or not at all any more; empty where they cannot be."""
        if self.kind not in SORTABLE:
            return ""
        if self.direction == "descending":
            return self._address("preview", replace(self.question, sort="", descending=False))
        return self._address("preview", replace(self.question, sort=self.name, descending=self.direction == "ascending"))

    @property
    def sorts(self) -> list[tuple[str, str, bool]]:
        """Both ways to sort: words, address, and whether it is the present one."""
        if self.kind not in SORTABLE:
            return []
        words = {"ascending": _("Sort ascending"), "descending": _("Sort descending")}
        return [
            (text, self._address("preview", replace(self.question, sort=self.name, descending=way == "descending")), way == self.direction)
            for way, text in words.items()
        ]

    @cached_property
    def distribution(self) -> Distribution:
        """The bars of the column."""
        return distribution(self.column, self.facts)

    @cached_property
    def choices(self) -> list[Choice]:
        """Every bar with the way to its rows, those without a value last."""
        found = [self._choice(part) for part in self.distribution.slices]
        nulls = self.facts.get("nulls") or 0
        return found + ([self._choice(Slice(_("Missing"), nulls, missing(self.column)))] if nulls else [])

    @property
    def drawing(self) -> SafeString:
        """The distribution as a picture whose parts are links for the pointer."""
        shown = self.distribution
        if not shown.form:
            return mark_safe("")
        bars = [self._bar(choice) for choice in self.choices[: len(shown.slices)]]
        if shown.form == "bars":
            return mark_safe(linked_bars(bars, shown.pigment, "col-h"))
        rest = sum(choice.count for choice in self.choices[SEGMENTS : len(shown.slices)])
        bars = bars[:SEGMENTS] + ([Bar(rest, f"{_('Other values')}: {grouped(rest)}", self.url, "stone")] if rest else [])
        return mark_safe(linked_stack(bars, self.sheet.rows))

    @property
    def summary(self) -> str:
        """The distribution in a few words."""
        parts = [self._range(), self._missing()]
        return " · ".join(part for part in parts if part)

    @property
    def figures(self) -> list[tuple[str, str]]:
        """Everything that is known of the column, in words."""
        facts, about = self.facts, set(self.facts.get("approximate", ()))
        said = [
            (_("Type"), self.type),
            (_("Values"), _grouped(facts.get("count"))),
            (_("Missing"), _grouped(facts.get("nulls"))),
            (_("Different values"), f"{'≈ ' if 'distinct' in about else ''}{grouped(facts['distinct'])}" if "distinct" in facts else ""),
            (_("Least"), self._said(facts.get("min"))),
            (_("Greatest"), self._said(facts.get("max"))),
            (_("Mean"), self._said(facts.get("mean"))),
            (_("Median"), f"{'≈ ' if 'median' in about else ''}{self._said(facts.get('median'))}" if "median" in facts else ""),
            (_("Standard deviation"), self._said(facts.get("std"))),
            (_("Not a number"), _grouped(facts.get("nan") or None)),
            (_("Infinite"), _grouped(facts.get("infinite") or None)),
        ]
        for key in ("lengths", "sizes"):
            if key in facts:
                written = self._measure if key == "lengths" and self.kind != "bytes" else size
                names = {"min": _("Shortest"), "max": _("Longest"), "mean": _("Mean length")}
                names = (
                    names
                    if key == "lengths" and self.kind != "bytes"
                    else {"min": _("Smallest"), "max": _("Largest"), "mean": _("Mean size")}
                )
                said += [(name, written(round(facts[key][part]))) for part, name in names.items() if facts[key].get(part) is not None]
        return [(name, text) for name, text in said if text]

    def _range(self) -> str:
        facts = self.facts
        if categories := facts.get("categories"):
            count = facts.get("distinct", len(categories))
            words = ngettext("%(count)s value", "%(count)s values", count) % {"count": grouped(count)}
            first = self.distribution.slices[0].label
            if len(first) > LONG_NAME or not self.sheet.rows or self.kind == "text":
                return words
            share = round(categories[0]["count"] * 100 / self.sheet.rows)
            return _("%(values)s, most %(name)s %(share)s%%") % {"values": words, "name": first, "share": share}
        if facts.get("min") is not None:
            return _span(self._short(facts["min"]), self._short(facts["max"]))
        for key in ("lengths", "sizes"):
            if key in facts:
                low, high = facts[key]["min"], facts[key]["max"]
                if key == "sizes" or self.kind == "bytes":
                    return _span(size(low), size(high))
                return self._measure(high) if low == high else f"{grouped(low)} – {self._measure(high)}"
        return "" if facts.get("count") or not facts else _("no values")

    def _missing(self) -> str:
        nulls, rows = self.facts.get("nulls") or 0, self.sheet.rows
        if not nulls or nulls == rows:
            return ""
        share = nulls * 100 / rows
        return _("%(share)s missing") % {"share": "< 0.1%" if share < 0.1 else f"{share:.1f}%"}

    def _measure(self, length: int) -> str:
        if self.kind == "list":
            return ngettext("%(count)s item", "%(count)s items", length) % {"count": grouped(length)}
        return ngettext("%(count)s character", "%(count)s characters", length) % {"count": grouped(length)}

    def _short(self, value: Any) -> str:
        if self.kind == "time":
            return str(value)[:10] if "-" in str(value) else str(value)
        return figure(value)

    def _said(self, value: Any) -> str:
        return "" if value is None else str(value).replace("T", " ") if self.kind == "time" else figure(value)

    def _choice(self, part: Slice) -> Choice:
        rows = self.sheet.rows
        chosen = part.filter in self.question.filters
        url = self._address("preview", self.question.with_filter(part.filter)) if part.filter and part.count else ""
        return Choice(part.label, part.count, part.count * 100 / rows if rows else 0.0, url, chosen, part.pigment)

    @staticmethod
    def _bar(choice: Choice) -> Bar:
        return Bar(choice.count, f"{choice.label}: {grouped(choice.count)}", choice.url, choice.pigment, choice.chosen)

    def _address(self, page: str, question: Question, **more: Any) -> str:
        return self.tables.address(page, config=self.sheet.config, split=self.sheet.split, **question.words, **more)


def heads_of(tables: Tables, sheet: Sheet, question: Question, columns: Sequence[Mapping[str, Any]] | None = None) -> list[Head]:
    """Return the heads of `columns`, or of all of them."""
    return [Head(tables, sheet, question, column) for column in (sheet.columns if columns is None else columns)]


def _span(low: str, high: str) -> str:
    return low if low == high else f"{low} – {high}"


def _grouped(count: int | None) -> str:
    return "" if count is None else grouped(count)

"""The distribution of a column as bars: what each is called, how many rows it has, and the filter that leaves just those."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from django.utils.translation import gettext as _

from core.numbers import grouped, size

PIGMENTS = ("malachite", "azurite", "gamboge", "wisteria", "ochre")
MEDIA = frozenset({"image", "audio", "video"})
_BARE = re.compile(r"[^\W\d][\w.-]*\Z")
_WORDS = frozenset({"and", "or", "not", "in", "is", "null", "contains", "true", "false", "length"})


@dataclass(frozen=True)
class Slice:
    """One bar: `filter` is the text that leaves its rows, empty where there is none."""

    label: str
    count: int
    filter: str = ""
    pigment: str = ""


@dataclass(frozen=True)
class Distribution:
    """The bars of a column. `form` is `bars`, `stack` or empty where nothing is known; `of` says what is measured, such as characters."""

    form: str
    slices: Sequence[Slice]
    of: str = ""
    pigment: str = "azurite"


def distribution(column: Mapping[str, Any], facts: Mapping[str, Any]) -> Distribution:
    """Return what `facts`, the statistics of `column`, can be drawn as."""
    if facts.get("categories"):
        return Distribution("stack", _categories(column, facts))
    for key, length in (("histogram", False), ("lengths", True), ("sizes", True)):
        found = facts.get(key, {}) if key == "histogram" else facts.get(key, {}).get("histogram", {})
        if key in facts and found:
            return Distribution("bars", _bars(column, found, length), _measured(column, key), _pigment(column, facts))
    return Distribution("", ())


def name_of(column: Mapping[str, Any]) -> str:
    """Return how filters write the column, empty where they cannot."""
    name = str(column["name"])
    if _BARE.match(name) and name.lower() not in _WORDS:
        return name
    return "" if "`" in name else f"`{name}`"


def missing(column: Mapping[str, Any]) -> str:
    """Return the filter for rows without a value."""
    return f"{name} is null" if (name := name_of(column)) else ""


def equals(column: Mapping[str, Any], value: Any) -> str:
    """Return the filter for rows with exactly this value."""
    name = name_of(column)
    if not name or not isinstance(value, str | bool | int | float) or (isinstance(value, str) and "\n" in value):
        return ""
    if isinstance(value, bool):
        return f"{name} = {'true' if value else 'false'}"
    if isinstance(value, str):
        said = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'{name} = "{said}"'
    return f"{name} = {value}"


def _categories(column: Mapping[str, Any], facts: Mapping[str, Any]) -> list[Slice]:
    shown = [
        Slice(_value(found["value"]), found["count"], equals(column, found["value"]), PIGMENTS[index] if index < len(PIGMENTS) else "stone")
        for index, found in enumerate(facts["categories"])
    ]
    return shown + ([Slice(_("Other values"), facts["others"], "", "stone")] if facts.get("others") else [])


def _bars(column: Mapping[str, Any], histogram: Mapping[str, Any], length: bool) -> list[Slice]:
    edges, counts, unit = histogram["edges"], histogram["counts"], histogram.get("unit", False)
    name = name_of(column)
    side = f"length({name})" if length else name
    said = _sayer(column, edges, length)
    found = []
    for index, (low, high) in enumerate(pairwise(edges)):
        last = index == len(counts) - 1
        if unit:
            label, text = said(low), f"{side} = {low}"
        else:
            label = f"{said(low)} – {said(high)}"
            text = f"{side} >= {low} and {side} {'<=' if last else '<'} {high}"
        found.append(Slice(label, counts[index], text if name and _may_compare(column, length) else ""))
    return found


def _may_compare(column: Mapping[str, Any], length: bool) -> bool:
    return column.get("kind") in {"text", "bytes", "list"} | MEDIA if length else True


def _sayer(column: Mapping[str, Any], edges: Sequence[Any], length: bool) -> Any:
    if length and column.get("kind") in {"bytes"} | MEDIA:
        return size
    if column.get("kind") == "time" and not length:
        return lambda moment: short_moment(str(moment), [str(edge) for edge in edges])
    return figure


def figure(value: Any) -> str:
    """Return a number as people read it: thousands set apart, six digits of a fraction."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if isinstance(value, int) or (value.is_integer() and abs(value) < 1e15):
        return grouped(int(value))
    return f"{value:,.6g}" if 1e-4 <= abs(value) < 1e15 else f"{value:.4g}"


def short_moment(moment: str, among: Sequence[str]) -> str:
    """Return a moment as short as it stays apart from those `among` which it stands."""
    if all(text[10:] in ("", "T00:00:00", "T00:00:00Z") for text in among if "-" in text):
        months = all(text[8:10] == "01" for text in among)
        years = months and all(text[5:7] == "01" for text in among)
        return moment[: 4 if years else 7 if months else 10]
    return moment.replace("T", " ").removesuffix("Z")


def _measured(column: Mapping[str, Any], key: str) -> str:
    if key == "histogram":
        return ""
    return {"text": _("characters"), "list": _("items")}.get(str(column.get("kind")), "" if key == "sizes" else _("bytes"))


def _pigment(column: Mapping[str, Any], facts: Mapping[str, Any]) -> str:
    if column.get("kind") == "time" or (column.get("kind") == "integer" and facts.get("distinct") == facts.get("count")):
        return "stone"
    return "gamboge" if column.get("kind") == "number" else "azurite"


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if value == "":
        return _("empty text")
    return value if isinstance(value, str) else json.dumps(value)

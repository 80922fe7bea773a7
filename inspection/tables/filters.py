"""Search, the filter box and the filters that clicks on statistics make, as SQL with parameters. See `filters_parser` for the language."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from inspection.files import Unreadable
from inspection.tables import filters_sql as sql
from inspection.tables.filters_parser import Parser
from inspection.tables.filters_sql import Columns, Condition


@dataclass(frozen=True)
class Range:
    """Cells from `low` to below `high`, or to and with it where `closed`: a bar of a histogram. `length` compares lengths or sizes."""

    column: str
    low: float | str
    high: float | str
    closed: bool = False
    length: bool = False


@dataclass(frozen=True)
class Category:
    """Cells with exactly this value: a segment of the categories."""

    column: str
    value: str | bool | float


@dataclass(frozen=True)
class Null:
    """Cells without a value."""

    column: str


Filter = str | Range | Category | Null


def condition(filters: Sequence[Filter], columns: Columns) -> Condition:
    """Return what all filters say together; a text is what stands in the box, an empty one says nothing.

    Raises `Unreadable`: `filter_syntax` (`at`, `found`), `filter_column` (`at`, `column`), `filter_type` (`at`, `column`, `value`),
    `filter_operator` (`at`, `column`), `filter_too_long` (`limit`), `filter_too_deep` (`limit`); `at` counts characters from 0.
    """
    return sql.joined("AND", [_one(given, columns) for given in filters if not isinstance(given, str) or given.strip()], "true")


def search(text: str, columns: Columns) -> Condition:
    """Return that any text column contains `text`, in whatever letters; the names of categories count as text."""
    text = sql.sound(text)
    return sql.joined("OR", [sql.contains(column, text) for column in columns if column.get("kind") in ("text", "category")], "false")


def order(name: str, columns: Columns) -> str:
    """Return what rows are sorted by for this column: lists, bytes and media by length. Raises `Unreadable` (`filter_column`, …)."""
    column = sql.known(name, columns)
    return sql.comparable(column) if column.get("kind") in sql.COMPARABLE else sql.length(column)


def _one(given: Filter, columns: Columns) -> Condition:
    match given:
        case str():
            return Parser(sql.sound(given), columns).condition()
        case Range(name, low, high, closed, length):
            column: Mapping[str, Any] = sql.known(name, columns)
            side = sql.length(column) if length else sql.comparable(column)
            least, most = (sql.bound({"name": name, "kind": "number"} if length else column, value) for value in (low, high))
            return Condition(f"{side} >= {least.sql} AND {side} {'<=' if closed else '<'} {most.sql}", least.values + most.values)
        case Category(name, value):
            column = sql.known(name, columns)
            wanted = sql.bound(column, value)
            return Condition(f"{sql.comparable(column)} = {wanted.sql}", wanted.values)
        case Null(name):
            return Condition(sql.null(sql.known(name, columns)))
    raise Unreadable("filter_syntax", at=0, found="")

"""The confined side of `inspection.tables.statistics`: two statements over sixteen columns at a time."""

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, BinaryIO

import duckdb

from inspection import child
from inspection.tables import sql_engine
from inspection.tables.cells import number, single
from inspection.tables.sql_engine import MEDIA, connection, identifier
from inspection.tables.statistics_edges import of_moments, of_numbers

prepare = sql_engine.prepare
MEMORY = 256 << 20
AT_ONCE = 16
EXACT_ROWS = 100_000
EXACT_MEDIAN_ROWS = 1_000_000
SHOWN = 30
FEW = 1000
SHORT = 200
Values = Mapping[str, Any]
Expressions = dict[str, str]


def describe(columns: Sequence[Mapping[str, Any]], inputs: Sequence[BinaryIO]) -> dict[str, dict[str, Any]]:
    """Return the statistics of every column by name; see `inspection.tables.statistics.describe`."""
    sql_engine.register("copy", inputs, columns)
    sql_engine.lock(MEMORY)
    (rows,) = connection().execute("SELECT count(*) FROM copy").fetchall()[0]
    types = {name: kind for name, kind, *_rest in connection().execute("DESCRIBE copy").fetchall()}
    found = {}
    for start in range(0, len(columns), AT_ONCE):
        some = [_reader(column, types[column["name"]], rows) for column in columns[start : start + AT_ONCE]]
        first = _asked([one.first() for one in some])
        second = _asked([one.second(values) if values is not None else None for one, values in zip(some, first, strict=True)])
        for one, facts, more in zip(some, first, second, strict=True):
            found[one.name] = {"kind": one.kind, **(one.result(facts, more or {}) if facts is not None else {"count": None, "nulls": None})}
            if facts is None or more is None:
                found[one.name]["incomplete"] = True
        child.progress(min(start + AT_ONCE, len(columns)), len(columns))
    return found


def _asked(wanted: Sequence[Expressions | None]) -> list[Values | None]:
    """Return the values of every group of expressions, all from one statement; where that fails, from one for each group."""
    try:
        return _statement(wanted)
    except duckdb.Error:
        found: list[Values | None] = []
        for expressions in wanted:
            try:
                found += _statement([expressions])
            except duckdb.Error:
                found.append(None)
        return found


def _statement(wanted: Sequence[Expressions | None]) -> list[Values | None]:
    every = [expression for expressions in wanted for expression in (expressions or {}).values()]
    row = iter(connection().execute(f"SELECT {', '.join(every)} FROM copy").fetchall()[0] if every else ())
    return [None if expressions is None else {key: next(row) for key in expressions} for expressions in wanted]


class _Plain:
    """A column of which only the cells with a value are counted."""

    value = "{}"

    def __init__(self, name: str, kind: str, rows: int, expression: str, names: Sequence[str] | None = None) -> None:
        self.name, self.kind, self.rows, self.sql, self.names = name, kind, rows, expression, names
        self.exact = rows <= EXACT_ROWS

    def first(self) -> Expressions:
        """The expressions of the first pass."""
        return {"count": f"count({self.sql})"}

    def second(self, first: Values) -> Expressions:
        """The expressions of the second pass, which the values of the first decide."""
        return {}

    def result(self, first: Values, second: Values) -> dict[str, Any]:
        """What is told about the column."""
        return {"count": first["count"], "nulls": self.rows - first["count"]}

    def distinct(self) -> str:
        # A hash of 64 bits instead of the value: long texts need not be held.
        return (
            f"count(DISTINCT hash({self.sql})) FILTER ({self.sql} IS NOT NULL)"
            if self.exact
            else f"least(approx_count_distinct({self.sql}), count({self.sql}))"
        )

    def approximate(self, *names: str) -> dict[str, Any]:
        return {"approximate": list(names)} if names else {}


class _Numbers(_Plain):
    def __init__(
        self, name: str, kind: str, rows: int, expression: str, *, whole: bool, floating: bool = False, single: bool = False
    ) -> None:
        super().__init__(name, kind, rows, expression)
        self.whole, self.single = whole, single
        self.where = f" FILTER (isfinite({expression}))" if floating else ""
        self.floating = floating

    def first(self) -> Expressions:
        middle = "median({})" if self.rows <= EXACT_MEDIAN_ROWS else "approx_quantile({}, 0.5)"
        double = f"{self.sql}::DOUBLE"
        found = super().first() | {
            "distinct": self.distinct(),
            "min": f"min({self.sql}){self.where}",
            "max": f"max({self.sql}){self.where}",
            "median": f"{middle.format(double)}{self.where}",
        }
        if self.floating:
            found |= {"nan": f"count(*) FILTER (isnan({self.sql}))", "infinite": f"count(*) FILTER (isinf({self.sql}))"}
        return found

    def second(self, first: Values) -> Expressions:
        if first["min"] is None:
            return {}
        scaled = f"({self.sql}::DOUBLE * {1 / _scale(first)!r}::DOUBLE)"
        return {
            "mean": f"avg({scaled}){self.where}",
            "std": f"stddev_samp({scaled}){self.where}",
            "counts": _binned(f"{self.sql}::DOUBLE", self._edges(first), self.where),
        }

    def result(self, first: Values, second: Values) -> dict[str, Any]:
        found = super().result(first, second)
        if first["min"] is None:
            return found | {key: first[key] for key in ("nan", "infinite") if key in first}
        found |= {key: self._exactly(first[key]) for key in ("min", "max")}
        found |= {key: None if second.get(key) is None else number(second[key] * _scale(first)) for key in ("mean", "std")}
        found |= {"median": number(float(first["median"])), "distinct": first["distinct"]} | {
            key: first[key] for key in ("nan", "infinite") if key in first
        }
        names = [] if self.exact else ["distinct"]
        found |= self.approximate(*names, *([] if self.rows <= EXACT_MEDIAN_ROWS else ["median"]))
        if "counts" in second:
            edges = self._edges(first)
            unit = self.whole and len(edges) > 1 and edges[1] - edges[0] == 1
            found["histogram"] = _histogram([number(edge) for edge in edges], _counts(second["counts"], edges)) | (
                {"unit": True} if unit else {}
            )
        return found

    def _exactly(self, value: Any) -> float | int | str:
        return number(int(value) if self.whole else single(float(value)) if self.single else float(value))

    def _edges(self, first: Values) -> list[float]:
        convert = int if self.whole else float
        return of_numbers(convert(first["min"]), convert(first["max"]), whole=self.whole)


class _Lengths(_Plain):
    """A column whose cells have a length or a size; `of` is its expression, `key` what it is called."""

    def __init__(self, name: str, kind: str, rows: int, expression: str, of: str, key: str = "lengths") -> None:
        super().__init__(name, kind, rows, expression)
        self.of, self.key = of, key

    def first(self) -> Expressions:
        return super().first() | {"least": f"min({self.of})", "most": f"max({self.of})", "mean": f"avg({self.of})"}

    def second(self, first: Values) -> Expressions:
        return {} if first["least"] is None else {"counts": _binned(f"{self.of}::DOUBLE", self._edges(first))}

    def result(self, first: Values, second: Values) -> dict[str, Any]:
        found = super().result(first, second)
        if first["least"] is not None:
            edges = self._edges(first)
            found[self.key] = {"min": first["least"], "max": first["most"], "mean": first["mean"]}
            if "counts" in second:
                found[self.key]["histogram"] = _histogram(edges, _counts(second["counts"], edges)) | (
                    {"unit": True} if edges[1] - edges[0] == 1 else {}
                )
        return found

    def _edges(self, first: Values) -> list[float]:
        return of_numbers(first["least"], first["most"], whole=True)


class _Texts(_Lengths):
    def __init__(self, name: str, rows: int, expression: str) -> None:
        super().__init__(name, "text", rows, expression, f"length({expression})")

    def first(self) -> Expressions:
        return super().first() | {"distinct": self.distinct()}

    def second(self, first: Values) -> Expressions:
        few = first["count"] and first["distinct"] <= FEW and first["distinct"] * 2 <= first["count"] and first["most"] <= SHORT
        return super().second(first) | ({"values": f"histogram({self.sql})"} if few else {})

    def result(self, first: Values, second: Values) -> dict[str, Any]:
        found = super().result(first, second) | {"distinct": first["distinct"]}
        if second.get("values") is not None:
            return found | _categories(second["values"]) | {"distinct": len(second["values"])}
        return found | self.approximate(*([] if self.exact else ["distinct"]))


class _Choices(_Plain):
    """Booleans, and whole numbers that stand for names."""

    def first(self) -> Expressions:
        return super().first() | {"values": f"histogram({self.sql})"}

    def result(self, first: Values, second: Values) -> dict[str, Any]:
        values = first["values"] or {}
        if self.names is not None:
            known = dict(enumerate(self.names))
            values = {known.get(value, str(value)): count for value, count in values.items()}
        return super().result(first, second) | {"distinct": len(values)} | _categories(values)


class _Times(_Plain):
    def __init__(self, name: str, rows: int, expression: str, form: str) -> None:
        super().__init__(name, "time", rows, expression)
        self.form = form
        self.where = f" FILTER (isfinite({expression}))" if form != "TIME" else ""

    def first(self) -> Expressions:
        found = super().first() | {"distinct": self.distinct()}
        each = (("least", "min"), ("most", "max"), ("mean", "avg"))
        return found | {key: f"{function}(epoch_us({self.sql})){self.where}" for key, function in each}

    def second(self, first: Values) -> Expressions:
        return {} if first["least"] is None else {"counts": _binned(f"epoch_us({self.sql})::DOUBLE", self._edges(first), self.where)}

    def result(self, first: Values, second: Values) -> dict[str, Any]:
        found = super().result(first, second)
        if first["least"] is None:
            return found
        found |= {"min": self._said(first["least"]), "max": self._said(first["most"]), "mean": self._said(int(first["mean"]))}
        found |= {"distinct": first["distinct"]} | self.approximate(*([] if self.exact else ["distinct"]))
        if "counts" in second:
            edges = self._edges(first)
            found["histogram"] = _histogram([self._said(int(edge)) for edge in edges], _counts(second["counts"], edges))
        return found

    def _edges(self, first: Values) -> list[float]:
        edges = [*map(float, of_moments(first["least"], first["most"]))]
        return [min(edge, 86_400e6) for edge in edges if edge < 86_400e6 + (edges[1] - edges[0])] if self.form == "TIME" else edges

    def _said(self, microseconds: int) -> str:
        try:
            moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)
        except OverflowError:
            return f"{microseconds} µs"
        if self.form == "TIME":
            return "24:00:00" if microseconds >= 86_400_000_000 else moment.time().isoformat()
        if self.form == "DATE" and microseconds % 86_400_000_000 == 0:
            return moment.date().isoformat()
        return moment.replace(tzinfo=None).isoformat() + ("Z" if self.form == "ZONED" else "")


def _reader(column: Mapping[str, Any], form: str, rows: int) -> _Plain:
    """Return how to read a column, by its kind and the type the engine gives it."""
    name, kind, sql = column["name"], column["kind"], identifier(column["name"])
    plain = form.partition("(")[0]
    if kind in MEDIA and form.startswith("STRUCT"):
        size = f"{sql}.{identifier('size')}"
        return _Lengths(name, kind, rows, f"coalesce({sql}.{identifier('file')}, {size}::VARCHAR)", size, "sizes")
    if kind == "category" and plain.endswith("INT") | plain.endswith("INTEGER"):
        return _Choices(name, kind, rows, f"nullif({sql}, -1)" if not plain.startswith("U") else sql, column.get("names") or [])
    if form == "BOOLEAN":
        return _Choices(name, "boolean", rows, sql)
    if form.endswith("]"):
        return _Lengths(name, kind, rows, sql, f"len({sql})")
    if plain in ("FLOAT", "DOUBLE", "DECIMAL"):
        return _Numbers(name, kind, rows, sql, whole=False, floating=plain != "DECIMAL", single=plain == "FLOAT")
    if plain in {prefix + word for prefix in ("", "U") for word in ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")}:
        return _Numbers(name, kind, rows, sql, whole=True)
    if form.startswith(("DATE", "TIME")):
        known = "DATE" if form == "DATE" else "ZONED" if "TIME ZONE" in form else "MOMENT" if form.startswith("TIMESTAMP") else "TIME"
        return _Times(name, rows, sql, known)
    if form == "VARCHAR":
        return _Texts(name, rows, sql)
    if form == "BLOB":
        return _Lengths(name, kind, rows, sql, f"octet_length({sql})")
    return _Plain(name, kind, rows, sql)


def _binned(expression: str, edges: Sequence[float], where: str = "") -> str:
    """Return the expression that counts values by bin.

    The engine's bins hold their upper edge. Of negated values that is the lower one, so that whole numbers stand in the bin they start.
    """
    return f"histogram(-({expression}), [{', '.join(f'{-float(edge)!r}::DOUBLE' for edge in sorted(set(edges), reverse=True))}]){where}"


def _counts(found: Mapping[float, int] | None, edges: Sequence[float]) -> list[int]:
    by_edge = {0.0 - edge: count for edge, count in (found or {}).items()}
    counts = [by_edge.get(float(edge), 0) for edge, _next in pairwise(edges)]
    # What stands on the last edge belongs to the last bin.
    counts[-1] += by_edge.get(float(edges[-1]), 0) if edges[-1] != edges[-2] else 0
    return counts


def _histogram(edges: Sequence[Any], counts: list[int]) -> dict[str, Any]:
    return {"edges": list(edges), "counts": counts}


def _categories(values: Mapping[Any, int]) -> dict[str, Any]:
    ordered = sorted(values.items(), key=lambda item: (-item[1], str(item[0])))
    shown = [{"value": value, "count": count} for value, count in ordered[:SHOWN]]
    return {"categories": shown, "others": sum(count for _value, count in ordered[SHOWN:])}


def _scale(first: Values) -> float:
    """Return a power of two near the largest value: what is divided by it is exact, and its squares stay finite."""
    most = max(abs(float(first["min"])), abs(float(first["max"])))
    return 2.0 ** min(max(math.frexp(most)[1], -900), 1000)

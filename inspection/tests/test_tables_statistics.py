import math
from datetime import UTC, date, datetime, time
from decimal import Decimal

import pyarrow as pa
import pytest

from inspection.files import Unreadable
from inspection.isolation import Interrupted
from inspection.tables import statistics
from inspection.tables.parts import Part, Table
from inspection.tables.statistics_edges import DAY, SECOND, of_moments, of_numbers
from inspection.tests.copies import MEDIA, column, copy, integer, number, text


@pytest.fixture(scope="module")
def described(tmp_path_factory):
    """The statistics of one table with every kind of column."""
    pictures = [{"file": None, "start": None, "size": size, "bytes": b"x" * size} for size in (10, 20, 30)] + [None, None]
    table = copy(
        tmp_path_factory.mktemp("all"),
        [
            integer("whole", [1, 2, 2, 3, None]),
            number("real", [0.5, 1.0, float("nan"), float("-inf"), None]),
            integer("huge", [-(2**63), 2**63 - 1, 0, None, None]),
            number("extreme", [1e308, -1e308, 1e308, None, None]),
            text("name", ["ab", "电机", "ab", "", None]),
            text("city", ["x", "x", "x", "y", "x"]),
            (column("flag", "boolean"), pa.array([True, False, True, None, True])),
            (column("label", "category", names=["cat", "dog"]), pa.array([0, 1, 1, -1, None], pa.int64())),
            (column("tags", "list"), pa.array([["a"], [], ["a", "b", "c"], None, ["x"]])),
            (column("meta", "struct"), pa.array([{"a": 1}, None, {"a": 2}, None, None])),
            (column("raw", "bytes"), pa.array([b"", b"abc", None, None, b"x"], pa.binary())),
            (column("image", "image"), pa.array(pictures, MEDIA)),
            (column("day", "time"), pa.array([date(2025, 1, 15), date(2025, 3, 15), None, None, date(2025, 2, 15)])),
            (column("price", "number"), pa.array([Decimal("1.50"), Decimal("2.50"), None, None, None], pa.decimal128(8, 2))),
            (column("single", "number"), pa.array([3.2, 1.1, None, None, None], pa.float32())),
            (column("hour", "time"), pa.array([time(1), time(2), None, None, None], pa.time64("us"))),
            (column("zoned", "time"), pa.array([datetime(2025, 1, 1, tzinfo=UTC), None, None, None, None], pa.timestamp("us", "Asia/Shanghai"))),
            (column("nothing", "text"), pa.array([None] * 5, pa.string())),
            (column("none", "number"), pa.array([float("nan")] * 2 + [None] * 3, pa.float64())),
            (column('a "b".c', "integer"), pa.array([7] * 5, pa.int8())),
        ],
        group=2,
        part=4,
    )  # fmt: skip
    return statistics.describe(table)


def test_whole_numbers(described):
    assert described["whole"] == {
        "kind": "integer", "count": 4, "nulls": 1, "min": 1, "max": 3, "mean": 2.0, "std": math.sqrt(2 / 3), "median": 2.0, "distinct": 3,
        "histogram": {"edges": [1, 2, 3, 4], "counts": [1, 2, 1], "unit": True},
    }  # fmt: skip


def test_numbers_that_are_not_finite_are_counted_apart(described):
    found = described["real"]
    assert (found["count"], found["nulls"], found["nan"], found["infinite"]) == (4, 1, 1, 1)
    assert (found["min"], found["max"], found["mean"], found["median"], found["std"]) == (0.5, 1.0, 0.75, 0.75, math.sqrt(0.125))
    assert sum(found["histogram"]["counts"]) == 2
    assert described["none"] == {"kind": "number", "count": 2, "nulls": 3, "nan": 2, "infinite": 0}


def test_largest_numbers_break_nothing(described):
    found = described["huge"]
    assert (found["min"], found["max"], found["distinct"]) == ("-9223372036854775808", "9223372036854775807", 3)
    assert sum(found["histogram"]["counts"]) == 3
    extreme = described["extreme"]
    assert (extreme["min"], extreme["max"], extreme["mean"]) == (-1e308, 1e308, pytest.approx(1e308 / 3))
    assert sum(extreme["histogram"]["counts"]) == 3 and "incomplete" not in extreme


def test_decimals_are_numbers(described):
    found = described["price"]
    assert (found["min"], found["max"], found["mean"], found["median"], found["std"]) == (1.5, 2.5, 2.0, 2.0, math.sqrt(0.5))


def test_numbers_of_four_bytes_are_told_as_they_were_written(described):
    assert (described["single"]["min"], described["single"]["max"]) == (1.1, 3.2)


def test_text_has_lengths_in_characters(described):
    found = described["name"]
    lengths = {"min": 0, "max": 2, "mean": 1.5, "histogram": {"edges": [0, 1, 2, 3], "counts": [1, 0, 3], "unit": True}}
    assert found == {"kind": "text", "count": 4, "nulls": 1, "lengths": lengths, "distinct": 3}


def test_text_with_few_values_has_categories(described):
    found = described["city"]
    assert (found["categories"], found["others"], found["distinct"]) == ([{"value": "x", "count": 4}, {"value": "y", "count": 1}], 0, 2)


def test_column_without_values_says_so(described):
    assert described["nothing"] == {"kind": "text", "count": 0, "nulls": 5, "distinct": 0}


def test_booleans_and_categories_are_counted_by_value(described):
    flag, label = described["flag"], described["label"]
    assert (flag["nulls"], flag["categories"]) == (1, [{"value": True, "count": 3}, {"value": False, "count": 1}])
    assert (label["count"], label["nulls"], label["distinct"]) == (3, 2, 2)
    assert label["categories"] == [{"value": "dog", "count": 2}, {"value": "cat", "count": 1}]


def test_lists_bytes_and_media_have_lengths(described):
    unit = {"edges": [0, 1, 2, 3, 4], "counts": [1, 2, 0, 1], "unit": True}
    assert described["tags"] == {"kind": "list", "count": 4, "nulls": 1, "lengths": {"min": 0, "max": 3, "mean": 1.25, "histogram": unit}}
    assert (described["raw"]["lengths"]["min"], described["raw"]["lengths"]["max"], described["raw"]["nulls"]) == (0, 3, 2)
    image = described["image"]
    assert (image["count"], image["nulls"]) == (3, 2)
    assert {key: image["sizes"][key] for key in ("min", "max", "mean")} == {"min": 10, "max": 30, "mean": 20.0}
    assert described["meta"] == {"kind": "struct", "count": 2, "nulls": 3}


def test_times_have_round_edges(described):
    day = described["day"]
    assert (day["min"], day["max"], day["mean"], day["distinct"]) == ("2025-01-15", "2025-03-15", "2025-02-14", 3)
    assert sum(day["histogram"]["counts"]) == 3
    hour = described["hour"]
    assert (hour["min"], hour["max"], hour["mean"]) == ("01:00:00", "02:00:00", "01:30:00")
    assert sum(hour["histogram"]["counts"]) == 2
    assert (described["zoned"]["min"], described["zoned"]["nulls"]) == ("2025-01-01T00:00:00Z", 4)


def test_any_column_name_works(described):
    assert described['a "b".c']["mean"] == 7.0
    assert described['a "b".c']["histogram"] == {"edges": [7, 8], "counts": [5], "unit": True}


def test_only_the_commonest_categories_are_listed(tmp_path):
    values = [f"{value:02}" for value in range(40) for _ in range(40 - value)]
    found = statistics.describe(copy(tmp_path, [text("t", values)]))["t"]
    assert [one["value"] for one in found["categories"]] == [f"{value:02}" for value in range(30)]
    assert (found["others"], found["distinct"]) == (sum(range(1, 11)), 40)


def test_large_tables_are_counted_exactly_and_only_estimates_say_so(tmp_path):
    count = 150_000
    table = copy(tmp_path, [integer("id", range(count)), number("x", [i % 1000 / 1000 for i in range(count)])], part=60_000)
    found = statistics.describe(table)
    assert found["id"]["histogram"] == {"edges": [*range(0, 150_001, 10_000)], "counts": [10_000] * 15}
    assert (found["id"]["approximate"], found["id"]["mean"], found["id"]["median"]) == (["distinct"], 74999.5, 74999.5)
    assert abs(found["id"]["distinct"] - count) < count / 10
    assert found["x"]["histogram"]["counts"] == [7500] * 20


def test_many_columns_are_described_in_several_statements(tmp_path):
    progress = []
    table = copy(tmp_path, [integer(f"c{i}", [i]) for i in range(40)])
    found = statistics.describe(table, beat=lambda done, of: progress.append((done, of)) or True)
    assert [found[f"c{i}"]["mean"] for i in range(40)] == [float(i) for i in range(40)]
    assert progress == [(16, 40), (32, 40), (40, 40)]


def test_work_that_belongs_to_somebody_else_stops(tmp_path):
    with pytest.raises(Interrupted):
        statistics.describe(copy(tmp_path, [integer("a", [1])]), beat=lambda done, of: False)


def test_table_without_rows_is_described(tmp_path):
    assert statistics.describe(copy(tmp_path, [integer("a", [])])) == {"a": {"kind": "integer", "count": 0, "nulls": 0}}


def test_damaged_copy_is_told(tmp_path):
    (tmp_path / "x").write_bytes(b"PAR1 and nothing else")
    table = Table([column("a", "integer")], [Part(1, 20, lambda: open(tmp_path / "x", "rb"))])
    with pytest.raises(Unreadable) as caught:
        statistics.describe(table)
    assert caught.value.code == "copy_damaged"


@pytest.mark.parametrize(
    ("low", "high", "whole", "edges"),
    [
        (1, 5, True, [1, 2, 3, 4, 5, 6]),
        (0, 100, True, [*range(0, 101, 5)]),
        (3, 97, True, [*range(0, 101, 5)]),
        (0.0, 1.0, False, [i / 20 for i in range(21)]),
        (-1.0, 1.0, False, [-1 + i / 10 for i in range(21)]),
        (5.0, 5.0, False, [5.0, 5.0]),
        (0, 9_999_999, True, [*range(0, 10_000_001, 500_000)]),
    ],
)
def test_edges_are_round(low, high, whole, edges):
    assert of_numbers(low, high, whole=whole) == pytest.approx(edges)


@pytest.mark.parametrize(
    ("low", "high"), [(-1.7e308, 1.7e308), (1e-308, 2e-308), (1e16, 1e16 + 4), (-(2**63), 2**63 - 1), (0.1, 0.30000000000000004)]
)
def test_edges_always_hold_the_range_in_rising_order(low, high):
    edges = of_numbers(low, high, whole=isinstance(low, int))
    assert edges == sorted(set(edges)) and edges[0] <= low and edges[-1] >= high and len(edges) <= 22


def test_edges_of_times_are_round():
    start = int(datetime(2025, 11, 3, 8, 17, tzinfo=UTC).timestamp()) * SECOND
    assert {edge % (300 * SECOND) for edge in of_moments(start, start + 6000 * SECOND)} == {0}
    months = [datetime.fromtimestamp(edge / SECOND, UTC) for edge in of_moments(start, start + 700 * DAY)]
    assert {(moment.day, moment.hour) for moment in months} == {(1, 0)}
    assert months[0] <= datetime.fromtimestamp(start / SECOND, UTC)
    assert of_moments(-(2**62), 2**62)[-1] >= 2**62

from datetime import UTC, datetime, time

import duckdb
import pyarrow as pa
import pytest

from inspection.files import Unreadable
from inspection.tables import query
from inspection.tables.filters import Category, Null, Range, condition
from inspection.tests.copies import MEDIA, column, copy, integer, number, text

CREATED = [
    *(datetime.fromisoformat(f"2025-{month}-01T12:00") for month in ("09", "10", "11", "12")),
    None,
    datetime.fromisoformat("2025-11-30"),
]


@pytest.fixture(scope="module")
def split(tmp_path_factory):
    """Six rows in three parts."""
    media = [{"file": "a.png", "start": None, "size": size, "bytes": None} for size in (5, 4, 3, 2, 1)] + [None]
    return copy(
        tmp_path_factory.mktemp("split"),
        [
            integer("id", [10, 11, 12, 13, 14, 15]),
            text("dialogue", ["Spindle E204", "电机故障 e204", "it's \"fine\"", None, "100% \\ _x", "ÄRGER"]),
            (column("scene", "category", names=["Fault report", "Parts", "仓库"]), pa.array([0, 1, 2, 0, -1, None], pa.int64())),
            number("csat", [4.5, None, float("nan"), 1.0, 5.0, 2.0]),
            (column("created", "time"), pa.array(CREATED, pa.timestamp("us"))),
            (column("open", "boolean"), pa.array([True, False, None, True, False, True])),
            (column("tags", "list"), pa.array([["a", "b"], [], None, ["c"], ["d", "e", "f"], []], pa.list_(pa.string()))),
            (column("image", "image"), pa.array(media, MEDIA)),
            text("Caller's name", ["a", "b", "c", "d", "e", "f"]),
            (column("at", "time"), pa.array([time(8), time(9), time(10), time(11), None, time(12)], pa.time64("us"))),
            (column("meta", "struct"), pa.array([{"k": 1}] * 6)),
            (column("zoned", "time"), pa.array([datetime(2025, 1, 1, hour, tzinfo=UTC) for hour in range(6)], pa.timestamp("us", "UTC"))),
            integer("big", [2**63 - 1, 2**53 + 1, 0, 1, 2, 3]),
        ],
        group=2,
        part=2,
    )  # fmt: skip


def hits(split, *filters, **more):
    found = query.select(split, filters=filters, **more)
    assert found.total >= len(found.numbers)
    return [cells[0] for cells in found.cells]


def matching(split, *filters):
    """Return the ids of the rows that the condition alone selects, without a process for each."""
    found = condition(filters, split.columns)
    paths = [part.open().name for part in split.parts]
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone='UTC'")
        return [
            row
            for (row,) in connection.execute(
                f"SELECT id FROM read_parquet({paths}) WHERE {found.sql} ORDER BY __row", found.values
            ).fetchall()
        ]


def refused(split, *filters, **more):
    with pytest.raises(Unreadable) as caught:
        query.select(split, filters=filters, **more)
    return caught.value.code, caught.value.facts


@pytest.mark.parametrize(
    ("search", "expected"),
    [
        ("e204", [10, 11]), ("故障", [11]), ("ärger", [15]), ("fault", [10, 13]), ("仓", [12]), ("%", [14]), ("_", [14]), ("\\", [14]), ("'", [12]),
        ("nothing at all", []), ('"; DROP TABLE copy; --', []),
    ],
)  # fmt: skip
def test_search_finds_text_in_whatever_letters(split, search, expected):
    assert hits(split, search=search) == expected


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        ("id = 12", [12]),
        ("12 = id", [12]),
        ("13 <= id", [13, 14, 15]),
        ("id >= 11 and id < 13 or id = 15", [11, 12, 15]),
        ("id >= 11 and (id < 13 or id = 15)", [11, 12, 15]),
        ("not (id > 10)", [10]),
        ("NOT id > 10 AND id = 10", [10]),
        ("id in (10, 12,15)", [10, 12, 15]),
        ("id not in (10, 12)", [11, 13, 14, 15]),
        ("id != 10", [11, 12, 13, 14, 15]),
        ("id ≥ 14 and id ≠ 15", [14]),
        ("csat is null", [11]),
        ("csat is not null", [10, 12, 13, 14, 15]),
        ("not csat is null", [10, 12, 13, 14, 15]),
        ("csat > 2 and csat <= 4.5", [10]),
        ("csat >= -1e3 and csat < .5e1", [10, 13, 15]),
        ("not csat < 3", [10, 14]),
        ('scene = "Fault report"', [10, 13]),
        ("scene = '仓库'", [12]),
        ("scene = 1", [11]),
        ("scene in ('Parts', \"Fault report\")", [10, 11, 13]),
        ('scene contains "FAULT"', [10, 13]),
        ("scene is null", [14, 15]),
        ("scene is not null", [10, 11, 12, 13]),
        ('dialogue contains "E204"', [10, 11]),
        ('dialogue not contains "e204"', [12, 14, 15]),
        ("dialogue = 'it\\'s \"fine\"'", [12]),
        ("dialogue contains “故障”", [11]),
        ("dialogue is null", [13]),
        ("length(dialogue) > 9", [10, 12]),
        ("length(tags) = 0", [11, 15]),
        ("LENGTH(tags) >= 2", [10, 14]),
        ("length(image) < 3", [13, 14]),
        ("image is null", [15]),
        ("created >= 2025-11-01", [12, 13, 15]),
        ("created < 2025-10-01T12:00", [10]),
        ("created = 2025-10-01T12:00:00", [11]),
        ("created >= 2025-11-01 and created < 2025-12-01", [12, 15]),
        ("at >= 09:30", [12, 13, 15]),
        ("zoned >= 2025-01-01T06:00+02:00", [14, 15]),
        ("open", [10, 13, 15]),
        ("not open", [11, 14]),
        ("open = false", [11, 14]),
        ("open is null", [12]),
        ("`Caller's name` = 'c'", [12]),
        ("ID = 10", [10]),
        ("big = 9007199254740993", [11]),
        ("big >= 9223372036854775807", [10]),
        ("csat > id", []),
        ("id > csat and length(dialogue) < id", [14, 15]),
        ("  ", [10, 11, 12, 13, 14, 15]),
        ("created >= 2025-11-01 and scene = \"仓库\" and length(dialogue) > 3 and not csat is null", [12]),
        (" and ".join(["id > 0"] * 300), [10, 11, 12, 13, 14, 15]),
    ],
)  # fmt: skip
def test_box(split, box, expected):
    assert matching(split, box) == expected


@pytest.mark.parametrize(
    ("box", "code", "at"),
    [
        ("id >", "filter_syntax", 4),
        ("id = 1 and", "filter_syntax", 10),
        ("id = 1 id = 2", "filter_syntax", 7),
        ("(id = 1", "filter_syntax", 7),
        ("id = 1)", "filter_syntax", 6),
        ("id", "filter_syntax", 2),
        ("id = #", "filter_syntax", 5),
        ("id = 'open", "filter_syntax", 5),
        ("id = 1; drop table copy", "filter_syntax", 6),
        ("id = 1 -- x", "filter_syntax", 7),
        ("id in ()", "filter_syntax", 7),
        ("id in (id)", "filter_syntax", 7),
        ("1 = 1", "filter_syntax", 0),
        ("1 is null", "filter_syntax", 0),
        ("and", "filter_syntax", 0),
        ("nope = 1", "filter_column", 0),
        ("id = nope", "filter_column", 5),
        ("`no pe` = 1", "filter_column", 0),
        ("__row = 1", "filter_column", 0),
        ("id = 'x'", "filter_type", 5),
        ("id = true", "filter_type", 5),
        ("id in (1, 'x')", "filter_type", 10),
        ("dialogue = 5", "filter_type", 11),
        ("created > 5", "filter_type", 10),
        ("created > 'yesterday'", "filter_type", 10),
        ("created > 2025-13-45", "filter_type", 10),
        ("open = 1", "filter_type", 7),
        ("scene = 'Nowhere'", "filter_type", 8),
        ("length(dialogue) = 'x'", "filter_type", 19),
        ("dialogue contains 5", "filter_type", 18),
        ("dialogue = id", "filter_type", 11),
        ("id contains 'x'", "filter_operator", 0),
        ("tags = 'a'", "filter_operator", 0),
        ("image > 1", "filter_operator", 0),
        ("length(id) > 1", "filter_operator", 0),
        ("length(meta) > 1", "filter_operator", 0),
        ("length(dialogue) contains 'x'", "filter_operator", 0),
    ],
)
def test_what_the_box_does_not_understand_has_its_place(split, box, code, at):
    found, facts = refused(split, box)
    assert (found, facts["at"]) == (code, at)


def test_box_is_bounded(split):
    assert refused(split, "(" * 51 + "id = 1" + ")" * 51) == ("filter_too_deep", {"limit": 50})
    assert refused(split, "not " * 51 + "open") == ("filter_too_deep", {"limit": 50})
    assert refused(split, "id = 1" + " " * 4000) == ("filter_too_long", {"limit": 4000})
    assert refused(split, search="x" * 201) == ("search_too_long", {"limit": 200})
    assert hits(split, "(" * 49 + "id = 10" + ")" * 49) == [10]


def test_numbers_of_any_length_are_compared(split):
    assert matching(split, f"id < {'9' * 38}") == [10, 11, 12, 13, 14, 15]
    assert matching(split, f"id > {'9' * 300}") == []
    assert matching(split, f"id > -{'9' * 300}") == [10, 11, 12, 13, 14, 15]
    assert hits(split, f"id < {'9' * 38} and csat < 1e999") == [10, 13, 14, 15]


def test_value_that_does_not_fit_the_form_of_a_time_is_told(split):
    assert refused(split, "at > 2025-11-01")[0] == "query_failed"


def test_values_never_become_part_of_the_statement():
    described = [column('a" OR true --', "text"), column("b", "text")]
    found = condition(['b = "\'; DROP TABLE x; --"', Category('a" OR true --', "x'y")], described)
    assert found.sql == '("b" = ?) AND ("a"" OR true --" = ?)'
    assert found.values == ("'; DROP TABLE x; --", "x'y")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (Range("id", 11, 13), [11, 12]),
        (Range("id", 11, 13, closed=True), [11, 12, 13]),
        (Range("csat", 1, 2), [13]),
        (Range("created", "2025-11-01", "2025-12-01T00:00:00"), [12, 15]),
        (Range("big", "9007199254740993", "9223372036854775807", closed=True), [10, 11]),
        (Range("dialogue", 9, 12, length=True), [11, 12, 14]),
        (Range("image", 2, 4, length=True), [12, 13]),
        (Range("at", "08:00:00", "24:00:00", closed=True), [10, 11, 12, 13, 15]),
        (Category("scene", "Parts"), [11]),
        (Category("open", True), [10, 13, 15]),
        (Category("dialogue", "ÄRGER"), [15]),
        (Null("csat"), [11]),
        (Null("scene"), [14, 15]),
        (Null("image"), [15]),
    ],
)
def test_clicks_on_statistics_filter(split, given, expected):
    assert matching(split, given) == expected


def test_box_selects_rows(split):
    box = "created >= 2025-11-01 and scene = \"仓库\" and length(dialogue) > 3 and not csat is null or `Caller's name` in ('a', 'f') and at < 09:00"
    assert hits(split, box) == [10, 12]


def test_filters_and_search_hold_together(split):
    found = query.select(split, search="e204", filters=["id > 10", Range("big", 0, 2**60), ""])
    assert (found.total, list(found.numbers)) == (1, [1])


@pytest.mark.parametrize(
    ("sort", "descending", "expected"),
    [
        ("id", True, [15, 14, 13, 12, 11, 10]),
        ("csat", False, [13, 15, 10, 14, 11, 12]),
        ("csat", True, [14, 10, 15, 13, 11, 12]),
        ("created", False, [10, 11, 12, 15, 13, 14]),
        ("tags", False, [11, 15, 13, 10, 14, 12]),
        ("image", False, [14, 13, 12, 11, 10, 15]),
        ("open", False, [11, 14, 10, 13, 15, 12]),
    ],
)
def test_rows_are_sorted_with_empty_cells_last(split, sort, descending, expected):
    assert hits(split, sort=sort, descending=descending) == expected


def test_nested_values_cannot_be_sorted_by(split):
    assert refused(split, sort="meta") == ("filter_operator", {"at": 0, "column": "meta"})
    assert refused(split, sort="nope") == ("filter_column", {"at": 0, "column": "nope"})


def test_hits_are_paged_and_counted(split):
    found = query.select(split, filters=["id > 10"], offset=1, limit=2)
    assert (found.total, list(found.numbers)) == (5, [2, 3])
    assert query.select(split, filters=["id > 10"], offset=9).numbers == []
    assert query.select(split, filters=["id > 10"], offset=10**12).total == 5
    assert list(query.select(split, sort="id", descending=True, offset=4, limit=5).numbers) == [1, 0]
    assert query.select(split, filters=["id > 10"], limit=0).total == 5
    assert query.select(split, filters=["id > 99"]).total == 0


def test_late_pages_of_hits_are_in_order(tmp_path):
    table = copy(tmp_path, [integer("id", range(30_000))], part=7000)
    found = query.select(table, filters=["id >= 10"], offset=20_000, limit=3)
    assert (found.total, list(found.numbers)) == (29_990, [20_010, 20_011, 20_012])


def test_search_that_takes_too_long_is_stopped(tmp_path, settings):
    settings.SQL_MEMORY = 1 << 20
    table = copy(tmp_path, [text("t", [f"{i % 7}{'x' * 200}{i}" for i in range(60_000)])], part=20_000)
    assert refused(table, sort="t", offset=50_000) == ("query_out_of_memory", {"limit": 1})


def test_half_a_character_is_no_failure(split):
    assert hits(split, search="\ud800") == []
    assert hits(split, 'dialogue = "\udfff"', Category("dialogue", "\ud800")) == []
    assert refused(split, "\ud800 = 1") == ("filter_syntax", {"at": 0, "found": "? = 1"})
    assert refused(split, Null("\ud800")) == ("filter_column", {"at": 0, "column": "?"})


def test_fat_rows_are_searched_within_the_memory_of_one_process(tmp_path, settings):
    settings.SQL_SECONDS = 120
    table = copy(tmp_path, [text("t", [chr(97 + i % 26) * 1_000_000 for i in range(450)]), integer("n", range(450))], group=8, part=225)
    assert query.select(table, search="ZZZ", limit=1).numbers == [25]


def test_table_without_text_holds_nothing_that_is_searched_for(tmp_path):
    assert query.select(copy(tmp_path, [integer("id", [1])]), search="1").total == 0
    assert query.select(copy(tmp_path / "empty", [text("t", [])]), search="1").total == 0

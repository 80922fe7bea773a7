import json
import resource
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import pyarrow as pa
import pytest

from inspection.files import Unreadable
from inspection.tables import rows
from inspection.tests.copies import MEDIA, column, copy, integer, number, text


@pytest.fixture
def split(tmp_path):
    """250 rows in three parts of 100, each in row groups of 30."""
    return copy(
        tmp_path, [integer("id", range(1000, 1250)), text("a.b", [f"row {i}" for i in range(250)])], group=30, part=100
    )  # fmt: skip


def refused(function, *given, **more):
    with pytest.raises(Unreadable) as caught:
        function(*given, **more)
    return caught.value.code, caught.value.facts


def test_first_page_holds_a_hundred_rows(split):
    page = rows.page(split)
    assert (page.total, list(page.numbers)) == (250, list(range(100)))
    assert page.cells[0] == [1000, "row 0"] and page.cells[99] == [1099, "row 99"]


def test_page_crosses_row_groups_and_parts(split):
    page = rows.page(split, offset=85, limit=40)
    assert [cells[0] for cells in page.cells] == list(range(1085, 1125))


def test_every_page_together_is_the_table(split):
    numbers = [cells[0] for offset in range(0, 250, 7) for cells in rows.page(split, offset=offset, limit=7).cells]
    assert numbers == list(range(1000, 1250))


def test_page_behind_the_end_is_empty_and_one_at_the_end_short(split):
    assert rows.page(split, offset=250).cells == []
    assert rows.page(split, offset=10**12).cells == []
    assert [cells[0] for cells in rows.page(split, offset=248).cells] == [1248, 1249]
    assert [cells[0] for cells in rows.page(split, offset=-5, limit=1).cells] == [1000]


def test_page_is_bounded_whatever_is_asked(tmp_path):
    table = copy(tmp_path, [integer("id", range(3000))])
    assert len(rows.page(table, limit=10**9).cells) == 1000
    assert rows.page(table, limit=-1).cells == []


def test_named_columns_come_in_the_order_asked(split):
    page = rows.page(split, limit=1, columns=["a.b", "id"])
    assert page.cells == [["row 0", 1000]] and [column["name"] for column in page.columns] == ["a.b", "id"]
    assert refused(rows.page, split, columns=["nope"]) == ("unknown_column", {"column": "nope"})


def test_rows_come_in_the_order_of_their_numbers(split):
    assert [cells[0] for cells in rows.at(split, [249, 0, 120, 0]).cells] == [1249, 1000, 1120, 1000]
    assert refused(rows.at, split, [250]) == ("unknown_row", {"row": 250})
    assert refused(rows.at, split, [-1]) == ("unknown_row", {"row": -1})


def test_table_without_rows_has_an_empty_page(tmp_path):
    assert rows.page(copy(tmp_path, [integer("id", [])])).cells == []


def shown(tmp_path, description, array):
    return [cells[0] for cells in rows.page(copy(tmp_path, [(description, array)])).cells]


def test_column_names_with_dots_are_not_mistaken_for_nested_ones(tmp_path):
    inner = pa.array([{"b": "inner"}], pa.struct([("b", pa.string())]))
    table = copy(tmp_path, [(column("a", "struct"), inner), text("a.b", ["outer"]), text("a.b.c", ["other"])])
    assert rows.page(table).cells == [['{"b": "inner"}', "outer", "other"]]
    assert rows.page(table, columns=["a.b"]).cells == [["outer"]]


def test_numbers_stay_what_they_are_as_far_as_json_can_carry_them(tmp_path):
    values = [0, -1, 2**53, 2**53 + 1, -(2**63), 2**63 - 1, None]
    assert shown(tmp_path, column("n", "integer"), pa.array(values, pa.int64())) == [
        0, -1, 2**53, "9007199254740993", "-9223372036854775808", "9223372036854775807", None
    ]  # fmt: skip
    assert shown(tmp_path / "u", column("n", "integer"), pa.array([2**64 - 1], pa.uint64())) == ["18446744073709551615"]


def test_numbers_that_are_not_finite_are_text(tmp_path):
    values = [1.5, float("nan"), float("inf"), float("-inf"), None]
    assert shown(tmp_path, column("n", "number"), pa.array(values, pa.float64())) == [1.5, "NaN", "inf", "-inf", None]
    assert shown(tmp_path / "h", column("n", "number"), pa.array([0.1, 65504], pa.float16())) == [0.1, 65500.0]
    single = pa.array([3.2, 1e-45, 3.4028235e38, float("nan"), 16777216], pa.float32())
    assert shown(tmp_path / "s", column("n", "number"), single) == [3.2, 1e-45, 3.4028235e38, "NaN", 16777216.0]
    assert shown(tmp_path / "l", column("n", "list"), pa.array([[3.2, None]], pa.list_(pa.float32()))) == ["[3.2, null]"]
    assert shown(tmp_path / "d", column("n", "number"), pa.array([Decimal("12.340")], pa.decimal128(10, 3))) == ["12.340"]


def test_long_text_is_cut_at_a_thousand_characters_and_says_its_length(tmp_path):
    values = ["x" * 1000, "电" * 1001, ""]
    assert shown(tmp_path, column("t", "text"), pa.array(values)) == ["x" * 1000, {"text": "电" * 1000, "length": 1001}, ""]


def test_cut_of_the_copy_is_told(tmp_path):
    table = copy(tmp_path, [text("t", ["abc", "def"]), text("u", ["x", "y"])], cut={1: ["t"]})
    assert rows.page(table).cells == [["abc", "x"], [{"text": "def", "length": 3, "cut": True}, "y"]]
    assert rows.cell(table, row=1, column="t") == rows.Cell("def", "text", 3, True, True)
    assert rows.cell(table, row=1, column="u") == rows.Cell("y", "text", 1, False, False)


def test_bytes_are_their_first_ones_in_hexadecimal(tmp_path):
    array = pa.array([b"\x00\xff", b"a" * 100, None], pa.binary())
    assert shown(tmp_path, column("b", "bytes"), array) == [{"bytes": "00ff", "length": 2}, {"bytes": "61" * 32, "length": 100}, None]


def test_nested_values_are_json_text(tmp_path):
    array = pa.array([[{"a": 1, "b": [b"\x01"], "t": datetime.fromisoformat("2025-01-02")}], [], None])
    first, second, third = shown(tmp_path, column("l", "list"), array)
    assert json.loads(first) == [{"a": 1, "b": [{"bytes": "01", "length": 1}], "t": "2025-01-02T00:00:00"}]
    assert (second, third) == ("[]", None)
    wide = shown(tmp_path / "w", column("l", "list"), pa.array([list(range(1000))]))
    assert wide == [{"text": json.dumps(list(range(1000)))[:1000], "length": 4890}]
    special = pa.array([[float("nan"), 1.0, None, float("inf")]], pa.list_(pa.float64()))
    assert shown(tmp_path / "s", column("l", "list"), special) == ['["NaN", 1.0, null, "inf"]']


def test_dictionaries_maps_and_fixed_lists_are_read(tmp_path):
    assert shown(tmp_path / "m", column("m", "struct"), pa.array([[("k", 1)]], pa.map_(pa.string(), pa.int64()))) == ['[["k", 1]]']
    assert shown(tmp_path / "f", column("f", "list"), pa.array([[1.0, 2.0]], pa.list_(pa.float32(), 2))) == ["[1.0, 2.0]"]
    assert shown(tmp_path / "d", column("d", "text"), pa.array(["a", "b", "a"]).dictionary_encode()) == ["a", "b", "a"]


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (pa.array([date(2025, 11, 3)]), "2025-11-03"),
        (pa.array([datetime.fromisoformat("2025-11-03T08:30")], pa.timestamp("us")), "2025-11-03T08:30:00"),
        (pa.array([datetime.fromisoformat("2025-11-03T08:30:00.000120")], pa.timestamp("us")), "2025-11-03T08:30:00.00012"),
        (pa.array([1], pa.timestamp("ns")), "1970-01-01T00:00:00.000000001"),
        (pa.array([datetime(2025, 11, 3, 8, 30, tzinfo=UTC)], pa.timestamp("ms", "Asia/Shanghai")), "2025-11-03T08:30:00Z"),
        (pa.array([time(8, 30)]), "08:30:00"),
        (pa.array([timedelta(seconds=90, milliseconds=500)]), "90.5 s"),
        (pa.array([2**62], pa.timestamp("us")), str),
        (pa.array([-(2**31)], pa.date32()), str),
    ],
)
def test_times_are_iso_whatever_their_year_and_unit(tmp_path, array, expected):
    (found,) = shown(tmp_path, column("t", "time"), array)
    assert isinstance(found, str) if expected is str else found == expected


def test_categories_have_their_name_and_number(tmp_path):
    labels = column("c", "category", names=["cat", "狗"])
    assert shown(tmp_path, labels, pa.array([1, 0, -1, None, 7])) == [
        {"category": "狗", "value": 1}, {"category": "cat", "value": 0}, None, None, {"category": "7", "value": 7}
    ]  # fmt: skip


@pytest.fixture
def pictures(tmp_path):
    values = [
        {"file": None, "start": None, "size": 3, "bytes": b"PNG"},
        {"file": "images/a.tar", "start": 512, "size": 9, "bytes": None},
        None,
    ]
    return copy(tmp_path, [(column("image", "image"), pa.array(values, MEDIA)), integer("id", [1, 2, 3])], group=2)


def test_page_of_media_says_where_they_stand_but_not_their_bytes(pictures):
    assert [cells[0] for cells in rows.page(pictures).cells] == [
        {"media": "image", "file": None, "size": 3}, {"media": "image", "file": "images/a.tar", "size": 9}, None
    ]  # fmt: skip


def test_media_are_their_bytes_or_a_place_in_a_file(pictures):
    assert rows.media(pictures, row=0, column="image") == rows.Media("image", b"PNG", None, None, 3)
    assert rows.media(pictures, row=1, column="image") == rows.Media("image", None, "images/a.tar", 512, 9)
    assert refused(rows.media, pictures, row=2, column="image") == ("no_media", {"row": 2, "column": "image"})
    assert refused(rows.media, pictures, row=0, column="id") == ("no_media", {"row": 0, "column": "id"})
    assert refused(rows.media, pictures, row=3, column="image") == ("unknown_row", {"row": 3})


def test_cell_is_whole_up_to_a_million_characters(tmp_path):
    table = copy(tmp_path, [text("t", ["x" * 1_000_000, "y" * 1_000_001, None]), number("n", [1.0, 2.0, float("nan")])])
    assert rows.cell(table, row=0, column="t") == rows.Cell("x" * 1_000_000, "text", 1_000_000, False, False)
    assert rows.cell(table, row=1, column="t") == rows.Cell("y" * 1_000_000, "text", 1_000_001, True, False)
    assert rows.cell(table, row=2, column="t") == rows.Cell(None, "text", None, False, False)
    assert rows.cell(table, row=2, column="n") == rows.Cell("NaN", "number", 3, False, False)
    assert refused(rows.cell, table, row=-1, column="t") == ("unknown_row", {"row": -1})
    assert refused(rows.cell, table, row=0, column="__row") == ("unknown_column", {"column": "__row"})


def test_nested_cell_is_json_that_people_can_read(tmp_path):
    table = copy(tmp_path, [(column("l", "list"), pa.array([[{"a": [1, 2]}]]))])
    found = rows.cell(table, row=0, column="l")
    assert json.loads(found.value) == [{"a": [1, 2]}] and "\n" in found.value


def test_cell_of_bytes_shows_its_beginning(tmp_path):
    table = copy(tmp_path, [(column("b", "bytes"), pa.array([b"\x01" * 5000], pa.binary()))])
    assert rows.cell(table, row=0, column="b") == rows.Cell({"bytes": "01" * 4096, "length": 5000}, "bytes", 5000, True, False)


def test_fat_rows_never_take_more_than_a_few_row_groups_of_memory(tmp_path):
    table = copy(tmp_path, [text("t", [chr(97 + i % 26) * 4_000_000 for i in range(60)])], group=2)
    rows.page(table, limit=2)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert [cells[0]["length"] for cells in rows.page(table).cells] == [4_000_000] * 60
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000


def test_lost_copy_is_told(tmp_path):
    table = copy(tmp_path, [integer("id", [1])])
    for path in tmp_path.iterdir():
        path.write_bytes(b"PAR1 nothing")
    assert refused(rows.page, table)[0] == "copy_damaged"

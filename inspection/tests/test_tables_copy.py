"""Copies of whole splits, made in the confined process: schemas that hold every file, and parts as readers need them."""

import io
import json
from collections import Counter
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from inspection.files import Unreadable
from inspection.tests.copying_made import copy, parquet


def test_files_of_a_split_share_their_columns() -> None:
    found = copy("csv", {"a.csv": b"a,b\n1,x\n", "b.csv": b"b,c\ny,true\n"})
    assert found.rows == [{"a": 1, "b": "x", "c": None}, {"a": None, "b": "y", "c": True}]
    assert found.kinds == {"a": "integer", "b": "text", "c": "boolean"}


def test_a_column_keeps_its_text_where_a_later_file_has_no_number() -> None:
    found = copy("csv", {"a.csv": b"a\n007\n1.50\n" + b"2\n" * 20_000, "b.csv": b"a\nx\n"})
    assert [row["a"] for row in (found.rows[0], found.rows[1], found.rows[-1])] == ["007", "1.50", "x"]
    assert (found.said["copy"], found.said["rows"], len(found.rows)) == (1, 20_003, 20_003)


def test_mixed_json_stays_json_from_the_first_row() -> None:
    found = copy("json", {"a.jsonl": b'{"a": {"x": 1}}\n' * 12_000 + b'{"a": "y"}\n{"a": [1]}\n'})
    assert found.kinds == {"a": "json"}
    assert Counter(row["a"] for row in found.rows) == {'{"x": 1}': 12_000, '"y"': 1, "[1]": 1}


def test_rows_are_numbered_through_all_parts() -> None:
    found = copy("csv", {"a.csv": b"a\n" + b"".join(b"%d\n" % number for number in range(25_000))})
    assert found.table["__row"].to_pylist() == found.table["a"].to_pylist() == list(range(25_000))
    groups = pq.ParquetFile(io.BytesIO(found.parts[0])).metadata
    assert max(groups.row_group(index).num_rows for index in range(groups.num_row_groups)) <= 10_000


def test_parts_and_row_groups_are_small() -> None:
    texts = [f"{number} " * 9000 for number in range(2000)]
    found = copy("parquet", {"a.parquet": parquet(pa.table({"t": texts, "r": pa.array(range(2000), pa.int16())}), row_group_size=2000)})
    assert max(map(len, found.parts)) <= 64 << 20
    for part in found.parts:
        metadata = pq.ParquetFile(io.BytesIO(part)).metadata
        assert max(metadata.row_group(index).total_byte_size for index in range(metadata.num_row_groups)) <= (8 << 20) + 4096
    assert found.table["t"].to_pylist() == texts
    assert found.said["columns"][1] == {"name": "r", "type": "int16", "kind": "integer"}


def test_odd_names_are_made_usable() -> None:
    header = ",".join(["", "a", "A", "__row", "__cut", "n" * 10_000, '"x\ny"', " "])
    found = copy("csv", {"a.csv": f"{header}\n1,2,3,4,5,6,7,8\n".encode()})
    names = [column["name"] for column in found.said["columns"]]
    assert names == ["Unnamed: 0", "a", "A_2", "row", "cut", "n" * 200, "x\ny", "column_8"]
    assert [column.get("source", "")[:6] for column in found.said["columns"]] == ["", "", "A", "__row", "__cut", "nnnnnn", "", " "]
    assert found.rows == [dict(zip(names, range(1, 9), strict=False))]


def test_long_cells_are_cut_and_named() -> None:
    data = {
        "a": ["x" * 3_000_000, "y"],
        "b": [b"z" * 9_000_000, b"z"],
        "c": [["item" * 1000] * 1000, []],
        "d": [{"e": "w" * 2_000_000}, None],
    }
    found = copy("parquet", {"a.parquet": parquet(pa.table(data))})
    assert found.table["__cut"].to_pylist() == [["a", "b", "c", "d"], None]
    first, second = found.rows
    assert second == {"a": "y", "b": b"z", "c": [], "d": None}
    assert first["a"] == "x" * len(first["a"]) and len(first["a"]) <= 1 << 20
    assert sum(len(value) for value in (first["a"], first["b"], first["d"]["e"], "".join(first["c"]))) <= 8 << 20


def test_a_row_of_many_long_cells_fits_a_row_group() -> None:
    found = copy("json", {"a.json": json.dumps([{f"c{number}": "x" * 900_000 for number in range(100)}, {"c0": "y"}]).encode()})
    first, second = found.rows
    assert sum(len(value) for value in first.values() if value) <= (8 << 20) + 64 * 100
    assert (second["c0"], len(found.table["__cut"][0].as_py())) == ("y", len(found.table["__cut"][0]))


@pytest.mark.slow
def test_a_row_group_of_a_gigabyte_is_copied_in_half_of_one() -> None:
    texts = pa.array([f"{number} " * 2000 for number in range(90_000)])
    found = copy(
        "parquet", {"a.parquet": parquet(pa.table({"t": texts}), row_group_size=1_000_000, use_dictionary=False)}, memory=512 << 20
    )
    assert (found.said["rows"], found.said["bad_files"]) == (90_000, 0)
    assert found.table["t"][89_999].as_py() == "89999 " * 2000


@pytest.mark.slow
def test_cells_of_a_hundred_megabytes_are_copied() -> None:
    data = parquet(pa.table({"t": ["x" * 100_000_000, "y", None, "z" * 100_000_000]}), row_group_size=2, use_dictionary=False)
    found = copy("parquet", {"a.parquet": data})
    assert [row["t"] and (row["t"][0], len(row["t"])) for row in found.rows] == [("x", 1 << 20), ("y", 1), None, ("z", 1 << 20)]


def test_few_bytes_that_stand_for_many_are_a_sample() -> None:
    bomb = pa.table({"t": pa.DictionaryArray.from_arrays(pa.array([0] * 3000, pa.int32()), ["x" * 1_000_000])})
    data = parquet(bomb, store_schema=False)
    assert len(data) < 100_000
    found = copy("parquet", {"a.parquet": data}, limit=100 << 20)
    assert (found.said["sampled"], found.said["source_rows"], found.said["bad"]) == (True, 3000, [])
    assert 400 <= found.said["rows"] < 450


def test_a_sample_says_how_many_rows_there_are() -> None:
    texts = [f"{number:09}" * 200 for number in range(20_000)]
    data = parquet(pa.table({"t": texts}), row_group_size=1000, compression="none", use_dictionary=False)
    found = copy("parquet", {"a.parquet": data, "b.parquet": data}, limit=len(data) // 2)
    assert (found.said["sampled"], found.said["source_rows"]) == (True, 40_000)
    assert found.table["t"].to_pylist() == texts[: found.said["rows"]]


def test_a_format_that_is_not_read_is_told() -> None:
    with pytest.raises(Unreadable) as refused:
        copy("hdf5", {"a.h5": b"x"})
    assert (refused.value.code, refused.value.facts) == ("format_not_read", {"format": "hdf5"})


@pytest.mark.parametrize(
    ("kind", "values", "shown"),
    [
        (pa.uint8(), [1, None], ("uint8", "integer", [1, None])),
        (pa.float16(), [1.5, None], ("float32", "number", [1.5, None])),
        (pa.decimal128(10, 2), ["1.50", None], ("decimal128(10, 2)", "number", None)),
        (pa.large_string(), ["x", None], ("string", "text", ["x", None])),
        (pa.dictionary(pa.int8(), pa.string()), ["x", None], ("string", "text", ["x", None])),
        (pa.binary(3), [b"abc", None], ("binary", "bytes", [b"abc", None])),
        (pa.date64(), [0, None], ("date", "time", None)),
        (pa.timestamp("ns", "Asia/Shanghai"), [0, None], ("timestamp[us, tz=Asia/Shanghai]", "time", None)),
        (pa.time32("s"), [3661, None], ("string", "text", ["01:01:01", None])),
        (pa.duration("s"), [5, None], ("int64", "integer", [5, None])),
        (pa.null(), [None, None], ("null", "text", [None, None])),
        (pa.list_(pa.large_string()), [["x", None], None], ("list<string>", "list", [["x", None], None])),
        (pa.list_(pa.int8(), 2), [[1, 2], [3, 4]], ("list<int8>", "list", [[1, 2], [3, 4]])),
        (pa.struct([("a", pa.struct([("b", pa.int8())]))]), [{"a": {"b": 1}}, None], ("struct<a: struct<b: int8>>", "struct", [{"a": {"b": 1}}, None])),
        (pa.map_(pa.string(), pa.int64()), [[("k", 1)], None], ("list<struct<key: string, value: int64>>", "list", [[{"key": "k", "value": 1}], None])),
        (pa.struct([]), [{}, None], ("json", "json", ["{}", None])),
    ],
)  # fmt: skip
def test_types_become_those_of_the_copy(kind: pa.DataType, values: list[Any], shown: tuple[str, str, Any]) -> None:
    if pa.types.is_decimal(kind):
        array = pa.array(values).cast(kind)
    elif pa.types.is_date64(kind) or pa.types.is_timestamp(kind):
        array = pa.array(values, pa.int64()).cast(kind)
    else:
        array = pa.array(values, kind)
    sink = io.BytesIO()
    with pa.ipc.new_file(sink, pa.schema([pa.field("c", array.type)])) as writer:
        writer.write(pa.record_batch([array], names=["c"]))
    found = copy("arrow", {"a.arrow": sink.getvalue()})
    (column,) = found.said["columns"]
    assert (column["type"], column["kind"]) == shown[:2]
    if shown[2] is not None:
        assert [row["c"] for row in found.rows] == shown[2]

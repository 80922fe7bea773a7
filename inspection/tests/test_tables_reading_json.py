"""JSON in each of its forms: exact rows, mixed values as text, and sizes that do not matter."""

import json
from typing import Any

import pyarrow as pa
import pytest

from inspection.files import in_memory
from inspection.tables.reading import json as reading
from inspection.tables.reading.context import Context


def rows(data: Any, **options: Any) -> tuple[list[dict[str, Any]], Context]:
    context = Context(options=options)
    raw = data if isinstance(data, bytes) else json.dumps(data).encode()
    return [row for batch in reading.read(context, [in_memory("f.json", raw)]) for row in batch.to_pylist()], context


def read(data: Any, **options: Any) -> list[dict[str, Any]]:
    found, context = rows(data, **options)
    assert context.faults.listed == []
    return found


LINES = b'{"a": 1, "b": "x"}\n\n{"a": 2, "b": "y"}\n'
BOTH = [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]


@pytest.mark.parametrize(
    "data",
    [
        LINES,
        b"\xef\xbb\xbf" + LINES,
        LINES.decode().encode("utf-16"),
        BOTH,
        json.dumps(BOTH, indent=1).encode(),
        {"a": [1, 2], "b": ["x", "y"]},
        json.dumps({"a": [1, 2], "b": ["x", "y"]}, indent=4).encode(),
        "\n".join(json.dumps(row, indent=2) for row in BOTH).encode(),
    ],
)
def test_rows_come_from_every_form(data: Any) -> None:
    assert read(data) == BOTH


def test_a_list_of_texts_is_a_column() -> None:
    assert read(["x", "y"]) == [{"text": "x"}, {"text": "y"}]


@pytest.mark.parametrize(
    "data", [{"info": {"n": [1]}, "data": BOTH}, {"data": {"a": [1, 2], "b": ["x", "y"]}}, {"x": "data", "data": BOTH, "z": 1}]
)
def test_rows_under_a_field(data: Any) -> None:
    assert read(data, field="data") == BOTH


@pytest.mark.parametrize(("data", "code"), [({"x": 1}, "field_not_found"), ({"data": 3}, "field_without_rows"), (b"{broken", "bad_json")])
def test_a_field_that_is_not_there_has_its_code(data: Any, code: str) -> None:
    assert [entry["code"] for entry in rows(data, field="data")[1].faults.listed] == [code]


def test_one_object_is_one_row() -> None:
    assert read({"a": {"x": [1, 2]}, "b": None}) == [{"a": {"x": [1, 2]}, "b": None}]


def test_whole_numbers_and_fractions_are_fractions() -> None:
    assert read(b'{"a": 1}\n{"a": 2.5}\n{"a": null}\n') == [{"a": 1.0}, {"a": 2.5}, {"a": None}]


def test_what_does_not_agree_stays_json() -> None:
    found, _context = rows(b'{"a": 1}\n{"a": "x"}\n{"a": {"b": [1]}}\n{"a": null}\n{"a": 123456789012345678901234567890}\n')
    assert [row["a"] for row in found] == ["1", '"x"', '{"b": [1]}', None, "123456789012345678901234567890"]


def test_nested_values_keep_their_types() -> None:
    context = Context()
    data = b'{"a": {"x": 1, "y": ["p"]}}\n{"a": {"x": 2, "z": {"w": true}}}\n'
    (batch,) = reading.read(context, [in_memory("f", data)])
    assert batch.schema.field("a").type == pa.struct(
        [("x", pa.int64()), ("y", pa.list_(pa.string())), ("z", pa.struct([("w", pa.bool_())]))]
    )


@pytest.mark.parametrize("value", ["{}", "[" * 40 + "1" + "]" * 40, json.dumps({f"k{index}": index for index in range(300)})])
def test_what_is_no_struct_stays_json(value: str) -> None:
    found, context = rows(f'{{"a": {value}}}\n'.encode() * 2)
    assert (json.loads(found[0]["a"]), context.faults.rows) == (json.loads(value), 0)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"{broken", "bad_json"),
        (b"[1, 2]", "not_an_object"),
        (b'"text"', "not_an_object"),
        (b'{"a": ' + b"[" * 100_000 + b"}", "too_deep"),
        (b'{"a": ' + b"9" * 5000 + b"}", "bad_json"),
    ],
)
def test_a_bad_line_is_listed_and_the_others_are_read(line: bytes, code: str) -> None:
    found, context = rows(b'{"a": 1}\n' + line + b'\n{"a": 2}\n')
    assert [row["a"] for row in found] == [1, 2]
    assert [(entry["line"], entry["code"]) for entry in context.faults.listed] == [(2, code)]


def test_halves_of_pairs_and_nul_become_a_mark() -> None:
    assert read(b'{"a": "\\ud800x"}\n{"a": "y\\u0000"}\n') == [{"a": "\ufffdx"}, {"a": "y\ufffd"}]


@pytest.mark.parametrize(
    ("data", "code", "count"),
    [(b'[{"a": 1}, {"a": 2}', "truncated", 2), (b'[{"a": 1}, {"a": ]', "truncated", 1), (b"[" * 300_000, "too_deep", 0), (b"", "empty", 0)],
)
def test_an_array_that_breaks_off_keeps_its_rows(data: bytes, code: str, count: int) -> None:
    found, context = rows(data)
    assert (len(found), context.faults.listed[-1]["code"]) == (count, code)


def test_a_hundred_megabytes_in_one_line_are_rows() -> None:
    row = json.dumps({"id": 1, "text": "x" * 500}).encode()
    found = 0
    context = Context()
    for batch in reading.read(context, [in_memory("f", b"[" + b", ".join([row] * 190_000) + b"]")]):
        assert batch.nbytes < 8 << 20
        found += batch.num_rows
    assert (found, context.faults.listed) == (190_000, [])


@pytest.mark.parametrize("form", ["lines", "array"])
def test_a_fat_row_is_cut_and_the_next_one_is_whole(form: str) -> None:
    fat = {"s": 'é\\"' * 5_000_000, "l": [1] * 2_000_000, "o": {"k": [True]}, "n": -1.5, "z": None}
    next_row = {"s": "y", "l": [1], "o": {"k": [False]}, "n": 2.5, "z": "z"}
    data = (
        json.dumps([fat, next_row], ensure_ascii=False)
        if form == "array"
        else f"{json.dumps(fat, ensure_ascii=False)}\n{json.dumps(next_row)}"
    )
    found, context = rows(data.encode())
    assert (found[1], context.faults.listed) == (next_row, [])
    assert found[0]["\0cut"] == ["s", "l"]
    assert 'é\\"é\\"'.startswith(found[0]["s"][:6]) and 500_000 < len(found[0]["s"]) < 1 << 20
    assert (found[0]["l"], found[0]["o"], found[0]["n"], found[0]["z"]) == (None, {"k": [True]}, -1.5, None)

"""Separated values and plain text: exact rows, and a code for every line that is none."""

import gzip
from datetime import date, datetime
from typing import Any

import pyarrow as pa
import pytest

from inspection.files import in_memory
from inspection.tables.reading import csv, text
from inspection.tables.reading.context import Context

CODES = [(b"a,b\n1,2,3\n4,5\n", "too_many_fields", 2), (b"a,b\n1,x\0y\n4,5\n", "nul_bytes", 2), (b"a,b\n1,\xff\xc3\xa9\xc3\xa9\n4,5\n", "bad_encoding", 2),
         (b'a,b\n"1,2\n' + b"3,4\n" * 30, "unclosed_quote", 2), (b'a,b\n1,2\n"3,x', "unclosed_quote", 3)]  # fmt: skip


def rows(reader: Any, data: bytes, **options: Any) -> tuple[list[dict[str, Any]], Context]:
    context = Context(options=options)
    found = [row for batch in reader(context, [in_memory("f", data)]) for row in batch.to_pylist()]
    return found, context


def read(data: bytes, **options: Any) -> list[dict[str, Any]]:
    found, context = rows(csv.read, data, **options)
    assert (context.faults.rows, context.faults.files) == (0, 0)
    return found


def test_types_are_found_out() -> None:
    data = b"i,f,b,d,t,s,n\n1,1.5,true,2024-02-29,2024-02-29T10:30:00,x,\n-2,,false,,,NA,\n"
    assert read(data) == [
        {"i": 1, "f": 1.5, "b": True, "d": date(2024, 2, 29), "t": datetime(2024, 2, 29, 10, 30), "s": "x", "n": None},  # noqa: DTZ001 - the file says no zone
        {"i": -2, "f": None, "b": False, "d": None, "t": None, "s": None, "n": None},
    ]


@pytest.mark.parametrize("separator", [",", "\t", ";", "|"])
def test_the_separator_is_found_out(separator: str) -> None:
    assert read(f"a{separator}b\n1{separator}x\n2{separator}y\n".encode()) == [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]


def test_a_separator_that_is_given_is_taken() -> None:
    assert read(b"a;b,c\n1;2,3\n", sep=";") == [{"a": 1, "b,c": "2,3"}]


def test_quotes_hold_separators_quotes_and_lines() -> None:
    assert read(b'a,b\r\n"x,\r\ny","say ""hi"""\r\n"",2 inch: 2"\r\n') == [
        {"a": "x,\r\ny", "b": 'say "hi"'},
        {"a": None, "b": '2 inch: 2"'},
    ]


def test_records_longer_than_a_block_of_lines_stay_whole() -> None:
    cell = '"' + "line, of\ntext \n" * 1000 + '"'
    found = read(("a,b\n" + f"{cell},1\n" * 300).encode())
    assert len(found) == 300
    assert {(len(row["a"]), row["b"]) for row in found} == {(len(cell) - 2, 1)}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "gb18030"])
def test_the_encoding_is_found_out(encoding: str) -> None:
    table = "名称,数量,说明\n北京,1,这是一个测试\n上海,2,第二行的内容\n"
    assert read(table.encode(encoding)) == [
        {"名称": "北京", "数量": 1, "说明": "这是一个测试"},
        {"名称": "上海", "数量": 2, "说明": "第二行的内容"},
    ]


def test_western_text_without_a_mark_is_no_chinese() -> None:
    assert read("name,city\nZoë,Málaga\nnaïve,Köln\n".encode("cp1252")) == [
        {"name": "Zoë", "city": "Málaga"},
        {"name": "naïve", "city": "Köln"},
    ]


def test_an_encoding_that_is_given_is_taken() -> None:
    assert read("a\nПривет\n".encode("koi8-r"), encoding="KOI8-R") == [{"a": "Привет"}]


def test_records_shorter_than_the_header_end_in_nulls() -> None:
    assert read(b"a,b,c\n1\n2,3\n4,5,6\n") == [{"a": 1, "b": None, "c": None}, {"a": 2, "b": 3, "c": None}, {"a": 4, "b": 5, "c": 6}]


def test_empty_fields_at_the_end_are_no_fault() -> None:
    assert read(b"a,b\n1,2,,\n") == [{"a": 1, "b": 2}]


@pytest.mark.parametrize(("data", "code", "line"), CODES)
def test_a_bad_line_is_listed_with_its_number(data: bytes, code: str, line: int) -> None:
    _found, context = rows(csv.read, data)
    assert [(entry["code"], entry["line"]) for entry in context.faults.listed] == [(code, line)]
    assert context.faults.rows == 1


def test_the_first_hundred_bad_lines_are_listed_and_all_counted() -> None:
    found, context = rows(csv.read, b"a,b\n" + b"1,2,3\n" * 250 + b"4,5\n")
    assert (found, context.faults.rows, len(context.faults.listed)) == ([{"a": 4, "b": 5}], 250, 100)


def test_names_are_those_of_pandas() -> None:
    assert read(b"a,a,,a\n1,2,3,4\n") == [{"a": 1, "a.1": 2, "Unnamed: 2": 3, "a.2": 4}]


def test_options_of_the_card_are_followed() -> None:
    assert read(b"1,2\n3,4\n", header=None) == [{"0": 1, "1": 2}, {"0": 3, "1": 4}]
    assert read(b"1,2\n", names=["x", "y"]) == [{"x": 1, "y": 2}]
    assert read(b"old,names\n1,2\n", names=["x", "y"], header=0) == [{"x": 1, "y": 2}]
    assert read(b"a note\n\na,b\n1,2\n", skiprows=2) == [{"a": 1, "b": 2}]
    assert read(b"a,b\n'1,5',2\n", quotechar="'") == [{"a": "1,5", "b": 2}]


def test_columns_beyond_two_thousand_are_left_out() -> None:
    width = 1_000_000
    context = Context()
    data = ",".join(f"c{index}" for index in range(width)).encode() + b"\n" + b",".join([b"1"] * width) + b"\n"
    (batch,) = csv.read(context, [in_memory("wide.csv", data)])
    assert (batch.num_columns, batch.num_rows, context.faults.rows) == (2000, 1, 0)


def test_old_line_ends_count() -> None:
    assert read(b"a,b\r1,2\r3,4\r") == [{"a": 1, "b": 2}, {"a": 3, "b": 4}]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty"),
        (b"\x00\x01\x02\x03" * 100, "not_text"),
        (bytes(range(256)) * 40, "not_text"),
        (gzip.compress(b"a\n1\n" * 999)[:-9], "bad_compression"),
    ],
)
def test_a_file_that_is_no_text_has_its_code(data: bytes, code: str) -> None:
    _found, context = rows(csv.read, data)
    assert [entry["code"] for entry in context.faults.listed] == [code]


@pytest.mark.parametrize("pack", ["gzip", "bz2", "lz4", "zstd", "xz"])
def test_compressed_files_are_read(pack: str) -> None:
    if pack == "xz":
        import lzma

        data = lzma.compress(b"a,b\n1,x\n") + lzma.compress(b"2,y\n")
        assert read(data) == [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]
        return
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, pack) as stream:
        stream.write(b"a,b\n1,x\n")
    assert read(sink.getvalue().to_pybytes()) == [{"a": 1, "b": "x"}]


def test_lines_of_text_are_rows() -> None:
    assert rows(text.read, "one\r\n\nthree 三\n".encode())[0] == [{"text": "one"}, {"text": ""}, {"text": "three 三"}]
    assert rows(text.read, b"one\ntwo", keep_linebreaks=True)[0] == [{"text": "one\n"}, {"text": "two\n"}]


def test_text_by_paragraph_and_by_document() -> None:
    data = b"a\nb\n\n\nc\n"
    assert rows(text.read, data, sample_by="paragraph")[0] == [{"text": "a\nb"}, {"text": "c"}]
    assert rows(text.read, data, sample_by="document")[0] == [{"text": "a\nb\n\n\nc\n"}]


def test_a_line_of_a_hundred_megabytes_is_cut() -> None:
    found, context = rows(text.read, b"x" * 100_000_000 + b"\nend\n")
    assert [(len(row["text"]), row["text"][:3]) for row in found] == [(1 << 20, "xxx"), (3, "end")]
    assert found[0]["\0cut"] == ["text"]
    assert context.faults.rows == 0


def test_damaged_text_is_mended_and_listed() -> None:
    found, context = rows(text.read, b"good\nb\xffd \xc3\xa9\xc3\xa9\xc3\xa9\nn\0l\n")
    assert found == [{"text": "good"}, {"text": "b\ufffdd ééé"}, {"text": "n\ufffdl"}]
    assert [(entry["line"], entry["code"]) for entry in context.faults.listed] == [(2, "bad_encoding"), (3, "nul_bytes")]

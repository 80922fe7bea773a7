"""Files that are broken, lie about themselves, or are made to hurt: each ends in its code, and the others of the split are read."""

import io
import json
import struct
from typing import Any

import pyarrow as pa
import pytest

from inspection.files import File, Unreadable
from inspection.tests.copying_made import copy, parquet

TABLE = pa.table({"a": list(range(1000)), "b": [f"text {number}" for number in range(1000)]})
GOOD = parquet(TABLE)
(FOOTER,) = struct.unpack("<I", GOOD[-8:-4])


def stream(table: pa.Table = TABLE, *, file: bool = False) -> bytes:
    sink = io.BytesIO()
    with (pa.ipc.new_file if file else pa.ipc.new_stream)(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def refused(form: str, data: bytes, name: str = "bad") -> tuple[str, dict[str, Any]]:
    with pytest.raises(Unreadable) as error:
        copy(form, {name: data})
    return error.value.code, error.value.facts


PARQUET = {
    "empty": (b"", "not_parquet"),
    "not parquet": (b"a,b\n1,2\n" * 10, "not_parquet"),
    "cut off": (GOOD[:-200], "truncated"),
    "encrypted": (GOOD[:-4] + b"PARE", "encrypted"),
    "footer length beyond the file": (GOOD[:-8] + struct.pack("<I", 0x7FFFFFFF) + b"PAR1", "wrong_footer"),
    "footer length of nothing": (GOOD[:-8] + struct.pack("<I", 0) + b"PAR1", "wrong_footer"),
    "footer of zeros": (GOOD[: -8 - FOOTER] + bytes(FOOTER) + GOOD[-8:], "wrong_footer"),
    "footer of noise": (GOOD[: -8 - FOOTER] + bytes(range(1, 251)) * 4 + GOOD[-8:], "wrong_footer"),
    "pages of noise": (GOOD[:100] + b"\xff" * 2000 + GOOD[2100:], "damaged"),
    "footer too large": (b"PAR1" + bytes(40 << 20) + struct.pack("<I", 40 << 20) + b"PAR1", "footer_too_large"),
}
ARROW = {
    "empty": (b"", "empty"),
    "garbage": (b"garbage!" * 1000, "not_arrow"),
    "noise behind the magic": (b"ARROW1\0\0" + b"\xff" * 1000, "damaged"),
    "stream cut off": (stream()[:4000], "damaged"),
    "file cut off": (stream(file=True)[:-100], "damaged"),
    "a length of two gigabytes": (b"\xff\xff\xff\xff\xff\xff\xff\x7f" * 100, "too_large_to_read"),
}


@pytest.mark.parametrize("case", PARQUET)
def test_broken_parquet_has_its_code(case: str) -> None:
    data, code = PARQUET[case]
    assert refused("parquet", data)[0] == code


@pytest.mark.parametrize("case", ARROW)
def test_broken_arrow_has_its_code(case: str) -> None:
    data, code = ARROW[case]
    assert refused("arrow", data)[0] == code


def test_a_bad_file_leaves_the_others() -> None:
    found = copy("parquet", {"a.parquet": GOOD, "b.parquet": GOOD[:-50], "c.parquet": GOOD})
    assert (found.said["rows"], found.said["bad_files"], found.faults) == (2000, 1, [("b.parquet", 0, "truncated")])


def test_every_cut_of_a_file_ends_in_a_code() -> None:
    for form, whole in (("parquet", GOOD), ("arrow", stream()), ("arrow", stream(file=True))):
        files = {f"{size}": whole[:size] for size in range(0, len(whole), len(whole) // 40)}
        try:
            found = copy(form, files)
        except Unreadable as error:
            assert error.code in {"not_parquet", "truncated", "empty", "not_arrow", "damaged", "wrong_footer", "too_large_to_read"}
        else:
            assert found.said["bad_files"] > 0


def test_every_flipped_stretch_ends_in_a_code() -> None:
    for form, whole in (("parquet", GOOD), ("arrow", stream()), ("arrow", stream(file=True))):
        step = len(whole) // 60
        files = {
            f"{at}": whole[:at] + bytes(byte ^ 0x5A for byte in whole[at : at + 16]) + whole[at + 16 :] for at in range(0, len(whole), step)
        }
        found = copy(form, files)
        assert found.said["rows"] > 0


def test_text_that_is_no_utf8_is_mended() -> None:
    bad = pa.array([b"good", b"b\xffd", b"n\0l", None]).cast(pa.binary())
    strings = pa.Array.from_buffers(pa.string(), 4, bad.buffers())
    nested = pa.ListArray.from_arrays([0, 2, 4], strings)
    found = copy("parquet", {"a.parquet": parquet(pa.table({"t": strings}))})
    assert [row["t"] for row in found.rows] == ["good", "b\ufffdd", "n\ufffdl", None]
    found = copy("parquet", {"a.parquet": parquet(pa.table({"t": nested}))})
    assert [row["t"] for row in found.rows] == [["good", "b\ufffdd"], ["n\ufffdl", None]]


def test_names_that_are_no_text_are_mended() -> None:
    found = copy("json", {"a.json": b'[{"a\\u0000b": 1, "\\ud800": 2, "": 3}]'})
    assert found.rows == [{"a\ufffdb": 1, "\ufffd": 2, "column_3": 3}]


def test_many_megabytes_of_brackets_end_in_a_code() -> None:
    deep = (b'{"' + b"a" * 90 + b'":') * 100_000
    for data, code in ((b"[" * 10_000_000, "too_deep"), (b"[" + b"[]," * 300_000, "truncated"), (deep, "bad_json")):
        try:
            found = copy("json", {"a.json": data}, limit=1 << 30)
        except Unreadable as error:
            assert error.code in {code, "no_rows"}
        else:
            assert found.faults[-1][2] == code


@pytest.mark.slow
def test_a_line_of_many_small_values_is_a_row() -> None:
    line = json.dumps({"a": [{}] * 2_000_000}).encode()
    found = copy("json", {"a.jsonl": line + b'\n{"a": []}\n'})
    assert (found.said["rows"], found.kinds) == (2, {"a": "json"})


@pytest.mark.slow
def test_a_row_of_a_hundred_thousand_keys_has_two_thousand_columns() -> None:
    # Ten megabytes: a row above eight is taken apart as it comes in.
    row = json.dumps({f"{number:>90}": number for number in range(100_000)}).encode()
    found = copy("json", {"a.jsonl": row + b"\n"})
    assert (found.said["rows"], len(found.said["columns"])) == (1, 2000)


@pytest.mark.slow
def test_csv_of_a_hundred_megabytes_in_one_quoted_cell() -> None:
    found = copy("csv", {"a.csv": b'a,b\n1,"' + b'x""\n' * 25_000_000 + b'"\n2,y\n'})
    assert [(row["a"], len(row["b"])) for row in found.rows] == [(1, 3 << 18), (2, 1)]
    assert found.table["__cut"].to_pylist() == [["b"], None]


def test_a_bomb_of_gzip_is_a_sample() -> None:
    import gzip

    found = copy(
        "text", {"a.txt.gz": gzip.compress(b"0" * 200 + b"\n") * 1 + gzip.compress((b"0" * 200 + b"\n") * 1_000_000)}, limit=20 << 20
    )
    assert found.said["sampled"] is True
    assert 90_000 < found.said["rows"] < 120_000


def test_a_store_that_fails_is_no_fault_of_the_file() -> None:
    def read(start: int, end: int) -> bytes:
        raise ConnectionError("the store is gone")

    with pytest.raises(ConnectionError):
        copy("csv", [File("a.csv", 100, read)])

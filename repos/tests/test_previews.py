"""Previews: what is shown, and that hostile bytes end in a sentence."""

import base64
import io
import json
import struct
import time
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image

from repos.previews import Preview, preview
from repos.previews.diffs import diff
from repos.previews.kinds import decode
from repos.previews.source import MAX_LINE_LENGTH, MAX_LINES, source

LIMIT = 10_000_000


def show(name: str, data: bytes, **options: Any) -> Preview:
    return preview(name, len(data), lambda start, end: data[start:end], limit=LIMIT, **options)


def picture(kind: str = "PNG", size: tuple[int, int] = (20, 10)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, "#0a6852").save(buffer, kind)
    return buffer.getvalue()


def weights(header: Any, body: bytes = b"") -> bytes:
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(raw)) + raw + body


# --- Kinds and encodings -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        ("你好，世界。这是一个测试文件".encode(), "UTF-8"),
        ("你好，世界。这是一个测试文件".encode("gb18030"), "GB18030"),
        ("你好，世界。这是一个测试文件".encode("utf-16"), "UTF-16"),
        ("plain words without a mark".encode("utf-16-le"), "UTF-16-LE"),
        ("\ufeff你好".encode(), "UTF-8"),
        (b"caf\xe9, na\xefve, r\xe9sum\xe9 and more words around them", "CP1252"),
    ],
)
def test_text_is_read_in_its_encoding(data: bytes, encoding: str) -> None:
    found = decode(data)
    assert found is not None
    assert found.encoding == encoding
    assert "\ufeff" not in found.content


@pytest.mark.parametrize("data", [bytes(range(256)) * 4, b"\x7fELF\x02\x01\x01" + b"\0" * 60, b"text\x00with a zero", b"\x80\x02}q\x00."])
def test_other_bytes_are_not_text(data: bytes) -> None:
    assert decode(data) is None
    assert show("a.txt", data).kind == "none"


def test_an_encoded_character_cut_at_the_end_of_the_head_does_not_make_a_file_binary() -> None:
    assert show("a.txt", b"a" * 8191 + "世".encode() * 10).kind == "source"


@pytest.mark.parametrize("name", ["a.svg", "a.html", "a.xhtml", "a.xml"])
def test_active_documents_are_shown_as_text_only(name: str) -> None:
    shown = show(name, b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(2)</script></svg>')
    assert shown.kind == "source"
    assert "<script" not in shown.body.html and "<svg" not in shown.body.html
    assert shown.body.html.count("&lt;") == 4


def test_a_picture_that_is_also_a_page_is_no_picture() -> None:
    shown = show("a.gif", b"GIF89a/*<svg/onload=alert(1)>*/=1;")
    assert shown.kind == "none"
    assert shown.notes == ["This picture is damaged or too large to be shown. Download it to look at it."]


def test_an_empty_file_says_so() -> None:
    assert show("a.txt", b"").notes == ["This file is empty."]


def test_a_file_above_the_limit_is_not_read() -> None:
    reads: list[tuple[int, int]] = []

    def read(start: int, end: int) -> bytes:
        reads.append((start, end))
        return b"a" * (end - start)

    shown = preview("a.txt", 1_000_000_000, read, limit=LIMIT)
    assert shown.kind == "none"
    assert shown.notes == ["This file is too large to be shown here. Download it to read it."]
    assert reads == [(0, 8192)]


# --- Source ------------------------------------------------------------------------------------------------


def test_lines_are_numbered_and_coloured_as_in_the_design() -> None:
    html = show("config.json", b'{\n  "a": true\n}\n').body.html.split("\n")
    assert html == [
        '<li id="L1"><a href="#L1" aria-label="Line 1"></a><span>{</span></li>',
        '<li id="L2"><a href="#L2" aria-label="Line 2"></a><span>  <span class="tok-k">&quot;a&quot;</span>: <span class="tok-n">true</span></span></li>',
        '<li id="L3"><a href="#L3" aria-label="Line 3"></a><span>}</span></li>',
    ]


def test_a_token_over_several_lines_is_closed_on_each() -> None:
    html = source('"""one\ntwo"""\n', "a.py").html.split("\n")
    assert all(line.count("<span") == line.count("</span>") for line in html)


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
def test_every_kind_of_line_end_counts_once(ends: str) -> None:
    assert show("a.txt", f"one{ends}two{ends}".encode()).body.total == 2


def test_long_lines_and_files_are_cut_with_a_note() -> None:
    lines = source("x" * (MAX_LINE_LENGTH + 1) + "\n" + "y\n" * MAX_LINES, "a.py")
    assert (lines.total, lines.shown, lines.shortened) == (MAX_LINES + 1, MAX_LINES, 1)
    assert "… line shortened" in lines.html


def test_hidden_reordering_characters_are_told() -> None:
    assert show("a.py", "x = 1 # \u202e)x".encode()).notes == [
        "This text holds invisible characters that change the order in which it is displayed. It may not read as it runs."
    ]


@pytest.mark.parametrize("name", ["a.cpp", "a.java", "a.md", "a.py", "a.csv", "a.json", "a.ipynb"])
@pytest.mark.parametrize("data", [b" \n" * 4_000_000, (b"a " * 999 + b"\n") * 4_000, (b"-" * 399 + b"\n") * 20_000, b"(" * 9_000_000])
def test_hostile_text_does_not_take_for_ever(name: str, data: bytes) -> None:
    # Time of this process, not of the clock: a busy machine does not fail it, patterns that try every way through the text do.
    started = time.process_time()
    show(name, data)
    assert time.process_time() - started < 60


# --- Structured text ---------------------------------------------------------------------------------------


def test_ten_thousand_columns_are_fine() -> None:
    head, row = ",".join(f"c{n}" for n in range(10_000)), ",".join("1" for _ in range(10_000))
    shown = show("wide.csv", f"{head}\n{row}\n".encode())
    assert shown.kind == "table"
    assert (len(shown.body.columns), shown.body.total_columns, len(shown.body.rows)) == (50, 10_000, 1)
    assert shown.notes == ["The first 50 of 10,000 columns are shown."]


@pytest.mark.parametrize(("name", "separator"), [("a.csv", ","), ("a.csv", ";"), ("a.tsv", "\t"), ("a.csv", "|")])
def test_the_separator_is_found(name: str, separator: str) -> None:
    table = show(name, f'a{separator}b\n"x,;y"{separator}2\n'.encode()).body
    assert (table.columns, table.rows) == (["a", "b"], [["x,;y", "2"]])


def test_rows_of_a_long_table_are_counted_and_cut() -> None:
    table = show("a.csv", b"a,b\n" + b"1,2\n" * 1000).body
    assert (len(table.rows), table.total_rows) == (200, 1000)


def test_csv_that_cannot_be_read_is_shown_as_text() -> None:
    assert show("a.csv", b'"' + b"x" * 400_000).kind == "source"


def test_json_lines_are_a_table_of_their_keys() -> None:
    table = show("a.jsonl", b'{"a": 1, "b": [1, 2]}\n\n{"c": "x"}\n').body
    assert (table.columns, table.rows) == (["a", "b", "c"], [["1", "[1, 2]", ""], ["", "", "x"]])


def test_json_lines_of_other_values_are_shown_as_text() -> None:
    assert show("a.jsonl", b"1\n2\n").kind == "source"


def test_dense_json_is_indented_without_changing_a_digit() -> None:
    data = json.dumps({"k": [{"n": 1} for _ in range(60)], "e": {}, "l": []}).replace('"n": 1', '"n": 1.50e-05').encode()
    shown = show("a.json", data)
    assert shown.notes == ["Shown with line breaks; the file itself has fewer."]
    assert shown.body.total == 1 + 1 + 60 * 3 + 1 + 1 + 1 + 1
    assert "1.50e-05" in shown.body.html
    assert show("a.json", data, plain=True).body.total == 1


@pytest.mark.parametrize(
    "data", [b"[" * 100_000 + b"]" * 100_000, b'{"a": ' * 5_000 + b"1" + b"}" * 5_000, b"[" + b"1" * 10_000 + b"]", b'["\\ud800"]']
)
def test_hostile_json_is_shown_as_text(data: bytes) -> None:
    assert show("a.json", data).kind == "source"


# --- Notebooks ---------------------------------------------------------------------------------------------


def notebook_of(*cells: dict[str, Any]) -> bytes:
    return json.dumps({"nbformat": 4, "metadata": {"kernelspec": {"language": "python"}}, "cells": list(cells)}).encode()


def code(*outputs: dict[str, Any]) -> dict[str, Any]:
    return {"cell_type": "code", "source": ["x = 1\n", "print(x)"], "execution_count": 3, "outputs": list(outputs)}


def test_a_notebook_shows_text_code_and_pictures() -> None:
    image = base64.b64encode(picture()).decode()
    book = show(
        "a.ipynb",
        notebook_of(
            {"cell_type": "markdown", "source": "# Title"},
            code(
                {"output_type": "stream", "name": "stdout", "text": ["\x1b[31m1\x1b[0m\n"]},
                {"output_type": "display_data", "data": {"image/png": image}},
            ),
        ),
    ).body
    assert [cell.kind for cell in book.cells] == ["markdown", "code"]
    assert ">Title<" in book.cells[0].html
    assert book.cells[1].number == 3
    assert [output.text for output in book.cells[1].outputs] == ["1\n", ""]
    assert book.cells[1].outputs[1].picture.startswith("data:image/png;base64,")


def test_html_and_script_outputs_of_a_notebook_are_named_not_shown() -> None:
    cell = code({"output_type": "display_data", "data": {"text/html": "<script>alert(1)</script>", "application/javascript": "alert(2)"}})
    output = show("a.ipynb", notebook_of(cell)).body.cells[0].outputs[0]
    assert (output.text, output.picture, output.hidden) == ("", "", "text/html")


@pytest.mark.parametrize(
    "content", ["not base64 !", base64.b64encode(b"<svg onload=alert(1)>").decode(), base64.b64encode(picture()[:30]).decode(), 7, None]
)
def test_a_picture_of_a_notebook_that_is_none_is_dropped(content: Any) -> None:
    output = (
        show("a.ipynb", notebook_of(code({"output_type": "display_data", "data": {"image/png": content, "text/plain": "words"}})))
        .body.cells[0]
        .outputs[0]
    )
    assert (output.picture, output.text) == ("", "words")


def test_markdown_of_a_notebook_is_sanitised() -> None:
    cell = show(
        "a.ipynb", notebook_of({"cell_type": "markdown", "source": "<script>alert(1)</script><img src=x onerror=alert(1)>"})
    ).body.cells[0]
    assert "<script" not in cell.html and "onerror" not in cell.html


@pytest.mark.parametrize(
    "data", [b"[]", b'{"cells": 3}', b"{", b'{"cells": [1, null, {"cell_type": []}, {"cell_type": "code", "source": {}, "outputs": {}}]}']
)
def test_a_broken_notebook_ends_well(data: bytes) -> None:
    assert show("a.ipynb", data).kind in ("source", "notebook")


# --- Pictures ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "kind"), [("a.png", "PNG"), ("a.jpg", "JPEG"), ("a.gif", "GIF"), ("a.webp", "WEBP"), ("wrong.png", "JPEG")]
)
def test_pictures_are_recognised_by_their_bytes(name: str, kind: str) -> None:
    shown = show(name, picture(kind))
    assert (shown.kind, shown.body.format, shown.body.width, shown.body.height) == ("picture", kind, 20, 10)


def bomb() -> bytes:
    """A PNG that claims 60,000 by 60,000 pixels."""
    data = bytearray(picture())
    data[16:24] = struct.pack(">II", 60_000, 60_000)
    return bytes(data)


@pytest.mark.parametrize(
    "make", [bomb, lambda: picture()[:40], lambda: b"\x89PNG\r\n\x1a\n" + b"\0" * 100, lambda: b"\xff\xd8\xff" + b"\0" * 100]
)
def test_damaged_and_huge_pictures_are_not_shown(make: Callable[[], bytes]) -> None:
    assert show("a.png", make()).kind == "none"


def test_a_picture_named_otherwise_is_not_sent_to_the_browser_as_one() -> None:
    assert show("a.bin", picture()).kind == "none"


# --- Differences -------------------------------------------------------------------------------------------


def test_a_difference_shows_both_sides_with_context() -> None:
    before = "".join(f"line {n}\n" for n in range(20))
    found = diff(before, before.replace("line 10\n", "changed\nadded\n"), "a.txt")
    assert found is not None
    assert [(line.kind, line.old, line.new, str(line.html)) for line in found.lines] == [
        ("gap", 0, 0, ""),
        ("same", 8, 8, "line 7"),
        ("same", 9, 9, "line 8"),
        ("same", 10, 10, "line 9"),
        ("del", 11, 0, "line 10"),
        ("add", 0, 11, "changed"),
        ("add", 0, 12, "added"),
        ("same", 12, 13, "line 11"),
        ("same", 13, 14, "line 12"),
        ("same", 14, 15, "line 13"),
    ]
    assert (found.added, found.removed) == (2, 1)


def test_the_text_of_a_difference_is_escaped() -> None:
    found = diff("", "<script>\n", "a.txt")
    assert found is not None
    assert [str(line.html) for line in found.lines] == ["&lt;script&gt;"]


def test_texts_that_differ_too_much_are_not_compared() -> None:
    assert diff("".join(f"{n}\n" for n in range(3000)), "".join(f"x{n}\n" for n in range(3000)), "a.txt") is None

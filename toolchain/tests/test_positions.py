"""JSON with lines: what is JSON, and where what is not goes wrong."""

import json
from typing import Any

import pytest

from toolchain.validator.positions import Broken, Value, read


def plain(value: Value) -> Any:
    if value.kind == "object":
        return {key: plain(member) for key, member in value.value.items()}
    return [plain(member) for member in value.value] if value.kind == "list" else value.value


@pytest.mark.parametrize(
    "text",
    [
        "{}", "[]", '""', "0", "-0", "1.5", "-1e-5", "1E+2", "true", "false", "null", ' \t\r\n{"a": [1, {"b": null}], "c": "\\u4f60\\n"} ',
        '"\\ud83d\\ude00"', '"\\/\\b\\f\\r\\t\\"\\\\"', "[1,2 , 3]", '{"":1}', "123456789012345678901234567890", "[[[[[[]]]]]]",
    ],
)  # fmt: skip
def test_reads_what_the_standard_library_reads(text: str) -> None:
    assert plain(read(text).root) == json.loads(text)


@pytest.mark.parametrize(
    ("text", "code", "line", "column"),
    [
        ("", "json_syntax", 1, 1),
        ("{", "json_syntax", 1, 2),
        ('{"a" 1}', "json_syntax", 1, 6),
        ('{"a": }', "json_syntax", 1, 7),
        ('{\n"a": 1\n"b": 2}', "json_syntax", 3, 1),
        ("[1 2]", "json_syntax", 1, 4),
        ("[1", "json_syntax", 1, 3),
        ("{} {}", "json_syntax", 1, 4),
        ("{a: 1}", "json_syntax", 1, 2),
        ("[1,\n2,\n]", "json_trailing_comma", 2, 2),
        ('{"a": 1,}', "json_trailing_comma", 1, 8),
        ("[,]", "json_syntax", 1, 2),
        ("[1] // x", "json_comment", 1, 5),
        ("{\n/* x */}", "json_comment", 2, 1),
        ("# x\n{}", "json_comment", 1, 1),
        ("{'a': 1}", "json_quotes", 1, 2),
        ("['a']", "json_quotes", 1, 2),
        ('["a]', "json_text_open", 1, 2),
        ('["a\nb"]', "json_text_open", 1, 2),
        ('["a\tb"]', "json_control", 1, 4),
        ('["\\x41"]', "json_escape", 1, 3),
        ('["\\u12"]', "json_escape", 1, 3),
        ('["\\ud800"]', "json_escape", 1, 3),
        ('["\\ud800\\u0041"]', "json_escape", 1, 3),
        ("[NaN]", "json_not_finite", 1, 2),
        ("[-Infinity]", "json_not_finite", 1, 2),
        ("[1e999]", "json_number", 1, 2),
        ("[01]", "json_number", 1, 2),
        ("[1.]", "json_number", 1, 2),
        ("[.5]", "json_number", 1, 2),
        ("[+1]", "json_number", 1, 2),
        ("[0x10]", "json_number", 1, 2),
        (f"[{'9' * 401}]", "json_number", 1, 2),
        ("[True]", "json_word", 1, 2),
        ("[None]", "json_word", 1, 2),
        ("[abc]", "json_word", 1, 2),
        ("\n" + "[" * 100_000, "json_too_deep", 2, 66),
        ('{"a":' * 100_000, "json_too_deep", 1, 326),
    ],
)
def test_what_is_not_json_is_told_with_its_place(text: str, code: str, line: int, column: int) -> None:
    with pytest.raises(Broken) as caught:
        read(text)
    assert (caught.value.code, caught.value.line, caught.value.column) == (code, line, column)


def test_repeated_keys_are_told_and_the_last_one_counts() -> None:
    document = read('{"a": 1,\n"a": 2,\n"b": {"a": 3, \n"a": 4}}')
    assert document.repeated == (("a", 2), ("a", 4))
    assert plain(document.root) == {"a": 2, "b": {"a": 4}}


def test_lines_are_those_of_the_values() -> None:
    root = read('\n{\n "a":\n  [1,\n   2],\r\n "b": {}\n}').root
    assert (root.line, root.keys) == (2, {"a": 3, "b": 6})
    assert [root.value["a"].line, *[item.line for item in root.value["a"].value], root.value["b"].line] == [4, 4, 5, 6]

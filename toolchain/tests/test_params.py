"""`train_params.json`: every rule with what keeps it and what breaks it, at its line."""

import json
from typing import Any

import pytest

from toolchain.tests.samples import TRAINING, TWENTY, found, parameter, params, report

PATH = "gallery_train/train_params.json"
HEAD = '{"training_methods": [\n {"name": "a",\n  "hyperparameters": [\n'
"""Three lines: a hyperparameter that follows begins in line 4."""
TAIL = "\n ]}]}"


def judged(text: str | bytes) -> list[tuple[str, str, int | None]]:
    rows = found(TRAINING | {PATH: text})
    assert all(path == PATH for _code, _severity, path, _line in rows)
    return [(code, severity, line) for code, severity, _path, line in rows]


def one(key: str, value: Any) -> str:
    """Return a file with one hyperparameter, one key a line from line 5 on, in the order of the specification."""
    return HEAD + json.dumps(parameter(**{key: value}), ensure_ascii=False, indent=1) + TAIL


LINES = {"name": 5, "type": 6, "required": 7, "default": 8, "help": 9}


def test_sample_keeps_every_rule() -> None:
    assert len(TWENTY) == 20
    assert len(TWENTY.encode()) == 40
    assert found(TRAINING) == []


@pytest.mark.parametrize("text", ["x" * 20, "长" * 20, "e\u0301" * 10, "😀" * 20, "👨‍👩‍👧" * 4, "", TWENTY])
def test_help_of_twenty_code_points_is_taken(text: str) -> None:
    assert judged(one("help", text)) == []


@pytest.mark.parametrize("text", ["x" * 21, "长" * 21, "e\u0301" * 10 + "x", "😀" * 21, "👨‍👩‍👧" * 4 + "x", TWENTY + "。"])
def test_help_of_twenty_one_code_points_is_refused(text: str) -> None:
    assert judged(one("help", text)) == [("help_too_long", "error", 9)]
    (finding,) = report(TRAINING | {PATH: one("help", text)}).findings
    assert finding.facts == {"length": 21, "limit": 20}


@pytest.mark.parametrize("name", ["a", "A_1", "_", "9", "lr", "x" * 200])
def test_names_of_letters_digits_and_underscores_are_taken(name: str) -> None:
    assert judged(one("name", name)) == []


@pytest.mark.parametrize("name", ["", " ", "a-b", "a.b", "a b", "学习率", "é", "a\n", "lr ", "١"])
def test_other_names_are_refused(name: str) -> None:
    assert judged(one("name", name)) == [("parameter_name", "error", 5)]


@pytest.mark.parametrize(
    ("kind", "default"),
    [
        ("float", 0.5), ("float", 1), ("float", -1e-5), ("float", 0), ("float", ""),
        ("int", 1), ("int", -3), ("int", 0), ("int", 10**30), ("int", ""),
        ("str", "x"), ("str", ""), ("str", "1"), ("bool", True), ("bool", False), ("bool", ""),
    ],
)  # fmt: skip
def test_defaults_of_the_right_type_are_taken(kind: str, default: Any) -> None:
    assert judged(params_with(kind, default)) == []


@pytest.mark.parametrize(
    ("kind", "default", "spelt"),
    [
        ("float", "0.5", '"0.5"'), ("float", True, "true"), ("float", None, "null"), ("float", [], "[…]"),
        ("int", 1.0, "1.0"), ("int", 1.5, "1.5"), ("int", "1", '"1"'), ("int", True, "true"), ("int", False, "false"), ("int", " ", '" "'),
        ("str", 1, "1"), ("str", True, "true"), ("str", None, "null"), ("str", {}, "{…}"),
        ("bool", 1, "1"), ("bool", 0, "0"), ("bool", "true", '"true"'), ("bool", "False", '"False"'), ("bool", None, "null"),
    ],
)  # fmt: skip
def test_defaults_of_another_type_are_refused(kind: str, default: Any, spelt: str) -> None:
    text = params_with(kind, default)
    assert judged(text) == [("default_type", "error", 8)]
    (finding,) = report(TRAINING | {PATH: text}).findings
    assert finding.facts == {"type": kind, "value": spelt}


def params_with(kind: str, default: Any) -> str:
    return HEAD + json.dumps(parameter(type=kind, default=default), ensure_ascii=False, indent=1) + TAIL


@pytest.mark.parametrize(
    ("key", "value", "code"),
    [
        ("name", 1, "not_text"), ("name", None, "not_text"), ("name", ["lr"], "not_text"),
        ("type", "integer", "type_unknown"), ("type", "Float", "type_unknown"), ("type", "", "type_unknown"), ("type", 1, "not_text"),
        ("required", "true", "not_a_flag"), ("required", 1, "not_a_flag"), ("required", None, "not_a_flag"), ("required", "", "not_a_flag"),
        ("help", 5, "not_text"), ("help", None, "not_text"),
    ],
)  # fmt: skip
def test_values_of_the_wrong_kind_are_refused(key: str, value: Any, code: str) -> None:
    assert judged(one(key, value)) == [(code, "error", LINES[key])]


@pytest.mark.parametrize("key", list(LINES))
def test_every_key_of_a_hyperparameter_is_needed(key: str) -> None:
    lacking = {name: value for name, value in parameter().items() if name != key}
    assert judged(HEAD + json.dumps(lacking) + TAIL) == [("key_missing", "error", 4)]


def test_misspelt_key_is_named() -> None:
    given = parameter()
    given["Default"] = given.pop("default")
    (finding,) = report(TRAINING | {PATH: HEAD + json.dumps(given) + TAIL}).findings
    assert (finding.code, finding.line, finding.facts["key"], finding.facts["similar"]) == ("key_missing", 4, "default", "Default")


def test_unknown_keys_are_warnings_at_their_lines() -> None:
    text = '{"version": 1,\n "training_methods": [{"name": "a",\n "note": 1, "hyperparameters": [\n' + json.dumps(parameter(min=0)) + TAIL
    assert judged(text) == [("key_unknown", "warning", 1), ("key_unknown", "warning", 3), ("key_unknown", "warning", 4)]


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ("[]", "not_an_object", 1),
        ("\n\n1", "not_an_object", 3),
        ("{}", "key_missing", 1),
        ('{"methods": []}', "key_missing", 1),
        ('{\n"training_methods": {}}', "not_a_list", 2),
        ('{\n"training_methods": null}', "not_a_list", 2),
        ('{"training_methods":\n[]}', "methods_empty", 2),
        ('{"training_methods": [\n"full"]}', "not_an_object", 2),
        ('{"training_methods": [\n{"name": "a"}]}', "key_missing", 2),
        ('{"training_methods": [\n{"hyperparameters": []}]}', "key_missing", 2),
        ('{"training_methods": [{"name": "",\n"hyperparameters": []}]}', "method_name_empty", 1),
        ('{"training_methods": [{"hyperparameters": [],\n"name": " \\t"}]}', "method_name_empty", 2),
        ('{"training_methods": [{"name":\n1, "hyperparameters": []}]}', "not_text", 2),
        ('{"training_methods": [{"name": "a", "hyperparameters":\n{}}]}', "not_a_list", 2),
        ('{"training_methods": [{"name": "a", "hyperparameters": [\n\n1]}]}', "not_an_object", 3),
    ],
)
def test_shape_of_the_whole(text: str, code: str, line: int) -> None:
    rows = [row for row in judged(text) if row[1] == "error"]
    assert rows == [(code, "error", line)]


def test_method_without_hyperparameters_is_taken() -> None:
    assert judged('{"training_methods": [{"name": "a", "hyperparameters": []}]}') == []


def test_names_are_unique_within_their_method_only() -> None:
    twice = {"training_methods": [params()["training_methods"][0] | {"name": name} for name in ("a", "b")]}
    assert judged(json.dumps(twice)) == []
    repeated = HEAD + json.dumps(parameter()) + ",\n" + json.dumps(parameter(help="")) + TAIL
    assert judged(repeated) == [("parameter_name_repeated", "error", 5)]
    assert report(TRAINING | {PATH: repeated}).findings[0].facts == {"name": "lr", "first": 4}


def test_names_of_methods_are_unique() -> None:
    text = '{"training_methods": [\n{"name": "LoRA", "hyperparameters": []},\n{"name": " LoRA ", "hyperparameters": []}]}'
    assert judged(text) == [("method_name_repeated", "error", 3)]


def test_every_mistake_is_told_at_once() -> None:
    text = HEAD + json.dumps(parameter(name="a-b", type="x", required=1, help="x" * 30), indent=1) + TAIL
    assert judged(text) == [
        ("parameter_name", "error", 5), ("type_unknown", "error", 6), ("not_a_flag", "error", 7), ("help_too_long", "error", 9),
    ]  # fmt: skip


def test_findings_are_bounded() -> None:
    many = params(*[parameter(name=f"a-{number}") for number in range(1000)])
    said = report(TRAINING | {PATH: json.dumps(many)})
    assert (len(said.findings), said.dropped > 0) == (300, True)

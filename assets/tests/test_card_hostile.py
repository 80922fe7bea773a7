"""Heads that are broken or meant to break something: a code, a line, and the text is kept."""

import time

import pytest

from assets.card import parse
from assets.card.matter import MAX_MATTER

BOMB = "a: &a [x]\n" + "".join(f"{b}: &{b} [{', '.join([f'*{a}'] * 10)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True))
MERGE_BOMB = "a: &a {x: 1}\n" + "".join(
    f"{b}: &{b} {{" + ", ".join(f"k{n}: *{a}" for n in range(10)) + "}\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)

BROKEN = {
    "open list": ("a: [1\n", "yaml_syntax", 3, {"problem": "did not find expected ',' or ']'"}),
    "open quote": ("a: 'x\n", "yaml_syntax", 3, {"problem": "found unexpected end of stream"}),
    "colon in value": ("a: b: c\n", "yaml_syntax", 2, {"problem": "mapping values are not allowed in this context"}),
    "tab before key": ("\ta: 1\n", "tab_indentation", 2, {}),
    "tab in list": ("a:\n\t- 1\n", "tab_indentation", 3, {}),
    "duplicate key": ("license: mit\nb: 1\nlicense: gpl\n", "duplicate_key", 4, {"key": "license"}),
    "nested duplicate": ("a:\n  b: 1\n  b: 2\n", "duplicate_key", 4, {"key": "b"}),
    "list": ("- a\n- b\n", "not_mapping", 2, {}),
    "word": ("just a word\n", "not_mapping", 2, {}),
    "number": ("42\n", "not_mapping", 2, {}),
    "list as key": ("? [a]\n: b\n", "bad_key", 2, {}),
    "alias as key": ("a: &x b\n*x : c\n", "bad_key", 3, {}),
    "unknown alias": ("a: *b\n", "bad_alias", 2, {"name": "b"}),
    "alias to itself": ("a: &a [*a]\n", "bad_alias", 2, {"name": "a"}),
    "python object": ("a: !!python/object/apply:os.system [id]\n", "tag", 2, {"tag": "tag:yaml.org,2002:python/object/apply:os.system"}),
    "binary": ("a: !!binary aGk=\n", "tag", 2, {"tag": "tag:yaml.org,2002:binary"}),
    "own tag": ("a: !x y\n", "tag", 2, {"tag": "!x"}),
    "control character": ("a: 1\nb: \x07\n", "bad_characters", 3, {}),
    "lone surrogate": ("a: \ud800\n", "bad_characters", 2, {}),
    "null byte": ("a: \x00\n", "bad_characters", 2, {}),
    "second document": ("a: 1\n...\nb: 2\n", "yaml_syntax", 4, {"problem": "did not find expected <document start>"}),
    "deep list": ("a: " + "[" * 100_000 + "\n", "too_deep", 2, {"limit": 32}),
    "deep mapping": ("a: " + "{b: " * 50_000 + "\n", "too_deep", 2, {"limit": 32}),
    "deep dashes": ("a:\n  " + "- " * 50_000 + "x\n", "too_deep", 3, {"limit": 32}),
    "billion laughs": (BOMB, "too_many_values", 7, {"limit": 50_000}),
    "billion mappings": (MERGE_BOMB, "too_many_values", 7, {"limit": 50_000}),
    "many values": ("a: [" + "x," * 50_001 + "]\n", "too_many_values", 2, {"limit": 50_000}),
    "one megabyte": ("x: " + "y" * 1_000_000 + "\n", "front_matter_too_large", 2, {"limit": MAX_MATTER}),
    "one megabyte of keys": ("".join(f"k{n}: [a, b]\n" for n in range(70_000)), "front_matter_too_large", 2, {"limit": MAX_MATTER}),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_head_is_a_code_and_keeps_the_text(name: str) -> None:
    head, code, line, params = BROKEN[name]
    started = time.thread_time()
    card = parse(f"---\n{head}---\n# Body\n")
    assert [error.as_dict() for error in card.errors] == [{"code": code, "line": line, "params": params}]
    assert (card.readable, card.settings, card.body) == (False, {}, "# Body\n")
    assert time.thread_time() - started < 1


def test_head_without_end_is_named_and_the_whole_text_is_the_body() -> None:
    text = "---\nlicense: mit\n\n# Body\n"
    card = parse(text)
    assert ([error.as_dict() for error in card.errors], card.body) == ([{"code": "unclosed", "line": 1, "params": {}}], text)


@pytest.mark.parametrize(
    "head",
    [
        "a: " + "9" * 5000 + "\n",
        "a: 1e999\nb: .nan\nc: .inf\nd: 0x" + "f" * 4000 + "\n",
        "a: !!str 5\nb: ! 6\n",
        "'': x\n? ''' '\n: y\n",
        "<<: {a: b}\nc: d\n",
        "a: \U0001f600\n\u4e2d\u6587: \u503c\n",
        "# nothing but a comment\n",
        "a: |\n  - not a list\n\n  more\nb: >-\n  folded\n",
    ],
)
def test_odd_but_valid_head_is_read(head: str) -> None:
    card = parse(f"---\n{head}---\nBody")
    assert (card.readable, card.errors, card.body) == (True, (), "Body")


def test_pure_reader_gives_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    import yaml

    text = "---\nlicense: mit\nlanguage: [zh, en]  # both\ntags:\n- a\n- 'b'\n---\nBody\n"
    fast = parse(text)
    monkeypatch.setattr("assets.card.matter._Loader", yaml.SafeLoader)
    assert parse(text) == fast
    broken = [parse(f"---\n{BROKEN[name][0]}---\n").errors[0] for name in ("open list", "tab before key", "billion laughs", "deep list")]
    assert [error.code for error in broken] == ["yaml_syntax", "tab_indentation", "too_many_values", "too_deep"]

"""Every code has a sentence in which every fact finds its place, and both languages have it."""

import ast
import re
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.utils import translation

from toolchain.validator import Finding, Verdict
from toolchain.validator.architectures import ARCHITECTURES
from toolchain.validator.findings import MAX_FINDINGS
from toolchain.validator.folders import MAX_TEXT
from toolchain.validator.params import MAX_HELP, MAX_PARAMS
from toolchain.validator.positions import MAX_DEPTH
from toolchain.validator.requirements import MAX_REQUIREMENTS
from toolchain.validator.scripts import MAX_SCRIPT, MAX_SCRIPTS
from toolchain.validator.verdicts import PURPOSES
from toolchain.validator.wording import EXPECTED, SENTENCES, SUMMARIES, sentence, summary

ROOM = Path(__file__).resolve().parent.parent / "validator"
CALLS = ("error", "warn", "fail", "_reason", "Broken", "Finding", "_Names")


def said() -> set[str]:
    """Return the codes that the validator's own text names."""
    found: set[str] = set()
    for path in ROOM.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            name = getattr(getattr(node, "func", None), "attr", getattr(getattr(node, "func", None), "id", ""))
            if isinstance(node, ast.Call) and name in CALLS and node.args:
                for inner in ast.walk(node.args[0]):
                    if isinstance(inner, ast.Constant) and isinstance(inner.value, str) and re.fullmatch(r"[a-z]+[a-z0-9_]+", inner.value):
                        found.add(inner.value)
    return found


COMPUTED = {
    "key_misspelt", "folder_nested", "folder_name", "not_an_object", "not_a_list", "not_text", "not_a_flag", "json_quotes",
    "json_syntax", "json_word", "json_number", "file_unreadable", "symbolic_link", "requirement_path", "requirement_invalid",
}  # fmt: skip


def test_every_code_has_a_sentence() -> None:
    codes = said() - {"error", "warning"}
    assert codes <= set(SENTENCES)
    assert set(SENTENCES) - codes <= COMPUTED


def test_sentence_survives_any_facts() -> None:
    for code in SENTENCES:
        for facts in ({}, {"column": "x", "limit": None, "name": 5}, {"expected": "comma", "column": 3}):
            assert sentence(Finding(code, "error", "a", 1, facts))
    assert sentence(Finding("unheard_of", "error", "a")) == "These files do not meet the specification."


def test_facts_are_worded() -> None:
    finding = Finding("json_syntax", "error", "a", 1, {"expected": "comma", "column": 3})
    assert sentence(finding) == "This is not JSON: a comma is expected at character 3."
    finding = Finding("file_too_large", "error", "a", None, {"size": 2_000_000, "limit": 262_144})
    assert sentence(finding) == "This file has 2.0\u00a0MB, and at most 262\u00a0KB of it are read. Make it smaller."
    finding = Finding("front_matter_unreadable", "warning", "a", 3, {"error": "duplicate_key", "params": {"key": "x"}})
    assert (
        sentence(finding)
        == "The settings at the head are not valid, so that keys for images have no effect: The key “x” stands there twice."
    )
    finding = Finding("key_missing", "error", "a", 1, {"key": "default", "where": "", "similar": "Default"})
    assert sentence(finding) == "“default” is missing; “Default” stands there instead. Rename it."


@pytest.mark.parametrize("words", [*SENTENCES.values(), *EXPECTED.values(), *SUMMARIES.values()], ids=str)
def test_both_languages_have_it(words: Any) -> None:
    with translation.override("zh-hans"):
        chinese = str(words)
    assert re.search("[\u4e00-\u9fff]", chinese), words


def test_every_verdict_has_a_summary() -> None:
    for purpose in PURPOSES:
        for mode in ("built_in", "custom", "image"):
            for code in ("ready", "not_ready", "not_supported"):
                assert summary(purpose, Verdict(code, mode, ()))  # type: ignore[arg-type]


def test_reference_lists_every_code_with_its_sentence() -> None:
    text = (Path(settings.BASE_DIR) / "docs/reference/custom-models.md").read_text()
    listed = dict(re.findall(r"^\| `([a-z_0-9]+)` \| (?:error|warning|error or warning) \| (.+) \|$", text, re.M))
    assert listed == {code: re.sub(r"%\((\w+)\)[sd]", r"{\1}", str(words)) for code, words in SENTENCES.items() if code != "key_misspelt"}


def test_reference_states_the_limits() -> None:
    text = (Path(settings.BASE_DIR) / "docs/reference/custom-models.md").read_text()
    for limit in (MAX_SCRIPT, MAX_PARAMS, MAX_TEXT, MAX_REQUIREMENTS):
        assert f"{limit:,} bytes" in text
    assert f"at most {MAX_HELP} characters" in text
    assert f"At most {MAX_FINDINGS} are kept" in text
    assert f"{MAX_SCRIPTS} scripts" in text
    assert f"{MAX_DEPTH} levels" in text
    assert all(each.name in text for each in ARCHITECTURES)

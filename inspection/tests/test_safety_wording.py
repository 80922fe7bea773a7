"""Every code that a scan can give has a sentence, and no sentence is left over."""

import ast
import re
import string
from pathlib import Path

import pytest
from django.utils import translation

import inspection
from inspection.pickles.scan import _ODDITIES
from inspection.safety.secrets import RULES
from inspection.safety.wording import KINDS, SENTENCES, sentence

ROOM = Path(inspection.__file__).parent
READ = [*sorted((ROOM / "safety").rglob("*.py")), *sorted((ROOM / "pickles").glob("*.py")), ROOM / "files.py", ROOM / "steps" / "safety.py"]
# What the confined process itself may say.
OF_ISOLATION = {"out_of_memory", "out_of_time", "crashed"}


def given_codes() -> set[str]:
    """Return every constant that is the first argument of a finding, or of what makes a file unreadable."""
    found = set(OF_ISOLATION) | {code for code, _severity in _ODDITIES.values()} | {"odd_pickle"}
    for path in READ:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("Finding", "Unreadable") and node.args:
                parts = [node.args[0].body, node.args[0].orelse] if isinstance(node.args[0], ast.IfExp) else node.args[:1]
                found |= {part.value for part in parts if isinstance(part, ast.Constant)}
    return found


def test_sentences_and_codes_are_the_same():
    computed = {"obfuscated_code", "reverse_shell"}  # of a table of patterns
    assert given_codes() | computed == set(SENTENCES)


def test_kinds_of_secrets_have_names():
    assert {rule.kind for rule in RULES} == set(KINDS)


@pytest.mark.parametrize("code", sorted(SENTENCES))
def test_sentence_is_whole_even_without_facts(code):
    with translation.override("en"):
        said = sentence(code, {})
    assert said.endswith(".") and "%(" not in said and said[0] in string.ascii_uppercase + "“"


def test_facts_stand_in_the_sentence():
    with translation.override("en"):
        said = sentence("secret", {"kind": "aliyun", "line": 3, "masked": "LTAI…"})
    assert said == "Line 3 holds what looks like a secret (Alibaba Cloud): LTAI…. Revoke it, then remove it; it stays in the history."


def test_unknown_code_has_a_sentence():
    with translation.override("en"):
        assert sentence("of_tomorrow", {}) == "The safety scan found something (of_tomorrow). Ask your administrator."


def test_placeholders_are_facts():
    """A fact that a sentence names is given by some rule."""
    source = "\n".join(path.read_text() for path in READ)
    named = {name for said in SENTENCES.values() for name in re.findall(r"%\((\w+)\)", str(said))}
    assert {name for name in named if f'"{name}"' not in source and f"{name}=" not in source} == set()

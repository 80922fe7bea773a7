"""Every adversarial kind gets the verdict that it deserves, with its reason; every harmless one counts as safe."""

import json

import pytest

from inspection import isolation
from inspection.files import in_memory
from inspection.pickles.scan import scan_pickles
from inspection.safety.findings import Finding, judged
from inspection.safety.scan import scan_file
from inspection.tests import (
    adversarial_archives,
    adversarial_arrays,
    adversarial_calls,
    adversarial_names,
    adversarial_streams,
    benign,
)
from inspection.tests.adversarial import ADVERSARIAL, BENIGN, Case

KINDS = (adversarial_archives, adversarial_arrays, adversarial_calls, adversarial_names, adversarial_streams, benign)


def findings(case: Case) -> list[Finding]:
    file = in_memory(case.path, case.data)
    return list(scan_file(file).findings) if case.walked else scan_pickles(file)


@pytest.mark.parametrize("case", ADVERSARIAL, ids=lambda case: case.name)
def test_adversarial_kind_is_not_safe(case):
    found = findings(case)
    assert (judged(found).verdict, case.code in {finding.code for finding in found}) == (case.verdict, True)


@pytest.mark.parametrize("case", BENIGN, ids=lambda case: case.name)
def test_harmless_kind_is_safe(case):
    assert (judged(findings(case)).verdict, findings(case)) == ("safe", [])


@pytest.mark.parametrize("case", [case for case in ADVERSARIAL + BENIGN if not case.walked], ids=lambda case: case.name)
def test_scan_of_files_agrees_with_the_scan_of_pickles(case):
    assert scan_file(in_memory(case.path, case.data)).verdict == case.verdict


def test_confined_process_says_the_same():
    cases, told = ADVERSARIAL + BENIGN, {}
    files = [in_memory(case.path, case.data) for case in cases]

    def take(data, facts):
        told[cases[facts["index"]].name] = json.loads(data)["verdict"]

    isolation.run("inspection.safety.scan:scan_files", {"limit": 1 << 30}, files=files, take=take)
    assert told == {case.name: case.verdict for case in cases}


def test_kinds_are_many_and_have_names_of_their_own():
    names = [case.name for case in ADVERSARIAL + BENIGN]
    assert all(module.__doc__ for module in KINDS)
    assert (len(ADVERSARIAL) >= 130, len(BENIGN) >= 35, len(set(names))) == (True, True, len(names))

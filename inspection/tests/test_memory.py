"""Whatever comes in, the process that reads it and the worker that feeds it stay below 512 MB each."""

import json
import subprocess
import sys

import pytest

from inspection.tests.hostile import CASES, Case

MOST_KIB = 512 * 1024


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_memory_of_both_sides_stays_below_512_mb(case: Case) -> None:
    # A process of its own, so that the largest of its children is the confined one and nothing else.
    command = [sys.executable, "-m", "inspection.tests.hostile", case.name]
    said, confined, own = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    assert said == case.said
    assert 0 < confined < MOST_KIB
    assert own < MOST_KIB

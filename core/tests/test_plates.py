import json
from pathlib import Path

import pytest

from core.plates import plate

MOCKUPS = json.loads((Path(__file__).parent / "mockups" / "plates.json").read_text())


@pytest.mark.parametrize("drawn", MOCKUPS, ids=lambda drawn: f"{drawn['kind']}-{drawn['id']}-{drawn['extra']}")
def test_plate_equals_the_mockup_byte_for_byte(drawn):
    assert plate(drawn["id"], drawn["kind"], drawn["pigment"], drawn["extra"]) == drawn["svg"]


def test_plate_escapes_what_a_template_hands_over():
    assert '"><script>' not in plate("a/b", "model", 'azurite"><script>', 'x"><script>')

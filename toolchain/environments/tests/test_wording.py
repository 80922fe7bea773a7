"""Sentences about environments."""

import re
from pathlib import Path

from toolchain.environments import building, requirements
from toolchain.environments.building import Progress
from toolchain.environments.inside import build
from toolchain.environments.requirements import RefusedRequirement
from toolchain.environments.wording import SENTENCES, STEP_NAMES, sentence, step_sentence


def test_every_code_has_a_sentence_and_every_sentence_a_code() -> None:
    written = set(re.findall(r'"(requirements?_[a-z_]+)"', Path(requirements.__file__).read_text()))
    codes = (
        written | set(building.REASONS.values()) | {code for code, _pattern in build.CODES} | {"build_failed", "build_lost", "base_broken"}
    )
    assert codes == set(SENTENCES)
    assert set(STEP_NAMES) == set(build.STEPS)


def test_line_is_named() -> None:
    refused = RefusedRequirement("requirement_editable", 3, "-e .", "more.txt")
    assert sentence(refused.code, refused.detail).startswith("more.txt, line 3: “-e .” would install from source.")


def test_what_uv_said_is_one_shortened_line() -> None:
    said = "Because a\n   depends on b" + " and c" * 200
    found = sentence("requirements_conflict", {"said": said})
    assert "Because a depends on b and c" in found
    assert found.endswith("…")
    assert len(found) < 800


def test_percent_signs_and_unknown_codes_do_no_harm() -> None:
    assert sentence("package_unknown", {"said": "100%s %(x)s"}).endswith(": 100%s %(x)s")
    assert sentence("of_a_later_version", {"said": "words"}).endswith(": words")


def test_progress_in_words() -> None:
    assert step_sentence(Progress(3, 5, "install")) == "Step 3 of 5: Fetching packages"
    assert step_sentence(Progress(3, 5, "install", "Downloading torch")) == "Step 3 of 5: Fetching packages (Downloading torch)"

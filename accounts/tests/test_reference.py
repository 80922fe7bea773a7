"""The reference says what the code does."""

import re
from pathlib import Path

from django.conf import settings

from accounts.permissions import PERSONAL, VERBS, MemberRole

ROOM = Path(__file__).resolve().parent.parent
TEXT = (Path(settings.BASE_DIR) / "docs/reference/accounts.md").read_text()


def test_verbs_are_listed() -> None:
    listed = dict(re.findall(r"^\| (\w+) \| ([a-z_, ]+) \|$", TEXT.split("## Roles and verbs")[1].split("##")[0], re.M))
    added, below = {}, frozenset[str]()
    for role in MemberRole:
        if role != MemberRole.NONE:
            added[role.name.lower()] = ", ".join(sorted(VERBS[role] - below))
            below = VERBS[role]
    assert listed == added
    assert f"In one's own namespace: {', '.join(sorted(PERSONAL))}." in TEXT


def test_error_codes_are_listed() -> None:
    code = "".join(path.read_text() for path in ROOM.rglob("*.py") if "tests" not in path.parts)
    raised = set(re.findall(r"(?:Problem|Missing|Forbidden|Conflict|TooLarge)\(\s*\"([a-z_]+)\"", code)) - {"invalid", "not_permitted"}
    listed = set(re.findall(r"^\| `([a-z_]+)` \| \d{3} ", TEXT, re.M))
    assert raised <= listed
    assert listed - raised == {"bad_token"}


def test_words_of_the_trail_are_listed() -> None:
    code = "".join(path.read_text() for path in ROOM.rglob("*.py") if "tests" not in path.parts)
    written = set(re.findall(r"verb=\"([a-z_]+)\"", code)) | set(re.findall(r"note\(\S+ \"([a-z_]+)\"", code))
    listed = set(re.findall(r"[a-z_]+", TEXT.split("| Kind | Verbs |")[1]))
    assert written <= listed

"""The reference says what the code does."""

import re
from pathlib import Path

from django.conf import settings

from assets.permissions import VERBS, Role

ROOM = Path(__file__).resolve().parent.parent
TEXT = (Path(settings.BASE_DIR) / "docs/reference/assets.md").read_text()
WRITES = (
    r"verb=\"([a-z_]+)\"",
    r"(?:_record|_changed|_set|note)\([^\n]*?\"([a-z_]+)\"",
    r"_moving\(asset, actor, \"([a-z_]+)\"",
    r"else \"(un[a-z]+)\"",
)


def test_verbs_are_listed() -> None:
    listed = dict(re.findall(r"^\| (\w+) \| ([a-z_, ]+) \|$", TEXT.split("## Roles and verbs")[1].split("##")[0], re.M))
    added, below = {}, frozenset[str]()
    for role in Role:
        if role != Role.NONE:
            added[role.name.lower()] = ", ".join(sorted(VERBS[role] - below))
            below = VERBS[role]
    assert listed == added


def test_words_of_the_trail_are_listed() -> None:
    code = "".join(path.read_text() for path in (ROOM / "services").glob("*.py"))
    written = {verb for pattern in WRITES for verb in re.findall(pattern, code)}
    listed = set(re.findall(r"[a-z_]+", TEXT.split("| Kind | Verbs |")[1]))
    assert {"submit", "revoke", "unlike", "rename", "place_item"} <= written
    assert written - {"favourites", "likes", "subscriptions"} <= listed

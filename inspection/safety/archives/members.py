"""Members of archives and their names."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from inspection.files import File
from inspection.safety.findings import Finding

_DRIVE = re.compile(r"^[A-Za-z]:")
_CONTROLS = re.compile("[\0-\x1f\x7f\u202a-\u202e\u2066-\u2069]")
MOST_NAME = 300


@dataclass(frozen=True)
class Member:
    """One member; `raw` where the archive's own rules say that it holds numbers only, whatever its first bytes are."""

    file: File
    raw: bool = False


def shown(name: str) -> str:
    """Return a member's name as reports keep it."""
    return _CONTROLS.sub("?", name)[:MOST_NAME]


def name_findings(name: str) -> Iterator[Finding]:
    """Yield what is wrong with a member's name for somebody who unpacks it."""
    plain = name.replace("\\", "/")
    if ".." in PurePosixPath(plain).parts:
        yield Finding("archive_traversal", "danger", shown(name))
    elif plain.startswith("/") or _DRIVE.match(plain):
        yield Finding("archive_absolute_path", "danger", shown(name))
    if _CONTROLS.search(name):
        yield Finding("archive_strange_name", "caution", shown(name))


def leaves(member: str, target: str) -> bool:
    """Whether a link at `member` leads out of the folder into which the archive is unpacked."""
    plain = target.replace("\\", "/")
    if plain.startswith("/") or _DRIVE.match(plain):
        return True
    depth = len([part for part in member.split("/")[:-1] if part not in ("", ".")])
    for part in plain.split("/"):
        depth += {"..": -1, ".": 0, "": 0}.get(part, 1)
        if depth < 0:
            return True
    return False

"""`requirements.txt`: every line one package for the environment that the gallery builds from its own package index."""

import re
from collections.abc import Iterator

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from inspection.files import File
from toolchain.validator.findings import Notes, shown
from toolchain.validator.texts import KIB, read_text

MAX_REQUIREMENTS = 64 * KIB
MAX_LINE = 2000

_COMMENT = re.compile(r"(?:^|\s)#.*$")
_HASH = re.compile(r"\s--hash[=\s]\S+")
_ADDRESS = re.compile(r"(?:[a-z]+\+)?[a-z]+://", re.IGNORECASE)
_INCLUDE = re.compile(r"(?:-r|-c|--requirement|--constraint)(?:[\s=]+|(?=\S))(?P<path>.*)")
_PATH = re.compile(r"[./~\\]|[A-Za-z]:[\\/]")


def check(file: File, siblings: frozenset[str], notes: Notes) -> None:
    """Add what is wrong with the lines of `file` to `notes`; `siblings` are the paths of files below its folder, seen from there."""
    text = read_text(file, MAX_REQUIREMENTS, notes, blank=True)
    if text is None:
        return
    seen: dict[tuple[str, str], int] = {}
    for number, line in lines(text.removeprefix("\ufeff")):
        if len(line) > MAX_LINE:
            notes.error("requirement_invalid", number, text=shown(line))
        elif line.startswith("-"):
            _option(line, number, siblings, notes)
        else:
            _requirement(line, number, seen, notes)


def lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield what is asked for with its line: without comments, and with lines that end in a backslash joined."""
    begun, parts = 0, ""
    for number, line in enumerate(text.split("\n"), 1):
        line = line.rstrip("\r")
        begun = begun or number
        if line.endswith("\\") and not line.lstrip().startswith("#"):
            parts += line[:-1]
            continue
        whole = _COMMENT.sub("", (parts + line)[: MAX_LINE + 1]).strip()
        if whole:
            yield begun, whole
        begun, parts = 0, ""
    if parts.strip():
        yield begun, parts.strip()


def _option(line: str, number: int, siblings: frozenset[str], notes: Notes) -> None:
    if re.match(r"-e\b|--editable\b", line):
        notes.error("requirement_editable", number, text=shown(line))
        return
    included = _INCLUDE.match(line)
    if included is None:
        notes.warn("requirement_option", number, text=shown(line))
        return
    path = included["path"].strip().removeprefix("./")
    if path in siblings:
        notes.warn("requirement_included", number, file=shown(path))
    else:
        notes.error("requirement_include_missing", number, file=shown(path))


def _requirement(line: str, number: int, seen: dict[tuple[str, str], int], notes: Notes) -> None:
    line = _HASH.sub("", line).strip()
    if _ADDRESS.match(line):
        notes.error("requirement_address", number, text=shown(line))
        return
    try:
        found = Requirement(line)
    except (InvalidRequirement, RecursionError):
        path = _PATH.match(line) or line.lower().endswith((".whl", ".zip", ".tar.gz"))
        notes.error("requirement_path" if path else "requirement_invalid", number, text=shown(line))
        return
    if found.url is not None:
        notes.error("requirement_address", number, text=shown(line))
        return
    key = (canonicalize_name(found.name), str(found.marker or ""))
    if key in seen:
        notes.warn("requirement_repeated", number, name=shown(found.name), first=seen[key])
    seen.setdefault(key, number)

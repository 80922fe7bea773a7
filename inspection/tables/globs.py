"""Patterns over the paths of a repository, as `fsspec` understands them, without its worst cases.

`*`, `?` and `[…]` stay within one part of a path, `**` is a whole part and stands for any number of them.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

MAX_PATTERN = 1000
MAX_WORK = 20_000_000
_MAGIC = re.compile(r"[*?\[]")
_CLASS = re.compile(r"\[!?\]?[^\]]*\]")


class BadPattern(ValueError):
    """The pattern cannot be understood; `code` says why."""

    def __init__(self, code: str, pattern: str) -> None:
        super().__init__(code)
        self.code, self.pattern = code, pattern[:200]


@dataclass(frozen=True, slots=True)
class Path:
    """A path with what decides whether a pattern that does not ask for it may see it."""

    path: str
    name: str
    hidden: int
    special: int


def describe(path: str) -> Path:
    """Return `path` with the number of its parts that begin with a dot, and of its folders that begin with two underscores."""
    name = path.rpartition("/")[2]
    hidden = special = 0
    if path[0] == "." or "/." in path:
        hidden = sum(part[:1] == "." and part.strip(".") != "" for part in path.split("/"))
    if path[:2] == "__" or "/__" in path:
        special = sum(part[:2] == "__" for part in path.split("/")[:-1])
    return Path(path, name, hidden, special)


class Tree:
    """The paths that patterns are matched against, in order."""

    def __init__(self, paths: Sequence[str]) -> None:
        self.paths = [describe(path) for path in sorted(paths)]
        self.by_path = {path.path: path for path in self.paths}
        self._work = 0

    def below(self, folder: str) -> "Tree":
        """Return the tree as it is seen from `folder`."""
        prefix = f"{folder}/"
        return Tree([path.path[len(prefix) :] for path in self.paths if path.path.startswith(prefix)])

    def match(self, pattern: str) -> list[Path]:
        """Return what `pattern` matches, sorted; hidden files and `__` folders only where the pattern names them.

        Raises `BadPattern` for patterns that lead outside, for `**` within a part, and once patterns ask for too much work.
        """
        pattern = tidy(pattern)
        if not _MAGIC.search(pattern):
            found = self.by_path.get(pattern)
            return [found] if found else []
        self._work += len(self.paths)
        if self._work > MAX_WORK:
            raise BadPattern("too_many_patterns", pattern)
        parts = PurePosixPath(pattern).parts
        hidden = sum(part.startswith(".") and set(part) != {"."} for part in parts)
        special = sum(part.startswith("__") for part in parts[:-1])
        head = pattern[: _MAGIC.search(pattern).start()]  # type: ignore[union-attr]
        matches = translate(pattern).match
        return [
            path
            for path in self.paths
            if path.hidden == hidden and path.special == special and path.path.startswith(head) and matches(path.path)
        ]


def tidy(pattern: str) -> str:
    """Return `pattern` without `./` and a closing slash. Raises `BadPattern` where it leads out of the repository."""
    if len(pattern) > MAX_PATTERN:
        raise BadPattern("pattern_too_long", pattern)
    if "://" in pattern or "::" in pattern or pattern.startswith("/"):
        raise BadPattern("pattern_outside", pattern)
    parts = [part for part in pattern.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise BadPattern("pattern_outside", pattern)
    return "/".join(parts)


def has_magic(pattern: str) -> bool:
    """Say whether `pattern` may match more than itself."""
    return _MAGIC.search(pattern) is not None


def translate(pattern: str) -> re.Pattern[str]:
    """Return a pattern as a regular expression whose time is linear in the path, but for a factor of its own length."""
    sections: list[list[str]] = [[]]
    for part in pattern.split("/"):
        if part == "**":
            sections.append([])
        elif "**" in part:
            raise BadPattern("bad_pattern", pattern)
        else:
            sections[-1].append(_part(part))
    result = "/".join(sections[0]) + ("/" if sections[0] and len(sections) > 1 else "")
    for index, section in enumerate(sections[1:], 2):
        last = index == len(sections)
        text = "/".join(section)
        if last:
            result += f"(?:[^/]+/)*{text}" if section else ".*"
        elif section:
            # The first place where a section fits is as good as any later one: what follows stands behind another `**`.
            result += f"(?>(?:[^/]+/)*?{text}/)"
    try:
        return re.compile(rf"(?s:{result})\Z")
    except re.error as error:
        raise BadPattern("bad_pattern", pattern) from error


def _part(part: str) -> str:
    if part == "*":
        return "[^/]+"
    pieces, position = [""], 0
    while position < len(part):
        char = part[position]
        if char == "*":
            pieces.append("")
            position += 1
        elif char == "[" and (found := _CLASS.match(part, position)):
            pieces[-1] += f"(?!/){_class(found[0][1:-1])}"
            position = found.end()
        else:
            pieces[-1] += "[^/]" if char == "?" else re.escape(char)
            position += 1
    if len(pieces) == 1:
        return pieces[0]
    middle = "".join(f"(?>[^/]*?{piece})" for piece in pieces[1:-1] if piece)
    return f"{pieces[0]}{middle}[^/]*{pieces[-1]}"


def _class(stuff: str) -> str:
    negated = stuff.startswith("!")
    chars = stuff[negated:]
    result, position = "", 0
    while position < len(chars):
        first = chars[position]
        if position + 2 < len(chars) and chars[position + 1] == "-":
            if first <= chars[position + 2]:
                result += f"{re.escape(first)}-{re.escape(chars[position + 2])}"
            position += 3
        else:
            result += re.escape(first)
            position += 1
    if not result:
        return "." if negated else "(?!)"
    return f"[{'^' if negated else ''}{result}]"

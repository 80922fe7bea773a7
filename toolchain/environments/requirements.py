"""A user's `requirements.txt` as what it asks for; what would not come from the package index is refused with its line."""

import re
from collections.abc import Iterator, Mapping

from packaging.requirements import InvalidRequirement, Requirement

from toolchain.validator.requirements import lines

MAX_REQUIREMENTS = 2000
MAX_LINE = 2000

_ADDRESS = re.compile(r"(?:[a-z]+\+)?[a-z]+:", re.IGNORECASE)
_PATH = re.compile(r"[./~\\]|[A-Za-z]:[\\/]")
_ARCHIVES = (".whl", ".zip", ".tar.gz")
_HASH = re.compile(r"\s--hash[=\s]\S+")
_EDITABLE = re.compile(r"-e\b|--editable\b")
_PLACE = re.compile(r"-i\b|-f\b|--(?:index-url|extra-index-url|find-links|no-index|trusted-host|process-dependency-links)\b")
_INCLUDE = re.compile(r"(?:-r|--requirement)(?:[\s=]+|(?=\S))(?P<path>.*)")
_CONSTRAINT = re.compile(r"-c\b|--constraint\b")


class RefusedRequirement(Exception):
    """A line cannot be followed; `code` has its sentence in `wording`, `text` is the line, `file` is empty for the file itself."""

    def __init__(self, code: str, line: int, text: str, file: str = "") -> None:
        super().__init__(code)
        self.code, self.line, self.text, self.file = code, line, text[:200], file

    @property
    def detail(self) -> dict[str, object]:
        """The facts for `wording.sentence`."""
        return {"line": self.line, "text": self.text, "file": self.file or "requirements.txt"}


def parse(text: str, siblings: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """Return what `text` asks for, one normal form for each line, sorted and without repetitions; raise `RefusedRequirement`.

    `siblings` holds the texts that `-r` may name. Options that would fetch packages from elsewhere are refused; those that only
    change how pip works, hashes among them, have no effect. Lines whose marker is about another system or Python stay in.
    """
    return tuple(sorted({str(each) for each in _read(text, siblings or {}, ())}))


def _read(text: str, siblings: Mapping[str, str], within: tuple[str, ...]) -> Iterator[Requirement]:
    file = within[-1] if within else ""
    for count, (number, line) in enumerate(lines(text.removeprefix("\ufeff"))):
        if count >= MAX_REQUIREMENTS:
            raise RefusedRequirement("requirements_too_many", number, "", file)
        if not line.startswith("-"):
            yield _requirement(line, number, file)
        elif included := _INCLUDE.match(line):
            path = included["path"].strip().removeprefix("./")
            if path not in siblings or path in within:
                raise RefusedRequirement("requirement_include_missing", number, path, file)
            yield from _read(siblings[path], siblings, (*within, path))
        elif code := _refused(line):
            raise RefusedRequirement(code, number, line, file)


def _refused(line: str) -> str:
    if _EDITABLE.match(line):
        return "requirement_editable"
    return "requirement_index" if _PLACE.match(line) else "requirement_constraint" if _CONSTRAINT.match(line) else ""


def _requirement(line: str, number: int, file: str) -> Requirement:
    line = _HASH.sub("", line).strip()
    if _ADDRESS.match(line):
        raise RefusedRequirement("requirement_address", number, line, file)
    try:
        # A marker may hold any text, also one that other readers of the file take for the end of the line.
        if len(line) > MAX_LINE or not line.replace("\t", " ").isprintable():
            raise InvalidRequirement(line[:MAX_LINE])
        found = Requirement(line)
    except (InvalidRequirement, RecursionError) as error:
        path = _PATH.match(line) or line.lower().endswith(_ARCHIVES)
        raise RefusedRequirement("requirement_path" if path else "requirement_invalid", number, line, file) from error
    if found.url is not None:
        raise RefusedRequirement("requirement_address", number, line, file)
    if found.name.lower().endswith(_ARCHIVES):
        raise RefusedRequirement("requirement_path", number, line, file)
    return found

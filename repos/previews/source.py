"""Source text as coloured, numbered lines."""

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from pygments.lexer import Lexer

from core.markdown.colours import lexer_named, pieces

MAX_LINES = 10_000
MAX_LINE_LENGTH = 2_000
MAX_COLOURED = 200_000
MAX_COLOURED_LINE = 400
COLOUR_SECONDS = 1.5

# Only these lexers run on strangers' text: they are in wide use, and their patterns are linear in practice.
_BY_SUFFIX = {
    "bash": ".sh .bash .zsh .ksh",
    "batch": ".bat .cmd",
    "c": ".c .h",
    "cmake": ".cmake",
    "cpp": ".cc .cpp .cxx .hpp .hh .hxx",
    "csharp": ".cs",
    "css": ".css",
    "cuda": ".cu .cuh",
    "diff": ".diff .patch",
    "django": ".jinja .jinja2 .j2",
    "go": ".go",
    "html": ".html .htm .xhtml",
    "ini": ".ini .cfg .conf",
    "java": ".java",
    "javascript": ".js .mjs .cjs .jsx",
    "json": ".json .jsonl .ndjson .ipynb .geojson .webmanifest",
    "julia": ".jl",
    "kotlin": ".kt .kts",
    "lua": ".lua",
    "markdown": ".md .markdown .mdown",
    "perl": ".pl .pm",
    "php": ".php",
    "powershell": ".ps1",
    "properties": ".properties .env",
    "protobuf": ".proto",
    "python": ".py .pyi .pyw",
    "r": ".r",
    "rst": ".rst",
    "ruby": ".rb",
    "rust": ".rs",
    "scala": ".scala",
    "sql": ".sql",
    "swift": ".swift",
    "tex": ".tex .bib",
    "toml": ".toml",
    "typescript": ".ts .tsx",
    "xml": ".xml .svg .xsd .xsl",
    "yaml": ".yaml .yml",
}
_ALIAS = {suffix: alias for alias, suffixes in _BY_SUFFIX.items() for suffix in suffixes.split()}
_BY_NAME = {"dockerfile": "docker", "cmakelists.txt": "cmake", "gemfile": "ruby", ".bashrc": "bash", ".env": "bash"}
_REORDERING = re.compile("[\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True)
class Source:
    """Numbered lines as `<li>` elements, and what was left out of them.

    `total` counts the lines of the whole text; `shown` those in `html`; `shortened` those of them that were cut. `reordering`
    says that the text holds characters that change the order in which it is displayed.
    """

    html: SafeString
    language: str
    total: int
    shown: int
    shortened: int
    reordering: bool


def lexer_for(name: str) -> Lexer | None:
    """Return the lexer for a file of this name, or None for plain text."""
    path = PurePosixPath(name)
    alias = _BY_NAME.get(path.name.lower()) or _ALIAS.get(path.suffix.lower())
    return lexer_named(alias) if alias else None


def source(text: str, name: str) -> Source:
    """Return `text` coloured for a file called `name`, within bounds of lines and length."""
    rows = text.split("\n")
    if rows[-1] == "":
        rows.pop()
    total = len(rows)
    rows = rows[:MAX_LINES]
    shortened = [len(row) > MAX_LINE_LENGTH for row in rows]
    rows = [row[:MAX_LINE_LENGTH] for row in rows]
    lexer = lexer_for(name)
    return Source(
        html=_numbered(coloured(rows, lexer), shortened),
        language=lexer.name if lexer else _("Text"),
        total=total,
        shown=len(rows),
        shortened=sum(shortened),
        reordering=bool(_REORDERING.search(text)),
    )


def coloured(rows: list[str], lexer: Lexer | None) -> list[str]:
    """Return each row as safe HTML; rows past the bounds of size and time stay plain."""
    shown = [str(escape(row)) for row in rows]
    if lexer is None:
        return shown
    chosen = _lexed(rows)
    current: list[str] = []
    at = 0
    for name, value in pieces(lexer, "\n".join(rows[number] for number in chosen), COLOUR_SECONDS):
        for index, piece in enumerate(value.split("\n")):
            if index:
                shown[chosen[at]] = "".join(current)
                current, at = [], at + 1
            if piece:
                current.append(f'<span class="{name}">{escape(piece)}</span>' if name else str(escape(piece)))
    if chosen:
        shown[chosen[at]] = "".join(current)
    return shown


def _lexed(rows: list[str]) -> list[int]:
    """Return the numbers of the rows to colour.

    Several lexers of Pygments take a time that grows with the square of the length of a line, or of a run of blank lines.
    """
    chosen: list[int] = []
    size = blank = 0
    for number, row in enumerate(rows):
        blank = 0 if row.strip() else blank + 1
        if len(row) > MAX_COLOURED_LINE or blank > 2:
            continue
        size += len(row) + 1
        if size > MAX_COLOURED:
            break
        chosen.append(number)
    return chosen


def _numbered(rows: list[str], shortened: list[bool]) -> SafeString:
    cut = format_html(' <em class="faint">{}</em>', _("… line shortened"))
    label = str(escape(_("Line %(number)s")))
    items = [
        f'<li id="L{number}"><a href="#L{number}" aria-label="{label % {"number": number}}"></a><span>{row}{cut if short else ""}</span></li>'
        for number, (row, short) in enumerate(zip(rows, shortened, strict=True), 1)
    ]
    return mark_safe("\n".join(items))

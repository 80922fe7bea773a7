"""What people can be told: the rooms register kinds of notices, and a notice becomes a sentence in the reader's language."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from core import numbers

ASSETS = _("Models and datasets")
ACCESS = _("Access")
PEOPLE = _("People and organisations")
WORK = _("Jobs")
"""The headings under which kinds are shown; a room may bring its own."""

WAYS = ("now", "daily", "never")
MOMENT = re.compile(r"\A\d{4}-\d\d-\d\d(?:T[0-9:.]+(?:Z|[+-]\d\d:\d\d)?)?\Z")
# Line breaks would forge headers; marks of direction would turn the words around them.
UNSEEMLY = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]+")


@dataclass(frozen=True)
class NoticeKind:
    """One thing that people are told, such as `application.decided`.

    `name` stands beside the switch, `sentence` is filled with the facts of a notice by name (`%(actor)s` is who did it), `group` is
    the heading: all three are lazy. `mail` says when mail goes out unless a person chose otherwise: `now`, `daily` or `never`.
    `words` translates facts that are codes: `{"role": {"reader": _("Reader")}}`.
    """

    code: str
    name: Any
    sentence: Any
    group: Any
    mail: str = "now"
    words: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.mail not in WAYS or not re.fullmatch(r"[a-z_]+\.[a-z_]+", self.code):
            raise ValueError(f"{self.code}: not a kind of notice, or {self.mail} is none of {WAYS}")


_KINDS: dict[str, NoticeKind] = {}


def register(*kinds: NoticeKind) -> None:
    """Add kinds of notices, from `AppConfig.ready` of the room that sends them."""
    _KINDS.update({kind.code: kind for kind in kinds})


def kind_of(code: str) -> NoticeKind | None:
    """Return the kind `code`, or None where no room of this version knows it."""
    return _KINDS.get(code)


def grouped_kinds() -> list[tuple[str, list[NoticeKind]]]:
    """Return every kind under its heading in the language of the moment: our headings first, then as the rooms registered them."""
    groups: dict[str, list[NoticeKind]] = {str(heading): [] for heading in (ASSETS, ACCESS, PEOPLE, WORK)}
    for kind in _KINDS.values():
        groups.setdefault(str(kind.group), []).append(kind)
    return [(heading, kinds) for heading, kinds in groups.items() if kinds]


def seemly(text: str) -> str:
    """Return `text` in one line, without characters that forge headers or turn the reading direction."""
    return " ".join(UNSEEMLY.sub(" ", text).split())


def sentence(code: str, facts: Mapping[str, Any]) -> str:
    """Return the notice as plain text in the language of the moment, in one line."""
    kind = kind_of(code)
    return seemly(_template(kind) % _Facts(kind, facts))


def markup(code: str, facts: Mapping[str, Any]) -> SafeString:
    """Return the notice as HTML, with every fact escaped and set apart."""
    kind = kind_of(code)
    shown = _Facts(kind, facts, lambda text: text and format_html('<b dir="auto">{}</b>', text))
    return mark_safe(escape(_template(kind)) % shown)  # the sentence is escaped here, each fact above


def _template(kind: NoticeKind | None) -> str:
    return str(kind.sentence) if kind else gettext("A notice of a kind that this version of the gallery does not know.")


class _Facts(dict[str, str]):
    """The facts as words; a fact that is not there reads as an ellipsis."""

    def __init__(self, kind: NoticeKind | None, facts: Mapping[str, Any], dress: Any = str) -> None:
        words = kind.words if kind else {}
        super().__init__({name: dress(_shown(value, words.get(name, {}))) for name, value in facts.items()})

    def __missing__(self, name: str) -> str:
        return "…"


def _shown(value: Any, words: Mapping[str, Any]) -> str:
    if isinstance(value, str) and value in words:
        return str(words[value])
    if isinstance(value, str):
        return _moment(value) or seemly(value)
    if isinstance(value, list | tuple):
        return gettext(", ").join(_shown(item, words) for item in value)
    return numbers.grouped(value) if type(value) is int else seemly(str(value))


def _moment(text: str) -> str:
    """Return an ISO date or moment as people read it, empty where `text` is something else."""
    try:
        found: date | None = (parse_date(text) or parse_datetime(text)) if MOMENT.match(text) else None
    except ValueError:
        return ""
    if isinstance(found, datetime):
        return numbers.date_and_time(found if found.tzinfo else timezone.make_aware(found))
    if found is None:
        return ""
    return numbers.date(datetime(found.year, found.month, found.day, 12, tzinfo=timezone.get_current_timezone()))

"""Finding words that must not stand in what the gallery shows to others."""

import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ahocorasick_rs import AhoCorasick
from django.conf import settings
from django.utils.translation import gettext as _

from accounts.models import WordList
from core.problems import Problem

SHOWN = 5
"""How many words are named per field; the rest shows when these are gone."""
LAST_SPACED = 0x2E7F
"""The last character before the scripts that are written without spaces between words."""

Edition = tuple[tuple[int, datetime, bool], ...]


@dataclass(frozen=True)
class Hit:
    """A word of a list that stands in a field, spelled as in the list."""

    field: str
    word: str
    category: str

    @property
    def category_name(self) -> str:
        """The category in the language of the moment."""
        return str(WordList.Category(self.category).label)

    @property
    def sentence(self) -> str:
        return _("“%(word)s” must not stand here (%(category)s). Say it without this word.") % {
            "word": self.word,
            "category": self.category_name,
        }


@dataclass(frozen=True)
class Lexicon:
    """The lists as they stood at `edition`: `words` beside their folded spellings in the automaton."""

    edition: Edition
    words: tuple[tuple[str, str], ...]
    automaton: Any

    def hits(self, field: str, text: str) -> Iterator[Hit]:
        """Yield each word that stands in `text` once, in the order of the text."""
        folded, seen = fold(text), set()
        for place, start, end in self.automaton.find_matches_as_indexes(folded, overlapping=True):
            if place not in seen and _stands_alone(folded, start, end):
                seen.add(place)
                yield Hit(field, *self.words[place])


_lexicon: Lexicon | None = None


def check_words(fields: Mapping[str, str]) -> None:
    """Raise a `Problem` (`forbidden_words`) that names each forbidden word at its field, unless the gallery does not review."""
    if settings.REVIEW == "off":
        return
    errors: dict[str, list[str]] = {}
    for hit in find_words(fields):
        errors.setdefault(hit.field, []).append(hit.sentence)
    if errors:
        sentence = _("There are words in it that must not stand in the gallery; see the messages by field.")
        raise Problem("forbidden_words", sentence, errors={field: found[:SHOWN] for field, found in errors.items()})


def find_words(fields: Mapping[str, str]) -> list[Hit]:
    """Return the forbidden words in texts by field, whatever the gallery does about them.

    Case and width of letters do not count, nor do invisible characters. Words in scripts with spaces must stand alone, words in
    Chinese are found anywhere.
    """
    lexicon = _current()
    return [hit for field, text in fields.items() if text for hit in lexicon.hits(field, text)]


def fold(text: str) -> str:
    """Return `text` as words are compared: one spelling for every width, case and kind of space, nothing invisible."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    if not folded.isascii():
        folded = "".join(letter for letter in folded if unicodedata.category(letter) != "Cf")
    return " ".join(folded.split())


def _current() -> Lexicon:
    """Return the lists as they are in the database now: one small query, and the automaton is built again only after a change."""
    global _lexicon
    edition: Edition = tuple(WordList.objects.order_by("pk").values_list("pk", "updated_at", "active"))
    found = _lexicon
    if found is None or found.edition != edition:
        found = _lexicon = _built(edition)
    return found


def _built(edition: Edition) -> Lexicon:
    words: dict[str, tuple[str, str]] = {}
    for row in WordList.objects.filter(active=True).order_by("pk"):
        for line in row.words.splitlines():
            if folded := fold(line):
                words.setdefault(folded, (line.strip(), row.category))
    return Lexicon(edition, tuple(words.values()), AhoCorasick(list(words)))


def _stands_alone(text: str, start: int, end: int) -> bool:
    """Whether the match is no part of a longer word: `ass` in `class` is, 毒品 in 买毒品吗 is not."""
    return not (_joined(text[max(start - 1, 0) : start + 1]) or _joined(text[end - 1 : end + 1]))


def _joined(pair: str) -> bool:
    return len(pair) == 2 and all(letter.isalnum() and ord(letter) <= LAST_SPACED for letter in pair)

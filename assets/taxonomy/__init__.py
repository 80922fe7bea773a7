"""The vocabularies that the gallery ships, one CSV file each, and the spellings that mean the same word.

A migration loads them into `assets.models.Term`, where administrators add and change words; what they changed stays.
"""

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

VOCABULARIES = ("modality", "task", "licence", "language", "framework", "hardware", "industry", "platform", "spec")
BUILT_IN_TASKS = frozenset({"question-answering", "text-generation"})

_FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Word:
    """One word of a vocabulary as it is shipped; `parent` is the code of a task's modality."""

    vocabulary: str
    code: str
    name_en: str
    name_zh: str
    position: int
    aliases: tuple[str, ...] = ()
    parent: str = ""
    pigment: str = ""
    url: str = ""

    @property
    def support(self) -> tuple[str, str, str]:
        """What the toolchain offers for a task: fine-tuning, inference, app."""
        if self.vocabulary != "task":
            return "", "", ""
        return ("built_in", "built_in", "built_in") if self.code in BUILT_IN_TASKS else ("custom", "custom", "")


def words(vocabulary: str) -> Iterator[Word]:
    """Yield the shipped words of a vocabulary in the order in which people see them."""
    with (_FOLDER / f"{vocabulary}.csv").open(encoding="utf-8", newline="") as file:
        for position, row in enumerate(csv.DictReader(file), 1):
            aliases = tuple(alias for alias in (row.pop("aliases", None) or "").split("|") if alias)
            yield Word(vocabulary=vocabulary, position=10 * position, aliases=aliases, **row)


def fold(spelling: str) -> str:
    """Return the form in which spellings are compared: case, spaces and underscores make no difference."""
    return re.sub(r"[\s_]+", "-", spelling.strip().casefold())


def spellings(rows: Iterable[Any]) -> dict[str, str]:
    """Return code by folded spelling for words or terms of one vocabulary; a code wins over a name, a name over an alias."""
    rows = list(rows)
    found: dict[str, str] = {}
    for row in rows:
        found |= {fold(alias): row.code for alias in row.aliases if fold(alias) not in found}
    for row in rows:
        found |= {fold(row.name_en): row.code, fold(row.name_zh): row.code}
    return found | {fold(row.code): row.code for row in rows}


@cache
def _shipped(vocabulary: str) -> Mapping[str, str]:
    return spellings(words(vocabulary))


def spelled(vocabulary: str, spelling: str) -> str | None:
    """Return the code of the shipped word that `spelling` means: its code, a name in either language, or an alias."""
    return _shipped(vocabulary).get(fold(spelling))


def load(term: Any) -> None:
    """Add the shipped words that `term`, the model or its historical state, does not have yet."""
    for vocabulary in VOCABULARIES:
        parents = dict(term.objects.filter(vocabulary="modality").values_list("code", "pk")) if vocabulary == "task" else {}
        rows = []
        for word in words(vocabulary):
            fine_tuning, inference, app = word.support
            rows.append(
                term(
                    vocabulary=vocabulary, code=word.code, name_en=word.name_en, name_zh=word.name_zh, aliases=list(word.aliases),
                    position=word.position, pigment=word.pigment, url=word.url, parent_id=parents.get(word.parent),
                    fine_tuning=fine_tuning, inference=inference, app=app,
                )
            )  # fmt: skip
        term.objects.bulk_create(rows, ignore_conflicts=True)


def unload(term: Any) -> None:
    """Remove the shipped words; words that administrators added stay, and so do modalities that such words belong to."""
    for vocabulary in reversed(VOCABULARIES):
        rows = term.objects.filter(vocabulary=vocabulary, code__in=[word.code for word in words(vocabulary)])
        kept = term.objects.exclude(parent=None).values("parent") if vocabulary == "modality" else ()
        rows.exclude(pk__in=kept).delete()

"""The words of the catalog, all at once: names for codes, and codes for the spellings that people use."""

import time
from collections.abc import Iterable

from assets.models import Term
from assets.taxonomy import fold

V = Term.Vocabulary
KEEP_SECONDS = 10.0


class Terms:
    """All active terms in memory: one query for a page, however many labels it shows."""

    def __init__(self, rows: Iterable[Term]) -> None:
        self._by_code: dict[str, dict[str, Term]] = {vocabulary: {} for vocabulary in V.values}
        self._by_spelling: dict[str, dict[str, Term]] = {vocabulary: {} for vocabulary in V.values}
        for term in rows:
            self._by_code[term.vocabulary][term.code] = term
            for spelling in (term.name_en, term.name_zh, *term.aliases, term.code):
                self._by_spelling[term.vocabulary][fold(str(spelling))] = term

    @classmethod
    def load(cls) -> "Terms":
        """Return the terms, modalities with their tasks in the order of display, as they stood at most `KEEP_SECONDS` ago."""
        global _kept
        now = time.monotonic()
        if _kept is None or now > _kept[0] + KEEP_SECONDS:
            _kept = now, cls(Term.objects.filter(active=True).order_by("vocabulary", "position", "code"))
        return _kept[1]

    @staticmethod
    def forget() -> None:
        """Have the next `load` read the terms again: somebody has just changed them in this process."""
        global _kept
        _kept = None

    def of(self, vocabulary: str) -> list[Term]:
        """Return the terms of one vocabulary in the order of display."""
        return list(self._by_code[vocabulary].values())

    def get(self, vocabulary: str, code: str) -> Term | None:
        """Return the term with this code."""
        return self._by_code[vocabulary].get(code)

    def find(self, vocabulary: str, word: str) -> Term | None:
        """Return the term that `word` means: its code, a name in either language or another spelling, in any case."""
        return self.get(vocabulary, word) or self._by_spelling[vocabulary].get(fold(word))

    def name(self, vocabulary: str, code: str) -> str:
        """Return the name for a code in the language of the request, or the code where there is no such term."""
        term = self.get(vocabulary, code)
        return term.name if term else code

    def names(self, vocabulary: str, codes: Iterable[str]) -> list[str]:
        """Return the names for several codes."""
        return [self.name(vocabulary, code) for code in codes]

    def modality(self, task: str) -> Term | None:
        """Return the modality a task belongs to."""
        term = self.get(V.TASK, task)
        return next((m for m in self.of(V.MODALITY) if term and m.pk == term.parent_id), None)

    def pigment(self, task: str) -> str:
        """Return the colour of a task's modality, `stone` where it is unknown."""
        modality = self.modality(task)
        return (modality.pigment if modality else "") or "stone"

    def tasks_of(self, modality: str) -> list[Term]:
        """Return the tasks of a modality, by its code."""
        parent = self.get(V.MODALITY, modality)
        return [term for term in self.of(V.TASK) if parent and term.parent_id == parent.pk]


_kept: tuple[float, Terms] | None = None

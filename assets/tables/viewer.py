"""The page of a dataset's tables, put together: pickers, heads, rows, and the ways on from here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any
from urllib.parse import quote

from django.http import QueryDict
from django.utils.translation import gettext as _

from assets.addresses import spellings
from assets.models import Asset, Term
from assets.tables.asking import MOST_ROW, PAGE, Question, answer, question_of, whole
from assets.tables.distributions import equals, name_of
from assets.tables.grid import Row, rows_of
from assets.tables.heads import Head, heads_of
from assets.tables.opening import Tables
from assets.tables.states import State, state_of
from assets.vocabulary import Terms
from core.numbers import grouped, size
from core.problems import Problem
from inspection.models import Sheet
from inspection.tables.parts import table
from inspection.tables.rows import Rows
from inspection.tables.wording import explain

COLUMNS = 50
"""How many columns stand side by side."""


@dataclass(frozen=True)
class BadRow:
    """A row or a file that could not be read; `line` is empty for a whole file, `url` leads to the place."""

    file: str
    url: str
    line: str
    reason: str
    text: str


class Viewer:
    """What the page shows to `user`, who may preview the dataset of `tables`, for the parameters `given` of its address."""

    def __init__(self, user: Any, tables: Tables, given: QueryDict) -> None:
        self.user, self.tables, self.given = user, tables, given
        self.asset = tables.asset
        self.problem: Problem | None = None
        self.question = self._question()

    def _question(self) -> Question:
        try:
            question = question_of(self.given)
            number = whole(self.given, "row", 0, MOST_ROW)
        except Problem as problem:
            self.problem = problem
            return Question()
        return replace(question, offset=number - 1) if number else question

    @cached_property
    def state(self) -> State:
        """How far the reading of the commit is."""
        return state_of(self.tables)

    @cached_property
    def sheet(self) -> Sheet | None:
        """The split that is shown, None where there is none at all."""
        if not self.tables.sheets:
            return None
        config, split = self.given.get("config", ""), self.given.get("split", "")
        # Whoever changes the subset still names the split of the one before.
        known = {sheet.split for sheet in self.tables.splits(config or self.tables.default_config)}
        return self.tables.sheet(config, split if split in known else "")

    @cached_property
    def found(self) -> Rows | None:
        """The rows; None where the question cannot be answered, and then `problem` says why."""
        if self.sheet is None or self.problem is not None:
            return None
        try:
            found = answer(table(self.sheet), self.question)
            if found.total and self.question.offset >= found.total:
                self.question = replace(self.question, offset=(found.total - 1) // PAGE * PAGE)
                found = answer(table(self.sheet), self.question)
        except Problem as problem:
            self.problem = problem
            return None
        return found

    @cached_property
    def rows(self) -> list[Row]:
        """The rows of this page, with the columns that are shown."""
        if self.sheet is None or self.found is None:
            return []
        chosen = self.columns
        first = self.first_column
        cells = [row[first : first + len(chosen)] for row in self.found.cells]
        return rows_of(self.tables, self.sheet, replace(self.found, columns=chosen, cells=cells))

    @cached_property
    def first_column(self) -> int:
        """How many columns stand before those that are shown."""
        given = self.given.get("first_column", "")
        number = int(given) if given.isascii() and given.isdigit() and len(given) < 6 else 0
        return number if self.sheet is not None and number < len(self.sheet.columns) else 0

    @property
    def columns(self) -> Sequence[Mapping[str, Any]]:
        """The columns that are shown."""
        return self.sheet.columns[self.first_column : self.first_column + COLUMNS] if self.sheet is not None else []

    @cached_property
    def heads(self) -> list[Head]:
        """The heads of the columns that are shown."""
        return heads_of(self.tables, self.sheet, self.question, self.columns) if self.sheet is not None else []

    @property
    def column_pages(self) -> dict[str, str] | None:
        """Which columns are shown and where the others are; None where all are."""
        if self.sheet is None or len(self.sheet.columns) <= COLUMNS:
            return None
        first, all_of_them = self.first_column, len(self.sheet.columns)
        last = min(first + COLUMNS, all_of_them)
        return {
            "summary": _("Columns %(first)s–%(last)s of %(total)s")
            % {"first": grouped(first + 1), "last": grouped(last), "total": grouped(all_of_them)},
            "previous": self._address(first_column=max(0, first - COLUMNS) or None, offset=self.question.offset or None) if first else "",
            "next": self._address(first_column=last, offset=self.question.offset or None) if last < all_of_them else "",
        }

    # --- Pickers, filters, pages

    @property
    def config_choices(self) -> list[tuple[str, str, bool]]:
        """Subsets: value, text, whether chosen."""
        chosen = self.sheet.config if self.sheet else ""
        return [(name, self._counted(name, self.tables.splits(name)), name == chosen) for name in self.tables.configs]

    @property
    def split_choices(self) -> list[tuple[str, str, bool]]:
        """Splits of the chosen subset: value, text, whether chosen."""
        if self.sheet is None:
            return []
        return [
            (row.split, self._counted(row.split, [row]), row.split == self.sheet.split) for row in self.tables.splits(self.sheet.config)
        ]

    @staticmethod
    def _counted(name: str, sheets: Sequence[Sheet]) -> str:
        if all(sheet.error for sheet in sheets):
            return _("%(name)s (not read)") % {"name": name}
        return f"{name} ({grouped(sum(sheet.rows for sheet in sheets))})"

    @property
    def chips(self) -> list[tuple[str, str]]:
        """What narrows the rows: words, and the address without it."""
        found = []
        if self.question.search:
            found.append((f"“{self.question.search}”", self._address(search="")))
        for text in self.question.filters:
            rest = [other for other in self.question.filters if other != text]
            found.append((text.replace(" >= ", " ≥ ").replace(" <= ", " ≤ "), self._address(filter=rest)))
        return found

    @property
    def clear_url(self) -> str:
        """The address with everything shown."""
        return self._address(search="", filter=[])

    @property
    def kept(self) -> list[tuple[str, str]]:
        """Parameters that stay when the search changes."""
        words = {**self.question.words, "search": "", "revision": self.tables.given}
        flat = [(name, one) for name, value in words.items() for one in (value if isinstance(value, list) else [value])]
        return [(name, value) for name, value in flat if value]

    @property
    def place(self) -> dict[str, str]:
        """The subset and the split as parameters."""
        return {"config": self.sheet.config, "split": self.sheet.split} if self.sheet else {}

    @property
    def summary(self) -> str:
        """Which rows are shown, such as `Rows 101–200 of 10,000`."""
        if self.found is None or not self.rows:
            return ""
        first = self.question.offset + 1
        values = {"first": grouped(first), "last": grouped(first + len(self.rows) - 1), "total": grouped(self.found.total)}
        if self.question.is_narrowed:
            return _("Results %(first)s–%(last)s of %(total)s") % values
        return _("Rows %(first)s–%(last)s of %(total)s") % values

    @property
    def previous_url(self) -> str:
        """The page before this one, empty on the first."""
        offset = self.question.offset
        return self._address(offset=max(0, offset - PAGE) or None) if self.found and offset else ""

    @property
    def next_url(self) -> str:
        """The page after this one, empty on the last."""
        after = self.question.offset + PAGE
        return self._address(offset=after) if self.found and after < self.found.total else ""

    @property
    def filter_example(self) -> str:
        """A filter that works on this split, to learn the language from."""
        known = [(column, self.sheet.statistics.get(column["name"], {})) for column in self.columns] if self.sheet else []
        for column, facts in known:
            if facts.get("categories") and (text := equals(column, facts["categories"][0]["value"])):
                return text
        for column, facts in known:
            middle, name = facts.get("median"), name_of(column)
            if name and isinstance(middle, int | float) and facts.get("distinct") != facts.get("count"):
                return f"{name} > {middle:.6g}" if column.get("kind") == "number" else f"{name} > {round(middle)}"
        text = next((name_of(column) for column in self.columns if column.get("kind") == "text"), "")
        return f'{text} contains "…"' if text else ""

    @property
    def sql_url(self) -> str:
        return self.tables.address("sql")

    @property
    def statistics_url(self) -> str:
        return self.tables.address("preview/statistics", **self.place)

    def _address(self, **changes: Any) -> str:
        column = {"first_column": self.first_column or None}
        return self.tables.address("preview", **{**self.place, **self.question.words, **column, **changes})

    # --- Facts

    @cached_property
    def facts(self) -> list[tuple[str, str]]:
        """The facts above the table, in their order; unknown ones are left out."""
        terms, shown = Terms.load(), [row for row in self.tables.splits(self.sheet.config) if not row.error] if self.sheet else []
        rows = sum(sheet.source_rows or sheet.rows for sheet in shown)
        trained = Asset.objects.for_user(self.user).of_kind(Asset.Kind.MODEL).filter(datasets__overlap=spellings(self.asset)).count()
        found = [
            (_("Rows"), grouped(rows) if shown else ""),
            (_("Columns"), grouped(len(self.sheet.columns)) if self.sheet and self.sheet.columns else ""),
            (_("Format"), self.format_name if shown else ""),
            (_("Size"), size(self.asset.repository.size)),
            (_("Language"), " · ".join(terms.names(Term.Vocabulary.LANGUAGE, self.asset.languages[:3]))),
            (_("Licence"), terms.name(Term.Vocabulary.LICENCE, self.asset.licence)),
            (_("Task"), terms.name(Term.Vocabulary.TASK, self.asset.task)),
            (_("Models trained on it"), grouped(trained)),
        ]
        return [(name, text) for name, text in found if text]

    @property
    def format_name(self) -> str:
        """What the files of the shown subset are, in words."""
        return format_name(str(self.sheet.facts.get("format", ""))) if self.sheet else ""

    @property
    def sampled(self) -> str:
        """How much of the split this is, where it is not all of it."""
        if self.sheet is None or not self.sheet.sampled:
            return ""
        if self.sheet.source_rows:
            return _("The first %(rows)s of %(total)s rows are shown. Download the files for the rest.") % {
                "rows": grouped(self.sheet.rows), "total": grouped(self.sheet.source_rows),
            }  # fmt: skip
        return _("The first %(rows)s rows are shown. Download the files for the rest.") % {"rows": grouped(self.sheet.rows)}

    @property
    def split_error(self) -> str:
        """Why the split has no rows, where it could not be read."""
        if self.sheet is None or not self.sheet.error:
            return ""
        sentence, file = explain(self.sheet.error, self.sheet.facts), self.sheet.facts.get("file")
        return f"{file}: {sentence}" if file else sentence

    @cached_property
    def bad(self) -> list[BadRow]:
        """What could not be read, the first hundred."""
        return [self._bad(entry) for entry in self.sheet.bad] if self.sheet is not None else []

    def _bad(self, entry: Mapping[str, Any]) -> BadRow:
        commit = self.tables.shown.commit if self.tables.shown else ""
        line = entry.get("line") or 0
        address = f"{self.tables.url}/files/{commit}/{quote(entry['file'])}" + (f"?plain=1#L{line}" if line else "")
        return BadRow(
            entry["file"], address, grouped(line) if line else "", explain(entry["code"], entry.get("facts")), entry.get("text", "")
        )


def format_name(code: str) -> str:
    """Return a format of `inspection.tables` in words."""
    names = {
        "csv": "CSV",
        "json": "JSON",
        "parquet": "Parquet",
        "arrow": "Arrow",
        "text": _("Text"),
        "imagefolder": _("Image folder"),
        "audiofolder": _("Audio folder"),
        "webdataset": "WebDataset",
    }
    return str(names.get(code, code))

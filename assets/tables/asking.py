"""What a reader asks of a table: parsed from an address, answered with rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _

from core.problems import Missing, Problem
from inspection.files import Unreadable
from inspection.models import Sheet
from inspection.tables import query, rows
from inspection.tables.parts import Table
from inspection.tables.rows import Rows
from inspection.tables.wording_query import problem

PAGE = 100
MOST_ROW = 10**15
MOST_TEXT = 1000
MOST_FILTERS = 20
ORDERS = ("asc", "desc")


@dataclass(frozen=True)
class Question:
    """Which rows are wanted, in which order, from where on. `filters` are texts of the filter language, and all must hold."""

    search: str = ""
    filters: Sequence[str] = ()
    sort: str = ""
    descending: bool = False
    offset: int = 0
    limit: int = PAGE

    @property
    def is_narrowed(self) -> bool:
        """Whether only some rows are asked for."""
        return bool(self.search or self.filters)

    @property
    def words(self) -> dict[str, Any]:
        """The question as parameters of an address, without its place in the rows."""
        order = "desc" if self.sort and self.descending else ""
        return {"search": self.search, "filter": list(self.filters), "sort": self.sort, "order": order}

    def with_filter(self, text: str) -> "Question":
        """Return the question narrowed by one more filter, from the first row on."""
        return replace(self, filters=self.filters if text in self.filters else [*self.filters, text], offset=0)


def question_of(given: QueryDict, *, limit: int = PAGE) -> Question:
    """Return the question in an address. Raises `Problem` for numbers that are none and for texts beyond all bounds."""
    search = _text(given.get("search", ""), "search")
    filters = list(dict.fromkeys(found for text in given.getlist("filter") if (found := _text(text, "filter"))))
    if len(filters) > MOST_FILTERS:
        raise Problem("too_many_filters", _("Use at most %(limit)d filters. Join some with “and”.") % {"limit": MOST_FILTERS})
    order = given.get("order", "") or "asc"
    if order not in ORDERS:
        raise Problem("bad_sort", _("Sort by a column, in the order asc or desc."))
    sort = _text(given.get("sort", ""), "sort")
    return Question(search, filters, sort, order == "desc", whole(given, "offset"), limit)


def whole(given: Mapping[str, str], name: str, default: int = 0, most: int = MOST_ROW) -> int:
    """Return a whole number from 0 to `most` of an address; anything else is refused."""
    text = given.get(name, "") or str(default)
    if not (text.isascii() and text.isdigit() and len(text) < 17 and int(text) <= most):
        sentence = _("“%(name)s” must be a number from 0 to %(most)d.") % {"name": name, "most": most}
        raise Problem("bad_limit", sentence) if name == "limit" else Problem("bad_offset", sentence)
    return int(text)


def row_of(given: Mapping[str, str], sheet: Sheet) -> int:
    """Return the number of a row in an address, from 1 as people count, that the split has. Raises `Missing`."""
    number = whole(given, "row", 1)
    if not 1 <= number <= sheet.rows:
        raise Missing("unknown_row", _("There is no such row."))
    return number


def answer(table: Table, question: Question, columns: Sequence[str] | None = None) -> Rows:
    """Return the rows that answer `question`, of `columns` or of all. Raises `Problem` with the sentence of what is wrong with it."""
    try:
        if not question.is_narrowed and not question.sort:
            return rows.page(table, offset=question.offset, limit=question.limit, columns=columns)
        return query.select(
            table,
            search=question.search,
            filters=question.filters,
            sort=question.sort or None,
            descending=question.descending,
            offset=question.offset,
            limit=question.limit,
        )
    except Unreadable as error:
        raise problem(error) from error


def _text(text: str, name: str) -> str:
    text = text.strip()
    if len(text) > MOST_TEXT or "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise Problem("bad_question", _("“%(name)s” takes text of at most %(limit)d characters.") % {"name": name, "limit": MOST_TEXT})
    return text

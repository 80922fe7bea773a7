"""What reading, searching and querying a table refuses, in sentences."""

from django.utils.translation import gettext as _

from core.problems import Missing, Problem
from inspection.files import Unreadable
from repos.backends.base import StoreError
from repos.blobs import store_problem


def problem(error: Unreadable) -> Problem:
    """Return the refusal that a code of `inspection.tables` stands for; its facts are in `extra`, places count characters from 0."""
    found = _of_filter(error) or _of_sql(error) or _of_rows(error)
    found.extra.update({key: value for key, value in error.facts.items() if key != "message"})
    return found


def _of_filter(error: Unreadable) -> Problem | None:
    facts = error.facts | {"place": int(error.facts.get("at", 0)) + 1}
    match error.code:
        case "filter_syntax" if not facts["found"]:
            return Problem("filter_syntax", _('The filter ends too early. Complete it, such as: price > 10 and name contains "pump".'))
        case "filter_syntax":
            return Problem("filter_syntax", _("The filter cannot be read from “%(found)s” on (character %(place)d).") % facts)
        case "filter_column":
            return Problem(
                "filter_column", _("There is no column “%(column)s” (character %(place)d). Put text in quotation marks.") % facts
            )
        case "filter_type":
            return Problem("filter_type", _("“%(value)s” does not fit the column “%(column)s” (character %(place)d).") % facts)
        case "filter_operator":
            return Problem("filter_operator", _("The column “%(column)s” cannot be compared in this way (character %(place)d).") % facts)
        case "filter_too_long":
            return Problem("filter_too_long", _("A filter may have at most %(limit)d characters.") % facts)
        case "filter_too_deep":
            return Problem("filter_too_deep", _("A filter may have at most %(limit)d parentheses inside each other.") % facts)
        case "search_too_long":
            return Problem("search_too_long", _("A text to search for may have at most %(limit)d characters.") % facts)
        case "query_out_of_time":
            return Problem(
                "query_out_of_time", _("Searching took longer than %(limit)d seconds and was stopped. Search more narrowly.") % facts
            )
        case "query_out_of_memory":
            return Problem("query_out_of_memory", _("Searching needed more than %(limit)d MiB of memory and was stopped.") % facts)
        case "query_failed":
            return Problem("query_failed", _("The search failed: %(message)s") % facts)
        case "query_crashed":
            return Problem("query_crashed", _("The search broke off. Ask in another way."))
    return None


def _of_sql(error: Unreadable) -> Problem | None:
    facts = error.facts
    match error.code:
        case "sql_empty":
            return Problem("sql_empty", _("Write a query, such as: SELECT * FROM train LIMIT 10"))
        case "sql_too_long":
            return Problem("sql_too_long", _("A query may have at most %(limit)d characters.") % facts)
        case "sql_several":
            return Problem("sql_several", _("Send one statement at a time."))
        case "sql_not_reading":
            return Problem("sql_not_reading", _("Only statements that read are run: SELECT, WITH, DESCRIBE, SUMMARIZE, EXPLAIN."))
        case "sql_refused":
            return Problem(
                "sql_refused", _("This is not available here: %(name)s. A query reaches the splits of this dataset only.") % facts
            )
        case "sql_syntax":
            return Problem("sql_syntax", _("The query cannot be read: %(message)s") % facts)
        case "sql_failed":
            return Problem("sql_failed", _("The query failed: %(message)s") % facts)
        case "sql_out_of_time":
            return Problem("sql_out_of_time", _("The query took longer than %(limit)d seconds and was stopped.") % facts)
        case "sql_out_of_memory":
            return Problem("sql_out_of_memory", _("The query needed more than %(limit)d MiB of memory and was stopped.") % facts)
        case "sql_crashed":
            return Problem("sql_crashed", _("The query broke the engine and was stopped. Write it in another way."))
    return None


def _of_rows(error: Unreadable) -> Problem:
    match error.code:
        case "unknown_row":
            return Missing("unknown_row", _("There is no such row."))
        case "unknown_column":
            return Missing("unknown_column", _("There is no column “%(column)s”.") % error.facts)
        case "no_media":
            return Missing("no_media", _("This cell holds no picture and no sound."))
        case "store_unavailable":
            return store_problem(StoreError("unavailable", retry=True))
    return Problem(
        "table_unreadable",
        _("The prepared copy of this table cannot be read. Have the dataset read again."),
        status=503,
        extra={"cause": error.code},
    )

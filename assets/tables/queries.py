"""SQL over the splits of a dataset: which tables there are, examples that fit them, and how often somebody may ask."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import gettext as _
from rest_framework.throttling import UserRateThrottle

from assets.tables.opening import Tables
from core.problems import Problem
from inspection.files import Unreadable
from inspection.models import Sheet
from inspection.tables import sql
from inspection.tables.parts import table
from inspection.tables.sql import Result, run_sql, table_names
from inspection.tables.wording_query import problem

EXAMPLE_LIMIT = 20


class QueryThrottle(UserRateThrottle):
    """Thirty queries a minute for each person, or for each address of visitors."""

    scope = "sql"
    rate = "30/min"

    def get_ident(self, request: Any) -> str:
        # Who is really calling was settled before: a header that anybody can write must not decide it again.
        return str(request.META.get("REMOTE_ADDR", ""))


def check_rate(request: HttpRequest) -> None:
    """Raise a `Problem` (`throttled`, 429) where the caller asks too often; it counts this query."""
    throttle = QueryThrottle()
    if not throttle.allow_request(request, None):  # type: ignore[arg-type]
        wait = int(throttle.wait() or 60)
        raise Problem("throttled", _("Too many queries. Ask again in %(seconds)d s.") % {"seconds": wait}, status=429, extra={"wait": wait})


@dataclass(frozen=True)
class Named:
    """A split by the name it has in SQL."""

    name: str
    sheet: Sheet


def named(tables: Tables) -> list[Named]:
    """Return the splits that can be asked, each with its name."""
    sheets = [sheet for sheet in tables.sheets if not sheet.error]
    names = table_names([(sheet.config, sheet.split) for sheet in sheets])
    return [Named(name, sheet) for name, sheet in zip(names, sheets, strict=True)]


def run(tables: Tables, statement: str) -> Result:
    """Return what one statement that reads says over all splits. Raises `Problem` with the sentence of what is wrong."""
    wanted = _meant(named(tables), statement)
    whole = Sheet.objects.in_bulk([one.sheet.pk for one in wanted])
    try:
        return run_sql({one.name: table(whole[one.sheet.pk]) for one in wanted if one.sheet.pk in whole}, statement)
    except Unreadable as error:
        raise problem(error) from error


def _meant(every: Sequence[Named], statement: str) -> list[Named]:
    """Return the splits that a statement can mean: the copies of hundreds are not looked up for one."""
    folded = statement.casefold()
    return [one for one in every if one.name.casefold() in folded] or list(every)[:1]


def limits() -> str:
    """Return what a query may take, in a sentence."""
    return _("One statement that reads, at most %(seconds)d seconds and %(memory)d MiB of memory; the first %(rows)s rows are shown.") % {
        "seconds": settings.SQL_SECONDS,
        "memory": settings.SQL_MEMORY >> 20,
        "rows": f"{sql.MOST_ROWS:,}",
    }


def examples(name: str, sheet: Sheet) -> list[tuple[str, str]]:
    """Return queries that work on this split, with what they tell."""
    columns = sheet.columns
    found = [(_("First rows"), f"SELECT *\nFROM {name}\nLIMIT {EXAMPLE_LIMIT}")]
    group = next((column for column in columns if sheet.statistics.get(column["name"], {}).get("categories")), None)
    measure = next((column for column in columns if column.get("kind") in ("integer", "number") and column is not group), None)
    text = next((column for column in columns if column.get("kind") == "text" and column is not group), None)
    if group is not None:
        average = f", avg({_quoted(measure)}) AS mean" if measure is not None else ""
        counted = f"SELECT {_quoted(group)}, count(*) AS rows{average}\nFROM {name}\nGROUP BY 1\nORDER BY rows DESC"
        found.append((_("Rows by %(column)s") % {"column": group["name"]}, counted))
    if measure is not None:
        greatest = f"SELECT *\nFROM {name}\nORDER BY {_quoted(measure)} DESC\nLIMIT {EXAMPLE_LIMIT}"
        found.append((_("Greatest %(column)s") % {"column": measure["name"]}, greatest))
    if text is not None:
        longest = (
            f"SELECT length({_quoted(text)}) AS characters, {_quoted(text)}\nFROM {name}\nORDER BY characters DESC\nLIMIT {EXAMPLE_LIMIT}"
        )
        found.append((_("Longest %(column)s") % {"column": text["name"]}, longest))
    return [*found, (_("What the columns hold"), f"SUMMARIZE {name}")]


def _quoted(column: Mapping[str, Any]) -> str:
    name = str(column["name"])
    return name if name.isidentifier() and name.isascii() and name.islower() else '"' + name.replace('"', '""') + '"'

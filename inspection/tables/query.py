"""Searching, filtering and sorting the rows of a split."""

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

from django.conf import settings

from inspection import isolation
from inspection.files import Unreadable
from inspection.isolation import MIB, Limits
from inspection.tables import filters as boxes
from inspection.tables import rows
from inspection.tables.filters import Filter
from inspection.tables.filters_sql import joined
from inspection.tables.parts import Table
from inspection.tables.rows import Rows

OWN_MEMORY = 256 * MIB
MOST_SEARCHED = 200


def select(
    table: Table,
    *,
    search: str = "",
    filters: Sequence[Filter] = (),
    sort: str | None = None,
    descending: bool = False,
    offset: int = 0,
    limit: int = rows.PAGE,
) -> Rows:
    """Return the rows that hold `search` somewhere and fulfil every filter, `total` is how many there are.

    They come in their own order, or by the column `sort`, empty cells last; lists, bytes and media by length. Raises `Unreadable` as
    `filters.condition` and `rows.page` do, further `query_out_of_time` (`limit` in seconds), `query_out_of_memory`, `query_failed` where a
    value does not fit its column, and `search_too_long` (`limit`).
    """
    if len(search) > MOST_SEARCHED:
        raise Unreadable("search_too_long", limit=MOST_SEARCHED)
    condition = boxes.condition(filters, table.columns)
    if search.strip():
        condition = joined("AND", [boxes.search(search.strip(), table.columns), condition], "true")
    order = boxes.order(sort, table.columns) if sort else ""
    if condition.sql == "true" and not order:
        return rows.page(table, offset=offset, limit=limit)
    if not table.rows:
        return Rows(table.columns, [], [], 0)
    arguments = {
        "columns": [{"name": column["name"]} for column in table.columns],
        "where": "" if condition.sql == "true" else condition.sql,
        "values": list(condition.values),
        "order": order and f"{order} {'DESC' if descending else 'ASC'} NULLS LAST",
        "offset": min(max(offset, 0), table.rows),
        "limit": max(0, min(limit, rows.MOST_ROWS)),
        "seconds": settings.SQL_SECONDS,
        "memory": settings.SQL_MEMORY,
    }
    found = confined("inspection.tables.query_confined:find", arguments, [table], kind="query")
    total = table.rows if found["total"] is None else found["total"]
    return rows.renumbered(rows.at(table, found["numbers"]), total)


def confined(target: str, arguments: dict[str, Any], tables: Sequence[Table], *, kind: str) -> Any:
    """Call `target` over the parts of the tables, all in one row, within the limits of a query.

    What the process itself raises becomes `<kind>_out_of_time`, `<kind>_out_of_memory` or `<kind>_crashed`.
    """
    seconds, memory = arguments["seconds"], arguments["memory"]
    limits = Limits(memory=memory + OWN_MEMORY, cpu=2 * seconds + 5, wall=seconds + 5.0)
    with ExitStack() as opened:
        inputs = [opened.enter_context(part.open()) for table in tables for part in table.parts]
        try:
            return isolation.run(target, arguments, inputs=inputs, limits=limits, warm="inspection.tables.sql_confined")
        except Unreadable as error:
            facts = {"out_of_time": {"limit": seconds}, "out_of_memory": {"limit": memory >> 20}, "crashed": {}}.get(error.code)
            if facts is None:
                raise
            raise Unreadable(f"{kind}_{error.code}", **facts) from error

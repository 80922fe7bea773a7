"""The confined side of `inspection.tables.query`: the numbers of the rows that fulfil a condition."""

from collections.abc import Mapping, Sequence
from typing import Any, BinaryIO

import duckdb

from inspection.files import Unreadable
from inspection.tables import sql_engine
from inspection.tables.sql_engine import connection

prepare = sql_engine.prepare
HELD = 10_000


def find(
    columns: Sequence[Mapping[str, Any]],
    where: str,
    values: Sequence[Any],
    order: str,
    offset: int,
    limit: int,
    seconds: int,
    memory: int,
    inputs: Sequence[BinaryIO],
) -> dict[str, Any]:
    """Return `numbers` of the rows in their order and how many there are in `total`, None where nothing was asked.

    Raises `Unreadable` (`query_out_of_time`, `query_out_of_memory`, `query_failed`).
    """
    sql_engine.register("copy", inputs, columns, hidden=True)
    sql_engine.lock(memory, seconds)
    condition = f" WHERE {where}" if where else ""
    try:
        if not order and offset + limit <= HELD:
            # One pass: the smallest numbers are kept while the rest is only counted.
            sql = f'SELECT count(*), min("__row", {max(1, offset + limit)}) FROM copy{condition}'
            total, numbers = connection().execute(sql, list(values)).fetchall()[0]
            return {"total": total, "numbers": (numbers or [])[offset : offset + limit]}
        total = connection().execute(f"SELECT count(*) FROM copy{condition}", list(values)).fetchall()[0][0] if where else None
        order = f'{order}, "__row"' if order else '"__row"'
        sql = f'SELECT "__row" FROM copy{condition} ORDER BY {order} LIMIT {limit} OFFSET {offset}'
        return {"total": total, "numbers": [number for (number,) in connection().execute(sql, list(values)).fetchall()]}
    except duckdb.InterruptException as error:
        raise Unreadable("query_out_of_time", limit=seconds) from error
    except (duckdb.Error, UnicodeError) as error:
        if sql_engine.is_out_of_memory(error):
            raise Unreadable("query_out_of_memory", limit=memory >> 20) from error
        raise Unreadable("query_failed", message=sql_engine.message(error)) from error

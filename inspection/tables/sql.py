"""SQL that users write, over the splits of one dataset, reading only."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from inspection.files import Unreadable
from inspection.isolation import MIB
from inspection.tables.filters_sql import sound
from inspection.tables.parts import Table
from inspection.tables.query import confined

MOST_SQL = 20_000
MOST_ROWS = 1000
MOST_SIZE = 1_000_000


@dataclass(frozen=True)
class SqlLimits:
    """`seconds` and bytes of `memory` for the statement, and how many rows and bytes of JSON are handed out."""

    seconds: int = 10
    memory: int = 256 * MIB
    rows: int = MOST_ROWS
    size: int = MOST_SIZE


@dataclass(frozen=True)
class Result:
    """`columns` are `{"name", "type"}`, `rows` hold cells as `inspection.tables.cells` says; `truncated` where there were more."""

    columns: Sequence[Mapping[str, str]]
    rows: Sequence[Sequence[Any]]
    truncated: bool
    seconds: float


def run_sql(tables: Mapping[str, Table], sql: str, limits: SqlLimits | None = None) -> Result:
    """Return what one statement that reads (SELECT, WITH, FROM, VALUES, DESCRIBE, SUMMARIZE, SHOW, EXPLAIN) says over `tables`.

    It runs in a process of its own that reaches nothing but these tables. Raises `Unreadable`: `sql_empty`, `sql_too_long` (`limit`),
    `sql_several`, `sql_not_reading`, `sql_refused` (`name` of a function that is not for here), `sql_syntax` and `sql_failed`
    (`message` of the engine, in English), `sql_out_of_time` (`limit` in seconds), `sql_out_of_memory` (`limit` in MiB), `sql_crashed`.
    """
    given = limits or SqlLimits(settings.SQL_SECONDS, settings.SQL_MEMORY)
    if not sql.strip():
        raise Unreadable("sql_empty")
    if len(sql) > MOST_SQL:
        raise Unreadable("sql_too_long", limit=MOST_SQL)
    folded = sql.casefold()
    # Opening a part may mean to fetch it: only tables that the statement can mean are.
    named = [name for name in tables if name.casefold() in folded] or list(tables)
    arguments = {
        "sql": sound(sql),
        "tables": [
            {"name": name, "columns": [column["name"] for column in tables[name].columns], "parts": len(tables[name].parts)}
            for name in named
        ],
        "seconds": given.seconds,
        "memory": given.memory,
        "rows": given.rows,
        "size": given.size,
    }
    found = confined("inspection.tables.sql_confined:answer", arguments, [tables[name] for name in named], kind="sql")
    return Result(found["columns"], found["rows"], found["truncated"], found["seconds"])


def table_names(splits: Sequence[tuple[str, str]]) -> list[str]:
    """Return a name to use in SQL for each (configuration, split): the split, with the configuration before it where there are several.

    Other characters than letters, digits and underscores become underscores, so that no name needs quotes.
    """
    several = len({config for config, _split in splits}) > 1
    names: list[str] = []
    for config, split in splits:
        name = re.sub(r"\W", "_", f"{config}_{split}" if several else split) or "_"
        name = f"_{name}" if name[0].isdigit() else name
        number = 2
        unique = name
        while unique.casefold() in {known.casefold() for known in names}:
            unique, number = f"{name}_{number}", number + 1
        names.append(unique)
    return names

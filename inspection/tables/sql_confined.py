"""The confined side of `inspection.tables.sql`: one statement, looked at before it runs.

The engine is locked and the process can open nothing, so what is refused here could hardly harm; but some of the engine's table functions take
addresses in memory, and all of them are written for trusted statements. So a statement is read as a tree first, and only known ones pass.
"""

import json
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, BinaryIO

import duckdb
import pyarrow as pa

from inspection.files import Unreadable
from inspection.tables import cells, sql_engine
from inspection.tables.sql_engine import connection

prepare = sql_engine.prepare
TABLE_FUNCTIONS = frozenset({"range", "generate_series", "unnest", "repeat", "json_each", "json_tree"})
REFUSED_FUNCTIONS = frozenset(
    {
        "getenv",
        "current_setting",
        "getvariable",
        "write_log",
        "parse_duckdb_log_message",
        "sleep_ms",
        "pg_sleep",
        "nextval",
        "currval",
        "setval",
    }
    | {"json_serialize_sql", "json_serialize_plan", "json_deserialize_sql"}
)
QUERY_NODES = frozenset({"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"})
BATCH = 100
_EXPLAIN = re.compile(r"(?:\s|--[^\n]*(?:\n|$)|/\*.*?\*/)*explain(?:\s+(analyze))?\b", re.IGNORECASE | re.DOTALL)


def answer(
    sql: str, tables: Sequence[Mapping[str, Any]], seconds: int, memory: int, rows: int, size: int, inputs: Sequence[BinaryIO] = ()
) -> dict[str, Any]:
    """Return `columns`, `rows`, `truncated` and `seconds`; see `inspection.tables.sql.run_sql`."""
    position = 0
    for table in tables:
        parts = inputs[position : position + table["parts"]]
        position += table["parts"]
        if parts:
            sql_engine.register(table["name"], parts, [{"name": name} for name in table["columns"]])
    sql_engine.lock(memory, seconds)
    return reply(sql, seconds, memory, rows, size)


def reply(sql: str, seconds: int, memory: int, rows: int, size: int) -> dict[str, Any]:
    """Return what `answer` does over what is registered, within limits that are set."""
    started = time.monotonic()
    try:
        found = _run(_checked(sql), rows, size)
    except duckdb.InterruptException as error:
        raise Unreadable("sql_out_of_time", limit=seconds) from error
    except duckdb.PermissionException as error:
        raise Unreadable("sql_refused", name=sql_engine.message(error)[:200]) from error
    except (duckdb.Error, pa.ArrowException, MemoryError, RecursionError, UnicodeError) as error:
        if sql_engine.is_out_of_memory(error):
            raise Unreadable("sql_out_of_memory", limit=memory >> 20) from error
        if "maximum execution time" in str(error):
            raise Unreadable("sql_out_of_time", limit=seconds) from error
        code = "sql_syntax" if isinstance(error, duckdb.ParserException | duckdb.SyntaxException) else "sql_failed"
        raise Unreadable(code, message=sql_engine.message(error)) from error
    return found | {"seconds": round(time.monotonic() - started, 3)}


def _checked(sql: str) -> str:
    """Return the one statement that may run."""
    explain = _EXPLAIN.match(sql)
    read = sql[explain.end() :] if explain else sql
    statements = connection().extract_statements(read)
    if len(statements) != 1:
        raise Unreadable("sql_several" if statements else "sql_empty")
    if statements[0].type != duckdb.StatementType.SELECT:
        raise Unreadable("sql_not_reading")
    text = statements[0].query
    tree = json.loads(connection().execute("SELECT json_serialize_sql(?::VARCHAR)", [text]).fetchall()[0][0])
    if tree.get("error"):
        raise Unreadable("sql_not_reading")
    for node in _nodes(tree):
        kind = node.get("type")
        name = str(node.get("function_name", "")).lower()
        if isinstance(kind, str) and kind.endswith("_NODE") and kind not in QUERY_NODES:
            raise Unreadable("sql_not_reading")
        if kind == "TABLE_FUNCTION":
            called = node.get("function")
            name = str(called.get("function_name", "")).lower() if isinstance(called, dict) else ""
            if name not in TABLE_FUNCTIONS:
                raise Unreadable("sql_refused", name=name[:100])
        elif name in REFUSED_FUNCTIONS:
            raise Unreadable("sql_refused", name=name)
    return f"EXPLAIN {'ANALYZE ' if explain[1] else ''}{text}" if explain else text


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            yield node
            waiting += node.values()
        elif isinstance(node, list):
            waiting += node


def _run(sql: str, rows: int, size: int) -> dict[str, Any]:
    relation = connection().sql(sql)
    columns = [{"name": name[:200], "type": str(kind)[:200]} for name, kind in zip(relation.columns, relation.types, strict=True)]
    found: list[list[Any]] = []
    left = size
    for batch in relation.to_arrow_reader(BATCH):
        for index in range(len(batch)):
            row = [cells.short(column[index], {}) for column in batch.columns]
            left -= len(json.dumps(row, ensure_ascii=False).encode(errors="replace"))
            if len(found) == rows or left < 0:
                return {"columns": columns, "rows": found, "truncated": True}
            found.append(row)
    return {"columns": columns, "rows": found, "truncated": False}

"""Columns and values of filters as pieces of SQL: names are quoted, values stand apart."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from inspection.files import Unreadable

MEDIA = frozenset({"image", "audio", "video"})
COMPARABLE = frozenset({"integer", "number", "boolean", "text", "time", "category"})
Columns = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Condition:
    """SQL with question marks, and the values for them in their order."""

    sql: str
    values: tuple[Any, ...] = ()


def sound(text: str) -> str:
    """Return the text with a question mark for each half of a character, which JSON may carry and nothing else can."""
    return text.encode(errors="replace").decode()


def joined(word: str, parts: Sequence[Condition], empty: str) -> Condition:
    """Return the conditions with AND or OR between them, `empty` where there are none."""
    if len(parts) == 1:
        return parts[0]
    return Condition(f" {word} ".join(f"({part.sql})" for part in parts) or empty, tuple(value for part in parts for value in part.values))


def known(name: str, columns: Columns, at: int = 0) -> Mapping[str, Any]:
    """Return the column of this name, in whatever letters where only that fits. Raises `Unreadable` (`filter_column`)."""
    for same in (str, str.casefold):
        for column in columns:
            if same(column["name"]) == same(name):
                return column
    raise Unreadable("filter_column", at=at, column=sound(name[:100]))


def quoted(column: Mapping[str, Any]) -> str:
    """Return the column as an identifier."""
    return '"' + str(column["name"]).replace('"', '""') + '"'


def comparable(column: Mapping[str, Any], at: int = 0) -> str:
    """Return the column to be compared with a value. Raises `Unreadable` (`filter_operator`) for nested values and media."""
    if column.get("kind") not in COMPARABLE:
        raise Unreadable("filter_operator", at=at, column=column["name"])
    # The engine holds NaN to be larger than every number; here it is no value.
    return f"nullif({quoted(column)}, 'nan'::DOUBLE)" if column.get("kind") == "number" else quoted(column)


def length(column: Mapping[str, Any], at: int = 0) -> str:
    """Return the length of text in characters, of bytes and media in bytes, of lists in items. Raises `Unreadable` (`filter_operator`)."""
    match column.get("kind"):
        case "text":
            return f"length({quoted(column)})"
        case "bytes":
            return f"octet_length({quoted(column)})"
        case "list":
            return f"len({quoted(column)})"
        case kind if kind in MEDIA:
            return f'{quoted(column)}."size"'
    raise Unreadable("filter_operator", at=at, column=column["name"])


def null(column: Mapping[str, Any]) -> str:
    """Return that a cell has no value."""
    name = quoted(column)
    if column.get("kind") in MEDIA:
        return f'({name}."file" IS NULL AND {name}."size" IS NULL)'
    if column.get("kind") == "category":
        return f"({name} IS NULL OR {name} = -1)"
    return f"{name} IS NULL"


def contains(column: Mapping[str, Any], text: str, at: int = 0) -> Condition:
    """Return that text, or the name of a category, holds `text` in whatever letters. Raises `Unreadable` (`filter_operator`)."""
    if column.get("kind") == "category":
        wanted = text.casefold()
        numbers = tuple(index for index, name in enumerate(column.get("names") or []) if wanted in name.casefold())
        return Condition(f"{quoted(column)} IN ({', '.join('?' * len(numbers))})", numbers) if numbers else Condition("false")
    if column.get("kind") != "text":
        raise Unreadable("filter_operator", at=at, column=column["name"])
    return Condition(f"contains(lower({quoted(column)}), lower(?::VARCHAR))", (text,))


def bound(column: Mapping[str, Any], value: Any, at: int = 0) -> Condition:
    """Return a literal as a value that the column can be compared with. Raises `Unreadable` (`filter_type`)."""
    kind = column.get("kind")
    if kind == "category":
        names = column.get("names") or []
        if isinstance(value, str) and value in names:
            return Condition("?", (names.index(value),))
        if isinstance(value, int) and not isinstance(value, bool):
            return Condition("?", (value,))
    elif (kind == "text" and isinstance(value, str)) or (kind == "boolean" and isinstance(value, bool)):
        return Condition("?", (sound(value) if isinstance(value, str) else value,))
    elif kind in ("integer", "number"):
        if isinstance(value, int | float) and not isinstance(value, bool):
            return Condition("?", (value,))
        if isinstance(value, str) and re.fullmatch(r"-?\d{1,38}", value):
            return Condition("?", (int(value),))
    elif kind == "time" and isinstance(value, str) and (moment := _moment(value)) is not None:
        return moment
    raise Unreadable("filter_type", at=at, column=column["name"], value=sound(str(value)[:100]))


def _moment(value: str) -> Condition | None:
    if value.startswith("24:00"):
        return Condition("?::TIME", ("24:00:00",))
    for read, form in ((date.fromisoformat, "DATE"), (datetime.fromisoformat, "TIMESTAMP"), (time.fromisoformat, "TIME")):
        try:
            found = read(value)
        except ValueError:
            continue
        zoned = isinstance(found, datetime) and found.tzinfo is not None
        return Condition(f"?::{'TIMESTAMPTZ' if zoned else form}", (found.isoformat(),))
    return None

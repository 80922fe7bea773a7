"""Python values as Arrow columns: nested values where all rows agree, JSON text where they do not."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from inspection.tables.reading.context import MAX_COLUMNS, clean

MAX_FIELDS = 200
MAX_DEPTH = 12
JSON_FIELD = {b"meaning": b"json"}


def batch(rows: Sequence[Mapping[str, Any]], known: Mapping[str, pa.Field]) -> pa.RecordBatch:
    """Return rows as one batch; a column follows what is `known` of it where its values fit, and says by itself where it is JSON."""
    names: dict[str, None] = {}
    for row in rows:
        names.update(dict.fromkeys(row))
        if len(names) > MAX_COLUMNS:
            names = dict.fromkeys(list(names)[:MAX_COLUMNS])
            break
    arrays, fields = [], []
    for name in names:
        array, metadata = column([row.get(name) for row in rows], known.get(name))
        arrays.append(array)
        fields.append(pa.field(clean(name), array.type, metadata=metadata))
    return pa.RecordBatch.from_arrays(arrays, schema=pa.schema(fields))


def column(values: list[Any], known: pa.Field | None = None) -> tuple[pa.Array, dict[bytes, bytes] | None]:
    """Return values as an array, and the metadata of its field."""
    if known is not None and (known.metadata or {}).get(b"meaning") == b"json":
        return as_json(values), JSON_FIELD
    nested = any(type(value) in (dict, list) for value in values)
    if nested and _is_wild(values, 0):
        return as_json(values), JSON_FIELD
    if known is not None and not pa.types.is_null(known.type):
        try:
            return pa.array(values, type=known.type), None
        except (pa.ArrowException, OverflowError, TypeError, ValueError):
            pass
    try:
        array = pa.array(values)
    except UnicodeEncodeError:
        return column(cleaned(values), known)
    except (pa.ArrowException, OverflowError, TypeError, ValueError):
        return as_json(values), JSON_FIELD
    if pa.types.is_string(array.type) and any("\0" in value for value in values if value):
        array = pa.array([value and clean(value) for value in values], pa.string())
    return array, None


def as_json(values: Sequence[Any]) -> pa.Array:
    """Return each value as JSON text; what is null stays null."""
    return pa.array([None if value is None else clean(json.dumps(value, ensure_ascii=False)) for value in values], pa.string())


def cleaned(value: Any) -> Any:
    """Return a value with every text in it fit to be kept."""
    match value:
        case str():
            return clean(value)
        case list():
            return [cleaned(item) for item in value]
        case dict():
            return {clean(key): cleaned(item) for key, item in value.items()}
    return value


def _is_wild(values: list[Any], depth: int) -> bool:
    """Say whether values are too deep or have too many keys, or an empty object, to be Arrow's structs."""
    if depth > MAX_DEPTH:
        return True
    keys: set[str] = set()
    items: list[Any] = []
    for value in values:
        if type(value) is dict:
            if not value:
                return True
            keys.update(value)
            if len(keys) > MAX_FIELDS:
                return True
            items += [item for item in value.values() if type(item) in (dict, list)]
        elif type(value) is list:
            items += [item for item in value if type(item) in (dict, list)]
    return bool(items) and _is_wild(items, depth + 1)

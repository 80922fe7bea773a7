"""Cells of Arrow tables as values that JSON can carry, short enough for a page.

None, true, 1, 1.5 and "text" stand for themselves. Whole numbers beyond 2^53 and numbers that are not finite are text. Else:
`{"text", "length"}` a text or a nested value that was shortened, `{"bytes", "length"}` the first bytes in hexadecimal,
`{"category", "value"}` the name behind a number, `{"media", "file", "size"}` a picture or a sound. `"cut": true` says that
the copy itself holds only the beginning.
"""

import json
import math
import struct
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import pyarrow as pa

SHOWN_TEXT = 1000
SHOWN_BYTES = 32
EXACT = 2**53
MEDIA = frozenset({"image", "audio", "video"})
Cell = Any


def short(scalar: Any, column: Mapping[str, Any], *, cut: bool = False, most: int = SHOWN_TEXT, indent: int | None = None) -> Cell:
    """Return one cell for a page; `cut` says that the copy holds only its beginning, `most` is how many characters are shown.

    Nested values are JSON, over many lines where `indent` says how far.
    """
    kind = column.get("kind")
    if kind in MEDIA:
        return _media(scalar, str(kind))
    if not scalar.is_valid:
        return None
    if pa.types.is_dictionary(scalar.type):
        scalar = scalar.value
    if kind == "category" and "names" in column and pa.types.is_integer(scalar.type):
        return _category(scalar.as_py(), column["names"])
    value = plain(scalar)
    if isinstance(value, bytes):
        shown: Cell = {"bytes": value[: min(most, SHOWN_BYTES)].hex(), "length": len(value)}
        return shown | {"cut": True} if cut else shown
    if isinstance(value, list | dict):
        value = json.dumps(value, ensure_ascii=False, indent=indent)
    if isinstance(value, str) and (len(value) > most or cut):
        return {"text": value[:most], "length": len(value)} | ({"cut": True} if cut else {})
    return value


def plain(scalar: Any) -> Any:
    """Return an Arrow scalar as None, bool, int, float, str, bytes, or lists and dicts of these (`bytes` only at the top)."""
    kind = scalar.type
    if not scalar.is_valid:
        return None
    if pa.types.is_temporal(kind):
        return moment(scalar)
    if pa.types.is_nested(kind) and not pa.types.is_map(kind) and not pa.types.is_union(kind):
        if pa.types.is_struct(kind):
            return {kind.field(index).name: _inner(plain(scalar[index])) for index in range(kind.num_fields)}
        return _items(scalar.values)
    if pa.types.is_floating(kind):
        return number(_shortest(scalar.as_py(), kind))
    try:
        value = scalar.as_py()
    except (ValueError, OverflowError, ImportError, pa.ArrowException):
        return str(scalar)
    if pa.types.is_decimal(kind) and kind.scale <= 0:
        value = int(value)
    return value if isinstance(value, bytes) else _inner(value)


def _items(values: Any) -> list[Any]:
    kind = values.type
    if pa.types.is_float32(kind):
        return [None if value is None else number(float(value)) for value in values.cast(pa.string()).to_pylist()]
    if pa.types.is_integer(kind) or pa.types.is_float64(kind) or pa.types.is_string(kind) or pa.types.is_boolean(kind):
        return [_inner(value) for value in values.to_pylist()]
    return [_inner(plain(value)) for value in values]


def _inner(value: Any) -> Any:
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    if isinstance(value, int):
        return value if -EXACT <= value <= EXACT else str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else number(value)
    if isinstance(value, bytes):
        return {"bytes": value[:SHOWN_BYTES].hex(), "length": len(value)}
    if isinstance(value, Mapping):
        return {str(key): _inner(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_inner(one) for one in value]
    return str(value)


def single(value: float, form: str = "f") -> float:
    """Return the shortest decimal that is the same number in four bytes, or with the form "e" in two: 3.2, not 3.200000047683716."""
    if not math.isfinite(value):
        return value
    for digits in range(1, 10):
        short = float(f"{value:.{digits}g}")
        with suppress(OverflowError):
            if struct.unpack(form, struct.pack(form, short))[0] == value:
                return short
    return value


def _shortest(value: float, kind: Any) -> float:
    return value if pa.types.is_float64(kind) else single(value, "f" if pa.types.is_float32(kind) else "e")


def number(value: float | int) -> float | int | str:
    """Return a number as JSON may carry it: text where it is not finite, or whole and beyond 2^53."""
    if isinstance(value, int):
        return value if -EXACT <= value <= EXACT else str(value)
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    return value


def moment(scalar: Any) -> str:
    """Return a date, time or timestamp in ISO 8601, whatever its year and unit; one with a zone in UTC; a duration in seconds."""
    kind = scalar.type
    if pa.types.is_duration(kind):
        per_second = {"s": 1, "ms": 1000, "us": 10**6, "ns": 10**9}[kind.unit]
        return f"{scalar.cast(pa.int64()).as_py() / per_second:g} s"
    if pa.types.is_interval(kind):
        return str(scalar)
    zone = ""
    if pa.types.is_timestamp(kind) and kind.tz is not None:
        scalar, zone = scalar.cast(pa.timestamp(kind.unit)), "Z"
    try:
        text: str = scalar.cast(pa.string()).as_py()
    except pa.ArrowException:
        return str(scalar)
    whole, _point, fraction = text.partition(".")
    fraction = fraction.rstrip("0")
    return whole.replace(" ", "T") + (f".{fraction}" if fraction else "") + zone


def _category(value: int, names: list[str]) -> Cell:
    if value == -1:
        return None
    return {"category": names[value] if 0 <= value < len(names) else str(value), "value": value}


def _media(scalar: Any, kind: str) -> Cell:
    if not scalar.is_valid:
        return None
    found = {name: scalar[name].as_py() for name in ("file", "size")}
    return {"media": kind, **found}

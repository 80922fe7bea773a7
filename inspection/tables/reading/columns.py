"""One set of columns for all the files of a split: types that hold everything, names that can be used, and what is shown of them."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from inspection.tables.reading.context import CUT, MAX_COLUMNS, clean
from inspection.tables.reading.values import as_json

ROW, SHOWN_CUT = "__row", "__cut"
MAX_NAME = 200
MEDIA = pa.struct([("file", pa.string()), ("start", pa.int64()), ("size", pa.int64()), ("bytes", pa.binary())])
IMAGE, AUDIO, VIDEO = b"image", b"audio", b"video"
_LARGE = {pa.large_string(): pa.string(), pa.large_binary(): pa.binary(), pa.string_view(): pa.string(), pa.binary_view(): pa.binary()}


class Clash(Exception):
    """No type of Arrow's holds both; the values stay as JSON text."""


def meaning(field: pa.Field) -> bytes:
    """Return what a column is beyond its type: json, image, audio, video, category or nothing."""
    found: bytes = (field.metadata or {}).get(b"meaning", b"")
    return found


def simple(kind: pa.DataType) -> pa.DataType:
    """Return the type that our copy has for a type of the source; raises `Clash` where there is none."""
    if kind in _LARGE:
        return _LARGE[kind]
    if pa.types.is_dictionary(kind) or pa.types.is_run_end_encoded(kind):
        return simple(kind.value_type)
    if isinstance(kind, pa.BaseExtensionType):
        return simple(kind.storage_type)
    if pa.types.is_struct(kind):
        fields = [kind.field(index) for index in range(kind.num_fields)]
        if not fields or len({field.name for field in fields}) < len(fields):
            raise Clash
        return pa.struct([pa.field(clean(field.name), simple(field.type)) for field in fields])
    if pa.types.is_map(kind):
        return pa.list_(pa.struct([("key", simple(kind.key_type)), ("value", simple(kind.item_type))]))
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind) or pa.types.is_list_view(kind):
        return pa.list_(pa.field("item", simple(kind.value_type)))
    if pa.types.is_fixed_size_binary(kind):
        return pa.binary()
    if pa.types.is_float16(kind):
        return pa.float32()
    if pa.types.is_date64(kind):
        return pa.date32()
    if pa.types.is_timestamp(kind):
        return pa.timestamp("us", kind.tz)
    if pa.types.is_time(kind):
        return pa.string()
    if pa.types.is_duration(kind) or pa.types.is_interval(kind):
        return pa.int64() if pa.types.is_duration(kind) else pa.string()
    if pa.types.is_decimal256(kind):
        return pa.string()
    if pa.types.is_union(kind) or pa.types.is_large_list_view(kind):
        raise Clash
    return kind


def wider(one: pa.DataType, other: pa.DataType) -> pa.DataType:
    """Return the type that holds the values of both. Raises `Clash`."""
    if one.equals(other) or pa.types.is_null(other):
        return one
    if pa.types.is_null(one):
        return other
    if pa.types.is_integer(one) and pa.types.is_integer(other):
        signed, unsigned = sorted((one, other), key=lambda kind: pa.types.is_unsigned_integer(kind))
        if pa.types.is_signed_integer(signed) and pa.types.is_unsigned_integer(unsigned):
            return pa.int64() if unsigned.bit_width < 64 else pa.float64()
        return one if one.bit_width >= other.bit_width else other
    numbers = [kind for kind in (one, other) if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)]
    if len(numbers) == 2:
        return pa.float64()
    times = [kind for kind in (one, other) if pa.types.is_timestamp(kind) or pa.types.is_date(kind)]
    if len(times) == 2:
        zone = next((kind.tz for kind in times if pa.types.is_timestamp(kind) and kind.tz), None)
        return pa.timestamp("us", zone)
    if pa.types.is_list(one) and pa.types.is_list(other):
        return pa.list_(pa.field("item", wider(one.value_type, other.value_type)))
    if pa.types.is_struct(one) and pa.types.is_struct(other):
        fields = {one.field(index).name: one.field(index).type for index in range(one.num_fields)}
        for index in range(other.num_fields):
            field = other.field(index)
            fields[field.name] = wider(fields[field.name], field.type) if field.name in fields else field.type
        return pa.struct(list(fields.items()))
    raise Clash


class Columns:
    """The columns of a split as they are known so far, by their names in the files.

    Where files disagree about a column, its values become JSON text; plain text where `as_text` says that they are nothing else, and for
    flat values of files that have types of their own (`typed`).
    """

    def __init__(self, *, as_text: bool = False, typed: bool = False) -> None:
        self.fields: dict[str, pa.Field] = {}
        self.dropped: set[str] = set()
        self._text, self._typed = as_text, typed

    def fit(self, schema: pa.Schema) -> tuple[bool, bool]:
        """Widen the columns to hold `schema`, and say whether anything changed, and whether a typed column became text.

        What text a value was written as is not known any more once it has a type.
        """
        changed = untyped = False
        for field in schema:
            if field.name == CUT:
                continue
            known = self.fields.get(field.name)
            if known is None and len(self.fields) >= MAX_COLUMNS:
                self.dropped.add(field.name[:MAX_NAME])
                continue
            found = self._merged(known, field)
            if known is None or not found.equals(known, check_metadata=True):
                self.fields[field.name] = found
                changed = True
                if known is not None and not pa.types.is_null(known.type) and pa.types.is_string(found.type):
                    untyped = True
        return changed, untyped and not self._typed

    def _merged(self, known: pa.Field | None, field: pa.Field) -> pa.Field:
        try:
            new = pa.field(field.name, MEDIA if meaning(field) in (IMAGE, AUDIO, VIDEO) else simple(field.type), metadata=field.metadata)
            if known is None or pa.types.is_null(known.type):
                return new
            if pa.types.is_null(new.type):
                return known
            if meaning(known) == b"json":
                return known
            kind = wider(known.type, new.type)
            same = (known.metadata or {}) == (new.metadata or {})
            return known if same and kind.equals(known.type) else pa.field(field.name, kind, metadata=known.metadata if same else None)
        except Clash:
            flat = known is not None and not pa.types.is_nested(known.type) and not pa.types.is_nested(field.type)
            if self._text or (flat and self._typed):
                return pa.field(field.name, pa.string())
            return pa.field(field.name, pa.string(), metadata={b"meaning": b"json"})

    def cast(self, batch: pa.RecordBatch) -> tuple[list[pa.Array], pa.Array | None]:
        """Return the columns of a batch in the types that are known, and its `__cut`."""
        arrays = []
        places = {name: index for index, name in enumerate(batch.schema.names)}
        for name, field in self.fields.items():
            if name in places:
                arrays.append(self._array(batch.column(places[name]), batch.schema.field(places[name]), field))
            else:
                arrays.append(pa.nulls(batch.num_rows, _stored(field.type)))
        return arrays, batch.column(places[CUT]) if CUT in places else None

    def _array(self, array: pa.Array, source: pa.Field, field: pa.Field) -> pa.Array:
        kind = _stored(field.type)
        if meaning(field) == b"json" and meaning(source) != b"json":
            return as_json(array.to_pylist()) if not pa.types.is_binary(array.type) else pa.nulls(len(array), kind)
        return converted(array, kind)

    def schema(self) -> pa.Schema:
        """Return the schema of the copy: usable names, the number of the row, and what was cut in it."""
        names = usable(list(self.fields))
        fields = [pa.field(names[index], _stored(field.type)) for index, field in enumerate(self.fields.values())]
        return pa.schema([*fields, pa.field(ROW, pa.int64()), pa.field(SHOWN_CUT, pa.list_(pa.string()))])

    def described(self) -> list[dict[str, Any]]:
        """Return what is said of the columns: name, type, kind, the name in the files where it differs, names of categories."""
        names = usable(list(self.fields))
        result = []
        for name, field in zip(names, self.fields.values(), strict=True):
            kind, shown = kind_of(field)
            entry: dict[str, Any] = {"name": name, "type": shown[:MAX_NAME], "kind": kind}
            if name != field.name:
                entry["source"] = clean(field.name[:MAX_NAME])
            if kind == "category":
                entry["names"] = json.loads(field.metadata[b"names"])
            result.append(entry)
        return result


def _stored(kind: pa.DataType) -> pa.DataType:
    """Return a type with text in place of null, which has no place in Parquet."""
    if pa.types.is_null(kind):
        return pa.string()
    if pa.types.is_list(kind):
        return pa.list_(pa.field("item", _stored(kind.value_type)))
    if pa.types.is_struct(kind):
        return pa.struct([(kind.field(index).name, _stored(kind.field(index).type)) for index in range(kind.num_fields)])
    return kind


def converted(array: pa.Array, kind: pa.DataType) -> pa.Array:
    """Return an array in another type; values that it cannot hold become null."""
    if array.type.equals(kind):
        return array
    if isinstance(array.type, pa.BaseExtensionType):
        return converted(array.storage, kind)
    if pa.types.is_dictionary(array.type):
        return converted(array.dictionary_decode(), kind)
    if pa.types.is_map(array.type):
        entries = pa.StructArray.from_arrays([array.keys, array.items], names=["key", "value"])
        return converted(pa.ListArray.from_arrays(_offsets(array), entries), kind)
    if pa.types.is_struct(kind) and pa.types.is_struct(array.type):
        there = {array.type.field(index).name: index for index in range(array.type.num_fields)}
        fields = [kind.field(index) for index in range(kind.num_fields)]
        children = [
            converted(pc.struct_field(array, [there[field.name]]), field.type) if field.name in there else pa.nulls(len(array), field.type)
            for field in fields
        ]
        return pa.StructArray.from_arrays(children, fields=fields, mask=array.is_null())
    if pa.types.is_list(kind) and pa.types.is_list(array.type):
        return pa.ListArray.from_arrays(_offsets(array), converted(array.values, kind.value_type), type=kind)
    try:
        return array.cast(kind, safe=False)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return _one_by_one(array, kind)


def _offsets(array: pa.Array) -> pa.Array:
    """Return where the items of each row begin; null where the row is."""
    if not array.null_count:
        return array.offsets
    starts = array.offsets
    nulls = pa.concat_arrays([array.is_null(), pa.array([False])])
    return pc.if_else(nulls, pa.scalar(None, pa.int32()), starts)


def _one_by_one(array: pa.Array, kind: pa.DataType) -> pa.Array:
    values: list[Any] = []
    for value in array:
        try:
            plain = value.as_py()
            text = pa.types.is_string(kind) and plain is not None and not isinstance(plain, str)
            values.append(pa.scalar(_text(plain) if text else plain, kind))
        except (pa.ArrowException, ValueError, TypeError, OverflowError):
            values.append(pa.scalar(None, kind))
    return pa.array([value.as_py() for value in values], kind)


def _text(value: Any) -> str:
    return clean(value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value))


def usable(names: Sequence[str]) -> list[str]:
    """Return names that are not empty, not too long, not ours, and differ also where case does not count."""
    result, taken = [], {ROW, SHOWN_CUT}
    for index, name in enumerate(names):
        base = clean(name)[:MAX_NAME].strip() or f"column_{index + 1}"
        if base.startswith("__"):
            base = base.strip("_") or f"column_{index + 1}"
        found, count = base, 1
        while found.casefold() in taken:
            count += 1
            found = f"{base}_{count}"
        taken.add(found.casefold())
        result.append(found)
    return result


def kind_of(field: pa.Field) -> tuple[str, str]:
    """Return the kind of a column and its type as people read it."""
    special = meaning(field).decode()
    if special:
        return special, special
    kind = field.type
    shown = _shown(kind)
    if pa.types.is_boolean(kind):
        return "boolean", shown
    if pa.types.is_integer(kind):
        return "integer", shown
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return "number", shown
    if pa.types.is_temporal(kind):
        return "time", shown
    if pa.types.is_binary(kind):
        return "bytes", shown
    if pa.types.is_list(kind):
        return "list", shown
    return ("struct" if pa.types.is_struct(kind) else "text"), shown


def _shown(kind: pa.DataType) -> str:
    if pa.types.is_list(kind):
        return f"list<{_shown(kind.value_type)}>"
    if pa.types.is_struct(kind):
        return f"struct<{', '.join(f'{kind.field(i).name}: {_shown(kind.field(i).type)}' for i in range(min(kind.num_fields, 20)))}>"
    names = {"double": "float64", "float": "float32", "date32[day]": "date"}
    return names.get(str(kind), str(kind))


def category(names: Sequence[Any]) -> Mapping[bytes, bytes]:
    """Return the metadata of a column of whole numbers that stand for these names."""
    return {b"meaning": b"category", b"names": json.dumps([clean(str(name))[:MAX_NAME] for name in names]).encode()}

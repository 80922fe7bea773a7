"""What columns are said to be beyond their types: by Parquet's and Arrow's own metadata, or by the front matter of the card."""

import json
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from inspection.tables.reading.columns import MEDIA, category

MAX_NAMES = 10_000
_MEDIA = {"image": b"image", "audio": b"audio", "video": b"video"}


def of_schema(schema: pa.Schema) -> dict[str, Mapping[bytes, bytes]]:
    """Return the metadata of our fields by column, from the `huggingface` entry of a schema."""
    try:
        features = json.loads((schema.metadata or {})[b"huggingface"])["info"]["features"]
    except (KeyError, TypeError, ValueError, RecursionError):
        return {}
    found: dict[str, Mapping[bytes, bytes]] = {}
    for name, feature in features.items() if isinstance(features, dict) else ():
        if isinstance(feature, dict):
            kind = str(feature.get("_type", ""))
            if kind == "ClassLabel" and (names := _names(feature.get("names"))):
                found[name] = category(names)
            elif kind.lower() in _MEDIA:
                found[name] = {b"meaning": _MEDIA[kind.lower()]}
    return found


def of_card(features: Any) -> dict[str, Mapping[bytes, bytes]]:
    """Return the same from `features` of `dataset_info` in the front matter: a list of names with their dtype."""
    found: dict[str, Mapping[bytes, bytes]] = {}
    for feature in features[:2000] if isinstance(features, list) else ():
        if not isinstance(feature, dict) or not isinstance(feature.get("name"), str):
            continue
        kind = feature.get("dtype")
        if isinstance(kind, dict) and isinstance(kind.get("class_label"), dict):
            if names := _names(kind["class_label"].get("names")):
                found[feature["name"]] = category(names)
        elif isinstance(kind, str) and kind in _MEDIA:
            found[feature["name"]] = {b"meaning": _MEDIA[kind]}
    return found


def _names(given: Any) -> list[Any]:
    if isinstance(given, dict):
        try:
            given = [given[key] for key in sorted(given, key=int)]
        except (TypeError, ValueError):
            return []
    return given[:MAX_NAMES] if isinstance(given, list) else []


def applied(batch: pa.RecordBatch, said: Mapping[str, Mapping[bytes, bytes]]) -> pa.RecordBatch:
    """Return a batch whose columns are marked as what they are said to be, where their types allow it."""
    arrays, fields = [], []
    for name, array, field in zip(batch.schema.names, batch.columns, batch.schema, strict=True):
        metadata = said.get(name)
        if metadata is None:
            arrays.append(array)
            fields.append(field)
        elif metadata[b"meaning"] == b"category":
            fits = pa.types.is_integer(array.type)
            arrays.append(array)
            fields.append(pa.field(name, array.type, metadata=metadata if fits else field.metadata))
        else:
            media = as_media(array)
            arrays.append(array if media is None else media)
            fields.append(field if media is None else pa.field(name, MEDIA, metadata=metadata))
    return pa.RecordBatch.from_arrays(arrays, schema=pa.schema(fields))


def as_media(array: pa.Array) -> pa.Array | None:
    """Return embedded images or recordings (bytes, or a struct of bytes and path) as media cells; None for other columns."""
    if pa.types.is_struct(array.type):
        names = {array.type.field(index).name: index for index in range(array.type.num_fields)}
        if "bytes" not in names:
            return None
        missing = array.is_null()
        data = pc.struct_field(array, [names["bytes"]])
    else:
        data, missing = array, array.is_null()
    if pa.types.is_null(data.type):
        data = data.cast(pa.binary())
    if not (pa.types.is_binary(data.type) or pa.types.is_large_binary(data.type)):
        return None
    data = data.cast(pa.binary())
    sizes = pc.binary_length(data).cast(pa.int64())
    nothing = [pa.nulls(len(array), pa.string()), pa.nulls(len(array), pa.int64())]
    return pa.StructArray.from_arrays([*nothing, sizes, data], fields=list(MEDIA), mask=missing)

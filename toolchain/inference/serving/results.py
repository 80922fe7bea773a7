"""What a model returns, as bytes for the answer: JSON, or a file as it is."""

import base64
import dataclasses
import datetime
import decimal
import enum
import io
import json
import math
import uuid
from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import Any

# What files begin with, and what they are.
_BEGINNINGS = (
    (b"\x89PNG\r\n\x1a\n", "image/png"), (b"\xff\xd8\xff", "image/jpeg"), (b"GIF8", "image/gif"), (b"BM", "image/bmp"),
    (b"%PDF-", "application/pdf"), (b"PK\x03\x04", "application/zip"), (b"fLaC", "audio/flac"), (b"OggS", "audio/ogg"),
    (b"ID3", "audio/mpeg"), (b"\xff\xfb", "audio/mpeg"), (b"\x1a\x45\xdf\xa3", "video/webm"),
)  # fmt: skip
_MOST_DEPTH = 200


class ResultError(Exception):
    """A model returned what cannot be sent."""


def is_stream(value: object) -> bool:
    """Say whether the model answers piece by piece: it returned a generator or another iterator that is no file."""
    return isinstance(value, Iterator) and not isinstance(value, io.IOBase)


def binary(value: object) -> tuple[bytes, str] | None:
    """Return a file that a model returned with its media type: bytes, an image of Pillow, an open file; None for anything else."""
    if isinstance(value, io.IOBase):
        value = value.read()
        value = value.encode() if isinstance(value, str) else value
    if isinstance(value, bytes | bytearray | memoryview):
        data = bytes(value)
        return data, _media_type(data)
    if hasattr(value, "save") and hasattr(value, "mode") and hasattr(value, "getbands"):
        return _png(value), "image/png"
    return None


def _media_type(data: bytes) -> str:
    if data[:4] == b"RIFF":
        return {b"WAVE": "audio/wav", b"WEBP": "image/webp"}.get(data[8:12], "application/octet-stream")
    if data[4:8] == b"ftyp":
        return "video/mp4"
    return next((kind for start, kind in _BEGINNINGS if data.startswith(start)), "application/octet-stream")


def _png(image: Any) -> bytes:
    out = io.BytesIO()
    if image.mode not in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"):
        image = image.convert("RGB")
    image.save(out, "PNG")
    return out.getvalue()


def to_json(value: object) -> bytes:
    """Return a value as JSON in UTF-8. NaN and infinities become null. Raises `ResultError` for what has no JSON.

    Beside what JSON knows: scalars, arrays and tensors of numpy, torch and their like; sets, tuples, dataclasses, enumerations,
    dates, paths, decimals. Bytes and images inside become objects with `content_type` and `data` in base64.
    """
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        # Plain values are the rule, and checking each first would cost more than trying.
        text = json.dumps(plain(value, "", 0), ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8", "backslashreplace")


def plain(value: Any, where: str, depth: int) -> Any:
    """Return a value made of dict, list, str, int, float, bool and None alone."""
    if depth > _MOST_DEPTH:
        raise ResultError("The result is nested too deeply, or holds itself.")
    if value is None or isinstance(value, bool | str):
        return str(value) if isinstance(value, str) else value
    if isinstance(value, enum.Enum):
        return plain(value.value, where, depth + 1)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {_key(key, where): plain(each, f"{where}.{key}", depth + 1) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset | range):
        if hasattr(value, "_asdict"):
            return plain(value._asdict(), where, depth + 1)
        return [plain(each, f"{where}[{index}]", depth + 1) for index, each in enumerate(value)]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name), f"{where}.{field.name}", depth + 1) for field in dataclasses.fields(value)}
    return _other(value, where, depth)


def _key(key: Any, where: str) -> str:
    if isinstance(key, enum.Enum):
        key = key.value
    if hasattr(key, "item") and not isinstance(key, str):
        key = key.item()
    if key is None or isinstance(key, str | int | float | bool):
        return key if isinstance(key, str) else json.dumps(key)
    raise ResultError(f"The result has a key of type {type(key).__name__} at {where or 'its top'}. Keys must be text.")


def _other(value: Any, where: str, depth: int) -> Any:
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, PurePath | uuid.UUID | decimal.Decimal | datetime.timedelta):
        return str(value)
    if (file := binary(value)) is not None:
        return {"content_type": file[1], "data": base64.b64encode(file[0]).decode("ascii")}
    if hasattr(value, "detach"):
        value = value.detach()
    if hasattr(value, "tolist"):
        # Types without an equal in numpy, such as bfloat16, are known to torch's own tolist.
        return plain(value.tolist(), where, depth + 1)
    if hasattr(value, "to_dict"):
        return plain(value.to_dict(), where, depth + 1)
    raise ResultError(
        f"The result holds {type(value).__name__} at {where or 'its top'}, which has no JSON. Return lists, text and numbers."
    )

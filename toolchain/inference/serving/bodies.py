"""The body of a request as what a custom model is called with: inputs and parameters."""

import json
import re
from typing import Any

ENVELOPE = ("inputs", "parameters")
_MOST_PARTS = 200
_FIELD = re.compile(rb';[ \t]*(name|filename)="((?:[^"\\\r\n]|\\.)*)"', re.IGNORECASE)
_BOUNDARY = re.compile(r'boundary=(?:"([^"]{1,70})"|([^;,\s]{1,70}))', re.IGNORECASE)


class BodyError(Exception):
    """A body that cannot be read; `param` is the part of it that is at fault."""

    def __init__(self, status: int, code: str, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.param = status, code, param


class Upload(bytes):
    """The bytes of an uploaded file, with the name and the media type that the request gave it."""

    name: str = ""
    content_type: str = ""


def upload(data: bytes, content_type: str, name: str = "") -> Upload:
    """Return bytes as an uploaded file."""
    made = Upload(data)
    made.name, made.content_type = name, content_type
    return made


def read(content_type: str, query: list[tuple[str, str]], body: bytes) -> tuple[Any, dict[str, Any]]:
    """Return inputs and parameters. Parameters of the address count too, below those of the body. Raises `BodyError`.

    JSON: an object with `inputs` is an envelope with `parameters` beside it, anything else is the inputs. A form with files: see `_form`.
    Any other media type: the body is a file.
    """
    kind = content_type.split(";")[0].strip().lower()
    given = {name: _value(text) for name, text in query}
    if kind == "application/json" or kind.endswith("+json"):
        inputs, parameters = _json(body)
    elif kind == "multipart/form-data":
        inputs, parameters = _form(content_type, body)
    elif kind == "application/x-www-form-urlencoded":
        raise BodyError(415, "media_type", "Send JSON with the header Content-Type: application/json, or a file with its own type.")
    elif not kind:
        raise BodyError(415, "media_type", "Say what the body is in the header Content-Type: application/json, or the type of the file.")
    else:
        inputs, parameters = upload(body, kind), {}
    return inputs, given | parameters


def _parsed(text: bytes, what: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        where = f" ({error.msg}, line {error.lineno}, character {error.colno})" if isinstance(error, json.JSONDecodeError) else ""
        raise BodyError(400, "json_invalid", f"{what} is not JSON{where}.") from error


def _json(body: bytes) -> tuple[Any, dict[str, Any]]:
    value = _parsed(body, "The body")
    if not isinstance(value, dict) or "inputs" not in value:
        return value, {}
    for key in value:
        if key not in ENVELOPE:
            raise BodyError(400, "key_unknown", f"“{key}” stands beside “inputs”. Put it into “parameters”.", key)
    return value["inputs"], _parameters(value.get("parameters"))


def _parameters(value: Any) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BodyError(400, "parameters_invalid", "“parameters” must be an object.", "parameters")
    return value


def _value(text: str) -> Any:
    """Return a parameter that came as text: as JSON where it is a number, true, false, null, a list or an object."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _form(content_type: str, body: bytes) -> tuple[Any, dict[str, Any]]:
    """Return what a form says: one file alone is the inputs; several, or one beside a field `inputs`, are an object by field.

    Fields without a file name are parameters, except `inputs` (JSON, or text) and `parameters` (a JSON object).
    """
    files: dict[str, list[Upload]] = {}
    parameters: dict[str, Any] = {}
    more: dict[str, Any] = {}
    inputs: Any = None
    told = False
    for field, name, kind, data in _parts(content_type, body):
        if name is not None:
            files.setdefault(field, []).append(upload(data, kind, name))
        elif field == "inputs":
            inputs, told = _value(data.decode("utf-8", "replace")), True
        elif field == "parameters":
            more = _parameters(_parsed(data, "“parameters”"))
        else:
            parameters[field] = _value(data.decode("utf-8", "replace"))
    parameters |= more
    found = {field: each[0] if len(each) == 1 else each for field, each in files.items()}
    if not told:
        if not found:
            raise BodyError(400, "inputs_missing", "The form has no file and no field “inputs”.", "inputs")
        only = next(iter(found.values()))
        return (only if len(found) == 1 else found), parameters
    if not found:
        return inputs, parameters
    if not isinstance(inputs, dict):
        raise BodyError(400, "inputs_invalid", "Beside files, “inputs” must be an object.", "inputs")
    return inputs | found, parameters


def _parts(content_type: str, body: bytes) -> list[tuple[str, str | None, str, bytes]]:
    """Return the parts of a form (RFC 7578): field, name of the file or None, media type, bytes."""
    found = _BOUNDARY.search(content_type)
    if found is None:
        raise BodyError(400, "form_invalid", "The header Content-Type of the form names no boundary.")
    boundary = b"--" + (found[1] or found[2]).encode("latin-1", "replace")
    # Each boundary but the first follows a line break, which belongs to it.
    pieces = (b"\r\n" + body).split(b"\r\n" + boundary)
    if len(pieces) < 2 or not pieces[-1].startswith(b"--"):
        raise BodyError(400, "form_invalid", "The form is cut off, or its boundary is not the one of its header.")
    if len(pieces) > _MOST_PARTS:
        raise BodyError(400, "form_invalid", f"The form has more than {_MOST_PARTS - 2} parts.")
    parts = []
    for piece in pieces[1:-1]:
        head, separator, data = piece.lstrip(b" \t").removeprefix(b"\r\n").partition(b"\r\n\r\n")
        named = {key.lower(): _unquoted(text) for line in _lines(head, b"content-disposition") for key, text in _FIELD.findall(line)}
        if not separator or b"name" not in named:
            raise BodyError(400, "form_invalid", "A part of the form has no name.")
        kind = next((line.decode("latin-1").strip() for line in _lines(head, b"content-type")), "application/octet-stream")
        parts.append((named[b"name"], named.get(b"filename"), kind, data))
    return parts


def _lines(head: bytes, name: bytes) -> list[bytes]:
    return [text for line in head.split(b"\r\n") for key, _, text in (line.partition(b":"),) if key.strip().lower() == name]


def _unquoted(text: bytes) -> str:
    return re.sub(rb"\\(.)", rb"\1", text).replace(b"%22", b'"').decode("utf-8", "replace")

"""`train_params.json`: the training methods and their hyperparameters, section 14.2 of the specification.

A default is judged by the type of its JSON value: `"1"` is no int, `true` is no int, `1.0` is no int, `1` is a float.
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from inspection.files import File
from toolchain.validator import positions
from toolchain.validator.findings import SHOWN, Notes, shown
from toolchain.validator.positions import Kind, Value
from toolchain.validator.texts import KIB, nearest, read_text

MAX_PARAMS = 256 * KIB
MAX_HELP = 20
NAME = re.compile(r"[A-Za-z0-9_]+")
DEFAULTS: Mapping[str, tuple[Kind, ...]] = {"float": ("float", "int"), "int": ("int",), "str": ("text",), "bool": ("flag",)}
HYPERPARAMETER = ("name", "type", "required", "default", "help")
_KINDS: Mapping[Kind, str] = {
    "object": "not_an_object", "list": "not_a_list", "text": "not_text", "flag": "not_a_flag"
}  # fmt: skip


def check(file: File, notes: Notes) -> None:
    """Add everything that is wrong with `train_params.json` to `notes`, each thing at its line."""
    text = read_text(file, MAX_PARAMS, notes)
    if text is None:
        return
    if text.startswith("\ufeff"):
        notes.warn("json_byte_order_mark", 1)
        text = text[1:]
    try:
        document = positions.read(text)
    except positions.Broken as error:
        notes.error(error.code, error.line, column=error.column, **error.facts)
        return
    for key, line in document.repeated:
        notes.error("key_repeated", line, key=shown(key))
    if not _is(document.root, "object", "", notes):
        return
    _unknown(document.root, ("training_methods",), "", notes)
    methods = _required(document.root, "training_methods", "list", "", notes)
    if methods is None:
        return
    if not methods.value:
        notes.error("methods_empty", methods.line)
    names = _Names("method_name_repeated", notes)
    for number, method in enumerate(methods.value):
        _method(method, f"training_methods[{number}]", names, notes)


class _Names:
    """Names that must differ; the second of two is the one to mend."""

    def __init__(self, code: str, notes: Notes) -> None:
        self.code, self.notes = code, notes
        self.lines: dict[str, int] = {}

    def add(self, name: str, line: int) -> None:
        if name in self.lines:
            self.notes.error(self.code, line, name=shown(name), first=self.lines[name])
        self.lines.setdefault(name, line)


def _method(method: Value, where: str, names: _Names, notes: Notes) -> None:
    if not _is(method, "object", where, notes):
        return
    _unknown(method, ("name", "hyperparameters"), where, notes)
    name = _required(method, "name", "text", where, notes)
    if name is not None:
        if name.value.strip():
            names.add(name.value.strip(), name.line)
        else:
            notes.error("method_name_empty", name.line)
    parameters = _required(method, "hyperparameters", "list", where, notes)
    if parameters is None:
        return
    known = _Names("parameter_name_repeated", notes)
    for number, parameter in enumerate(parameters.value):
        _parameter(parameter, f"{where}.hyperparameters[{number}]", known, notes)


def _parameter(parameter: Value, where: str, names: _Names, notes: Notes) -> None:
    if not _is(parameter, "object", where, notes):
        return
    _unknown(parameter, HYPERPARAMETER, where, notes)
    name = _required(parameter, "name", "text", where, notes)
    if name is not None:
        if NAME.fullmatch(name.value):
            names.add(name.value, name.line)
        else:
            notes.error("parameter_name", name.line, name=shown(name.value))
    kind = _required(parameter, "type", "text", where, notes)
    if kind is not None and kind.value not in DEFAULTS:
        notes.error("type_unknown", kind.line, type=shown(kind.value))
        kind = None
    _required(parameter, "required", "flag", where, notes)
    default = _member(parameter, "default", where, notes)
    if default is not None and kind is not None:
        _default(default, kind.value, notes)
    help_text = _required(parameter, "help", "text", where, notes)
    if help_text is not None and len(help_text.value) > MAX_HELP:
        notes.error("help_too_long", help_text.line, length=len(help_text.value), limit=MAX_HELP)


def _default(default: Value, kind: str, notes: Notes) -> None:
    if default.kind in DEFAULTS[kind] or (default.kind == "text" and default.value == ""):
        return
    notes.error("default_type", default.line, type=kind, value=_spelt(default))


_SPELLINGS: Mapping[Kind, Callable[[Any], str]] = {
    "object": lambda value: "{…}", "list": lambda value: "[…]", "text": lambda value: json.dumps(value[:SHOWN], ensure_ascii=False), "null": lambda value: "null",
    "flag": lambda value: "true" if value else "false", "int": lambda value: shown(value), "float": lambda value: shown(value),
}  # fmt: skip


def _spelt(value: Value) -> str:
    return _SPELLINGS[value.kind](value.value)


def _member(parent: Value, key: str, where: str, notes: Notes) -> Value | None:
    """Return a member of an object, or None with a finding that it is missing."""
    found: Value | None = parent.value.get(key)
    if found is None:
        notes.error("key_missing", parent.line, key=key, where=where, similar=nearest(key, list(parent.value)))
    return found


def _required(parent: Value, key: str, kind: Kind, where: str, notes: Notes) -> Value | None:
    """Return a member of the right kind, or None with a finding."""
    found = _member(parent, key, where, notes)
    if found is None or not _is(found, kind, f"{where}.{key}".lstrip("."), notes):
        return None
    return found


def _is(value: Value, kind: Kind, where: str, notes: Notes) -> bool:
    if value.kind != kind:
        notes.error(_KINDS[kind], value.line, key=where)
    return value.kind == kind


def _unknown(parent: Value, known: tuple[str, ...], where: str, notes: Notes) -> None:
    for key in parent.value:
        if key not in known and not nearest(key, [name for name in known if name not in parent.value]):
            notes.warn("key_unknown", parent.keys[key], key=shown(key), where=where)

"""Training methods and their hyperparameters: what `train_params.json` offers, and what somebody chose of it.

Section 14.2 of the specification says how the file is made; the validator says whether it is. Values travel as text, which is what
scripts find in `ENV_AG_USER_PARAMS`.
"""

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from inspection.files import in_memory
from toolchain.validator import positions
from toolchain.validator.findings import Finding, Notes
from toolchain.validator.params import check
from toolchain.validator.positions import Value

KIND_NAMES: Mapping[str, Any] = {
    "float": gettext_lazy("number"),
    "int": gettext_lazy("whole number"),
    "str": gettext_lazy("text"),
    "bool": gettext_lazy("true or false"),
}
LONGEST = 2000
MOST_BYTES = 100_000
"""Of all values together: a process takes no longer variable of its environment than 128 KiB."""
_INT = re.compile(r"[+-]?[0-9]{1,19}")
_FLOAT = re.compile(r"[+-]?(?:[0-9]{1,40}(?:\.[0-9]{0,40})?|\.[0-9]{1,40})(?:[eE][+-]?[0-9]{1,4})?")
_FLAGS = {"true": "true", "false": "false"}


class BadParams(Exception):
    """A `train_params.json` that breaks the specification; `finding` is the first thing to mend."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.code)
        self.finding = finding


@dataclass(frozen=True)
class Parameter:
    """A hyperparameter: `default` is text, empty for none; one that is not `required` may be left out.

    `choices` are the values to choose from, where only these count.
    """

    name: str
    kind: str
    required: bool
    default: str
    help: str
    choices: tuple[str, ...] = ()

    @property
    def kind_name(self) -> str:
        return str(KIND_NAMES[self.kind])

    def checked(self, value: str) -> str:
        """Return `value` as it is handed over. Raises `ValueError` with a sentence where it is not of this kind."""
        text = value if self.kind == "str" else value.strip()
        if not text.strip():
            raise ValueError(_("Give it a value."))
        if len(text) > LONGEST or "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
            raise ValueError(_("Use at most %(most)s characters, none of them a null byte.") % {"most": LONGEST})
        return _CHECKS[self.kind](text)


@dataclass(frozen=True)
class Method:
    """A way of training, by its name in the file."""

    name: str
    parameters: tuple[Parameter, ...]

    @property
    def defaults(self) -> dict[str, str]:
        """The value of each parameter at the start; empty where it has to be filled."""
        return {parameter.name: parameter.default for parameter in self.parameters}

    def checked(self, values: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
        """Return the values to hand over, in the order of the file, and the sentences about those that are not valid, by name.

        Parameters that are absent or empty are left out, which only those may be that are not required.
        """
        good: dict[str, str] = {}
        bad: dict[str, str] = {}
        for parameter in self.parameters:
            if parameter.name not in values or not values[parameter.name].strip():
                if parameter.required:
                    bad[parameter.name] = _("Give it a value.")
                continue
            try:
                good[parameter.name] = parameter.checked(values[parameter.name])
            except ValueError as error:
                bad[parameter.name] = str(error)
        for name in values.keys() - {parameter.name for parameter in self.parameters}:
            bad[name] = _("The training method has no such hyperparameter.")
        if not bad and len(json.dumps(good)) > MOST_BYTES:
            bad[max(good, key=lambda name: len(good[name]))] = _("All values together are too long. Shorten this one.")
        return good, bad


def methods_of(path: str, data: bytes) -> tuple[Method, ...]:
    """Return the methods that a `train_params.json` offers, read as the validator reads it. Raises `BadParams`."""
    notes = Notes(path, "training")
    check(in_memory(path, data), notes)
    if errors := [finding for finding in notes.found if finding.severity == "error"]:
        raise BadParams(errors[0])
    root = positions.read(data.decode().removeprefix("\ufeff")).root
    return tuple(_method(method.value) for method in root.value["training_methods"].value)


def method_named(methods: Sequence[Method], name: str) -> Method | None:
    """Return the method of this name, None where there is none."""
    return next((method for method in methods if method.name == name), None)


def _method(found: Mapping[str, Value]) -> Method:
    return Method(found["name"].value.strip(), tuple(_parameter(each.value) for each in found["hyperparameters"].value))


def _parameter(found: Mapping[str, Value]) -> Parameter:
    kind = found["type"].value
    return Parameter(found["name"].value, kind, found["required"].value, _written(found["default"]), " ".join(found["help"].value.split()))


def _written(default: Value) -> str:
    if default.kind == "flag":
        return "true" if default.value else "false"
    return str(default.value)


def _whole(text: str) -> str:
    if not _INT.fullmatch(text) or abs(int(text)) >= 2**63:
        raise ValueError(_("Enter a whole number such as 32."))
    return text


def _real(text: str) -> str:
    if not _FLOAT.fullmatch(text) or not math.isfinite(float(text)):
        raise ValueError(_("Enter a number such as 0.001 or 1e-4."))
    return text


def _flag(text: str) -> str:
    if text.lower() not in _FLAGS:
        raise ValueError(_("Choose true or false."))
    return _FLAGS[text.lower()]


_CHECKS: Mapping[str, Callable[[str], str]] = {"int": _whole, "float": _real, "bool": _flag, "str": str}

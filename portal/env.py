"""Reads the environment strictly, and remembers every name for the configuration reference.

`portal/settings.py` is the only caller. A malformed value stops the start with the variable's name.
Any value may come from a file instead: `NAME_FILE=/run/secrets/name`.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from django.core.exceptions import ImproperlyConfigured

T = TypeVar("T")
TRUE = {"1", "true", "yes", "on"}
FALSE = {"0", "false", "no", "off"}


@dataclass(frozen=True)
class Variable:
    """One documented environment variable."""

    name: str
    default: str
    help: str


VARIABLES: dict[str, Variable] = {}
"""Every variable, in the order of `portal/settings.py`."""


def raw(name: str) -> str | None:
    """Return the stripped value of `name`, or the stripped content of the file that `NAME_FILE` points to."""
    value = os.environ.get(name, "").strip()
    if path := os.environ.get(f"{name}_FILE"):
        if value:
            raise ImproperlyConfigured(f"{name}: is set twice, here and by {name}_FILE. Keep one of them.")
        try:
            return Path(path).read_text().strip()
        except OSError as error:
            raise ImproperlyConfigured(f"{name}_FILE: cannot read {path} ({error.strerror}).") from error
        except UnicodeDecodeError as error:
            raise ImproperlyConfigured(f"{name}_FILE: {path} is not text.") from error
    return value or None


def _read(name: str, default: T, help: str, parse: Callable[[str], T], shown: str | None = None) -> T:
    VARIABLES[name] = Variable(name, str(default) if shown is None else shown, help)
    value = raw(name)
    if value is None:
        return default
    try:
        return parse(value)
    except ValueError as error:
        raise ImproperlyConfigured(f"{name}: {error}") from error


def text(name: str, default: str, *, help: str, shown: str | None = None) -> str:
    """Return a string; `shown` replaces the default in the reference."""
    return _read(name, default, help, str, shown)


def choice(name: str, default: str, options: tuple[str, ...], *, help: str) -> str:
    """Return one of `options`."""

    def parse(value: str) -> str:
        if value not in options:
            raise ValueError(f"must be one of {', '.join(options)}, not {value!r}.")
        return value

    return _read(name, default, f"{help} One of: {', '.join(options)}.", parse)


def flag(name: str, default: bool, *, help: str) -> bool:
    """Return a boolean written as 1/0, true/false, yes/no or on/off."""

    def parse(value: str) -> bool:
        if value.lower() not in TRUE | FALSE:
            raise ValueError(f"must be true or false, not {value!r}.")
        return value.lower() in TRUE

    return _read(name, default, help, parse, "true" if default else "false")


def number(name: str, default: int, *, help: str, least: int = 0, most: int | None = None, shown: str | None = None) -> int:
    """Return a whole number from `least` to `most`."""

    def parse(value: str) -> int:
        if not (value.isascii() and value.isdigit()) or not least <= int(value) <= (int(value) if most is None else most):
            raise ValueError(
                f"must be a whole number {f'of at least {least}' if most is None else f'from {least} to {most}'}, not {value!r}."
            )
        return int(value)

    return _read(name, default, help, parse, shown)


def words(name: str, *, help: str) -> list[str]:
    """Return words separated by commas or blanks."""
    return _read(name, [], help, lambda value: value.replace(",", " ").split(), "")


def parsed(name: str, default: T, parse: Callable[[str], T], *, help: str, shown: str | None = None) -> T:
    """Return what `parse` makes of the value; its ValueError stops the start."""
    return _read(name, default, help, parse, shown)


UNITS = {"KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30, "TIB": 2**40}


def size(name: str, default: str, *, help: str, least: str = "0", most: str | None = None) -> int:
    """Return a number of bytes written as `500 GB`, `16MiB` or a plain number, from `least` to `most`."""

    def parse(value: str) -> int:
        amount = _bytes(value)
        if amount < _bytes(least) or (most is not None and amount > _bytes(most)):
            raise ValueError(f"must be {f'at least {least}' if most is None else f'from {least} to {most}'}, not {value!r}.")
        return amount

    return _read(name, parse(default), help, parse, default)


def _bytes(value: str) -> int:
    compact = value.replace(" ", "").upper()
    for unit in sorted(UNITS, key=len, reverse=True):
        amount = compact.removesuffix(unit)
        if amount != compact and amount.isascii() and amount.isdigit():
            return int(amount) * UNITS[unit]
    if not (compact.isascii() and compact.isdigit()):
        raise ValueError(f"must be a size such as 500MB or 16MiB, not {value!r}.")
    return int(compact)

"""Finding an implementation by name: our own by dotted path, a stranger's by the entry point of an installed package."""

from collections.abc import Mapping
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from django.core.exceptions import ImproperlyConfigured


def load(group: str, name: str, builtin: Mapping[str, str]) -> Any:
    """Return the object called `name`, importing nothing else.

    `builtin` maps our short names to `package.module:attribute`; a name that is not there is looked up among the entry points
    of `group` (`gallery.trainers`). Raises `ImproperlyConfigured` naming what there is.
    """
    if address := builtin.get(name):
        module, _colon, attribute = address.partition(":")
        return getattr(import_module(module), attribute)
    found = entry_points(group=group)
    if name in found.names:
        return found[name].load()
    known = ", ".join(sorted({*builtin, *found.names})) or "none"
    raise ImproperlyConfigured(f"There is no “{name}” in {group}. Known: {known}.")

"""Panels that rooms above this one add to the page of an asset, beside its introduction."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from assets.models import Asset


@dataclass(frozen=True)
class Panel:
    """A block of its own: `template` is included with `panel`, what `show` returns for an asset that was read for the user.

    None shows nothing. `position` orders panels, lower first.
    """

    template: str
    show: Callable[[Any, Asset], Any | None]
    position: int = 50


_PANELS: list[Panel] = []


def offer_panel(panel: Panel) -> None:
    """Register a panel, from `AppConfig.ready`."""
    if all(known.template != panel.template for known in _PANELS):
        _PANELS.append(panel)
        _PANELS.sort(key=lambda known: known.position)


def panels_of(user: Any, asset: Asset) -> list[tuple[str, Any]]:
    """Return the templates of the panels that have something to say about `asset`, each with its `panel`."""
    found = [(panel.template, panel.show(user, asset)) for panel in _PANELS]
    return [(template, shown) for template, shown in found if shown is not None]

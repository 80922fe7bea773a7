"""Menus that rooms above this one add to the head of an asset's pages, beside the ways to use it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from assets.models import Asset


@dataclass(frozen=True)
class MenuItem:
    """A line of a menu: where `address` is empty it cannot be chosen, and `hint` says why."""

    text: str
    icon: str
    address: str
    hint: str = ""


@dataclass(frozen=True)
class Menu:
    """A button with lines below it."""

    text: str
    icon: str
    items: Sequence[MenuItem]
    primary: bool = False


Offer = Callable[[Asset], Menu | None]
_OFFERS: list[tuple[int, Offer]] = []


def offer_menu(offer: Offer, position: int = 50) -> None:
    """Register, from `AppConfig.ready`, what makes a menu for an asset that was read for a viewer who may use it; None for none.

    `position` orders menus, lower first.
    """
    if all(known is not offer for _position, known in _OFFERS):
        _OFFERS.append((position, offer))
        _OFFERS.sort(key=lambda known: known[0])


def menus_of(asset: Asset) -> list[Menu]:
    """Return the menus of an asset that was read for a viewer; none for those who may not use it, visitors among them."""
    if "train" not in asset.allowed and "deploy" not in asset.allowed:
        return []
    return [menu for _position, offer in _OFFERS if (menu := offer(asset)) is not None]

"""Handing rows that must leave the house to whoever carries them: this room knows no jobs, the rooms above do."""

from collections.abc import Callable

Carrier = Callable[[str, int], None]
_CARRIERS: list[Carrier] = []


def carry(carrier: Carrier) -> None:
    """Register, from `AppConfig.ready`, what is called inside the transaction for each row to be sent, with its sort and key.

    The sorts are `mail` (a `Notification`) and `webhook` (a `WebhookDelivery`).
    """
    if carrier not in _CARRIERS:
        _CARRIERS.append(carrier)


def hand_over(sort: str, key: int) -> None:
    """Give the row of `sort` with the primary key `key` to the carriers."""
    for carrier in _CARRIERS:
        carrier(sort, key)

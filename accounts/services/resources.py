"""What a fine-grained token may be limited to: the rooms above say, this room only carries the strings."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Resource:
    """One thing that a fine-grained token can name. `key` is opaque here (`asset:42`); `label` and `url` are for people."""

    key: str
    label: str
    url: str


Offer = Callable[[Any], Iterable[Resource]]
_OFFERS: list[tuple[Offer, Sequence[tuple[str, Any]]]] = []


def offer_resources(offer: Offer, verbs: Sequence[tuple[str, Any]]) -> None:
    """Register, from `AppConfig.ready`, what `offer(user)` may be chosen for a token, and the (verb, label) pairs that apply to it."""
    if not any(known is offer for known, _verbs in _OFFERS):
        _OFFERS.append((offer, tuple(verbs)))


def resource_choices(user: Any) -> list[Resource]:
    """Return everything that `user` may limit a token to."""
    return [resource for offer, _verbs in _OFFERS for resource in offer(user)]


def verb_choices() -> list[tuple[str, Any]]:
    """Return the (verb, label) pairs that a fine-grained token may be given, each verb once."""
    return list({verb: (verb, label) for _offer, verbs in _OFFERS for verb, label in verbs}.values())

"""What webhooks can be told: each room registers its events, this room only carries them."""

from typing import Any

PING = "ping"
"""Sent by hand, to try a webhook; nobody subscribes to it."""

_EVENTS: dict[str, Any] = {}


def register(code: str, name: Any) -> None:
    """Make the event `code` one that webhooks can subscribe to, from `AppConfig.ready`; `name` is a lazily translated string."""
    _EVENTS[code] = name


def event_choices() -> list[tuple[str, Any]]:
    """Return the (code, name) pairs that can be subscribed to, in alphabetical order."""
    return sorted(_EVENTS.items())


def is_event(code: str) -> bool:
    """Say whether `code` can be subscribed to."""
    return code in _EVENTS

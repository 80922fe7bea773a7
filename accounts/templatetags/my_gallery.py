"""The menus of one's own pages; a builtin library, so no page loads it."""

from collections.abc import Callable
from typing import Any

from django import template

from accounts import menu
from accounts.services import unread_count

register = template.Library()


@register.simple_tag(takes_context=True)
def my_rail(context: dict[str, Any]) -> list[tuple[Any, list[menu.Entry]]]:
    """Return the groups of the rail for `components/rail.html`."""
    request = context["request"]
    return menu.rail_of(request.user, request.path)


@register.simple_tag(takes_context=True)
def my_waiting(context: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what waits for the person who is signed in, for the header."""
    found: list[dict[str, Any]] = _once(context, "waiting", menu.waiting_for) or []
    return found


@register.simple_tag(takes_context=True)
def my_unread(context: dict[str, Any]) -> int:
    """Return how many notices the person who is signed in has not read, for the header."""
    return _once(context, "unread", unread_count) or 0


def _once(context: dict[str, Any], name: str, count: Callable[[Any], Any]) -> Any:
    """Return what `count` says of the person, asked once for a request; error pages ask nothing."""
    request = context["request"]
    if "problem" in context:
        return None
    kept: dict[str, Any] = vars(request).setdefault("_header", {})
    if name not in kept:
        kept[name] = count(request.user)
    return kept[name]

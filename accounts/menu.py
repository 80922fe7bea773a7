"""What leads people around their own pages: the rail of My Gallery, and what waits for them in the header of every page."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from allauth.socialaccount.adapter import get_adapter
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.services import unread_count

GROUPS: dict[str, Any] = {
    "assets": _("Assets"),
    "access": _("Access"),
    "runs": _("Runs"),
    "account": _("Account"),
    "signing_in": _("Signing in"),
}


@dataclass(frozen=True)
class Entry:
    """One line of the rail. `position` orders the lines of a group; `alert` colours a count that waits for the person."""

    group: str
    text: Any
    icon: str
    address: str
    count: int = 0
    position: int = 0
    alert: bool = False
    current: bool = False


@dataclass(frozen=True)
class Waiting:
    """Something that waits for a person, shown in the account menu of every page: where it is, and how many there are."""

    text: Any
    icon: str
    address: str
    count: Callable[[User], int]


Offer = Callable[[User], Iterable[Entry]]
_OFFERS: list[Offer] = []
_WAITING: list[Waiting] = []


def offer_entries(offer: Offer) -> None:
    """Register, from `AppConfig.ready`, what adds lines to the rail; it is called, and may count, only where the rail is shown."""
    if offer not in _OFFERS:
        _OFFERS.append(offer)


def offer_waiting(waiting: Waiting) -> None:
    """Register, from `AppConfig.ready`, what is counted for the header of every page of somebody signed in; two queries at most."""
    if all(known.address != waiting.address for known in _WAITING):
        _WAITING.append(waiting)


def rail_of(user: User, path: str) -> list[tuple[Any, list[Entry]]]:
    """Return the titles of the groups that have lines, each with its lines; the line that fits the page at `path` best is `current`."""
    entries = [entry for offer in _OFFERS for entry in offer(user)]
    here = max((entry.address for entry in entries if _leads_to(entry.address, path)), key=len, default=None)
    marked = [replace(entry, current=entry.address == here) for entry in sorted(entries, key=lambda entry: entry.position)]
    groups = [(title, [entry for entry in marked if entry.group == group]) for group, title in GROUPS.items()]
    return [(title, lines) for title, lines in groups if lines]


def waiting_for(user: User) -> list[dict[str, Any]]:
    """Return what waits for `user`, each with the number of things, in the order in which the rooms offered it."""
    return [{"text": waiting.text, "icon": waiting.icon, "address": waiting.address, "count": waiting.count(user)} for waiting in _WAITING]


def account_entries(user: User) -> Iterator[Entry]:
    """Yield the lines of this room: what one may change about oneself, and how one signs in."""
    yield Entry("account", _("Inbox"), "bell", "/me/inbox", count=unread_count(user), position=5, alert=True)
    yield Entry("account", _("Profile"), "user", reverse("accounts:profile"), position=10)
    yield Entry("account", _("Following"), "eye", reverse("accounts:following"), position=20)
    yield Entry("account", _("Organisations"), "users", reverse("accounts:organisations"), position=30)
    yield Entry("account", _("Access tokens"), "key", reverse("accounts:tokens"), position=40)
    yield Entry("account", _("Webhooks"), "webhook", reverse("accounts:webhooks", kwargs={"handle": user.handle}), position=45)
    if user.onboarded_at is None:
        yield Entry("account", _("Onboarding"), "flag", reverse("accounts:welcome"), position=90)
    password = reverse("account_change_password" if user.has_usable_password() else "account_set_password")
    yield Entry("signing_in", _("Password"), "lock", password, position=10)
    yield Entry("signing_in", _("Email"), "mail", reverse("accounts:email"), position=20)
    yield Entry("signing_in", _("Two-step verification"), "shield-check", reverse("mfa_index"), position=30)
    yield Entry("signing_in", _("Sessions"), "device-desktop", reverse("usersessions_list"), position=40)
    if get_adapter().list_providers(None):
        yield Entry("signing_in", _("Connected accounts"), "link", reverse("socialaccount_connections"), position=50)


def _leads_to(address: str, path: str) -> bool:
    return f"{path.rstrip('/')}/".startswith(f"{urlsplit(address).path.rstrip('/')}/")

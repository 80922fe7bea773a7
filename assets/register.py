"""The register of an asset: every application and every grant with how it ended, and whom each lets in at a moment."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from heapq import merge
from itertools import islice
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Membership, User
from assets.models import Application, Asset, Audience, Grant

CHUNK = 500


@dataclass(frozen=True)
class Entry:
    """One line: an application, a grant, or a grant with the application that led to it.

    `sees` says whether the person sees the asset now: a grant in force lets nobody in who does not.
    """

    person: User
    moment: datetime
    application: Application | None
    grant: Grant | None
    sees: bool
    uses: bool

    @property
    def unseen(self) -> bool:
        """Whether the grant is in force but lets nobody in, because the person cannot see the asset at present."""
        return self.grant is not None and self.grant.lets_in() and not self.sees


@dataclass(frozen=True)
class Part:
    """A stretch of the register, the newest first."""

    entries: list[Entry]
    more: bool


def register_of(asset: Asset, *, offset: int = 0, limit: int = 50, at: datetime | None = None) -> Part:
    """Return `limit` entries of the register of `asset` after the first `offset`."""
    rows = list(islice(_rows(asset), offset, offset + limit + 1))
    return Part(_entries(asset, rows[:limit], at or timezone.now()), len(rows) > limit)


def every_entry(asset: Asset, at: datetime | None = None) -> Iterator[Entry]:
    """Yield the whole register, some hundred rows at a time."""
    rows, now = _rows(asset), at or timezone.now()
    while chunk := list(islice(rows, CHUNK)):
        yield from _entries(asset, chunk, now)


def users_of(asset: Asset, at: datetime | None = None) -> QuerySet[Grant]:
    """Return the grants that are in force, the newest first."""
    rows = Grant.objects.in_force(at).filter(asset=asset.pk).select_related("user", "granter", "application")
    return rows.order_by("-pk")


def seen_by(asset: Asset, users: Iterable[int]) -> set[int]:
    """Return which of the users with these ids see `asset` now; three queries at most, however many they are.

    It says the same as the role that `Asset.objects.for_user` computes for one person.
    """
    ids = set(users)
    near = Q(organisation=asset.namespace_id)
    seen = ids & {asset.namespace_id}
    seen |= set(User.objects.filter(pk__in=ids, is_superuser=True).values_list("pk", flat=True))
    if asset.state == Asset.State.PUBLISHED:
        if asset.visibility != Asset.Visibility.CHOSEN:
            return ids
        named = Audience.objects.filter(asset=asset.pk).values_list("namespace", flat=True)
        seen |= ids & set(named)
        near |= Q(organisation__in=named.values("namespace"))
        seen |= set(asset.approvers.filter(user__in=ids).values_list("user", flat=True))
    return seen | set(Membership.objects.filter(near, user__in=ids).values_list("user", flat=True))


HEAD = (
    "person", "name", "state", "source", "reason", "requested_at", "decided_at", "decided_by", "decision_note", "granted_at", "granted_by",
    "expires_at", "ended_at", "ended_by", "end_reason", "sees_it", "may_use_it",
)  # fmt: skip
"""The columns of the file, by the names that REST uses."""


def lines_of(asset: Asset) -> Iterator[list[Any]]:
    """Yield the register as the lines of a file."""
    for entry in every_entry(asset):
        application, grant = entry.application, entry.grant
        yield [
            entry.person.handle,
            entry.person.name,
            state_of(entry),
            grant.source if grant else "",
            application.reason if application else "",
            _moment(application.created_at if application else None),
            _moment(application.decided_at if application else None),
            _handle(application.decider if application else None),
            application.decision_note if application else "",
            _moment(grant.granted_at if grant else None),
            _handle(grant.granter if grant else None),
            _moment(grant.expires_at if grant else None),
            _moment(grant.ended_at if grant else None),
            _handle(grant.ended_by if grant else None),
            grant.end_reason if grant else "",
            _("yes") if entry.sees else _("no"),
            _("yes") if entry.uses else _("no"),
        ]


def state_of(entry: Entry) -> str:
    """Return where the entry stands: the state of its grant, else of its application; a grant past its end is `expired`."""
    if entry.grant is None:
        return entry.application.state if entry.application else ""
    past = entry.grant.state == Grant.State.ACTIVE and not entry.grant.lets_in()
    return Grant.State.EXPIRED.value if past else entry.grant.state


def _rows(asset: Asset) -> Iterator[Application | Grant]:
    """Yield applications, each with its grant, and grants without one, the newest first."""
    applications = Application.objects.filter(asset=asset.pk).select_related(
        "applicant", "decider", "grant__user", "grant__granter", "grant__ended_by"
    )
    grants = Grant.objects.filter(asset=asset.pk, application=None).select_related("user", "granter", "ended_by")
    return merge(
        applications.order_by("-created_at", "-pk").iterator(CHUNK),
        grants.order_by("-granted_at", "-pk").iterator(CHUNK),
        key=_when,
        reverse=True,
    )


def _when(row: Application | Grant) -> datetime:
    return row.created_at if isinstance(row, Application) else row.granted_at


def _entries(asset: Asset, rows: list[Application | Grant], at: datetime) -> list[Entry]:
    seen = seen_by(asset, [_person(row).pk for row in rows])
    found = []
    for row in rows:
        application = row if isinstance(row, Application) else None
        grant = getattr(row, "grant", None) if isinstance(row, Application) else row
        person = _person(row)
        sees = person.pk in seen
        found.append(Entry(person, _when(row), application, grant, sees, sees and grant is not None and grant.lets_in(at)))
    return found


def _person(row: Application | Grant) -> User:
    person: User = row.applicant if isinstance(row, Application) else row.user
    return person


def _moment(moment: datetime | None) -> str:
    return moment.isoformat(timespec="seconds") if moment else ""


def _handle(person: User | None) -> str:
    return person.handle if person else ""

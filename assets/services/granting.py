"""What applications and grants share: putting a grant in its place, and doing the same to several rows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _

from accounts.models import User
from assets.answers import MAX_DAYS, invalid
from assets.models import Application, Asset, Grant
from core.problems import Problem

MOST = 200
DEFAULT = "default"
"""Stands for the length that the terms of the asset say."""


@dataclass(frozen=True)
class Refused:
    """A row of several that did not go through, and why."""

    id: int
    code: str
    detail: str


@dataclass
class Outcome:
    """What became of several rows: the ids of those that went through, and the others."""

    done: list[int] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)


def put_grant(
    *, asset: Asset, user: User, source: str, days: int | None, granter: User | None, at: datetime, application: Application | None = None
) -> Grant:
    """Return a new grant in the place of the one `user` has; what is left of that one is added. The caller holds the asset."""
    former = Grant.objects.filter(asset=asset, user=user, state=Grant.State.ACTIVE).first()
    begins: datetime | None = at
    if former is not None and former.lets_in(at):
        begins = former.expires_at
        former.renew(actor=granter, at=at)
    elif former is not None:
        former.expire(at=at)
    ends = None if days is None or begins is None else min(begins + timedelta(days=days), at + timedelta(days=MAX_DAYS))
    return Grant.objects.create(
        asset=asset, user=user, source=source, application=application, granter=granter, granted_at=at, expires_at=ends
    )


def each_of(ids: Sequence[int], act: Callable[[int], Any]) -> Outcome:
    """Do `act(id)` for each of `ids` in a transaction of its own, and return what became of them."""
    if not 1 <= len(ids) <= MOST:
        raise invalid({"ids": [_("Choose 1 to %(most)d rows.") % {"most": MOST}]})
    outcome = Outcome()
    for pk in dict.fromkeys(ids):
        try:
            act(pk)
            outcome.done.append(pk)
        except Problem as problem:
            outcome.refused.append(Refused(pk, problem.code, str(problem.detail)))
    return outcome

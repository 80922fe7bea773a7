"""How an asset is published: the ranges, the terms, the submissions, and what a reviewer looks at."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db.models import Q
from django.utils.translation import gettext as _

from accounts.models import Namespace, User
from accounts.words import Hit, find_words
from assets import wording
from assets.addresses import KINDS, asset_at
from assets.models import AccessTerms, Approver, Asset, Audience, Submission
from assets.models.publishing import reviews
from core.permissions import require
from core.problems import Invalid, Missing
from repos.reading import resolve

HISTORY = 20


@dataclass(frozen=True)
class Check:
    """Something to look at before publishing; it keeps nobody from it."""

    good: bool
    text: str


class Publication:
    """What stands around the publishing of `asset`, which was read for somebody who may publish or review it."""

    def __init__(self, asset: Asset) -> None:
        self.asset = asset

    @cached_property
    def audience(self) -> list[Namespace]:
        """The users and organisations that see it where `visibility` is `chosen`."""
        return list(Namespace.objects.filter(pk__in=Audience.objects.filter(asset=self.asset).values("namespace")).order_by("handle"))

    @cached_property
    def terms(self) -> AccessTerms:
        """What applicants find; empty terms where none were written."""
        return AccessTerms.objects.filter(asset=self.asset).first() or AccessTerms(asset=self.asset)

    @cached_property
    def organisations(self) -> list[Namespace]:
        """Whose members are granted at once."""
        if self.terms._state.adding:
            return []
        return list(Namespace.objects.filter(pk__in=self.terms.organisations.values("pk")).order_by("handle"))

    @cached_property
    def approvers(self) -> list[User]:
        """Who decides on applications beside those who own it."""
        return list(User.objects.filter(pk__in=Approver.objects.filter(asset=self.asset).values("user")).order_by("handle"))

    @cached_property
    def submissions(self) -> list[Submission]:
        """The last submissions, the newest first."""
        rows = Submission.objects.filter(asset=self.asset).select_related("submitter", "reviewer")
        return list(rows.order_by("-pk")[:HISTORY])

    @property
    def newest(self) -> Submission | None:
        """The submission that led to the present state."""
        return self.submissions[0] if self.submissions else None

    @property
    def noted(self) -> bool:
        """Whether those who see it are told where it stands."""
        return self.asset.state in (Asset.State.REVIEW, Asset.State.REJECTED, Asset.State.DELISTED)

    @property
    def reason(self) -> str:
        """Why it was rejected, empty where it is not."""
        return self.newest.reason if self.newest and self.asset.state == Asset.State.REJECTED else ""

    @cached_property
    def head(self) -> str:
        """The commit that a decision would be about."""
        return resolve(self.asset.open_repository()).commit.sha

    @property
    def moved(self) -> bool:
        """Whether files changed since it was submitted."""
        return self.newest is not None and self.newest.revision != self.head

    @cached_property
    def hits(self) -> list[Hit]:
        """The forbidden words that stand in it now."""
        return find_words(wording.of(self.asset))

    @property
    def reviewed(self) -> bool:
        """Whether somebody looks at it before it is published."""
        return bool(settings.REVIEW == "manual")

    @property
    def checks(self) -> list[Check]:
        """What makes an asset easy to find and to use."""
        asset = self.asset
        return [
            Check(bool(asset.licence), _("The licence is stated.") if asset.licence else _("No licence is stated: others cannot tell what they may do.")),
            Check(bool(asset.task), _("The task is set.") if asset.task else _("No task is set: filters will not find it.")),
            Check(
                bool(asset.description),
                _("There is a summary for its card.") if asset.description else _("There is no summary for its card in the catalogue."),
            ),
            Check(
                not asset.card_errors,
                _("The head of README.md can be read.") if not asset.card_errors else _("Parts of the head of README.md could not be understood."),
            ),
        ]  # fmt: skip


def submission_at(user: User | AnonymousUser, kind: str, namespace: str, name: str) -> Submission:
    """Return the newest submission of the asset at an address, for reviewers also when it is decided already.

    Raises `Missing` and `Forbidden` for others as the page of the asset does.
    """
    here = Q(asset__kind=KINDS.get(kind, kind), asset__namespace__handle__iexact=namespace, asset__name__iexact=name)
    rows = Submission.objects.for_user(user).filter(here, asset__repository__deleted_at=None)
    if not reviews(user):
        rows = rows.none()
    if found := rows.select_related("asset__namespace", "submitter", "reviewer").order_by("-pk").first():
        return found
    require(asset_at(user, kind, namespace, name), "review")
    raise Missing("submission_not_found", _("There is no such submission, or you may not see it."))


def called(user: User, handles: Iterable[str], field: str, *, kinds: Sequence[str] = ()) -> list[Namespace]:
    """Return the users and organisations with these handles; raise `Problem` (`invalid`) at `field` where one does not exist."""
    wanted = list(dict.fromkeys(handles))
    found: dict[Any, Namespace] = {}
    missing = []
    rows = Namespace.objects.for_user(user).called(wanted).prefetch_related("handles")
    by_key = {row.key: namespace for namespace in (rows.filter(kind__in=kinds) if kinds else rows) for row in namespace.handles.all()}
    for handle in wanted:
        namespace = by_key.get(handle.strip().removeprefix("@").lower())
        if namespace is None:
            missing.append(_("There is nobody with the handle “%(handle)s”.") % {"handle": handle})
        else:
            found[namespace.pk] = namespace
    if missing:
        raise Invalid({field: missing})
    return list(found.values())


def users_called(user: User, handles: Iterable[str], field: str) -> list[User]:
    """Return the users with these handles, as `called` does."""
    found = called(user, handles, field, kinds=[Namespace.Kind.USER])
    return list(User.objects.filter(pk__in=[row.pk for row in found]))

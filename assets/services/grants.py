"""Giving, extending and ending the right to use an asset. The rows of `Grant` are the register: nobody gets in through anything else."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Membership, User
from accounts.services import record
from assets.answers import MAX_DAYS, check_days, check_text, invalid
from assets.deciders import terms_of
from assets.models import Application, Asset, Audience, Grant
from assets.services import access_news as news
from assets.services.applications import apply
from assets.services.granting import DEFAULT, MOST, Outcome, each_of, put_grant
from assets.services.rows import gone, hold, lock
from core.permissions import require
from core.problems import Conflict, Forbidden, Missing, Problem

REMIND_BEFORE = timedelta(days=7)


@transaction.atomic
def add_users(
    *, asset: Asset, actor: User, users: Iterable[User], days: int | str | None = DEFAULT, at: datetime | None = None
) -> list[Grant]:
    """Let `users` use `asset` without an application, for `days` (None without end), and return their grants.

    Where only chosen people see the asset, they see it from now on; an application of theirs that waits is approved by this. All
    or nothing: raises `Conflict` (`already_allowed`) naming those who may use it already, `Forbidden` (`own_grant`).
    """
    held, now, people = hold(asset, actor, "configure"), at or timezone.now(), list({user.pk: user for user in users}.values())
    length = _length(held, days)
    if not 1 <= len(people) <= MOST:
        raise invalid({"users": [_("Name 1 to %(most)d people.") % {"most": MOST}]})
    if any(user.pk == actor.pk for user in people):
        raise Forbidden("own_grant", _("You cannot give a right to yourself."))
    if known := [user.handle for user in people if _uses(held, user, now)]:
        sentence = _("%(people)s may use it already.") % {"people": ", ".join(known)}
        raise Conflict("already_allowed", sentence, errors={"users": [sentence]})
    grants = [_add(held, actor, user, length, now) for user in people]
    for grant in grants:
        news.tell_added(grant, held, actor)
    for grant in grants:
        _record(held, actor, "grant", grant, source=grant.source, expires_at=grant.expires_at)
    return grants


@transaction.atomic
def revoke_grant(*, grant: Grant, actor: User, reason: str, at: datetime | None = None) -> Grant:
    """End `grant` at once, on every way into the asset, and return it. A wish of that person that waits is declined with it.

    Raises `Conflict` (`grant_ended`) where it had ended before, saying what stands instead.
    """
    reason, now = check_text(reason, "reason", required=True), at or timezone.now()
    row, asset = _judged(grant, actor)
    if not (row.lets_in(now) and row.revoke(actor=actor, reason=reason, at=now)):
        raise ended(row)
    waiting = Application.objects.open().filter(asset=asset, applicant=row.user_id).first()
    if waiting is not None and waiting.reject(decider=actor, note=reason, at=now):
        news.tell_decided(waiting, asset, actor)
    news.tell_revoked(row, asset, actor)
    _record(asset, actor, "revoke", row, reason=reason)
    return row


def revoke_many(*, actor: User, ids: Sequence[int], reason: str, at: datetime | None = None) -> Outcome:
    """End several grants, each on its own, and return which went through and why others did not."""
    check_text(reason, "reason", required=True)
    return each_of(ids, lambda pk: revoke_grant(grant=_found(pk, actor), actor=actor, reason=reason, at=at))


def extend_many(*, actor: User, ids: Sequence[int], days: int | None, at: datetime | None = None) -> Outcome:
    """Let several grants last longer, each on its own, and return which went through and why others did not."""
    check_days(days)
    return each_of(ids, lambda pk: extend_grant(grant=_found(pk, actor), actor=actor, days=days, at=at))


@transaction.atomic
def extend_grant(*, grant: Grant, actor: User, days: int | None, at: datetime | None = None) -> Grant:
    """Let `grant` last `days` longer, or without end, and return it. Raises `Conflict` (`grant_ended`), `Forbidden` (`own_grant`)."""
    days, now = check_days(days), at or timezone.now()
    row, asset = _judged(grant, actor)
    if row.user_id == actor.pk:
        raise Forbidden("own_grant", _("You cannot give a right to yourself."))
    expires_at = None if days is None else (row.expires_at or now) + timedelta(days=days)
    if expires_at is not None and expires_at > now + timedelta(days=MAX_DAYS):
        raise invalid({"days": [_("A grant lasts at most %(most)d days from today.") % {"most": MAX_DAYS}]})
    former = row.expires_at
    if not (row.lets_in(now) and row.extend(expires_at=expires_at)):
        raise ended(row)
    news.tell_extended(row, asset, actor, now)
    _record(asset, actor, "extend", row, former=former, expires_at=expires_at)
    return row


def renew(*, grant: Grant, actor: User, reason: str = "", at: datetime | None = None) -> Application:
    """Ask, as the holder, for another term of `grant` with what was said the first time, and return the application.

    Raises `Conflict`: `nothing_to_renew` for a grant without end or one that was revoked or renewed, and `terms_changed` where the
    questions or the agreement are no longer those that were answered; otherwise as `applications.apply` does.
    """
    row = Grant.objects.for_user(actor).select_related("application", "asset").filter(pk=grant.pk).first()
    if row is None:
        raise missing()
    require(row, "renew")
    asset = Asset.objects.for_user(actor).whole().filter(pk=row.asset_id).first()
    if asset is None:
        raise gone()
    former, terms = row.application, terms_of(asset)
    if terms.agreement and (former is None or former.agreement_version != terms.agreement_version):
        raise _changed()
    try:
        return apply(
            asset=asset, actor=actor, renews=row, at=at, agreement_version=terms.agreement_version,
            reason=reason or (former.reason if former else _("I would like to go on using it.")),
            answers={question["id"]: former.answers.get(question["id"]) for question in terms.questions} if former else {},
        )  # fmt: skip
    except Problem as problem:
        if any(name.startswith("answers") for name in problem.errors):
            raise _changed() from problem
        raise


def expire_grants(at: datetime | None = None) -> int:
    """Write down which grants have ended by now, tell their holders, and return how many; they let nobody in since that moment."""
    now, count = at or timezone.now(), 0
    for pk, asset_id in Grant.objects.ended_by(now).order_by("asset", "pk").values_list("pk", "asset_id"):
        with transaction.atomic():
            lock(asset_id)
            row = Grant.objects.select_related("asset__namespace", "user").get(pk=pk)
            if row.expire(at=now):
                count += 1
                news.tell_expired(row, row.asset)
                _record(row.asset, None, "expire", row)
    return count


def remind_of_expiry(at: datetime | None = None) -> int:
    """Remind holders once, seven days before their grant ends, and return how many; shorter grants go without."""
    now, count = at or timezone.now(), 0
    rows = Grant.objects.in_force(now).filter(
        reminded_at=None, expires_at__lte=now + REMIND_BEFORE, granted_at__lt=F("expires_at") - REMIND_BEFORE,
        asset__state=Asset.State.PUBLISHED, asset__availability=Asset.Availability.ON_APPLICATION,
    )  # fmt: skip
    for row in rows.select_related("asset__namespace", "user").order_by("pk"):
        with transaction.atomic():
            if row.remind(at=now):
                count += 1
                news.tell_expiring(row, row.asset)
    return count


def missing() -> Missing:
    """Return the problem of a grant that is not there, or not for this viewer."""
    return Missing("grant_not_found", _("There is no such grant, or you may not see it."))


def ended(grant: Grant) -> Conflict:
    """Return the refusal of a change of a grant that has ended, with how it ended."""
    grant.refresh_from_db(fields=["state", "ended_at", "expires_at"])
    state = grant.State.EXPIRED if grant.state == grant.State.ACTIVE else grant.State(grant.state)
    sentence = _("This grant has ended: %(state)s. Load the page again to see what stands now.") % {"state": state.label}
    return Conflict("grant_ended", sentence, extra={"state": state.value, "ended_at": grant.ended_at or grant.expires_at})


def _add(asset: Asset, actor: User, user: User, days: int | None, at: datetime) -> Grant:
    if asset.visibility == Asset.Visibility.CHOSEN and not _named(asset, user):
        Audience.objects.create(asset=asset, namespace_id=user.pk, added_at=at)
    waiting = Application.objects.open().filter(asset=asset, applicant=user).first()
    if waiting is not None:
        waiting.approve(decider=actor, note="", at=at)
    return put_grant(asset=asset, user=user, source=Grant.Source.DIRECT, days=days, granter=actor, at=at, application=waiting)


def _named(asset: Asset, user: User) -> bool:
    organisations = Membership.objects.filter(user=user.pk).values("organisation")
    return Audience.objects.filter(Q(namespace=user.pk) | Q(namespace__in=organisations), asset=asset).exists()


def _uses(asset: Asset, user: User, at: datetime) -> bool:
    """Whether `user` may use `asset` as a member of its owner, or holds a grant and sees it."""
    if user.pk == asset.namespace_id or Membership.objects.filter(user=user.pk, organisation=asset.namespace_id).exists():
        return True
    seen = asset.visibility != Asset.Visibility.CHOSEN or _named(asset, user)
    return seen and Grant.objects.in_force(at).filter(asset=asset, user=user).exists()


def _length(asset: Asset, days: int | str | None) -> int | None:
    return terms_of(asset).grant_days if days == DEFAULT else check_days(days)


def _found(pk: int, actor: User) -> Grant:
    row = Grant.objects.for_user(actor).filter(pk=pk).first()
    if row is None:
        raise missing()
    return row


def _judged(grant: Grant, actor: User) -> tuple[Grant, Asset]:
    """Return the grant as it is now and its asset, held, for a decision by `actor`."""
    lock(grant.asset_id)
    row = Grant.objects.for_user(actor).select_related("asset__namespace", "user").filter(pk=grant.pk).first()
    if row is None:
        raise missing()
    require(row, "decide")
    return row, row.asset


def _changed() -> Conflict:
    return Conflict("terms_changed", _("The questions or the agreement have changed since. Fill in the form again."))


def _record(asset: Asset, actor: User | None, verb: str, grant: Grant, **details: Any) -> None:
    record(
        actor=actor, verb=verb, target_kind="grant", target_id=grant.pk, target=asset.repo_id,
        asset=asset.pk, user=grant.user.handle, **details,
    )  # fmt: skip

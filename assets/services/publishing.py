"""Putting assets on the shelf and taking them off: every transition of `Asset.state`, with its notices and its audit row."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Namespace, User
from accounts.words import check_words
from assets import wording
from assets.models import Asset, Audience, Submission
from assets.services.announcing import tell_followers, tell_reviewers, tell_submitter, tell_subscribers
from assets.services.rows import hold, lock, note, tell
from core.permissions import require
from core.problems import Conflict, Forbidden, Invalid, Missing
from repos.reading import resolve

MAX_AUDIENCE = 200
MAX_REASON = 500


@transaction.atomic
def publish_asset(
    *,
    asset: Asset,
    actor: User,
    visibility: str = Asset.Visibility.PUBLIC,
    availability: str = Asset.Availability.FREE,
    audience: Iterable[Namespace] = (),
    at: datetime | None = None,
) -> Asset:
    """Submit `asset` with these ranges and return it: published at once, or in review where people review (`REVIEW=manual`).

    `audience` are the users and organisations that see it where `visibility` is `chosen`. Raises `Problem`: `invalid` for
    ranges that do not fit, `forbidden_words` by field; `Conflict` (`wrong_state`) where it is in review or published already.
    """
    held, now, chosen = hold(asset, actor, "publish"), at or timezone.now(), list(audience)
    _check_ranges(visibility, availability, chosen)
    check_words(wording.of(held))
    if not held.submit(visibility=visibility, availability=availability):
        raise wrong_state(held)
    _set_audience(held, chosen)
    head = resolve(held.open_repository()).commit.sha
    submission = Submission.objects.create(asset=held, submitter=actor, revision=head, created_at=now)
    if settings.REVIEW == "manual":
        tell_reviewers(submission, held, actor)
        note(held, actor, "submit", revision=head, visibility=visibility, availability=availability)
    else:
        _shelve(held, submission, reviewer=None, revision=head, at=now)
        note(held, actor, "submit", revision=head, visibility=visibility, availability=availability)
        note(held, None, "approve", revision=head, automatic=True)
    return _seen(held, actor)


@transaction.atomic
def withdraw_submission(*, asset: Asset, actor: User, at: datetime | None = None) -> Asset:
    """Take `asset` back from review and return it; raises `Conflict` (`wrong_state`) where it is not in review any more."""
    held = hold(asset, actor, "publish")
    if not held.withdraw():
        raise wrong_state(held)
    submission = Submission.objects.filter(asset=held).waiting().get()
    _expect(submission.withdraw(at=at or timezone.now()))
    note(held, actor, "withdraw", revision=submission.revision)
    return _seen(held, actor)


@transaction.atomic
def approve_submission(*, submission: Submission, actor: User, revision: str = "", at: datetime | None = None) -> None:
    """Publish what was submitted.

    `revision` is the commit that the reviewer looked at, the submitted one unless given. Raises `Conflict`: `already_decided`,
    and `revision_moved` where the files changed since (`extra["head"]` is the commit to confirm); `Forbidden` (`own_submission`).
    """
    current, asset = _judged(submission, actor)
    head = resolve(asset.open_repository()).commit.sha
    if head != (revision or current.revision):
        sentence = _("The files changed since you looked at them. Look again and confirm the new revision.")
        raise Conflict("revision_moved", sentence, extra={"head": head})
    _shelve(asset, current, reviewer=actor, revision=head, at=at or timezone.now())
    tell_submitter(current, asset, actor, "publish.approved", asset.get_absolute_url())
    note(asset, actor, "approve", revision=head, automatic=False)


@transaction.atomic
def reject_submission(*, submission: Submission, actor: User, reason: str, at: datetime | None = None) -> None:
    """Turn down what was submitted, with a reason that its owners read. Raises as `approve_submission` does, and `Problem` (`invalid`)."""
    current, asset = _judged(submission, actor)
    reason = _checked_reason(reason, required=True)
    _expect(asset.reject() and current.reject(reviewer=actor, reason=reason, at=at or timezone.now()))
    tell_submitter(current, asset, actor, "publish.rejected", f"{asset.get_absolute_url()}/publish", reason=reason)
    tell(asset, "asset.rejected", reason=reason)
    note(asset, actor, "reject", revision=current.revision, reason=reason)


@transaction.atomic
def delist_asset(*, asset: Asset, actor: User, reason: str = "") -> Asset:
    """Take `asset` off the shelf, tell its subscribers, and return it; raises `Conflict` (`wrong_state`) where it is not on it.

    Grants, terms and the audience stay for the next time. What already runs keeps the copies it has.
    """
    held = hold(asset, actor, "publish")
    reason = _checked_reason(reason)
    if not held.delist():
        raise wrong_state(held)
    tell_subscribers(held, actor, reason)
    tell(held, "asset.delisted", reason=reason)
    note(held, actor, "delist", reason=reason)
    return _seen(held, actor)


@transaction.atomic
def set_ranges(
    *,
    asset: Asset,
    actor: User,
    visibility: str | None = None,
    availability: str | None = None,
    audience: Iterable[Namespace] | None = None,
) -> Asset:
    """Change who sees and who uses `asset`, and return it; None leaves a part as it is. Takes effect at once.

    Raises `Problem` (`invalid`) for ranges that do not fit, and `Conflict` (`wrong_state`) while a reviewer looks at the ones there.
    """
    held = hold(asset, actor, "publish")
    if held.state == Asset.State.REVIEW:
        raise wrong_state(held)
    wanted = {"visibility": visibility or held.visibility, "availability": availability or held.availability}
    former = list(Namespace.objects.filter(pk__in=Audience.objects.filter(asset=held).values("namespace")))
    chosen = former if audience is None else list(audience)
    _check_ranges(wanted["visibility"], wanted["availability"], chosen)
    changed = {name: value for name, value in wanted.items() if getattr(held, name) != value}
    people = {namespace.pk for namespace in chosen} ^ {namespace.pk for namespace in former}
    if not changed and not people:
        return held
    Asset.objects.filter(pk=held.pk).update(**wanted)
    _set_audience(held, chosen)
    seen = _seen(held, actor)
    if seen.state == Asset.State.PUBLISHED:
        tell_followers(seen, actor)
    note(held, actor, "set_ranges", **wanted, audience=sorted(namespace.handle for namespace in chosen))
    return seen


def wrong_state(asset: Asset) -> Conflict:
    """Return the refusal of a step that does not follow from the state the asset is in now."""
    asset.refresh_from_db(fields=["state"])
    sentence = _("This does not follow from its present state (%(state)s). Load the page again to see what can be done.") % {
        "state": asset.get_state_display()
    }
    return Conflict("wrong_state", sentence, extra={"state": asset.state})


def _judged(submission: Submission, actor: User) -> tuple[Submission, Asset]:
    """Return the submission and its asset, held, for a decision by `actor`."""
    lock(submission.asset_id)
    current = Submission.objects.for_user(actor).filter(pk=submission.pk).first()
    if current is None:
        raise Missing("submission_not_found", _("There is no such submission, or you may not see it."))
    if current.state != Submission.State.PENDING:
        sentence = _("Somebody was faster, this is decided: %(state)s.") % {"state": current.get_state_display()}
        raise Conflict("already_decided", sentence, extra={"state": current.state})
    asset = Asset.objects.for_user(actor).whole().get(pk=current.asset_id)
    require(asset, "review")
    if current.submitter_id == actor.pk and not actor.is_superuser:
        raise Forbidden("own_submission", _("You submitted this yourself. Somebody else has to decide."))
    return current, asset


def _shelve(asset: Asset, submission: Submission, *, reviewer: User | None, revision: str, at: datetime) -> None:
    """Do what every approval does, whoever approved."""
    _expect(asset.approve(at=at) and submission.approve(reviewer=reviewer, revision=revision, at=at))
    tell_followers(asset, submission.submitter)
    tell(asset, "asset.published", visibility=asset.visibility, availability=asset.availability)


def _expect(moved: bool) -> None:
    """Under the lock a transition can only fail where row and submission disagree; nothing is written then."""
    if not moved:
        raise Conflict("already_decided", _("Somebody was faster. Load the page again."))


def _check_ranges(visibility: str, availability: str, audience: Sequence[Namespace]) -> None:
    errors: dict[str, list[str]] = {}
    if visibility not in Asset.Visibility.values:
        errors["visibility"] = [_("Choose one of public, signed_in, chosen.")]
    if availability not in Asset.Availability.values:
        errors["availability"] = [_("Choose free or on_application.")]
    if visibility == Asset.Visibility.CHOSEN and not audience:
        errors["audience"] = [_("Choose at least one person or organisation that may see it.")]
    if len(audience) > MAX_AUDIENCE:
        errors["audience"] = [_("Choose at most %(limit)d people and organisations.") % {"limit": MAX_AUDIENCE}]
    if errors:
        raise Invalid(errors)


def _set_audience(asset: Asset, chosen: Iterable[Namespace]) -> None:
    wanted = {namespace.pk for namespace in chosen}
    there = set(Audience.objects.filter(asset=asset).values_list("namespace_id", flat=True))
    Audience.objects.filter(asset=asset, namespace__in=there - wanted).delete()
    Audience.objects.bulk_create([Audience(asset=asset, namespace_id=pk) for pk in sorted(wanted - there)])


def _checked_reason(reason: str, *, required: bool = False) -> str:
    reason, sentence = reason.strip(), ""
    if required and not reason:
        sentence = _("Say why: the owners read it and mend it.")
    if len(reason) > MAX_REASON:
        sentence = _("Use at most %(limit)d characters.") % {"limit": MAX_REASON}
    if sentence:
        raise Invalid({"reason": [sentence]})
    return reason


def _seen(asset: Asset, actor: User) -> Asset:
    return Asset.objects.for_user(actor).whole().get(pk=asset.pk)

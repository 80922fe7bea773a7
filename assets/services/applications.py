"""Applying for the use of an asset, and deciding on it. Every decision is a compare-and-set: the second of two gets to know the first."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.services import record
from assets.answers import check_answers, check_days, check_text, invalid
from assets.deciders import rule_for, terms_of
from assets.models import AccessTerms, Application, Asset, Grant
from assets.services import access_news as news
from assets.services.granting import DEFAULT, Outcome, each_of, put_grant
from assets.services.rows import gone, lock
from core.permissions import require
from core.problems import Conflict, Forbidden, Missing, Problem

OPEN_ONCE = "application_open_once"


@transaction.atomic
def apply(
    *,
    asset: Asset,
    actor: User,
    reason: str,
    answers: Mapping[str, Any] | None = None,
    agreement_version: int = 0,
    renews: Grant | None = None,
    at: datetime | None = None,
) -> Application:
    """Return the application of `actor` for the use of `asset`: approved at once where an automatic rule fits, else pending.

    No rule undoes a revocation: who was revoked last waits for a person. `agreement_version` is the version of the agreement that was
    accepted, `renews` a grant of theirs that this would follow. Raises `Problem` (`invalid`) with messages by field; `Conflict`:
    `application_open`, `already_allowed`, `free_to_use`, `nothing_to_renew`, `agreement_changed`.
    """
    now = at or timezone.now()
    lock(asset.pk)
    held = Asset.objects.for_user(actor, now).whole().filter(pk=asset.pk).first()
    if held is None:
        raise gone()
    former = _former(held, actor, renews)
    _check_use(held, former, now)
    terms = terms_of(held)
    values = _checked(terms, reason, answers or {}, agreement_version)
    application = _created(held, actor, former, values, now)
    rule = "" if _was_revoked(held, actor) else rule_for(terms, actor)
    if rule:
        application.automatic = True
        application.save(update_fields=["automatic"])
        _settle(application, held, None, note="", days=terms.grant_days, source=Grant.Source.RULE, at=now)
    else:
        news.tell_received(application, held, actor)
    news.emit_created(application, held)
    if rule:
        news.tell_decided(application, held, None)
    _record(held, actor, "apply", application, renews=former.pk if former else None, agreement_version=application.agreement_version)
    if rule:
        _record(held, None, "approve", application, automatic=True, rule=rule)
    return application


@transaction.atomic
def withdraw(*, application: Application, actor: User, at: datetime | None = None) -> Application:
    """Take back one's own application and return it; raises `Conflict` (`application_decided`) where somebody decided first."""
    row, asset = _read(application, actor, "withdraw")
    if not row.withdraw(at=at or timezone.now()):
        raise decided(row)
    _record(asset, actor, "withdraw", row)
    return row


@transaction.atomic
def reply(*, application: Application, actor: User, text: str, at: datetime | None = None) -> Application:
    """Answer what was asked back and return the application, which is pending again."""
    text = check_text(text, "reply", required=True)
    row, asset = _read(application, actor, "reply")
    if not row.answer(reply=text):
        if row.state == row.State.PENDING:
            raise Conflict("application_not_asked", _("Nobody has asked you anything. Load the page again."))
        raise decided(row)
    news.tell_replied(row, asset, actor, at or timezone.now())
    _record(asset, actor, "reply", row)
    return row


@transaction.atomic
def remind(*, application: Application, actor: User, at: datetime | None = None) -> Application:
    """Remind those who decide, once in a day, and return the application. Raises `Conflict` (`reminded_already`)."""
    now = at or timezone.now()
    row, asset = _read(application, actor, "withdraw")
    if row.state == row.State.ASKED:
        raise Conflict("application_asked", _("A question waits for your answer. Answer it first."))
    if not row.is_open:
        raise decided(row)
    if not row.remind(at=now):
        raise Conflict("reminded_already", _("They were reminded less than a day ago. Try again tomorrow."))
    row.reminded_at = now
    news.tell_reminded(row, asset, actor, now)
    _record(asset, actor, "remind", row)
    return row


@transaction.atomic
def ask_back(*, application: Application, actor: User, question: str, at: datetime | None = None) -> Application:
    """Ask the applicant something before deciding, and return the application, which waits for the answer then."""
    question = check_text(question, "question", required=True)
    row, asset = _judged(application, actor)
    if not row.ask_back(question=question):
        if row.state == row.State.ASKED:
            raise Conflict("application_asked", _("A question waits for the applicant's answer already."))
        raise decided(row)
    news.tell_asked(row, asset, actor, at or timezone.now())
    _record(asset, actor, "ask", row, question=question)
    return row


@transaction.atomic
def approve(
    *, application: Application, actor: User, days: int | str | None = DEFAULT, note: str = "", at: datetime | None = None
) -> Grant:
    """Grant what was asked for and return the grant. `days` is its length, None without end, unless given as the terms say.

    Raises `Conflict` (`application_decided`) where somebody was faster, with the decision that stands; `Forbidden`
    (`own_application`).
    """
    note = check_text(note, "note")
    row, asset = _judged(application, actor)
    length = terms_of(asset).grant_days if days == DEFAULT else check_days(days)
    grant = _settle(row, asset, actor, note=note, days=length, source=Grant.Source.APPLICATION, at=at or timezone.now())
    news.tell_decided(row, asset, actor)
    _record(asset, actor, "approve", row, grant=grant.pk, expires_at=grant.expires_at)
    return grant


@transaction.atomic
def reject(*, application: Application, actor: User, note: str, at: datetime | None = None) -> Application:
    """Decline what was asked for, with a reason that the applicant reads, and return the application. Raises as `approve` does."""
    note = check_text(note, "note", required=True)
    row, asset = _judged(application, actor)
    if not row.reject(decider=actor, note=note, at=at or timezone.now()):
        raise decided(row)
    news.tell_decided(row, asset, actor)
    _record(asset, actor, "reject", row, reason=note)
    return row


def decide_many(
    *,
    actor: User,
    ids: Sequence[int],
    decision: str,
    days: int | str | None = DEFAULT,
    note: str = "",
    at: datetime | None = None,
) -> Outcome:
    """Approve or reject (`decision`) several applications, each on its own, and return which went through and why others did not."""
    if decision not in ("approve", "reject"):
        raise invalid({"decision": [_("Choose approve or reject.")]})
    check_text(note, "note", required=decision == "reject")
    if days != DEFAULT:
        check_days(days)

    def decide(pk: int) -> None:
        row = Application.objects.for_user(actor).filter(pk=pk).first()
        if row is None:
            raise missing()
        if decision == "approve":
            approve(application=row, actor=actor, days=days, note=note, at=at)
        else:
            reject(application=row, actor=actor, note=note, at=at)

    return each_of(ids, decide)


def decided(application: Application) -> Conflict:
    """Return the refusal of a step on an application that is decided, with the decision that stands."""
    application.refresh_from_db(fields=["state", "decider", "decided_at"])
    facts = {"state": application.get_state_display(), "name": application.decider.name if application.decider else "-"}
    sentence = _("This is decided already: %(state)s (%(name)s). Load the page again.") % facts
    stands = {
        "state": application.state,
        "decider": application.decider.handle if application.decider else None,
        "decided_at": application.decided_at,
    }
    return Conflict("application_decided", sentence, extra=stands)


def missing() -> Missing:
    """Return the problem of an application that is not there, or not for this viewer."""
    return Missing("application_not_found", _("There is no such application, or you may not see it."))


def _former(asset: Asset, actor: User, renews: Grant | None) -> Grant | None:
    """Return the grant that is to be renewed as it is now."""
    if renews is None:
        return None
    row = Grant.objects.filter(pk=renews.pk, asset=asset, user=actor).first()
    if row is None or row.expires_at is None or row.state not in (Grant.State.ACTIVE, Grant.State.EXPIRED):
        raise Conflict("nothing_to_renew", _("This grant has no end, or was revoked or renewed. There is nothing to renew."))
    return row


def _check_use(asset: Asset, former: Grant | None, at: datetime) -> None:
    """Refuse an application for what the viewer may use without one."""
    if asset.availability == Asset.Availability.FREE and asset.state == Asset.State.PUBLISHED:
        raise Conflict("free_to_use", _("It is free to use. You need not apply."))
    if "download" not in asset.allowed:
        require(asset, "apply")
    elif former is not None and former.lets_in(at):
        require(asset, "subscribe")
    else:
        raise Conflict("already_allowed", _("You may use it already."))


def _was_revoked(asset: Asset, user: User) -> bool:
    """Whether somebody took the last grant of `user` back: no rule gives it again, a person has to decide."""
    last = Grant.objects.filter(asset=asset, user=user).order_by("-pk").first()
    return last is not None and last.state == Grant.State.REVOKED


def _checked(terms: AccessTerms, reason: Any, answers: Any, agreement_version: int) -> dict[str, Any]:
    """Return the columns of an application that fits the terms."""
    errors: dict[str, list[str]] = {}
    try:
        reason = check_text(reason, "reason", required=True)
    except Problem as problem:
        errors |= problem.errors  # type: ignore[arg-type]
    found, wrong = check_answers(terms.questions, answers)
    errors |= wrong
    if terms.agreement and not agreement_version:
        errors["agreement"] = [_("Accept the agreement to go on.")]
    if errors:
        raise invalid(errors)
    if terms.agreement and agreement_version != terms.agreement_version:
        sentence = _("The agreement has changed since you read it. Read it again and accept it.")
        raise Conflict("agreement_changed", sentence, errors={"agreement": [sentence]}, extra={"version": terms.agreement_version})
    accepted = {"agreement": terms.agreement, "agreement_version": terms.agreement_version} if terms.agreement else {}
    return {"reason": reason, "answers": found, "questions": terms.questions, **accepted}


def _created(asset: Asset, actor: User, former: Grant | None, values: dict[str, Any], at: datetime) -> Application:
    try:
        with transaction.atomic():
            return Application.objects.create(asset=asset, applicant=actor, renews=former, created_at=at, **values)
    except IntegrityError as error:
        if getattr(getattr(error.__cause__, "diag", None), "constraint_name", "") != OPEN_ONCE:
            raise
        raise Conflict("application_open", _("You have applied already. Wait for the decision, or withdraw it first.")) from error


def _settle(row: Application, asset: Asset, decider: User | None, *, note: str, days: int | None, source: str, at: datetime) -> Grant:
    """Approve the application and make its grant."""
    if not row.approve(decider=decider, note=note, at=at):
        raise decided(row)
    return put_grant(asset=asset, user=row.applicant, source=source, days=days, granter=decider, at=at, application=row)


def _judged(application: Application, actor: User) -> tuple[Application, Asset]:
    """Return the application as it is now, held, and its asset, for a decision by `actor`."""
    row, asset = _read(application, actor, "decide")
    if row.applicant_id == actor.pk:
        raise Forbidden("own_application", _("This is your own application. Somebody else has to decide."))
    return row, asset


def _read(application: Application, actor: User, verb: str) -> tuple[Application, Asset]:
    """Return the application as it is now, held, and its asset; the applicant need not see the asset any more."""
    lock(application.asset_id)
    rows = Application.objects.for_user(actor).select_related("asset__namespace", "applicant", "decider")
    row = rows.filter(pk=application.pk).first()
    if row is None:
        raise missing()
    require(row, verb)
    return row, row.asset


def _record(asset: Asset, actor: User | None, verb: str, row: Application, **details: Any) -> None:
    record(
        actor=actor, verb=verb, target_kind="application", target_id=row.pk, target=asset.repo_id,
        asset=asset.pk, applicant=row.applicant.handle, **details,
    )  # fmt: skip

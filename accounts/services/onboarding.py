"""Onboarding, and changing the address of an account: both prove an address with a code."""

from collections.abc import Sequence
from datetime import datetime

from allauth.account.models import EmailAddress
from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from accounts.models import Agreement, EmailCode, User
from accounts.services.agreements import accept_agreements, has_accepted, missing_agreements
from accounts.services.audit import record
from accounts.services.codes import check_code, post_quietly, use_up
from accounts.services.handles import claiming
from accounts.services.profiles import check_profile, edit_profile
from core.problems import Conflict, Forbidden, Problem

ONBOARDING_KINDS = (Agreement.Kind.PUBLISHING.value, Agreement.Kind.SERVICE.value)


def is_onboarded(user: User) -> bool:
    """Say whether `user` has a nickname, a proven address, and agreed to the current versions of both agreements."""
    return user.onboarded_at is not None and has_accepted(user, *ONBOARDING_KINDS)


def require_onboarded(user: User) -> None:
    """Raise `Forbidden` unless `user` is onboarded; pages send people to `/welcome` before (`accounts.onboarding`)."""
    if not is_onboarded(user):
        sentence = _(
            "This needs the onboarding: a display name, a confirmed email and two agreements. Open the page “Welcome to AI Gallery”."
        )
        raise Forbidden("onboarding_required", sentence, extra={"location": "/welcome"})


def onboard(
    *, actor: User, nickname: str, email: str, code: str, agreements: Sequence[Agreement], news: bool = False, at: datetime | None = None
) -> None:
    """Finish the onboarding of `actor`: nickname, address proven by `code`, both agreements in their current versions.

    Call it outside a transaction, as `check_code`. Where anything is refused nothing is written, but a wrong code costs a try.
    """
    now, nickname = at or timezone.now(), nickname.strip()
    person: User = User.objects.for_user(actor).get(pk=actor.pk)
    if person.onboarded_at is not None:
        raise Conflict("already_onboarded", _("Your onboarding is finished already."))
    if not nickname:
        sentence = _("Choose a display name; others see it beside what you publish.")
        raise Problem("invalid", sentence, errors={"nickname": [sentence]})
    check_profile(person, nickname=nickname)
    check_agreed(actor, agreements)
    proof = check_code(actor=actor, purpose=EmailCode.Purpose.ONBOARDING, email=email, code=code, at=now)
    with transaction.atomic():
        use_up(proof, now)
        former = _take_address(actor, proof.email)
        edit_profile(user=person, actor=actor, nickname=nickname, news=news)
        if not User.objects.filter(pk=actor.pk, onboarded_at=None).update(onboarded_at=now):
            raise Conflict("already_onboarded", _("Your onboarding is finished already."))
        actor.onboarded_at = now
        accept_agreements(user=actor, agreements=agreements)
        record(actor=actor, verb="onboard", target_kind="user", target_id=actor.pk, target=actor.handle, email_changed=bool(former))
    _tell_former(actor, former)


def renew_agreements(*, actor: User, agreements: Sequence[Agreement]) -> None:
    """Accept the newer versions that somebody who is onboarded is asked for: all of them, or none."""
    check_agreed(actor, agreements)
    accept_agreements(user=actor, agreements=agreements)


def check_agreed(user: User, agreements: Sequence[Agreement]) -> None:
    """Raise unless `agreements` hold everything that `user` must still agree to for the onboarding."""
    agreed = {agreement.pk for agreement in agreements}
    if any(agreement.pk not in agreed for agreement in missing_agreements(user, *ONBOARDING_KINDS)):
        sentence = _("Read both agreements and agree to them.")
        raise Problem("agreements_missing", sentence, errors={"agreements": [sentence]})


def change_email(*, actor: User, email: str, code: str, at: datetime | None = None) -> None:
    """Make `email`, proven by `code`, the one address of `actor`; the former address is told.

    Call it outside a transaction, as `check_code`. Raises `Conflict` with a message for the field `email` where it belongs to
    another account.
    """
    now = at or timezone.now()
    proof = check_code(actor=actor, purpose=EmailCode.Purpose.CHANGE, email=email, code=code, at=now)
    with transaction.atomic():
        use_up(proof, now)
        former = _take_address(actor, proof.email)
        record(actor=actor, verb="change_email", target_kind="user", target_id=actor.pk, target=actor.handle)
    _tell_former(actor, former)


def has_confirmed_email(user: User) -> bool:
    """Say whether `user` has proven that the address of the account is theirs."""
    return bool(EmailAddress.objects.filter(user=user.pk, email__iexact=user.email, verified=True).exists())


def _take_address(actor: User, email: str) -> str:
    """Make `email` the only address of `actor`, confirmed, also for allauth; return the former address where it was another."""
    former = User.objects.select_for_update(no_key=True, of=("self",)).get(pk=actor.pk).email
    with claiming(actor.handle):
        User.objects.filter(pk=actor.pk).update(email=email)
        EmailAddress.objects.filter(user=actor.pk).delete()
        EmailAddress.objects.create(user=actor, email=email, verified=True, primary=True)
    actor.email = email
    return former if former.lower() != email.lower() else ""


def _tell_former(actor: User, former: str) -> None:
    if former:
        with translation.override(actor.language or translation.get_language()):
            post_quietly("email_changed", former, name=actor.name, email=_veiled(actor.email))


def _veiled(email: str) -> str:
    """Return an address as its owner knows it again and nobody else learns it: `a…@example.com`."""
    name, _at, host = email.partition("@")
    return f"{name[:1]}…@{host}"

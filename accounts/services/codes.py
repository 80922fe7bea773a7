"""Codes that prove an address: sent by mail, good for ten minutes, five tries and one use."""

import hmac
import logging
import secrets
from datetime import datetime, timedelta

from django.conf import settings
from django.core.cache import cache
from django.core.mail import send_mail
from django.db import transaction
from django.db.models import F
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import EmailCode, User
from accounts.models.agreements import GOOD_FOR
from accounts.services.audit import address_of, record
from accounts.services.handles import email_taken
from core.problems import Conflict, Forbidden, Problem
from core.requests import origin

logger = logging.getLogger(__name__)

DAY = timedelta(days=1)
MOST_TRIES = 5
MOST_A_DAY = 10
"""Codes of one person in 24 hours: with five tries each, a guesser hits one of a million numbers once in 20,000 days."""
HOURLY = {"user": 30, "ip": 100}
"""Requests for codes in an hour, the refused ones too, so that nobody asks which addresses have an account."""


def send_code(*, actor: User, purpose: str, email: str, at: datetime | None = None) -> EmailCode:
    """Send a new code for `email` to that address, in the language of the request; a former code of `purpose` counts no more.

    Call it outside a transaction: the code is kept before the mail leaves, whatever becomes of the mail.
    """
    now, email, code = at or timezone.now(), email.lower(), f"{secrets.randbelow(10**6):06}"
    _refuse_too_many(actor)
    refuse_token(actor, email)
    with transaction.atomic():
        User.objects.select_for_update(no_key=True, of=("self",)).get(pk=actor.pk)
        if User.objects.filter(email__iexact=email).exclude(pk=actor.pk).exists():
            raise email_taken()
        _refuse_too_soon(actor, now)
        row = EmailCode(user=actor, purpose=purpose, email=email, created_at=now)
        row.digest = _digest(row, code)
        row.save()
        EmailCode.objects.filter(user=actor, created_at__lte=now - DAY).delete()
        record(actor=actor, verb="send_email_code", target_kind="user", target_id=actor.pk, target=actor.handle, purpose=purpose)
    mail = "code_onboarding" if purpose == EmailCode.Purpose.ONBOARDING else "code_change"
    try:
        _post(mail, email, name=actor.name, code=code, minutes=GOOD_FOR // timedelta(minutes=1))
    except OSError as error:  # smtplib's errors are OSErrors
        logger.warning("The mail with a code could not be sent: %s", error)
        sentence = _("The mail could not be sent. Check the address and try again in a minute; if it fails again, ask an administrator.")
        raise at_field("email", Problem("mail_failed", sentence, status=502)) from error
    return row


def check_code(*, actor: User, purpose: str, email: str, code: str, at: datetime | None = None) -> EmailCode:
    """Return the code that `actor` typed, proven right; it is not used up yet. Each call takes one of its five tries.

    Call it outside a transaction: a try that went wrong must stay counted. Raises `Problem` with a message for the field `code`.
    """
    now, email = at or timezone.now(), email.lower()
    refuse_token(actor, email)
    row = EmailCode.objects.filter(user=actor, purpose=purpose).order_by("-pk").first()
    if row is None or row.email.lower() != email:
        raise at_field("code", Problem("code_not_sent", _("No code was sent to this address. Choose “Send code” first.")))
    if row.used_at is not None:
        raise code_used()
    if now >= row.expires_at:
        raise at_field("code", Problem("code_expired", _("This code has expired. Send a new one.")))
    # The try is taken before the code is compared, so that many at once have no more than five between them.
    if not EmailCode.objects.filter(pk=row.pk, tries__lt=MOST_TRIES).update(tries=F("tries") + 1):
        raise at_field("code", Problem("code_tries", _("There were too many wrong tries with this code. Send a new one.")))
    if not hmac.compare_digest(row.digest, _digest(row, code)):
        left = max(0, MOST_TRIES - row.tries - 1)
        sentence = ngettext("This is not the code. %(left)s try is left.", "This is not the code. %(left)s tries are left.", left)
        raise at_field("code", Problem("code_wrong", sentence % {"left": left}))
    return row


def use_up(row: EmailCode, at: datetime) -> None:
    """Use a checked code up, inside the transaction of what it allows; raises `Conflict` where another request was faster."""
    if not EmailCode.objects.filter(pk=row.pk, used_at=None).update(used_at=at):
        raise code_used()


def code_used() -> Problem:
    """Return the problem of a code that has done its work."""
    return at_field("code", Conflict("code_used", _("This code has been used. Send a new one.")))


def refuse_token(actor: User, email: str) -> None:
    """Raise where a program wants another address for its person: who has the address can take the account over."""
    if actor.token is not None and email != actor.email.lower():
        raise Forbidden("sign_in_required", _("An access token cannot change the email address. Sign in on the site and change it there."))


def post_quietly(mail: str, receiver: str, /, **facts: object) -> None:
    """Send a mail that nothing depends on; a failure is logged."""
    try:
        _post(mail, receiver, **facts)
    except OSError as error:
        logger.warning("The mail “%s” could not be sent: %s", mail, error)


def _post(mail: str, receiver: str, /, **facts: object) -> None:
    text = render_to_string(f"accounts/mail/{mail}.txt", {"gallery": settings.PUBLIC_URL, **facts})
    subject, _blank, body = text.strip().partition("\n")
    send_mail(subject, body.strip() + "\n", None, [receiver])


def _digest(row: EmailCode, code: str) -> str:
    """Return the stored form of a code: keyed, so that a copy of the table is not enough to try all million of them."""
    told = f"{row.user_id}:{row.purpose}:{row.email}:{row.created_at.isoformat()}:{code}"
    return salted_hmac("accounts.email_code", told, algorithm="sha256").hexdigest()


def at_field(field: str, problem: Problem) -> Problem:
    """Return `problem` with its sentence at a field of the form."""
    problem.errors[field] = [problem.detail]
    return problem


def _refuse_too_many(actor: User) -> None:
    for name, who in (("user", actor.pk), ("ip", address_of(origin().ip))):
        key = f"email-codes:{name}:{who}"
        if who and not cache.add(key, 1, 3600) and cache.incr(key) > HOURLY[name]:
            raise _too_many()


def _refuse_too_soon(actor: User, now: datetime) -> None:
    sent = list(EmailCode.objects.filter(user=actor, created_at__gt=now - DAY).order_by("-created_at"))
    if len(sent) >= MOST_A_DAY:
        raise _too_many()
    if sent and now < sent[0].resend_at:
        wait = -(-(sent[0].resend_at - now) // timedelta(seconds=1))
        sentence = ngettext(
            "A code was sent a moment ago. Wait %(seconds)s second before you send another.",
            "A code was sent a moment ago. Wait %(seconds)s seconds before you send another.",
            wait,
        ) % {"seconds": wait}
        raise at_field("email", Problem("code_too_soon", sentence, status=429, extra={"retry_after": wait}))


def _too_many() -> Problem:
    return at_field("email", Problem("too_many_codes", _("Too many codes were sent. Try again tomorrow."), status=429))

"""Sending notices by mail: each once, by whichever worker comes first."""

import logging
import smtplib
from datetime import datetime

from django.core.mail import EmailMessage
from django.db import connection, transaction
from django.utils import timezone

from accounts import notices
from accounts.mailing import digest_mail, notice_mail
from accounts.models import Notification, User
from accounts.services.notices import mail_choices, reachable_by_mail

logger = logging.getLogger(__name__)


class NotSent(Exception):
    """The mail server did not take a mail; a later try may help."""


@transaction.atomic
def send_notice_mail(pk: int, *, at: datetime | None = None) -> bool:
    """Send the mail of a notice that waits for it; False means that another worker is at it right now.

    Whoever wants no mail by now gets none. Raises `NotSent`; the notice then waits on.
    """
    if not _alone(f"mail:{pk}"):
        return False
    row = Notification.objects.select_related("receiver").filter(pk=pk, mail=Notification.Mail.DUE).first()
    if row is not None:
        _close([row], _wanted(row.receiver, [row]) != [] and _send(notice_mail(row)), at)
    return True


@transaction.atomic
def send_digest_mail(receiver: int, *, until: datetime, at: datetime | None = None) -> bool:
    """Send one mail with all that waited for the digest before `until`; otherwise like `send_notice_mail`."""
    if not _alone(f"digest:{receiver}"):
        return False
    rows = list(Notification.objects.for_digest(until).filter(receiver=receiver).select_related("receiver").order_by("pk"))
    wanted = _wanted(rows[0].receiver, rows) if rows else []
    sent = wanted != [] and _send(digest_mail(wanted[0].receiver, wanted))
    _close(wanted, sent, at)
    _close([row for row in rows if row not in wanted], False, at)
    return True


def _alone(task: str) -> bool:
    """Say whether this transaction is the only one at `task`.

    A lock of its own and not one on the rows: their receiver may read them while the mail server takes its time.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", [task])
        return bool(cursor.fetchone()[0])


def _wanted(receiver: User, rows: list[Notification]) -> list[Notification]:
    """Return the rows that `receiver` wants as mail now; the choice may have changed since they were told."""
    if receiver.pk not in reachable_by_mail([receiver.pk]):
        return []
    kinds = {row.kind: kind for row in rows if (kind := notices.kind_of(row.kind))}
    choices = mail_choices([receiver.pk], kinds.values())
    return [row for row in rows if choices.get((receiver.pk, row.kind)) != "never"]


def _send(mail: EmailMessage) -> bool:
    """Send a mail; False means that its address does not exist, so that no repeat will help."""
    try:
        mail.send()
    except smtplib.SMTPRecipientsRefused as error:
        if all(500 <= code < 600 for code, _words in error.recipients.values()):
            logger.warning("the mail server refuses the address of %s for good", mail.extra_headers["Message-ID"])
            return False
        raise NotSent(str(error)) from error
    except (smtplib.SMTPException, OSError) as error:
        raise NotSent(f"{type(error).__name__}: {error}") from error
    return True


def _close(rows: list[Notification], sent: bool, at: datetime | None) -> None:
    """Note what became of the mail of `rows`."""
    state, moment = (Notification.Mail.SENT, at or timezone.now()) if sent else (Notification.Mail.NONE, None)
    Notification.objects.filter(pk__in=[row.pk for row in rows], mail__in=["due", "digest"]).update(mail=state, mailed_at=moment)

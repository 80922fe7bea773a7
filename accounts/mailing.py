"""What notices look like as mail, in the language of the person who gets it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.text import Truncator
from django.utils.translation import ngettext

from accounts import notices
from accounts.models import Notification, User
from core.numbers import date_and_time

SUBJECT, LISTED = 150, 100
"""Characters of a subject; notices that one digest spells out."""


def notice_mail(row: Notification) -> EmailMultiAlternatives:
    """Return the mail of one notice, whose `receiver` is loaded. A repeat has the same Message-ID."""
    with translation.override(language_of(row.receiver)):
        mark = f"notice-{row.pk}-{int(row.created_at.timestamp() * 1000)}"
        return _mail(row.receiver, row.sentence, "notice", mark, {"row": row, "link": absolute(row.url)})


def digest_mail(receiver: User, rows: Sequence[Notification]) -> EmailMultiAlternatives:
    """Return one mail of all `rows`, oldest first under their headings. The same rows make the same Message-ID."""
    with translation.override(language_of(receiver)):
        subject = ngettext("%(count)s notice from AI Gallery", "%(count)s notices from AI Gallery", len(rows)) % {"count": len(rows)}
        mark = f"digest-{receiver.pk}-{rows[0].pk}-{rows[-1].pk}-{len(rows)}"
        sections = groupby(sorted(rows[:LISTED], key=_heading), key=_heading)
        listed = [(heading, [(row, date_and_time(row.created_at), absolute(row.url)) for row in found]) for heading, found in sections]
        facts = {"sections": listed, "more": len(rows[LISTED:]), "inbox": absolute("/me/inbox")}
        return _mail(receiver, subject, "digest", mark, facts)


def _heading(row: Notification) -> str:
    kind = notices.kind_of(row.kind)
    return str(kind.group) if kind else ""


def language_of(user: User) -> str:
    """Return the language that `user` chose, else that of the gallery."""
    return user.language or settings.LANGUAGE_CODE


def absolute(path: str) -> str:
    """Return the whole address of a path of this site, empty for an empty one."""
    return f"{settings.PUBLIC_URL}{path}" if path else ""


def last_digest_time(at: datetime | None = None) -> datetime:
    """Return the latest moment, up to `at`, at which the day's digest was due: `DIGEST_HOUR` in the site's time zone."""
    local = timezone.localtime(at, timezone.get_default_timezone())
    due = local.replace(hour=settings.DIGEST_HOUR, minute=0, second=0, microsecond=0)
    return due if due <= local else due - timedelta(days=1)


def _mail(receiver: User, subject: str, template: str, mark: str, facts: dict[str, Any]) -> EmailMultiAlternatives:
    switches = absolute("/me/notices")
    host = urlsplit(settings.PUBLIC_URL).hostname or "localhost"
    facts = {**facts, "receiver": receiver, "subject": subject, "switches": switches}
    mail = EmailMultiAlternatives(
        subject=Truncator(notices.seemly(subject)).chars(SUBJECT),
        body=render_to_string(f"mail/{template}.txt", facts).strip() + "\n",
        to=[receiver.email],
        headers={
            "Message-ID": f"<{mark}@{f'[{host}]' if ':' in host else host}>",
            "List-Unsubscribe": f"<{switches}>",
            "Auto-Submitted": "auto-generated",
            "Content-Language": "zh-Hans" if language_of(receiver).startswith("zh") else "en",
        },
    )
    mail.attach_alternative(render_to_string(f"mail/{template}.html", facts), "text/html")
    return mail

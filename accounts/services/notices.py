"""Telling people what happened, and what they have read of it."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from allauth.account.models import EmailAddress
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import notices
from accounts.models import NoticeSetting, Notification, User
from accounts.services.audit import record
from accounts.services.handover import hand_over
from core.permissions import require
from core.problems import Problem

KEPT = timedelta(days=180)
PROMPT = 50
"""Up to so many mails of one event are handed over one by one; more of them wait for the next round of the worker."""


@transaction.atomic
def notify(*, receivers: Iterable[User], kind: str, key: str, url: str = "", actor: User | None = None, **facts: Any) -> int:
    """Tell `receivers` something once, as part of the caller's transaction, and return how many had not been told yet.

    `kind` is registered in `accounts.notices`, `facts` fill its sentence: plain data, moments in ISO form; `actor` becomes the fact
    of that name. A receiver who was told `key` before is left out, and so is an account that is switched off. `url` is a path of this
    site. Mail follows the receiver's switches.
    """
    known = notices.kind_of(kind)
    if known is None or not key or len(key) > 200:
        raise ValueError(f"{kind} is not a registered kind of notice, or its key {key!r} does not fit")
    if url and (not url.startswith("/") or url.startswith(("//", "/\\")) or len(url) > 500):
        raise ValueError(f"{url!r} is not a path of this site")
    people = {user.pk: user for user in User.objects.filter(pk__in={user.pk for user in receivers}, is_active=True)}
    if actor is not None:
        facts["actor"] = actor.name
    ways = mail_choices(people, [known])
    reachable = reachable_by_mail(people)
    rows = [(pk, _first_state(ways[pk, kind]) if pk in reachable else Notification.Mail.NONE) for pk in sorted(people)]
    new = _insert(rows, kind=kind, key=key, url=url, actor=actor, facts=facts)
    due = [pk for pk, mail in new if mail == Notification.Mail.DUE]
    for pk in due if len(due) <= PROMPT else ():
        hand_over("mail", pk)
    return len(new)


def _first_state(way: str) -> str:
    return {"now": Notification.Mail.DUE, "daily": Notification.Mail.DIGEST}.get(way, Notification.Mail.NONE).value


def _insert(
    rows: list[tuple[int, str]], *, kind: str, key: str, url: str, actor: User | None, facts: Mapping[str, Any]
) -> list[tuple[int, str]]:
    """Write a notice per receiver and return the id and mail state of those that are new.

    In SQL, because `bulk_create` cannot tell which rows were there already. In the order of receivers, so that two events with one
    key wait for each other instead of locking each other out.
    """
    table, content = Notification._meta.db_table, json.dumps(_storable(facts), cls=DjangoJSONEncoder)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} (receiver_id, mail, actor_id, kind, key, url, facts, created_at)"
            " SELECT receiver, mail, %s, %s, %s, %s, %s::jsonb, %s FROM unnest(%s::bigint[], %s::text[]) AS told (receiver, mail)"
            " ON CONFLICT (receiver_id, key) DO NOTHING RETURNING id, mail",
            [
                actor.pk if actor else None, kind, key, url, content, timezone.now(),
                [pk for pk, _mail in rows], [str(mail) for _pk, mail in rows],
            ],
        )  # fmt: skip
        return [(pk, mail) for pk, mail in cursor.fetchall()]


def _storable(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _storable(found) for name, found in value.items()}
    if isinstance(value, list | tuple):
        return [_storable(found) for found in value]
    return notices.seemly(value)[:500] if isinstance(value, str) else value


def mail_choices(user_ids: Iterable[int], kinds: Iterable[notices.NoticeKind]) -> dict[tuple[int, str], str]:
    """Return `now`, `daily` or `never` by user id and kind: what each person chose, else what the kind proposes."""
    ids, kinds = list(user_ids), list(kinds)
    chosen = NoticeSetting.objects.filter(user__in=ids, kind__in=[kind.code for kind in kinds]).values_list("user_id", "kind", "mail")
    proposed = {(pk, kind.code): kind.mail for pk in ids for kind in kinds}
    return proposed | {(pk, kind): mail for pk, kind, mail in chosen}


def reachable_by_mail(user_ids: Iterable[int]) -> set[int]:
    """Return which of these users get mail at all: active, switched on, and at an address that is proven to be theirs."""
    proven = EmailAddress.objects.alias(own=Lower("user__email"), given=Lower("email")).filter(own=F("given"), verified=True)
    wanted = User.objects.filter(pk__in=list(user_ids), is_active=True, email_notifications=True)
    return set(wanted.filter(pk__in=proven.values("user")).values_list("pk", flat=True))


def unread_count(user: Any) -> int:
    """Return how many notices `user` has not read: one count on a partial index."""
    return Notification.objects.for_user(user).unread().count() if user.is_authenticated else 0


def mark_read(*, notification: Notification, user: User, read: bool = True, at: datetime | None = None) -> None:
    """Note that `user` has read a notice of theirs, or wants to see it as unread again; the first reading counts."""
    mine = Notification.objects.for_user(user).filter(pk=notification.pk)
    if read:
        mine.unread().update(read_at=at or timezone.now())
    else:
        mine.update(read_at=None)
    notification.read_at = mine.values_list("read_at", flat=True).first()


def mark_all_read(*, user: User, until: int | None = None, at: datetime | None = None) -> int:
    """Note that `user` has read everything, or all up to the notice with the id `until`, and return how many notices that were."""
    rows = Notification.objects.for_user(user).unread()
    if until is not None:
        rows = rows.filter(pk__lte=until)
    return rows.update(read_at=at or timezone.now())


@transaction.atomic
def set_notice_mail(*, user: User, actor: User, choices: Mapping[str, str]) -> None:
    """Choose by kind when mail is sent; `user` is read for `actor`. A kind set to "" follows its proposal again."""
    require(user, "edit")
    kinds = {code: notices.kind_of(code) for code in choices}
    wrong = {code: [_("Choose one of now, daily, never.")] for code, way in choices.items() if way not in (*notices.WAYS, "")}
    wrong |= {code: [_("There is no such kind of notice.")] for code, kind in kinds.items() if kind is None}
    if wrong:
        raise Problem("bad_notice_setting", _("Some kinds of notices cannot be set like this; see the messages by kind."), errors=wrong)
    User.objects.select_for_update(no_key=True).filter(pk=user.pk).first()
    stored = dict(NoticeSetting.objects.filter(user=user.pk, kind__in=choices).values_list("kind", "mail"))
    changed = sorted(code for code, way in choices.items() if stored.get(code, "") != way)
    if not changed:
        return
    NoticeSetting.objects.filter(user=user.pk, kind__in=changed).delete()
    NoticeSetting.objects.bulk_create([NoticeSetting(user_id=user.pk, kind=code, mail=choices[code]) for code in changed if choices[code]])
    record(actor=actor, verb="edit", target_kind="user", target_id=user.pk, target=user.handle, fields=["notices"], kinds=changed)


def trim_notices(*, at: datetime | None = None) -> int:
    """Remove notices that were read half a year ago and return how many; unread ones stay, and so do those that mail waits for."""
    ripe = Notification.objects.filter(read_at__lte=(at or timezone.now()) - KEPT).exclude(mail__in=["due", "digest"])
    removed, _by_model = ripe.delete()
    return removed

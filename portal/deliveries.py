"""What leaves the house: rows that the accounts room hands over become jobs, and what a job did not bring out is picked up again."""

from datetime import datetime, timedelta
from typing import TypeVar

from django.db import models
from django.db.models import Exists, OuterRef, QuerySet, Value
from django.db.models.functions import Cast, Concat
from django.utils import timezone

from accounts.mailing import last_digest_time
from accounts.models import Notification, WebhookDelivery
from accounts.services import deliver, prune_deliveries, send_digest_mail, send_notice_mail, trim_notices
from accounts.services.handover import carry
from accounts.services.mail import NotSent
from jobs.models import Job
from jobs.services import JobError, enqueue, handler, recurring

Row = TypeVar("Row", bound=models.Model)
ROUND = 500
"""Jobs that one round starts at most."""
ELSEWHERE = timedelta(seconds=30)
"""When to look again at what another worker was at: it may have died there."""
OUTGOING = ("accounts.mail", "accounts.digest_mail", "accounts.webhook")
KEPT = timedelta(days=30)
PATIENT, LONGEST = timedelta(minutes=15), timedelta(hours=1)


def hand_to_worker(sort: str, key: int) -> None:
    """Make the job `accounts.<sort>` that brings the row `key` out; the row waits until it did."""
    enqueue(kind=f"accounts.{sort}", params={"id": key}, dedupe_key=f"{sort}:{key}")


carry(hand_to_worker)


@handler("accounts.mail")
def mail(job: Job) -> timedelta | None:
    """Send the mail of one notice."""
    try:
        return None if send_notice_mail(job.params["id"]) else ELSEWHERE
    except NotSent as error:
        raise JobError(str(error), retry=True) from error


@handler("accounts.digest_mail")
def digest_mail(job: Job) -> timedelta | None:
    """Send one person the digest of a day."""
    try:
        return None if send_digest_mail(job.params["id"], until=datetime.fromisoformat(job.params["until"])) else ELSEWHERE
    except NotSent as error:
        raise JobError(str(error), retry=True) from error


@recurring("accounts.mails", every=timedelta(minutes=1))
def mails(job: Job) -> None:
    """Start the mails that no job is at: those of a large event, and those whose job gave up."""
    start_mails()


def start_mails(at: datetime | None = None) -> int:
    """Make a job for each notice that waits for mail without one, and return how many; the longer it waits, the later the next try."""
    now = at or timezone.now()
    waiting = list(_without_job(Notification.objects.due(), "mail:", "pk").order_by("pk").values_list("pk", "created_at")[:ROUND])
    for pk, created_at in waiting:
        enqueue(kind="accounts.mail", params={"id": pk}, dedupe_key=f"mail:{pk}", due_at=_after(now - created_at, now))
    return len(waiting)


def _after(age: timedelta, now: datetime) -> datetime:
    return now + (min(age / 4, LONGEST) if age > PATIENT else timedelta(0))


@recurring("accounts.digest", every=timedelta(minutes=10))
def digest(job: Job) -> None:
    """Start the digests of the day once its hour has come."""
    start_digests()


def start_digests(at: datetime | None = None) -> int:
    """Make a job for each person with notices from before the latest digest hour, and return how many."""
    until = last_digest_time(at)
    rows = _without_job(Notification.objects.for_digest(until), "digest:", "receiver")
    receivers = list(rows.order_by("receiver").values_list("receiver", flat=True).distinct()[:ROUND])
    for pk in receivers:
        enqueue(kind="accounts.digest_mail", params={"id": pk, "until": until.isoformat()}, dedupe_key=f"digest:{pk}")
    return len(receivers)


@recurring("accounts.trim_notices", every=timedelta(days=1))
def trim(job: Job) -> None:
    """Remove notices that were read long ago, and the jobs that brought something out."""
    trim_notices()
    trim_jobs()


def trim_jobs(at: datetime | None = None) -> int:
    """Remove the jobs that brought a mail or an event out longer than `KEPT` ago, and return how many; the log of deliveries stays."""
    rows = Job.objects.filter(kind__in=OUTGOING, state=Job.State.DONE, finished_at__lt=(at or timezone.now()) - KEPT)
    return rows.delete()[0]


@handler("accounts.webhook")
def webhook(job: Job) -> timedelta | None:
    """Try once to bring an event to a webhook; after a failure the delivery's own wait decides when to look again."""
    return deliver(delivery_id=job.params["id"])


@recurring("accounts.webhooks", every=timedelta(minutes=1))
def webhooks(job: Job) -> None:
    """Start the deliveries that no job is at: their job gave up on a defect of ours."""
    start_webhooks()


def start_webhooks(at: datetime | None = None) -> int:
    """Make a job for each delivery that waits without one, and return how many; the longer it waits, the later the next try."""
    now = at or timezone.now()
    waiting = list(_without_job(WebhookDelivery.objects.filter(state="queued"), "webhook:", "pk").order_by("pk")[:ROUND])
    for row in waiting:
        due_at = max(row.next_try_at or now, _after(now - row.created_at, now))
        enqueue(kind="accounts.webhook", params={"id": row.pk}, dedupe_key=f"webhook:{row.pk}", due_at=due_at)
    return len(waiting)


@recurring("accounts.trim_deliveries", every=timedelta(days=1))
def trim_deliveries(job: Job) -> None:
    """Remove deliveries that ended long ago."""
    prune_deliveries()


def _without_job(rows: QuerySet[Row], prefix: str, field: str) -> QuerySet[Row]:
    """Return the rows whose `field` no active job names in its key."""
    key = Concat(Value(prefix), Cast(OuterRef(field), models.CharField()))
    return rows.filter(~Exists(Job.objects.active().filter(dedupe_key=key)))

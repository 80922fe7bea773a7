"""Enqueueing and running jobs."""

import logging
import traceback
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.services import authorise, record
from core.problems import Conflict
from core.requests import Origin, working
from jobs.models import LEASE, Job

logger = logging.getLogger(__name__)

Handler = Callable[[Job], timedelta | None]
HANDLERS: dict[str, Handler] = {}
RECURRING: set[str] = set()
QUEUES: dict[str, str] = {}
"""The queue of each kind of job that has workers of its own."""
LEASES: dict[str, timedelta] = {}
"""The lease of each kind of job whose turns are too short for the usual one."""
Listener = Callable[[Job], None]
_LISTENERS: list[Listener] = []
BACKGROUND = 7
"""Jobs of this priority and lower ones, which are higher numbers, run in the background."""
RING_SECONDS = 60
"""How long a worker may take to hear; after that the sweep has rung again."""
RIVALS = 20
"""How many jobs a worker tries to claim that others claim at the same moment; after that the next ring finds more."""
SOON = timedelta(seconds=30)
"""The next turn of a job within this time is rung for at once, to be heard then; a later one is the sweep's."""


class JobError(Exception):
    """A handler's readable failure; `retry` says whether another try can help."""

    def __init__(self, message: str, *, retry: bool = False) -> None:
        super().__init__(message)
        self.retry = retry


def handler(kind: str, *, queue: str = "", lease: timedelta | None = None) -> Callable[[Handler], Handler]:
    """Register a function as the handler of jobs of `kind`, which workers of `queue` do where it is given.

    `lease` is how long a turn may take without a beat until another worker does it again, a minute unless told otherwise.

    It gets the claimed job, does one short step and returns None (done) or a timedelta (look again then). It may run more
    than once for the same step, so it looks first at what already exists.
    """

    def register(function: Handler) -> Handler:
        HANDLERS[kind] = function
        if queue:
            QUEUES[kind] = queue
        if lease is not None:
            LEASES[kind] = lease
        return function

    return register


def recurring(
    kind: str, *, every: timedelta, queue: str = "", lease: timedelta | None = None
) -> Callable[[Callable[[Job], None]], Callable[[Job], None]]:
    """Register a handler whose job never ends: the sweep starts it, and each good turn is followed by another after `every`."""

    def register(function: Callable[[Job], None]) -> Callable[[Job], None]:
        def turn(job: Job) -> timedelta:
            function(job)
            return every

        handler(kind, queue=queue, lease=lease)(turn)
        RECURRING.add(kind)
        return function

    return register


def when_ended(listener: Listener) -> Listener:
    """Register, from `AppConfig.ready`, what is called with every job that is done, failed or stopped, in the transaction that ends it."""
    if listener not in _LISTENERS:
        _LISTENERS.append(listener)
    return listener


def enqueue(
    *, kind: str, params: dict[str, Any], owner: Any = None, dedupe_key: str = "", priority: int = 5, due_at: datetime | None = None
) -> Job:
    """Return the job that will do this: a new one, or the active one with the same `dedupe_key`."""
    for _attempt in range(3):
        try:
            with transaction.atomic():
                job = Job.objects.create(
                    kind=kind, params=params, owner=owner, dedupe_key=dedupe_key, priority=priority, due_at=due_at or timezone.now()
                )
            break
        except IntegrityError:
            if existing := Job.objects.active().filter(dedupe_key=dedupe_key).first():
                return existing
    else:
        raise RuntimeError(f"Could not enqueue {kind}: {dedupe_key} keeps starting and ending.")
    if job.due_at <= timezone.now():
        transaction.on_commit(lambda: ring(job), robust=True)
    return job


def ring(job: Job, *, after: timedelta = timedelta(0)) -> None:
    """Tell a worker that a job is due, or will be; losing this call costs at most one sweep interval.

    Some kinds and background work have workers of their own, so that what people wait for never stands behind them.
    """
    from celery import current_app

    queue = _queue(job)
    options: dict[str, Any] = {"queue": queue} if queue else {}
    seconds = after.total_seconds()
    if seconds:
        options["countdown"] = seconds
    current_app.send_task("jobs.run", args=[job.pk], retry=False, expires=seconds + RING_SECONDS, **options)


def _queue(job: Job) -> str:
    """Return the queue whose workers do this job, or nothing for the one of all workers."""
    return QUEUES.get(job.kind) or (settings.BACKGROUND_QUEUE if job.priority >= BACKGROUND else "")


def run(job_id: int) -> None:
    """Claim the job and do one turn; a no-op when it is not due or somebody else has it."""
    job = Job.objects.filter(pk=job_id).first()
    if job is None:
        return
    job.lease = LEASES.get(job.kind, LEASE)
    if not job.claim():
        return
    take_turn(job)


def answer(job_id: int) -> None:
    """Do one turn for a ring: of this job or, in the background, of the most urgent one that is due.

    A queue hands out rings in the order in which they came. What is passed over is done when the other's ring is answered.
    """
    job = Job.objects.filter(pk=job_id).first()
    if job is None or _queue(job) != settings.BACKGROUND_QUEUE:
        run(job_id)
        return
    for first in Job.objects.due().filter(priority__gte=BACKGROUND).exclude(kind__in=QUEUES)[:RIVALS]:
        if first.claim():
            with working(Origin(f"job-{first.pk}")):
                take_turn(first)
            return


def take_turn(job: Job) -> None:
    """Do one turn of a claimed job and record how it ended."""
    work = HANDLERS.get(job.kind)
    if work is None:
        _stumble(job, f"No handler for {job.kind}. Is this worker's version older than the web server's?")
        return
    if job.stop_requested_at and _ended(job, job.halt):
        return
    try:
        again = work(job)
    except JobError as error:
        _stumble(job, str(error), retry=error.retry)
    except Exception as error:
        logger.exception("job %s %s failed in turn %s", job.pk, job.kind, job.turn)
        _stumble(job, f"{type(error).__name__}: {error}"[:2000] if not settings.DEBUG else traceback.format_exc()[-4000:])
    else:
        if again is None:
            _ended(job, job.finish)
        elif job.look_again(again) and again <= SOON:
            transaction.on_commit(lambda: ring(job, after=again), robust=True)


@transaction.atomic
def stop_job(*, job: Job, actor: User) -> None:
    """Ask `job` to stop: at once where it waits, else at the end of the turn that runs."""
    authorise(actor, "jobs.change_job")
    if not job.request_stop():
        raise Conflict("job_over", _("This job is over already."))
    transaction.on_commit(lambda: ring(job), robust=True)
    record(actor=actor, verb="stop", target_kind="job", target_id=job.pk, target=str(job))


@transaction.atomic
def retry_job(*, job: Job, actor: User) -> None:
    """Begin a job again that failed or was stopped. Raises `Conflict` where it runs, or where another one does the same."""
    authorise(actor, "jobs.change_job")
    try:
        with transaction.atomic():
            revived = job.revive()
    except IntegrityError as error:
        raise Conflict("job_doubled", _("Another job does the same already. Wait for that one.")) from error
    if not revived:
        raise Conflict("job_not_over", _("Only a job that failed or was stopped can begin again."))
    transaction.on_commit(lambda: ring(job), robust=True)
    record(actor=actor, verb="retry", target_kind="job", target_id=job.pk, target=str(job))


def _stumble(job: Job, error: str, *, retry: bool = True) -> None:
    _ended(job, lambda: job.stumble(error, retry=retry))


@transaction.atomic
def _ended(job: Job, move: Callable[[], bool]) -> bool:
    """Make a move, tell the listeners if the job is over with it, and say whether it was made."""
    if not move():
        return False
    for listener in _LISTENERS if not job.active else ():
        try:
            with transaction.atomic():
                listener(job)
        except Exception:
            # What the job did stands; without this a defect in a listener would have it done again and again.
            logger.exception("job %s %s ended, but a listener failed", job.pk, job.kind)
    return True


def sweep(limit: int = 200) -> int:
    """Start recurring jobs that are not there, ring for every due job, and return how many; beat calls this every few seconds."""
    for kind in RECURRING - set(Job.objects.active().filter(kind__in=RECURRING).values_list("kind", flat=True)):
        enqueue(kind=kind, params={}, dedupe_key=kind, priority=BACKGROUND - 1)
    due = list(Job.objects.due().only("pk", "kind", "priority")[:limit])
    for job in due:
        ring(job)
    return len(due)

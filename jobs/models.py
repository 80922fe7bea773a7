"""Long work as rows: the row is the truth, Celery is the doorbell, the sweep is the guarantee."""

from datetime import datetime, timedelta
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core.states import Stateful

LEASE = timedelta(seconds=60)
MAX_TRIES = 5


class JobQuerySet(models.QuerySet["Job"]):
    def active(self) -> Self:
        """Return jobs that are not over."""
        return self.filter(state__in=Job.ACTIVE)

    def due(self, at: datetime | None = None) -> Self:
        """Return active jobs whose time has come: new work, retries, and leases that ran out."""
        return self.active().filter(due_at__lte=at or timezone.now()).order_by("priority", "due_at")


class Job(Stateful):
    """A piece of work that survives every process.

        queued --claim--> running --finish--> done
          ^                 |  \\--fail past MAX_TRIES--> failed
          +----- retry -----+  \\--stop requested------> stopped
        failed, stopped --revive--> queued

    A job is due when it is queued or running and `due_at` has passed. Claiming adds one to `turn` and sets `due_at` to
    now plus the lease, so a lost worker's job becomes due by itself, and the old worker's `turn` no longer matches.
    """

    class State(models.TextChoices):
        QUEUED = "queued", _("Waiting")
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")
        FAILED = "failed", _("Failed")
        STOPPED = "stopped", _("Stopped")

    ACTIVE = (State.QUEUED, State.RUNNING)

    kind = models.CharField(max_length=64)
    state = models.CharField(max_length=8, choices=State.choices, default=State.QUEUED)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="jobs")
    params = models.JSONField(default=dict)
    result = models.JSONField(default=dict)
    error = models.TextField(blank=True)
    priority = models.SmallIntegerField(default=5, help_text=_("Lower runs first."))
    dedupe_key = models.CharField(max_length=200, blank=True)
    due_at = models.DateTimeField(default=timezone.now)
    turn = models.PositiveIntegerField(default=0)
    tries = models.PositiveSmallIntegerField(default=0)
    stop_requested_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = JobQuerySet.as_manager()
    lease = LEASE
    """How long a turn may take without a beat before another worker takes the job over."""

    class Meta:
        verbose_name = _("job")
        verbose_name_plural = _("jobs")
        constraints = [
            models.CheckConstraint(condition=Q(state__in=["queued", "running", "done", "failed", "stopped"]), name="job_state"),
            models.UniqueConstraint(
                fields=["dedupe_key"], condition=Q(state__in=["queued", "running"]) & ~Q(dedupe_key=""), name="job_once_while_active"
            ),
        ]
        indexes = [models.Index(fields=["priority", "due_at"], condition=Q(state__in=["queued", "running"]), name="job_due")]

    def __str__(self) -> str:
        return f"{self.kind} #{self.pk}"

    def same_row(self) -> models.QuerySet[Self]:
        return super().same_row().filter(turn=self.turn)

    def claim(self, at: datetime | None = None) -> bool:
        """Take the job for one turn, if it is still due and nobody took it."""
        now = at or timezone.now()
        turn = self.turn
        taken = (
            self.same_row()
            .filter(state__in=self.ACTIVE, due_at__lte=now)
            .update(state=self.State.RUNNING, turn=F("turn") + 1, due_at=now + self.lease)
        )
        if taken:
            self.state, self.turn, self.due_at = self.State.RUNNING, turn + 1, now + self.lease
        return bool(taken)

    def beat(self, **changes: Any) -> bool:
        """Extend the lease and store progress; False means that another worker holds the job now."""
        return self.move(self.State.RUNNING, due_at=timezone.now() + self.lease, **changes)

    def finish(self, result: dict[str, Any] | None = None) -> bool:
        """End well."""
        changes = {"result": result} if result is not None else {}
        return self.move(self.State.RUNNING, state=self.State.DONE, error="", tries=0, finished_at=timezone.now(), **changes)

    def look_again(self, after: timedelta) -> bool:
        """End a good turn of work that is not over."""
        return self.move(self.State.RUNNING, state=self.State.QUEUED, error="", tries=0, due_at=timezone.now() + after)

    def stumble(self, error: str, *, retry: bool = True) -> bool:
        """End a turn that did not go well: try again with growing waits, or fail aloud past `MAX_TRIES`."""
        tries = self.tries + 1
        if retry and tries < MAX_TRIES:
            wait = timedelta(seconds=min(300, 2**tries))
            return self.move(self.State.RUNNING, state=self.State.QUEUED, error=error, tries=tries, due_at=timezone.now() + wait)
        return self.move(self.State.RUNNING, state=self.State.FAILED, error=error, tries=tries, finished_at=timezone.now())

    def halt(self) -> bool:
        """End because somebody asked for it."""
        return self.move(*self.ACTIVE, state=self.State.STOPPED, finished_at=timezone.now())

    def request_stop(self) -> bool:
        """Ask the next turn to stop; an idle job becomes due at once."""
        now = timezone.now()
        waiting = type(self).objects.filter(pk=self.pk, state=self.State.QUEUED).update(stop_requested_at=now, due_at=now)
        running = type(self).objects.filter(pk=self.pk, state=self.State.RUNNING).update(stop_requested_at=now)
        return bool(waiting or running)

    def revive(self) -> bool:
        """Begin again what failed or was stopped, with all its tries."""
        return self.move(
            self.State.FAILED, self.State.STOPPED,
            state=self.State.QUEUED, error="", tries=0, due_at=timezone.now(), stop_requested_at=None, finished_at=None,
        )  # fmt: skip

    @property
    def active(self) -> bool:
        """Whether work is still to be expected."""
        return self.state in self.ACTIVE

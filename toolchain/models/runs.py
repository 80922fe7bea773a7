"""Runs: one attempt each at running a program for somebody, from its place in the queue to how it ended."""

from typing import Any, Self

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import Namespace
from core.states import Stateful
from jobs.models import Job
from toolchain.models.compute import Node, Spec


class RunQuerySet(models.QuerySet["Run"]):
    def waiting(self) -> Self:
        """Return the runs that wait for their turn."""
        return self.filter(state=Run.State.WAITING)

    def holding(self) -> Self:
        """Return the runs that hold a part of a machine."""
        return self.filter(state__in=Run.HOLDING)

    def active(self) -> Self:
        """Return the runs that are not over."""
        return self.exclude(state=Run.State.ENDED)

    def of(self, purpose: str, target: int) -> Self:
        """Return the attempts for one thing, the newest first."""
        return self.filter(purpose=purpose, target=target).order_by("-attempt")


class Run(Stateful):
    """One attempt at running something: `target` is the row it is for, of the room that `purpose` names.

        waiting --claim--> preparing --start--> running --exit--> collecting --end--> ended
           \\____________________\\___________________\\__________________________/^

    From `preparing` to `collecting` it holds its spec's part of `node`, the cards `cards` among it. `waits_for` says in a code what
    a waiting run waits for. `exit` is how the program ended (`runners.base.Exit`), `error` a code of `toolchain.runs.wording` where
    it did not end well, `detail` its facts. `limit` is in seconds.
    """

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        PREPARING = "preparing", _("Preparing")
        RUNNING = "running", _("Running")
        COLLECTING = "collecting", _("Keeping the result")
        ENDED = "ended", pgettext_lazy("a run", "Ended")

    HOLDING = (State.PREPARING, State.RUNNING, State.COLLECTING)

    purpose = models.CharField(max_length=16)
    target = models.PositiveBigIntegerField()
    attempt = models.PositiveSmallIntegerField(default=1)
    title = models.CharField(max_length=200, blank=True)
    namespace = models.ForeignKey(Namespace, on_delete=models.PROTECT, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    spec = models.ForeignKey(Spec, on_delete=models.PROTECT, related_name="+")
    state = models.CharField(max_length=12, choices=State.choices, default=State.WAITING)
    stage = models.CharField(max_length=32, blank=True)
    progress = models.CharField(max_length=200, blank=True)
    waits_for = models.CharField(max_length=32, blank=True)
    priority = models.SmallIntegerField(default=5)
    limit = models.PositiveIntegerField(null=True, blank=True)
    node = models.ForeignKey(Node, null=True, blank=True, on_delete=models.SET_NULL, related_name="runs")
    cards = ArrayField(models.PositiveSmallIntegerField(), default=list, blank=True)
    job = models.ForeignKey(Job, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    address = models.CharField(max_length=255, blank=True)
    stop_requested_at = models.DateTimeField(null=True, blank=True)
    exit = models.JSONField(default=dict, blank=True)
    error = models.CharField(max_length=64, blank=True)
    detail = models.JSONField(default=dict, blank=True)
    facts = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    claimed_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = RunQuerySet.as_manager()

    class Meta:
        verbose_name = _("run")
        verbose_name_plural = _("runs")
        constraints = [
            models.UniqueConstraint(fields=["purpose", "target", "attempt"], name="run_attempt_once"),
            models.CheckConstraint(condition=Q(state__in=["waiting", "preparing", "running", "collecting", "ended"]), name="run_state"),
        ]
        indexes = [
            models.Index(fields=["priority", "created_at"], condition=Q(state="waiting"), name="run_queue"),
            models.Index(fields=["namespace", "purpose"], condition=~Q(state="ended"), name="run_active"),
        ]

    def __str__(self) -> str:
        return self.key

    @property
    def key(self) -> str:
        """Its key at the runner."""
        return f"{self.purpose}-{self.target}-{self.attempt}"

    @property
    def over(self) -> bool:
        return self.state == self.State.ENDED

    @property
    def claimed(self) -> bool:
        return self.state in self.HOLDING

    def claim(self, node: Node, cards: list[int]) -> bool:
        """Give it its part of a machine."""
        now = timezone.now()
        return self.move(self.State.WAITING, state=self.State.PREPARING, node=node, cards=cards, claimed_at=now, waits_for="")

    def begin(self) -> bool:
        """Its program was handed to the runner."""
        return self.move(self.State.PREPARING, state=self.State.RUNNING, started_at=timezone.now(), progress="")

    def leave(self, exit: dict[str, Any]) -> bool:
        """Its program is over; what it left is to be kept."""
        return self.move(self.State.PREPARING, self.State.RUNNING, state=self.State.COLLECTING, exit=exit, progress="")

    def end(self, error: str = "", detail: dict[str, Any] | None = None) -> bool:
        """It is over, and gives its part of the machine back."""
        states = (self.State.WAITING, *self.HOLDING)
        return self.move(
            *states, state=self.State.ENDED, error=error, detail=detail or {}, ended_at=timezone.now(), waits_for="", progress=""
        )

    def cancel(self) -> bool:
        """It never began, and never will; False where it got its machine in the meantime."""
        return self.move(self.State.WAITING, state=self.State.ENDED, error="stopped", detail={}, ended_at=timezone.now(), waits_for="")

    def request_stop(self) -> bool:
        """Ask the next turn to stop it; False where that was done before or it is over."""
        now = timezone.now()
        asked = type(self).objects.active().filter(pk=self.pk, stop_requested_at=None).update(stop_requested_at=now)
        if asked:
            self.stop_requested_at = now
        return bool(asked)


class Excerpt(models.Model):
    """A piece of what a run wrote, to its log or to one of its streams: bytes from `offset`, as they were read at `at`."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="excerpts")
    stream = models.CharField(max_length=16)
    offset = models.PositiveBigIntegerField()
    data = models.BinaryField()
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["run", "stream", "offset"]
        constraints = [models.UniqueConstraint(fields=["run", "stream", "offset"], name="excerpt_once")]

    def __str__(self) -> str:
        return f"{self.stream} {self.offset}"


class Sample(models.Model):
    """What a run used at one moment: `cpu` in cores since the sample before, sizes in bytes, `accelerators` pairs of busy share and bytes."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="samples")
    at = models.DateTimeField()
    cpu = models.FloatField()
    memory = models.PositiveBigIntegerField()
    processes = models.PositiveIntegerField(default=0)
    disk = models.PositiveBigIntegerField(default=0)
    accelerators = models.JSONField(default=list, blank=True)

    class Meta:
        ordering = ["run", "at"]
        constraints = [models.UniqueConstraint(fields=["run", "at"], name="sample_once")]

    def __str__(self) -> str:
        return f"{self.run_id} {self.at}"

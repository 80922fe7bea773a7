"""Training jobs."""

from typing import Any

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from assets.models import Asset
from toolchain.models import Owned, OwnedQuerySet, Run, Spec


class TrainingQuerySet(OwnedQuerySet["Training"]):
    def active(self) -> "TrainingQuerySet":
        """Return the training jobs that are not over."""
        return self.filter(state__in=Training.ACTIVE)

    def whole(self) -> "TrainingQuerySet":
        """Return the training jobs with the rows their pages show."""
        return self.select_related(
            "namespace", "creator", "model__namespace", "dataset__namespace", "output__namespace", "spec", "run__node"
        )


class Training(Owned):
    """A training job: a model at a commit is trained with a dataset at a commit, and makes a new model.

        waiting --begin--> running --complete--> completed
           |                  |  \\--fail--> failed
           |                  \\--request_stop--> stopping --halt--> stopped
           \\--halt--> stopped

    `model_id` and `dataset_id` may go with their assets; `model_name`, `dataset_name` (`owner/name`) and the commits stay. `task` is the
    training task type: the code of a task that the gallery trains by itself, or "custom". `parameters` are those of the user as text, by
    name. `run` is the newest attempt. `error` is a code of `toolchain.runs.wording`, `detail` its facts. `checkpoints` says what is left of
    a stopped job: "" nothing, "kept" files that can be fetched or dropped, "dropped".
    """

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        RUNNING = "running", _("Running")
        COMPLETED = "completed", _("Completed")
        FAILED = "failed", _("Failed")
        STOPPING = "stopping", _("Stopping")
        STOPPED = "stopped", _("Stopped")

    class Checkpoints(models.TextChoices):
        NONE = "", _("None")
        KEPT = "kept", _("Kept")
        DROPPED = "dropped", _("Dropped")

    ACTIVE = (State.WAITING, State.RUNNING, State.STOPPING)
    OVER = (State.COMPLETED, State.FAILED, State.STOPPED)

    name = models.CharField(_("name"), max_length=96)
    model = models.ForeignKey(Asset, null=True, on_delete=models.SET_NULL, related_name="+")
    model_name = models.CharField(max_length=200)
    model_commit = models.CharField(max_length=40)
    dataset = models.ForeignKey(Asset, null=True, on_delete=models.SET_NULL, related_name="+")
    dataset_name = models.CharField(max_length=200)
    dataset_commit = models.CharField(max_length=40)
    task = models.CharField(_("training task type"), max_length=64)
    method = models.CharField(_("training method"), max_length=200)
    parameters = models.JSONField(default=dict)
    environment = models.CharField(_("base environment"), max_length=32)
    spec = models.ForeignKey(Spec, on_delete=models.PROTECT, related_name="+")
    limit = models.PositiveIntegerField(_("run time limit"), null=True, blank=True, help_text=_("Seconds."))
    output_name = models.CharField(_("output model"), max_length=96)
    output = models.ForeignKey(Asset, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    output_commit = models.CharField(max_length=40, blank=True)
    state = models.CharField(max_length=12, choices=State.choices, default=State.WAITING)
    run = models.ForeignKey(Run, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    error = models.CharField(max_length=64, blank=True)
    detail = models.JSONField(default=dict, blank=True)
    checkpoints = models.CharField(max_length=8, choices=Checkpoints.choices, blank=True, default=Checkpoints.NONE)
    cloned_from = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = TrainingQuerySet.as_manager()

    class Meta:
        verbose_name = _("training job")
        verbose_name_plural = _("training jobs")
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["waiting", "running", "completed", "failed", "stopping", "stopped"]), name="training_state"
            ),
            models.CheckConstraint(condition=Q(checkpoints__in=["", "kept", "dropped"]), name="training_checkpoints"),
            models.UniqueConstraint(
                fields=["namespace", "output_name"], condition=Q(state__in=["waiting", "running", "stopping"]), name="training_output_once"
            ),
        ]
        indexes = [models.Index(fields=["namespace", "-created_at"])]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return f"/jobs/{self.pk}"

    @property
    def active(self) -> bool:
        return self.state in self.ACTIVE

    def begin(self) -> bool:
        """Its run got a machine."""
        return self.move(self.State.WAITING, state=self.State.RUNNING, started_at=timezone.now())

    def request_stop(self) -> bool:
        """Somebody asked for the end, or the time is over, while it runs."""
        return self.move(self.State.RUNNING, state=self.State.STOPPING)

    def complete(self, output: Asset, commit: str) -> bool:
        """It made its model."""
        return self.move(
            self.State.RUNNING,
            self.State.STOPPING,
            state=self.State.COMPLETED,
            output=output,
            output_commit=commit,
            ended_at=timezone.now(),
        )

    def fail(self, error: str, detail: dict[str, Any], *, kept: bool = False) -> bool:
        """It ended without a model; `error` says why, `kept` whether its result is left and only could not be kept as a model."""
        left = self.Checkpoints.KEPT if kept else self.Checkpoints.NONE
        return self.move(*self.ACTIVE, state=self.State.FAILED, error=error, detail=detail, checkpoints=left, ended_at=timezone.now())

    def recover(self, output: Asset, commit: str) -> bool:
        """The result that was left became a model after all."""
        return self.move(
            self.State.FAILED,
            state=self.State.COMPLETED,
            output=output,
            output_commit=commit,
            error="",
            detail={},
            checkpoints=self.Checkpoints.NONE,
        )

    def halt(self, *, error: str = "", detail: dict[str, Any] | None = None, kept: bool = False) -> bool:
        """It was stopped; `error` says by what, `kept` whether files are left."""
        left = self.Checkpoints.KEPT if kept else self.Checkpoints.NONE
        return self.move(
            *self.ACTIVE, state=self.State.STOPPED, error=error, detail=detail or {}, checkpoints=left, ended_at=timezone.now()
        )

    def drop(self) -> bool:
        """The files that were kept are given up; one of several callers does it."""
        dropped = self.same_row().filter(checkpoints=self.Checkpoints.KEPT).update(checkpoints=self.Checkpoints.DROPPED)
        if dropped:
            self.checkpoints = self.Checkpoints.DROPPED
        return bool(dropped)

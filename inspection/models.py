"""What the contents of repositories turned out to hold: by commit, by file, and the tables of datasets."""

from typing import Any, Self

from django.db import models
from django.db.models import Q
from django.utils import timezone

from jobs.models import Job
from repos.models import LargeObject, Repository


class InspectionQuerySet(models.QuerySet["Inspection"]):
    def finished(self) -> Self:
        """Return those with a result."""
        return self.exclude(finished_at=None)

    def of(self, repository: Repository, commit: str) -> Self:
        """Return the steps of one commit, with their jobs."""
        return self.filter(repository=repository, commit=commit).select_related("job")

    def result_of(self, step: str, repository: Repository, commit: str) -> dict[str, Any]:
        """Return what `step` found in a commit, empty where it never ended; a result stays while the commit is read again."""
        row = self.filter(repository=repository, commit=commit, step=step).first()
        return row.result if row else {}


class Inspection(models.Model):
    """One step of understanding one commit: its job while it runs, its result afterwards.

    `version` is that of the rules that made the result. The row has no state of its own; see `state`.
    """

    class State(models.TextChoices):
        WAITING = "waiting"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"
        SUPERSEDED = "superseded"

    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="inspections")
    commit = models.CharField(max_length=40)
    step = models.CharField(max_length=16)
    job = models.ForeignKey(Job, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    result = models.JSONField(default=dict)
    version = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = InspectionQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["repository", "commit", "step"], name="inspection_once")]
        indexes = [models.Index(fields=["created_at"])]

    def __str__(self) -> str:
        return f"{self.step} of {self.commit[:7]}"

    @property
    def state(self) -> str:
        """One of `State`: a result counts, whatever became of a later try; a commit that nothing led to any more was passed over."""
        if self.finished_at is not None:
            return self.State.DONE
        if self.job is None or self.job.state == Job.State.QUEUED:
            return self.State.WAITING
        if self.job.state == Job.State.RUNNING:
            return self.State.RUNNING
        return self.State.SUPERSEDED if self.job.state == Job.State.DONE else self.State.FAILED

    @property
    def progress(self) -> tuple[int, int]:
        """How many of how many parts are done, (0, 0) where that is not known."""
        found = self.job.result.get("progress") if self.job is not None and self.job.active else None
        return (found[0], found[1]) if found else (0, 0)

    def complete(self, result: dict[str, Any], version: int) -> None:
        """Keep the result; doing so again is harmless."""
        self.result, self.version, self.finished_at = result, version, timezone.now()
        self.save(update_fields=["result", "version", "finished_at"])


class FileReport(models.Model):
    """What one step found in the bytes of one file, whatever commit and path it stands at.

    `content` is the SHA-256 of a large object, known everywhere, or the git id of a small file. A git id is a SHA-1 and can be forged
    for two contents, so it counts only within its `repository`. `form` is how the name says to read the bytes.
    """

    step = models.CharField(max_length=16)
    repository = models.ForeignKey(Repository, null=True, blank=True, on_delete=models.CASCADE, related_name="file_reports")
    content = models.CharField(max_length=64)
    form = models.CharField(max_length=16, blank=True)
    version = models.PositiveSmallIntegerField()
    verdict = models.CharField(max_length=12, blank=True)
    report = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["step", "content", "form"], condition=Q(repository=None), name="file_report_of_object"),
            models.UniqueConstraint(
                fields=["step", "repository", "content", "form"], condition=Q(repository__isnull=False), name="file_report_of_small_file"
            ),
            models.CheckConstraint(condition=Q(verdict__in=["", "safe", "caution", "dangerous", "unscanned"]), name="file_report_verdict"),
        ]

    def __str__(self) -> str:
        return f"{self.step} of {self.content[:12]}"


class Sheet(models.Model):
    """One split of a dataset as a Parquet copy of our own; `error` says why there is none.

    `parts` are `{"sha256", "rows", "size"}` in the order of rows, each a large object that the repository refers to. `columns` are
    `{"name", "type", "kind", …}`, `statistics` are by column name. `source_rows` is how many rows the files have, where that is known:
    more than `rows` where only a sample was copied. `key` names everything the copy was made from.
    """

    inspection = models.ForeignKey(Inspection, on_delete=models.CASCADE, related_name="sheets")
    config = models.CharField(max_length=255)
    split = models.CharField(max_length=255)
    position = models.PositiveIntegerField()
    key = models.CharField(max_length=64)
    rows = models.BigIntegerField(default=0)
    size = models.BigIntegerField(default=0)
    sampled = models.BooleanField(default=False)
    source_rows = models.BigIntegerField(null=True, blank=True)
    columns = models.JSONField(default=list)
    statistics = models.JSONField(default=dict)
    bad_rows = models.BigIntegerField(default=0)
    bad = models.JSONField(default=list)
    parts = models.JSONField(default=list)
    error = models.CharField(max_length=64, blank=True)
    facts = models.JSONField(default=dict)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["inspection", "config", "split"], name="sheet_once")]
        ordering = ["position"]
        indexes = [models.Index(fields=["key"])]

    def __str__(self) -> str:
        return f"{self.config}/{self.split}"


class SheetObject(models.Model):
    """A large object that a sheet is made of: what keeps it stored."""

    sheet = models.ForeignKey(Sheet, on_delete=models.CASCADE, related_name="objects_used")
    object = models.ForeignKey(LargeObject, on_delete=models.PROTECT, related_name="+", db_column="sha256")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["sheet", "object"], name="sheet_object_once")]

    def __str__(self) -> str:
        return f"{self.sheet_id} -> {self.object_id}"

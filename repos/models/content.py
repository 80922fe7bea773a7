"""Large objects, who may read them, and how often content was fetched."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from core.states import Stateful
from repos.models.git import Repository


class LargeObject(Stateful):
    """Content that is stored once, by SHA-256. `location` is the store's own key for the bytes.

    stored <--> quarantined --> (row and bytes removed)
    """

    class State(models.TextChoices):
        STORED = "stored"
        QUARANTINED = "quarantined"

    sha256 = models.CharField(primary_key=True, max_length=64)
    size = models.BigIntegerField()
    location = models.CharField(max_length=255)
    state = models.CharField(max_length=12, choices=State.choices, default=State.STORED)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    quarantined_at = models.DateTimeField(null=True, blank=True)
    verified_at = models.DateTimeField(null=True, blank=True)
    damaged_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(state__in=["stored", "quarantined"]), name="large_object_state")]
        indexes = [models.Index(fields=["state", "quarantined_at"]), models.Index(fields=["verified_at"])]

    def __str__(self) -> str:
        return self.sha256

    def quarantine(self) -> bool:
        """Start the wait before removal."""
        return self.move(self.State.STORED, state=self.State.QUARANTINED, quarantined_at=timezone.now())

    def rescue(self) -> bool:
        """Bring the object back because it is referenced again."""
        return self.move(self.State.QUARANTINED, state=self.State.STORED, quarantined_at=None)


class LargeReference(models.Model):
    """The right of a repository to read a large object: some revision of it holds the pointer."""

    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="large_references")
    object = models.ForeignKey(LargeObject, on_delete=models.PROTECT, related_name="references", db_column="sha256")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["repository", "object"], name="large_reference_once")]

    def __str__(self) -> str:
        return f"{self.repository_id} -> {self.object_id}"


class DailyDownloads(models.Model):
    """How many viewers fetched content of a repository on a day (UTC); one viewer counts once a day."""

    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="daily_downloads")
    day = models.DateField()
    count = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["repository", "day"], name="downloads_once_a_day")]

    def __str__(self) -> str:
        return f"{self.day}: {self.count}"

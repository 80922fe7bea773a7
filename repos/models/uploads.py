"""Uploads in parts that survive restarts."""

import uuid
from datetime import datetime, timedelta
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core.states import Stateful
from jobs.models import Job
from repos.models.git import Repository


def _expiry() -> datetime:
    return timezone.now() + timedelta(days=settings.UPLOAD_EXPIRY_DAYS)


class UploadQuerySet(models.QuerySet["Upload"]):
    def for_user(self, user: Any) -> Self:
        """Return the uploads that `user` began; nobody else sees them."""
        return self.filter(user=user.pk) if user.is_authenticated else self.none()

    def unfinished(self) -> Self:
        return self.filter(state__in=[Upload.State.OPEN, Upload.State.FINISHING])


class Upload(Stateful):
    """One file on its way into a repository.

        open --finish--> finishing --verified--> finished
          |                  \\--wrong hash--> failed
          \\--cancel, 7 days--> (row and parts removed)

    `sha256` is what the client stated, or empty; `object_sha256` is what the server computed. `handle` is the store's own
    name for the parts.
    """

    class State(models.TextChoices):
        OPEN = "open", _("Uploading")
        FINISHING = "finishing", _("Verifying")
        FINISHED = "finished", _("Uploaded")
        FAILED = "failed", _("Failed")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="uploads")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="uploads")
    path = models.TextField()
    size = models.BigIntegerField()
    sha256 = models.CharField(max_length=64, blank=True)
    object_sha256 = models.CharField(max_length=64, blank=True)
    part_size = models.PositiveIntegerField()
    handle = models.CharField(max_length=255, blank=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    error = models.CharField(max_length=64, blank=True)
    job = models.ForeignKey(Job, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(default=_expiry)

    objects = UploadQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(state__in=["open", "finishing", "finished", "failed"]), name="upload_state"),
            models.CheckConstraint(condition=Q(size__gte=0), name="upload_size"),
        ]
        indexes = [models.Index(fields=["user", "repository"]), models.Index(fields=["expires_at"])]

    def __str__(self) -> str:
        return self.path

    @property
    def part_count(self) -> int:
        """How many parts make the file; an empty file has none."""
        return -(-self.size // self.part_size)

    def part_length(self, number: int) -> int:
        """Return the size in bytes of part `number`, counted from 1."""
        return min(self.part_size, self.size - (number - 1) * self.part_size)


class Part(models.Model):
    """A part that the server or the store confirmed."""

    upload = models.ForeignKey(Upload, on_delete=models.CASCADE, related_name="parts")
    number = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    etag = models.CharField(max_length=128, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["upload", "number"], name="part_once")]

    def __str__(self) -> str:
        return f"part {self.number}"

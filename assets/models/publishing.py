"""On the shelf: who sees a published asset, and the decisions that put it there."""

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Namespace
from core.states import Stateful


class Audience(models.Model):
    """A user, or an organisation with all its members, who sees an asset whose visibility is `chosen`."""

    asset = models.ForeignKey("assets.Asset", on_delete=models.CASCADE, related_name="audience")
    namespace = models.ForeignKey(Namespace, on_delete=models.CASCADE, related_name="+")
    added_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["asset", "namespace"], name="audience_once")]

    def __str__(self) -> str:
        return f"{self.namespace} sees {self.asset}"


class SubmissionQuerySet(models.QuerySet["Submission"]):
    def waiting(self) -> Self:
        """Return what waits for a reviewer, the oldest first."""
        return self.filter(state=Submission.State.PENDING).order_by("created_at", "pk")


class Submission(Stateful):
    """One wish to publish an asset: pending -> approved | rejected | withdrawn. `automatic` says that no person decided."""

    class State(models.TextChoices):
        PENDING = "pending", _("Waits for review")
        APPROVED = "approved", _("Approved")
        REJECTED = "rejected", _("Rejected")
        WITHDRAWN = "withdrawn", _("Withdrawn")

    asset = models.ForeignKey("assets.Asset", on_delete=models.CASCADE, related_name="submissions")
    submitter = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    revision = models.CharField(max_length=40)
    state = models.CharField(max_length=12, choices=State.choices, default=State.PENDING)
    reviewer = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    reason = models.CharField(_("reason"), max_length=500, blank=True)
    automatic = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    decided_at = models.DateTimeField(null=True, blank=True)

    objects = SubmissionQuerySet.as_manager()

    class Meta:
        verbose_name = _("submission")
        verbose_name_plural = _("submissions")
        constraints = [
            models.CheckConstraint(condition=Q(state__in=["pending", "approved", "rejected", "withdrawn"]), name="submission_state"),
            models.UniqueConstraint(fields=["asset"], condition=Q(state="pending"), name="submission_pending_once"),
        ]
        indexes = [models.Index(fields=["state", "created_at"])]

    def __str__(self) -> str:
        return f"{self.asset} ({self.state})"

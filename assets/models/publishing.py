"""On the shelf: who sees a published asset, and the decisions that put it there."""

from datetime import datetime
from typing import Any, Self

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Q, Value
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import AccessToken, Namespace, User
from assets.permissions import VERBS
from core.states import Stateful

PUBLISHES = min(role for role, verbs in VERBS.items() if "publish" in verbs)


def reviews(user: User | AnonymousUser) -> bool:
    """Whether `user` decides on what is submitted for publishing; never with a token that was given for something else."""
    token: AccessToken | None = user.token if user.is_authenticated else None
    return user.is_authenticated and user.is_staff and (token is None or token.scope != "fine") and user.has_perm("assets.review_asset")


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
    def for_user(self, user: User | AnonymousUser) -> Self:
        """Return all submissions for a reviewer, else those of the assets that `user` may publish."""
        reviewer = reviews(user)
        rows = self.annotate(reviewed_by_viewer=Value(reviewer, output_field=models.BooleanField()))
        if reviewer:
            return rows
        assets: Any = self.model._meta.get_field("asset").related_model
        return rows.filter(asset__in=assets.objects.for_user(user).filter(role__gte=PUBLISHES).values("pk"))

    def waiting(self) -> Self:
        """Return what waits for a reviewer, the oldest first."""
        return self.filter(state=Submission.State.PENDING).order_by("created_at", "pk")


class Submission(Stateful):
    """One wish to publish an asset: pending -> approved | rejected | withdrawn. `automatic` says that no person decided.

    `revision` is the commit that was submitted, after the approval the one that was approved.
    """

    reviewed_by_viewer: bool

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

    @property
    def allowed(self) -> frozenset[str]:
        """The verbs this viewer may use; an error on rows not read through `for_user`."""
        decides = self.reviewed_by_viewer and self.state == self.State.PENDING
        return frozenset({"view", "review"} if decides else {"view"})

    def approve(self, *, reviewer: User | None, revision: str, at: datetime) -> bool:
        """Accept the submission; without a reviewer nobody had to look at it."""
        changes = {"reviewer": reviewer, "automatic": reviewer is None, "revision": revision, "decided_at": at}
        return self.move(self.State.PENDING, state=self.State.APPROVED, **changes)

    def reject(self, *, reviewer: User, reason: str, at: datetime) -> bool:
        """Turn the submission down; its owners read the reason."""
        return self.move(self.State.PENDING, state=self.State.REJECTED, reviewer=reviewer, reason=reason, decided_at=at)

    def withdraw(self, *, at: datetime) -> bool:
        """Take the submission back before anybody decided."""
        return self.move(self.State.PENDING, state=self.State.WITHDRAWN, decided_at=at)

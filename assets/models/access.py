"""Use on application: the terms, who asks, who decides, and who may."""

from datetime import datetime, timedelta
from typing import Any, Self, TypeVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Case, F, Q, Value, When
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import Organisation
from core.states import Stateful

REMIND_EVERY = timedelta(days=1)
"""How often an applicant may remind those who decide."""


class AccessTerms(models.Model):
    """What an applicant is asked and what a grant is worth; an asset without a row asks for a reason only and grants without end.

    `questions` is a list of `{"id", "label", "kind": "text" | "long" | "choice" | "check", "required", "choices"}`. Members of
    `organisations` and people whose verified address ends in one of `mail_domains` are granted at once.
    """

    asset = models.OneToOneField("assets.Asset", primary_key=True, on_delete=models.CASCADE, related_name="terms")
    questions = models.JSONField(_("questions"), default=list, blank=True)
    agreement = models.TextField(_("agreement"), max_length=20_000, blank=True)
    agreement_version = models.PositiveIntegerField(default=0)
    grant_days = models.PositiveIntegerField(_("days of a grant"), null=True, blank=True)
    organisations = models.ManyToManyField(Organisation, blank=True, related_name="+")
    mail_domains = ArrayField(models.CharField(max_length=253), default=list, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(grant_days=None) | Q(grant_days__gte=1, grant_days__lte=3650), name="grant_days_range")
        ]

    def __str__(self) -> str:
        return str(self.asset)


class Approver(models.Model):
    """Somebody to whom the owner gave the deciding of applications."""

    asset = models.ForeignKey("assets.Asset", on_delete=models.CASCADE, related_name="approvers")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    added_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["asset", "user"], name="approver_once")]

    def __str__(self) -> str:
        return f"{self.user} decides on {self.asset}"


Row = TypeVar("Row", bound=models.Model)
Rows = TypeVar("Rows", bound="models.QuerySet[Any]")


def seen_by(rows: Rows, user: Any, person: str) -> Rows:
    """Return those of `rows` that `user` may see: their own, by the column `person`, and those of assets on which they decide.

    Each carries `own`, `decided_by_viewer` and `writable`, which a token in use lowers; a fine-grained token sees none.
    """
    token = getattr(user, "token", None)
    flag = models.BooleanField()
    if not user.is_authenticated or (token is not None and token.scope == "fine"):
        no = Value(False, output_field=flag)
        return rows.annotate(own=no, decided_by_viewer=no, writable=no).none()
    assets: Any = rows.model._meta.get_field("asset").related_model
    own = Q(**{person: user.pk})
    # Only assets that have such rows at all: the role is worked out for each of them, and most assets have none.
    near = assets.objects.for_user(user).filter(pk__in=rows.model._default_manager.values("asset"))
    decided = Q(asset__in=near.decidable().values("pk"))
    found = rows.annotate(
        own=Case(When(own, then=Value(True)), default=Value(False), output_field=flag),
        decided_by_viewer=Case(When(decided, then=Value(True)), default=Value(False), output_field=flag),
        writable=Value(token is None or token.scope == "write", output_field=flag),
    )
    return found.filter(Q(own=True) | Q(decided_by_viewer=True))


class Seen(models.Model):
    """A row that its person and the deciders on its asset see. The three flags are set by `for_user` only."""

    own: bool
    decided_by_viewer: bool
    writable: bool

    class Meta:
        abstract = True

    @property
    def allowed(self) -> frozenset[str]:
        """The verbs this viewer may use; an error on rows not read through `for_user`."""
        verbs = {"view"}
        if self.own and self.writable:
            verbs |= {"withdraw", "reply", "renew"}
        if self.decided_by_viewer and self.writable:
            verbs |= {"decide"}
        return frozenset(verbs)


class SeenQuerySet(models.QuerySet[Row]):
    """Rows that were read with `seen_by`."""

    def own(self) -> Self:
        """Return those, read for a user, that are that user's own."""
        rows: Any = self
        found: Self = rows.filter(own=True)
        return found

    def decidable(self) -> Self:
        """Return those, read for a user, on which that user decides."""
        rows: Any = self
        found: Self = rows.filter(decided_by_viewer=True)
        return found


class ApplicationQuerySet(SeenQuerySet["Application"]):
    def for_user(self, user: Any) -> Self:
        """Return the applications that `user` made, and those for assets on which `user` may decide."""
        return seen_by(self, user, "applicant")

    def open(self) -> Self:
        """Return applications that somebody still has to act on."""
        return self.filter(state__in=Application.OPEN)


class Application(Seen, Stateful):
    """A wish to use an asset.

        pending --ask back--> asked --reply--> pending
        pending, asked --approve--> approved (a Grant) | --reject--> rejected | --withdraw--> withdrawn

    `answers` maps the id of each question at that time to what was said; `questions` keeps them as they were asked.
    """

    class State(models.TextChoices):
        PENDING = "pending", _("Waiting for approval")
        ASKED = "asked", _("Asked back")
        APPROVED = "approved", _("Approved")
        REJECTED = "rejected", _("Declined")
        WITHDRAWN = "withdrawn", _("Withdrawn")

    OPEN = (State.PENDING, State.ASKED)
    DECIDED = (State.APPROVED, State.REJECTED)

    asset = models.ForeignKey("assets.Asset", on_delete=models.CASCADE, related_name="applications")
    applicant = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="applications")
    state = models.CharField(max_length=12, choices=State.choices, default=State.PENDING)
    reason = models.CharField(_("reason"), max_length=500)
    questions = models.JSONField(default=list, blank=True)
    answers = models.JSONField(default=dict, blank=True)
    agreement = models.TextField(blank=True)
    agreement_version = models.PositiveIntegerField(default=0)
    question = models.CharField(max_length=500, blank=True)
    reply = models.CharField(max_length=500, blank=True)
    renews = models.ForeignKey("Grant", null=True, blank=True, on_delete=models.SET_NULL, related_name="renewals")
    automatic = models.BooleanField(default=False)
    decider = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    decision_note = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    decided_at = models.DateTimeField(null=True, blank=True)
    reminded_at = models.DateTimeField(null=True, blank=True)

    objects = ApplicationQuerySet.as_manager()

    class Meta:
        verbose_name = _("application")
        verbose_name_plural = _("applications")
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["pending", "asked", "approved", "rejected", "withdrawn"]), name="application_state"
            ),
            models.UniqueConstraint(
                fields=["asset", "applicant"], condition=Q(state__in=["pending", "asked"]), name="application_open_once"
            ),
        ]
        indexes = [
            models.Index(fields=["asset", "state", "-id"]),
            models.Index(fields=["applicant", "-id"]),
        ]

    def __str__(self) -> str:
        return f"{self.applicant} for {self.asset}"

    @property
    def is_open(self) -> bool:
        """Whether somebody still has to act on it."""
        return self.state in self.OPEN

    def approve(self, *, decider: Any, note: str, at: datetime) -> bool:
        """Pending or asked -> approved."""
        return self._decide(self.State.APPROVED, decider, note, at)

    def reject(self, *, decider: Any, note: str, at: datetime) -> bool:
        """Pending or asked -> rejected."""
        return self._decide(self.State.REJECTED, decider, note, at)

    def withdraw(self, *, at: datetime) -> bool:
        """Pending or asked -> withdrawn."""
        return self.move(*self.OPEN, state=self.State.WITHDRAWN, decided_at=at)

    def ask_back(self, *, question: str) -> bool:
        """Pending -> asked."""
        return self.move(self.State.PENDING, state=self.State.ASKED, question=question, reply="")

    def answer(self, *, reply: str) -> bool:
        """Asked -> pending."""
        return self.move(self.State.ASKED, state=self.State.PENDING, reply=reply)

    def remind(self, *, at: datetime) -> bool:
        """Note that its deciders are reminded, once in a day, while it is pending."""
        rows = self.same_row().filter(Q(reminded_at=None) | Q(reminded_at__lte=at - REMIND_EVERY), state=self.State.PENDING)
        return rows.update(reminded_at=at) == 1

    def _decide(self, state: str, decider: Any, note: str, at: datetime) -> bool:
        return self.move(*self.OPEN, state=state, decider=decider, decision_note=note, decided_at=at)


class GrantQuerySet(SeenQuerySet["Grant"]):
    def for_user(self, user: Any) -> Self:
        """Return the grants that `user` holds or held, and those of assets on which `user` may decide."""
        return seen_by(self, user, "user")

    def ended_by(self, at: datetime) -> Self:
        """Return grants that still say active though their time has passed at `at`."""
        return self.filter(state=Grant.State.ACTIVE, expires_at__lte=at)

    def in_force(self, at: datetime | None = None) -> Self:
        """Return grants that let their users in at `at`, or now."""
        return self.filter(Q(expires_at=None) | Q(expires_at__gt=at or timezone.now()), state=Grant.State.ACTIVE)


class Grant(Seen, Stateful):
    """That one person may use one asset: active -> revoked | expired | renewed. The rows of an asset are its register.

    A grant whose `expires_at` has passed lets nobody in from that moment, whatever its state says; the job `assets.expire`
    writes the state afterwards. An approved renewal ends the old grant as `renewed` and makes a new one.
    """

    class State(models.TextChoices):
        ACTIVE = "active", pgettext_lazy("state of a grant", "Active")
        REVOKED = "revoked", _("Revoked")
        EXPIRED = "expired", _("Expired")
        RENEWED = "renewed", _("Renewed")

    class Source(models.TextChoices):
        APPLICATION = "application", _("Application")
        RULE = "rule", _("Automatic rule")
        DIRECT = "direct", _("Added by the owner")

    asset = models.ForeignKey("assets.Asset", on_delete=models.CASCADE, related_name="grants")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="grants")
    state = models.CharField(max_length=8, choices=State.choices, default=State.ACTIVE)
    source = models.CharField(max_length=12, choices=Source.choices)
    application = models.OneToOneField(Application, null=True, blank=True, on_delete=models.SET_NULL, related_name="grant")
    granter = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    granted_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    end_reason = models.CharField(max_length=500, blank=True)
    reminded_at = models.DateTimeField(null=True, blank=True)

    objects = GrantQuerySet.as_manager()

    class Meta:
        verbose_name = _("grant")
        verbose_name_plural = _("grants")
        constraints = [
            models.CheckConstraint(condition=Q(state__in=["active", "revoked", "expired", "renewed"]), name="grant_state"),
            models.CheckConstraint(condition=Q(source__in=["application", "rule", "direct"]), name="grant_source"),
            models.UniqueConstraint(fields=["asset", "user"], condition=Q(state="active"), name="grant_active_once"),
        ]
        indexes = [
            models.Index(fields=["user", "asset"], condition=Q(state="active"), name="grant_in_force"),
            models.Index(fields=["expires_at"], condition=Q(state="active") & ~Q(expires_at=None), name="grant_to_expire"),
            models.Index(fields=["asset", "-id"]),
        ]

    def __str__(self) -> str:
        return f"{self.user} may use {self.asset}"

    def lets_in(self, at: datetime | None = None) -> bool:
        """Whether it is in force at `at`, or now; seeing the asset is another matter."""
        return self.state == self.State.ACTIVE and (self.expires_at is None or self.expires_at > (at or timezone.now()))

    def revoke(self, *, actor: Any, reason: str, at: datetime) -> bool:
        """Active -> revoked."""
        return self.move(self.State.ACTIVE, state=self.State.REVOKED, ended_at=at, ended_by=actor, end_reason=reason)

    def expire(self, *, at: datetime) -> bool:
        """Active -> expired, where its time has passed by now: it may have been extended since it was read."""
        rows = self.same_row().filter(state=self.State.ACTIVE, expires_at__lte=at)
        return rows.update(state=self.State.EXPIRED, ended_at=F("expires_at")) == 1

    def renew(self, *, actor: Any, at: datetime) -> bool:
        """Active -> renewed, when another takes its place."""
        return self.move(self.State.ACTIVE, state=self.State.RENEWED, ended_at=at, ended_by=actor)

    def extend(self, *, expires_at: datetime | None) -> bool:
        """Give an active grant another end, None for none; its holder is reminded of the new one again."""
        return self.move(self.State.ACTIVE, expires_at=expires_at, reminded_at=None)

    def remind(self, *, at: datetime) -> bool:
        """Note that its holder is reminded of the end, once."""
        return self.same_row().filter(state=self.State.ACTIVE, reminded_at=None, expires_at__gt=at).update(reminded_at=at) == 1

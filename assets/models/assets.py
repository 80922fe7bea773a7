"""Models and datasets."""

from datetime import UTC, datetime
from typing import Any, Self

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Case, Exists, F, OuterRef, Q, Value, When
from django.db.models.functions import Coalesce, Upper
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from accounts.models import AccessToken, Membership, Namespace, User
from accounts.permissions import MemberRole
from assets.models import shelf
from assets.models.publishing import reviews
from assets.models.reactions import Favourite, Like, Reaction, Subscription
from assets.models.shelf import approver_of, role_of
from assets.permissions import READING, VERBS, Role
from core.states import Stateful
from jobs.models import Job
from repos.models import Repository

name_validator = RegexValidator(
    r"\A(?!.*\.\.)(?!.*\.git\Z)[A-Za-z0-9](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9_-])?\Z",
    _("Use 1 to 96 letters, digits, . _ and -, starting with a letter or digit, without “..” and not ending in “.” or “.git”."),
    code="bad_name",
)


PUBLISHED_OR_NEVER = Coalesce("published_at", Value(datetime(1970, 1, 1, tzinfo=UTC)))
"""What lists by publication follow: what was never published counts as published before everything else."""

DECIDES = min(role for role, verbs in VERBS.items() if "decide" in verbs)


class AssetQuerySet(models.QuerySet["Asset"]):
    def for_user(self, user: User | AnonymousUser, at: datetime | None = None) -> Self:
        """Return the assets `user` may see at a moment (now), each carrying what decides on the viewer's verbs.

        That is `role`, `verbs` (the verbs a token is limited to, None without limit), `approver` and `reviewer`.
        """
        flag = models.BooleanField()
        limit = _limit(user)
        approver: Any = Value(False, output_field=flag)
        if user.is_authenticated:
            approver = Case(When(approver_of(user), then=Value(True)), default=Value(False), output_field=flag)
        rows = self.annotate(
            role=role_of(user, at or timezone.now()),
            verbs=Value(None if limit is None else sorted(limit), output_field=ArrayField(models.CharField(max_length=32), null=True)),
            approver=approver,
            reviewer=Value(reviews(user), output_field=flag),
        )
        return rows.filter(role__gt=Role.NONE)

    def decidable(self) -> Self:
        """Return those assets, read for a user, on whose applications that user may decide."""
        return self.filter(Q(role__gte=DECIDES) | Q(approver=True))

    def usable(self) -> Self:
        """Return those assets, read for a user, that the user may use."""
        return self.filter(role__gte=Role.USER)

    def of_kind(self, kind: str) -> Self:
        return self.filter(kind=kind)

    def named(self, namespace: str, name: str) -> Self:
        """Return the asset at this address, whatever the case of the letters."""
        return self.filter(namespace__handle__iexact=namespace, name__iexact=name)

    def whole(self) -> Self:
        """Return the assets with the rows that cards and heads show: namespace, repository and the job that reads the files."""
        return self.select_related("namespace", "repository", "ingest_job")

    def marked_by(self, user: User | AnonymousUser) -> Self:
        """Return the assets, each saying whether it is `favoured`, `liked` and `subscribed` by `user`."""

        def has(rows: type[Reaction]) -> Any:
            return Exists(rows.objects.of(user).filter(asset=OuterRef("pk")))

        return self.annotate(favoured=has(Favourite), liked=has(Like), subscribed=has(Subscription))

    def of_members(self, user: User | AnonymousUser, role: MemberRole) -> Self:
        """Return the assets of `user`, and of the organisations in which they are at least `role`."""
        organisations = Membership.objects.filter(user=user.pk, role__gte=role).values("organisation")
        return self.filter(Q(namespace=user.pk) | Q(namespace__in=organisations))


def _limit(user: User | AnonymousUser) -> frozenset[str] | None:
    """Return the verbs that visitors and tokens are limited to, whatever the role; None without a limit."""
    if not user.is_authenticated:
        return READING
    token: AccessToken | None = user.token
    if token is None or token.scope == AccessToken.Scope.WRITE:
        return None
    return READING if token.scope == AccessToken.Scope.READ else READING | set(token.verbs)


class Asset(Stateful):
    """A model or dataset: the facts of its card in columns, over the files in `repository`.

        unpublished, rejected, delisted --submit--> review --approve--> published --delist--> delisted
                                                           \\--reject--> rejected
                                                           \\--withdraw--> unpublished

    `visibility` and `availability` count while it is published: who sees it, and who of those may use it.

    The row goes in the transaction that deletes the repository, so that a row stands for something that exists.
    Everything from `title_zh` to `platform` follows the card on the default branch (`README.md`), through the job
    `assets.ingest`; `card_commit` names the revision it was read at, `card_errors` what could not be understood there.
    `parameters` and `structure` come from the headers of the weights, null and empty where there are none. `downloads` counts
    the viewers of the last 30 days and is brought up to date by the job `assets.tally`; the counts below it move with their rows.
    `favoured`, `liked` and `subscribed` are set by `marked_by` only.
    """

    class Kind(models.TextChoices):
        MODEL = "model", _("Model")
        DATASET = "dataset", _("Dataset")

    class Safety(models.TextChoices):
        SAFE = "safe", _("No risks found")
        CAUTION = "caution", _("Caution")
        DANGEROUS = "dangerous", _("Dangerous")
        UNSCANNED = "unscanned", _("Not scanned")

    State = shelf.State
    Visibility = shelf.Visibility
    Availability = shelf.Availability
    OFF_SHELF = (State.UNPUBLISHED, State.REJECTED, State.DELISTED)
    SHOWN = (State.REVIEW, State.PUBLISHED)

    role: int
    verbs: list[str] | None
    approver: bool
    reviewer: bool
    favoured: bool
    liked: bool
    subscribed: bool

    kind = models.CharField(max_length=8, choices=Kind.choices)
    namespace = models.ForeignKey(Namespace, on_delete=models.PROTECT, related_name="assets")
    name = models.CharField(_("English name"), max_length=96, validators=[name_validator])
    repository = models.OneToOneField(Repository, on_delete=models.PROTECT, related_name="+")
    state = models.CharField(_("publication"), max_length=12, choices=State.choices, default=State.UNPUBLISHED)
    visibility = models.CharField(_("visibility"), max_length=12, choices=Visibility.choices, default=Visibility.PUBLIC)
    availability = models.CharField(_("availability"), max_length=16, choices=Availability.choices, default=Availability.FREE)
    published_at = models.DateTimeField(_("published"), null=True, blank=True, editable=False)
    official = models.BooleanField(_("official"), default=False)
    featured = models.BooleanField(_("featured"), default=False)
    commercial = models.BooleanField(_("commercial"), default=False)
    creator = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now)

    title_zh = models.CharField(_("Chinese name"), max_length=96, blank=True)
    description = models.CharField(_("description"), max_length=90, blank=True)
    licence = models.CharField(_("licence"), max_length=64, blank=True)
    languages = ArrayField(models.CharField(max_length=64), default=list, blank=True)
    frameworks = ArrayField(models.CharField(max_length=64), default=list, blank=True)
    task = models.CharField(_("task"), max_length=64, blank=True)
    hardware = ArrayField(models.CharField(max_length=64), default=list, blank=True)
    minimum_spec = models.CharField(_("minimum spec"), max_length=64, blank=True)
    distributed = models.BooleanField(_("distributed"), default=False)
    industry = models.CharField(_("industry"), max_length=64, blank=True)
    tags = ArrayField(models.CharField(max_length=64), default=list, blank=True)
    base_models = ArrayField(models.CharField(max_length=200), default=list, blank=True)
    datasets = ArrayField(models.CharField(max_length=200), default=list, blank=True)
    platform = models.CharField(_("running platform"), max_length=64, blank=True)

    card_commit = models.CharField(max_length=40, blank=True)
    card_errors = models.JSONField(default=list, blank=True)
    parameters = models.BigIntegerField(_("parameters"), null=True, blank=True)
    structure = models.JSONField(default=dict, blank=True)
    safety = models.CharField(_("safety"), max_length=12, choices=Safety.choices, default=Safety.UNSCANNED)
    downloads = models.PositiveBigIntegerField(_("downloads"), default=0)
    views = models.PositiveBigIntegerField(_("views"), default=0)
    favourites = models.PositiveIntegerField(_("favourites"), default=0)
    likes = models.PositiveIntegerField(_("likes"), default=0)
    subscriptions = models.PositiveIntegerField(_("subscriptions"), default=0)
    ingest_job = models.ForeignKey(Job, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")

    objects = AssetQuerySet.as_manager()

    class Meta:
        verbose_name = _("asset")
        verbose_name_plural = _("assets")
        permissions = [("review_asset", "Can decide on submissions")]
        constraints = [
            models.UniqueConstraint(F("namespace"), F("kind"), Upper("name"), name="asset_name_any_case"),
            models.CheckConstraint(condition=Q(kind__in=["model", "dataset"]), name="asset_kind"),
            models.CheckConstraint(
                condition=Q(state__in=["unpublished", "review", "published", "rejected", "delisted"]), name="asset_state"
            ),
            models.CheckConstraint(condition=Q(visibility__in=["public", "signed_in", "chosen"]), name="asset_visibility"),
            models.CheckConstraint(condition=Q(availability__in=["free", "on_application"]), name="asset_availability"),
            models.CheckConstraint(condition=Q(safety__in=["safe", "caution", "dangerous", "unscanned"]), name="asset_safety"),
        ]
        indexes = [
            models.Index(fields=["kind", "-updated_at", "-id"]),
            models.Index(fields=["kind", "-created_at", "-id"]),
            models.Index(fields=["kind", "-downloads", "-id"]),
            models.Index(fields=["kind", "-favourites", "-id"]),
            models.Index(fields=["kind", "-views", "-id"]),
            models.Index(fields=["kind", "-subscriptions", "-id"]),
            models.Index("kind", PUBLISHED_OR_NEVER.desc(), F("id").desc(), name="asset_by_publication"),
            models.Index("kind", Upper("name"), "id", name="asset_by_name"),
            models.Index("namespace", F("updated_at").desc(), F("id").desc(), name="asset_by_namespace"),
            models.Index(fields=["kind", "task"]),
            models.Index(fields=["kind", "licence"]),
            GinIndex(fields=["tags"]),
            GinIndex(fields=["languages"]),
            GinIndex(fields=["frameworks"]),
            GinIndex(fields=["hardware"]),
            GinIndex(fields=["base_models"]),
            GinIndex(fields=["datasets"]),
        ]

    def __str__(self) -> str:
        return self.repo_id

    @property
    def repo_id(self) -> str:
        """`<namespace>/<name>`, as clients write it."""
        return f"{self.namespace.handle}/{self.name}"

    @property
    def display_name(self) -> str:
        """The Chinese name for a Chinese reader where there is one, else the English name."""
        return self.title_zh if self.title_zh and (get_language() or "").startswith("zh") else self.name

    @property
    def is_official(self) -> bool:
        """Whether the gallery vouches for it or for its owner."""
        return self.official or self.namespace.official

    @property
    def allowed(self) -> frozenset[str]:
        """The verbs this viewer may use; an error on rows not read through `for_user`."""
        verbs = VERBS[Role(self.role)]
        if self.needs_grant:
            verbs |= {"apply"}
        if self.approver:
            verbs |= {"decide"}
        if self.reviewer and self.state == self.State.REVIEW:
            verbs |= {"review"}
        return verbs if self.verbs is None else verbs & frozenset(self.verbs)

    @property
    def needs_grant(self) -> bool:
        """Whether this viewer, signed in or not, sees it but has to be granted its use."""
        gated = self.state == self.State.PUBLISHED and self.availability == self.Availability.ON_APPLICATION
        return gated and self.role == Role.VIEWER

    def open_repository(self) -> Repository:
        """Return the repository, carrying this viewer's verbs."""
        self.repository.allowed = self.allowed
        return self.repository

    def get_absolute_url(self) -> str:
        return f"/{self.kind}s/{self.repo_id}"

    def submit(self, *, visibility: str, availability: str) -> bool:
        """Ask for publication with these ranges."""
        ranges = {"visibility": visibility, "availability": availability}
        return self.move(*self.OFF_SHELF, state=self.State.REVIEW, **ranges)

    def approve(self, *, at: datetime) -> bool:
        """Put it on the shelf."""
        return self.move(self.State.REVIEW, state=self.State.PUBLISHED, published_at=at)

    def reject(self) -> bool:
        """Turn it down; its members may mend it and submit it again."""
        return self.move(self.State.REVIEW, state=self.State.REJECTED)

    def withdraw(self) -> bool:
        """Take it back from review."""
        return self.move(self.State.REVIEW, state=self.State.UNPUBLISHED)

    def delist(self) -> bool:
        """Take it off the shelf."""
        return self.move(self.State.PUBLISHED, state=self.State.DELISTED)


class AssetRedirect(models.Model):
    """An address an asset had before it was renamed or transferred."""

    kind = models.CharField(max_length=8, choices=Asset.Kind.choices)
    namespace = models.ForeignKey(Namespace, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=96)
    asset = models.ForeignKey(Asset, on_delete=models.CASCADE, related_name="redirects")

    class Meta:
        constraints = [
            models.UniqueConstraint(F("namespace"), F("kind"), Upper("name"), name="redirect_name_any_case"),
            models.CheckConstraint(condition=Q(kind__in=["model", "dataset"]), name="redirect_kind"),
        ]

    def __str__(self) -> str:
        return self.name

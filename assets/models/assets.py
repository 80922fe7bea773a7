"""Models and datasets."""

from typing import Any, Self

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Case, F, Q, Value, When
from django.db.models.functions import Least, Upper
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from accounts.models import AccessToken, Membership, Namespace, User
from assets.permissions import READING, VERBS, Role
from jobs.models import Job
from repos.models import Repository

name_validator = RegexValidator(
    r"\A(?!.*\.\.)(?!.*\.git\Z)[A-Za-z0-9](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9_-])?\Z",
    _("Use 1 to 96 letters, digits, . _ and -, starting with a letter or digit, without “..” and not ending in “.” or “.git”."),
    code="bad_name",
)


MEMBER_ROLES = (Role.OWNER, Role.MAINTAINER, Role.CONTRIBUTOR, Role.USER)
"""The roles that a membership gives, by the same numbers as `accounts.permissions.MemberRole`."""


def role_of(user: User | AnonymousUser) -> Any:
    """Return the SQL expression of `user`'s role towards an asset; a token in use lowers it."""
    public = Case(
        When(visibility=Asset.Visibility.PUBLIC, then=Value(int(Role.USER))),
        default=Value(int(Role.NONE)),
        output_field=models.IntegerField(),
    )
    if not user.is_authenticated:
        return public
    if user.is_superuser:
        full: Any = Value(int(Role.OWNER), output_field=models.IntegerField())
    else:
        # One set per role, not one look-up per asset: the database builds each once for the whole list.
        def shared(role: int) -> When:
            return When(namespace__in=Membership.objects.filter(user=user.pk, role=role).values("organisation"), then=Value(role))

        own = When(namespace=user.pk, then=Value(int(Role.OWNER)))
        full = Case(own, *[shared(int(role)) for role in MEMBER_ROLES], default=public, output_field=models.IntegerField())
    token: AccessToken | None = user.token
    if token is None or token.scope == AccessToken.Scope.WRITE:
        return full
    if token.scope == AccessToken.Scope.READ:
        return Least(full, Value(int(Role.USER)))
    chosen = [int(r.removeprefix("asset:")) for r in token.resources if r.startswith("asset:")]
    return Case(When(pk__in=chosen, then=full), default=public, output_field=models.IntegerField())


class AssetQuerySet(models.QuerySet["Asset"]):
    def for_user(self, user: User | AnonymousUser) -> Self:
        """Return the assets `user` may see, each carrying the viewer's `role` and, for a fine-grained token, its `verbs`."""
        token: AccessToken | None = user.token if user.is_authenticated else None
        verbs = sorted(READING | set(token.verbs)) if token and token.scope == AccessToken.Scope.FINE else None
        field = ArrayField(models.CharField(max_length=32), null=True)
        rows = self.annotate(role=role_of(user), verbs=Value(verbs, output_field=field))
        return rows.filter(role__gt=Role.NONE)

    def of_kind(self, kind: str) -> Self:
        return self.filter(kind=kind)

    def named(self, namespace: str, name: str) -> Self:
        """Return the asset at this address, whatever the case of the letters."""
        return self.filter(namespace__handle__iexact=namespace, name__iexact=name)

    def whole(self) -> Self:
        """Return the assets with the rows that cards and heads show: namespace, repository and the job that reads the files."""
        return self.select_related("namespace", "repository", "ingest_job")


class Asset(models.Model):
    """A model or dataset: the facts of its card in columns, over the files in `repository`.

    The row goes in the transaction that deletes the repository, so that a row stands for something that exists.
    Everything from `title_zh` to `platform` follows the card on the default branch (`README.md`), through the job
    `assets.ingest`; `card_commit` names the revision it was read at, `card_errors` what could not be understood there.
    `parameters` and `structure` come from the headers of the weights, null and empty where there are none. `downloads` counts
    the viewers of the last 30 days and is brought up to date by the job `assets.tally`.
    """

    class Kind(models.TextChoices):
        MODEL = "model", _("Model")
        DATASET = "dataset", _("Dataset")

    class Visibility(models.TextChoices):
        PRIVATE = "private", _("Private")
        PUBLIC = "public", _("Public")

    role: int
    verbs: list[str] | None

    kind = models.CharField(max_length=8, choices=Kind.choices)
    namespace = models.ForeignKey(Namespace, on_delete=models.PROTECT, related_name="assets")
    name = models.CharField(_("English name"), max_length=96, validators=[name_validator])
    repository = models.OneToOneField(Repository, on_delete=models.PROTECT, related_name="+")
    visibility = models.CharField(_("visibility"), max_length=8, choices=Visibility.choices, default=Visibility.PRIVATE)
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
    downloads = models.PositiveBigIntegerField(_("downloads"), default=0)
    ingest_job = models.ForeignKey(Job, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")

    objects = AssetQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(F("namespace"), F("kind"), Upper("name"), name="asset_name_any_case"),
            models.CheckConstraint(condition=Q(kind__in=["model", "dataset"]), name="asset_kind"),
            models.CheckConstraint(condition=Q(visibility__in=["private", "public"]), name="asset_visibility"),
        ]
        indexes = [
            models.Index(fields=["kind", "-updated_at", "-id"]),
            models.Index(fields=["kind", "-created_at", "-id"]),
            models.Index(fields=["kind", "-downloads", "-id"]),
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
    def allowed(self) -> frozenset[str]:
        """The verbs this viewer may use; an error on rows not read through `for_user`."""
        verbs = VERBS[Role(self.role)]
        return verbs if self.verbs is None else verbs & frozenset(self.verbs)

    def open_repository(self) -> Repository:
        """Return the repository, carrying this viewer's verbs."""
        self.repository.allowed = self.allowed
        return self.repository

    def get_absolute_url(self) -> str:
        return f"/{self.kind}s/{self.repo_id}"


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

"""Users and organisations share one space of handles."""

from collections.abc import Iterable
from typing import Any, ClassVar, Self

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import AnonymousUser, PermissionsMixin
from django.db import models
from django.db.models import Case, OuterRef, Q, Subquery, Value, When
from django.db.models.functions import Coalesce, Upper
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.handles import normalise, validators
from accounts.models.tokens import AccessToken
from accounts.permissions import PERSONAL, VERBS, MemberRole

PIGMENTS = ("malachite", "azurite", "ochre", "wisteria", "cinnabar", "gamboge")


class NamespaceQuerySet(models.QuerySet["Namespace"]):
    def for_user(self, user: "User | AnonymousUser") -> Self:
        """Return the namespaces `user` may see, which is all of them, each carrying the viewer's `role` in it."""
        return self.annotate(role=role_in_namespace(user, "pk"))

    def at(self, handle: str) -> Self:
        """Return the namespace with this handle now, whatever the case of the letters."""
        return self.filter(handle__iexact=handle)

    def called(self, handles: Iterable[str]) -> Self:
        """Return the namespaces that have or had one of these handles, except accounts that are switched off."""
        claims = Handle.objects.filter(key__in=[normalise(handle.strip().removeprefix("@")) for handle in handles])
        return self.filter(pk__in=claims.values("namespace")).exclude(user__is_active=False)

    def matching(self, words: str) -> Self:
        """Return the namespaces that people mean by `words`, the best first: by handle, former handle, number or part of the nickname."""
        words = words.strip().removeprefix("@")
        meant = (
            Q(handle__icontains=words)
            | Q(nickname__icontains=words)
            | Q(pk__in=Handle.objects.filter(key=normalise(words)).values("namespace"))
        )
        if words.isascii() and words.isdigit() and len(words) < 19:
            meant |= Q(pk=int(words))
        best = Case(
            When(handle__iexact=words, then=0), When(nickname__iexact=words, then=1), When(handle__istartswith=words, then=2), default=3
        )
        return self.filter(meant).exclude(user__is_active=False).order_by(best, "handle")


def role_in_namespace(user: "User | AnonymousUser", path: str) -> Any:
    """Return the SQL expression of `user`'s standing in the namespace at `path` (`pk` or a foreign key's `…_id`).

    The user's own namespace and every namespace for an administrator count as owner. A token in use lowers it: with scope `read`
    to what everybody signed in may do, with scope `fine` to what everybody may.
    """
    whole = models.IntegerField()
    visitor = Value(int(MemberRole.VISITOR), output_field=whole)
    if not user.is_authenticated:
        return visitor
    person = Value(int(MemberRole.PERSON), output_field=whole)
    token: AccessToken | None = user.token
    if token is not None and token.scope == AccessToken.Scope.FINE:
        return visitor
    if token is not None and token.scope == AccessToken.Scope.READ:
        return person
    if user.is_superuser:
        return Value(int(MemberRole.OWNER), output_field=whole)
    membership = Membership.objects.filter(organisation=OuterRef(path), user=user.pk).values("role")[:1]
    return Case(
        When(**{path: user.pk}, then=Value(int(MemberRole.OWNER))),
        default=Coalesce(Subquery(membership), person),
        output_field=whole,
    )


class Namespace(models.Model):
    """A user or an organisation as the owner of assets, addressed by its handle.

    `role` is set by `for_user` only. A database trigger claims the handle of every namespace in `Handle` as it is written.
    """

    class Kind(models.TextChoices):
        USER = "user", _("User")
        ORGANISATION = "organisation", _("Organisation")

    role: int

    handle = models.CharField(
        _("handle"), max_length=64, unique=True, validators=validators, error_messages={"unique": _("This handle is taken.")}
    )
    kind = models.CharField(max_length=16, choices=Kind.choices, default=Kind.USER, editable=False)
    nickname = models.CharField(_("display name"), max_length=64, blank=True)
    bio = models.CharField(_("bio"), max_length=500, blank=True)
    avatar = models.ImageField(_("avatar"), upload_to="avatars/", blank=True)
    official = models.BooleanField(_("official publisher"), default=False)
    storage_quota = models.BigIntegerField(
        _("storage quota"), null=True, blank=True, help_text=_("Bytes that its repositories may take; empty for the gallery's own limit.")
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = NamespaceQuerySet.as_manager()

    class Meta:
        verbose_name = _("namespace")
        verbose_name_plural = _("namespaces")
        constraints = [
            models.UniqueConstraint(Upper("handle"), name="namespace_handle_any_case", violation_error_message=_("This handle is taken.")),
            models.CheckConstraint(condition=Q(kind__in=["user", "organisation"]), name="namespace_kind"),
            models.CheckConstraint(condition=Q(storage_quota=None) | Q(storage_quota__gte=0), name="namespace_quota"),
        ]

    def __str__(self) -> str:
        return self.handle

    @property
    def name(self) -> str:
        """The nickname, or the handle where there is none."""
        return self.nickname or self.handle

    @property
    def initials(self) -> str:
        """One Chinese character or up to two letters that stand in for a missing avatar."""
        words = [word for word in self.name.replace("-", " ").replace("_", " ").replace(".", " ").split() if word[0].isalnum()]
        if not words:
            return self.handle[:2].upper()
        if ord(words[0][0]) > 0x2E7F:
            return words[0][0]
        return (words[0][0] + words[1][0] if len(words) > 1 else words[0][:2]).upper()

    @property
    def pigment(self) -> str:
        """The colour of the generated avatar; it never changes."""
        return PIGMENTS[(self.pk or 0) % len(PIGMENTS)]

    @property
    def avatar_url(self) -> str:
        """The address of the avatar, empty where there is none."""
        return f"/{self.avatar.name}" if self.avatar else ""

    @property
    def allowed(self) -> frozenset[str]:
        """The verbs this viewer may use; an error on rows not read through `for_user`."""
        verbs = VERBS[MemberRole(self.role)]
        return verbs & PERSONAL if self.kind == self.Kind.USER else verbs

    def get_absolute_url(self) -> str:
        return f"/{self.handle}"


class Handle(models.Model):
    """A handle that is or was in use, so that it is never given to somebody else and old addresses lead on.

    `key` is the lower-case handle; the namespace's own `handle` holds the spelling in use. Rows are written by a database trigger
    on the namespace, and go with it.
    """

    key = models.CharField(primary_key=True, max_length=64)
    namespace = models.ForeignKey(Namespace, on_delete=models.CASCADE, related_name="handles")

    def __str__(self) -> str:
        return self.key


class UserManager(BaseUserManager.from_queryset(NamespaceQuerySet)):  # type: ignore[misc]
    def get_by_natural_key(self, username: str | None) -> "User":
        user: User = self.get(handle__iexact=username)
        return user

    def create_user(self, handle: str, email: str, password: str | None = None, **extra: Any) -> "User":
        """Create a user; the database claims the handle. Raises `ValidationError` by field."""
        user: User = self.model(handle=handle, email=email.strip().lower(), **extra)
        user.set_password(password)
        user.full_clean(exclude=["password"])
        user.save(using=self._db)
        return user

    def create_superuser(self, handle: str, email: str, password: str | None = None, **extra: Any) -> "User":
        return self.create_user(handle, email, password, **{**extra, "is_staff": True, "is_superuser": True})


class User(AbstractBaseUser, PermissionsMixin, Namespace):
    """A person who signs in. `token` is set while a request is made with an access token."""

    class Language(models.TextChoices):
        ANY = "", _("Follow the browser")
        CHINESE = "zh-hans", "简体中文"
        ENGLISH = "en", "English"

    token: AccessToken | None = None

    email = models.EmailField(_("email"), unique=True)
    language = models.CharField(_("language"), max_length=8, choices=Language.choices, blank=True, default="")
    email_notifications = models.BooleanField(_("notifications by email"), default=True)
    keyboard_shortcuts = models.BooleanField(_("single-key shortcuts"), default=True)
    is_staff = models.BooleanField(_("may open the administration"), default=False)
    is_active = models.BooleanField(_("active"), default=True)
    suspension_reason = models.CharField(_("reason of the suspension"), max_length=500, blank=True)
    onboarded_at = models.DateTimeField(_("onboarded"), null=True, blank=True, editable=False)
    news = models.BooleanField(_("news and offers by email"), default=False)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "handle"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS = ["email"]

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")
        constraints = [
            models.CheckConstraint(condition=Q(language__in=["", "zh-hans", "en"]), name="user_language"),
            models.UniqueConstraint(
                Upper("email"), name="user_email_any_case", violation_error_message=_("An account with this email address exists already.")
            ),
        ]

    def __str__(self) -> str:
        return self.handle

    def get_full_name(self) -> str:
        return self.name

    def get_short_name(self) -> str:
        return self.name


class OrganisationManager(models.Manager.from_queryset(NamespaceQuerySet)):  # type: ignore[misc]
    def create(self, **values: Any) -> "Organisation":
        organisation: Organisation = super().create(**{**values, "kind": Namespace.Kind.ORGANISATION})
        return organisation


class Organisation(Namespace):
    """A namespace that several people share."""

    members = models.ManyToManyField(settings.AUTH_USER_MODEL, through="Membership", related_name="organisations")

    objects: ClassVar[OrganisationManager] = OrganisationManager()

    class Meta:
        verbose_name = _("organisation")
        verbose_name_plural = _("organisations")


class MembershipQuerySet(models.QuerySet["Membership"]):
    def for_user(self, user: User | AnonymousUser) -> Self:
        """Return the memberships `user` may see: all of them for somebody signed in, none for others."""
        if not user.is_authenticated or (user.token is not None and user.token.scope == AccessToken.Scope.FINE):
            return self.none()
        return self

    def listed(self) -> Self:
        """Return memberships with their people, owners first, then as they joined."""
        return self.select_related("user").order_by("-role", "created_at", "pk")


class Membership(models.Model):
    """One person's role in one organisation."""

    class Role(models.IntegerChoices):
        READER = MemberRole.READER, _("Reader")
        CONTRIBUTOR = MemberRole.CONTRIBUTOR, _("Contributor")
        MAINTAINER = MemberRole.MAINTAINER, _("Maintainer")
        OWNER = MemberRole.OWNER, pgettext_lazy("role of a member", "Owner")

    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    role = models.PositiveSmallIntegerField(choices=Role.choices, default=Role.READER)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = MembershipQuerySet.as_manager()

    class Meta:
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        constraints = [
            models.UniqueConstraint(fields=["organisation", "user"], name="membership_once"),
            models.CheckConstraint(condition=Q(role__in=[20, 30, 40, 50]), name="membership_role"),
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.organisation}"

    @property
    def role_name(self) -> str:
        """The role as REST and the audit trail write it: `reader`, `contributor`, `maintainer`, `owner`."""
        return Membership.Role(self.role).name.lower()

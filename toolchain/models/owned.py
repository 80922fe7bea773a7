"""What belongs to a namespace and is only for its members."""

from typing import Any, Self, TypeVar

from django.conf import settings
from django.db import models
from django.db.models import Case, OuterRef, Subquery, Value, When
from django.db.models.functions import Coalesce

from accounts.models import AccessToken, Membership, Namespace
from accounts.permissions import MemberRole
from core.states import Stateful
from toolchain.permissions import READING, verbs_of

M = TypeVar("M", bound="Owned")
_WHOLE = models.IntegerField()


def standing_in(user: Any, path: str) -> Any:
    """Return the SQL expression of `user`'s role in the namespace at `path`, 0 for those who are no members of it.

    A token with scope `fine` opens single assets only, so nothing here.
    """
    token = getattr(user, "token", None)
    if not user.is_authenticated or (token is not None and token.scope == AccessToken.Scope.FINE):
        return Value(0, output_field=_WHOLE)
    if user.is_superuser:
        return Value(int(MemberRole.OWNER), output_field=_WHOLE)
    membership = Membership.objects.filter(organisation=OuterRef(path), user=user.pk).values("role")[:1]
    return Case(When(**{path: user.pk}, then=Value(int(MemberRole.OWNER))), default=Coalesce(Subquery(membership), 0), output_field=_WHOLE)


class OwnedQuerySet(models.QuerySet[M]):
    def for_user(self, user: Any) -> Self:
        """Return the rows of namespaces that `user` is a member of, each carrying their `role` there and whether they may only read."""
        token = getattr(user, "token", None)
        reads = token is not None and token.scope == AccessToken.Scope.READ
        rows = self.annotate(role=standing_in(user, "namespace_id"), reads=Value(reads, output_field=models.BooleanField()))
        return rows.filter(role__gte=MemberRole.READER)


class Owned(Stateful):
    """A row of a namespace. `role` and `reads` are set by `for_user` only."""

    role: int
    reads: bool

    namespace = models.ForeignKey(Namespace, on_delete=models.PROTECT, related_name="+")
    creator = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        abstract = True

    @property
    def allowed(self) -> frozenset[str]:
        """The verbs this viewer may use; an error on rows not read through `for_user`."""
        verbs = verbs_of(self.role)
        return verbs & READING if self.reads else verbs

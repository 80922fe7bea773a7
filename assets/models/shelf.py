"""Where an asset stands between its owners and everybody, and what that makes of a viewer."""

from datetime import datetime
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Case, Q, Value, When
from django.db.models.functions import Least
from django.utils.translation import gettext_lazy as _

from accounts.models import AccessToken, Membership, User
from assets.models.access import Approver, Grant
from assets.models.publishing import Audience, reviews
from assets.permissions import Role


class State(models.TextChoices):
    """Only a published asset is seen by others than the members of its owner, and by reviewers while it is in review."""

    UNPUBLISHED = "unpublished", _("Not published")
    REVIEW = "review", _("Under review")
    PUBLISHED = "published", _("Published")
    REJECTED = "rejected", _("Rejected")
    DELISTED = "delisted", _("Delisted")


class Visibility(models.TextChoices):
    """Who sees a published asset."""

    PUBLIC = "public", _("Everybody")
    SIGNED_IN = "signed_in", _("Everybody signed in")
    CHOSEN = "chosen", _("Chosen people and organisations")


class Availability(models.TextChoices):
    """Who of those that see a published asset may use it."""

    FREE = "free", _("Free to use")
    ON_APPLICATION = "on_application", _("On application")


MEMBER_ROLES = (Role.OWNER, Role.MAINTAINER, Role.CONTRIBUTOR, Role.USER)
"""The roles that a membership gives, by the same numbers as `accounts.permissions.MemberRole`."""

WHOLE = models.IntegerField()


def approver_of(user: User) -> Any:
    """Return the condition under which `user` was given the deciding of applications, and a token in use extends to them."""
    given = Q(pk__in=Approver.objects.filter(user=user.pk).values("asset"), state=State.PUBLISHED)
    return given if (named := _named_by(user.token)) is None else given & Q(pk__in=named)


def _named_by(token: AccessToken | None) -> list[int] | None:
    """Return the assets that a fine-grained token names; None for a token, or none, that reaches all of its user's."""
    if token is None or token.scope != AccessToken.Scope.FINE:
        return None
    return [int(r.removeprefix("asset:")) for r in token.resources if r.startswith("asset:")]


def role_of(user: User | AnonymousUser, at: datetime) -> Any:
    """Return the SQL expression of `user`'s role towards an asset at a moment; a token in use lowers it."""
    if not user.is_authenticated:
        return _outsider(user, at)
    if user.is_superuser:
        full: Any = Value(int(Role.OWNER), output_field=WHOLE)
    else:
        # One set per role, not one look-up per asset: the database builds each once for the whole list.
        def shared(role: int) -> When:
            return When(namespace__in=Membership.objects.filter(user=user.pk, role=role).values("organisation"), then=Value(role))

        own = When(namespace=user.pk, then=Value(int(Role.OWNER)))
        full = Case(own, *[shared(int(role)) for role in MEMBER_ROLES], default=_outsider(user, at), output_field=WHOLE)
    token: AccessToken | None = user.token
    if token is None or token.scope == AccessToken.Scope.WRITE:
        return full
    if token.scope == AccessToken.Scope.READ:
        return Least(full, Value(int(Role.USER)))
    return Case(When(pk__in=_named_by(token) or [], then=full), default=_outsider(AnonymousUser(), at), output_field=WHOLE)


def _outsider(user: User | AnonymousUser, at: datetime) -> Any:
    """Return the role of somebody who is no member of the owner: from the two ranges and the grants."""
    seen, used = Q(visibility=Visibility.PUBLIC), Q(availability=Availability.FREE)
    steps = []
    if user.is_authenticated:
        organisations = Membership.objects.filter(user=user.pk).values("organisation")
        named = Audience.objects.filter(Q(namespace=user.pk) | Q(namespace__in=organisations))
        seen |= Q(visibility=Visibility.SIGNED_IN) | Q(visibility=Visibility.CHOSEN, pk__in=named.values("asset"))
        used |= Q(pk__in=Grant.objects.in_force(at).filter(user=user.pk).values("asset"))
        if reviews(user):
            steps.append(When(state=State.REVIEW, then=Value(int(Role.USER))))
    sees = Case(When(used, then=Value(int(Role.USER))), default=Value(int(Role.VIEWER)), output_field=WHOLE)
    steps.append(When(seen, state=State.PUBLISHED, then=sees))
    if user.is_authenticated:
        steps.append(When(approver_of(user), then=Value(int(Role.VIEWER))))
    return Case(*steps, default=Value(int(Role.NONE)), output_field=WHOLE)

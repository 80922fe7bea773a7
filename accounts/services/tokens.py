"""Creating and revoking access tokens."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import AccessToken, User
from accounts.services.audit import record
from core.problems import Forbidden, Invalid, Missing, Problem

MAX_TOKENS = 200


@transaction.atomic
def create_token(
    *,
    actor: User,
    name: str,
    scope: str,
    verbs: Sequence[str] = (),
    resources: Sequence[str] = (),
    expires_at: datetime | None = None,
) -> tuple[AccessToken, str]:
    """Create an access token of `actor` and return it with its secret, which exists in the clear only now.

    `verbs` and `resources` belong to the scope `fine`. A token that creates another must be of scope `write`, and the new one
    ends no later than it does.
    """
    errors: dict[str, list[str]] = {}
    if not name.strip():
        errors["name"] = [_("Give the token a name, so that you know later what uses it.")]
    if scope not in AccessToken.Scope.values:
        errors["scope"] = [_("Choose one of read, write, fine.")]
    if expires_at and expires_at <= timezone.now():
        errors["expires_at"] = [_("Choose a day in the future.")]
    if scope == AccessToken.Scope.FINE and not resources:
        errors["resources"] = [_("Choose at least one repository.")]
    if scope == AccessToken.Scope.FINE and not verbs:
        errors["verbs"] = [_("Choose what the token may do.")]
    if errors:
        raise Invalid(errors)
    _check_creator(actor, expires_at)
    if AccessToken.objects.for_user(actor).count() >= MAX_TOKENS:
        raise Problem("too_many_tokens", _("You have %(count)s tokens. Revoke one that is not used any more.") % {"count": MAX_TOKENS})
    fine = scope == AccessToken.Scope.FINE
    token = AccessToken(
        user=actor,
        name=name.strip(),
        scope=scope,
        verbs=sorted(set(verbs)) if fine else [],
        resources=sorted(set(resources)) if fine else [],
        expires_at=expires_at,
    )
    token.clean_fields(exclude={"prefix", "digest", "user"})
    secret = token.issue()
    record(
        actor=actor, verb="create", target_kind="token", target_id=token.pk, target=token.name,
        scope=scope, verbs=token.verbs, resources=token.resources, expires_at=expires_at,
    )  # fmt: skip
    return token, secret


def _check_creator(actor: User, expires_at: datetime | None) -> None:
    creator: AccessToken | None = actor.token
    if creator is None:
        return
    if creator.scope != AccessToken.Scope.WRITE:
        raise Forbidden("token_scope", _("This access token may only read. Use one with the scope “write”."))
    if creator.expires_at and (expires_at is None or expires_at > creator.expires_at):
        raise Forbidden("token_outlives", _("A token cannot create one that ends later than itself. Give an earlier end, or use the page."))


@transaction.atomic
def revoke_token(*, token: AccessToken, actor: User) -> None:
    """Delete a token of `actor`; whatever uses it is refused from now on."""
    if token.user_id != actor.pk:
        raise Missing("token_not_found", _("You have no such token."))
    if actor.token is not None and actor.token.scope != AccessToken.Scope.WRITE:
        raise Forbidden("token_scope", _("This access token may only read. Use one with the scope “write”."))
    pk, name = token.pk, token.name
    token.delete()
    record(actor=actor, verb="revoke", target_kind="token", target_id=pk, target=name)

"""Handles: who has one, who had it, and changing it."""

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts.handles import HandleConverter, normalise, validators
from accounts.models import Handle, Namespace, User
from accounts.services.audit import record
from core.permissions import require
from core.problems import Conflict, Missing, Problem

SHAPE = re.compile(rf"\A{HandleConverter.regex}\Z")
HANDLE_CONSTRAINTS = {"accounts_handle_pkey", "accounts_namespace_handle_key", "namespace_handle_any_case"}
EMAIL_CONSTRAINTS = {"user_email_any_case", "accounts_user_email_key", "unique_verified_email"}


def namespace_at(handle: str, *, user: User | AnonymousUser | None = None) -> tuple[Namespace, bool]:
    """Return the user or organisation at `handle`, and whether that is a former handle, whose pages redirect.

    With `user` the row carries that viewer's `allowed` verbs. Raises `Missing`.
    """
    rows = Namespace.objects.all() if user is None else Namespace.objects.for_user(user)
    namespace = rows.filter(handles__key=normalise(handle)).first() if SHAPE.match(handle) else None
    if namespace is None:
        raise Missing("namespace_not_found", _("There is nobody with this handle."))
    return namespace, normalise(namespace.handle) != normalise(handle)


def person_at(handle: str) -> User:
    """Return the person with this handle, now or formerly. Raises `Missing` with a message for the field `handle`."""
    person: User | None = User.objects.filter(handles__key=normalise(handle)).first() if SHAPE.match(handle) else None
    if person is None:
        sentence = _("There is nobody with the handle “%(handle)s”.") % {"handle": handle}
        raise Missing("user_not_found", sentence, errors={"handle": [sentence]})
    return person


def taken(handle: str) -> Conflict:
    """Return the problem of a handle that somebody has or had."""
    sentence = _("The handle “%(handle)s” is taken or was in use before. Choose another one.") % {"handle": handle}
    return Conflict("handle_taken", sentence, errors={"handle": [sentence]})


def email_taken() -> Conflict:
    """Return the problem of an address that belongs to another account."""
    sentence = _("An account with this email address exists already. Sign in, or reset its password.")
    return Conflict("email_taken", sentence, errors={"email": [sentence]})


def check_handle(handle: str, *, holder: Namespace | None = None) -> None:
    """Raise a `Problem` with a message for the field `handle` unless `holder`, or a newcomer, may take it now."""
    try:
        for check in validators:
            check(handle)
    except ValidationError as error:
        raise Problem("bad_handle", error.messages[0], errors={"handle": error.messages}) from error
    claims = Handle.objects.filter(key=normalise(handle))
    if (claims.exclude(namespace=holder) if holder else claims).exists():
        raise taken(handle)


@contextmanager
def claiming(handle: str) -> Iterator[None]:
    """Run a write that claims `handle` in a savepoint; somebody who was faster becomes a `Conflict`, not an error."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        constraint = getattr(getattr(error.__cause__, "diag", None), "constraint_name", "")
        if constraint in HANDLE_CONSTRAINTS:
            raise taken(handle) from error
        if constraint in EMAIL_CONSTRAINTS:
            raise email_taken() from error
        raise


def free_handle() -> str:
    """Return a handle in the gallery's own style, such as `ur5468675`, that nobody has or had."""
    for digits in (7, 7, 7, 9, 12):
        candidates = {f"ur{secrets.randbelow(9 * 10 ** (digits - 1)) + 10 ** (digits - 1)}" for _attempt in range(20)}
        candidates -= set(Handle.objects.filter(key__in=candidates).values_list("key", flat=True))
        if candidates:
            return candidates.pop()
    raise RuntimeError("No free handle was found among a hundred random ones.")


@transaction.atomic
def rename_handle(*, namespace: Namespace, actor: User, handle: str) -> None:
    """Give `namespace` another handle. The old one stays its own: addresses with it lead to the new one, and it may be taken back."""
    require(namespace, "rename")
    check_handle(handle, holder=namespace)
    former = namespace.handle
    if handle == former:
        return
    with claiming(handle):
        Namespace.objects.filter(pk=namespace.pk).update(handle=handle)
    namespace.handle = handle
    if actor.pk == namespace.pk:
        actor.handle = handle
    record(actor=actor, verb="rename", target_kind=namespace.kind, target_id=namespace.pk, target=handle, former=former)

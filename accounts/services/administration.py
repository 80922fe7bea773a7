"""What staff do to accounts. Every function asks for the actor's right, and leaves one audit row."""

from importlib import import_module

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth import password_validation
from django.contrib.auth.models import Group
from django.contrib.sessions.models import Session
from django.core.exceptions import ValidationError
from django.core.mail import send_mail
from django.db import transaction
from django.db.models import Q
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from accounts.models import AccessToken, AuditEvent, Namespace, User
from accounts.services.audit import ChainBroken, chain, record
from accounts.services.handles import check_handle, claiming
from accounts.standing import ADMINISTRATOR, STANDINGS, standing_of
from core.problems import Conflict, Forbidden, Missing, Problem

ONLY_ADMINISTRATORS = "accounts.administer"
"""A permission that no group has: Django grants it to administrators alone."""


def authorise(actor: User, permission: str) -> None:
    """Raise `Forbidden` unless `actor` works here with this permission (`accounts.change_user`). Tokens give no staff rights."""
    if not (actor.is_active and actor.is_staff and actor.token is None and actor.has_perm(permission)):
        raise Forbidden("not_permitted", _("Your standing does not allow this. Ask an administrator."), extra={"permission": permission})


@transaction.atomic
def create_account(*, actor: User, handle: str, email: str, nickname: str = "") -> User:
    """Return a new account without a password: its owner sets one through the reset mail."""
    authorise(actor, ONLY_ADMINISTRATORS)
    check_handle(handle)
    user = User(handle=handle, email=email.lower(), nickname=nickname)
    user.set_unusable_password()
    with claiming(handle):
        user.save(force_insert=True)
    _record(actor, user, "create")
    return user


@transaction.atomic
def set_standing(*, actor: User, user: User, standing: str) -> None:
    """Make `user` a reviewer, an operator, an administrator, or with "" none of these. The last administrator stays one."""
    authorise(actor, ONLY_ADMINISTRATORS)
    if standing not in STANDINGS:
        sentence = _("Choose one of reviewer, operator, administrator, or nothing.")
        raise Problem("invalid", sentence, errors={"standing": [sentence]})
    row = _locked(user)
    former = standing_of(row)
    if standing == former:
        return
    if former == ADMINISTRATOR:
        _keep_an_administrator(row)
    highest = standing == ADMINISTRATOR
    User.objects.filter(pk=row.pk).update(is_staff=bool(standing), is_superuser=highest)
    row.groups.set(Group.objects.filter(name=standing))
    row.user_permissions.clear()
    user.is_staff, user.is_superuser = bool(standing), highest
    _record(actor, row, "set_standing", former=former, standing=standing)


@transaction.atomic
def suspend_user(*, actor: User, user: User, reason: str) -> None:
    """Switch an account off: its sessions end, its tokens are refused at once, and the person is told why by mail."""
    authorise(actor, "accounts.change_user")
    row = _locked(user)
    if row.pk == actor.pk:
        raise Conflict("own_account", _("You cannot suspend yourself. Ask another administrator."))
    _keep_from(actor, row)
    if row.is_superuser:
        _keep_an_administrator(row)
    if not reason.strip():
        sentence = _("Say why: the person reads it.")
        raise Problem("invalid", sentence, errors={"reason": [sentence]})
    if not User.objects.filter(pk=row.pk, is_active=True).update(is_active=False, suspension_reason=reason.strip()[:500]):
        raise Conflict("already_suspended", _("This account is suspended already."))
    user.is_active, user.suspension_reason = False, reason.strip()[:500]
    ended = _end_sessions(row)
    _tell(row, "suspended", reason=user.suspension_reason)
    _record(actor, row, "suspend", reason=user.suspension_reason, sessions=ended)


@transaction.atomic
def lift_suspension(*, actor: User, user: User) -> None:
    """Switch an account on again; tokens that have not expired work as before."""
    authorise(actor, "accounts.change_user")
    row = _locked(user)
    _keep_from(actor, row)
    if not User.objects.filter(pk=row.pk, is_active=False).update(is_active=True, suspension_reason=""):
        raise Conflict("not_suspended", _("This account is not suspended."))
    user.is_active, user.suspension_reason = True, ""
    _tell(row, "lifted")
    _record(actor, row, "lift_suspension")


@transaction.atomic
def sign_out_everywhere(*, actor: User, user: User) -> None:
    """End every session of `user`. Tokens stay."""
    authorise(actor, "accounts.change_user")
    row = _locked(user)
    _keep_from(actor, row)
    _record(actor, row, "sign_out_everywhere", sessions=_end_sessions(row))


@transaction.atomic
def set_password(*, actor: User, user: User, password: str) -> None:
    """Give `user` another password, which ends their sessions."""
    authorise(actor, ONLY_ADMINISTRATORS)
    try:
        password_validation.validate_password(password, user)
    except ValidationError as error:
        raise Problem("invalid", error.messages[0], errors={"password": error.messages}) from error
    row = _locked(user)
    row.set_password(password)
    row.save(update_fields=["password"])
    _record(actor, row, "change_password", sessions=_end_sessions(row))


@transaction.atomic
def set_official(*, actor: User, namespace: Namespace, official: bool) -> None:
    """Mark a user or an organisation as an official publisher, or take the mark away."""
    authorise(actor, "accounts.change_namespace")
    if not Namespace.objects.filter(pk=namespace.pk).exclude(official=official).update(official=official):
        raise Conflict("already_so", _("This has been done already."))
    namespace.official = official
    _record(actor, namespace, "set_official", official=official)


@transaction.atomic
def set_quota(*, actor: User, namespace: Namespace, quota: int | None) -> None:
    """Let a namespace store `quota` bytes, or with None as many as the gallery's own limit says."""
    authorise(actor, "accounts.change_namespace")
    if quota is not None and quota < 0:
        sentence = _("A quota is not negative.")
        raise Problem("invalid", sentence, errors={"quota": [sentence]})
    row = Namespace.objects.select_for_update(no_key=True).get(pk=namespace.pk)
    if row.storage_quota == quota:
        return
    Namespace.objects.filter(pk=row.pk).update(storage_quota=quota)
    namespace.storage_quota = quota
    _record(actor, row, "set_quota", former=row.storage_quota, quota=quota)


@transaction.atomic
def withdraw_token(*, actor: User, token: AccessToken) -> None:
    """Delete somebody's access token; whatever uses it is refused from now on."""
    authorise(actor, "accounts.delete_accesstoken")
    _keep_from(actor, token.user)
    pk, name, owner = token.pk, token.name, token.user.handle
    if not AccessToken.objects.filter(pk=pk).delete()[0]:
        raise Missing("token_not_found", _("This token is gone already."))
    record(actor=actor, verb="revoke", target_kind="token", target_id=pk, target=name, owner=owner)


@transaction.atomic
def remove_authenticator(*, actor: User, authenticator: Authenticator) -> None:
    """Remove a second step of somebody who lost it."""
    authorise(actor, ONLY_ADMINISTRATORS)
    user, kind = authenticator.user, authenticator.type
    if not Authenticator.objects.filter(pk=authenticator.pk).delete()[0]:
        raise Missing("authenticator_not_found", _("This second step is gone already."))
    _record(actor, user, "remove_authenticator", kind=kind)


def verify_trail(*, actor: User) -> tuple[int, ChainBroken | None]:
    """Read the whole audit trail and return how many rows hold, and where it breaks; that somebody looked is recorded too."""
    authorise(actor, "accounts.view_auditevent")
    rows, broken = 0, None
    try:
        for _event in chain():
            rows += 1
    except ChainBroken as found:
        broken = found
    details = {"rows": rows, "broken_at": broken.event.pk if broken else None}
    record(actor=actor, verb="verify", target_kind="audit_trail", target_id=details["broken_at"] or rows, target="audit trail", **details)
    return rows, broken


def note_export(*, actor: User, kind: str, **filters: str) -> None:
    """Record that `actor` took a copy of a list out of the gallery."""
    record(actor=actor, verb="export", target_kind=kind, target_id="", target=kind, filters=filters)


def last_verification() -> AuditEvent | None:
    """Return the audit row of the last time that somebody verified the trail."""
    return AuditEvent.objects.filter(target_kind="audit_trail", verb="verify").order_by("-id").first()


def _locked(user: User) -> User:
    """Return the row of `user` as it stands, locked together with every administrator's: two of them may act on each other at once."""
    rows = User.objects.select_for_update(no_key=True, of=("self",)).filter(Q(pk=user.pk) | Q(is_superuser=True)).order_by("pk")
    row: User | None = next((row for row in rows if row.pk == user.pk), None)
    if row is None:
        raise Missing("user_not_found", _("This account is gone."))
    return row


def _keep_from(actor: User, user: User) -> None:
    """Refuse an operator who would act on somebody above them."""
    if user.is_superuser and not actor.is_superuser:
        raise Forbidden("administrator_protected", _("Only an administrator may do this to an administrator."))


def _keep_an_administrator(user: User) -> None:
    if not User.objects.filter(is_superuser=True, is_active=True).exclude(pk=user.pk).exists():
        raise Conflict("last_administrator", _("The gallery needs an administrator. Make somebody else one first."))


def _end_sessions(user: User) -> int:
    """End the sessions that allauth lists and, for those it never saw, every other one that names the user; return how many."""
    listed = list(UserSession.objects.filter(user=user))
    store = import_module(settings.SESSION_ENGINE).SessionStore
    keys = {session.session_key for session in listed}
    for session in Session.objects.filter(expire_date__gt=timezone.now()).iterator(chunk_size=2000):
        if session.get_decoded().get("_auth_user_id") == str(user.pk):
            keys.add(session.session_key)
    for key in keys:
        store(key).delete()
    UserSession.objects.filter(pk__in=[session.pk for session in listed]).delete()
    return len(keys)


def _tell(user: User, mail: str, **facts: str) -> None:
    """Send a mail in the language of its reader once the transaction is over."""
    with translation.override(user.language or settings.LANGUAGE_CODE):
        facts = {"name": user.name, "gallery": settings.PUBLIC_URL, **facts}
        text = render_to_string(f"accounts/mail/{mail}.txt", facts)
    subject, _blank, body = text.strip().partition("\n")
    transaction.on_commit(lambda: send_mail(subject, body.strip() + "\n", None, [user.email]) and None, robust=True)


def _record(actor: User, namespace: Namespace, verb: str, **details: object) -> None:
    record(actor=actor, verb=verb, target_kind=namespace.kind, target_id=namespace.pk, target=namespace.handle, **details)

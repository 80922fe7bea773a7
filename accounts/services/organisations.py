"""Organisations and their members."""

from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import ProtectedError
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Membership, Namespace, Organisation, User
from accounts.services.audit import record
from accounts.services.handles import check_handle, claiming
from accounts.services.notices import notify
from accounts.words import check_words
from core.permissions import require
from core.problems import Conflict, Missing, Problem


@transaction.atomic
def create_organisation(*, actor: User, handle: str, nickname: str = "", bio: str = "") -> Organisation:
    """Create an organisation with `actor` as its first owner, and return it as its owner sees it."""
    check_handle(handle)
    check_words({"nickname": nickname, "bio": bio})
    with claiming(handle):
        organisation = Organisation(handle=handle, nickname=nickname, bio=bio, kind=Namespace.Kind.ORGANISATION)
        organisation.full_clean(validate_unique=False, validate_constraints=False)
        organisation.save(force_insert=True)
    Membership.objects.create(organisation=organisation, user=actor, role=Membership.Role.OWNER)
    record(actor=actor, verb="create", target_kind="organisation", target_id=organisation.pk, target=handle)
    created: Organisation = Organisation.objects.for_user(actor).get(pk=organisation.pk)
    return created


@transaction.atomic
def edit_organisation(*, organisation: Namespace, actor: User, **changes: str) -> None:
    """Change `nickname` or `bio`."""
    require(organisation, "edit")
    fields = sorted(name for name, value in changes.items() if getattr(organisation, name) != value)
    if not fields:
        return
    check_words({name: changes[name] for name in fields})
    for name in fields:
        setattr(organisation, name, changes[name])
    Namespace.clean_fields(organisation, exclude={"handle"})
    Namespace.objects.filter(pk=organisation.pk).update(**{name: changes[name] for name in fields})
    record(actor=actor, verb="edit", target_kind="organisation", target_id=organisation.pk, target=organisation.handle, fields=fields)


@transaction.atomic
def delete_organisation(*, organisation: Namespace, actor: User) -> None:
    """Delete an organisation that owns nothing; its handles become free."""
    require(organisation, "delete")
    current = _locked(organisation, actor)
    require(current, "delete")
    try:
        with transaction.atomic():
            current.delete()
    except ProtectedError as error:
        sentence = _(
            "This organisation still owns models, datasets, training jobs or services. Transfer or delete them first; deleted models and"
            " datasets count until their quarantine ends. An organisation that has computed stays in the ledger and cannot be deleted:"
            " remove its members instead."
        )
        raise Conflict("organisation_not_empty", sentence) from error
    if former := organisation.avatar.name:
        transaction.on_commit(lambda: default_storage.delete(former), robust=True)
    record(actor=actor, verb="delete", target_kind="organisation", target_id=organisation.pk, target=organisation.handle)


@transaction.atomic
def set_member(*, organisation: Namespace, actor: User, user: User, role: int) -> Membership:
    """Make `user` a member with `role`, or change the role of a member; the last owner stays one."""
    if role not in Membership.Role.values:
        raise Problem(
            "bad_role", _("Choose one of the roles reader, contributor, maintainer, owner."), errors={"role": [_("Unknown role.")]}
        )
    current = _locked(organisation, actor)
    member = Membership.objects.filter(organisation=current, user=user).first()
    require(current, "invite_reader" if member is None and role == Membership.Role.READER else "manage_members")
    if member is None:
        if not user.is_active:
            raise Conflict("user_inactive", _("This account is switched off. Ask an administrator."))
        member = Membership.objects.create(organisation=current, user=user, role=role)
        _tell(current, actor, user, "membership.added", f"membership.added:{member.pk}", role=member.role_name)
        record(
            actor=actor, verb="add_member", target_kind="organisation", target_id=current.pk, target=current.handle,
            member=user.handle, role=Membership.Role(role).name.lower(),
        )  # fmt: skip
        return member
    if member.role == role:
        return member
    _keep_an_owner(member)
    former, member.role = member.role_name, role
    member.save(update_fields=["role"])
    key = f"membership.changed:{member.pk}:{timezone.now().isoformat()}"
    _tell(current, actor, user, "membership.changed", key, former=former, role=member.role_name)
    record(
        actor=actor, verb="change_member", target_kind="organisation", target_id=current.pk, target=current.handle,
        member=user.handle, former=former, role=member.role_name,
    )  # fmt: skip
    return member


@transaction.atomic
def remove_member(*, organisation: Namespace, actor: User, user: User) -> None:
    """End a membership; everybody may end their own, except the last owner."""
    current = _locked(organisation, actor)
    require(current, "leave" if user.pk == actor.pk else "manage_members")
    member = Membership.objects.filter(organisation=current, user=user).first()
    if member is None:
        raise Missing("not_a_member", _("This person is not a member of the organisation."))
    _keep_an_owner(member)
    _tell(current, actor, user, "membership.removed", f"membership.removed:{member.pk}")
    member.delete()
    verb = "leave" if user.pk == actor.pk else "remove_member"
    record(actor=actor, verb=verb, target_kind="organisation", target_id=current.pk, target=current.handle, member=user.handle)


def _tell(organisation: Organisation, actor: User, user: User, kind: str, key: str, **facts: str) -> None:
    """Tell `user` what somebody else did to their membership."""
    if user.pk != actor.pk:
        url = organisation.get_absolute_url()
        notify(receivers=[user], kind=kind, key=key, url=url, actor=actor, organisation=organisation.name, **facts)


def _locked(organisation: Namespace, actor: User) -> Organisation:
    """Return the organisation as `actor` sees it now; until the transaction ends nobody else changes its members.

    The second read matters: the role that the caller read may have been taken away while this waited for the lock.
    """
    Namespace.objects.select_for_update(no_key=True).filter(pk=organisation.pk).first()
    current: Organisation | None = Organisation.objects.for_user(actor).filter(pk=organisation.pk).first()
    if current is None:
        raise Missing("organisation_not_found", _("There is no organisation with this handle."))
    return current


def _keep_an_owner(member: Membership) -> None:
    owner = Membership.Role.OWNER
    others = Membership.objects.filter(organisation=member.organisation_id, role=owner, user__is_active=True).exclude(pk=member.pk)
    if member.role == owner and not others.exists():
        raise Conflict("last_owner", _("An organisation needs an owner. Make somebody else an owner first."))

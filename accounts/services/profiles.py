"""A person's own settings: profile, avatar, language."""

from typing import IO, Any

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from django.http import HttpRequest

from accounts.avatars import Crop, avatar_path, square
from accounts.models import Namespace, User
from accounts.services.audit import record
from accounts.words import check_words
from core.permissions import require

PROFILE_FIELDS = frozenset({"nickname", "bio", "language", "email_notifications", "keyboard_shortcuts", "news"})
WORDS_FIELDS = ("nickname", "bio")


@transaction.atomic
def edit_profile(*, user: User, actor: User, **changes: Any) -> None:
    """Change any of `PROFILE_FIELDS`; `user` is read for `actor`. Where a text holds a forbidden word, nothing changes."""
    require(user, "edit")
    fields = sorted(name for name, value in changes.items() if name in PROFILE_FIELDS and getattr(user, name) != value)
    if not fields:
        return
    check_profile(user, **changes)
    for name in fields:
        setattr(user, name, changes[name])
    user.clean_fields(exclude={"handle", "email", "password"})
    user.save(update_fields=fields)
    record(actor=actor, verb="edit", target_kind="user", target_id=user.pk, target=user.handle, fields=fields)


def check_profile(namespace: Namespace, **changes: Any) -> None:
    """Raise a `Problem` by field where a new name or description of a person or an organisation holds a forbidden word."""
    check_words({name: changes[name] for name in WORDS_FIELDS if name in changes and changes[name] != getattr(namespace, name)})


def set_avatar(*, namespace: Namespace, actor: User, image: IO[bytes], crop: Crop | None = None) -> None:
    """Replace the avatar by `crop` of `image`, or its middle, encoded anew, so that nothing but its pixels is kept."""
    require(namespace, "edit")
    data = square(image, crop)
    path = avatar_path(namespace.pk, data)
    if path == namespace.avatar.name:
        return
    if not default_storage.exists(path):
        default_storage.save(path, ContentFile(data))
    _change_avatar(namespace, actor, path)


def remove_avatar(*, namespace: Namespace, actor: User) -> None:
    """Go back to the generated avatar."""
    require(namespace, "edit")
    if namespace.avatar:
        _change_avatar(namespace, actor, "")


@transaction.atomic
def _change_avatar(namespace: Namespace, actor: User, path: str) -> None:
    former = namespace.avatar.name
    Namespace.objects.filter(pk=namespace.pk).update(avatar=path)
    namespace.avatar = path
    record(actor=actor, verb="edit", target_kind=namespace.kind, target_id=namespace.pk, target=namespace.handle, fields=["avatar"])
    if former and former != path:
        transaction.on_commit(lambda: default_storage.delete(former), robust=True)


def remember_language(request: HttpRequest, language: str) -> None:
    """Keep the language that somebody chose with the switch: in the session, and on the account of a signed-in person."""
    if language not in User.Language.values:
        return
    request.session["language"] = language
    if request.user.is_authenticated and request.user.language != language:
        User.objects.filter(pk=request.user.pk).update(language=language)

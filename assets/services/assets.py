"""Making, renaming, moving and removing assets."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Namespace, User
from accounts.words import check_words
from assets import card
from assets.models import Asset, AssetRedirect
from assets.services.commits import after_commit
from assets.services.rows import gone, note
from assets.services.settings import check_facts, in_codes
from assets.services.terms import clear_delegation
from core.permissions import require
from core.problems import Conflict, Invalid, Problem
from repos.reading import resolve
from repos.services import create_repository, delete_repository, move_repository

NAME_CONSTRAINT = "asset_name_any_case"


def create_asset(
    *,
    actor: User,
    namespace: Namespace,
    kind: str,
    name: str,
    title_zh: str = "",
    licence: str = "",
    description: str = "",
    at: datetime | None = None,
) -> Asset:
    """Return a new asset of `namespace`, not published, its repository holding a `README.md` with these facts, read for `actor`.

    `namespace` was read for `actor`. Raises `Conflict` (`name_taken`) when the name is in use, also when somebody else takes
    it at the same moment, `Problem` (`invalid`) with messages by field. `at` dates it back, for content that is brought along.
    """
    require(namespace, "create_asset")
    now = at or timezone.now()
    facts = in_codes({"title_zh": title_zh, "licence": licence, "description": description})
    check_facts(facts)
    asset = Asset(namespace=namespace, kind=kind, name=name, creator=actor, created_at=now, updated_at=now, **facts)
    _check(asset)
    _check_free(asset)
    readme = card.compose(facts, kind=kind, title=name).encode()
    with transaction.atomic():
        asset.repository = create_repository(namespace=namespace, actor=actor, files={"README.md": readme}, at=at)
        with _claiming(asset):
            asset.save(force_insert=True)
        _forget_redirect(asset)
        made = Asset.objects.for_user(actor).whole().get(pk=asset.pk)
        after_commit(asset=made, actor=actor, commit=resolve(made.open_repository()).commit.sha, quiet=True)
        note(made, actor, "create")
    return made


def rename_asset(*, asset: Asset, actor: User, name: str) -> Asset:
    """Give `asset` another English name and return it; its former address leads to the new one.

    Raises as `create_asset` does, and for something on the shelf `Problem` (`forbidden_words`).
    """
    with _moving(asset, actor, "rename") as row:
        row.name = name
        _check(row)
        if row.state in Asset.SHOWN:
            check_words({"name": name})
    asset.name = name
    return asset


def transfer_asset(*, asset: Asset, actor: User, namespace: Namespace) -> Asset:
    """Move `asset` into `namespace`, where `actor` must be allowed to create assets, and return it as `actor` sees it then.

    Its former address leads to the new one. Approvers and automatic rules go: the new owner knows neither. Raises as `create_asset`
    does, `Problem` (`same_owner`), and `Conflict` (`in_review`) while a reviewer looks at it.
    """
    require(namespace, "create_asset")
    if namespace.pk == asset.namespace_id:
        sentence = _("It belongs to %(owner)s already. Choose another owner.") % {"owner": namespace.handle}
        raise Problem("same_owner", sentence, errors={"owner": [sentence]})
    with _moving(asset, actor, "transfer") as row:
        if row.state == Asset.State.REVIEW:
            raise Conflict("in_review", _("It is under review. Wait for the decision, or withdraw it first."))
        row.namespace = namespace
        clear_delegation(row)
        move_repository(repository=row.open_repository(), namespace=namespace, actor=actor)
    return Asset.objects.for_user(actor).whole().get(pk=asset.pk)


def delete_asset(*, asset: Asset, actor: User) -> None:
    """Remove `asset` for good. Its address is free at once; the bytes of its files go after the quarantine.

    Raises `Missing` when somebody else removed it first, `Conflict` (`delist_first`) while it is published or under review.
    """
    with transaction.atomic():
        row = _locked(asset, actor, "delete")
        if row.state in Asset.SHOWN:
            raise Conflict("delist_first", _("Others may be looking at it. Delist it, or withdraw it from review, and delete it then."))
        if not delete_repository(repository=row.open_repository(), actor=actor):
            raise gone()
        Asset.objects.filter(pk=row.pk).delete()
        note(row, actor, "delete", repository=row.repository_id)


@contextmanager
def _moving(asset: Asset, actor: User, verb: str) -> Iterator[Asset]:
    """Give the block the locked row to change; save its address and leave a redirect at the one it had."""
    with transaction.atomic():
        row = _locked(asset, actor, verb)
        former, former_id = AssetRedirect(kind=row.kind, namespace=row.namespace, name=row.name, asset=row), row.repo_id
        yield row
        if row.repo_id == former_id:
            return
        _check_free(row)
        with _claiming(row):
            Asset.objects.filter(pk=row.pk).update(namespace=row.namespace, name=row.name, updated_at=timezone.now())
        if row.repo_id.lower() != former_id.lower():
            AssetRedirect.objects.filter(kind=former.kind, namespace=former.namespace, name__iexact=former.name).delete()
            former.save(force_insert=True)
        _forget_redirect(row)
        note(row, actor, verb, former=former_id)


@contextmanager
def _claiming(asset: Asset) -> Iterator[None]:
    """Write a row that takes an address; somebody who was faster becomes a `Conflict`, not an error."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        if getattr(getattr(error.__cause__, "diag", None), "constraint_name", "") == NAME_CONSTRAINT:
            raise _taken(asset) from error
        raise


def _locked(asset: Asset, actor: User, verb: str) -> Asset:
    """Return `asset` as `actor` sees it once nobody else can change it, or add a row that refers to it: rights may have gone meanwhile."""
    rows = Asset.objects.for_user(actor).whole()
    # Not `exists()`: it forgets `of` and would lock the repository too, in the other order than a commit does.
    held = Asset.objects.select_for_update(of=("self",)).filter(pk=asset.pk, repository__deleted_at=None).first()
    row = rows.filter(pk=asset.pk).first() if held else None
    if row is None:
        raise gone()
    require(row, verb)
    return row


def _check(asset: Asset) -> None:
    """Raise a `Problem` with messages by field unless the facts may be stored."""
    try:
        asset.clean_fields(exclude=["repository", "namespace", "creator", "ingest_job", "card_errors", "structure"])
    except ValidationError as error:
        raise Invalid(error.message_dict) from error


def _check_free(asset: Asset) -> None:
    if Asset.objects.filter(namespace=asset.namespace, kind=asset.kind, name__iexact=asset.name).exclude(pk=asset.pk).exists():
        raise _taken(asset)


def _taken(asset: Asset) -> Conflict:
    sentence = _("%(owner)s already has something with the name “%(name)s”. Choose another name.") % {
        "owner": asset.namespace.handle,
        "name": asset.name,
    }
    return Conflict("name_taken", sentence, errors={"name": [sentence]})


def _forget_redirect(asset: Asset) -> None:
    """Remove what led elsewhere from the address that `asset` just took: a live asset comes first."""
    AssetRedirect.objects.filter(kind=asset.kind, namespace=asset.namespace, name__iexact=asset.name).delete()

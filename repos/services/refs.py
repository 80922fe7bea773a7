"""Branches and tags."""

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from dulwich.refs import Ref as GitRef
from dulwich.refs import check_ref_format

from accounts.models import User
from core.permissions import require
from core.problems import Conflict, Missing, Problem
from repos.index import copy_index, update_index
from repos.models import Commit, Ref, Repository
from repos.models.git import HEADS, TAGS
from repos.objects import EMPTY_TREE, Objects
from repos.services.commits import locked_head


def create_ref(*, repository: Repository, actor: User, name: str, revision: str) -> Ref:
    """Return a new branch (`refs/heads/…`) or tag (`refs/tags/…`) at the commit id `revision`."""
    require(repository, _verb(name))
    checked_ref(name)
    commit = Commit.objects.filter(repository=repository, sha=revision).first()
    if commit is None:
        raise Missing("revision_not_found", _("There is no commit %(revision)s in this repository.") % {"revision": revision[:40]})
    try:
        with transaction.atomic():
            locked_head(repository, repository.default_branch, None)
            ref = Ref.objects.create(repository=repository, name=name, commit=revision)
            if ref.is_branch:
                source = Ref.objects.filter(repository=repository, name__startswith=HEADS, commit=revision).exclude(pk=ref.pk).first()
                if source:
                    copy_index(source=source, target=ref)
                else:
                    update_index(
                        branch=ref,
                        objects=Objects(repository),
                        old_tree=EMPTY_TREE,
                        new_tree=commit.tree,
                        commit=revision,
                        at=commit.committed_at,
                    )
    except IntegrityError as error:
        raise Conflict("ref_exists", _("“%(name)s” already exists. Choose another name.") % {"name": name.rpartition("/")[2]}) from error
    return ref


def delete_ref(*, repository: Repository, actor: User, name: str) -> None:
    """Remove a branch or tag; the default branch stays."""
    require(repository, _verb(name))
    if name == HEADS + repository.default_branch:
        raise Conflict("default_branch", _("The default branch cannot be deleted."))
    with transaction.atomic():
        deleted, _rows = Ref.objects.filter(repository=repository, name=name).delete()
        Repository.objects.filter(pk=repository.pk).update(updated_at=timezone.now())
    if not deleted:
        raise Missing("ref_not_found", _("There is no “%(name)s” in this repository.") % {"name": name[:200]})


def checked_ref(name: str) -> str:
    """Return a full ref name if git and this product accept it, else raise `Problem("bad_ref_name")`."""
    short = name.removeprefix(HEADS).removeprefix(TAGS)
    looks_like_id = len(short) in range(7, 41) and set(short) <= set("0123456789abcdef")
    plain = short.isprintable() and len(name.encode()) <= 200
    if name == short or not plain or looks_like_id or short == "HEAD" or not check_ref_format(GitRef(name.encode())):
        raise Problem(
            "bad_ref_name", _("“%(name)s” cannot name a branch or version. Use letters, digits, . _ - and /.") % {"name": short[:200]}
        )
    return name


def _verb(name: str) -> str:
    return "tag" if name.startswith(TAGS) else "branch"

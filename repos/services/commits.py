"""Committing: one function through which every change of files goes."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from dulwich.objects import Commit as GitCommit
from dulwich.objects import ObjectID

from accounts.models import User
from core.permissions import require
from core.problems import Conflict, Missing, Problem, TooLarge
from repos.index import update_index
from repos.models import Commit, Ref, Repository, Upload
from repos.models.git import HEADS
from repos.objects import EMPTY_TREE, Objects
from repos.operations import Copy, Delete, Move, Operation, PutBytes, PutLarge, PutUpload
from repos.paths import checked
from repos.services.objects import Placed, place, refer_to
from repos.trees import TreeEditor, missing

MAX_OPERATIONS = 100_000
MAX_MESSAGE = 10_000


def commit(
    *,
    repository: Repository,
    actor: User,
    operations: Sequence[Operation],
    message: str,
    branch: str = "main",
    parent: str | None = None,
    at: datetime | None = None,
) -> Commit:
    """Apply `operations` in order to the head of `branch` and return the new commit; all of it happens, or nothing.

    `parent` is the commit the caller worked from: when the branch has moved on, `Conflict("head_moved")` names its head and
    nothing is changed. Without `parent` the operations apply to whatever the head is.
    """
    require(repository, "commit")
    if not operations:
        raise Problem("nothing_to_commit", _("The commit has no operations. Add, change or delete at least one file."))
    if len(operations) > MAX_OPERATIONS:
        raise TooLarge("too_many_operations", _("A commit takes at most %(limit)d operations. Split it.") % {"limit": MAX_OPERATIONS})
    _check_paths(operations)
    objects = Objects(repository)
    placed = place(repository=repository, actor=actor, operations=operations, objects=objects)
    with transaction.atomic():
        ref, head = locked_head(repository, branch, parent)
        editor = TreeEditor(objects, head.tree)
        editor.prefetch(_paths(operations))
        for operation in operations:
            _apply(editor, objects, operation, placed)
        tree = editor.write()
        if tree == head.tree:
            raise Conflict(
                "nothing_changed", _("These files are already in the repository with the same content."), extra={"head": head.sha}
            )
        made = write_commit(
            repository=repository, ref=ref, head=head, objects=objects, tree=tree, actor=actor,
            message=message.strip() or _default_message(operations), at=at,
        )  # fmt: skip
        used = [operation.upload for operation in operations if isinstance(operation, PutUpload)]
        Upload.objects.filter(pk__in=used).delete()
    return made


def restore(
    *, repository: Repository, actor: User, revision: str, branch: str = "main", parent: str | None = None, message: str = ""
) -> Commit:
    """Make a new commit whose files are those of the commit `revision`; the history stays."""
    require(repository, "commit")
    with transaction.atomic():
        ref, head = locked_head(repository, branch, parent)
        source = Commit.objects.filter(repository=repository, sha=revision).first()
        if source is None:
            raise Missing("revision_not_found", _("There is no commit %(revision)s in this repository.") % {"revision": revision[:40]})
        if source.tree == head.tree:
            raise Conflict("nothing_changed", _("The branch already has exactly these files."), extra={"head": head.sha})
        text = message.strip() or _("Restore %(commit)s: %(title)s") % {"commit": source.short, "title": source.title[:80]}
        return write_commit(
            repository=repository, ref=ref, head=head, objects=Objects(repository), tree=source.tree, actor=actor, message=text
        )


def locked_head(repository: Repository, branch: str, parent: str | None) -> tuple[Ref, Commit]:
    """Lock the repository for writing and return the branch with its head, which must be `parent` where one is given."""
    # No key: a row that refers to the repository may be written meanwhile, and its writer must not wait for this lock in turn.
    alive = Repository.objects.select_for_update(of=("self",), no_key=True).filter(pk=repository.pk, deleted_at=None).exists()
    ref = Ref.objects.filter(repository=repository, name=HEADS + branch).first() if alive else None
    if ref is None:
        raise Missing("branch_not_found", _("There is no branch “%(branch)s” in this repository.") % {"branch": branch[:200]})
    if parent is not None and parent != ref.commit:
        raise head_moved(ref)
    return ref, Commit.objects.get(repository=repository, sha=ref.commit)


def head_moved(ref: Ref) -> Conflict:
    """Return the refusal of a writer who worked from an older head."""
    return Conflict(
        "head_moved",
        _("Somebody else changed “%(branch)s” in the meantime. Look at the new head and commit again.") % {"branch": ref.short},
        extra={"head": ref.commit, "branch": ref.short},
    )


def write_commit(
    *,
    repository: Repository,
    ref: Ref,
    head: Commit | None,
    objects: Objects,
    tree: str,
    actor: User | None,
    message: str,
    at: datetime | None = None,
) -> Commit:
    """Write the commit object for `tree`, move `ref` to it, and bring index, references and counters along.

    Runs inside the caller's transaction, which holds the repository's lock.
    """
    if len(message) > MAX_MESSAGE:
        raise TooLarge("message_too_long", _("A commit message has at most %(limit)d characters.") % {"limit": MAX_MESSAGE})
    when = (at or timezone.now()).replace(microsecond=0)
    name, email = author_of(actor)
    made = GitCommit()
    made.tree = ObjectID(tree.encode())
    made.parents = [ObjectID(head.sha.encode())] if head else []
    made.author = made.committer = f"{name} <{email}>".encode()
    made.author_time = made.commit_time = int(when.timestamp())
    made.author_timezone = made.commit_timezone = 0
    made.encoding = b"UTF-8"
    made.message = message.encode("utf-8", "replace") + (b"" if message.endswith("\n") else b"\n")
    sha = objects.add(made)
    added = objects.flush()
    row = Commit(
        repository=repository, sha=sha, tree=tree, parents=[head.sha] if head else [], generation=head.generation + 1 if head else 1,
        author=actor, author_name=name, author_email=email, committed_at=when, message=message,
    )  # fmt: skip
    Commit.objects.bulk_create([row], ignore_conflicts=True)
    if not ref.advance(head.sha if head else "", sha):
        ref.refresh_from_db()
        raise head_moved(ref)
    change = update_index(branch=ref, objects=objects, old_tree=head.tree if head else EMPTY_TREE, new_tree=tree, commit=sha, at=when)
    added += refer_to(repository=repository, actor=actor, sha256s=change.large)
    counted = {"size": change.size, "files": change.files} if ref.short == repository.default_branch else {}
    Repository.objects.filter(pk=repository.pk).update(updated_at=timezone.now(), stored=F("stored") + added, **counted)
    vars(repository).update(counted)
    return row


def author_of(actor: User | None) -> tuple[str, str]:
    """Return name and address for a commit; the address is made up from the handle, so that no e-mail leaks."""
    if actor is None:
        return "AI Gallery", "gallery@users.noreply.gallery"
    clean = "".join(c for c in actor.name if c not in "<>\n\r\0").strip() or actor.handle
    return clean, f"{actor.handle}@users.noreply.gallery"


def _apply(editor: TreeEditor, objects: Objects, operation: Operation, placed: dict[int, Placed]) -> None:
    match operation:
        case PutBytes() | PutLarge() | PutUpload():
            editor.put(operation.path, placed[id(operation)].leaf)
        case Delete(path=path):
            editor.remove(path)
        case Copy(source=source, target=target, revision=revision):
            if revision:
                origin = Commit.objects.filter(repository=objects.repository, sha=revision).first()
                leaf = TreeEditor(objects, origin.tree).find(source) if origin else None
                if leaf is None:
                    raise missing(source)
            else:
                leaf = editor.current(source)
            _refuse_existing(editor, target)
            editor.put(target, leaf)
        case Move(source=source, target=target):
            if target == source or target.startswith(f"{source}/"):
                raise Conflict("move_into_itself", _("“%(path)s” cannot be moved into itself.") % {"path": source})
            leaf = editor.remove(source)
            _refuse_existing(editor, target)
            editor.put(target, leaf)


def _refuse_existing(editor: TreeEditor, target: str) -> None:
    if editor.find(target) is not None:
        raise Conflict(
            "path_exists",
            _("“%(path)s” already exists. Choose another name or delete it first.") % {"path": target},
            extra={"path": target},
        )


def _check_paths(operations: Sequence[Operation]) -> None:
    for operation in operations:
        match operation:
            case Copy(source=source, target=target) | Move(source=source, target=target):
                checked(source)
                checked(target)
            case Delete(path=path):
                if not path:
                    checked(path)
            case _:
                checked(operation.path)


def _paths(operations: Sequence[Operation]) -> list[str]:
    paths: list[str] = []
    for operation in operations:
        match operation:
            case Copy(source=source, target=target) | Move(source=source, target=target):
                paths += [source, target]
            case _:
                paths.append(operation.path)
    return paths


def _default_message(operations: Sequence[Operation]) -> str:
    if len(operations) == 1:
        match operations[0]:
            case Delete(path=path):
                return _("Delete %(path)s") % {"path": path}
            case Move(source=source, target=target):
                return _("Move %(source)s to %(target)s") % {"source": source, "target": target}
            case Copy(target=path) | PutBytes(path=path) | PutLarge(path=path) | PutUpload(path=path):
                return _("Update %(path)s") % {"path": path}
    return ngettext("Change %(count)d file", "Change %(count)d files", len(operations)) % {"count": len(operations)}

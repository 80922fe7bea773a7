"""Making and removing repositories."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Namespace, User
from core.permissions import require
from jobs.services import enqueue
from repos.attributes import gitattributes
from repos.models import Ref, Repository
from repos.models.git import FILE_MODE, HEADS
from repos.objects import EMPTY_TREE, Objects
from repos.services.commits import write_commit
from repos.services.objects import check_quota
from repos.trees import TreeEditor


def create_repository(
    *, namespace: Namespace, actor: User | None, files: Mapping[str, bytes], message: str = "", at: datetime | None = None
) -> Repository:
    """Return a new repository with one commit: `.gitattributes` and `files` (small ones) on the branch `main`.

    The caller has checked that `actor` may create something in `namespace`.
    """
    with transaction.atomic():
        repository = Repository.objects.create(namespace=namespace)
        ref = Ref.objects.create(repository=repository, name=HEADS + repository.default_branch, commit="")
        objects = Objects(repository)
        editor = TreeEditor(objects, EMPTY_TREE)
        for path, data in {".gitattributes": gitattributes(), **files}.items():
            editor.put(path, (FILE_MODE, objects.add_blob(data)))
        write_commit(
            repository=repository,
            ref=ref,
            head=None,
            objects=objects,
            tree=editor.write(),
            actor=actor,
            message=message or _("Initial commit"),
            at=at,
        )
    return repository


def move_repository(*, repository: Repository, namespace: Namespace, actor: User) -> None:
    """Let `namespace` own the repository and pay for its bytes from now on, within its quota."""
    require(repository, "transfer")
    with transaction.atomic():
        Repository.objects.filter(pk=repository.pk).update(namespace=namespace)
        repository.namespace = namespace
        check_quota(repository, 0)


def delete_repository(*, repository: Repository, actor: User) -> bool:
    """Hide the repository at once; its bytes go after the quarantine. False means that it was deleted already."""
    require(repository, "delete")
    now = timezone.now()
    with transaction.atomic():
        gone = Repository.objects.filter(pk=repository.pk, deleted_at=None).update(deleted_at=now) == 1
        if gone:
            enqueue(
                kind="repos.purge_repository",
                params={"repository": repository.pk},
                owner=actor,
                dedupe_key=f"repos.purge_repository:{repository.pk}",
                priority=8,
                due_at=now + timedelta(days=settings.QUARANTINE_DAYS),
            )
    return gone

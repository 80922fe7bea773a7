"""Content on its way into a commit: large objects, pointers, blobs."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Sum
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Namespace, User
from core.permissions import require
from core.problems import Conflict, Missing, Problem, TooLarge
from jobs.services import enqueue
from repos.attributes import is_large, pointer
from repos.blobs import store
from repos.models import LargeObject, LargeReference, Repository, Upload
from repos.models.git import EXECUTABLE_MODE, FILE_MODE
from repos.objects import Leaf, Objects
from repos.operations import Operation, PutBytes, PutLarge, PutUpload


@dataclass(frozen=True)
class Placed:
    """The tree entry that an operation's content became."""

    leaf: Leaf


def store_bytes(*, repository: Repository, actor: User, data: bytes) -> str:
    """Keep `data` as a large object that a commit to `repository` may point to, and return its SHA-256 in hex."""
    require(repository, "upload")
    sha256 = hashlib.sha256(data).hexdigest()
    if not LargeReference.objects.filter(repository=repository, object=sha256).exists():
        check_quota(repository, len(data))
        keep_bytes(data)
        Upload.objects.create(
            repository=repository, user=actor, path=sha256, size=len(data), sha256=sha256, object_sha256=sha256,
            part_size=settings.UPLOAD_PART_SIZE, state=Upload.State.FINISHED,
        )  # fmt: skip
    return sha256


def keep_bytes(data: bytes) -> LargeObject:
    """Keep `data` as a large object; it stays where a row that refers to it is made within a day, and nobody may read it by that alone."""
    sha256 = hashlib.sha256(data).hexdigest()
    return adopt(sha256=sha256, size=len(data), location=store().put(sha256, data))


def adopt(*, sha256: str, size: int, location: str) -> LargeObject:
    """Make verified bytes at `location` a large object; when the content is known already, the bytes are dropped."""
    return adopt_all({sha256: (size, location)})[sha256]


def adopt_all(found: Mapping[str, tuple[int, str]]) -> dict[str, LargeObject]:
    """Do what `adopt` does for several objects at once: size and location by SHA-256."""
    now = timezone.now()
    with transaction.atomic():
        LargeObject.objects.bulk_create(
            [
                LargeObject(sha256=sha256, size=size, location=location, verified_at=now)
                for sha256, (size, location) in sorted(found.items())
            ],
            ignore_conflicts=True,
        )
        rows = locked_objects(found)
        for sha256, (_size, location) in found.items():
            if rows[sha256].location != location:
                enqueue(kind="repos.delete_bytes", params={"location": location}, dedupe_key=f"repos.delete_bytes:{location}", priority=8)
    return rows


def locked_objects(sha256s: Iterable[str]) -> dict[str, LargeObject]:
    """Return those of the objects that are stored, out of quarantine, and keep them from going until the transaction ends."""
    rows = {row.sha256: row for row in LargeObject.objects.select_for_update().filter(pk__in=list(sha256s)).order_by("pk")}
    for row in rows.values():
        if row.state == LargeObject.State.QUARANTINED:
            row.rescue()
    return rows


def place(*, repository: Repository, actor: User, operations: Sequence[Operation], objects: Objects) -> dict[int, Placed]:
    """Turn the content of every put into a tree entry, keyed by the operation's identity; nothing is visible yet."""
    placed: dict[int, Placed] = {}
    uploads = _finished_uploads(repository, actor, [op.upload for op in operations if isinstance(op, PutUpload)])
    readable = _readable(repository, actor, {op.sha256 for op in operations if isinstance(op, PutLarge)})
    for operation in operations:
        match operation:
            case PutBytes(path=path, data=data, executable=executable):
                mode = EXECUTABLE_MODE if executable else FILE_MODE
                if is_large(path, len(data)):
                    data = pointer(store_bytes(repository=repository, actor=actor, data=data), len(data))
                placed[id(operation)] = Placed((mode, objects.add_blob(data)))
            case PutLarge(sha256=sha256):
                if sha256 not in readable:
                    raise object_missing(sha256)
                placed[id(operation)] = Placed((FILE_MODE, objects.add_blob(pointer(sha256, readable[sha256]))))
            case PutUpload(path=path, upload=upload_id):
                upload, known = uploads[upload_id]
                if is_large(path, upload.size):
                    data = pointer(known.sha256, known.size)
                else:
                    data = b"".join(store().open(known.location))
                placed[id(operation)] = Placed((FILE_MODE, objects.add_blob(data)))
            case _:
                pass
    return placed


def refer_to(*, repository: Repository, actor: User | None, sha256s: Iterable[str]) -> int:
    """Give the repository the right to read these objects and return the bytes this adds to it.

    Objects it does not refer to yet must have been uploaded into it by the actor: a pointer that somebody typed grants nothing.
    Rows are locked, so that an object on its way out of quarantine cannot vanish in between; one that is gone stops the commit.
    """
    wanted = set(sha256s)
    if not wanted:
        return 0
    have = set(LargeReference.objects.filter(repository=repository, object__in=wanted).values_list("object_id", flat=True))
    new = wanted - have
    if refused := sorted(new - _readable(repository, actor, new).keys()):
        raise object_missing(refused[0])
    rows = locked_objects(wanted)
    if lost := sorted(wanted - rows.keys()):
        raise object_missing(lost[0])
    LargeReference.objects.bulk_create([LargeReference(repository=repository, object_id=sha256) for sha256 in new])
    return sum(rows[sha256].size for sha256 in new)


def check_quota(repository: Repository, added: int) -> None:
    """Raise where the namespace that pays for `repository` may not store `added` bytes more.

    Its own quota comes before the gallery's, also where it is 0: nothing more.
    """
    own = Namespace.objects.filter(pk=repository.namespace_id).values_list("storage_quota", flat=True).get()
    limit = settings.NAMESPACE_QUOTA if own is None else own
    if own is None and not limit:
        return
    used = Repository.objects.filter(namespace=repository.namespace_id).aggregate(total=Sum("stored"))["total"] or 0
    if used + added > limit:
        raise TooLarge(
            "quota_exceeded",
            _("“%(namespace)s” may store %(limit)d bytes and has %(used)d. Delete something or ask an administrator for more.")
            % {"namespace": repository.namespace.handle, "limit": limit, "used": used},
            extra={"limit": limit, "used": used},
        )


def object_missing(sha256: str) -> Missing:
    """Return the refusal of a large object that is not stored, or that this repository may not read."""
    return Missing(
        "object_not_found",
        _("There is no large object %(sha256)s here. Upload the file first.") % {"sha256": sha256[:64]},
        extra={"sha256": sha256},
    )


def _finished_uploads(repository: Repository, actor: User, ids: list[UUID]) -> dict[UUID, tuple[Upload, LargeObject]]:
    rows = {row.pk: row for row in Upload.objects.for_user(actor).filter(repository=repository, pk__in=ids)}
    known = {row.sha256: row for row in LargeObject.objects.filter(pk__in={row.object_sha256 for row in rows.values()})}
    found: dict[UUID, tuple[Upload, LargeObject]] = {}
    for upload_id in ids:
        row = rows.get(upload_id)
        if row is None:
            raise Missing("upload_not_found", _("There is no upload %(id)s of yours in this repository.") % {"id": upload_id})
        if row.state != Upload.State.FINISHED or row.object_sha256 not in known:
            raise Conflict(
                "upload_not_finished", _("“%(path)s” has not been uploaded completely.") % {"path": row.path}, extra={"upload": str(row.pk)}
            )
        found[upload_id] = (row, known[row.object_sha256])
    return found


def _readable(repository: Repository, actor: User | None, sha256s: set[str]) -> dict[str, int]:
    """Return the sizes of those objects that the repository refers to, or that the actor uploaded into it."""
    if not sha256s:
        return {}
    for sha256 in sha256s:
        if len(sha256) != 64 or not set(sha256) <= set("0123456789abcdef"):
            raise Problem("bad_sha256", _("“%(sha256)s” is not a SHA-256 in lower-case hexadecimal.") % {"sha256": sha256[:80]})
    sizes = dict(LargeReference.objects.filter(repository=repository, object__in=sha256s).values_list("object_id", "object__size"))
    if actor is None:
        return sizes
    own = Upload.objects.for_user(actor).filter(repository=repository, state=Upload.State.FINISHED, object_sha256__in=sha256s)
    sizes.update(own.values_list("object_sha256", "size"))
    return sizes

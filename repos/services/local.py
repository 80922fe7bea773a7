"""Taking in files of this machine: what a program left behind becomes an upload, without passing through memory as a whole."""

import hashlib
import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from core.permissions import require
from core.problems import Conflict, TooLarge
from repos.blobs import store
from repos.models import Repository, Upload
from repos.paths import checked
from repos.services.objects import adopt_all, check_quota, locked_objects
from repos.services.uploads import complete, confirm_part, part_size

PIECE = 1 << 20
BATCH_PIECES = 64
PUTS = 8


def take_file(
    *, repository: Repository, actor: User, path: str, descriptor: int, id: UUID, beat: Callable[[], bool] | None = None
) -> Upload:
    """Return the finished upload `id` with the content of an open local file, for a commit that places it at `path`.

    Where the store can, it takes the file itself in under another name: it then belongs to the store, and is read-only under the name it had
    too. Called again with the same `id` it goes on where it was interrupted, or returns what is finished. `beat` is called every few
    pieces; where it answers False the upload that comes back is not finished. Raises `TooLarge` (`quota_exceeded`,
    `file_too_large`), `Conflict` (`file_changed`) and `StoreError`.
    """
    require(repository, "upload")
    checked(path)
    size = os.fstat(descriptor).st_size
    if size > settings.MAX_FILE_SIZE:
        sentence = _("“%(path)s” is larger than a file may be here (%(limit)d bytes).") % {"path": path, "limit": settings.MAX_FILE_SIZE}
        raise TooLarge("file_too_large", sentence, extra={"limit": settings.MAX_FILE_SIZE})
    upload = Upload.objects.filter(pk=id).exclude(state=Upload.State.FAILED).first()
    if upload is None:
        check_quota(repository, size)
        upload = _begun(repository, actor, path, descriptor, size, id)
    if upload.state == Upload.State.OPEN:
        _fill(upload, descriptor, beat)
        upload.refresh_from_db(fields=["state", "object_sha256"])
    if upload.state == Upload.State.FINISHING:
        complete(upload, beat)
    upload.refresh_from_db(fields=["state", "object_sha256"])
    if upload.state == Upload.State.FAILED:
        raise _changed(path)
    return upload


def take_contents(*, repository: Repository, actor: User, contents: Mapping[UUID, tuple[str, bytes]]) -> dict[UUID, Upload]:
    """Return finished uploads for many small contents at once: path and bytes by the id of the upload, which may be there already.

    Costs a few queries whatever their number, and the store is given several at the same time. Raises as `take_file` does.
    """
    require(repository, "upload")
    for path, _data in contents.values():
        checked(path)
    there = {upload.pk: upload for upload in Upload.objects.filter(pk__in=contents, state=Upload.State.FINISHED)}
    digests = {id: hashlib.sha256(data).hexdigest() for id, (_path, data) in contents.items() if id not in there}
    check_quota(repository, sum(len(contents[id][1]) for id in digests))
    with transaction.atomic():
        known = locked_objects(digests.values())
        there |= _finished(repository, actor, contents, {id: digest for id, digest in digests.items() if digest in known})
    fresh = {digest: contents[id][1] for id, digest in digests.items() if digest not in known}
    with ThreadPoolExecutor(PUTS) as pool:
        locations = pool.map(store().put, fresh.keys(), fresh.values())
        found = {digest: (len(data), location) for (digest, data), location in zip(fresh.items(), locations, strict=True)}
    with transaction.atomic():
        adopt_all(found)
        there |= _finished(repository, actor, contents, {id: digest for id, digest in digests.items() if digest in found})
    return there


def _finished(
    repository: Repository, actor: User, contents: Mapping[UUID, tuple[str, bytes]], digests: Mapping[UUID, str]
) -> dict[UUID, Upload]:
    """Write the rows that let a commit use objects, which the caller's transaction keeps from going."""
    made = []
    for id, digest in digests.items():
        path, data = contents[id]
        facts = {"size": len(data), "sha256": digest, "object_sha256": digest, "part_size": part_size(len(data))}
        made.append(Upload(id=id, repository=repository, user=actor, path=path, state=Upload.State.FINISHED, **facts))
    Upload.objects.bulk_create(made, ignore_conflicts=True)
    return {upload.pk: upload for upload in made}


def _begun(repository: Repository, actor: User, path: str, descriptor: int, size: int, id: UUID) -> Upload:
    Upload.objects.filter(pk=id).delete()
    upload = Upload(id=id, repository=repository, user=actor, path=path, size=size, part_size=part_size(size))
    upload.handle = store().take(id.hex, descriptor) or store().begin(id.hex, size)
    Upload.objects.bulk_create([upload], ignore_conflicts=True)
    return Upload.objects.get(pk=id)


def _fill(upload: Upload, descriptor: int, beat: Callable[[], bool] | None) -> None:
    """Have the store hold the file's bytes and the row say which: the hash of what was taken, or of each part that was sent."""
    path = store().local_path(upload.handle)
    if path is not None and path.exists() and os.path.samestat(path.stat(), os.fstat(descriptor)):
        digest = _hashed(descriptor, beat)
        if digest:
            upload.move(Upload.State.OPEN, state=Upload.State.FINISHING, object_sha256=digest)
        return
    there = set(upload.parts.values_list("number", flat=True))
    for number in range(1, upload.part_count + 1):
        if number in there:
            continue
        offset, length = (number - 1) * upload.part_size, upload.part_length(number)
        data = _read(descriptor, offset, length)
        if len(data) != length:
            raise _changed(upload.path)
        etag = store().send_part(upload.handle, number, offset, data)
        confirm_part(upload=upload, number=number, sha256=hashlib.sha256(data).hexdigest(), etag=etag)
        if beat is not None and not beat():
            return
    upload.move(Upload.State.OPEN, state=Upload.State.FINISHING)


def _changed(path: str) -> Conflict:
    return Conflict("file_changed", _("“%(path)s” changed while it was read.") % {"path": path})


def _hashed(descriptor: int, beat: Callable[[], bool] | None) -> str:
    """Return the SHA-256 of an open file, empty where the beat says to stop."""
    digest, position, pieces = hashlib.sha256(), 0, 0
    while piece := os.pread(descriptor, PIECE, position):
        digest.update(piece)
        position, pieces = position + len(piece), pieces + 1
        if beat is not None and pieces % BATCH_PIECES == 0 and not beat():
            return ""
    return digest.hexdigest()


def _read(descriptor: int, offset: int, length: int) -> bytes:
    pieces: list[bytes] = []
    while length > 0 and (piece := os.pread(descriptor, length, offset)):
        pieces.append(piece)
        offset, length = offset + len(piece), length - len(piece)
    return b"".join(pieces)

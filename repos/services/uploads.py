"""Uploads: begun, confirmed part by part, verified as a whole before anything can refer to them."""

import hashlib
import time
from collections.abc import Callable, Iterable
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.core import signing
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from core.permissions import require
from core.problems import Conflict, Problem, TooLarge
from jobs.services import enqueue
from repos.attributes import is_large
from repos.backends.base import StoreError
from repos.blobs import store, store_problem
from repos.models import LargeObject, LargeReference, Part, Repository, Upload
from repos.paths import checked
from repos.services.objects import adopt, check_quota

MAX_PARTS = 10_000
MIB = 1 << 20
INLINE_SIZE = 32 * MIB
PART_SALT = "repos.part"
ADDRESS_SECONDS = 24 * 3600
BEAT_SECONDS = 10


def begin_upload(*, repository: Repository, actor: User, path: str, size: int, sha256: str = "", readable: Any = None) -> Upload:
    """Return an upload for a file of `size` bytes: a new one, the actor's unfinished one for the same stated hash, or a
    finished one when nothing needs to be sent.

    Content that is stored already is not asked for when `sha256` names an object that this repository, or a repository in
    the queryset `readable` (those whose contents the actor may read), refers to.
    """
    require(repository, "upload")
    checked(path)
    sha256 = _checked_sha256(sha256)
    if size < 0:
        raise Problem("bad_size", _("The size of “%(path)s” cannot be negative.") % {"path": path})
    if size > settings.MAX_FILE_SIZE:
        raise TooLarge(
            "file_too_large",
            _("“%(path)s” is larger than a file may be here (%(limit)d bytes).") % {"path": path, "limit": settings.MAX_FILE_SIZE},
            extra={"limit": settings.MAX_FILE_SIZE},
        )
    if sha256 and (known := _known(repository, sha256, readable)):
        if known.size != size:
            raise Problem(
                "size_mismatch", _("The file with this SHA-256 has %(size)d bytes.") % {"size": known.size}, extra={"size": known.size}
            )
        return Upload.objects.create(
            repository=repository, user=actor, path=path, size=size, sha256=sha256, object_sha256=sha256,
            part_size=part_size(size), state=Upload.State.FINISHED,
        )  # fmt: skip
    if sha256:
        same = Upload.objects.for_user(actor).unfinished().filter(repository=repository, path=path, size=size, sha256=sha256)
        if started := same.order_by("-created_at").first():
            return started
    if is_large(path, size):
        check_quota(repository, size)
    upload = Upload(id=uuid4(), repository=repository, user=actor, path=path, size=size, sha256=sha256, part_size=part_size(size))
    try:
        upload.handle = store().begin(upload.id.hex, size)
    except StoreError as error:
        raise store_problem(error) from error
    upload.save(force_insert=True)
    return upload


def part_addresses(*, upload: Upload, numbers: Iterable[int]) -> list[dict[str, Any]]:
    """Return for each part number where to PUT it: `number, offset, length, url, headers, confirm`.

    `confirm` is true where the client must report the part afterwards (`confirm_part`), because it goes straight to the store.
    """
    found = []
    for number in numbers:
        _check_number(upload, number)
        length, offset = upload.part_length(number), (number - 1) * upload.part_size
        address = store().part_address(upload.handle, number, length)
        url = address.url if address else f"/transfer/parts/{sign_part(upload, number)}"
        headers = dict(address.headers) if address else {}
        found.append({"number": number, "offset": offset, "length": length, "url": url, "headers": headers, "confirm": address is not None})
    return found


def sign_part(upload: Upload, number: int) -> str:
    """Return the token that lets its bearer send one part for a day."""
    content = {"u": upload.pk.hex, "n": number, "h": upload.handle, "o": (number - 1) * upload.part_size, "l": upload.part_length(number)}
    return signing.dumps(content, salt=PART_SALT)


def confirm_part(*, upload: Upload, number: int, sha256: str, etag: str = "") -> None:
    """Record that the store holds part `number` with this SHA-256; repeating it is fine, another hash is refused."""
    _check_number(upload, number)
    digest = _checked_sha256(sha256)
    if not digest:
        raise Problem("bad_sha256", _("Give the SHA-256 of the part."))
    part, created = Part.objects.get_or_create(upload=upload, number=number, defaults={"sha256": digest, "etag": etag[:128]})
    if not created and part.sha256 != digest:
        raise part_differs(number)
    if not created and etag and part.etag != etag:
        Part.objects.filter(pk=part.pk).update(etag=etag[:128])


def finish_upload(*, upload: Upload, actor: User) -> Upload:
    """Verify the whole file and make it an object: at once for a small one, else by a job (state `finishing`).

    Repeating it continues where a crash interrupted; a finished upload is returned as it is.
    """
    require(upload.repository, "upload")
    if upload.state == Upload.State.OPEN:
        have = set(upload.parts.values_list("number", flat=True))
        if missing := [n for n in range(1, upload.part_count + 1) if n not in have]:
            raise Conflict(
                "parts_missing",
                _("%(count)d parts of “%(path)s” have not arrived. Send them and finish again.")
                % {"count": len(missing), "path": upload.path},
                extra={"missing": missing[:1000]},
            )
        with transaction.atomic():
            if upload.move(Upload.State.OPEN, state=Upload.State.FINISHING) and upload.size > INLINE_SIZE:
                job = enqueue(
                    kind="repos.finish_upload",
                    params={"upload": str(upload.pk)},
                    owner=actor,
                    dedupe_key=f"repos.finish_upload:{upload.pk}",
                    priority=2,
                )
                upload.move(Upload.State.FINISHING, job=job)
    if upload.state == Upload.State.FINISHING and upload.job_id is None:
        try:
            complete(upload)
        except StoreError as error:
            upload.refresh_from_db(fields=["state"])
            if upload.state == Upload.State.FINISHING:
                raise store_problem(error) from error
    upload.refresh_from_db(fields=["state", "error", "object_sha256"])
    return upload


def cancel_upload(*, upload: Upload, actor: User) -> None:
    """Forget an upload and drop its parts; a finished one loses its claim to the object."""
    require(upload.repository, "upload")
    remove(upload)


def remove(upload: Upload) -> None:
    """Drop the row first, then the parts: what a crash leaves behind has no row and is swept from the store."""
    state, handle = upload.state, upload.handle
    upload.delete()
    if handle and state in (Upload.State.OPEN, Upload.State.FAILED):
        enqueue(kind="repos.drop_parts", params={"handle": handle}, dedupe_key=f"repos.drop_parts:{handle}", priority=8)


def complete(upload: Upload, beat: Callable[[], bool] | None = None) -> None:
    """Hash the joined parts, compare, publish and adopt; may be called again after a crash at any line.

    `beat` is called every few seconds; when it answers False the work belongs to somebody else and stops.
    """
    digest = upload.object_sha256
    if not digest:
        parts = {part.number: part for part in upload.parts.all()}
        location = store().seal(upload.handle, {number: part.etag for number, part in parts.items()})
        # A stated hash proves every byte; without one the parts' own hashes must still hold for what the disk gives back.
        expected = None if upload.sha256 else {number: part.sha256 for number, part in parts.items()}
        found = _digest(upload, location, expected, beat)
        if found is None:
            return
        digest = found
        if not digest or upload.sha256 not in ("", digest):
            if upload.move(Upload.State.FINISHING, state=Upload.State.FAILED, error="sha256_mismatch"):
                store().abort(upload.handle)
            return
        if not upload.move(Upload.State.FINISHING, object_sha256=digest):
            return
    location = store().publish(upload.handle, digest)
    with transaction.atomic():
        adopt(sha256=digest, size=upload.size, location=location)
        upload.move(Upload.State.FINISHING, state=Upload.State.FINISHED, job=None)


def _digest(upload: Upload, location: str, expected: dict[int, str] | None, beat: Callable[[], bool] | None) -> str | None:
    """Return the SHA-256 of the whole, "" where size or a part's hash is wrong, None where the lease was lost."""
    whole, part, number, in_part, total = hashlib.sha256(), hashlib.sha256(), 1, 0, 0
    last = time.monotonic()
    for piece in store().open(location):
        whole.update(piece)
        total += len(piece)
        if expected is not None:
            view = memoryview(piece)
            while view:
                take = min(len(view), upload.part_size - in_part)
                part.update(view[:take])
                in_part, view = in_part + take, view[take:]
                if in_part == upload.part_size or (total == upload.size and not view):
                    if expected.get(number) != part.hexdigest():
                        return ""
                    part, number, in_part = hashlib.sha256(), number + 1, 0
        if beat is not None and time.monotonic() - last > BEAT_SECONDS:
            last = time.monotonic()
            if not beat():
                return None
    return whole.hexdigest() if total == upload.size else ""


def part_differs(number: int) -> Conflict:
    """Return the refusal of a part that was confirmed with other content."""
    return Conflict(
        "part_differs",
        _("Part %(number)d was sent before with other content: the file has changed. Begin a new upload.") % {"number": number},
        extra={"number": number},
    )


def _known(repository: Repository, sha256: str, readable: Any) -> LargeObject | None:
    references = LargeReference.objects.filter(object=sha256)
    allowed = references.filter(repository=repository).exists() or (
        readable is not None and references.filter(repository__in=readable).exists()
    )
    return LargeObject.objects.filter(pk=sha256, damaged_at=None).first() if allowed else None


def part_size(size: int) -> int:
    """Return the part size in bytes: the setting, or as much more as keeps the number of parts within S3's 10,000."""
    least = -(-size // MAX_PARTS)
    return int(max(settings.UPLOAD_PART_SIZE, -(-least // MIB) * MIB))


def _check_number(upload: Upload, number: int) -> None:
    if not 1 <= number <= upload.part_count:
        raise Problem(
            "part_out_of_range",
            _("This upload has parts 1 to %(count)d; there is no part %(number)d.") % {"count": upload.part_count, "number": number},
            extra={"part_count": upload.part_count},
        )


def _checked_sha256(value: str) -> str:
    digest = value.lower()
    if digest and (len(digest) != 64 or not set(digest) <= set("0123456789abcdef")):
        raise Problem("bad_sha256", _("“%(sha256)s” is not a SHA-256 in hexadecimal.") % {"sha256": value[:80]})
    return digest

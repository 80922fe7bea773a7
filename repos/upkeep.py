"""Reclaiming space, safely, and checking that stored bytes are still what they were."""

import hashlib
import logging
import time
from collections.abc import Callable
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, ManyToOneRel, OuterRef, QuerySet
from django.utils import timezone

from jobs.services import enqueue
from repos.backends.base import StoreError
from repos.blobs import store
from repos.models import Commit, DailyDownloads, GitObject, LargeObject, LargeReference, Ref, Repository, Upload
from repos.services.uploads import remove

logger = logging.getLogger(__name__)

Beat = Callable[[], bool]
GRACE = timedelta(days=1)
REHASH_AFTER = timedelta(days=30)
REHASH_SECONDS = 120
BATCH = 500


def expire_uploads(beat: Beat) -> int:
    """Remove uploads past `expires_at` that are not being verified, and return how many."""
    gone = 0
    for upload in Upload.objects.filter(expires_at__lt=timezone.now()).exclude(state=Upload.State.FINISHING)[:BATCH]:
        remove(upload)
        gone += 1
    beat()
    return gone


def quarantine_unreferenced(beat: Beat) -> int:
    """Start the wait for objects that no repository refers to and no finished upload is about to use."""
    count = 0
    for row in _unreferenced().filter(state=LargeObject.State.STORED, created_at__lt=timezone.now() - GRACE)[:BATCH]:
        count += row.quarantine()
    beat()
    return count


def remove_quarantined(beat: Beat) -> int:
    """Remove objects whose wait is over; one that was referred to meanwhile comes back instead."""
    ripe = timezone.now() - timedelta(days=settings.QUARANTINE_DAYS)
    removed = 0
    for sha256 in LargeObject.objects.filter(state=LargeObject.State.QUARANTINED, quarantined_at__lte=ripe).values_list("pk", flat=True)[
        :BATCH
    ]:
        with transaction.atomic():
            row = LargeObject.objects.select_for_update().filter(pk=sha256, state=LargeObject.State.QUARANTINED).first()
            if row is None:
                continue
            if not _unreferenced().filter(pk=sha256).exists():
                row.rescue()
                continue
            enqueue(
                kind="repos.delete_bytes", params={"location": row.location}, dedupe_key=f"repos.delete_bytes:{row.location}", priority=8
            )
            row.delete()
            removed += 1
    beat()
    return removed


def verify_oldest(beat: Beat, seconds: float = REHASH_SECONDS) -> int:
    """Re-hash objects, longest unchecked first, for at most `seconds`; a damaged one is marked and logged as an error."""
    until, checked = time.monotonic() + seconds, 0
    due = LargeObject.objects.filter(damaged_at=None, verified_at__lt=timezone.now() - REHASH_AFTER)
    for row in due.order_by(F("verified_at").asc(nulls_first=True))[:BATCH]:
        if time.monotonic() > until or not beat():
            break
        try:
            digest = hashlib.sha256()
            for piece in store().open(row.location):
                digest.update(piece)
                if time.monotonic() > until:
                    beat()
                    until = time.monotonic() + seconds
            intact = digest.hexdigest() == row.sha256
        except StoreError as error:
            if error.retry:
                break
            intact = False
        now = timezone.now()
        LargeObject.objects.filter(pk=row.pk).update(verified_at=now, damaged_at=None if intact else now)
        if not intact:
            logger.error("large object %s is damaged or missing at %s", row.sha256, row.location)
        checked += 1
    return checked


def purge_rows(repository: Repository) -> None:
    """Remove everything a deleted repository held; runs in the caller's transaction."""
    LargeReference.objects.filter(repository=repository).delete()
    Ref.objects.filter(repository=repository).delete()
    Commit.objects.filter(repository=repository).delete()
    GitObject.objects.filter(repository=repository).delete()
    DailyDownloads.objects.filter(repository=repository).delete()
    for upload in Upload.objects.filter(repository=repository):
        remove(upload)
    Repository.objects.filter(pk=repository.pk).update(size=0, files=0, stored=0)


def _unreferenced() -> QuerySet[LargeObject]:
    """Return objects that no row refers to, of this room or of one above it."""
    uploads = Upload.objects.filter(object_sha256=OuterRef("pk"))
    found = LargeObject.objects.filter(~Exists(uploads))
    for relation in LargeObject._meta.get_fields(include_hidden=True):
        if isinstance(relation, ManyToOneRel):
            rows = relation.related_model._default_manager.filter(**{relation.field.name: OuterRef("pk")})
            found = found.filter(~Exists(rows))
    return found

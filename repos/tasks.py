"""Job handlers of the version store."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from jobs.models import Job
from jobs.services import JobError, handler, recurring
from repos import upkeep
from repos.backends.base import StoreError
from repos.blobs import store
from repos.models import Repository, Upload
from repos.services.uploads import complete


@handler("repos.finish_upload")
def finish_upload(job: Job) -> timedelta | None:
    """Verify an upload and make it an object."""
    upload = Upload.objects.filter(pk=UUID(job.params["upload"]), state=Upload.State.FINISHING).first()
    if upload is None:
        return None
    try:
        complete(upload, beat=job.beat)
    except StoreError as error:
        if error.code == "parts_in_flight":
            return timedelta(seconds=1)
        raise JobError(error.code, retry=error.retry) from error
    return None


@handler("repos.drop_parts")
def drop_parts(job: Job) -> None:
    """Remove the parts of an upload that has no row any more."""
    _store(store().abort, job.params["handle"])


@handler("repos.delete_bytes")
def delete_bytes(job: Job) -> None:
    """Remove bytes that no object stands for any more."""
    _store(store().delete, job.params["location"])


@handler("repos.purge_repository")
def purge_repository(job: Job) -> timedelta | None:
    """Remove a deleted repository's rows after its quarantine; its objects go when nothing refers to them."""
    row = Repository.objects.filter(pk=job.params["repository"]).first()
    if row is None or row.deleted_at is None:
        return None
    ripe = row.deleted_at + timedelta(days=settings.QUARANTINE_DAYS)
    if timezone.now() < ripe:
        return ripe - timezone.now()
    with transaction.atomic():
        upkeep.purge_rows(row)
    return None


@recurring("repos.tidy", every=timedelta(minutes=30))
def tidy(job: Job) -> None:
    """Expire uploads, put unreferenced objects into quarantine, remove those whose wait is over, re-hash the oldest."""
    upkeep.expire_uploads(job.beat)
    upkeep.quarantine_unreferenced(job.beat)
    upkeep.remove_quarantined(job.beat)
    upkeep.verify_oldest(job.beat)


def _store(call: Any, *args: Any) -> None:
    try:
        call(*args)
    except StoreError as error:
        raise JobError(error.code, retry=error.retry) from error

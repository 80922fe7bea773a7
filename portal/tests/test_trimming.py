"""What brought something out long ago is removed; what may still be asked for stays."""

from datetime import timedelta

import pytest
from django.utils import timezone

from jobs.models import Job
from portal.deliveries import KEPT, trim_jobs

pytestmark = pytest.mark.django_db


def job(kind: str, state: str, days: int) -> Job:
    return Job.objects.create(kind=kind, state=state, finished_at=timezone.now() - timedelta(days=days))


def test_only_old_jobs_that_brought_something_out_are_removed() -> None:
    gone = {job(kind, "done", KEPT.days + 1).pk for kind in ("accounts.mail", "accounts.digest_mail", "accounts.webhook")}
    kept = {
        job("accounts.mail", "done", KEPT.days - 1).pk,
        job("accounts.mail", "failed", KEPT.days + 1).pk,
        job("assets.ingest", "done", KEPT.days + 1).pk,
    }
    assert trim_jobs() == len(gone)
    assert set(Job.objects.values_list("pk", flat=True)) == kept

"""Jobs in the administration: shown, begun again, stopped."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import AuditEvent
from accounts.services import set_standing
from core.testing import browser, person
from jobs.models import Job
from jobs.services import enqueue

pytestmark = pytest.mark.django_db
PAGE = "/admin/jobs/job/{}/act/{}/"


@pytest.fixture
def operator(ada: Any) -> Any:
    olga = person("olga")
    set_standing(actor=ada, user=olga, standing="operator")
    return browser(olga)


def failed(**columns: Any) -> Job:
    return Job.objects.create(
        kind="test.broken", state="failed", error="Traceback\nValueError: no", tries=5, finished_at=timezone.now(), **columns
    )


def test_failed_job_begins_again_with_all_its_tries(operator: Any) -> None:
    job = failed()
    assert "ValueError: no" in operator.get("/admin/jobs/job/?state__exact=failed").content.decode()
    assert operator.post(PAGE.format(job.pk, "retry")).status_code == 302
    job.refresh_from_db()
    assert (job.state, job.tries, job.error, job.finished_at, job.due_at <= timezone.now()) == ("queued", 0, "", None, True)
    event = AuditEvent.objects.get(verb="retry")
    assert (event.actor, event.target_kind, event.target_id) == ("olga", "job", str(job.pk))


def test_job_that_another_one_does_already_does_not_begin_again(operator: Any) -> None:
    job = failed(dedupe_key="same")
    enqueue(kind="test.broken", params={}, dedupe_key="same")
    operator.post(PAGE.format(job.pk, "retry"))
    assert "Another job does the same already." in operator.get("/admin/").content.decode()
    job.refresh_from_db()
    assert job.state == "failed"
    assert AuditEvent.objects.filter(verb="retry").count() == 0


def test_waiting_job_is_asked_to_stop(operator: Any) -> None:
    job = enqueue(kind="test.slow", params={}, due_at=timezone.now() + timedelta(days=1))
    operator.post(PAGE.format(job.pk, "stop"))
    job.refresh_from_db()
    assert (job.stop_requested_at is not None, job.due_at <= timezone.now()) == (True, True)
    assert AuditEvent.objects.filter(verb="stop").count() == 1


def test_job_that_is_over_is_not_stopped(operator: Any) -> None:
    job = failed()
    operator.post(PAGE.format(job.pk, "stop"))
    assert "This job is over already." in operator.get("/admin/").content.decode()
    assert AuditEvent.objects.filter(verb="stop").count() == 0


def test_jobs_are_not_changed_by_hand(operator: Any) -> None:
    job = failed()
    assert operator.get(f"/admin/jobs/job/{job.pk}/change/").status_code == 200
    assert operator.post(f"/admin/jobs/job/{job.pk}/change/", {"state": "done"}).status_code == 403
    assert operator.get("/admin/jobs/job/add/").status_code == 403

"""What people and webhooks are told when a job of somebody ends."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from accounts import events
from accounts.notices import WORK, NoticeKind, register
from accounts.services import emit, notify
from jobs.models import Job
from jobs.services import when_ended

EVENTS = {Job.State.DONE.value: "job.done", Job.State.FAILED.value: "job.failed"}
NAMES = {
    "assets.ingest": _("Reading the files of a repository"),
    "inspection.read": _("Reading what was uploaded"),
    "repos.finish_upload": _("Checking an upload"),
    "repos.purge_repository": _("Removing a deleted repository"),
}
"""What the kinds of jobs that people start are called."""


def announce() -> None:
    """Make the events and the notice known, and listen from now on."""
    events.register("job.done", _("Job done"))
    events.register("job.failed", _("Job failed"))
    register(NoticeKind("job.failed", _("A job of yours fails"), _("%(job)s failed: %(error)s"), WORK, words={"job": NAMES}))
    when_ended(tell)


def tell(job: Job) -> None:
    """Tell the owner's webhooks that `job` is done or failed, and the owner that it failed; a job of nobody is told to nobody."""
    event = EVENTS.get(job.state)
    if event is None or job.owner_id is None:
        return
    error = job.error.strip().splitlines()[-1][:300] if job.error.strip() else ""
    payload: dict[str, Any] = {"job_id": job.pk, "kind": job.kind, "created_at": job.created_at, "finished_at": job.finished_at}
    emit(namespace_id=job.owner_id, event=event, payload={**payload, "error": error} if event == "job.failed" else payload)
    if event == "job.failed" and job.owner is not None:
        notify(receivers=[job.owner], kind="job.failed", key=f"job.failed:{job.pk}", job=job.kind, error=error)

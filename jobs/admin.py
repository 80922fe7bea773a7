"""Jobs: their state and error, and beginning or stopping them by hand."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from core.administration import Act, Administration
from jobs.models import Job
from jobs.services import retry_job, stop_job


@admin.register(Job)
class JobAdministration(Administration):
    list_display = ["kind", "state", "owner", "tries", "due_at", "created_at", "finished_at", "failure"]
    list_filter = ["state", "kind"]
    search_fields = ["kind", "owner__handle", "error", "dedupe_key"]
    list_select_related = ["owner"]
    ordering = ["-id"]
    acts = [
        Act(
            "retry", _("Begin again"), retry_job, "job", "jobs.change_job",
            note=_("It starts at once, with all its tries."), applies=lambda job: job.state in (Job.State.FAILED, Job.State.STOPPED),
        ),
        Act(
            "stop", _("Stop"), stop_job, "job", "jobs.change_job", danger=True,
            note=_("What waits stops at once, what runs at the end of its turn."), applies=lambda job: job.active,
        ),
    ]  # fmt: skip

    @admin.display(description=_("error"))
    def failure(self, job: Job) -> str:
        """The last line of the error, which is the one that says what happened."""
        return job.error.strip().rsplit("\n", 1)[-1][:120]

"""Job handlers of inspections."""

from datetime import timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone
from django.utils.translation import gettext as _

from core.problems import Missing, Problem
from inspection.isolation import Interrupted
from inspection.models import FileReport, Inspection
from inspection.registry import LISTENERS, STEPS, Again, Task
from jobs.models import Job
from jobs.services import JobError, handler, recurring
from repos.backends.base import StoreError
from repos.models import LargeObject, Ref
from repos.reading import resolve

READING = frozenset({"view", "preview"})
KEPT = timedelta(days=7)


@handler("inspection.read")
def read(job: Job) -> timedelta | None:
    """Read one step of one commit."""
    inspection = Inspection.objects.select_related("repository").filter(pk=job.params["inspection"]).first()
    # A commit that nothing leads to any more is passed over: of two in a row the newer one counts.
    if inspection is None or not Ref.objects.filter(repository=inspection.repository_id, commit=inspection.commit).exists():
        return None
    # System work: it may read what every user of the asset may read, and is answered for by whoever committed.
    inspection.repository.allowed = READING
    step, after = STEPS[inspection.step], None
    try:
        task = Task(inspection, resolve(inspection.repository, inspection.commit), job)
        result = step.read(task)
    except Again as again:
        result, after = again.result, again.after
    except Interrupted:
        return None
    except StoreError as error:
        raise JobError(_("The object storage does not answer."), retry=error.retry) from error
    except Missing as error:
        raise JobError(str(error.detail)) from error
    except Problem as error:
        raise JobError(str(error.detail), retry=error.status >= 500) from error
    with transaction.atomic():
        inspection.complete(result, step.version)
        for listener in LISTENERS.get(step.code, ()):
            listener(inspection)
    return after


@recurring("inspection.trim", every=timedelta(days=1))
def trim(job: Job) -> None:
    """Forget what commits held that nothing leads to any more, and files that are gone."""
    old = timezone.now() - KEPT
    leading = Ref.objects.filter(repository=OuterRef("repository"), commit=OuterRef("commit"))
    for inspection in Inspection.objects.filter(~Exists(leading), created_at__lt=old).iterator(chunk_size=500):
        inspection.delete()
        job.beat()
    shared = FileReport.objects.filter(repository=None, created_at__lt=old)
    shared.exclude(content__in=LargeObject.objects.values("pk")).delete()
    FileReport.objects.filter(repository__deleted_at__lt=old).delete()

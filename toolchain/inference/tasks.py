"""The jobs of services."""

from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from jobs.models import Job
from jobs.services import handler, recurring
from toolchain.inference.control import reconcile
from toolchain.inference.models import Minute, Service
from toolchain.inference.services import look_after
from toolchain.runs.tasks import LEASE

KEPT = timedelta(days=90)


@handler("toolchain.service", queue=settings.TOOLCHAIN_QUEUE, lease=LEASE)
def control(job: Job) -> timedelta | None:
    """Bring a service to what is wanted of it."""
    service = Service.objects.select_related("namespace", "creator", "spec", "generation__spec").filter(pk=job.params["service"]).first()
    return timedelta(seconds=2) if service is not None and reconcile(service) else None


@recurring("toolchain.services", every=timedelta(minutes=1), queue=settings.TOOLCHAIN_QUEUE, lease=LEASE)
def tidy(job: Job) -> None:
    """See that every service that is up is looked after, and forget counts that are old."""
    for service in Service.objects.filter(state__in=Service.ACTIVE):
        look_after(service)
    Minute.objects.filter(at__lt=timezone.now() - KEPT).delete()

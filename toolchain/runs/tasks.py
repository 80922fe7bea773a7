"""The jobs of the queue."""

import logging
from datetime import timedelta

from django.conf import settings
from django.utils.translation import override

from jobs.models import Job
from jobs.services import handler, recurring
from toolchain.compute.detection import register_cluster, register_machine, this_machine
from toolchain.models import Run
from toolchain.runners.base import RunnerError
from toolchain.runs import environments, places, queue, turns, upkeep

logger = logging.getLogger(__name__)

LEASE = timedelta(seconds=30)
"""With the sweep's interval added, what a killed worker looked after is looked at again within a minute."""


@handler("toolchain.run", queue=settings.TOOLCHAIN_QUEUE, lease=LEASE)
def run(job: Job) -> timedelta | None:
    """Do the next step of a run."""
    found = Run.objects.select_related("spec", "namespace", "user", "node").filter(pk=job.params["run"]).first()
    if found is None or found.over:
        return None
    # Sentences that are kept are for whoever submitted it.
    with override((found.user and found.user.language) or settings.LANGUAGE_CODE):
        return turns.turn(found, job)


@recurring("toolchain.queue", every=timedelta(seconds=5), queue=settings.TOOLCHAIN_QUEUE, lease=LEASE)
def look_at_queue(job: Job) -> None:
    """Say that this machine is there, and give it to those who wait."""
    found = places.probed()
    register_machine(this_machine(), sandbox=places.level_used(), detail="\n".join([found.detail, *found.missing]))
    queue.dispatch()


@recurring("toolchain.cluster", every=timedelta(seconds=15), queue=settings.TOOLCHAIN_QUEUE, lease=LEASE)
def look_at_cluster(job: Job) -> None:
    """Say that the Ray cluster is there, if there is one, and what its machines have."""
    if not settings.RAY_ADDRESS:
        return
    try:
        register_cluster(settings.RAY_ADDRESS, places.cluster().cluster.machines())
    except RunnerError as error:
        logger.warning("%s", error)


@recurring("toolchain.upkeep", every=timedelta(seconds=30), queue=settings.TOOLCHAIN_QUEUE, lease=LEASE)
def tidy(job: Job) -> None:
    """End what runs without a row, and remove what nobody needs any more."""
    upkeep.end_orphans(job.beat)
    environments.settle()
    upkeep.adopt()
    environments.trim()
    upkeep.trim_inputs()


def when_job_ended(job: Job) -> None:
    """A run outlives its job only to be looked after by another one, or to be ended."""
    if job.kind != "toolchain.run" or job.state == Job.State.DONE:
        return
    found = Run.objects.active().select_related("spec", "namespace", "user").filter(pk=job.params["run"]).first()
    if found is None:
        return
    if job.state == Job.State.STOPPED:
        found.request_stop()
        queue.enqueue_turns(found)
    else:
        turns.abandon(found, job.error)

"""The jobs of training jobs, beside those of their runs."""

from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from core.problems import Problem
from jobs.models import Job
from jobs.services import JobError, handler, recurring
from toolchain.models import Run
from toolchain.runs.places import runner_of
from toolchain.runs.registry import Failure
from toolchain.runs.tasks import LEASE
from toolchain.trainer.models import Training
from toolchain.trainer.news import tell_ended
from toolchain.trainer.services import forget_files
from toolchain.trainer.work import keep_result


@handler("trainer.collect", queue=settings.TOOLCHAIN_QUEUE, lease=LEASE)
def collect(job: Job) -> None:
    """Make a model of a result that could not be kept at first."""
    training = Training.objects.select_related("namespace", "creator", "output__namespace").filter(pk=job.params["training"]).first()
    run = Run.objects.select_related("spec", "user").filter(pk=training.run_id or 0).first() if training is not None else None
    if training is None or run is None or training.checkpoints != Training.Checkpoints.KEPT:
        return
    runner = runner_of(run.spec.runner)
    try:
        keep_result(training, run, runner.folder(run.key), job.beat, actor=job.owner)
    except Problem as problem:
        detail = {"code": problem.code, "sentence": str(problem.detail)}
        Training.objects.filter(pk=training.pk).update(error="problem", detail=detail)
        raise JobError(str(problem.detail)) from problem
    except Failure as failure:
        Training.objects.filter(pk=training.pk).update(error=failure.code, detail=failure.facts)
        raise JobError(failure.code) from failure
    with transaction.atomic():
        if training.output is not None and training.recover(training.output, training.output_commit):
            tell_ended(training, by_hand=True)
            forget_files(training)


@recurring("trainer.tidy", every=timedelta(hours=1), queue=settings.TOOLCHAIN_QUEUE, lease=LEASE)
def tidy(job: Job) -> None:
    """Give up files of stopped jobs that nobody fetched for long."""
    old = timezone.now() - timedelta(days=settings.CHECKPOINT_DAYS)
    for training in Training.objects.filter(checkpoints=Training.Checkpoints.KEPT, ended_at__lt=old)[:1000]:
        with transaction.atomic():
            if training.drop():
                forget_files(training)

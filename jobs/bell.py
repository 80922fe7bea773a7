"""The Celery side of jobs: tasks that carry ids, never data."""

import socket

from celery import shared_task
from django.core.cache import cache

from jobs import services

HEARTBEAT_KEY = "jobs:heartbeat"
HEARTBEAT_SECONDS = 60


@shared_task(name="jobs.run")
def run(job_id: int) -> None:
    """Do one turn of a job, or of one that is more urgent."""
    services.answer(job_id)


@shared_task(name="jobs.sweep")
def sweep() -> None:
    """Ring for due jobs, and show that a worker is alive."""
    show_life()
    services.sweep()


@shared_task(name="jobs.rouse")
def rouse() -> None:
    """Ring for due jobs, from a worker whose life is not what `/readyz` asks for."""
    services.sweep()


def show_life() -> None:
    """Let `/readyz` know that a worker is alive."""
    cache.set(HEARTBEAT_KEY, socket.gethostname(), HEARTBEAT_SECONDS)

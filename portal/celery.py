"""The Celery application: with `jobs/`, all in this product that knows Celery."""

import logging
import os
import time
from contextlib import ExitStack
from logging.config import dictConfig
from typing import Any

from celery import Celery
from celery.signals import setup_logging, task_postrun, task_prerun, worker_ready

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

app = Celery("gallery")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.update(
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    broker_connection_timeout=2,
    broker_transport_options={"socket_connect_timeout": 2, "socket_timeout": 30, "socket_keepalive": True},
    # A request must not wait for a broker that is down.
    task_publish_retry_policy={"max_retries": 0},
    task_ignore_result=True,
    task_acks_late=False,
    worker_prefetch_multiplier=1,
    worker_max_tasks_per_child=1000,
    worker_max_memory_per_child=1_000_000,  # kilobytes
    worker_send_task_events=False,
    worker_hijack_root_logger=False,
    worker_redirect_stdouts=False,
    timezone="UTC",
)
app.autodiscover_tasks(["jobs"], related_name="bell")

logger = logging.getLogger("gallery.jobs")
_running: dict[str, tuple[ExitStack, float]] = {}


@setup_logging.connect
def _log_like_the_web(**_signal: Any) -> None:
    from django.conf import settings

    dictConfig(settings.LOGGING)


@task_prerun.connect
def _name_the_job(task_id: str, task: Any, args: Any = (), **_signal: Any) -> None:
    """Let log lines and audit rows of a job carry `job-<id>` where a request has its id."""
    from core.requests import Origin, working

    stack = ExitStack()
    stack.enter_context(working(Origin(f"job-{args[0]}" if task.name == "jobs.run" and args else task.name)))
    _running[task_id] = stack, time.monotonic()


@task_postrun.connect
def _forget_the_job(task_id: str, task: Any, **_signal: Any) -> None:
    if task_id not in _running:
        return
    stack, begun = _running.pop(task_id)
    if task.name == "jobs.run":
        logger.info("turn took %.0fms", (time.monotonic() - begun) * 1000)
    stack.close()


@worker_ready.connect
def _begin(sender: Any, **_signal: Any) -> None:
    """Find what became due while no worker ran, without waiting for beat; show from now on that this worker lives.

    The sweep shows it too, but waits its turn behind long jobs: a busy worker is not a dead one.
    """
    from jobs.bell import show_life

    if sender.hostname.startswith(("background@", "toolchain@")):
        return
    show_life()
    sender.timer.call_repeatedly(15, show_life)
    sender.app.send_task("jobs.sweep", retry=False)

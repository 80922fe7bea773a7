"""The Celery application: with `jobs/`, all in this product that knows Celery."""

import logging
import os
import time
from contextlib import ExitStack
from logging.config import dictConfig
from typing import Any

from celery import Celery, bootsteps
from celery.platforms import EX_FAILURE
from celery.signals import setup_logging, task_postrun, task_prerun, worker_ready
from kombu.exceptions import OperationalError
from kombu.transport.redis import Channel

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
# Rings that were still to come need not be given back when a worker loses Redis, since their rows are due all the same; doing so through the
# connection that is lost would end the worker, which then waits for the longest turn it is in.
Channel.do_restore = False

logger = logging.getLogger("gallery.jobs")
SWEPT_SECONDS = 15
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


class Presence(bootsteps.StartStopStep):  # type: ignore[misc]  # Celery comes without types
    """Whenever a worker has connected, also again: finds what became due while nobody heard a ring, without waiting for beat."""

    requires = {"celery.worker.consumer.tasks:Tasks"}

    def start(self, parent: Any) -> None:
        """Ask for a sweep by the worker itself; that of the background hears of the others'."""
        if not parent.hostname.startswith("background@"):
            _rouse(parent)

    def stop(self, parent: Any) -> None:
        """End at once where the worker ends because of an error and would wait for turns in its threads: another one looks after them."""
        if parent.controller.exitcode == EX_FAILURE and parent.hostname.startswith("toolchain@"):
            logging.shutdown()
            os._exit(EX_FAILURE)


app.steps["consumer"].add(Presence)


@worker_ready.connect
def _begin(sender: Any, **_signal: Any) -> None:
    """Show from now on that this worker lives, or have it sweep by itself.

    The sweep shows life too, but waits its turn behind long jobs: a busy worker is not a dead one. Those who watch runs do not wait for it.
    """
    from jobs.bell import show_life

    if sender.hostname.startswith("toolchain@"):
        sender.timer.call_repeatedly(SWEPT_SECONDS, _rouse, (sender,))
    elif not sender.hostname.startswith("background@"):
        show_life()
        sender.timer.call_repeatedly(15, show_life)


def _rouse(consumer: Any) -> None:
    from django.conf import settings

    own = {"queue": settings.TOOLCHAIN_QUEUE} if consumer.hostname.startswith("toolchain@") else {}
    try:
        consumer.app.send_task("jobs.rouse" if own else "jobs.sweep", retry=False, expires=SWEPT_SECONDS, **own)
    except (OSError, OperationalError):
        logger.warning("The broker is gone; the next sweep comes once it is back.")

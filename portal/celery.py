"""The Celery application: with `jobs/`, all in this product that knows Celery."""

import logging
import os
import time
from contextlib import ExitStack
from logging.config import dictConfig
from typing import Any, NoReturn

from celery import Celery, bootsteps
from celery.platforms import EX_FAILURE
from celery.signals import setup_logging, task_postrun, task_prerun, task_received
from celery.worker.state import active_requests, reserved_requests
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
LIFE_SECONDS = 15
UNHEARD = 4
_rings: list[float] = []
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
    """Whenever a worker has connected, also again: finds what became due while nobody heard a ring, without waiting for beat.

    From then on it rings for itself, which also tells whether it hears: a worker may be connected to a Redis that was started again and
    receive nothing. That of the background hears of the others'.
    """

    requires = {"celery.worker.consumer.tasks:Tasks"}
    timer: Any = None

    def start(self, parent: Any) -> None:
        """Ring for a sweep by the worker itself, now and then."""
        if not parent.hostname.startswith("background@"):
            _attend(parent)
            self.timer = parent.timer.call_repeatedly(LIFE_SECONDS, _attend, (parent,))

    def stop(self, parent: Any) -> None:
        """End at once where the worker ends because of an error and would wait for turns in its threads: another one looks after them."""
        if self.timer is not None:
            self.timer.cancel()
        if parent.controller.exitcode == EX_FAILURE and parent.hostname.startswith("toolchain@"):
            _end()


app.steps["consumer"].add(Presence)


@task_received.connect
def _hear(**_signal: Any) -> None:
    _rings.clear()


def _attend(consumer: Any) -> None:
    """Show that this worker lives, and ring for it; one that is idle and has not heard its own rings for a minute makes room for another."""
    if len(_rings) >= UNHEARD and not active_requests and not reserved_requests:
        logger.error("This worker rang for itself %s times and heard nothing. It ends, and another one takes its place.", len(_rings))
        _end()
    if not consumer.hostname.startswith("toolchain@"):
        _show_life()
    if _rouse(consumer):
        _rings.append(time.monotonic())


def _end() -> NoReturn:
    logging.shutdown()
    os._exit(EX_FAILURE)


def _show_life() -> None:
    """Let `/readyz` know. A sweep shows life too, but waits its turn behind long jobs: a busy worker is not a dead one."""
    from jobs.bell import show_life

    try:
        show_life()
    except Exception as error:  # whatever the cache of the day raises: the next time may go well
        logger.warning("The cache is gone (%s); this worker shows its life once it is back.", error)


def _rouse(consumer: Any) -> bool:
    """Ring for a sweep, and say whether the broker took it."""
    from django.conf import settings

    own = {"queue": settings.TOOLCHAIN_QUEUE} if consumer.hostname.startswith("toolchain@") else {}
    try:
        consumer.app.send_task("jobs.rouse" if own else "jobs.sweep", retry=False, expires=LIFE_SECONDS, **own)
    except (OSError, OperationalError):
        logger.warning("The broker is gone; the next sweep comes once it is back.")
        return False
    return True

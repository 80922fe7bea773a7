"""Bringing a service to what is wanted of it: generations, replicas, and the switch from one generation to the next.

A turn looks at the rows and does what follows from them, so that it can be repeated and interrupted at any line.
"""

from datetime import datetime, timedelta
from math import ceil
from typing import Any

from django.db import transaction
from django.utils import timezone

from toolchain.inference.models import WANTED, Generation, Replica, Service
from toolchain.inference.news import tell_state
from toolchain.runs.queue import queue_run, stop_run

PURPOSE = "service"
CRASHES = 3
"""A generation whose replica ended so often before it ever answered has failed."""
STEADY = timedelta(minutes=10)
"""A replica that answered so long has recovered: its next end is the first again."""
LONGEST_WAIT = timedelta(minutes=5)
DRAIN = timedelta(seconds=5)
SCALE_DOWN = timedelta(minutes=5)
HOPELESS = ("model_gone", "base_gone", "user_gone", "environment", "refused", "problem", "unloadable", "unready", "internal")
"""Ends of a replica that come again however often it is tried."""


def reconcile(service: Service) -> bool:
    """Do what is next for a service, and say whether there will be more to do."""
    if service.state == Service.State.STOPPING:
        return not _put_away(service, list(service.generations.exclude(state__in=_OVER)), halt=True)
    if service.state not in Service.UP:
        return bool(service.generations.exclude(state__in=_OVER)) and not _put_away(
            service, list(service.generations.exclude(state__in=_OVER))
        )
    if _is_over(service):
        return True
    newest = service.generations.select_related("spec").first()
    serving = service.generation
    if newest is not None and newest.state == Generation.State.FAILED and serving is not None and _matches(serving, service):
        # What was rolled out failed, and what is wanted serves already.
        newest = serving
    if newest is None or newest.state in _OVER or not _matches(newest, service):
        newest = _make_generation(service, newest)
    wanted = _replicas_wanted(service)
    _see_to(service, newest, wanted)
    _switch(service, newest)
    for each in service.generations.filter(
        state__in=[Generation.State.COMING, Generation.State.SERVING, Generation.State.DRAINING]
    ).exclude(pk=newest.pk):
        if each.pk == service.generation_id:
            _see_to(service, each, service.replicas)
        elif _drained(each):
            _put_away(service, [each])
    return True


_OVER = (Generation.State.GONE, Generation.State.FAILED)


def _is_over(service: Service) -> bool:
    """Stop a service whose time is over, or that nobody calls."""
    now = timezone.now()
    since = service.started_at
    if service.state == Service.State.RUNNING and since is not None:
        if service.limit is not None and now - since >= timedelta(seconds=service.limit):
            return _end(service, error="time")
        idle = now - max(since, service.called_at or since)
        if service.idle_limit is not None and idle >= timedelta(seconds=service.idle_limit):
            return _end(service, error="idle", asleep=True)
    return False


def _end(service: Service, *, error: str, asleep: bool = False) -> bool:
    with transaction.atomic():
        if service.request_stop(error=error, asleep=asleep):
            tell_state(service)
    return True


def _matches(generation: Generation, service: Service) -> bool:
    return all(getattr(generation, name) == getattr(service, name) for name in WANTED)


def _make_generation(service: Service, before: Generation | None) -> Generation:
    wanted = {name: getattr(service, name) for name in WANTED}
    return Generation.objects.get_or_create(service=service, number=before.number + 1 if before else 1, defaults=wanted)[0]


def _replicas_wanted(service: Service) -> int:
    """Return how many replicas a service needs: as many as its requests at once fill to two thirds, within its limits."""
    if service.most_replicas == service.replicas:
        return service.replicas
    since = timezone.now() - SCALE_DOWN
    busiest = 0
    for row in service.minutes.filter(at__gte=since):
        # By Little's law: seconds of work done in a minute are requests at once.
        busiest = max(busiest, ceil(row.milliseconds / 60_000 / (service.concurrency * 2 / 3)))
    return min(service.most_replicas, max(service.replicas, busiest))


def _see_to(service: Service, generation: Generation, wanted: int) -> None:
    """Have `wanted` replicas of a generation, each with a run that is not over."""
    replicas = {replica.index: replica for replica in generation.replicas.select_related("run__spec")}
    for index in range(wanted):
        replica = replicas.get(index) or Replica.objects.get_or_create(generation=generation, index=index)[0]
        if replica.run is None or (replica.run.over and not _failed(service, generation, replica)):
            _start(service, generation, replica)
    for index, replica in replicas.items():
        if index >= wanted:
            _retire(replica)


def _failed(service: Service, generation: Generation, replica: Replica) -> bool:
    """Look at a replica whose run is over; say whether it must not be started now."""
    run, now = replica.run, timezone.now()
    assert run is not None
    if generation.state == Generation.State.FAILED:
        return True
    if replica.retry_at is None:
        answered = run.facts.get("answered")
        steady = answered is not None and run.ended_at is not None and run.ended_at - datetime.fromisoformat(answered) > STEADY
        replica.crashes = 1 if steady else replica.crashes + 1
        replica.retry_at = now + min(LONGEST_WAIT, timedelta(seconds=2 ** min(replica.crashes, 9)))
        replica.save(update_fields=["crashes", "retry_at"])
        hopeless = run.error in HOPELESS
        if run.error in ("hours", "spend", "funds") or run.facts.get("stopped_by"):
            _end(service, error=str(run.facts.get("stopped_by") or run.error))
            return True
        if generation.served_at is None and (hopeless or replica.crashes >= CRASHES):
            _give_up(service, generation, run.error if hopeless else "crashes", run.detail)
            return True
    return replica.retry_at > now


def _start(service: Service, generation: Generation, replica: Replica) -> None:
    with transaction.atomic():
        attempt = (replica.run.attempt if replica.run else 0) + 1
        run = queue_run(
            purpose=PURPOSE, target=replica.pk, attempt=attempt, namespace=service.namespace, user=service.creator, spec=generation.spec, limit=None,
            title=f"{service.name} #{generation.number}.{replica.index}", priority=4,
        )  # fmt: skip
        Replica.objects.filter(pk=replica.pk).update(run=run, ready=False, retry_at=None)


def _retire(replica: Replica) -> bool:
    """Stop a replica that is not wanted; say whether it is gone."""
    if replica.run is None or replica.run.over:
        replica.delete()
        return True
    with transaction.atomic():
        Replica.objects.filter(pk=replica.pk).update(ready=False, wanted=False)
        stop_run(replica.run)
    return False


def _switch(service: Service, generation: Generation) -> None:
    """Give a generation the requests once all the replicas that are the least answer."""
    if service.generation_id == generation.pk or generation.state != Generation.State.COMING:
        return
    if generation.replicas.filter(ready=True).count() < service.replicas:
        return
    with transaction.atomic():
        now = timezone.now()
        before = service.generation_id
        if service.ready(generation):
            Generation.objects.filter(pk=generation.pk).update(state=Generation.State.SERVING, served_at=now)
            Generation.objects.filter(pk=before or 0).update(state=Generation.State.DRAINING, ended_at=now)
            tell_state(service)


def _drained(generation: Generation) -> bool:
    """Say whether the requests that a generation had when it was replaced are over."""
    patience = timedelta(seconds=generation.service.request_limit) + DRAIN
    return generation.state != Generation.State.DRAINING or generation.ended_at is None or timezone.now() - generation.ended_at > patience


def _give_up(service: Service, generation: Generation, error: str, detail: dict[str, Any]) -> None:
    """End a generation that never answered: the one before it goes on serving, else the service has failed."""
    with transaction.atomic():
        Generation.objects.filter(pk=generation.pk).update(
            state=Generation.State.FAILED, error=error, detail=detail, ended_at=timezone.now()
        )
        for replica in generation.replicas.select_related("run__spec"):
            if replica.run is not None and not replica.run.over:
                stop_run(replica.run)
        serving = service.generation if service.generation_id != generation.pk else None
        if serving is not None:
            wanted = {name: getattr(serving, name) for name in WANTED}
            Service.objects.filter(pk=service.pk).update(error=error, detail={**detail, "rolled_back": generation.number}, **wanted)
            service.refresh_from_db()
        elif service.fail(error, detail):
            tell_state(service)


def _put_away(service: Service, generations: list[Generation], *, halt: bool = False) -> bool:
    """Stop everything of `generations`, and say whether nothing of them runs any more."""
    gone = True
    for generation in generations:
        running = [
            replica for replica in generation.replicas.select_related("run__spec") if replica.run is not None and not replica.run.over
        ]
        for replica in running:
            _retire(replica)
        if running:
            gone = False
        else:
            Generation.objects.filter(pk=generation.pk).exclude(state__in=_OVER).update(
                state=Generation.State.GONE, ended_at=timezone.now()
            )
    if gone and halt:
        with transaction.atomic():
            if service.halt():
                tell_state(service)
    return gone

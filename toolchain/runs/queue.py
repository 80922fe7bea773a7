"""The queue: who is next, and whether there is a machine for them."""

import logging
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from accounts.models import Namespace, User
from jobs.services import enqueue
from toolchain.compute.limits import room_for
from toolchain.models import Node, Run, Spec
from toolchain.runs.registry import PURPOSES

logger = logging.getLogger(__name__)

LOCK = 0x67616C32
ALIVE = timedelta(seconds=90)
"""A machine whose worker said nothing for so long gets nothing new."""
PATIENCE = timedelta(minutes=10)
"""How long a large run lets smaller ones pass before a machine is kept free for it."""


def queue_run(
    *,
    purpose: str,
    target: int,
    namespace: Namespace,
    user: User | None,
    spec: Spec,
    limit: int | None,
    title: str,
    attempt: int = 1,
    priority: int = 5,
) -> Run:
    """Return a new run in the queue. In the transaction; once it is committed the run begins if there is room."""
    run = Run.objects.create(
        purpose=purpose, target=target, attempt=attempt, namespace=namespace, user=user, spec=spec, limit=limit, title=title[:200],
        priority=priority, facts={"price": str(spec.price)},
    )  # fmt: skip
    transaction.on_commit(dispatch, robust=True)
    return run


def in_order(runs: Iterable[Run], holding: Counter[Any]) -> list[Run]:
    """Return waiting runs, the first to begin first: fairly by people, then by age.

    The n-th run of somebody, counting those that hold a machine already, comes after the (n-1)-th of everybody else; a lower priority
    number comes before all that.
    """
    seen = Counter(holding)
    ranked = []
    for run in sorted(runs, key=lambda run: (run.priority, run.created_at, run.pk)):
        who = run.user_id or f"namespace {run.namespace_id}"
        seen[who] += 1
        ranked.append((run.priority, seen[who], run.created_at, run.pk, run))
    return [entry[-1] for entry in sorted(ranked, key=lambda entry: entry[:-1])]


@dataclass
class _Free:
    """What is free of a machine."""

    node: Node
    cpus: int
    memory: int
    cards: set[int] = field(default_factory=set)

    def suits(self, spec: Spec) -> bool:
        return self.node.runner == spec.runner and spec.accelerator in ("", self.node.accelerator)

    def holds(self, spec: Spec) -> bool:
        return self.suits(spec) and self.cpus >= spec.vcpus and self.memory >= spec.memory << 30 and len(self.cards) >= spec.cards

    def take(self, spec: Spec) -> list[int]:
        self.cpus -= spec.vcpus
        self.memory -= spec.memory << 30
        cards = sorted(self.cards)[: spec.cards]
        self.cards -= set(cards)
        return cards


def dispatch() -> int:
    """Give machines to those who are next, and return to how many. One process does it at a time; it may be called at any time."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        waiting = list(Run.objects.waiting().select_related("spec", "namespace"))
        if not waiting:
            return 0
        nodes = _free()
        holding = Counter(user or f"namespace {namespace}" for user, namespace in Run.objects.holding().values_list("user", "namespace"))
        begun = 0
        kept: set[tuple[str, str]] = set()
        refused: dict[tuple[int, str, int], str] = {}
        reasons: dict[int, str] = {}
        for run in in_order(waiting, holding):
            code = _place(run, nodes, kept, refused)
            begun += not code
            if code and code != run.waits_for:
                reasons[run.pk] = code
        for code in set(reasons.values()):
            Run.objects.waiting().filter(pk__in=[pk for pk, reason in reasons.items() if reason == code]).update(waits_for=code)
    return begun


def _place(run: Run, nodes: list[_Free], kept: set[tuple[str, str]], refused: dict[tuple[int, str, int], str]) -> str:
    """Give `run` a machine; return what it waits for where there is none."""
    spec, kind = run.spec, (run.spec.runner, run.spec.accelerator)
    whose = (run.namespace_id, run.purpose, spec.pk)
    if run.stop_requested_at is None and (code := refused.get(whose) or room_for(run.namespace, run.purpose, spec)):
        refused[whose] = code
        return code
    suitable = [free for free in nodes if free.suits(spec)]
    if not suitable:
        return "machine"
    found = next((free for free in suitable if free.holds(spec)), None) if kind not in kept else None
    if found is None:
        if timezone.now() - run.created_at > PATIENCE:
            kept.add(kind)
        return "capacity"
    if not run.claim(found.node, found.take(spec)):
        return ""
    enqueue_turns(run)
    PURPOSES[run.purpose].began(run)
    return ""


def enqueue_turns(run: Run) -> None:
    """Have a worker look after a run; a run that has one keeps it."""
    job = enqueue(kind="toolchain.run", params={"run": run.pk}, owner=run.user, dedupe_key=f"toolchain.run:{run.pk}", priority=4)
    if run.job_id != job.pk:
        Run.objects.filter(pk=run.pk).update(job=job)


def _free() -> list[_Free]:
    """Return what is free of the machines that are there."""
    nodes = Node.objects.filter(beat_at__gte=timezone.now() - ALIVE).order_by("name")
    found = {node.pk: _Free(node, node.cpus, node.memory, set(range(node.cards))) for node in nodes}
    for run in Run.objects.holding().exclude(node=None).select_related("spec"):
        if (free := found.get(run.node_id or 0)) is not None:
            free.cpus -= run.spec.vcpus
            free.memory -= run.spec.memory << 30
            free.cards -= set(run.cards)
    return list(found.values())


def place_of(run: Run) -> int:
    """Return the place of a waiting run among those that wait for the same kind of machine, 1 for the first; 0 where it does not wait."""
    if run.state != Run.State.WAITING:
        return 0
    rivals = Run.objects.waiting().filter(spec__runner=run.spec.runner, spec__accelerator=run.spec.accelerator)
    holding = Counter(user or f"namespace {namespace}" for user, namespace in Run.objects.holding().values_list("user", "namespace"))
    ordered = in_order(rivals.only("pk", "priority", "created_at", "user", "namespace"), holding)
    return next((place for place, each in enumerate(ordered, 1) if each.pk == run.pk), 0)


def places_of(runs: Iterable[Run]) -> dict[int, int]:
    """Return the places of those of `runs` that wait, by their ids, as `place_of` says; two queries, however many there are."""
    wanted = {run.pk for run in runs if run.state == Run.State.WAITING}
    if not wanted:
        return {}
    rivals = (
        Run.objects.waiting()
        .select_related("spec")
        .only("priority", "created_at", "user", "namespace", "spec__runner", "spec__accelerator")
    )
    holding = Counter(user or f"namespace {namespace}" for user, namespace in Run.objects.holding().values_list("user", "namespace"))
    kinds: dict[tuple[str, str], list[Run]] = {}
    for run in rivals:
        kinds.setdefault((run.spec.runner, run.spec.accelerator), []).append(run)
    places = {run.pk: place for kind in kinds.values() for place, run in enumerate(in_order(kind, holding), 1)}
    return {pk: places[pk] for pk in wanted & places.keys()}


def stop_run(run: Run) -> None:
    """Ask for the end of a run: a waiting one is over at once, another one after its next turn. In the transaction."""
    if not run.request_stop():
        return
    # What was read may be old: it may have got its machine since.
    if run.cancel():
        PURPOSES[run.purpose].ended(run, again=None)
        return
    wake(run)


def wake(run: Run) -> None:
    """Have the next turn of a run come now."""
    from jobs.models import Job
    from jobs.services import ring

    job = Job.objects.active().filter(dedupe_key=f"toolchain.run:{run.pk}").first()
    if job is not None and Job.objects.filter(pk=job.pk, state=Job.State.QUEUED).update(due_at=timezone.now()):
        transaction.on_commit(lambda: ring(job), robust=True)

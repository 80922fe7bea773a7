"""Runs that tests put into the queue, for a purpose of their own."""

import socket
from collections.abc import Iterator
from typing import Any

import pytest
from django.utils import timezone

from toolchain.compute import machines
from toolchain.models import Node, Run, Spec
from toolchain.runs import queue
from toolchain.runs.registry import PURPOSES


class Silent:
    """A purpose whose runs do nothing but wait and hold machines; it notes how they ended."""

    name = "silent"
    retries = 1

    def __init__(self) -> None:
        self.over: list[tuple[int, str]] = []

    def want(self, run: Run) -> Any:
        raise AssertionError("never prepared")

    describe = collect = want

    def began(self, run: Run) -> None:
        pass

    def watch(self, run: Run, look: Any) -> None:
        pass

    def ended(self, run: Run, *, again: Run | None) -> None:
        self.over.append((run.target, run.error))

    def keeps(self, run: Run) -> bool:
        return False


@pytest.fixture
def silent() -> Iterator[Silent]:
    """The purpose "silent", known to the queue during the test."""
    purpose, before = Silent(), dict(PURPOSES)
    PURPOSES["silent"] = PURPOSES["training"] = purpose
    yield purpose
    PURPOSES.clear()
    PURPOSES.update(before)


def spec(code: str = "cpu-1-1", **columns: Any) -> Spec:
    """Return a spec of one processor and one GiB, unless `columns` say otherwise."""
    facts = {"name_en": code, "vcpus": 1, "memory": 1} | columns
    return Spec.objects.get_or_create(code=code, defaults=facts)[0]


def node(cpus: int = 4, memory: int = 16, **columns: Any) -> Node:
    """Return a machine that is there, with `memory` in GiB."""
    facts = {"cpus": cpus, "memory": memory << 30, "beat_at": timezone.now()} | columns
    return Node.objects.update_or_create(runner="local", key=machines.key(), defaults={"name": socket.gethostname(), **facts})[0]


def put(user: Any, *, size: Spec, target: int, purpose: str = "silent", **columns: Any) -> Run:
    """Return a run of `user` in the queue; nothing is dispatched yet."""
    run = queue.queue_run(
        purpose=purpose, target=target, namespace=columns.pop("namespace", user), user=user, spec=size, limit=None, title=""
    )
    if columns:
        Run.objects.filter(pk=run.pk).update(**columns)
        run.refresh_from_db()
    return run

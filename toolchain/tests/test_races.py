"""What several workers do to one run at the same time, and what becomes of a run that cannot go on while its program runs."""

import os
import signal
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from core.testing import People
from jobs.models import Job
from toolchain.environments.tests.wheels import index, wheel
from toolchain.models import Environment, Run
from toolchain.runners import folders
from toolchain.runners.base import Limits, Look, RunSpec, State
from toolchain.runs import environments, places, turns
from toolchain.runs.queue import dispatch, stop_run
from toolchain.runs.registry import PURPOSES, Failure, Place, Wanted
from toolchain.tests.flows import until, workplace, workshop
from toolchain.tests.queued import node, put, silent, spec

__all__ = ["silent", "workplace", "workshop"]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("workshop")]


class Fussy:
    """A purpose whose programs sleep, and none of which is ever good enough."""

    name = "fussy"
    retries = 0

    def __init__(self) -> None:
        self.over: list[str] = []

    def want(self, run: Run) -> Wanted:
        return Wanted([], "")

    def describe(self, run: Run, place: Place) -> RunSpec:
        return RunSpec(argv=("/usr/bin/sleep", "600"), limits=Limits(cpus=1, memory=1 << 30, disk=1 << 20, grace=1))

    def began(self, run: Run) -> None:
        pass

    def watch(self, run: Run, look: Look) -> None:
        if look.state == State.RUNNING:
            raise Failure("unready", seconds=1)

    def collect(self, run: Run, folder: Path, beat: Any) -> None:
        raise AssertionError("nothing to keep")

    def ended(self, run: Run, *, again: Run | None) -> None:
        # The machine must not be given to others while the program runs.
        assert places.runner_of("local").look(run.key).state == State.EXITED
        self.over.append(run.error)

    def keeps(self, run: Run) -> bool:
        return False


@pytest.fixture
def fussy() -> Iterator[Fussy]:
    purpose, before = Fussy(), dict(PURPOSES)
    PURPOSES["fussy"] = purpose
    yield purpose
    PURPOSES.clear()
    PURPOSES.update(before)


def test_a_run_that_cannot_go_on_holds_its_machine_until_its_program_is_over(people: People, fussy: Fussy, workshop: Path) -> None:
    node()
    run = put(people.alice, size=spec(), target=1, purpose="fussy")
    dispatch()
    until(lambda: Run.objects.filter(pk=run.pk, state="ended").exists())

    run.refresh_from_db()
    assert (run.error, run.detail, fussy.over) == ("unready", {"seconds": 1}, ["unready"])
    assert not (workshop / "runs" / run.key).exists()


@pytest.mark.usefixtures("silent")
def test_a_stop_that_meets_a_run_which_just_got_its_machine_does_not_cut_it_off(people: People) -> None:
    node()
    put(people.alice, size=spec(), target=1)
    read_before = Run.objects.get()
    dispatch()

    with transaction.atomic():
        stop_run(read_before)

    run = Run.objects.get()
    assert (run.state, run.stop_requested_at is not None) == ("preparing", True)


def test_a_worker_that_lost_its_job_starts_nothing(people: People, fussy: Fussy) -> None:
    node()
    put(people.alice, size=spec(), target=1, purpose="fussy")
    dispatch()
    run = Run.objects.select_related("spec", "namespace", "user", "node").get()
    job = Job.objects.get(dedupe_key=f"toolchain.run:{run.pk}")
    assert job.claim()
    # Another worker took the job over, and has ended the run since.
    Job.objects.filter(pk=job.pk).update(turn=job.turn + 1)
    Run.objects.get().end("stopped")

    assert turns.turn(run, job) is None
    assert places.runner_of("local").look(run.key).state == State.LOST


def test_an_environment_that_several_runs_wait_for_is_built_once(workshop: Path) -> None:
    Environment.objects.all().delete()

    def ask(_number: int) -> Any:
        try:
            return environments.prepared("current")
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(ask, range(24)))
    until(lambda: isinstance(environments.prepared("current"), Path))

    assert Environment.objects.get(base="current").attempt <= 1


@pytest.mark.parametrize("lost", [False, True])
def test_a_build_that_no_run_waits_for_any_more_comes_to_its_end(workshop: Path, settings: Any, lost: bool) -> None:
    until(lambda: isinstance(environments.prepared("current"), Path))
    wheels = Path(tempfile.mkdtemp(dir=workshop))
    wheels.chmod(0o755)
    (wheels / "w").mkdir()
    wheel(wheels / "w", "alone", "1.0")
    settings.PACKAGE_INDEX_URL = index(wheels, wheels / "w")
    environments.prepared("current", f"alone>={int(lost)}")
    row = Environment.objects.exclude(requirements="").get()
    if lost:
        supervisor = folders.read(workshop / "runs" / row.key, folders.OWNER)
        assert supervisor is not None
        os.kill(supervisor["pid"], signal.SIGKILL)
        Environment.objects.update(used_at=timezone.now() - environments.TAKING_UP)

    def settled() -> bool:
        environments.settle()
        row.refresh_from_db()
        return row.state != "building"

    until(settled)
    assert (row.state, row.attempt) == ("waiting" if lost else "ready", 1), row.detail
    assert (workshop / "environments" / row.pk).exists() is not lost
    assert not (workshop / "runs" / row.key).exists()

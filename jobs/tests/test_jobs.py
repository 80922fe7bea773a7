import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from jobs import services
from jobs.models import LEASE, MAX_TRIES, Job
from jobs.services import BACKGROUND, JobError, answer, enqueue, handler, run, sweep, take_turn

pytestmark = pytest.mark.django_db

SEEN: list[int] = []


@pytest.fixture(autouse=True)
def handlers(monkeypatch: Any) -> Any:
    monkeypatch.setattr(services, "HANDLERS", dict(services.HANDLERS))
    monkeypatch.setattr(services, "RECURRING", set())
    SEEN.clear()

    @handler("test.count")
    def count(job: Job) -> None:
        SEEN.append(job.turn)

    @handler("test.again")
    def again(job: Job) -> timedelta | None:
        SEEN.append(job.turn)
        return timedelta(minutes=5) if job.turn < 3 else None

    @handler("test.break")
    def break_(job: Job) -> None:
        raise ValueError("the disk is on fire")

    @handler("test.refuse")
    def refuse(job: Job) -> None:
        raise JobError("This cannot work.", retry=False)


def fresh(job: Job) -> Job:
    return Job.objects.get(pk=job.pk)


def due_now(job: Job) -> None:
    Job.objects.filter(pk=job.pk).update(due_at=timezone.now())


def test_job_runs_once_to_its_end() -> None:
    job = enqueue(kind="test.count", params={})
    run(job.pk)
    run(job.pk)
    assert (fresh(job).state, SEEN) == ("done", [1])


def test_same_key_is_one_job_while_it_is_active() -> None:
    first = enqueue(kind="test.count", params={}, dedupe_key="k")
    assert enqueue(kind="test.count", params={}, dedupe_key="k").pk == first.pk
    run(first.pk)
    assert enqueue(kind="test.count", params={}, dedupe_key="k").pk != first.pk


def test_long_work_takes_many_turns() -> None:
    job = enqueue(kind="test.again", params={})
    for _turn in range(4):
        due_now(job)
        run(job.pk)
    assert (fresh(job).state, SEEN) == ("done", [1, 2, 3])


def test_failing_turns_are_tried_again_and_then_fail_aloud() -> None:
    job = enqueue(kind="test.break", params={})
    for expected in ["queued"] * (MAX_TRIES - 1) + ["failed"]:
        due_now(job)
        run(job.pk)
        assert fresh(job).state == expected
    assert fresh(job).error == "ValueError: the disk is on fire"


def test_waits_grow_between_tries() -> None:
    job = enqueue(kind="test.break", params={})
    waits = []
    for _try in range(3):
        due_now(job)
        run(job.pk)
        waits.append(round((fresh(job).due_at - timezone.now()).total_seconds()))
    assert waits == [2, 4, 8]


def test_refusal_is_not_tried_again() -> None:
    job = enqueue(kind="test.refuse", params={})
    run(job.pk)
    assert (fresh(job).state, fresh(job).error) == ("failed", "This cannot work.")


def test_unknown_kind_waits_for_a_newer_worker() -> None:
    job = enqueue(kind="test.unknown", params={})
    run(job.pk)
    assert fresh(job).state == "queued"


def test_lost_worker_is_fenced_out() -> None:
    job = enqueue(kind="test.count", params={})
    lost = fresh(job)
    assert lost.claim()
    other = fresh(job)
    assert not other.claim(), "the lease still holds"
    assert other.claim(timezone.now() + LEASE + timedelta(seconds=1))
    assert not lost.beat()
    assert not lost.finish()
    assert not lost.stumble("late")
    assert other.finish({"rows": 3})
    assert (fresh(job).state, fresh(job).result) == ("done", {"rows": 3})


def test_sweep_brings_back_what_a_dead_worker_held(monkeypatch: Any) -> None:
    rung: list[int] = []
    monkeypatch.setattr(services, "ring", lambda job, **_options: rung.append(job.pk))
    job = enqueue(kind="test.count", params={})
    fresh(job).claim()
    assert (sweep(), rung) == (0, [])
    due_now(job)
    assert (sweep(), rung) == (1, [job.pk])
    run(job.pk)
    assert fresh(job).state == "done"


def test_a_ring_in_the_background_is_answered_with_the_most_urgent_job() -> None:
    late, later, first = (enqueue(kind="test.count", params={}, priority=priority) for priority in (9, 9, BACKGROUND))
    for rung, done in ((later, first), (later, late), (first, later)):
        answer(rung.pk)
        assert (fresh(done).state, len(SEEN)) == ("done", len(Job.objects.filter(state="done")))
    answer(first.pk)
    assert len(SEEN) == 3


def test_a_ring_in_the_foreground_is_for_its_own_job() -> None:
    other, rung = enqueue(kind="test.count", params={}, priority=0), enqueue(kind="test.count", params={})
    behind = enqueue(kind="test.count", params={}, priority=BACKGROUND)
    answer(rung.pk)
    answer(rung.pk)
    assert [str(fresh(job).state) for job in (other, rung, behind)] == ["queued", "done", "queued"]


def test_the_background_leaves_jobs_of_other_workers_alone(monkeypatch: Any) -> None:
    monkeypatch.setattr(services, "QUEUES", {"test.again": "elsewhere"})
    other, rung = enqueue(kind="test.again", params={}, priority=BACKGROUND), enqueue(kind="test.count", params={}, priority=9)
    answer(rung.pk)
    assert [str(fresh(job).state) for job in (other, rung)] == ["queued", "done"]


def test_stop_ends_an_idle_job_at_its_next_turn() -> None:
    job = enqueue(kind="test.again", params={}, due_at=timezone.now() + timedelta(days=1))
    assert job.request_stop()
    run(job.pk)
    assert (fresh(job).state, SEEN) == ("stopped", [])


def test_recurring_work_is_started_by_the_sweep_and_never_doubled(monkeypatch: Any) -> None:
    monkeypatch.setattr(services, "ring", lambda _job, **_options: None)
    leases: list[timedelta] = []
    services.recurring("test.upkeep", every=timedelta(hours=1), lease=timedelta(seconds=10))(lambda job: leases.append(job.lease))
    sweep()
    sweep()
    job = Job.objects.get(kind="test.upkeep")
    run(job.pk)
    assert (fresh(job).state, round((fresh(job).due_at - timezone.now()).total_seconds())) == ("queued", 3600)
    assert leases == [timedelta(seconds=10)]
    sweep()
    assert Job.objects.filter(kind="test.upkeep").count() == 1


def test_dead_broker_does_not_fail_the_request(settings: Any, django_capture_on_commit_callbacks: Any, monkeypatch: Any) -> None:
    def dead(*_args: Any, **_options: Any) -> None:
        raise ConnectionError("redis is down")

    monkeypatch.setattr("celery.current_app.send_task", dead)
    with django_capture_on_commit_callbacks(execute=False) as callbacks:
        job = enqueue(kind="test.count", params={})
    assert len(callbacks) == 1
    run(job.pk)
    assert fresh(job).state == "done"


@pytest.mark.django_db(transaction=True)
def test_of_many_workers_one_takes_the_turn() -> None:
    job = enqueue(kind="test.count", params={})
    start = threading.Barrier(6)

    def work() -> None:
        try:
            mine = Job.objects.get(pk=job.pk)
            start.wait()
            if mine.claim():
                take_turn(mine)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert SEEN == [1]

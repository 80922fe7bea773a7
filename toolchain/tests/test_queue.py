"""Who is next in the queue, who has to wait, and what for."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.utils import timezone

from core.testing import People
from jobs.models import Job
from jobs.services import run as run_job
from toolchain.compute import ledger
from toolchain.models import Entry, Limit, Node, Run
from toolchain.runs.queue import dispatch, place_of, stop_run
from toolchain.tests.queued import Silent, node, put, silent, spec

__all__ = ["silent"]
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("silent")]


def started() -> list[int]:
    """Return the targets of the runs that hold a machine, in the order in which they got it."""
    return list(Run.objects.holding().order_by("claimed_at", "pk").values_list("target", flat=True))


class TestOrder:
    def test_turns_go_round_people_however_much_one_of_them_submits(self, people: People) -> None:
        size = spec()
        for target in range(1, 5):
            put(people.rita, size=size, target=target)
        put(people.charlie, size=size, target=11)
        put(people.charlie, size=size, target=12)
        node(cpus=4)

        assert dispatch() == 4
        assert sorted(started()) == [1, 2, 11, 12]

    def test_what_runs_already_counts_as_a_turn(self, people: People) -> None:
        size = spec()
        node(cpus=2)
        for target in (1, 2):
            put(people.rita, size=size, target=target)
        dispatch()
        put(people.rita, size=size, target=3)
        late = put(people.charlie, size=size, target=11)

        assert place_of(late) == 1
        Run.objects.get(target=1).end()
        dispatch()
        assert sorted(started()) == [2, 11]

    def test_a_lower_priority_number_comes_first(self, people: People) -> None:
        node(cpus=1)
        put(people.rita, size=spec(), target=1)
        put(people.rita, size=spec(), target=2, priority=4)

        dispatch()
        assert started() == [2]

    def test_a_thousand_waiting_runs_are_put_in_order_with_few_queries(self, people: People, django_assert_max_num_queries: object) -> None:
        size = spec()
        persons = [people.rita, people.charlie, people.alice]
        Run.objects.bulk_create(
            Run(purpose="silent", target=number, namespace=persons[number % 7 % 3], user=persons[number % 7 % 3], spec=size)
            for number in range(1000)
        )
        node(cpus=30, memory=64)

        with django_assert_max_num_queries(400):  # type: ignore[operator]
            assert dispatch() == 30
        shares = [Run.objects.holding().filter(user=person).count() for person in persons]
        assert shares == [10, 10, 10]
        assert dispatch() == 0


class TestCapacity:
    def test_a_machine_is_never_given_twice(self, people: People) -> None:
        node(cpus=3, memory=4)
        for target in range(1, 6):
            put(people.rita, size=spec("cpu-1-2", memory=2), target=target)

        assert dispatch() == 2
        waiting = Run.objects.waiting().order_by("target")
        assert [run.waits_for for run in waiting] == ["capacity"] * 3

    def test_cards_are_given_by_number_and_come_back(self, people: People) -> None:
        size = spec("2-gpu-80-cpu-1-1", accelerator="gpu", cards=2, card_memory=80)
        node(cpus=8, accelerator="gpu", cards=4)
        for target in (1, 2, 3):
            put(people.rita, size=size, target=target)

        dispatch()
        assert [Run.objects.get(target=target).cards for target in (1, 2, 3)] == [[0, 1], [2, 3], []]
        Run.objects.get(target=1).end()
        dispatch()
        assert Run.objects.get(target=3).cards == [0, 1]

    def test_a_small_run_passes_a_large_one_but_not_for_ever(self, people: People) -> None:
        node(cpus=2)
        put(people.rita, size=spec(), target=1)
        dispatch()
        large = put(people.rita, size=spec("cpu-2-1", vcpus=2), target=2)
        put(people.charlie, size=spec(), target=3)
        dispatch()
        assert sorted(started()) == [1, 3]

        Run.objects.get(target=3).end()
        Run.objects.filter(pk=large.pk).update(created_at=timezone.now() - timedelta(minutes=11))
        put(people.rita, size=spec(), target=4)
        dispatch()
        assert started() == [1], "the machine is kept free for the large run"
        Run.objects.get(target=1).end()
        dispatch()
        assert started() == [2]

    def test_without_a_machine_of_the_kind_it_says_so(self, people: People) -> None:
        node()
        lonely = put(people.rita, size=spec("1-gpu-80-cpu-1-1", accelerator="gpu", cards=1), target=1)
        dispatch()
        lonely.refresh_from_db()
        assert lonely.waits_for == "machine"

    def test_a_machine_that_went_silent_gets_nothing_new(self, people: People) -> None:
        node(beat_at=timezone.now() - timedelta(minutes=2))
        put(people.rita, size=spec(), target=1)
        assert dispatch() == 0

    @pytest.mark.django_db(transaction=True)
    def test_many_dispatching_at_once_give_each_run_one_machine(self, people: People, silent: Silent) -> None:
        node(cpus=5)
        for target in range(1, 21):
            put(people.rita, size=spec(), target=target)
        Run.objects.exclude(state="waiting").update(state="waiting", claimed_at=None)
        Job.objects.all().delete()

        def work(_number: int) -> int:
            try:
                return dispatch()
            finally:
                connection.close()

        with ThreadPoolExecutor(8) as pool:
            assert sum(pool.map(work, range(8))) == 5
        assert Run.objects.holding().count() == 5
        assert Job.objects.filter(kind="toolchain.run").count() == 5


class TestLimits:
    def test_a_limit_on_what_runs_at_once_holds_for_each_user(self, people: People) -> None:
        Limit.objects.create(kind="user", trainings=1)
        node(cpus=4)
        for target in (1, 2):
            put(people.rita, size=spec(), target=target, purpose="training")
        put(people.charlie, size=spec(), target=3, purpose="training")

        dispatch()
        assert sorted(started()) == [1, 3]
        assert Run.objects.get(target=2).waits_for == "limit"

    def test_a_limit_of_ones_own_counts_before_that_for_all(self, people: People) -> None:
        Limit.objects.create(kind="user", trainings=1)
        Limit.objects.create(namespace=people.rita, trainings=2)
        node(cpus=4)
        for target in (1, 2, 3):
            put(people.rita, size=spec(), target=target, purpose="training")

        dispatch()
        assert sorted(started()) == [1, 2]

    def test_funds_and_hours_that_are_used_up_keep_a_run_waiting(self, people: People) -> None:
        priced = spec("cpu-1-1", price=Decimal("2"))
        node(cpus=4)
        run = put(people.rita, size=priced, target=1, purpose="training")
        dispatch()
        run.refresh_from_db()
        assert (run.state, run.waits_for) == ("waiting", "funds")

        Entry.objects.create(namespace=people.rita, kind="credit", month=ledger.this_month(), amount=Decimal("5"))
        Limit.objects.create(kind="user", hours=Decimal("1"))
        Entry.objects.create(namespace=people.rita, kind="use", month=ledger.this_month(), seconds=3600, amount=0)
        dispatch()
        run.refresh_from_db()
        assert run.waits_for == "hours"


class TestStop:
    def test_a_waiting_run_is_over_at_once(self, people: People, silent: Silent) -> None:
        run = put(people.rita, size=spec(), target=7)
        stop_run(run)
        run.refresh_from_db()
        assert (run.state, run.error) == ("ended", "stopped")
        assert silent.over == [(7, "stopped")]

    def test_stopping_twice_ends_once(self, people: People, silent: Silent) -> None:
        run = put(people.rita, size=spec(), target=7)
        stop_run(run)
        stop_run(Run.objects.get(pk=run.pk))
        assert silent.over == [(7, "stopped")]

    def test_a_run_that_was_stopped_before_its_program_began_never_begins_it(self, people: People, silent: Silent) -> None:
        node()
        put(people.rita, size=spec(), target=7)
        dispatch()
        run = Run.objects.get(target=7)
        stop_run(run)
        run.refresh_from_db()
        assert run.job is not None
        Job.objects.filter(pk=run.job.pk).update(due_at=timezone.now())
        run_job(run.job.pk)
        run.refresh_from_db()
        assert (run.state, run.error) == ("ended", "stopped")


class TestLedger:
    def test_use_is_written_by_month_and_grows(self, people: People) -> None:
        run = put(people.rita, size=spec(price=Decimal("3.6")), target=1)
        end = timezone.now().replace(day=1, hour=0, minute=0, second=30, microsecond=0)
        Run.objects.filter(pk=run.pk).update(started_at=end - timedelta(seconds=90), ended_at=end)
        run.refresh_from_db()

        ledger.settle(run)
        ledger.settle(run)
        rows = Entry.objects.filter(run=run).order_by("month")
        assert [(row.seconds, row.amount) for row in rows] == [(60, Decimal("-0.06")), (30, Decimal("-0.03"))]
        assert ledger.used(people.rita)[1] == Decimal("0.03")
        assert ledger.balance(people.rita) == Decimal("-0.09")

    def test_what_never_started_costs_nothing(self, people: People) -> None:
        ledger.settle(put(people.rita, size=spec(price=Decimal("3.6")), target=1))
        assert not Entry.objects.exists()

    def test_the_price_is_that_of_the_order(self, people: People) -> None:
        run = put(people.rita, size=spec(price=Decimal("3.6")), target=1)
        run.spec.price = Decimal("100")
        run.spec.save()
        now = timezone.now()
        Run.objects.filter(pk=run.pk).update(started_at=now - timedelta(seconds=10), ended_at=now)
        run = Run.objects.select_related("spec").get(pk=run.pk)
        ledger.settle(run)
        assert sum(row.amount for row in Entry.objects.filter(run=run)) == Decimal("-0.01")


@pytest.fixture(autouse=True)
def no_machine() -> Iterator[None]:
    Node.objects.all().delete()
    yield

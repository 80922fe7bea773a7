"""Steps as rows: begun once, taken over, begun again, passed over, forgotten."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import AuditEvent
from core.problems import Conflict, Forbidden
from inspection import registry
from inspection.models import FileReport, Inspection, SheetObject
from inspection.registry import Again, Step
from inspection.services import inspect, inspect_again, keep_bytes, keep_reports, keep_sheet, reports
from inspection.tasks import trim
from jobs.models import Job
from jobs.services import BACKGROUND, run
from repos import upkeep
from repos.models import LargeObject, Repository
from repos.tests.conftest import opened

pytestmark = pytest.mark.django_db


def begin(repository: Repository, commit: str) -> Inspection:
    (found,) = inspect(repository=repository, commit=commit, kind="model")
    return found


def run_due() -> None:
    for pk in Job.objects.due().filter(kind="inspection.read").values_list("pk", flat=True):
        run(pk)


def fresh(inspection: Inspection) -> Inspection:
    return Inspection.objects.select_related("job", "repository").get(pk=inspection.pk)


def test_result_names_its_commit_and_version(repository: Repository, put: Any, counting: Any) -> None:
    sha = put(a=b"12345")
    row = begin(repository, sha)
    assert (fresh(row).state, row.job.priority) == ("waiting", BACKGROUND)
    run_due()
    row = fresh(row)
    assert (row.state, row.commit, row.version) == ("done", sha, 1)
    assert row.result == {"files": {"README.md": 7, "a": 5}}


def test_beginning_twice_is_one_job_and_a_result_stays(repository: Repository, put: Any, counting: Any) -> None:
    sha = put(a=b"1")
    assert begin(repository, sha).job_id == begin(repository, sha).job_id
    run_due()
    begin(repository, sha)
    run_due()
    assert counting.turns == 1


def test_newer_rules_read_again(repository: Repository, put: Any, counting: Any) -> None:
    sha = put(a=b"1")
    begin(repository, sha)
    run_due()
    registry.register(Step("counting", "Counting", 2, counting.read))  # type: ignore[arg-type]
    row = begin(repository, sha)
    run_due()
    assert (counting.turns, fresh(row).version) == (2, 2)


def test_commit_that_nothing_leads_to_is_passed_over(repository: Repository, put: Any, counting: Any) -> None:
    old = begin(repository, put(a=b"1"))
    new = begin(repository, put(a=b"22"))
    run_due()
    assert (fresh(old).state, fresh(new).state, counting.turns) == ("superseded", "done", 1)
    assert fresh(new).result["files"]["a"] == 2


def test_listeners_hear_of_the_result_in_its_transaction(repository: Repository, put: Any, counting: Any) -> None:
    heard = []
    registry.when_read("counting", lambda row: heard.append(row.result["files"]["a"]))
    begin(repository, put(a=b"333"))
    run_due()
    assert heard == [3]


def test_lost_worker_is_followed_by_another(repository: Repository, put: Any, counting: Any) -> None:
    row = begin(repository, put(a=b"1"))

    def lose(task: Any) -> None:
        Job.objects.filter(pk=task.job.pk).update(due_at=timezone.now() - timedelta(seconds=1))
        counting.before = lambda task: None
        run(task.job.pk)
        task.beat(1, 2)

    counting.before = lose
    run_due()
    assert (counting.turns, fresh(row).state) == (2, "done")


def test_failure_keeps_its_reason_and_begins_again_by_hand(repository: Repository, put: Any, counting: Any, alice: Any) -> None:
    row = begin(repository, put(a=b"1"))

    def fail(task: Any) -> None:
        raise ValueError("no such codec")

    counting.before = fail
    for _try in range(5):
        Job.objects.update(due_at=timezone.now())
        run_due()
    row = fresh(row)
    assert row.state == "failed"
    assert "no such codec" in row.job.error
    counting.before = lambda task: None
    opened(row.repository)
    again = inspect_again(inspection=row, actor=alice)
    assert fresh(again).state == "waiting"
    run_due()
    assert fresh(again).state == "done"
    assert AuditEvent.objects.filter(verb="inspect").count() == 1


def test_beginning_again_needs_the_right_and_waits_its_turn(repository: Repository, put: Any, counting: Any, alice: Any) -> None:
    row = fresh(begin(repository, put(a=b"1")))
    opened(row.repository, "view", "preview")
    with pytest.raises(Forbidden):
        inspect_again(inspection=row, actor=alice)
    opened(row.repository)
    with pytest.raises(Conflict):
        inspect_again(inspection=row, actor=alice)


def test_result_may_stand_until_a_later_look(repository: Repository, put: Any, counting: Any) -> None:
    row = begin(repository, put(a=b"1"))

    def wait(task: Any) -> None:
        raise Again({"files": {}}, after=timedelta(minutes=5))

    counting.before = wait
    run_due()
    row = fresh(row)
    assert (row.state, row.result, row.job.state) == ("done", {"files": {}}, "queued")
    assert timedelta(minutes=4) < row.job.due_at - timezone.now() < timedelta(minutes=6)


def test_progress_is_told_while_it_runs(repository: Repository, put: Any, counting: Any) -> None:
    row = begin(repository, put(a=b"1"))
    seen = []

    def look(task: Any) -> None:
        task.beat(3, 8)
        seen.append((fresh(row).state, fresh(row).progress))

    counting.before = look
    run_due()
    assert seen == [("running", (3, 8))]
    assert fresh(row).progress == (0, 0)


def test_reports_of_large_objects_are_shared_and_those_of_small_files_are_not(repository: Repository, alice: Any, counting: Any) -> None:
    from repos.services import create_repository

    other = create_repository(namespace=alice, actor=alice, files={})
    sha256, oid = "a" * 64, "b" * 40
    found = {(sha256, ""): ("safe", {"n": 1}), (oid, "config"): ("safe", {"n": 2})}
    keep_reports(step="counting", repository=repository, found=found)
    assert {key: row.report for key, row in reports(step="counting", repository=repository, contents=[sha256, oid]).items()} == {
        (sha256, ""): {"n": 1}, (oid, "config"): {"n": 2},
    }  # fmt: skip
    assert list(reports(step="counting", repository=other, contents=[sha256, oid])) == [(sha256, "")]


def test_report_of_older_rules_is_not_known(repository: Repository, counting: Any) -> None:
    keep_reports(step="counting", repository=repository, found={("a" * 64, ""): ("", {})})
    registry.register(Step("counting", "Counting", 2, counting.read))  # type: ignore[arg-type]
    assert reports(step="counting", repository=repository, contents=["a" * 64]) == {}


def test_objects_of_a_sheet_are_kept_while_it_is(repository: Repository, put: Any, counting: Any) -> None:
    row = begin(repository, put(a=b"1"))
    part = keep_bytes(b"parquet")
    sheet = keep_sheet(
        inspection=row, config="default", split="train", position=0, key="k", parts=[{"sha256": part.sha256, "rows": 1, "size": 7}]
    )
    LargeObject.objects.update(created_at=timezone.now() - timedelta(days=2))
    assert upkeep.quarantine_unreferenced(lambda: True) == 0
    sheet.delete()
    assert SheetObject.objects.count() == 0
    assert upkeep.quarantine_unreferenced(lambda: True) == 1


def test_trim_forgets_what_nothing_leads_to(repository: Repository, put: Any, counting: Any) -> None:
    old, kept = begin(repository, put(a=b"1")), begin(repository, put(a=b"2"))
    keep_reports(step="counting", repository=repository, found={("a" * 64, ""): ("", {})})
    Inspection.objects.update(created_at=timezone.now() - timedelta(days=8))
    FileReport.objects.update(created_at=timezone.now() - timedelta(days=8))
    trim(Job(kind="inspection.trim"))
    assert list(Inspection.objects.values_list("pk", flat=True)) == [kept.pk]
    assert old.pk != kept.pk
    assert not FileReport.objects.exists()

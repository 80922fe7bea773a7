"""The tables of a commit, read by a job: every split a sheet, and nothing read twice."""

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from inspection import isolation
from inspection.models import Inspection, Sheet, SheetObject
from inspection.services import inspect
from inspection.steps import tables
from inspection.tables.parts import table
from jobs.models import Job
from jobs.services import run
from repos.models import LargeObject, Repository
from repos.operations import PutBytes
from repos.services import commit

pytestmark = pytest.mark.django_db


@pytest.fixture
def put(repository: Repository, alice: Any) -> Callable[..., str]:
    def put(files: dict[str, bytes]) -> str:
        operations = [PutBytes(path, data) for path, data in files.items()]
        return commit(repository=repository, actor=alice, operations=operations, message="Change", branch="main").sha

    return put


@pytest.fixture
def runs(monkeypatch: Any) -> list[str]:
    """The confined functions that are called, in order; they are called."""
    called: list[str] = []
    real = isolation.run

    def counted(target: str, *args: Any, **options: Any) -> Any:
        called.append(target.rpartition(":")[2])
        return real(target, *args, **options)

    monkeypatch.setattr(isolation, "run", counted)
    return called


def read(repository: Repository, sha: str) -> Inspection:
    row = next(row for row in inspect(repository=repository, commit=sha, kind="dataset") if row.step == "tables")
    assert row.job is not None
    run(row.job.pk)
    return Inspection.objects.select_related("job").get(pk=row.pk)


def test_each_split_becomes_a_sheet(repository: Repository, put: Callable[..., str]) -> None:
    found = read(repository, put({"train.csv": b"a,b\n1,x\n2,y\n", "test.csv": b"a,b\n3,z\n"}))
    assert found.state == "done"
    assert found.result == {
        "configs": [
            {
                "name": "default", "default": True, "format": "csv", "error": "", "facts": {},
                "splits": [
                    {"name": "train", "rows": 2, "columns": 2, "sampled": False, "error": ""},
                    {"name": "test", "rows": 1, "columns": 2, "sampled": False, "error": ""},
                ],
            }
        ],
        "default_config": "default", "rows": 3, "columns": 2, "format": "csv", "sampled": False, "findings": [],
    }  # fmt: skip
    train = Sheet.objects.get(split="train")
    assert (train.position, train.source_rows, train.bad_rows, train.error) == (0, 2, 0, "")
    assert train.columns == [{"name": "a", "type": "int64", "kind": "integer"}, {"name": "b", "type": "string", "kind": "text"}]
    assert train.statistics["a"]["max"] == 2
    assert table(train).rows == 2
    assert list(SheetObject.objects.filter(sheet=train).values_list("object_id", flat=True)) == [train.parts[0]["sha256"]]


def test_an_unchanged_split_is_taken_over(repository: Repository, put: Callable[..., str], runs: list[str]) -> None:
    read(repository, put({"train.csv": b"a,b\n1,x\n", "test.csv": b"a,b\n3,z\n"}))
    assert runs == ["copy_split", "describe", "copy_split", "describe"]
    second = read(repository, put({"test.csv": b"a,b\n4,z\n5,z\n"}))
    assert runs[4:] == ["copy_split", "describe"]
    assert [(sheet.split, sheet.rows) for sheet in Sheet.objects.filter(inspection=second)] == [("train", 1), ("test", 2)]
    first, again = Sheet.objects.filter(split="train").order_by("pk")
    assert (first.parts, first.statistics) == (again.parts, again.statistics)


def test_a_split_that_cannot_be_read_leaves_the_others(repository: Repository, put: Callable[..., str]) -> None:
    found = read(repository, put({"train.parquet": b"PAR1 nothing of the kind PAR1", "test.parquet": b"no"}))
    assert found.state == "done"
    assert [(one["config"], one["split"], one["code"]) for one in found.result["findings"]] == [
        ("default", "train", "wrong_footer"),
        ("default", "test", "not_parquet"),
    ]
    assert Sheet.objects.get(split="test").facts == {"format": "parquet", "file": "test.parquet"}


def test_a_killed_turn_loses_at_most_its_split(repository: Repository, put: Callable[..., str], runs: list[str], monkeypatch: Any) -> None:
    real = tables.keep_sheet

    def killed(**facts: Any) -> Any:
        if facts["split"] == "test":
            raise SystemExit(9)
        return real(**facts)

    sha = put({"train.csv": b"a\n1\n", "test.csv": b"a\n3\n"})
    with monkeypatch.context() as patch:
        patch.setattr(tables, "keep_sheet", killed)
        with pytest.raises(SystemExit):
            read(repository, sha)
    assert runs == ["copy_split", "describe", "copy_split"]
    Job.objects.filter(kind="inspection.read").update(due_at=timezone.now())
    found = read(repository, sha)
    assert (found.state, found.result["rows"]) == ("done", 2)
    assert runs[3:] == ["copy_split", "describe"]


def test_statistics_that_were_lost_are_made_again(repository: Repository, put: Callable[..., str], runs: list[str]) -> None:
    sha = put({"train.csv": b"a\n1\n"})
    row = read(repository, sha)
    Sheet.objects.update(statistics={})
    Inspection.objects.filter(pk=row.pk).update(finished_at=None)
    read(repository, sha)
    assert runs == ["copy_split", "describe", "describe"]
    assert Sheet.objects.get().statistics["a"]["count"] == 1


def test_more_than_the_limit_is_sampled(repository: Repository, put: Callable[..., str], settings: Any) -> None:
    settings.VIEWER_LIMIT = 1 << 20
    found = read(repository, put({"train.csv": b"a,b\n" + b"1,some text\n" * 200_000}))
    assert found.result["sampled"] is True
    sheet = Sheet.objects.get()
    assert (sheet.sampled, sheet.source_rows, sheet.error) == (True, None, "")
    # A block is a megabyte, and what was read is shown.
    assert sheet.rows == 174_762


def test_configurations_come_from_the_card(repository: Repository, put: Callable[..., str]) -> None:
    card = b"---\nconfigs:\n- config_name: en\n  data_files: en/*.jsonl\n- config_name: fr\n  data_files: fr.jsonl\n  default: true\n---\n"
    found = read(repository, put({"README.md": card, "en/a.jsonl": b'{"x": 1}\n', "fr.jsonl": b'{"x": "y"}\n'}))
    assert [(config["name"], config["default"]) for config in found.result["configs"]] == [("en", False), ("fr", True)]
    assert found.result["default_config"] == "fr"
    assert {sheet.config: sheet.columns[0]["kind"] for sheet in Sheet.objects.all()} == {"en": "integer", "fr": "text"}


def test_a_card_that_contradicts_itself_is_told(repository: Repository, put: Callable[..., str]) -> None:
    card = b"---\nconfigs:\n- data_files: a.csv\n---\n"
    found = read(repository, put({"README.md": card, "a.csv": b"a\n1\n"}))
    assert (found.state, found.result["error"], found.result["configs"]) == ("done", "config_without_name", [])


def test_a_repository_without_tables_says_what_it_has(repository: Repository, put: Callable[..., str]) -> None:
    found = read(repository, put({"report.docx": b"x", "notes.docx": b"y"}))
    assert {"ending": ".docx", "files": 2} in found.result["seen"]
    assert (found.result["error"], Sheet.objects.count()) == ("no_data_files", 0)


def test_sheets_of_splits_that_are_gone_go_too(repository: Repository, put: Callable[..., str]) -> None:
    sha = put({"train.csv": b"a\n1\n"})
    row = read(repository, sha)
    Sheet.objects.create(inspection=row, config="default", split="old", position=1, key="x")
    Inspection.objects.filter(pk=row.pk).update(finished_at=None)
    read(repository, sha)
    assert [sheet.split for sheet in Sheet.objects.all()] == ["train"]


def test_parts_stay_stored_while_a_sheet_uses_them(repository: Repository, put: Callable[..., str]) -> None:
    read(repository, put({"train.csv": b"a\n1\n"}))
    part = Sheet.objects.get().parts[0]
    kept = LargeObject.objects.get(pk=part["sha256"])
    assert (kept.size, kept.state, part["rows"]) == (part["size"], "stored", 1)

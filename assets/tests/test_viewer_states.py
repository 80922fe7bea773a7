"""What the preview says while tables are read, when they cannot be, and of earlier states."""

from typing import Any

import pytest

from assets.services import create_version
from assets.tables.opening import tables_of
from assets.tables.states import state_of
from assets.tests.factories import read_for
from assets.tests.files import head, write
from assets.tests.tabled import PAGE, REST, address, csv, make_dataset, opener, read_tables
from core.testing import People, api, browser
from inspection.models import Inspection, Sheet
from jobs.models import Job
from repos.operations import Delete, PutBytes

pytestmark = pytest.mark.django_db


def inspection() -> Inspection:
    return Inspection.objects.select_related("job").filter(step="tables").latest("pk")


def test_new_dataset_waits_and_the_page_asks_until_it_is_read(people: People) -> None:
    make_dataset(people, {"train.csv": csv(3)}, read=False)
    opened = opener(browser())
    page = opened()
    assert "The tables wait to be read." in page
    assert f'hx-get="{PAGE}/preview/reading"' in page and 'hx-trigger="every 2s"' in page
    waiting = browser().get(address("/preview/reading"), HTTP_HX_REQUEST="true")
    assert "HX-Refresh" not in waiting
    read_tables()
    over = browser().get(address("/preview/reading"), HTTP_HX_REQUEST="true")
    assert over["HX-Refresh"] == "true"
    assert b"hx-trigger" not in over.content
    assert "Rows 1–3 of 3" in opened()


def test_progress_is_told(people: People) -> None:
    make_dataset(people, {"train.csv": csv(3)})
    row = inspection()
    Inspection.objects.filter(pk=row.pk).update(finished_at=None)
    Sheet.objects.all().delete()
    Job.objects.filter(pk=row.job_id).update(state=Job.State.RUNNING, result={"progress": [3, 4]})
    page = opener(browser())()
    assert "The tables are being read." in page and "75% are read." in page
    assert api().get(f"{REST}/tables").json()["progress"] == {"done": 3, "of": 4}


def test_earlier_tables_stay_while_the_newest_commit_is_read(people: People) -> None:
    asset = make_dataset(people, {"train.csv": csv(3)})
    first = head(asset)
    write(asset, people.alice, [PutBytes("train.csv", csv(5))], "Add two rows")
    page = opener(browser())()
    assert "Rows 1–3 of 3" in page
    assert f"These are the tables of commit {first[:7]}, the last one that was read." in page
    found = api().get(f"{REST}/tables").json()
    assert (found["state"], found["tables_revision"], found["revision"]) == ("waiting", first, head(asset))
    read_tables()
    assert "Rows 1–5 of 5" in opener(browser())()


def test_tagged_state_is_shown_by_its_name_and_other_old_ones_say_so(people: People) -> None:
    asset = make_dataset(people, {"train.csv": csv(3)})
    first = head(asset)
    create_version(asset=asset, actor=people.alice, name="refs/tags/v1", revision=first)
    write(asset, people.alice, [PutBytes("train.csv", csv(5))])
    read_tables()
    opened = opener(browser())
    page = opened(revision="v1")
    assert "Rows 1–3 of 3" in page
    assert 'name="revision" value="v1"' in page
    row = opened("/preview/row", row=3, revision="v1")
    assert "revision=v1" in row
    Inspection.objects.filter(commit=first).delete()
    assert "This state was not read" in opened(revision="v1")
    opened(revision="nothing", status=404)


def fail(error: str) -> None:
    row = inspection()
    Inspection.objects.filter(pk=row.pk).update(finished_at=None)
    Sheet.objects.filter(inspection=row).delete()
    Job.objects.filter(pk=row.job_id).update(state=Job.State.FAILED, error=error)


def test_failure_has_its_reason_and_a_button_for_those_who_may_upload(people: People) -> None:
    make_dataset(people, {"train.csv": csv(3)})
    fail("The object storage does not answer.")
    for viewer, offered in ((None, False), (people.rita, False), (people.bob, True)):
        page = opener(browser(viewer))()
        assert "The tables could not be read" in page and "The object storage does not answer." in page
        assert ("Read again" in page) is offered
    assert browser(people.bob).post(address("/preview/again"))["Location"] == address()
    assert "The tables wait to be read." in opener(browser())()
    read_tables()
    assert "Rows 1–3 of 3" in opener(browser())()


def test_pressing_twice_reads_once(people: People) -> None:
    make_dataset(people, {"train.csv": csv(3)})
    fail("x")
    bob = browser(people.bob)
    assert [bob.post(address("/preview/again")).status_code for _press in range(2)] == [302, 302]
    assert Job.objects.active().filter(dedupe_key=f"inspection:{inspection().pk}").count() == 1


def test_files_that_are_no_tables_are_named(people: People) -> None:
    make_dataset(people, {"paper.docx": b"PK", "talk.docx": b"PK"})
    page = opener(browser())()
    assert "No tables were found" in page
    assert "Understood are CSV, TSV, JSON" in page
    assert "2 × .docx" in page
    found = api().get(f"{REST}/tables").json()
    assert (found["state"], found["configs"], found["tables_revision"]) == ("none", [], None)
    assert api().get(f"{REST}/tables/rows").json()["code"] == "no_tables"
    assert "There are no tables to ask" in opener(browser())("/sql")


def test_format_that_is_only_recognised_is_no_table(people: People) -> None:
    make_dataset(people, {"paper.pdf": b"%PDF-1.7"})
    page = opener(browser())()
    assert "No tables were found" in page
    assert "recognised, but their contents are not read" in page


def test_split_that_fails_does_not_hide_the_others(people: People) -> None:
    make_dataset(people, {"train.csv": b"\x00\x01\x02\xff" * 400, "test.csv": csv(3)})
    opened = opener(browser())
    found = api().get(f"{REST}/tables").json()
    failed = {split["name"]: split["error"] for config in found["configs"] for split in config["splits"]}
    assert failed["test"] is None and failed["train"]["code"]
    page = opened()
    assert "Rows 1–3 of 3" in page
    assert "train (not read)" in page
    assert "This split could not be read" in opened(split="train")


def test_damaged_split_says_which_file_and_why(people: People) -> None:
    make_dataset(people, {"train.parquet": b"PAR1 nothing of use PAR1"})
    page = opener(browser())()
    assert "This split could not be read" in page
    assert "train.parquet: " in page
    assert "train (not read)" in page


def test_sample_says_how_much_it_is(people: People) -> None:
    make_dataset(people, {"train.csv": csv(3)})
    Sheet.objects.update(sampled=True, source_rows=9000)
    assert "The first 3 of 9,000 rows are shown." in opener(browser())()
    Sheet.objects.update(source_rows=None)
    assert "The first 3 rows are shown." in opener(browser())()


def test_copy_that_was_lost_is_said_and_can_be_read_again(people: People) -> None:
    make_dataset(people, {"train.csv": csv(3)})
    Sheet.objects.update(parts=[{"sha256": "0" * 64, "rows": 3, "size": 10}])
    page = opener(browser())(status=503)
    assert "The prepared copy of this table cannot be read." in page


def test_dataset_without_data_any_more_shows_none(people: People) -> None:
    asset = make_dataset(people, {"train.csv": csv(3)})
    write(asset, people.alice, [Delete("train.csv")], "Remove")
    read_tables()
    assert "No tables were found" in opener(browser())()


def test_states_have_words(people: People) -> None:
    asset: Any = make_dataset(people, {"train.csv": csv(3)})
    assert state_of(tables_of(read_for(people.alice, asset))).code == "ready"

"""Copies in the store: a folder of this machine, and S3 with a folder that keeps what was fetched."""

import threading

import pytest

from inspection.files import Unreadable
from inspection.models import Sheet
from inspection.tables import parts, query, rows
from inspection.tests.copies import copy, integer, text
from repos.services.objects import keep_bytes
from repos.tests.test_stores import s3_server  # noqa: F401  (a fixture)

pytestmark = pytest.mark.django_db


def stored(folder):
    """Return a sheet of 30 rows in three stored parts, not saved: what reads it wants its columns and parts only."""
    made = copy(folder, [integer("id", range(30)), text("t", [f"text {i}" for i in range(30)])], part=10)
    sheet = Sheet(config="default", split="train", position=0, rows=30, columns=list(made.columns))
    for part in made.parts:
        with part.open() as file:
            data = file.read()
        sheet.parts.append({"sha256": keep_bytes(data).pk, "rows": part.rows, "size": len(data)})
    return sheet


@pytest.fixture
def bucket(settings, tmp_path, s3_server):  # noqa: F811
    settings.BLOB_STORE = f"s3://tables?endpoint={s3_server}"
    settings.AWS_ACCESS_KEY_ID = settings.AWS_SECRET_ACCESS_KEY = "key"
    settings.DATA_DIR = tmp_path / "data"
    from repos.blobs import store

    store().client.create_bucket(Bucket="tables")
    return store()


def kept(settings):
    return sorted(path.name for path in (settings.DATA_DIR / "tables").iterdir())


def test_copy_in_a_folder_is_read_where_it_stands(settings, tmp_path):
    settings.BLOB_STORE = f"file:{tmp_path / 'blobs'}"
    settings.DATA_DIR = tmp_path / "data"
    table = parts.table(stored(tmp_path / "made"))
    assert table.rows == 30
    assert rows.page(table, offset=9, limit=2).cells == [[9, "text 9"], [10, "text 10"]]
    assert not (tmp_path / "data").exists()


def test_lost_copy_is_told(settings, tmp_path):
    settings.BLOB_STORE = f"file:{tmp_path / 'blobs'}"
    sheet = stored(tmp_path / "made")
    for path in (tmp_path / "blobs").rglob("*-*"):
        path.unlink()
    with pytest.raises(Unreadable) as caught:
        rows.page(parts.table(sheet))
    assert caught.value.code == "copy_missing"
    sheet.parts[0]["sha256"] = "0" * 64
    with pytest.raises(Unreadable) as caught:
        rows.page(parts.table(sheet))
    assert caught.value.code == "copy_missing"


def test_only_parts_that_are_needed_are_fetched_and_only_once(settings, tmp_path, bucket):
    sheet = stored(tmp_path / "made")
    table = parts.table(sheet)
    assert rows.page(table, offset=12, limit=1).cells == [[12, "text 12"]]
    assert kept(settings) == [sheet.parts[1]["sha256"]]
    bucket.client.delete_object(
        Bucket="tables", Key=next(iter(key["Key"] for key in bucket.client.list_objects_v2(Bucket="tables")["Contents"]))
    )
    assert rows.page(table, offset=12, limit=1).cells == [[12, "text 12"]]


def test_search_reads_fetched_parts(settings, tmp_path, bucket):
    assert query.select(parts.table(stored(tmp_path / "made")), search="TEXT 2").numbers == [2, *range(20, 30)]
    assert len(kept(settings)) == 3


def test_longest_unused_parts_leave_first(settings, tmp_path, bucket):
    sheet = stored(tmp_path / "made")
    table = parts.table(sheet)
    settings.TABLE_CACHE_SIZE = sum(part["size"] for part in sheet.parts[:2]) + 10
    for offset in (0, 10, 0, 20):
        rows.page(table, offset=offset, limit=1)
    assert kept(settings) == sorted([sheet.parts[0]["sha256"], sheet.parts[2]["sha256"]])


def test_part_larger_than_the_folder_may_be_is_read_all_the_same(settings, tmp_path, bucket):
    settings.TABLE_CACHE_SIZE = 1
    table = parts.table(stored(tmp_path / "made"))
    assert [rows.page(table, offset=offset, limit=1).cells[0][0] for offset in (0, 10, 20)] == [0, 10, 20]
    assert kept(settings) == []


def test_content_that_is_not_what_its_name_says_is_not_kept(settings, tmp_path, bucket):
    sheet = stored(tmp_path / "made")
    for found in bucket.client.list_objects_v2(Bucket="tables")["Contents"]:
        bucket.client.put_object(Bucket="tables", Key=found["Key"], Body=b"PAR1")
    with pytest.raises(Unreadable) as caught:
        rows.page(parts.table(sheet))
    assert caught.value.code == "copy_missing"
    assert kept(settings) == []


def test_many_fetch_the_same_part_at_once(settings, tmp_path, bucket):
    table = parts.table(stored(tmp_path / "made"))
    found = []
    threads = [threading.Thread(target=lambda: found.append(rows.page(table, limit=1).cells)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [[[0, "text 0"]]] * 8
    assert len(kept(settings)) == 1

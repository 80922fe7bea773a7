import os
import threading
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.db import connections

from assets.tests.factories import read_for
from core.problems import Conflict, Forbidden, TooLarge
from jobs.models import Job
from repos.models import Commit, LargeObject, Upload
from repos.reading import find, resolve
from toolchain.materials import Superseded, collect, materialise, survey, surveyed
from toolchain.tests.materials import MATERIALS, WEIGHTS, blob, contents, head_of, killed, model_of, sha

pytestmark = pytest.mark.django_db
LOCAL = str(Path(MATERIALS).parents[1] / "repos")
RESULT = {"config.json": b"{}", "model.safetensors": WEIGHTS, "logs/1.txt": b"one"}


@pytest.fixture
def output(tmp_path: Path, settings: Any) -> Path:
    settings.BLOB_STORE = f"file:{tmp_path / 'blobs'}"
    return fill(tmp_path / "run" / "output", RESULT)


def fill(folder: Path, files: dict[str, bytes]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    return folder


def committed(asset: Any, folder: Path) -> dict[str, bytes]:
    """Return the files at the head of a model."""
    return contents(materialise(head_of(asset), folder).path)


def test_a_folder_becomes_one_commit(alice: Any, output: Path, tmp_path: Path) -> None:
    asset = model_of(alice, {})
    made = collect(survey(output), asset=asset, actor=alice, message="Result of training-1-1", key="training-1-1")
    assert made.message == "Result of training-1-1\n\nRun: training-1-1"
    assert (made.author, resolve(asset.open_repository()).commit, made.generation) == (alice, made, 2)
    assert committed(asset, tmp_path / "inputs") == RESULT
    assert not Upload.objects.exists()


def test_large_files_go_into_the_store_without_being_copied(alice: Any, output: Path, tmp_path: Path) -> None:
    written = (output / "model.safetensors").stat()
    collect(survey(output), asset=model_of(alice, {}), actor=alice, message="Result", key="training-1-1")
    stored = blob(tmp_path / "blobs", WEIGHTS)
    assert (stored.stat().st_ino, stored.stat().st_mode & 0o777, stored.stat().st_uid) == (written.st_ino, 0o444, os.geteuid())
    assert list((tmp_path / "blobs" / "incoming").iterdir()) == []


def test_a_file_that_somebody_may_still_write_to_is_copied(alice: Any, output: Path, tmp_path: Path) -> None:
    found = survey(output)
    with open(output / "model.safetensors", "r+b") as writer:
        collect(found, asset=model_of(alice, {}), actor=alice, message="Result", key="training-1-1")
        writer.write(b"hostile")
        writer.flush()
        assert blob(tmp_path / "blobs", WEIGHTS).read_bytes() == WEIGHTS


def test_content_that_is_stored_already_is_kept_once(alice: Any, output: Path, tmp_path: Path) -> None:
    model_of(alice, {"model.safetensors": WEIGHTS})
    before = blob(tmp_path / "blobs", WEIGHTS)
    asset = model_of(alice, {})
    collect(survey(output), asset=asset, actor=alice, message="Result", key="training-1-1")
    assert blob(tmp_path / "blobs", WEIGHTS) == before
    assert Job.objects.filter(kind="repos.delete_bytes").count() == 1
    assert committed(asset, tmp_path / "inputs") == RESULT


def test_the_same_attempt_again_is_the_same_commit(alice: Any, output: Path) -> None:
    asset = model_of(alice, {})
    first = collect(surveyed(output), asset=asset, actor=alice, message="Result", key="training-1-1")
    assert collect(surveyed(output), asset=asset, actor=alice, message="Other words", key="training-1-1") == first
    (output / "more.txt").write_text("more")
    second = collect(survey(output), asset=asset, actor=alice, message="Result", key="training-1-10")
    assert second.parents == [first.sha]
    assert Commit.objects.filter(repository=asset.repository).count() == 3


def test_many_small_files_do_not_fill_the_memory(alice: Any, output: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("toolchain.materials.collecting.SMALL_BYTES", 100)
    files = {f"{number}.txt": b"%d" % number * 40 for number in range(5)}
    asset = model_of(alice, {})
    collect(survey(fill(output, files)), asset=asset, actor=alice, message="Result", key="training-1-1")
    revision = head_of(asset)
    assert [find(revision, f"{number}.txt").is_large for number in range(5)].count(True) == 3
    assert committed(asset, tmp_path / "inputs") == RESULT | files


def test_a_full_quota_is_said_before_anything_is_taken(alice: Any, output: Path, settings: Any) -> None:
    asset = model_of(alice, {})
    settings.NAMESPACE_QUOTA = len(WEIGHTS)
    with pytest.raises(TooLarge) as caught:
        collect(survey(output), asset=asset, actor=alice, message="Result", key="training-1-1")
    assert caught.value.code == "quota_exceeded"
    assert not LargeObject.objects.exists()
    assert not Upload.objects.exists()


def test_an_output_that_is_too_large_makes_no_commit(alice: Any, output: Path) -> None:
    asset = model_of(alice, {})
    with pytest.raises(TooLarge) as caught:
        collect(survey(output, most_bytes=100), asset=asset, actor=alice, message="Result", key="training-1-1")
    assert caught.value.code == "output_too_large"
    assert Commit.objects.filter(repository=asset.repository).count() == 1


def test_a_file_that_changed_makes_no_commit(alice: Any, output: Path) -> None:
    asset, found = model_of(alice, {}), survey(output)
    (output / "model.safetensors").write_bytes(b"other")
    with pytest.raises(Conflict) as caught:
        collect(found, asset=asset, actor=alice, message="Result", key="training-1-1")
    assert caught.value.code == "output_changed"


def test_only_who_may_commit_can_keep_an_output(alice: Any, bob: Any, output: Path) -> None:
    asset = model_of(alice, {})
    asset.role, asset.verbs = 20, None
    with pytest.raises(Forbidden):
        collect(survey(output), asset=asset, actor=bob, message="Result", key="training-1-1")
    assert Commit.objects.filter(repository=asset.repository).count() == 1


def test_it_stops_where_the_work_was_given_to_somebody_else(alice: Any, output: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asset = model_of(alice, {})
    monkeypatch.setattr("toolchain.materials.pace.BEAT_SECONDS", 0.0)
    with pytest.raises(Superseded):
        collect(survey(output), asset=asset, actor=alice, message="Result", key="training-1-1", beat=lambda: False)
    assert Commit.objects.filter(repository=asset.repository).count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_at_once_make_one_commit(alice: Any, output: Path, tmp_path: Path) -> None:
    asset, found = model_of(alice, {}), surveyed(output)
    made: list[str] = []

    def work() -> None:
        try:
            made.append(collect(found, asset=read_for(alice, asset), actor=alice, message="Result", key="training-1-1").sha)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert (len(made), len(set(made))) == (3, 1)
    assert Commit.objects.filter(repository=asset.repository).count() == 2
    assert committed(asset, tmp_path / "inputs") == RESULT


@pytest.mark.django_db(transaction=True)
def test_killed_at_any_line_the_next_call_makes_the_commit(alice: Any, output: Path, tmp_path: Path) -> None:
    line, died = 5, 0
    while True:
        asset, folder = model_of(alice, {}), fill(tmp_path / str(line) / "output", RESULT | {"own.bin": b"%d" % line})

        def work(asset: Any = asset, folder: Path = folder) -> Commit:
            return collect(surveyed(folder), asset=asset, actor=alice, message="Result", key="training-1-1")

        if not killed(partial(work), line, MATERIALS, f"{LOCAL}/services", f"{LOCAL}/backends"):
            break
        died += 1
        work()
        assert Commit.objects.filter(repository=asset.repository).count() == 2
        assert committed(asset, tmp_path / "inputs") == RESULT | {"own.bin": b"%d" % line}
        assert sha(blob(tmp_path / "blobs", WEIGHTS).read_bytes()) == sha(WEIGHTS)
        line += 71
    assert died > 10

import os
import stat
import threading
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.db import connections
from dulwich.objects import Blob

from core.problems import Forbidden, Missing, Problem
from repos.models import Commit, GitObject, LargeObject, LargeReference
from repos.models.git import FILE_MODE
from repos.objects import Objects
from repos.reading import resolve
from repos.services.commits import locked_head, write_commit
from repos.trees import TreeEditor
from toolchain.materials import Superseded, materialise, place_of
from toolchain.materials.inputs import Place
from toolchain.tests.materials import FILES, MATERIALS, WEIGHTS, blob, contents, head_of, killed, model_of, sha

pytestmark = pytest.mark.django_db


@pytest.fixture
def folder(tmp_path: Path, settings: Any) -> Path:
    settings.BLOB_STORE = f"file:{tmp_path / 'blobs'}"
    return tmp_path / "inputs"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_run_sees_its_inputs_where_scripts_expect_them() -> None:
    assert place_of("model", "ur12345/gpt2") == "/home/ma-user/.cache/gallery/model/ur12345--gpt2"
    assert place_of("dataset", "ur12345/data_demo") == "/home/ma-user/.cache/gallery/dataset/ur12345--data_demo"


def test_every_file_of_the_commit_stands_there_read_only(alice: Any, folder: Path) -> None:
    asset = model_of(alice, {**FILES, "run.sh": b"#!/bin/sh\n"})
    umask = os.umask(0o077)
    try:
        made = materialise(head_of(asset), folder)
    finally:
        os.umask(umask)
    assert made.path == folder / str(asset.repository_id) / head_of(asset).commit.sha
    assert contents(made.path) == {**FILES, "run.sh": b"#!/bin/sh\n"}
    assert {mode(path) for path in made.path.rglob("*") if path.is_file()} == {0o444, 0o555}
    assert {mode(path) for path in [made.path, *made.path.rglob("*")] if path.is_dir()} == {0o555}
    assert (mode(made.path / "run.sh"), mode(folder), mode(made.path.parent)) == (0o555, 0o711, 0o711)
    # PNG and safetensors are large objects, the rest of it git keeps itself.
    assert (made.files, made.linked, made.copied) == (len(FILES) + 3, 4, 6)
    assert made.bytes == sum(path.stat().st_size for path in made.path.rglob("*") if path.is_file())


def test_large_files_are_the_very_files_of_the_store(alice: Any, folder: Path, tmp_path: Path) -> None:
    made = materialise(head_of(model_of(alice)), folder)
    stored = blob(tmp_path / "blobs", WEIGHTS)
    assert (made.path / "model.safetensors").stat().st_ino == stored.stat().st_ino
    assert (made.path / "train/cat/1.png").stat().st_ino == (made.path / "train/dog/1.png").stat().st_ino
    assert mode(stored) == 0o444


def test_asking_again_makes_nothing_again(alice: Any, folder: Path) -> None:
    revision = head_of(model_of(alice))
    first = materialise(revision, folder)
    made_at = (first.path / "config.json").stat().st_mtime_ns
    assert materialise(revision, folder) == first
    assert (first.path / "config.json").stat().st_mtime_ns == made_at


def test_an_older_commit_has_its_own_files(alice: Any, folder: Path) -> None:
    asset = model_of(alice)
    made = materialise(resolve(asset.open_repository(), head_of(asset).commit.parents[0]), folder)
    assert contents(made.path) == {}
    assert (made.path / "README.md").exists()


def test_only_who_may_download_gets_the_files(alice: Any, folder: Path) -> None:
    revision = head_of(model_of(alice))
    revision.repository.allowed = frozenset({"view", "preview"})
    with pytest.raises(Forbidden):
        materialise(revision, folder)
    assert not folder.exists()


def commit_raw(asset: Any, actor: Any, entries: dict[str, tuple[int, bytes]]) -> None:
    """Commit entries of any mode and name, as a push may bring them."""
    from django.db import transaction

    repository = asset.open_repository()
    objects = Objects(repository)
    with transaction.atomic():
        ref, head = locked_head(repository, "main", None)
        editor = TreeEditor(objects, head.tree)
        for path, (kind, data) in entries.items():
            oid = Blob.from_string(data).id.decode() if kind == 0o160000 else objects.add_blob(data)
            editor.put(path, (kind, oid))
        write_commit(repository=repository, ref=ref, head=head, objects=objects, tree=editor.write(), actor=actor, message="raw")


def test_symbolic_links_become_files_and_submodules_nothing(alice: Any, folder: Path) -> None:
    asset = model_of(alice, {"a.txt": b"a"})
    commit_raw(asset, alice, {"link": (0o120000, b"/etc/passwd"), "module": (0o160000, b"other repository")})
    made = materialise(head_of(asset), folder)
    assert contents(made.path) == {"a.txt": b"a", "link": b"/etc/passwd"}
    assert not (made.path / "link").is_symlink()


def test_names_that_lead_elsewhere_are_refused(alice: Any, folder: Path) -> None:
    asset = model_of(alice, {"a.txt": b"a"})
    commit_raw(asset, alice, {"sub/evil\\name": (FILE_MODE, b"x")})
    with pytest.raises(Problem) as caught:
        materialise(head_of(asset), folder)
    assert caught.value.code == "path_backslash"
    assert not Place(folder, asset.repository_id, head_of(asset).commit.sha).path.exists()


def test_a_pointer_that_somebody_typed_opens_nothing(alice: Any, folder: Path) -> None:
    asset = model_of(alice)
    LargeReference.objects.filter(repository=asset.repository, object=sha(WEIGHTS)).delete()
    with pytest.raises(Missing) as caught:
        materialise(head_of(asset), folder)
    assert caught.value.code == "object_not_found"


def test_content_that_is_gone_or_damaged_is_said_so(alice: Any, folder: Path, tmp_path: Path) -> None:
    revision = head_of(model_of(alice))
    stored = blob(tmp_path / "blobs", WEIGHTS)

    def code() -> str:
        with pytest.raises(Problem) as caught:
            materialise(revision, folder)
        return caught.value.code

    hidden = stored.rename(tmp_path / "hidden")
    assert code() == "content_missing"
    stored.write_bytes(WEIGHTS[:-1])
    assert code() == "content_damaged"
    stored.unlink()
    hidden.rename(stored)
    LargeObject.objects.filter(pk=sha(WEIGHTS)).update(damaged_at=revision.commit.committed_at)
    assert code() == "content_damaged"
    LargeObject.objects.update(damaged_at=None)
    assert contents(materialise(revision, folder).path) == FILES


def test_a_full_disk_is_a_readable_problem(alice: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    revision = head_of(model_of(alice))
    monkeypatch.setattr("toolchain.materials.objects.SPARE_SPACE", 1 << 60)
    with pytest.raises(Problem) as caught:
        materialise(revision, folder)
    assert (caught.value.code, caught.value.status) == ("inputs_full", 507)


def test_it_stops_where_the_work_was_given_to_somebody_else(alice: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    revision = head_of(model_of(alice))
    monkeypatch.setattr("toolchain.materials.pace.BEAT_SECONDS", 0.0)
    with pytest.raises(Superseded):
        materialise(revision, folder, lambda: False)
    beats: list[bool] = []
    made = materialise(revision, folder, lambda: beats.append(True) or True)
    assert contents(made.path) == FILES
    assert beats


@pytest.mark.django_db(transaction=True)
def test_of_several_at_once_one_does_the_work(alice: Any, folder: Path) -> None:
    asset = model_of(alice, {f"f{number}.txt": b"%d" % number for number in range(300)})
    revision = head_of(asset)
    found: list[Any] = []

    def work() -> None:
        try:
            found.append((materialise(revision, folder), time.monotonic()))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len({made for made, _at in found}) == 1
    assert len(found) == 4
    assert len(contents(found[0][0].path)) == 300
    assert [path.name for path in found[0][0].path.parent.iterdir()] == [revision.commit.sha]


@pytest.mark.django_db(transaction=True)
def test_killed_at_any_line_the_next_call_completes_it(alice: Any, folder: Path) -> None:
    revision = head_of(model_of(alice))
    line, died = 1, 0
    while killed(partial(materialise, revision, folder / str(line)), line, MATERIALS):
        died += 1
        place = Place(folder / str(line), revision.repository.pk, revision.commit.sha)
        if place.path.exists():
            assert contents(place.path) == FILES
        made = materialise(revision, folder / str(line))
        assert contents(made.path) == FILES
        assert (made.files, made.linked, made.copied) == (9, 4, 5)
        assert [path.name for path in made.path.parent.iterdir()] == [revision.commit.sha]
        line += 23
    assert died > 10


def test_bytes_of_another_file_system_are_copied_once_and_shared(alice: Any, folder: Path, settings: Any) -> None:
    if not os.path.isdir("/dev/shm") or os.stat("/dev/shm").st_dev == os.stat(folder.parent).st_dev:
        pytest.skip("needs a second file system")
    import shutil
    import tempfile

    other = Path(tempfile.mkdtemp(dir="/dev/shm"))
    try:
        settings.BLOB_STORE = f"file:{other}"
        made = materialise(head_of(model_of(alice)), folder)
        kept = folder / ".objects" / sha(WEIGHTS)[:2] / sha(WEIGHTS)
        assert contents(made.path) == FILES
        assert kept.stat().st_ino == (made.path / "model.safetensors").stat().st_ino
        assert mode(kept) == 0o444
        assert list((folder / ".objects" / "spare").iterdir()) == []
    finally:
        shutil.rmtree(other)


def test_git_objects_that_are_missing_are_said_so(alice: Any, folder: Path) -> None:
    asset = model_of(alice)
    revision = head_of(asset)
    GitObject.objects.filter(repository=asset.repository, sha=Blob.from_string(FILES["config.json"]).id.decode()).delete()
    with pytest.raises(Problem) as caught:
        materialise(revision, folder)
    assert caught.value.code == "content_damaged"
    assert Commit.objects.filter(repository=asset.repository).count() == 2

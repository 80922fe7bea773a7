"""Files of this machine that become uploads."""

import hashlib
import os
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from core.problems import Problem
from core.testing import count_queries
from repos.blobs import store
from repos.models import LargeObject, Repository, Upload
from repos.operations import PutUpload
from repos.reading import find, read_all, resolve
from repos.services import commit, take_contents, take_file
from repos.services.local import PIECE
from repos.tests.conftest import opened

pytestmark = pytest.mark.django_db
ID = UUID(int=1)
DATA = bytes(range(256)) * 8192


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "output" / "weights.bin"
    path.parent.mkdir()
    path.write_bytes(DATA)
    return path


def take(repository: Repository, actor: Any, source: Path, **options: Any) -> Upload:
    with open(source, "rb") as file:
        given: dict[str, Any] = {"path": "weights.bin", "id": ID, **options}
        return take_file(repository=repository, actor=actor, descriptor=file.fileno(), **given)


def test_a_file_is_hashed_and_taken_under_another_name(repository: Repository, alice: Any, weights: Path) -> None:
    upload = take(repository, alice, weights)
    assert (upload.state, upload.object_sha256, upload.size) == ("finished", hashlib.sha256(DATA).hexdigest(), len(DATA))
    stored = store().local_path(LargeObject.objects.get(pk=upload.object_sha256).location)
    assert stored is not None and os.path.samefile(stored, weights)
    commit(repository=repository, actor=alice, operations=[PutUpload("weights.bin", upload.pk)], message="add")
    assert read_all(find(resolve(repository), "weights.bin")) == DATA


def test_the_same_id_again_is_the_same_upload(repository: Repository, alice: Any, weights: Path) -> None:
    first = take(repository, alice, weights)
    again = take(repository, alice, weights)
    assert (again.pk, again.object_sha256, Upload.objects.count(), LargeObject.objects.count()) == (ID, first.object_sha256, 1, 1)


def test_it_stops_with_the_beat_and_goes_on_later(repository: Repository, alice: Any, tmp_path: Path) -> None:
    path = tmp_path / "large.bin"
    with open(path, "wb") as file:
        file.truncate(65 * PIECE)
    assert take(repository, alice, path, beat=lambda: False).state == "open"
    assert take(repository, alice, path, beat=lambda: True).state == "finished"


def test_a_file_of_another_file_system_is_copied(repository: Repository, alice: Any, weights: Path, tmp_path: Path) -> None:
    other = Path("/dev/shm")
    if not other.is_dir() or other.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("needs a second file system")
    path = other / f"gallery-test-{os.getpid()}.bin"
    path.write_bytes(DATA)
    try:
        upload = take(repository, alice, path)
    finally:
        path.unlink()
    assert b"".join(store().open(LargeObject.objects.get(pk=upload.object_sha256).location)) == DATA


def test_an_empty_file_is_taken_too(repository: Repository, alice: Any, tmp_path: Path) -> None:
    (tmp_path / "empty.bin").touch()
    assert take(repository, alice, tmp_path / "empty.bin").object_sha256 == hashlib.sha256(b"").hexdigest()


def test_limits_and_rights_are_asked_first(repository: Repository, alice: Any, weights: Path, settings: Any) -> None:
    def code(**options: Any) -> str:
        with pytest.raises(Problem) as caught:
            take(repository, alice, weights, **options)
        return caught.value.code

    settings.NAMESPACE_QUOTA = 100
    assert code() == "quota_exceeded"
    settings.MAX_FILE_SIZE = 100
    assert code() == "file_too_large"
    assert code(path="../x") == "path_dots"
    opened(repository, "view", "download")
    assert code() == "not_permitted"
    assert not Upload.objects.exists()
    assert not LargeObject.objects.exists()


def test_many_small_contents_are_taken_at_once(repository: Repository, alice: Any) -> None:
    contents = {UUID(int=number): (f"{number}.png", b"%d" % (number % 3)) for number in range(1, 11)}
    uploads = take_contents(repository=repository, actor=alice, contents=contents)
    assert {upload.state for upload in uploads.values()} == {"finished"}
    assert LargeObject.objects.count() == 3
    operations = [PutUpload(path, uploads[id].pk) for id, (path, _data) in contents.items()]
    commit(repository=repository, actor=alice, operations=operations, message="add")
    assert [read_all(find(resolve(repository), path)) for path, _data in contents.values()] == [data for _path, data in contents.values()]


def test_contents_cost_as_many_queries_whatever_their_number(repository: Repository, alice: Any) -> None:
    def taken(first: int, count: int) -> int:
        contents = {UUID(int=number): (f"{number}.png", b"%d" % number) for number in range(first, first + count)}
        return count_queries(lambda: take_contents(repository=repository, actor=alice, contents=contents))

    assert taken(1, 2) == taken(10, 50)


def test_content_in_quarantine_comes_back(repository: Repository, alice: Any) -> None:
    contents = {ID: ("1.png", b"one")}
    [first] = take_contents(repository=repository, actor=alice, contents=contents).values()
    first.delete()
    assert LargeObject.objects.get().quarantine()
    again = take_contents(repository=repository, actor=alice, contents=contents)
    assert take_contents(repository=repository, actor=alice, contents=contents) == again
    assert LargeObject.objects.get().state == "stored"

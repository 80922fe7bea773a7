import os
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from assets.services import delete_asset
from toolchain.materials import holders, materialise, release, trim, usage
from toolchain.materials.inputs import Place
from toolchain.tests.materials import WEIGHTS, blob, head_of, model_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def folder(tmp_path: Path, settings: Any) -> Path:
    settings.BLOB_STORE = f"file:{tmp_path / 'blobs'}"
    return tmp_path / "inputs"


def used(folder: Path, revision: Any, hours: float) -> None:
    """Pretend that an input was last asked for so many hours ago."""
    place = Place(folder, revision.repository.pk, revision.commit.sha)
    os.utime(place.note, (time.time() - hours * 3600,) * 2)


def three(alice: Any, folder: Path) -> list[Any]:
    """Return three revisions whose inputs were last used three, two and one hours ago."""
    found = [head_of(model_of(alice, {"a.txt": b"x" * 1000})) for _ in range(3)]
    for hours, revision in zip((3, 2, 1), found, strict=True):
        materialise(revision, folder)
        used(folder, revision, hours)
    return found


def standing(folder: Path, revisions: list[Any]) -> list[bool]:
    return [Place(folder, revision.repository.pk, revision.commit.sha).path.exists() for revision in revisions]


def test_least_recently_used_inputs_go_first(alice: Any, folder: Path) -> None:
    revisions = three(alice, folder)
    whole = usage(folder)
    assert trim(folder, whole) == 0
    assert trim(folder, whole - 1) == whole // 3
    assert standing(folder, revisions) == [False, True, True]
    assert trim(folder, 0) == whole - whole // 3
    assert sorted(path.name for path in folder.iterdir()) == [".kept", ".objects"]
    assert list((folder / ".kept").iterdir()) == []


def test_what_a_run_holds_stays(alice: Any, folder: Path) -> None:
    revisions = three(alice, folder)
    materialise(revisions[0], folder, holder="training-1-1")
    materialise(revisions[0], folder, holder="training-2-1")
    assert holders(folder) == {"training-1-1", "training-2-1"}
    trim(folder, 0)
    assert standing(folder, revisions) == [True, False, False]
    release(folder, "training-1-1")
    release(folder, "training-1-1")
    trim(folder, 0)
    assert standing(folder, revisions) == [True, False, False]
    release(folder, "training-2-1")
    trim(folder, 0)
    assert standing(folder, revisions) == [False, False, False]


def test_what_nobody_used_for_long_goes_whatever_its_size(alice: Any, folder: Path) -> None:
    revisions = three(alice, folder)
    trim(folder, 1 << 40, unused=timedelta(hours=1.5))
    assert standing(folder, revisions) == [False, False, True]


def test_inputs_of_deleted_repositories_go(alice: Any, folder: Path) -> None:
    asset = model_of(alice)
    made = materialise(head_of(asset), folder)
    delete_asset(asset=asset, actor=alice)
    trim(folder, 1 << 40)
    assert not made.path.exists()


def test_removing_an_input_leaves_the_store_as_it_is(alice: Any, folder: Path, tmp_path: Path) -> None:
    materialise(head_of(model_of(alice)), folder)
    trim(folder, 0)
    stored = blob(tmp_path / "blobs", WEIGHTS)
    assert stored.read_bytes() == WEIGHTS
    assert (stored.stat().st_nlink, stored.stat().st_mode & 0o777) == (1, 0o444)


def test_what_a_crash_left_goes_after_a_day(alice: Any, folder: Path) -> None:
    revision = head_of(model_of(alice))
    place = Place(folder, revision.repository.pk, revision.commit.sha)
    place.partial.mkdir(parents=True)
    (place.partial / "half.txt").write_text("half")
    gone = place.path.with_name(".gone-1")
    gone.mkdir()
    (folder / ".kept").mkdir()
    trim(folder, 0)
    assert (place.partial.exists(), gone.exists()) == (True, False)
    os.utime(place.partial, (time.time() - 90_000,) * 2)
    trim(folder, 0)
    assert not place.partial.exists()


def test_objects_that_no_input_shows_go_when_space_is_needed(alice: Any, folder: Path, settings: Any) -> None:
    materialise(head_of(model_of(alice)), folder)
    idle = folder / ".objects" / "ab" / "abcd"
    idle.parent.mkdir()
    idle.write_bytes(b"x" * 5000)
    before = usage(folder)
    assert trim(folder, before) == 0
    assert trim(folder, 100) == before
    assert not idle.exists()


def test_an_empty_folder_has_nothing_to_trim(db: None, folder: Path) -> None:
    assert (trim(folder, 0), usage(folder), holders(folder)) == (0, 0, set())

"""How much inputs take, and giving up those that nobody needs."""

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

from repos.models import Repository
from toolchain.materials.inputs import Place
from toolchain.materials.linking import remove_tree
from toolchain.materials.pace import Beat, Pace, claimed

ABANDONED = timedelta(days=1)
_GONE = ".gone-"


def release(folder: Path, holder: str) -> None:
    """Let go of everything that was held for `holder`; it stays until it is trimmed."""
    shutil.rmtree(folder / ".held" / holder, ignore_errors=True)


def holders(folder: Path) -> set[str]:
    """Return the keys that hold inputs."""
    try:
        return set(os.listdir(folder / ".held"))
    except FileNotFoundError:
        return set()


def usage(folder: Path) -> int:
    """Return the bytes of all inputs, and of the objects kept for them.

    What is linked counts in full: once the store gives it up, the link alone keeps it on the disk.
    """
    return sum(size for _used, size, _place in _inputs(folder)) + sum(size for _used, size, _path in _idle_objects(folder))


def trim(folder: Path, keep_bytes: int, *, unused: timedelta | None = None, beat: Beat | None = None) -> int:
    """Remove inputs that nobody holds, least recently used first, until at most `keep_bytes` are left; return how many bytes went.

    Those of repositories that are no more go in any case, and so do those not asked for during `unused`. What somebody holds stays.
    """
    pace, before, now = Pace(beat), usage(folder), time.time()
    left = before
    found = sorted(_inputs(folder), key=lambda row: row[0])
    ids = {place.repository for _used, _size, place in found}
    alive = set(Repository.objects.filter(pk__in=ids, deleted_at=None).values_list("pk", flat=True))
    for used, size, place in found:
        stale = unused is not None and used < now - unused.total_seconds()
        if (left > keep_bytes or stale or place.repository not in alive) and _remove(place):
            left -= size
        pace.tick()
    for repository in _repositories(folder):
        _tidy(repository, now)
    left = usage(folder)
    for _used, size, path in sorted(_idle_objects(folder)):
        if left > keep_bytes:
            # Somebody who linked it in between has it all the same.
            path.unlink(missing_ok=True)
            left -= size
        pace.tick()
    return before - left


def _remove(place: Place) -> bool:
    """Remove an input unless somebody holds it or works on it."""
    try:
        with claimed(place.lock, None):
            if _held(place):
                return False
            gone = place.path.with_name(f"{_GONE}{uuid4().hex}")
            with suppress(FileNotFoundError):
                os.rename(place.path, gone)
            place.note.unlink(missing_ok=True)
            place.lock.unlink(missing_ok=True)
    except BlockingIOError:
        return False
    if gone.exists():
        remove_tree(gone)
    return True


def _held(place: Place) -> bool:
    return any((place.folder / ".held" / holder / place.name).exists() for holder in holders(place.folder))


def _inputs(folder: Path) -> Iterator[tuple[float, int, Place]]:
    """Yield every complete input: when it was last asked for, its bytes, its place."""
    for note in (folder / ".kept").glob("*.json"):
        place = Place.of(folder, note.stem)
        with suppress(FileNotFoundError):
            yield note.stat().st_mtime, place.material().bytes, place


def _idle_objects(folder: Path) -> Iterator[tuple[float, int, Path]]:
    """Yield the kept objects that no input shows: when they were last used, their bytes, their files."""
    for path in (folder / ".objects").glob("??/*"):
        with suppress(FileNotFoundError):
            facts = path.stat()
            if facts.st_nlink == 1:
                yield facts.st_mtime, facts.st_size, path


def _repositories(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.name.isdecimal()] if folder.exists() else []


def _tidy(repository: Path, now: float) -> None:
    """Remove what crashes left beside the inputs of a repository, and its folder where nothing is left."""
    for path in repository.iterdir():
        forsaken = path.name.startswith(".") and path.stat().st_mtime < now - ABANDONED.total_seconds()
        if path.name.startswith(_GONE):
            remove_tree(path)
        elif forsaken:
            place = Place(repository.parent, int(repository.name), path.name.removeprefix("."))
            with suppress(BlockingIOError), claimed(place.lock, None):
                remove_tree(path)
    with suppress(OSError):
        repository.rmdir()

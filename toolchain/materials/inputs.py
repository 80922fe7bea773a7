"""Inputs: the files of a commit as a read-only folder that runs are shown.

    <folder>/<repository>/<commit>/            the files, complete
    <folder>/<repository>/.<commit>            the same on its way
    <folder>/.kept/<repository>-<commit>.json  what it holds; its time says when it was last asked for
    <folder>/.held/<holder>/<repository>-<commit>
    <folder>/.objects/                         large objects of a store on another machine or file system

Large objects are hard links, so that a model of 50 GB costs nothing; nothing is ever written through one.
"""

import ctypes
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Self

from django.utils.translation import gettext as _

from core.permissions import require
from core.problems import Missing
from repos.models import GitObject, LargeObject, LargeReference, Repository
from repos.models.git import EXECUTABLE_MODE
from repos.paths import ancestors, checked
from repos.reading import Item, Revision, walk
from toolchain.materials.linking import READ_ONLY
from toolchain.materials.objects import Objects, check_space, damaged, full, is_full, write_all
from toolchain.materials.pace import Beat, Pace, claimed

BATCH_FILES = 1000
BATCH_BYTES = 32 << 20
SUBMODULE = 0o160000
SEALED, PASSABLE = 0o555, 0o711


@dataclass(frozen=True)
class Material:
    """A folder with the `files` of a commit, which hold `bytes` together. `linked` of them share their bytes, `copied` do not."""

    path: Path
    files: int = 0
    bytes: int = 0
    linked: int = 0
    copied: int = 0


@dataclass
class _Tally:
    files: int = 0
    bytes: int = 0
    linked: int = 0
    copied: int = 0

    def add(self, size: int, *, shared: bool) -> None:
        self.files += 1
        self.bytes += size
        self.linked += shared
        self.copied += not shared


@dataclass(frozen=True)
class Place:
    """Where the input made of one commit stands, and what is kept about it."""

    folder: Path
    repository: int
    commit: str
    path: Path = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", self.folder / str(self.repository) / self.commit)

    @classmethod
    def of(cls, folder: Path, name: str) -> Self:
        """Return the place with this `name`."""
        repository, _dash, commit = name.partition("-")
        return cls(folder, int(repository), commit)

    @property
    def name(self) -> str:
        return f"{self.repository}-{self.commit}"

    @property
    def partial(self) -> Path:
        return self.path.with_name(f".{self.commit}")

    @property
    def note(self) -> Path:
        return self.folder / ".kept" / f"{self.name}.json"

    @property
    def lock(self) -> Path:
        return self.folder / ".kept" / f"{self.name}.lock"

    def hold(self, holder: str) -> None:
        """Keep it until `holder` is released."""
        mark = self.folder / ".held" / holder / self.name
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.touch()

    def material(self) -> Material:
        """Return what stands there; raises `FileNotFoundError` where nothing does."""
        return Material(self.path, **json.loads(self.note.read_text()))


def materialise(revision: Revision, folder: Path, beat: Beat | None = None, *, holder: str = "") -> Material:
    """Return the files of a commit as a read-only folder below `folder`: what stands there already, or made now.

    The repository was read for whoever the run belongs to, who must be allowed to download from it. With `holder` (the key of a run)
    the input stays until `release`. `beat` is called every few seconds; where it answers False this raises `Superseded`. What a crash
    interrupts is gone on with by the next call, and of several calls at once one does the work. Raises `Problem`: `not_permitted`,
    `object_not_found`, `content_missing`, `content_damaged`, `inputs_full` and those of `repos.paths.checked`.
    """
    require(revision.repository, "download")
    place = Place(folder, revision.repository.pk, revision.commit.sha)
    place.note.parent.mkdir(parents=True, exist_ok=True)
    if holder:
        place.hold(holder)
    pace = Pace(beat)
    with claimed(place.lock, pace):
        if not (place.path.is_dir() and place.note.is_file()):
            try:
                _make(revision, place, pace)
            except OSError as error:
                if is_full(error):
                    raise full() from error
                raise
        os.utime(place.note)
        return place.material()


def _make(revision: Revision, place: Place, pace: Pace) -> None:
    """Build the folder beside its place and move it there last."""
    if not place.path.is_dir():
        objects, tally = Objects(place.folder / ".objects"), _Tally()
        folders = {""}
        place.partial.mkdir(parents=True, exist_ok=True)
        # A sandbox under an account of its own passes through here, whatever the umask.
        for above in (place.folder, place.path.parent):
            os.chmod(above, PASSABLE)
        for batch in _batches(_files_of(revision)):
            _make_folders(place.partial, (item.path for item in batch), folders)
            _put_small(revision.repository, place.partial, [item for item in batch if not item.is_large], tally, pace)
            _put_large(revision.repository, place.partial, [item for item in batch if item.is_large], objects, tally, pace)
        _write_note(place.note, tally)
        for path in sorted(folders, reverse=True):
            os.chmod(place.partial / path, SEALED)
        _flush(place.partial)
        os.rename(place.partial, place.path)
    elif not place.note.is_file():
        _write_note(place.note, _counted(place.path))


def _files_of(revision: Revision) -> Iterator[Item]:
    """Yield the files of a commit. A symbolic link is a file that holds its target; a submodule holds nothing."""
    for item in walk(revision, indexed=False):
        if item.mode != SUBMODULE:
            checked(item.path)
            yield item


def _batches(items: Iterable[Item]) -> Iterator[list[Item]]:
    """Yield items in groups small enough to hold their contents in memory."""
    batch: list[Item] = []
    size = 0
    for item in items:
        weight = 0 if item.is_large else item.size
        if batch and (len(batch) == BATCH_FILES or size + weight > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(item)
        size += weight
    if batch:
        yield batch


def _make_folders(root: Path, paths: Iterable[str], made: set[str]) -> None:
    for path in paths:
        for folder in ancestors(path):
            if folder not in made:
                (root / folder).mkdir(mode=0o755, exist_ok=True)
                made.add(folder)


def _put_small(repository: Repository, root: Path, items: list[Item], tally: _Tally, pace: Pace) -> None:
    """Write the files that git holds itself; one that a crash left with its full size is whole."""
    missing: dict[str, list[Item]] = {}
    for item in items:
        tally.add(item.size, shared=False)
        if _size_of(root / item.path) != item.size:
            missing.setdefault(item.oid, []).append(item)
    if not missing:
        return
    check_space(root, sum(item.size for same in missing.values() for item in same))
    rows = GitObject.objects.filter(repository=repository, sha__in=list(missing), kind=GitObject.Kind.BLOB)
    for sha, data in rows.values_list("sha", "data"):
        for item in missing.pop(sha):
            _write(root / item.path, data, SEALED if item.mode == EXECUTABLE_MODE else READ_ONLY)
        pace.tick()
    if missing:
        raise damaged(next(iter(missing.values()))[0].path)


def _write(path: Path, data: bytes | memoryview, mode: int) -> None:
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        os.fchmod(descriptor, mode)
        write_all(descriptor, data)
    finally:
        os.close(descriptor)


def _put_large(repository: Repository, root: Path, items: list[Item], objects: Objects, tally: _Tally, pace: Pace) -> None:
    wanted = {item.sha256 for item in items}
    rows: dict[str, LargeObject] = {}
    if wanted:
        references = LargeReference.objects.filter(repository=repository, object__in=wanted).select_related("object")
        rows = {reference.object_id: reference.object for reference in references}
    for item in items:
        row = rows.get(item.sha256)
        if row is None:
            sentence = _("The content of “%(name)s” has not been uploaded.") % {"name": item.path}
            raise Missing("object_not_found", sentence, extra={"sha256": item.sha256})
        if row.size != item.size:
            raise damaged(item.path)
        target = root / item.path
        # A link or a rename puts it there whole, so what is there is right.
        shared = target.stat().st_nlink > 1 if _size_of(target) == item.size else objects.give(row, target, pace)
        tally.add(item.size, shared=shared)
        pace.tick()


def _size_of(path: Path) -> int | None:
    try:
        return path.lstat().st_size
    except FileNotFoundError:
        return None


def _counted(root: Path) -> _Tally:
    tally = _Tally()
    for folder, _folders, names in os.walk(root):
        for name in names:
            facts = os.lstat(os.path.join(folder, name))
            tally.add(facts.st_size, shared=facts.st_nlink > 1)
    return tally


def _write_note(path: Path, tally: _Tally) -> None:
    partial = path.with_suffix(".part")
    partial.write_text(json.dumps(asdict(tally)))
    os.rename(partial, path)


def _flush(folder: Path) -> None:
    """Have the file system of `folder` write everything down: the name that follows must not outlive what it stands for."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        ctypes.CDLL(None, use_errno=True).syncfs(descriptor)
    finally:
        os.close(descriptor)

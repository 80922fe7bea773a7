"""Large objects on this machine: those of a store elsewhere are fetched once, verified, and shared by all inputs."""

import errno
import hashlib
import os
import shutil
from pathlib import Path

from django.utils.translation import gettext as _

from core.problems import Problem
from jobs.services import JobError
from repos.backends.base import StoreError
from repos.blobs import store, store_problem
from repos.models import LargeObject
from toolchain.materials.linking import READ_ONLY, link, reflink
from toolchain.materials.pace import Pace, claimed

SPARE_SPACE = 256 << 20
PIECE = 1 << 20


class Objects:
    """The folder in which a machine, or all machines over a network file system, keeps objects that cannot be linked from the store.

    An object stands at `<aa>/<sha256>`; `<sha256>.part` is one that is being fetched, and is gone on with after a crash.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.spare = folder / "spare"
        self.spare.mkdir(parents=True, exist_ok=True)

    def give(self, row: LargeObject, target: Path, pace: Pace) -> bool:
        """Put the content of an object at `target`, which does not exist; say whether its bytes are shared with others there.

        Raises `Problem` (`content_missing`, `content_damaged`, `inputs_full`), and `JobError` where another try can help.
        """
        if row.damaged_at:
            raise damaged(row.sha256)
        source = store().local_path(row.location)
        try:
            shared = source is not None and (link(source, target) or reflink(source, target, self.spare))
        except FileNotFoundError as error:
            if source is not None and source.exists():
                raise
            raise store_problem(StoreError("blob_missing", retry=False)) from error
        if not shared:
            kept = self.keep(row, pace)
            shared = link(kept, target) or reflink(kept, target, self.spare)
            if not shared:
                self._copy(kept, target, row, pace)
        if target.stat().st_size != row.size:
            target.unlink()
            raise damaged(row.sha256)
        return shared

    def keep(self, row: LargeObject, pace: Pace) -> Path:
        """Return the file with an object's bytes in this folder, fetched from the store and verified where it is not there yet."""
        path = self.folder / row.sha256[:2] / row.sha256
        path.parent.mkdir(exist_ok=True)
        part = path.with_name(f"{path.name}.part")
        while not path.is_file():
            with claimed(part, pace) as descriptor:
                if path.is_file():
                    part.unlink()
                    break
                self._fetch(row, descriptor, pace)
                os.fchmod(descriptor, READ_ONLY)
                os.fsync(descriptor)
                os.rename(part, path)
        os.utime(path)
        return path

    def _fetch(self, row: LargeObject, descriptor: int, pace: Pace) -> None:
        """Bring the open file from what it holds to the whole object. What is there already is hashed too, not believed."""
        digest, have = hashlib.sha256(), 0
        while have < row.size and (piece := os.read(descriptor, PIECE)):
            digest.update(piece)
            have += len(piece)
            pace.tick()
        os.ftruncate(descriptor, have)
        check_space(self.folder, row.size - have)
        try:
            for piece in store().open(row.location, have) if have < row.size else ():
                write_all(descriptor, piece)
                digest.update(piece)
                have += len(piece)
                pace.tick()
        except StoreError as error:
            if error.retry:
                raise JobError(error.code, retry=True) from error
            raise store_problem(error) from error
        if have < row.size:
            raise JobError("store_unreachable", retry=True)
        if digest.hexdigest() != row.sha256:
            os.ftruncate(descriptor, 0)
            raise damaged(row.sha256)

    def _copy(self, source: Path, target: Path, row: LargeObject, pace: Pace) -> None:
        check_space(self.folder, row.size)
        partial, digest = self.spare / f"{os.getpid()}-{row.sha256}", hashlib.sha256()
        partial.unlink(missing_ok=True)
        with open(source, "rb") as origin, open(partial, "wb") as file:
            while piece := origin.read(PIECE):
                file.write(piece)
                digest.update(piece)
                pace.tick()
            os.fchmod(file.fileno(), READ_ONLY)
        if digest.hexdigest() != row.sha256:
            partial.unlink()
            raise damaged(row.sha256)
        os.rename(partial, target)


def write_all(descriptor: int, data: bytes | memoryview) -> None:
    """Write all of `data` to an open file."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def check_space(folder: Path, size: int) -> None:
    """Raise `Problem` (`inputs_full`) where the disk of `folder` cannot take `size` bytes more."""
    if shutil.disk_usage(folder).free < size + SPARE_SPACE:
        raise full()


def is_full(error: OSError) -> bool:
    """Whether a disk or its quota is used up."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT)


def full() -> Problem:
    """Return the refusal of files for which this machine has no space."""
    sentence = _("The machine has no space for the files of this run. Try again later, or ask an administrator to add space.")
    return Problem("inputs_full", sentence, status=507)


def damaged(name: str) -> Problem:
    """Return the refusal of content that is not what it was when it was stored."""
    sentence = _("The stored content of “%(name)s” is damaged. Tell an administrator.") % {"name": name}
    return Problem("content_damaged", sentence, status=503)

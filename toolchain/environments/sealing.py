"""What is done to an environment between its build and its first use: nobody may write, everybody may read."""

import filecmp
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

# Smaller files are not worth the look.
WORTH_JOINING = 16 << 10
READ, EXECUTE, WRITE_TOO = 0o444, 0o555, 0o755


def seal(folder: Path, others: Iterable[Path] = ()) -> int:
    """Make everything in `folder` read-only, and return the bytes on disk that it alone takes.

    Files that one of the folders `others` has as well become hard links to those.
    """
    others = [other for other in others if other != folder]
    size = 0
    for path, status in _files(folder):
        os.chmod(path, EXECUTE if status.st_mode & 0o111 else READ)
        if not (status.st_size >= WORTH_JOINING and _join(path, folder, others)):
            size += status.st_blocks * 512
    for path, _folders, _names in os.walk(folder, topdown=False):
        os.chmod(path, EXECUTE)
    return size


def open_folder(path: str | Path) -> None:
    """Let a folder's entries be removed again; a symbolic link is left alone."""
    if not os.path.islink(path):
        os.chmod(path, WRITE_TOO)


def _files(folder: Path) -> Iterator[tuple[str, os.stat_result]]:
    """Yield the plain files below `folder` as they are now; whatever is neither plain nor a link or folder is removed."""
    for path, _folders, names in os.walk(folder):
        for name in names:
            file = os.path.join(path, name)
            status = os.lstat(file)
            if stat.S_ISREG(status.st_mode):
                yield file, status
            elif not stat.S_ISLNK(status.st_mode):
                os.unlink(file)


def _join(path: str, folder: Path, others: Iterable[Path]) -> bool:
    for other in others:
        same = other / os.path.relpath(path, folder)
        if same.is_file() and not same.is_symlink() and filecmp.cmp(path, same, shallow=False):
            os.link(same, f"{path}.joined")
            os.replace(f"{path}.joined", path)
            return True
    return False

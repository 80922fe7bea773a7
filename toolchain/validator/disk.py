"""A folder on disk as the files that the validator takes."""

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from inspection.files import File, Unreadable

MOST_FILES = 100_000
MOST_LEVELS = 64
SKIPPED = frozenset({".git"})


@dataclass
class Listed:
    """The files below a folder by their path seen from there; reading one opens it for each range.

    `refused` says of some why they cannot be read: `symbolic_link`, `not_a_file` or `not_permitted`. Links are never followed.
    """

    files: list[File] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)


def files_of(folder: Path) -> Listed:
    """Return what is below `folder`, in order.

    Raises `Unreadable` (`too_many_files`, `too_many_levels`) for a folder beyond any model, and `OSError` where it is none.
    """
    found = Listed()
    _walk(folder, "", found, 0)
    found.files.sort(key=lambda file: file.path)
    return found


def _walk(folder: Path, prefix: str, found: Listed, depth: int) -> None:
    if depth > MOST_LEVELS:
        raise Unreadable("too_many_levels", limit=MOST_LEVELS)
    with os.scandir(folder) as entries:
        for entry in entries:
            path = prefix + os.fsencode(entry.name).decode(errors="replace")
            if len(found.files) >= MOST_FILES:
                raise Unreadable("too_many_files", limit=MOST_FILES)
            if entry.is_dir(follow_symlinks=False):
                if entry.name not in SKIPPED:
                    _walk(folder / entry.name, f"{path}/", found, depth + 1)
            else:
                plain = entry.is_file(follow_symlinks=False)
                # What is refused counts as one byte: it is there, and not empty.
                found.files.append(File(path, entry.stat(follow_symlinks=False).st_size if plain else 1, _reading(folder / entry.name)))
                if not plain:
                    found.refused[path] = "symbolic_link" if entry.is_symlink() else "not_a_file"
                elif not os.access(folder / entry.name, os.R_OK):
                    found.refused[path] = "not_permitted"


def _reading(path: Path) -> Callable[[int, int], bytes]:
    def read(start: int, end: int) -> bytes:
        try:
            # Between listing and reading a file may have become a link or a pipe.
            number = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            with os.fdopen(number, "rb") as stream:
                if not stat.S_ISREG(os.fstat(number).st_mode):
                    raise Unreadable("not_a_file")
                stream.seek(start)
                return stream.read(end - start)
        except OSError as error:
            raise Unreadable("not_permitted") from error

    return read

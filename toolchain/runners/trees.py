"""Walking, measuring, handing over and removing folders that hostile code may have filled, and may be changing meanwhile.

No link is ever followed and no path is ever built: every step goes from a descriptor to a name in it. Trees may be deeper than a
path can say, folders may be closed to us, and anything may vanish between two steps.
"""

import os
import stat
from collections.abc import Generator, Iterator
from contextlib import suppress
from dataclasses import dataclass, field

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Folders down to here are held open, so that code which moves them about cannot lead the walk astray.
_HELD = 64
# Every name costs its file system something, also where the file is empty.
_LEAST = 4096
MAX_NAMES = 1_000_000


@dataclass
class _Level:
    identity: tuple[int, int]
    waiting: list[str] = field(default_factory=list)
    entered: str = ""
    descriptor: int = -1


def open_below(base: str, relative: str, flags: int) -> int:
    """Return a descriptor of `relative` below the folder `base` (of `base` itself where it is ""), following no link on the way.

    Raises OSError, also for names that lead upwards.
    """
    names = [name for name in relative.split("/") if name not in ("", ".")]
    if ".." in names:
        raise PermissionError(f"“{relative}” leads out of its folder.")
    if not names:
        return os.open(base, flags | os.O_NOFOLLOW | os.O_CLOEXEC)
    here = os.open(base, _FOLDER)
    try:
        for name in names[:-1]:
            below = os.open(name, _FOLDER, dir_fd=here)
            os.close(here)
            here = below
        return os.open(names[-1], flags | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=here)
    finally:
        os.close(here)


def entries(top: str, *, unlock: bool = False) -> Iterator[tuple[int, str, os.stat_result]]:
    """Yield what lies below the folder `top`: a descriptor of its folder, its name, its `lstat`; folders after what they hold.

    With `unlock`, folders of ours that are closed to us are opened (their mode changes). What cannot be entered is yielded all the same.
    """
    try:
        here = os.open(top, _FOLDER) if not unlock else _enter(None, top)
    except OSError:
        return
    levels: list[_Level] = []
    try:
        level = yield from _listed(here)
        while True:
            if level.waiting:
                name = level.waiting.pop()
                try:
                    below = _enter(here, name) if unlock else os.open(name, _FOLDER, dir_fd=here)
                except OSError:
                    yield from _named(here, name)
                    continue
                level.entered = name
                level.descriptor = here if len(levels) < _HELD else -1
                if level.descriptor < 0:
                    os.close(here)
                levels.append(level)
                here = below
                level = yield from _listed(here)
            elif levels:
                here, level = _up(here, levels)
                yield from _named(here, level.entered)
            else:
                return
    finally:
        for each in levels:
            if each.descriptor >= 0:
                os.close(each.descriptor)
        os.close(here)


def _listed(here: int) -> Generator[tuple[int, str, os.stat_result], None, _Level]:
    """Yield what is not a folder, and return the level with the folders still to enter."""
    found = os.fstat(here)
    level = _Level((found.st_dev, found.st_ino))
    with suppress(OSError), os.scandir(here) as listing:
        for entry in listing:
            try:
                status = entry.stat(follow_symlinks=False)
            except OSError:
                continue
            if stat.S_ISDIR(status.st_mode):
                level.waiting.append(entry.name)
            else:
                yield here, entry.name, status
    return level


def _named(here: int, name: str) -> Iterator[tuple[int, str, os.stat_result]]:
    with suppress(OSError):
        yield here, name, os.stat(name, dir_fd=here, follow_symlinks=False)


def _up(here: int, levels: list[_Level]) -> tuple[int, _Level]:
    """Return to the folder above; where somebody moved folders meanwhile, to the nearest one that is still held."""
    level = levels.pop()
    if level.descriptor >= 0:
        os.close(here)
        above, level.descriptor = level.descriptor, -1
        return above, level
    with suppress(OSError):
        above = os.open("..", _FOLDER, dir_fd=here)
        found = os.fstat(above)
        if (found.st_dev, found.st_ino) == level.identity:
            os.close(here)
            return above, level
        os.close(above)
    while level.descriptor < 0:
        level = levels.pop()
    os.close(here)
    above, level.descriptor, level.entered = level.descriptor, -1, ""
    return above, level


def _enter(parent: int | None, name: str) -> int:
    """Open a folder, after giving ourselves the right to where it is ours and closed. The way through O_PATH changes no link's target."""
    with suppress(PermissionError):
        here = os.open(name, _FOLDER, dir_fd=parent)
        if os.geteuid() == 0 or stat.S_IMODE(os.fstat(here).st_mode) & 0o700 == 0o700:
            return here
        os.close(here)
    handle = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
    try:
        found = os.fstat(handle)
        if not stat.S_ISDIR(found.st_mode):
            raise NotADirectoryError(name)
        if found.st_uid == os.geteuid():
            os.chmod(f"/proc/self/fd/{handle}", stat.S_IMODE(found.st_mode) | 0o700)
    finally:
        os.close(handle)
    return os.open(name, _FOLDER, dir_fd=parent)


def measure(paths: list[str], enough: int) -> int:
    """Return the bytes that files and folders at `paths` take on disk, each name at least 4 KiB, hard links once.

    Stops at more than `enough`, which `MAX_NAMES` names count as too: no listing may cost the supervisor all its memory.
    """
    used = names = 0
    seen: set[tuple[int, int]] = set()
    for path in paths:
        try:
            used += _size(os.lstat(path))
        except OSError:
            continue
        for _folder, _name, status in entries(path, unlock=True):
            names += 1
            if names > MAX_NAMES:
                return max(used, enough + 1)
            if status.st_nlink > 1 and not stat.S_ISDIR(status.st_mode):
                identity = (status.st_dev, status.st_ino)
                if identity in seen:
                    continue
                seen.add(identity)
            used += _size(status)
            if used > enough:
                return used
    return used


def _size(status: os.stat_result) -> int:
    return max(status.st_blocks * 512, _LEAST)


def hand_over(path: str, old: int, new: int) -> None:
    """Make what belongs to the user id `old` at and below `path` belong to `new`, its group too.

    Files with more than one name stay as they are when they are handed to a run: the other name may be one of the gallery's own.
    """
    ours = new == os.geteuid()
    for folder, name, status in entries(path):
        if status.st_uid == old and (ours or stat.S_ISDIR(status.st_mode) or status.st_nlink == 1):
            with suppress(OSError):
                os.chown(name, new, new, dir_fd=folder, follow_symlinks=False)
    with suppress(OSError):
        if os.lstat(path).st_uid == old:
            os.chown(path, new, new, follow_symlinks=False)


def remove(path: str) -> None:
    """Remove a folder with all that is in it, or a file. Raises OSError where something stays; what is gone already is fine."""
    try:
        if not stat.S_ISDIR(os.lstat(path).st_mode):
            os.unlink(path)
            return
    except FileNotFoundError:
        return
    for folder, name, status in entries(path, unlock=True):
        with suppress(FileNotFoundError):
            if stat.S_ISDIR(status.st_mode):
                os.rmdir(name, dir_fd=folder)
            else:
                os.unlink(name, dir_fd=folder)
    with suppress(FileNotFoundError):
        os.rmdir(path)

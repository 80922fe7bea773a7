"""Outputs: what a program left in its folder, read as the work of an enemy."""

import json
import os
import stat
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core.problems import Conflict, Problem, TooLarge
from repos.paths import checked, collision_key

MAX_DEPTH = 64
MAX_REFUSED = 1000
FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Without O_NONBLOCK a pipe that took a file's place would keep us waiting for ever.
FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC

REASONS: dict[str, str | Promise] = {
    "symlink": gettext_lazy("a symbolic link"),
    "hard_link": gettext_lazy("a hard link to a file outside the output folder"),
    "device": gettext_lazy("a device"),
    "socket": gettext_lazy("a socket"),
    "fifo": gettext_lazy("a pipe"),
    "unreadable": gettext_lazy("not readable"),
    "too_deep": gettext_lazy("too many folders inside each other"),
    "path_collision": gettext_lazy("the same name as another one on some systems"),
    "path_absolute": gettext_lazy("a name that cannot stand in a repository"),
    "path_backslash": gettext_lazy("a name with a backslash"),
    "path_control_character": gettext_lazy("a name with an invisible control character"),
    "path_dots": gettext_lazy("a name that cannot stand in a repository"),
    "path_git": gettext_lazy("a name that Git keeps for itself"),
    "path_too_long": gettext_lazy("a name that is too long"),
    "path_not_unicode": gettext_lazy("a name that is not valid Unicode"),
    "path_trailing": gettext_lazy("a name that begins or ends with a space, or ends with a dot"),
    "checkpoint": gettext_lazy("a checkpoint; the final model is there"),
    "reserved": gettext_lazy("a name that the gallery keeps for itself"),
}


@dataclass(frozen=True)
class Found:
    """A regular file: its path below the folder, its bytes, and what tells whether it is still the same (`modified` in ns)."""

    path: str
    size: int
    device: int
    inode: int
    modified: int


@dataclass(frozen=True)
class Refusal:
    """Something that is left out, and why: `code` is one of `REASONS`. `path` is fit to be shown."""

    path: str
    code: str

    @property
    def reason(self) -> str:
        """Why, in the reader's language."""
        return str(REASONS.get(self.code, self.code))


@dataclass(frozen=True)
class Survey:
    """What stands in an output folder: the files that may be kept, and what is left out (`refused` names the first ones).

    With `over` set the folder is too large as a whole, the rest was not looked at, and nothing of it can be kept.
    """

    folder: Path
    files: tuple[Found, ...]
    refused: tuple[Refusal, ...] = ()
    refusals: int = 0
    over: str = ""
    limit: int = 0

    @property
    def bytes(self) -> int:
        return sum(file.size for file in self.files)

    def check(self) -> None:
        """Raise `TooLarge` (`output_too_many_files`, `output_folder_too_full`, `output_too_large`) where nothing can be kept."""
        sentences = {
            "output_too_many_files": _("The output has more than %(limit)d files. Pack small files into archives."),
            "output_folder_too_full": _("A folder of the output has more than %(limit)d entries. Use sub-folders."),
            "output_too_large": _("The output has more than %(limit)d bytes. Write less, or choose a spec with more space."),
        }
        if self.over:
            raise TooLarge(self.over, sentences[self.over] % {"limit": self.limit}, extra={"limit": self.limit})


def survey(folder: Path, *, most_bytes: int | None = None, most_files: int | None = None) -> Survey:
    """Return what stands in `folder`, in the order of paths. Follows no link, opens no file, and takes time only up to the limits.

    The limits are those of a repository unless others are given; `most_bytes` counts apparent sizes, so a file full of holes counts in full.
    """
    look = _Look(
        settings.MAX_FILE_SIZE if most_bytes is None else most_bytes, settings.MAX_FILES if most_files is None else most_files
    )  # fmt: skip
    descriptor = os.open(folder, FOLDER)
    try:
        look.into(descriptor, "", 0)
    except _Over as over:
        return Survey(folder, (), tuple(look.refused), look.refusals, over.code, over.limit)
    finally:
        os.close(descriptor)
    return Survey(folder, tuple(look.inside()), tuple(look.refused), look.refusals)


def surveyed(folder: Path, *, most_bytes: int | None = None, most_files: int | None = None) -> Survey:
    """Return the survey of a folder whose program is over, made once and kept beside it.

    Taking files in gives them further names, which a second survey would have to refuse.
    """
    record = folder.with_name(f"{folder.name}.survey.json")
    try:
        kept = json.loads(record.read_text())
    except FileNotFoundError:
        made = survey(folder, most_bytes=most_bytes, most_files=most_files)
        partial = record.with_suffix(".part")
        with open(partial, "w") as file:
            json.dump({**asdict(made), "folder": ""}, file)
            file.flush()
            os.fsync(file.fileno())
        os.rename(partial, record)
        return made
    files, refused = (tuple(kind(**row) for row in kept.pop(name)) for name, kind in (("files", Found), ("refused", Refusal)))
    return Survey(**{**kept, "folder": folder, "files": files, "refused": refused})


def opened(found: Survey, file: Found) -> BinaryIO:
    """Return a file of a survey open for reading; raises `Conflict` (`output_changed`) unless it is the one that was found."""
    *parents, name = file.path.split("/")
    at = os.open(found.folder, FOLDER)
    try:
        for parent in parents:
            below = os.open(parent, FOLDER, dir_fd=at)
            os.close(at)
            at = below
        made = open(os.open(name, FILE, dir_fd=at), "rb")
    except OSError as error:
        raise _changed(file) from error
    finally:
        os.close(at)
    facts = os.fstat(made.fileno())
    if (facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns) != (file.device, file.inode, file.size, file.modified):
        made.close()
        raise _changed(file)
    return made


def _changed(file: Found) -> Conflict:
    return Conflict("output_changed", _("“%(path)s” changed after the program had ended.") % {"path": file.path})


class _Over(Exception):
    def __init__(self, code: str, limit: int) -> None:
        super().__init__(code)
        self.code, self.limit = code, limit


class _Look:
    """One walk over an output folder, by descriptors of folders, so that nothing can be swapped for a link on the way."""

    def __init__(self, most_bytes: int, most_files: int) -> None:
        self.most_bytes, self.most_files = most_bytes, most_files
        self.found: list[tuple[Found, int]] = []
        self.refused: list[Refusal] = []
        self.refusals = self.entries = self.bytes = 0
        self.names: Counter[tuple[int, int]] = Counter()
        self.keys: set[str] = set()

    def into(self, descriptor: int, prefix: str, depth: int) -> None:
        for name, facts in self._listed(descriptor, prefix):
            path = f"{prefix}{name}"
            if stat.S_ISREG(facts.st_mode):
                self.names[facts.st_dev, facts.st_ino] += 1
            if code := self._refusal(path, facts, depth):
                self.refuse(path, code)
            elif stat.S_ISDIR(facts.st_mode):
                self._enter(descriptor, name, path, depth)
            else:
                self.bytes += facts.st_size
                if self.bytes > self.most_bytes:
                    raise _Over("output_too_large", self.most_bytes)
                file = Found(path, facts.st_size, facts.st_dev, facts.st_ino, facts.st_mtime_ns)
                self.found.append((file, facts.st_nlink))

    def inside(self) -> Iterator[Found]:
        """Yield the files of which every name lies in the folder, and refuse the others."""
        for file, links in sorted(self.found, key=lambda row: row[0].path):
            if links > self.names[file.device, file.inode]:
                self.refuse(file.path, "hard_link")
            else:
                yield file

    def refuse(self, path: str, code: str) -> None:
        self.refusals += 1
        if len(self.refused) < MAX_REFUSED:
            self.refused.append(Refusal(path.encode("utf-8", "backslashreplace").decode()[:200], code))

    def _listed(self, descriptor: int, prefix: str) -> list[tuple[str, os.stat_result]]:
        listed: list[tuple[str, os.stat_result]] = []
        with closing(os.scandir(descriptor)) as entries:
            for entry in entries:
                self.entries += 1
                if self.entries > self.most_files:
                    raise _Over("output_too_many_files", self.most_files)
                listed.append((entry.name, entry.stat(follow_symlinks=False)))
        if len(listed) > settings.MAX_FOLDER_ENTRIES:
            raise _Over("output_folder_too_full", settings.MAX_FOLDER_ENTRIES)
        return sorted(listed, key=lambda row: row[0])

    def _refusal(self, path: str, facts: os.stat_result, depth: int) -> str:
        kind = stat.S_IFMT(facts.st_mode)
        if code := _KINDS.get(kind):
            return code
        try:
            checked(path)
        except Problem as problem:
            return problem.code
        if kind == stat.S_IFDIR and depth >= MAX_DEPTH:
            return "too_deep"
        if not readable(facts, os.geteuid()):
            return "unreadable"
        key = collision_key(path)
        if key in self.keys:
            return "path_collision"
        self.keys.add(key)
        return ""

    def _enter(self, descriptor: int, name: str, path: str, depth: int) -> None:
        try:
            below = os.open(name, FOLDER, dir_fd=descriptor)
        except OSError:
            self.refuse(path, "unreadable")
            return
        try:
            self.into(below, f"{path}/", depth + 1)
        finally:
            os.close(below)


_KINDS = {
    stat.S_IFLNK: "symlink",
    stat.S_IFCHR: "device",
    stat.S_IFBLK: "device",
    stat.S_IFSOCK: "socket",
    stat.S_IFIFO: "fifo",
}


def readable(facts: os.stat_result, uid: int) -> bool:
    """Whether an account may read a file, or list and enter a folder, by its mode; groups do not count."""
    wanted = 0o5 if stat.S_ISDIR(facts.st_mode) else 0o4
    return uid == 0 or facts.st_mode >> (6 if facts.st_uid == uid else 0) & wanted == wanted

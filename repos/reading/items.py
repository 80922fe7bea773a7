"""What reading gives: revisions, files and folders, changes."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from repos.models import Commit, Ref, Repository
from repos.models.git import FOLDER_MODE
from repos.paths import split_path


@dataclass(frozen=True)
class Revision:
    """A commit, and the branch or tag that led to it, if one did. `name` is what was asked for."""

    repository: Repository
    name: str
    ref: Ref | None
    commit: Commit

    @property
    def branch(self) -> Ref | None:
        """The branch this revision is the head of, and hence may be changed through."""
        return self.ref if self.ref and self.ref.is_branch else None


@dataclass(frozen=True, slots=True)
class Item:
    """A file or folder in a revision.

    `size` is in bytes, for a folder of everything below it, where `files` is not 0 (then neither is known); `sha256` is set for a large object. `commit` last changed it:
    None where that lies further back than was searched.
    """

    repository: Repository
    path: str
    mode: int
    oid: str
    size: int
    files: int = 1
    sha256: str = ""
    commit: Commit | None = None

    @property
    def name(self) -> str:
        return split_path(self.path)[1]

    @property
    def is_folder(self) -> bool:
        return self.mode == FOLDER_MODE

    @property
    def is_large(self) -> bool:
        return bool(self.sha256)

    @property
    def etag(self) -> str:
        """The strong validator of the content: SHA-256 of a large object, git id of any other."""
        return f'"{self.sha256 or self.oid}"'

    @property
    def changed_at(self) -> datetime | None:
        return self.commit.committed_at if self.commit else None


@dataclass(frozen=True)
class Change:
    """One path that differs between two commits; `source` is set for a rename."""

    path: str
    status: Literal["added", "modified", "deleted", "renamed"]
    old: Item | None
    new: Item | None
    source: str = ""

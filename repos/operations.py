"""What a commit may do to the files of a revision."""

import uuid
from dataclasses import dataclass


@dataclass(frozen=True)
class PutBytes:
    """Write `data` at `path`; above the threshold or of a large type it becomes a large object."""

    path: str
    data: bytes
    executable: bool = False


@dataclass(frozen=True)
class PutLarge:
    """Point `path` to a large object that this repository may already read."""

    path: str
    sha256: str


@dataclass(frozen=True)
class PutUpload:
    """Place a finished upload of the actor, made in this repository, at `path`."""

    path: str
    upload: uuid.UUID


@dataclass(frozen=True)
class Delete:
    """Remove a file, or a folder with everything below it."""

    path: str


@dataclass(frozen=True)
class Copy:
    """Copy a file or folder from `revision` (default: the branch itself) to `target`."""

    source: str
    target: str
    revision: str = ""


@dataclass(frozen=True)
class Move:
    """Move a file or folder."""

    source: str
    target: str


Operation = PutBytes | PutLarge | PutUpload | Delete | Copy | Move

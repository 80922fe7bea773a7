"""The contract of a store for large objects."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


class StoreError(Exception):
    """The store refused or failed; `retry` says whether another try can help."""

    def __init__(self, code: str, *, retry: bool) -> None:
        super().__init__(code)
        self.code = code
        self.retry = retry


@dataclass(frozen=True)
class PartAddress:
    """Where a client sends a part with PUT, and the headers it must send along."""

    url: str
    headers: Mapping[str, str]


class BlobStore(Protocol):
    """Keeps bytes under a location of its own choosing. A location is never used twice."""

    def put(self, name: str, data: bytes) -> str:
        """Keep `data` durably and return its location; `name` makes the location readable, not unique."""
        ...

    def open(self, location: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """Yield bytes `start` (inclusive) to `end` (exclusive, default the end) in pieces; raise `StoreError` if gone."""
        ...

    def url(self, location: str, *, filename: str, content_type: str, inline: bool) -> str | None:
        """Return a signed address that serves the bytes for a while, or None where the portal must serve them."""
        ...

    def local_path(self, location: str) -> Path | None:
        """Return the file with the bytes where there is one on this machine."""
        ...

    def delete(self, location: str) -> None:
        """Remove the bytes; a location that is gone already is fine."""
        ...


class PartStore(Protocol):
    """Collects the parts of an upload. Every method may be called again after a crash."""

    def begin(self, name: str, size: int) -> str:
        """Prepare for an upload of `size` bytes and return a handle for it."""
        ...

    def part_address(self, handle: str, number: int, length: int) -> PartAddress | None:
        """Return where the client sends part `number` directly, or None where the portal takes it."""
        ...

    def send_part(self, handle: str, number: int, offset: int, data: bytes) -> str:
        """Keep part `number`, which begins at byte `offset` of the whole, for the portal itself and return its etag."""
        ...

    def take(self, name: str, descriptor: int) -> str | None:
        """Return a handle for an upload that is complete: the open local file itself, without moving a byte.

        None where the store cannot take a file in as it is, or somebody may still write to it; its parts are to be sent then.
        """
        ...

    def seal(self, handle: str, etags: Mapping[int, str]) -> str:
        """Join the parts into one object that `open` can read and return its location for reading."""
        ...

    def publish(self, handle: str, sha256: str) -> str:
        """Give verified bytes their final location and return it."""
        ...

    def abort(self, handle: str) -> None:
        """Drop the parts; an upload that is gone already is fine."""
        ...


class Store(BlobStore, PartStore, Protocol):
    """What one backend offers: both contracts."""

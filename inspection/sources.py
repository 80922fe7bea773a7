"""Files of a repository as readers take them: ranges without a query for each."""

from functools import lru_cache

from inspection.files import File
from repos import reading
from repos.blobs import store
from repos.reading import Item


def source(item: Item) -> File:
    """Return `item` as a file; the object is looked up, and the right to read it checked, with the first range."""

    @lru_cache(maxsize=1)
    def small() -> bytes:
        return reading.read_all(item, item.size)

    @lru_cache(maxsize=1)
    def location() -> str:
        return reading.large_object(item).location

    def read(start: int, end: int) -> bytes:
        end = min(end, item.size)
        if start >= end:
            return b""
        if not item.is_large:
            return small()[start:end]
        return b"".join(store().open(location(), start, end))

    return File(item.path, item.size, read)


def content_of(item: Item) -> str:
    """Return what names the bytes: the SHA-256 of a large object, the git id of a small file."""
    return item.sha256 or item.oid

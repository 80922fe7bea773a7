"""Where metrics come from, and digests of them that several viewers share."""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from threading import Lock

from django.core.cache import cache

from toolchain.metrics.digest import Axis, Digest, digest
from toolchain.metrics.lines import Piece, Reading, parse

KEPT = 8
"""Readings that a process keeps, so that a refresh reads on from where it stopped."""
KEPT_RECORDS = 2_000_000
CACHED_FOR = 3600
LARGE = 8 << 20
"""Bytes of metrics from which on a process reads one run at a time: millions of records take memory that several readers do not have."""
VERSION = 1


@dataclass(frozen=True)
class Source:
    """The metrics of one run. `pieces(offset)` yields what was read from byte `offset` on, `size` is how much there is in all.

    `key` tells runs apart, `name` is for people, `total` the iterations it will make where that is known, `started` (Unix time) its
    start. Once it has `ended`, a last line without its end counts too.
    """

    key: str
    name: str
    size: int
    pieces: Callable[[int], Iterable[Piece]]
    total: int | None = None
    started: float | None = None
    ended: bool = False


class Readings:
    """The latest readings of a process, by the key of their source."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._kept: OrderedDict[str, Reading] = OrderedDict()

    @contextmanager
    def on(self, source: Source) -> Iterator[Reading]:
        """Yield everything of `source` read; what was read before is not read again."""
        # A reading is taken out while somebody uses it; who comes meanwhile begins one of their own.
        with self._lock:
            reading = self._kept.pop(source.key, None)
        if reading is None or reading.offset > source.size:
            reading = Reading(at=source.started)
        yield parse(source.pieces(reading.offset), reading, ended=source.ended)
        with self._lock:
            self._kept[source.key] = reading
            while len(self._kept) > KEPT or (len(self._kept) > 1 and sum(map(len, self._kept.values())) > KEPT_RECORDS):
                self._kept.popitem(last=False)


_readings = Readings()
_large = Lock()


def digest_of(source: Source, axis: Axis = "iteration") -> Digest:
    """Return the digest of all there is now, from the cache where somebody asked before."""
    key = f"metrics:{VERSION}:{source.key}:{source.size}:{int(source.ended)}:{axis}"
    found: Digest | None = cache.get(key)
    if found is not None:
        return found
    with _large if source.size >= LARGE else nullcontext():
        # Somebody else may have read it while this waited.
        found = cache.get(key) if source.size >= LARGE else None
        if found is None:
            with _readings.on(source) as reading:
                found = digest(reading, axis, started=source.started)
            cache.set(key, found, CACHED_FOR)
    return found

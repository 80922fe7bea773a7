"""Runs as what this package and the log viewer read."""

from collections.abc import Iterator

from core.logs import Log
from toolchain.metrics.lines import Piece
from toolchain.metrics.sources import Source
from toolchain.models import Run
from toolchain.runs.reading import LOG, pieces, read_stream, size_of

METRICS = "metrics"


def metrics_of(run: Run, name: str = "", total: int | None = None) -> Source:
    """Return the metrics of a run; `total` is how many iterations it will make."""

    def taken(offset: int) -> Iterator[Piece]:
        return ((at.timestamp(), data) for at, data in pieces(run, METRICS, offset))

    started = run.started_at.timestamp() if run.started_at else None
    return Source(run.key, name or run.title, size_of(run, METRICS), taken, total, started, run.over)


def log_of(run: Run, dropped: int = 0) -> Log:
    """Return the log of a run; `dropped` bytes came after its limit and were not kept."""
    return Log(lambda offset, limit: read_stream(run, LOG, offset, limit), size_of(run, LOG), running=not run.over, dropped=dropped)

"""Long series as few points, with every spike that a drawing of that width could show."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tsdownsample import MinMaxDownsampler, MinMaxLTTBDownsampler

from toolchain.metrics.decimals import Floats

POINTS = 1000
"""Points of a drawn line, about: half of them for its shape, half for its spikes."""
BINS = 500
"""Averages that smoothing goes over, and that are read out."""

_SHAPE = MinMaxLTTBDownsampler()  # type: ignore[no-untyped-call]
_SPIKES = MinMaxDownsampler()  # type: ignore[no-untyped-call]


@dataclass(frozen=True)
class Thin:
    """One series ready to be drawn, NaN a gap.

    `x`, `y`: at most about `POINTS` of its points. `at`, `mean`, `low`, `high`: the series in at most `BINS` bins of equally many
    points, each at its last point; up to that many points they are the points themselves. `count` of its points have a value;
    `latest` is the last of them, `least` and `most` the extremes of all (NaN where there is none).
    """

    x: Floats
    y: Floats
    at: Floats
    mean: Floats
    low: Floats
    high: Floats
    count: int
    latest: float
    least: float
    most: float

    @property
    def binned(self) -> bool:
        """Whether a bin stands for several points."""
        return self.count > len(self.at)


def thin(x: Floats, y: Floats, points: int = POINTS, bins: int = BINS) -> Thin:
    """Return a series in few points; `x` ascends, NaN in `y` is a gap."""
    x, y = np.ascontiguousarray(x, dtype=np.float64), np.ascontiguousarray(y, dtype=np.float64)
    known = y[~np.isnan(y)]
    kept = chosen(x, y, points)
    if known.size == 0:
        nan = float("nan")
        return Thin(x[kept], y[kept], x[kept], y[kept], y[kept], y[kept], 0, nan, nan, nan)
    at, mean, low, high = _binned(x, y, bins)
    return Thin(x[kept], y[kept], at, mean, low, high, known.size, float(known[-1]), float(known.min()), float(known.max()))


def chosen(x: Floats, y: Floats, points: int = POINTS) -> NDArray[np.intp]:
    """Return the positions of about `points` points to draw, ascending.

    The series' own ends are among them, what MinMaxLTTB takes for its shape, the least and the greatest value of each of
    `points` / 4 stretches, and one gap wherever a gap is wide enough to be seen.
    """
    if len(y) <= points:
        return np.arange(len(y))
    gaps = np.isnan(y)
    places = np.flatnonzero(~gaps)
    if not gaps.any():
        return _of_known(x, y, points)
    if len(places) == 0:
        return np.array([0, len(y) - 1])
    kept = places[_of_known(x[places], y[places], points)] if len(places) > points else places
    edges = np.flatnonzero(np.diff(np.concatenate(([False], gaps, [False])).astype(np.int8)))
    starts, lengths = edges[::2], edges[1::2] - edges[::2]
    wide = starts[lengths * points >= len(y)][:points]
    return np.union1d(kept, wide)


def _of_known(x: Floats, y: Floats, points: int) -> NDArray[np.intp]:
    half = points // 2
    x, y = np.ascontiguousarray(x), np.ascontiguousarray(y)
    shape = _SHAPE.downsample(x, y, n_out=half)
    spikes = _SPIKES.downsample(y, n_out=half - half % 2)
    return np.union1d(shape, spikes).astype(np.intp)


def _binned(x: Floats, y: Floats, bins: int) -> tuple[Floats, Floats, Floats, Floats]:
    if len(y) <= bins:
        return x, y, y, y
    edges = np.linspace(0, len(y), bins + 1).astype(np.intp)
    starts = edges[:-1]
    gaps = np.isnan(y)
    counts = np.add.reduceat((~gaps).astype(np.int64), starts)
    sums = np.add.reduceat(np.where(gaps, 0.0, y), starts)
    with np.errstate(invalid="ignore"):
        mean = np.where(counts > 0, sums / counts, np.nan)
    return x[edges[1:] - 1], mean, np.fmin.reduceat(y, starts), np.fmax.reduceat(y, starts)

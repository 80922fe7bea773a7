"""What pages need of a run's metrics: two thin lines and the figures beside them, small enough to be cached."""

from dataclasses import dataclass
from math import isfinite
from typing import Any, Literal

import numpy as np

from core.plots import average
from toolchain.metrics.decimals import Floats
from toolchain.metrics.lines import Curves, Reading, Refused
from toolchain.metrics.thinning import Thin, thin

Axis = Literal["iteration", "time"]
"""What curves are drawn against; `time` is in seconds since the run's first line, or its start where that is known."""

WEIGHT = 0.6
"""Smoothing of the figures, and of curves where nobody chose another."""
HOUR = 3600.0
RECENT = 600.0
"""Seconds over which the speed of a run is taken, or a tenth of its time where that is more."""


@dataclass(frozen=True)
class Figures:
    """Where a run stands. Losses are smoothed but for `best`; `change` is against an hour before, None for runs that are younger.

    `step` is the last iteration, written at `at` (Unix time); `rate` is iterations a second, None where it cannot be told yet.
    """

    loss: float | None = None
    change: float | None = None
    best: float | None = None
    best_step: int | None = None
    throughput: float | None = None
    step: int | None = None
    at: float | None = None
    rate: float | None = None

    def share(self, total: int | None) -> float | None:
        """Return how much of `total` iterations is done, 0 to 1."""
        return None if self.step is None or not total else min(1.0, self.step / total)

    def left(self, total: int | None, now: float) -> float | None:
        """Return the seconds until `total` iterations are done if the run goes on as it does."""
        if not (self.step is not None and self.at is not None and total and self.rate):
            return None
        return max(0.0, (total - self.step) / self.rate - max(0.0, now - self.at))


@dataclass(frozen=True)
class Digest:
    """A run's metrics in little room. `records` are the iterations there are; the counts are those of `Reading`."""

    axis: Axis
    records: int
    loss: Thin
    throughput: Thin
    figures: Figures
    lines: int = 0
    refused: int = 0
    gaps: int = 0
    beyond: int = 0
    examples: tuple[Refused, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return the lines as programs read them: pairs of places and values, None a gap."""
        return {
            "axis": self.axis,
            "records": self.records,
            "refused": self.refused,
            **{name: _pairs(line) for name, line in (("loss", self.loss), ("throughput", self.throughput))},
        }


def _pairs(line: Thin) -> list[tuple[float, float | None]]:
    places = line.x.tolist()
    return [(int(x) if x == int(x) else round(x, 3), y if isfinite(y) else None) for x, y in zip(places, line.y.tolist(), strict=True)]


def digest(reading: Reading, axis: Axis = "iteration", *, started: float | None = None) -> Digest:
    """Return what has been read so far, drawn against `axis`."""
    curves = reading.curves()
    if axis == "time" and len(curves):
        order = np.argsort(curves.time, kind="stable")
        times = curves.time[order]
        x = np.maximum(0.0, times - (times[0] if started is None else started))
        loss, throughput = thin(x, curves.loss[order]), thin(x, curves.throughput[order])
    else:
        x = curves.iteration.astype(np.float64)
        loss, throughput = thin(x, curves.loss), thin(x, curves.throughput)
    return Digest(
        axis,
        len(curves),
        loss,
        throughput,
        figures(curves),
        reading.lines,
        reading.refused,
        reading.gaps,
        reading.beyond,
        tuple(reading.examples),
    )


def figures(curves: Curves) -> Figures:
    """Return where the run stands."""
    if not len(curves):
        return Figures()
    x = curves.iteration.astype(np.float64)
    losses = thin(x, curves.loss)
    now = _last(average(losses.mean, WEIGHT))
    latest = float(curves.time.max())
    earlier = curves.time <= latest - HOUR
    before = _last(average(thin(x[earlier], curves.loss[earlier]).mean, WEIGHT)) if earlier.any() else None
    best = int(np.nanargmin(curves.loss)) if losses.count else None
    return Figures(
        loss=now,
        change=None if now is None or before is None else now - before,
        best=None if best is None else float(curves.loss[best]),
        best_step=None if best is None else int(curves.iteration[best]),
        throughput=_last(average(thin(x, curves.throughput).mean, WEIGHT)),
        step=int(curves.iteration[-1]),
        at=latest,
        rate=_rate(curves.iteration.astype(np.float64), curves.time),
    )


def _last(values: list[float]) -> float | None:
    return next((value for value in reversed(values) if isfinite(value)), None)


def _rate(iteration: Floats, time: Floats) -> float | None:
    """Return iterations a second lately."""
    latest = float(time.max())
    recent = time >= latest - max(RECENT, (latest - float(time.min())) / 10)
    first, last = float(time[recent].min()), latest
    steps = float(iteration[recent].max() - iteration[recent].min())
    return steps / (last - first) if last > first and steps > 0 else None

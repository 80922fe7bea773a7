"""Digests as charts: loss and throughput, of one run or of several on one scale."""

from collections.abc import Sequence

from django.utils.translation import gettext as _

from core.plots import PIGMENTS, Curve, Plot
from toolchain.metrics.digest import WEIGHT, Axis, Digest
from toolchain.metrics.thinning import Thin

SLIDER = "curves-smoothing"
"""The id of the slider that smooths both charts."""
MOST = len(PIGMENTS)
"""Runs in one chart."""


def curve(name: str, line: Thin, pigment: str = PIGMENTS[0], dashed: bool = False) -> Curve:
    """Return a thin line as one of a chart."""
    low, high = (line.low, line.high) if line.binned else ((), ())
    return Curve(name, line.x.tolist(), line.y.tolist(), pigment, line.at.tolist(), line.mean.tolist(), list(low), list(high), dashed)


def plots(
    runs: Sequence[tuple[str, Digest]], *, axis: Axis = "iteration", smoothing: float = WEIGHT, total: int | None = None, unit: str = ""
) -> list[Plot]:
    """Return the charts of training loss and throughput. `runs` are names and digests on the same axis, the first the one in question.

    `total` iterations widen the axis to where the run will end; `unit` is that of throughput, such as tokens/s.
    """
    several = len(runs) > 1
    charts = []
    for id_, title, column, pigment, suffix in (
        ("curve-loss", _("Training loss"), "loss", PIGMENTS[0], ""),
        ("curve-throughput", _("Throughput"), "throughput", PIGMENTS[1], unit),
    ):
        lines = [
            curve(name if several else title, getattr(found, column), PIGMENTS[place] if several else pigment, place % 2 == 1)
            for place, (name, found) in enumerate(runs[:MOST])
        ]
        charts.append(
            Plot(
                id_,
                title,
                lines,
                axis="elapsed" if axis == "time" else "number",
                unit=suffix,
                start=0.0 if axis == "time" else None,
                end=float(total) if total and axis == "iteration" else None,
                zero=column == "throughput",
                smoothing=smoothing,
                control=SLIDER,
                x_name=_("Time") if axis == "time" else _("Iteration"),
            )
        )
    return charts

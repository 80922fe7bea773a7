"""What a run uses of its machine, as charts: CPU, memory and accelerators over time, each with its limit."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import numpy as np
from django.utils.translation import gettext as _
from numpy.typing import ArrayLike

from core.plots import PIGMENTS, Curve, Plot
from toolchain.metrics.decimals import Floats
from toolchain.metrics.drawing import curve
from toolchain.metrics.thinning import thin

POINTS = 600
QUIET = 120.0
"""Seconds without a sample from which on there is a gap."""


class Sampled(Protocol):
    """What a run used at one moment: `cpu` in cores, `memory` in bytes, pairs of busy share (0 to 1) and bytes for each card."""

    @property
    def at(self) -> datetime: ...
    @property
    def cpu(self) -> float: ...
    @property
    def memory(self) -> int: ...
    @property
    def accelerators(self) -> Sequence[Sequence[float]]: ...


@dataclass(frozen=True)
class Allowed:
    """What a run may use: cores, bytes of memory, bytes of memory of one card; 0 where there is no limit to draw."""

    cpus: float = 0.0
    memory: int = 0
    card_memory: int = 0


def usage(samples: Iterable[Sampled], allowed: Allowed = Allowed(), *, start: float | None = None, end: float | None = None) -> list[Plot]:
    """Return the charts of a run's samples, in their order, from `start` to `end` (Unix time); those of cards only where there are some.

    All have the same horizontal range: stand them in one `data-chart-group`.
    """
    rows = list(samples)
    times = np.array([row.at.timestamp() for row in rows], dtype=np.float64)
    cards = max((len(row.accelerators) for row in rows), default=0)

    def line(name: str, values: ArrayLike, place: int = 0) -> Curve:
        return curve(name, thin(*with_gaps(times, values), POINTS), PIGMENTS[place % len(PIGMENTS)], place % 2 == 1)

    def plot(id_: str, title: str, lines: Sequence[Curve], kind: str, limit: float) -> Plot:
        return Plot(
            id_,
            title,
            lines,
            axis="time",
            kind="memory" if kind == "memory" else "share" if kind == "share" else "number",
            unit=kind if kind not in ("memory", "share") else "",
            start=start,
            end=end,
            zero=True,
            limit=(_("limit"), limit) if limit else None,
            size="chart-sm",
            filled=True,
        )

    charts = [
        plot("usage-cpu", _("CPU"), [line(_("CPU"), [row.cpu for row in rows])], "vCPU", allowed.cpus),
        plot("usage-memory", _("Memory in use"), [line(_("Memory in use"), [row.memory for row in rows])], "memory", allowed.memory),
    ]
    if cards:
        names = [_("Card %(number)s") % {"number": card} for card in range(min(cards, len(PIGMENTS)))]
        busy = [line(name, [_of_card(row, card, 0) for row in rows], card) for card, name in enumerate(names)]
        memory = [line(name, [_of_card(row, card, 1) for row in rows], card) for card, name in enumerate(names)]
        charts += [
            plot("usage-cards", _("Accelerator busy"), busy, "share", 0),
            plot("usage-card-memory", _("Accelerator memory"), memory, "memory", allowed.card_memory),
        ]
    return charts


def _of_card(row: Sampled, card: int, place: int) -> float:
    return float(row.accelerators[card][place]) if card < len(row.accelerators) else float("nan")


def with_gaps(times: ArrayLike, values: ArrayLike, quiet: float = QUIET) -> tuple[Floats, Floats]:
    """Return the series with a gap put in wherever nothing was measured for more than `quiet` seconds."""
    x, y = np.asarray(times, dtype=np.float64), np.asarray(values, dtype=np.float64)
    holes = np.flatnonzero(np.diff(x) > quiet) + 1
    return np.insert(x, holes, x[holes - 1]), np.insert(y, holes, np.nan)

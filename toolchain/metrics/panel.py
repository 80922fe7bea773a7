"""The curves of a run as a page shows them: what the reader chose, the charts, and what is to be said about them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from core.plots import Plot
from toolchain.metrics.digest import WEIGHT, Axis, Digest, Figures
from toolchain.metrics.drawing import MOST, SLIDER, plots
from toolchain.metrics.sources import Source, digest_of

STRONGEST = 0.99


class Parameters(Protocol):
    """The parameters of an address, as Django's `QueryDict` holds them."""

    def get(self, key: str, default: str = ..., /) -> str | None: ...
    def getlist(self, key: str, /) -> list[str]: ...


@dataclass(frozen=True)
class Choice:
    """How somebody wants to see curves: `others` are keys of runs to compare with."""

    smoothing: float = WEIGHT
    axis: Axis = "iteration"
    others: tuple[str, ...] = ()


def choice_of(parameters: Parameters) -> Choice:
    """Return the choice in an address: `smoothing` 0 to 0.99, `axis` iteration or time, `with` a run, up to four times.

    What cannot be read is as if it were not there.
    """
    try:
        smoothing = float(parameters.get("smoothing", "") or WEIGHT)
    except ValueError:
        smoothing = WEIGHT
    smoothing = min(max(smoothing, 0.0), STRONGEST) if smoothing == smoothing else WEIGHT
    others = tuple(dict.fromkeys(parameters.getlist("with")))[: MOST - 1]
    return Choice(round(smoothing, 3), "time" if parameters.get("axis", "") == "time" else "iteration", others)


@dataclass(frozen=True)
class Curves:
    """What `components/curves.html` shows. `offered` are the runs one may compare with: key, name, and whether it is chosen."""

    plots: Sequence[Plot]
    digest: Digest
    choice: Choice
    offered: Sequence[tuple[str, str, bool]] = ()
    total: int | None = None
    ended: bool = False
    slider: str = field(default=SLIDER, init=False)

    @property
    def has_some(self) -> bool:
        return any(plot.has_values for plot in self.plots)

    @property
    def figures(self) -> Figures:
        return self.digest.figures


def show(
    source: Source,
    choice: Choice,
    *,
    offered: Mapping[str, str] | None = None,
    source_of: Callable[[str], Source | None] = lambda key: None,
    unit: str = "",
) -> Curves:
    """Return the curves of a run. `offered` names runs that the viewer may compare with, by their key; only those are looked up."""
    offered = offered or {}
    compared = [found for key in choice.others if key in offered and (found := source_of(key))]
    main = digest_of(source, choice.axis)
    runs = [(source.name, main), *((other.name, digest_of(other, choice.axis)) for other in compared)]
    return Curves(
        plots(runs, axis=choice.axis, smoothing=choice.smoothing, total=source.total, unit=unit),
        main,
        choice,
        [(key, name, key in choice.others) for key, name in offered.items()],
        source.total,
        source.ended,
    )

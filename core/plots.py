"""Lines over numbers or time, drawn on the server as `core.charts` does: SVG inside HTML, readable without script.

`static/js/charts.js` adds reading by pointer and keys, and smoothing while a slider moves.
"""

import json
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from html import escape
from math import isfinite
from typing import Any, Literal

from django.utils import formats, timezone
from django.utils.translation import gettext

from core import numbers, scales
from core.scales import Kind, Scale

Axis = Literal["number", "time", "elapsed"]
"""What lies along the bottom: plain numbers, moments (Unix time), or seconds since a beginning."""

PIGMENTS = ("azurite", "malachite", "wisteria", "ochre", "gamboge")
"""Colours of the first, second … line; red is kept for limits."""
ROWS = 12


@dataclass(frozen=True)
class Curve:
    """One line; x ascends, NaN in y is a gap.

    `x`, `y` are what is drawn. `at`, `mean` are what is read out and what smoothing goes over, by default the same; where one of
    them stands for many values, `low` and `high` are the extremes among those.
    """

    name: str
    x: Sequence[float]
    y: Sequence[float]
    pigment: str = "azurite"
    at: Sequence[float] | None = None
    mean: Sequence[float] | None = None
    low: Sequence[float] = ()
    high: Sequence[float] = ()
    dashed: bool = False

    @property
    def stops(self) -> tuple[Sequence[float], Sequence[float]]:
        return (self.x if self.at is None else self.at), (self.y if self.mean is None else self.mean)


@dataclass(frozen=True)
class Plot:
    """One to five lines on one scale.

    `now` stands beside the title; without it the latest value, or the unit where there are several lines. `limit` is a name and a value for a dashed line. `smoothing` (0 to below 1) draws averages over faint lines; None where that
    makes no sense. `control` is the id of the slider that changes it. `start` and `end` widen the horizontal range. `zero` lets the
    vertical one begin at zero. `size` is a class name such as `chart-sm`.
    """

    id: str
    title: str
    curves: Sequence[Curve]
    axis: Axis = "number"
    kind: Kind = "number"
    unit: str = ""
    start: float | None = None
    end: float | None = None
    zero: bool = False
    limit: tuple[str, float] | None = None
    smoothing: float | None = None
    control: str = ""
    now: str = ""
    size: str = ""
    x_name: str = ""
    filled: bool = False
    scale: Scale = field(init=False)
    left: float = field(init=False)
    right: float = field(init=False)

    def __post_init__(self) -> None:
        values = [float(value) for curve in self.curves for value in (*curve.y, *curve.stops[1])]
        if self.limit:
            values.append(self.limit[1])
        set_ = object.__setattr__
        set_(self, "scale", scales.scale(values, kind=self.kind, unit=self.unit, zero=self.zero))
        ends = [float(place) for curve in self.curves for line in (curve.x, curve.stops[0]) if len(line) for place in (line[0], line[-1])]
        left = min([*ends, *([] if self.start is None else [self.start])], default=0.0)
        right = max([*ends, *([] if self.end is None else [self.end])], default=1.0)
        set_(self, "left", left)
        set_(self, "right", right if right > left else left + 1)

    @property
    def has_values(self) -> bool:
        return any(isfinite(value) for curve in self.curves for value in curve.y)


def average(values: Iterable[float], weight: float) -> list[float]:
    """Return the exponential moving average, with `weight` (0 to below 1) for what came before; a gap stays one and counts for nothing.

    It is debiased, divided by 1 - weight^n, so that it does not begin at zero (Kingma and Ba, Adam, section 3).
    """
    out, last, bias = [], 0.0, 1.0
    for value in values:
        if not isfinite(value):
            out.append(float("nan"))
            continue
        last = last * weight + float(value) * (1 - weight)
        bias *= weight
        out.append(last / (1 - bias))
    return out


def draw(plot: Plot) -> str:
    """Return the chart as a <figure>, with what scripts read as JSON beside it and a table of some values below."""
    role, keys = gettext("line chart"), gettext("Use the left and right arrow keys to read values")
    smooth = f' data-smooth="{plot.control}"' if plot.control else ""
    latest = plot.now or _latest(plot)
    now = f'<span class="chart-now">{escape(latest)}</span>' if latest else ""
    labels = "".join(f"<span>{label}</span>" for label in plot.scale.labels)
    return (
        f'<figure class="chart {plot.size}" data-chart id="{plot.id}"{smooth}>\n'
        f'<figcaption class="chart-head"><span class="chart-title">{escape(plot.title)}</span>{now}</figcaption>\n'
        f'<div class="chart-body"><div class="chart-y" aria-hidden="true">{labels}</div>\n'
        f'<div class="chart-plot" tabindex="0" role="group" aria-roledescription="{role}" aria-label="{escape(_summary(plot))}. {keys}">'
        f'<svg viewBox="0 0 1000 200" preserveAspectRatio="none" aria-hidden="true" focusable="false">{_lines(plot)}</svg></div>\n'
        f'<svg class="chart-x chart-ticks" aria-hidden="true" focusable="false">{_ticks(plot)}</svg></div>'
        f'<div class="chart-foot">{_legend(plot)}{_table(plot)}</div>\n'
        f'<script type="application/json">{_data(plot)}</script></figure>'
    )


def _latest(plot: Plot) -> str:
    """Return the last value of a line that is alone, else the unit."""
    if len(plot.curves) != 1:
        return plot.scale.unit.strip()
    values = average(plot.curves[0].stops[1], plot.smoothing or 0.0)
    known = [value for value in values if isfinite(value)]
    return f"{plot.scale.text(known[-1] / plot.scale.factor)}{plot.scale.unit}" if known else ""


def _lines(plot: Plot) -> str:
    scale, marks = plot.scale, len(plot.scale.labels) - 1
    parts = [
        f'<line class="g-line{" g-base" if row == marks else ""}" x1="0" x2="1000" y1="{200 * row / marks:g}" y2="{200 * row / marks:g}"/>'
        for row in range(marks + 1)
    ]
    for place, curve in enumerate(plot.curves):
        classes = "s-line" + (" s-dash" if curve.dashed else "")
        ghost = " ghost" if plot.smoothing else ""
        pieces = _pieces(plot, curve.x, curve.y)
        if plot.filled and len(plot.curves) == 1:
            area = "".join(f"M{piece[0][0]} 200L{_joined(piece)}L{piece[-1][0]} 200Z" for piece in pieces)
            parts.append(f'<path class="s-area" data-pigment="{curve.pigment}" d="{area}"/>')
        parts.append(f'<path class="{classes}{ghost}" data-pigment="{curve.pigment}" data-raw="{place}" d="{_path(pieces)}"/>')
        if plot.smoothing is not None:
            at, mean = curve.stops
            drawn = _path(_pieces(plot, at, average(mean, plot.smoothing))) if plot.smoothing else ""
            parts.append(f'<path class="{classes}" data-pigment="{curve.pigment}" data-s="{place}" d="{drawn}"/>')
    if plot.limit:
        y = f"{200 - (plot.limit[1] / scale.factor - scale.low) / (scale.high - scale.low) * 200:.5g}"
        parts.append(f'<line class="s-thr" x1="0" x2="1000" y1="{y}" y2="{y}"/>')
    return "".join(parts)


def _pieces(plot: Plot, xs: Sequence[float], ys: Sequence[float]) -> list[list[tuple[str, str]]]:
    """Return the points of a line in the drawing's units, parted at gaps."""
    scale, pieces, drawing = plot.scale, list[list[tuple[str, str]]](), False
    width, height = 1000 / (plot.right - plot.left), 200 / (scale.high - scale.low)
    for x, y in zip(xs, ys, strict=True):
        if not isfinite(y):
            drawing = False
            continue
        point = f"{round((x - plot.left) * width, 1):g}", f"{round(200 - (y / scale.factor - scale.low) * height, 1):g}"
        if drawing:
            pieces[-1].append(point)
        else:
            pieces.append([point])
            drawing = True
    return pieces


def _joined(piece: Sequence[tuple[str, str]]) -> str:
    return "L".join(f"{x} {y}" for x, y in piece)


def _path(pieces: Sequence[Sequence[tuple[str, str]]]) -> str:
    # A point alone is a line of no length: round ends make it a dot.
    return "".join(f"M{_joined(piece)}" + ("h0" if len(piece) == 1 else "") for piece in pieces)


def _ticks(plot: Plot) -> str:
    ticks = {"number": scales.number_ticks, "time": scales.time_ticks, "elapsed": scales.elapsed_ticks}[plot.axis](plot.left, plot.right)
    parts = []
    for value, label in ticks:
        share = (value - plot.left) / (plot.right - plot.left)
        anchor = "start" if share < 0.04 else "end" if share > 0.96 else "middle"
        parts.append(f'<text x="{share * 100:.2f}%" y="11" text-anchor="{anchor}">{escape(label)}</text>')
    return "".join(parts)


def _legend(plot: Plot) -> str:
    if len(plot.curves) < 2 and plot.limit is None:
        return ""
    items = "".join(
        f'<li><i class="{"dash" if curve.dashed else ""}" data-pigment="{curve.pigment}"></i>{escape(curve.name)}</li>'
        for curve in plot.curves
    )
    if plot.limit:
        value = plot.limit[1] / plot.scale.factor
        items += f'<li><i class="dash" data-pigment="cinnabar"></i>{escape(plot.limit[0])} {value:g}{plot.scale.unit}</li>'
    return f'<ul class="legend">{items}</ul>'


def _summary(plot: Plot) -> str:
    """Return the chart in words: each line with its latest, lowest and highest value."""
    scale, parts = plot.scale, []
    for curve in plot.curves:
        known = [float(value) / scale.factor for value in curve.y if isfinite(value)]
        if known:
            sentence = gettext("%(name)s latest %(latest)s%(unit)s, min %(least)s, max %(most)s")
            latest, least, most = (scale.text(value) for value in (known[-1], min(known), max(known)))
            parts.append(sentence % {"name": curve.name, "latest": latest, "unit": scale.unit, "least": least, "most": most})
    return f"{plot.title}. {'; '.join(parts)}"


def _table(plot: Plot) -> str:
    places = sorted({float(x) for curve in plot.curves for x in curve.stops[0]})
    if not places:
        return ""
    every = max(1, -(-len(places) // ROWS))
    near = (plot.right - plot.left) / ROWS / 2 if len(plot.curves) > 1 else 0.0
    rows = "".join(
        f"<tr><th scope=row>{escape(_place(plot, x))}</th>{''.join(_cell(plot, curve, x, near) for curve in plot.curves)}</tr>"
        for x in places[::-1][::every][::-1]
    )
    unit = f", {plot.scale.unit.strip()}" if plot.scale.unit else ""
    heads = "".join(f'<th scope="col" class="end">{escape(curve.name + unit)}</th>' for curve in plot.curves)
    name = gettext("View as table")
    return (
        f'<details class="chart-data"><summary>{name}</summary>'
        f'<div class="table-wrap" tabindex="0" role="region" aria-label="{escape(plot.title)} {name}"><table class="table"><thead><tr>'
        f'<th scope="col">{escape(plot.x_name or gettext("Time"))}</th>{heads}</tr></thead><tbody>{rows}</tbody></table></div></details>'
    )


def _cell(plot: Plot, curve: Curve, x: float, near: float) -> str:
    at, mean = curve.stops
    place = bisect_left(at, x)
    best = min((other for other in (place - 1, place) if 0 <= other < len(at)), key=lambda other: abs(at[other] - x), default=None)
    value = mean[best] if best is not None and abs(at[best] - x) <= near else float("nan")
    text = plot.scale.text(float(value) / plot.scale.factor) if isfinite(value) else "–"
    return f'<td class="end num">{text}</td>'


def _place(plot: Plot, x: float) -> str:
    if plot.axis == "elapsed":
        return numbers.duration(x)
    if plot.axis == "time":
        return str(formats.date_format(datetime.fromtimestamp(x, timezone.get_current_timezone()), "Y-m-d H:i:s"))
    return f"{x:,.0f}" if x == round(x) else f"{x:g}"


def _data(plot: Plot) -> str:
    """Return what `charts.js` reads: places as whole steps of `q` from one to the next, values in the scale's unit."""
    quantum = 1.0 if plot.axis == "number" else 0.1
    scale = plot.scale
    data: dict[str, Any] = {
        "lo": scale.low,
        "hi": scale.high,
        "left": plot.left,
        "right": plot.right,
        "axis": plot.axis,
        "q": quantum,
        "unit": scale.unit,
        "fmt": scale.digits,
        "series": [
            {
                "n": curve.name,
                "p": curve.pigment,
                "x": _steps(curve.stops[0], plot.left, quantum),
                "v": _values(curve.stops[1], scale.factor),
                **({"l": _values(curve.low, scale.factor), "h": _values(curve.high, scale.factor)} if len(curve.low) else {}),
            }
            for curve in plot.curves
        ],
    }
    if plot.axis == "time":
        data["zone"] = timezone.get_current_timezone_name()
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")


def _steps(places: Sequence[float], start: float, quantum: float) -> list[int]:
    whole = [round((float(place) - start) / quantum) for place in places]
    return [after - before for before, after in zip([0, *whole], whole, strict=False)]


def _values(values: Sequence[float], factor: float) -> list[float | None]:
    return [float(f"{value / factor:.6g}") if isfinite(value) else None for value in values]

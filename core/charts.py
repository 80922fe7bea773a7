"""Charts drawn on the server: SVG inside an HTML frame, readable without script. `static/js/charts.js` adds reading by pointer and keys."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from django.utils.translation import gettext

Value = float | None


@dataclass(frozen=True)
class Series:
    """One line; `None` in the values is a gap."""

    name: str
    pigment: str
    values: Sequence[Value]
    dashed: bool = False


@dataclass(frozen=True)
class Figure:
    """A line chart: one to five series over the same positions, at most 600 of them."""

    id: str
    title: str
    series: Sequence[Series]
    low: float
    high: float
    y_labels: Sequence[str]
    x_labels: Sequence[str]
    positions: Sequence[str] | None = None
    unit: str = ""
    digits: int = 2
    now: str = ""
    size: str = ""
    threshold: float | None = None
    band: tuple[float, float] | None = None
    filled: bool = True
    x_name: str = ""


def _points(values: Sequence[Value], low: float, high: float, width: float, height: float) -> list[tuple[float, float] | None]:
    last = len(values) - 1
    return [
        None
        if value is None
        else (round(width * index / last, 1), round(max(0, min(height, height - (value - low) / (high - low) * height)), 1))
        for index, value in enumerate(values)
    ]


def _path(points: Sequence[tuple[float, float] | None]) -> str:
    parts, drawing = [], False
    for point in points:
        if point is None:
            drawing = False
            continue
        parts.append(("L" if drawing else "M") + f"{point[0]:g} {point[1]:g}")
        drawing = True
    return "".join(parts)


def _drawing(figure: Figure) -> str:
    lines = len(figure.y_labels) - 1
    parts = [
        f'<line class="g-line{" g-base" if row == lines else ""}" x1="0" x2="1000" y1="{200 * row / lines:g}" y2="{200 * row / lines:g}"/>'
        for row in range(lines + 1)
    ]
    if figure.band:
        start, end = figure.band
        parts.append(f'<rect class="s-band" x="{start * 1000:g}" width="{(end - start) * 1000:g}" y="0" height="200"/>')
    for index, series in enumerate(figure.series):
        points = _points(series.values, figure.low, figure.high, 1000, 200)
        path = _path(points)
        drawn = [point for point in points if point]
        if figure.filled and len(figure.series) == 1 and drawn:
            parts.append(f'<path class="s-area" data-pigment="{series.pigment}" d="{path}L{drawn[-1][0]:g} 200L{drawn[0][0]:g} 200Z"/>')
        dashed = " s-dash" if series.dashed else ""
        parts.append(f'<path class="s-line{dashed}" data-pigment="{series.pigment}" data-s="{index}" d="{path}"/>')
    if figure.threshold is not None:
        y = 200 - (figure.threshold - figure.low) / (figure.high - figure.low) * 200
        parts.append(f'<line class="s-thr" x1="0" x2="1000" y1="{y:g}" y2="{y:g}"/>')
    return "".join(parts)


def _legend(figure: Figure) -> str:
    if len(figure.series) < 2 and figure.threshold is None:
        return ""
    items = "".join(
        f'<li><i class="{"dash" if series.dashed else ""}" data-pigment="{series.pigment}"></i>{escape(series.name)}</li>'
        for series in figure.series
    )
    if figure.threshold is not None:
        name = gettext("threshold")
        items += f'<li><i class="dash" data-pigment="cinnabar"></i>{name} {figure.threshold:g}{figure.unit}</li>'
    return f'<ul class="legend">{items}</ul>'


def _table(figure: Figure) -> str:
    if not figure.positions:
        return ""
    count = len(figure.series[0].values)

    def cell(value: Value) -> str:
        return f'<td class="end num">{"–" if value is None else format(value, f",.{figure.digits}f")}</td>'

    rows = "".join(
        f"<tr><th scope=row>{escape(str(figure.positions[index]))}</th>{''.join(cell(series.values[index]) for series in figure.series)}</tr>"
        for index in range(0, count, max(1, count // 8))
    )
    heads = "".join(f'<th scope="col" class="end">{escape(series.name)}</th>' for series in figure.series)
    name = gettext("View as table")
    x_name = figure.x_name or gettext("Time")
    return (
        f'<details class="chart-data"><summary>{name}</summary>'
        f'<div class="table-wrap" tabindex="0" role="region" aria-label="{escape(figure.title)} {name}"><table class="table"><thead><tr>'
        f'<th scope="col">{x_name}</th>{heads}</tr></thead><tbody>{rows}</tbody></table></div></details>'
    )


def _summary(figure: Figure) -> str:
    """Return the chart in words: each series with its latest, lowest and highest value."""
    parts = []
    for series in figure.series:
        known = [value for value in series.values if value is not None]
        if known:
            latest, least, most = (f"{value:,.{figure.digits}f}" for value in (known[-1], min(known), max(known)))
            sentence = gettext("%(name)s latest %(latest)s%(unit)s, min %(least)s, max %(most)s")
            parts.append(sentence % {"name": series.name, "latest": latest, "unit": figure.unit, "least": least, "most": most})
    return f"{figure.title}. {'; '.join(parts)}"


def line(figure: Figure) -> str:
    """Return the chart as a <figure>, with its data as JSON beside it and as a table below."""
    data = {
        "lo": figure.low,
        "hi": figure.high,
        "unit": figure.unit,
        "fmt": figure.digits,
        "x": figure.positions,
        "series": [{"n": series.name, "p": series.pigment, "v": list(series.values)} for series in figure.series],
    }
    encoded = json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    role, keys = gettext("line chart"), gettext("Use the left and right arrow keys to read values")
    now = f'<span class="chart-now">{figure.now}</span>' if figure.now else ""
    return (
        f'<figure class="chart {figure.size}" data-chart id="{figure.id}">\n'
        f'<figcaption class="chart-head"><span class="chart-title">{escape(figure.title)}</span>{now}</figcaption>\n'
        f'<div class="chart-body"><div class="chart-y" aria-hidden="true">{"".join(f"<span>{text}</span>" for text in figure.y_labels)}</div>\n'
        f'<div class="chart-plot" tabindex="0" role="group" aria-roledescription="{role}" '
        f'aria-label="{escape(_summary(figure))}. {keys}">'
        f'<svg viewBox="0 0 1000 200" preserveAspectRatio="none" aria-hidden="true" focusable="false">{_drawing(figure)}</svg></div>\n'
        f'<div class="chart-x" aria-hidden="true">{"".join(f"<span>{text}</span>" for text in figure.x_labels)}</div></div>'
        f'<div class="chart-foot">{_legend(figure)}{_table(figure)}</div>\n'
        f'<script type="application/json">{encoded}</script></figure>'
    )


def spark(values: Sequence[float], pigment: str = "stone") -> str:
    """Return a sparkline, hidden from assistive technology."""
    low, high = min(values), max(values) or 1
    path = _path(_points(values, low, high if high != low else low + 1, 100, 24))
    return f'<svg class="spark" data-pigment="{pigment}" viewBox="0 -2 100 28" preserveAspectRatio="none" aria-hidden="true"><path d="{path}"/></svg>'


def histogram(values: Sequence[float], pigment: str = "azurite", extra: str = "hist", label: str = "", hot: int | None = None) -> str:
    """Return bars of equal width; `hot` is the one that keeps its full colour."""
    most, count = max(values) or 1, len(values)
    bars = "".join(
        f'<rect x="{index * 100 / count + 0.6:.2f}" width="{100 / count - 1.2:.2f}" y="{40 - max(1, value / most * 40):.1f}" '
        f'height="{max(1, value / most * 40):.1f}"{" class=dim" if hot is not None and index != hot else ""}/>'
        for index, value in enumerate(values)
    )
    return (
        f'<svg class="bars {extra}" data-pigment="{pigment}" viewBox="0 0 100 40" preserveAspectRatio="none" role="img" '
        f'aria-label="{escape(label)}">{bars}</svg>'
    )


def stack(parts: Sequence[tuple[float, str]], label: str = "") -> str:
    """Return shares (0 to 1, pigment) side by side in one bar."""
    x, bars = 0.0, ""
    for share, pigment in parts:
        width = max(share * 100, 0.6)
        bars += f'<rect data-pigment="{pigment}" x="{x:.2f}%" width="{max(width - 0.35, 0.35):.2f}%" y="0" height="100%"/>'
        x += share * 100
    return f'<svg class="stackbar" role="img" aria-label="{escape(label)}">{bars}</svg>'


@dataclass(frozen=True)
class Bar:
    """A part of a small distribution: how much it stands for, what it is called, and where choosing it leads (nowhere when empty)."""

    value: float
    title: str
    url: str = ""
    pigment: str = ""
    chosen: bool = False


def linked_bars(bars: Sequence[Bar], pigment: str = "azurite", extra: str = "") -> str:
    """Return bars of equal width that are links. They are for the pointer only: the words stand beside, the links in a menu as well."""
    most, width = max((bar.value for bar in bars), default=0) or 1, 100 / max(1, len(bars))
    some = any(bar.chosen for bar in bars)
    parts = []
    for index, bar in enumerate(bars):
        height, gap = max(1.0, bar.value / most * 40) if bar.value else 0.0, min(0.6, 0.06 * width)
        dim = " class=dim" if some and not bar.chosen else ""
        parts.append(
            _linked(
                bar,
                f'<rect class="hit" x="{index * width:.2f}" width="{width:.2f}" y="0" height="40"/>'
                f'<rect{dim} x="{index * width + gap:.2f}" width="{width - 2 * gap:.2f}" y="{40 - height:.1f}" height="{height:.1f}"/>',
            )
        )
    classes = f"bars {extra}".rstrip()
    return (
        f'<svg class="{classes}" data-pigment="{pigment}" viewBox="0 0 100 40" preserveAspectRatio="none" aria-hidden="true" '
        f'focusable="false">{"".join(parts)}</svg>'
    )


def linked_stack(bars: Sequence[Bar], total: float) -> str:
    """Return shares of `total` side by side in one bar, each a link; what they leave over stays empty."""
    x, parts = 0.0, []
    some = any(bar.chosen for bar in bars)
    for bar in bars:
        width = bar.value / (total or 1) * 100
        dim = " class=dim" if some and not bar.chosen else ""
        colour = f'data-pigment="{bar.pigment}"' if bar.pigment else 'class="hit"'
        parts.append(_linked(bar, f'<rect{dim} {colour} x="{x:.2f}%" width="{max(width - 0.35, 0.35):.2f}%" y="0" height="100%"/>'))
        x += width
    return f'<svg class="stackbar" aria-hidden="true" focusable="false">{"".join(parts)}</svg>'


def _linked(bar: Bar, shapes: str) -> str:
    title = f"<title>{escape(bar.title)}</title>"
    return f'<a href="{escape(bar.url)}" tabindex="-1">{title}{shapes}</a>' if bar.url else f"<g>{title}{shapes}</g>"

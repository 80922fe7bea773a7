"""Curves of a training as pictures that a README can show: PNG, since SVG of strangers is never shown as a picture here."""

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFont

Point = tuple[float, float | None]
FARTHEST = 1e300
NEAREST = 1e-300
"""Nearer to nought floats have too few digits for the steps of an axis."""
WIDTH, HEIGHT = 960, 320
LEFT, RIGHT, TOP, BOTTOM = 84, 16, 14, 34
SCALE = 2
GRID, TEXT = (128, 128, 128, 90), (118, 118, 118, 255)
COLOURS = {"loss": (38, 121, 173, 255), "throughput": (35, 140, 98, 255)}


@dataclass(frozen=True)
class Curve:
    """Values over iterations, ascending; None is a gap. `name` is "loss" or "throughput"."""

    name: str
    points: Sequence[Point]

    @property
    def known(self) -> list[tuple[float, float]]:
        """The points that have a value that can be drawn."""
        return [point for part in self.parts for point in part]

    @property
    def parts(self) -> list[list[tuple[float, float]]]:
        """The stretches between gaps."""
        parts: list[list[tuple[float, float]]] = [[]]
        for x, y in self.points:
            if y is None or not abs(y) < FARTHEST:
                parts.append([])
            else:
                parts[-1].append((x, y))
        return [part for part in parts if part]


def picture(curve: Curve) -> bytes:
    """Return the curve as a PNG of 960 x 320 pixels on no background, with numbers on both axes; at least one value is known."""
    known = curve.known
    ys = ticks(min(y for _x, y in known), max(y for _x, y in known), 5)
    first, last = known[0][0], known[-1][0]
    low, high = ys[0], ys[-1]
    image = Image.new("RGBA", (WIDTH * SCALE, HEIGHT * SCALE), (0, 0, 0, 0))
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(13 * SCALE)

    def across(x: float) -> float:
        return (LEFT + (x - first) / ((last - first) or 1) * (WIDTH - LEFT - RIGHT)) * SCALE

    def down(y: float) -> float:
        return (HEIGHT - BOTTOM - (y - low) / (high - low) * (HEIGHT - TOP - BOTTOM)) * SCALE

    for y in ys:
        draw.line([(LEFT * SCALE, down(y)), ((WIDTH - RIGHT) * SCALE, down(y))], fill=GRID, width=SCALE)
        draw.text(((LEFT - 8) * SCALE, down(y)), number(y), fill=TEXT, font=font, anchor="rm")
    for x in [x for x in ticks(first, last, 6) if first <= x <= last] or [first]:
        draw.text((across(x), (HEIGHT - BOTTOM + 8) * SCALE), number(x), fill=TEXT, font=font, anchor="mt")
    for part in curve.parts:
        path = [(across(x), down(y)) for x, y in part]
        colour = COLOURS.get(curve.name, COLOURS["loss"])
        if len(path) == 1:
            x, y = path[0]
            draw.ellipse((x - 2 * SCALE, y - 2 * SCALE, x + 2 * SCALE, y + 2 * SCALE), fill=colour)
        else:
            draw.line(path, fill=colour, width=2 * SCALE, joint="curve")
    out = io.BytesIO()
    image.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS).save(out, "PNG", optimize=True)
    return out.getvalue()


def table(curves: Sequence[Curve]) -> bytes:
    """Return the points as CSV: `iteration` and a column for each curve, empty where there is no value."""
    rows: dict[float, dict[str, float]] = {}
    for curve in curves:
        for x, y in curve.known:
            rows.setdefault(x, {})[curve.name] = y
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    names = [curve.name for curve in curves]
    writer.writerow(["iteration", *names])
    for x in sorted(rows):
        writer.writerow([f"{x:g}" if x % 1 else int(x), *(repr(rows[x][name]) if name in rows[x] else "" for name in names)])
    return out.getvalue().encode()


def ticks(low: float, high: float, count: int) -> list[float]:
    """Return about `count` round numbers that span `low` to `high`, at least two."""
    if high - low <= max(1e-9 * max(abs(low), abs(high)), NEAREST):
        half = abs(low) / 2 if abs(low) > NEAREST else 0.5
        low, high = low - half, low + half
    rough = (high - low) / max(1, count - 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= rough * 0.999)
    start, end = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [float(f"{index * step:.12g}") for index in range(start, max(end, start + 1) + 1)]


def number(value: float) -> str:
    """Return a number for an axis or a table, in at most about seven characters."""
    if value == 0:
        return "0"
    if abs(value) >= 1e6 or abs(value) < 1e-4:
        return f"{value:.2e}"
    return f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"

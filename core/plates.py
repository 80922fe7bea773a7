"""Plates: artwork made from the id of a repository. The same id gives the same picture, for ever, so nothing is uploaded."""

import hashlib
import math
from collections.abc import Callable, Iterator
from functools import lru_cache
from html import escape

Point = tuple[int, int]
Segment = tuple[Point, Point]


def _bytes(seed: str) -> Iterator[int]:
    """Yield the bytes of four digests of `seed`, again and again."""
    digest = b"".join(hashlib.sha256(f"{seed}:{part}".encode()).digest() for part in range(4))
    while True:
        yield from digest


def _merged(segments: set[Segment]) -> str:
    """Return the path that draws `segments`, each run of collinear unit segments as one stroke."""
    ordered = sorted(segments)
    starting: dict[Point, list[Segment]] = {}
    for segment in ordered:
        starting.setdefault(segment[0], []).append(segment)
    used: set[Segment] = set()
    strokes = []
    for segment in ordered:
        if segment in used:
            continue
        (x1, y1), (x2, y2) = segment
        dx, dy = x2 - x1, y2 - y1
        used.add(segment)
        while following := next(
            (other for other in starting.get((x2, y2), []) if other not in used and (other[1][0] - x2, other[1][1] - y2) == (dx, dy)),
            None,
        ):
            used.add(following)
            x2, y2 = following[1]
        strokes.append(f"M{x1} {y1}L{x2} {y2}")
    return "".join(strokes)


def lattice(seed: str) -> str:
    """Return a window lattice of eight-fold symmetry on a field of 56 by 56: a model."""
    source = _bytes("m" + seed)
    cells, unit = 4, 7
    bars = [[next(source) < (168 if row == 0 else 118) for _ in range(cells)] for row in range(cells + 1)]
    diagonals = [[1 if value < 40 else 2 if value < 74 else 0 for value in (next(source) for _ in range(cells))] for _ in range(cells)]
    for row in range(cells):
        for column in range(row):
            diagonals[row][column] = diagonals[column][row]
    segments: set[Segment] = set()

    def add(x1: int, y1: int, x2: int, y2: int) -> None:
        for sx in (1, -1):
            for sy in (1, -1):
                ends = sorted([(28 + sx * x1 * unit, 28 + sy * y1 * unit), (28 + sx * x2 * unit, 28 + sy * y2 * unit)])
                segments.add((ends[0], ends[1]))

    for row in range(cells):
        for column in range(cells):
            if bars[row][column]:
                add(column, row, column + 1, row)
                add(row, column, row, column + 1)
            if diagonals[row][column] == 1:
                add(column, row, column + 1, row + 1)
            elif diagonals[row][column] == 2:
                add(column + 1, row, column, row + 1)
    core = (
        '<rect class="pf" x="24.5" y="24.5" width="7" height="7"/>',
        '<path class="pf" d="M28 23l5 5-5 5-5-5z"/>',
        '<circle class="pf" cx="28" cy="28" r="3.6"/>',
    )[next(source) % 3]
    return f'<path class="pl" d="{_merged(segments)}"/>{core}'


def mosaic(seed: str) -> str:
    """Return mirrored tesserae: a dataset."""
    source = _bytes("d" + seed)
    tiles: dict[str, list[str]] = {}
    for y in range(8):
        for x in range(4):
            value = next(source)
            if value < 96:
                continue
            tone = "pf" if value > 214 else "pm" if value > 158 else "ps"
            for column in {x, 7 - x}:
                tiles.setdefault(tone, []).append(f"M{column * 7} {y * 7}h6.2v6.2h-6.2z")
    return "".join(f'<path class="{tone}" d="{"".join(parts)}"/>' for tone, parts in sorted(tiles.items()))


def ripple(seed: str) -> str:
    """Return rings with mirrored gaps, like a signal that leaves its source: a service."""
    source = _bytes("s" + seed)
    arcs = []
    for radius in (7.5, 13, 18.5, 24):
        value = next(source)
        gap, turned = 6 + value % 30, (value >> 5) & 1
        if (value >> 6) & 1 and radius < 20:
            arcs.append(f"M{28 - radius} 28a{radius} {radius} 0 1 0 {2 * radius} 0a{radius} {radius} 0 1 0 {-2 * radius} 0")
            continue
        for quarter in range(4):
            base = quarter * 90 + (45 if turned else 0)
            start, end = math.radians(base + gap), math.radians(base + 90 - gap)
            x0, y0 = 28 + radius * math.cos(start), 28 + radius * math.sin(start)
            x1, y1 = 28 + radius * math.cos(end), 28 + radius * math.sin(end)
            arcs.append(f"M{x0:.2f} {y0:.2f}A{radius} {radius} 0 0 1 {x1:.2f} {y1:.2f}")
    value = next(source)
    spokes = ""
    for quarter in range(4):
        angle = math.radians(quarter * 90 + (45 if value & 1 else 0))
        inner, outer = (7.5, 13) if value & 2 else (13, 18.5)
        spokes += f"M{28 + inner * math.cos(angle):.2f} {28 + inner * math.sin(angle):.2f}"
        spokes += f"L{28 + outer * math.cos(angle):.2f} {28 + outer * math.sin(angle):.2f}"
    return f'<path class="pl" d="{"".join(arcs)}{spokes}"/><circle class="pf" cx="28" cy="28" r="3.2"/>'


FAMILIES: dict[str, Callable[[str], str]] = {"model": lattice, "dataset": mosaic, "service": ripple}
PIGMENTS = ("azurite", "malachite", "cinnabar", "gamboge", "wisteria", "ochre", "stone")


@lru_cache(maxsize=4096)
def plate(seed: str, kind: str = "model", pigment: str = "azurite", extra: str = "") -> str:
    """Return the plate of `seed` as inline SVG; `kind` is model, dataset or service, `extra` are more class names."""
    return (
        f'<svg class="plate {escape(extra)}" data-pigment="{escape(pigment)}" viewBox="-4 -4 64 64" aria-hidden="true" focusable="false">'
        f'<rect class="pb" x="-4" y="-4" width="64" height="64"/>{FAMILIES[kind](seed)}'
        '<rect class="pr" x="-.5" y="-.5" width="57" height="57"/></svg>'
    )

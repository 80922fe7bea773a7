"""Reads the metrics of a training from its file and draws both curves: at once, and the last lines of a run that goes on.

    python benchmarks/metrics.py [--lines 1000000] [--runs 5]

The baseline in the same run is what one would write first: a loop that splits each line, every tenth of which is drawn (all of them
make a page of 40 MB). Goal: less than a second for a million lines.
"""

import argparse
import math
import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from typing import Any

from gallery import table


def written(count: int, digits: int) -> bytes:
    """Return `count` lines of a loss that falls under noise, with `digits` decimals."""
    dice = random.Random(1)
    return b"".join(
        b"%d|%.*f|%.*f\n"
        % (10 * i, digits, 0.8 + 1.2 * math.exp(-3 * i / count) + dice.gauss(0, 0.05), digits // 4, dice.gauss(11_000, 300))
        for i in range(count)
    )


def median(measured: Callable[[], Any], runs: int) -> float:
    """Return the median in seconds, after one run to warm up."""
    measured()
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        measured()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def naive(data: bytes) -> tuple[list[int], list[float], list[float]]:
    """Split each line and convert its parts; what fails is left out."""
    columns: tuple[list[int], list[float], list[float]] = ([], [], [])
    for line in data.decode().splitlines():
        try:
            iteration, loss, throughput = line.split("|")
            row = int(iteration), float(loss), float(throughput)
        except ValueError:
            continue
        for column, value in zip(columns, row, strict=True):
            column.append(value)  # type: ignore[arg-type]
    return columns


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"DATA_DIR": folder, "DJANGO_SETTINGS_MODULE": "portal.settings"}
        import django

        django.setup()
        measure(options.lines, options.runs)


def measure(count: int, runs: int) -> None:
    from core.plots import Curve, Plot, draw
    from toolchain.metrics.digest import digest
    from toolchain.metrics.drawing import plots
    from toolchain.metrics.lines import Piece, Reading, parse

    def cut(data: bytes) -> list[Piece]:
        return [(1.7e9 + place / 6e3, data[place : place + (64 << 10)]) for place in range(0, len(data), 64 << 10)]

    def drawn(reading: Reading) -> str:
        return "".join(draw(plot) for plot in plots([("run", digest(reading))]))

    def all_drawn(data: bytes) -> str:
        iteration, loss, throughput = naive(data)
        curves = [Curve(name, iteration[::10], values[::10]) for name, values in (("loss", loss), ("throughput", throughput))]
        return "".join(draw(Plot(curve.name, curve.name, [curve])) for curve in curves)

    rows = []
    for name, digits in ((f"{count:,} lines, 4 decimals", 4), (f"{count:,} lines, 16 decimals", 16)):
        data = written(count, digits)
        pieces = cut(data)
        seconds = [
            median(lambda: naive(data), runs),  # noqa: B023
            median(lambda: parse(pieces).curves(), runs),  # noqa: B023
            median(lambda: drawn(parse(pieces)), runs),  # noqa: B023
            median(lambda: all_drawn(data), 1),  # noqa: B023
        ]
        rows.append((name, *(f"{value:.3f}" for value in seconds), f"{len(drawn(parse(pieces))) / 1000:.0f} KB"))
    bad = written(count, 4).replace(b"00|", b"00 |")
    rows.append(
        (
            "every tenth line refused",
            f"{median(lambda: naive(bad), runs):.3f}",
            f"{median(lambda: parse(cut(bad)).curves(), runs):.3f}",
            f"{median(lambda: drawn(parse(cut(bad))), runs):.3f}",
            "",
            "",
        )
    )
    data = written(count, 4)
    reading = parse(cut(data))
    reading.curves()

    def refresh() -> str:
        more = b"".join(b"%d|1.5|11000\n" % (10 * count + reading.lines + place) for place in range(100))
        return drawn(parse([(2e9, more)], reading))

    refreshed = median(refresh, runs)
    rows.append(("100 lines more", "", "", f"{refreshed:.3f}", "", ""))
    table(
        f"Metrics, median of {runs} in seconds (goal: read and drawn below 1 s)",
        rows,
        ("", "naive loop", "read", "read and drawn", "naive, a tenth drawn", "both charts"),
    )


if __name__ == "__main__":
    main()

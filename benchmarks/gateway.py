"""What the gateway costs: a service called through it beside the same replica called directly at its socket.

    python benchmarks/gateway.py [--requests 400] [--milliseconds 20 50] [--together 1 4]

One gallery, one replica of a model that works as many milliseconds as are asked for; the two ways take turns in one run, with a connection each that
is kept. Goals: 1.1 times the latency at the median, 1.2 times at the 99th of a hundred, the first byte of a stream 5 ms later.
"""

import argparse
import http.client
import json
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

from gallery import Gallery, table
from serving import Connection
from toolchain_gallery import deployed, with_environments

SCRIPT = """
import time
class Model:
    def __init__(self): pass
    def __call__(self, inputs, **params):
        if isinstance(inputs, list):
            return self.pieces(*inputs)
        end = time.perf_counter() + inputs / 1000
        while time.perf_counter() < end:
            time.sleep(0.001)
        return {"slept": inputs}
    def pieces(self, count, milliseconds):
        for number in range(count):
            time.sleep(milliseconds / 1000)
            yield f"piece {number} "
"""


class Through(Connection):
    """A kept connection to the gallery, for calls of one service."""

    def __init__(self, gallery: Gallery, base: str) -> None:
        http.client.HTTPConnection.__init__(self, "127.0.0.1", urlsplit(gallery.url).port, timeout=600)
        self.base, self.token = base, gallery.token

    def connect(self) -> None:
        http.client.HTTPConnection.connect(self)

    def request(self, method: str, url: str, body: object = None, headers: object = None, **more: object) -> None:  # type: ignore[override]
        given = {**(headers or {}), "Authorization": f"Bearer {self.token}"}  # type: ignore[dict-item]
        super().request(method, self.base + url, body, given, **more)  # type: ignore[arg-type]


Ways = dict[str, Callable[[], Connection]]


def quantiles(times: list[float]) -> tuple[float, float]:
    """Return the median and the 99th of a hundred in milliseconds."""
    return statistics.median(times) * 1000, statistics.quantiles(times, n=100)[98] * 1000


def calls(ways: Ways, milliseconds: int, requests: int, together: int) -> dict[str, list[float]]:
    """Return the seconds of every call, by way: the ways take turns, so that what else the machine does hits both."""
    times: dict[str, list[float]] = {name: [] for name in ways}

    def work(_number: int) -> None:
        connections = {name: make() for name, make in ways.items()}
        for number in range(requests // together + 5):
            for name, connection in connections.items():
                seconds = connection.post("/predict", {"inputs": milliseconds})[1]
                if number >= 5:
                    times[name].append(seconds)

    with ThreadPoolExecutor(together) as pool:
        list(pool.map(work, range(together)))
    return times


def streams(ways: Ways, count: int) -> dict[str, list[float]]:
    """Return the seconds to the first byte of streams, by way."""
    connections = {name: make() for name, make in ways.items()}
    times: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(count + 3):
        for name, connection in connections.items():
            first = connection.post("/predict", {"inputs": [5, 10]})[0]
            if number >= 3:
                times[name].append(first)
    return times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=400)
    parser.add_argument("--milliseconds", type=int, nargs="+", default=[20, 50])
    parser.add_argument("--together", type=int, nargs="+", default=[1, 4])
    options = parser.parse_args()
    with with_environments("current") as gallery:
        base = deployed(gallery, "work", SCRIPT, concurrency=64)
        (found,) = (Path(gallery.data) / "runs" / "runs").glob("service-*/s")
        ways: Ways = {"direct": lambda: Connection(str(found)), "gateway": lambda: Through(gallery, base)}
        rows = []
        for milliseconds in options.milliseconds:
            for together in options.together:
                times = calls(ways, milliseconds, options.requests, together)
                direct, through = (quantiles(times[name]) for name in ("direct", "gateway"))
                rows.append(
                    (f"{milliseconds} ms, {together} at a time", *(f"{each:.1f}" for each in (*direct, *through)),
                     f"{through[0] / direct[0]:.2f}", f"{through[1] / direct[1]:.2f}")
                )  # fmt: skip
        table(
            f"{options.requests} calls each way, ms (goals: 1.1, 1.2)", rows,
            ("the model takes", "direct, median", "99 %", "gateway, median", "99 %", "ratio of medians", "of 99 %"),
        )  # fmt: skip
        times = streams(ways, max(50, options.requests // 4))
        direct, through = (quantiles(times[name]) for name in ("direct", "gateway"))
        rows = [(name, *(f"{each:.2f}" for each in pair)) for name, pair in (("direct", direct), ("gateway", through))]
        rows.append(("later", *(f"{after - before:.2f}" for before, after in zip(direct, through, strict=True))))
        table("First byte of a stream, ms (goal: 5 ms later)", rows, ("", "median", "99 %"))
        print(json.dumps({"at": time.strftime("%Y-%m-%d %H:%M")}))


if __name__ == "__main__":
    main()

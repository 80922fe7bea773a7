"""Lists folders of a repository with nearly 100,000 files (the limit): page and REST, first page and a late one.

    python benchmarks/listing.py [--files 99900] [--runs 15]

The baseline in the same run is the same request to a repository of 100 files. Goal: first page within 50 ms.
"""

import argparse
import statistics
import time
import urllib.request

from gallery import Gallery, running, table


def fill(gallery: Gallery, name: str, count: int) -> str:
    """Make a repository with `count` tiny files, 1,000 a folder, in commits of 10,000."""
    api = gallery.create(name)
    for first in range(0, count, 10_000):
        numbers = range(first, min(first + 10_000, count))
        operations = [{"op": "put", "path": f"d{i // 1000:03}/f{i:06}.txt", "content": str(i), "encoding": "utf-8"} for i in numbers]
        gallery.call("POST", f"{api}/commits", {"branch": "main", "message": "files", "operations": operations})
    return api


def measure(gallery: Gallery, path: str, runs: int) -> str:
    """Return the median in milliseconds of `runs` requests, after two to warm up."""
    times = []
    for run in range(runs + 2):
        request = urllib.request.Request(gallery.url + path, headers={"Authorization": f"Bearer {gallery.token}"})
        start = time.monotonic()
        with urllib.request.urlopen(request) as answer:
            answer.read()
        if run >= 2:
            times.append((time.monotonic() - start) * 1000)
    return f"{statistics.median(times):.1f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=99_900)
    parser.add_argument("--runs", type=int, default=15)
    options = parser.parse_args()
    with running() as gallery:
        fill(gallery, "small", 100)
        fill(gallery, "large", options.files)
        rows = []
        for label, suffix in (
            ("page, root", "/files"),
            ("page, folder", "/files/main/d000"),
            ("page, file", "/files/main/d000/f000001.txt"),
        ):
            rows.append((label, *(measure(gallery, f"/models/bench/{name}{suffix}", options.runs) for name in ("small", "large"))))
        for label, suffix in (
            ("REST, root", "/files?limit=100"),
            ("REST, folder", "/files?path=d000&limit=100"),
            ("REST, one file", "/files/main/d000/f000001.txt"),
        ):
            rows.append((label, *(measure(gallery, f"/api/v1/models/bench/{name}{suffix}", options.runs) for name in ("small", "large"))))
    table(f"Listing, median of {options.runs} in ms (goal: 50 ms for the first page)", rows, ("", "100 files", f"{options.files} files"))


if __name__ == "__main__":
    main()

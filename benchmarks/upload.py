"""Uploads one file in parts and compares with `sha256sum` plus `cp` of the same file on the same disk.

    python benchmarks/upload.py [--size-mib 2048] [--connections 3] [--runs 3]

The client does what ours do: the whole SHA-256 first, then parts in parallel, each with its own SHA-256, then finish and
wait until the server has verified the whole. Goal: at least 0.7 of the baseline's speed.
"""

import argparse
import hashlib
import shutil
import statistics
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from gallery import Gallery, make_file, running, table


def upload(gallery: Gallery, api: str, path: Path, connections: int, *, commit: bool = False) -> float:
    """Return the seconds from opening the file to a verified object; then commit it, or drop it so that no run profits from another."""
    start = time.monotonic()
    size = path.stat().st_size
    with open(path, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    [begun] = gallery.call("POST", f"{api}/uploads", {"files": [{"path": path.name, "size": size, "sha256": digest}]})["uploads"]
    address = f"{api}/uploads/{begun['id']}"
    numbers = list(range(1, begun["part_count"] + 1))
    parts = gallery.call("POST", f"{address}/parts", {"numbers": numbers})["addresses"]

    def send(mine: list[dict[str, Any]]) -> None:
        connection = gallery.connection()
        with open(path, "rb") as file:
            for part in mine:
                file.seek(part["offset"])
                data = file.read(part["length"])
                connection.request("PUT", part["url"].removeprefix(gallery.url), data, {"X-Part-SHA256": hashlib.sha256(data).hexdigest()})
                answer = connection.getresponse()
                if answer.status != 200:
                    raise SystemExit(f"part {part['number']}: {answer.status} {answer.read()!r}")
                answer.read()

    with ThreadPoolExecutor(connections) as pool:
        list(pool.map(send, [parts[i::connections] for i in range(connections)]))
    state = gallery.call("POST", f"{address}/finish")
    while state["state"] == "finishing":
        time.sleep(0.05)
        state = gallery.call("GET", address)
    if state["state"] != "finished":
        raise SystemExit(f"upload {state}")
    seconds = time.monotonic() - start
    if commit:
        operations = [{"op": "put", "path": path.name, "upload": begun["id"]}]
        gallery.call("POST", f"{api}/commits", {"branch": "main", "message": "weights", "operations": operations})
    else:
        gallery.call("DELETE", address)
    return seconds


def baseline(path: Path) -> float:
    """Return the seconds of `sha256sum` and `cp` with its data on disk."""
    copy = path.with_suffix(".copy")
    start = time.monotonic()
    subprocess.run(["sha256sum", str(path)], check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["cp", str(path), str(copy)], check=True)
    subprocess.run(["sync", str(copy)], check=True)
    seconds = time.monotonic() - start
    copy.unlink()
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size-mib", type=int, default=2048)
    parser.add_argument("--connections", type=int, default=3)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="gallery-bench-file-"))
    try:
        with running() as gallery:
            api, ours, theirs = gallery.create("upload"), [], []
            for run in range(options.runs):
                path = folder / f"weights{run}.bin"
                make_file(path, options.size_mib << 20)
                theirs.append(baseline(path))
                ours.append(upload(gallery, api, path, options.connections))
                path.unlink()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    best, base = statistics.median(ours), statistics.median(theirs)
    rows = [
        ("sha256sum + cp + sync", f"{base:.2f}", f"{options.size_mib / base:.0f}", "1.00"),
        ("upload", f"{best:.2f}", f"{options.size_mib / best:.0f}", f"{base / best:.2f}"),
    ]
    table(f"Upload of {options.size_mib} MiB, median of {options.runs} (goal: ratio >= 0.7)", rows, ("", "seconds", "MiB/s", "ratio"))


if __name__ == "__main__":
    main()

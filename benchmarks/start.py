"""How long the gallery takes to start: cold into an empty data folder, and warm again. Usage: benchmarks/start.py [rounds]"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from statistics import median

from gallery import free_port, table

ROOT = Path(__file__).resolve().parent.parent


def ready(port: int) -> bool:
    """Whether all parts work, the worker included."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
            return bool(json.load(answer)["status"] == "ok")
    except (OSError, urllib.error.HTTPError):
        return False


def start(data: Path) -> tuple[float, float, float]:
    """Start and stop once; return the seconds to the address, to full readiness, and of the stop."""
    port = free_port()
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_URL") and name != "DJANGO_SETTINGS_MODULE"}
    begun = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "manage.py"), "up"],
        env={**environment, "DATA_DIR": str(data), "PORT": str(port), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert process.stdout
        said = ""
        for line in process.stdout:
            said += line
            if re.match(r"Open http", line):
                break
        else:
            sys.exit(said)
        address = time.monotonic() - begun
        while not ready(port):
            time.sleep(0.02)
        everything = time.monotonic() - begun
        stopping = time.monotonic()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
        return address, everything, time.monotonic() - stopping
    finally:
        if process.poll() is None:
            process.kill()


def main() -> None:
    """Print a table of the medians."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    cold, warm = [], []
    for _round in range(rounds):
        folder = Path(tempfile.mkdtemp(prefix="gallery-start-"))
        try:
            cold.append(start(folder / "data"))
            warm.append(start(folder / "data"))
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    rows = [
        (name, *(f"{median(one[i] for one in times):.1f} s" for i in range(3)), goal)
        for name, times, goal in (("cold", cold, "-"), ("warm", warm, "< 5 s"))
    ]
    table(f"Start on {os.cpu_count()} processors, median of {rounds}", rows, ("start", "address", "all ready", "stop", "goal"))


if __name__ == "__main__":
    main()

"""Downloads one large file and compares with nginx serving the same file with sendfile.

    python benchmarks/download.py [--size-mib 2048] [--runs 3]

Needs nginx on the path for the baseline (`apt-get install nginx-light`). Goal: at least 0.9 of nginx's speed.
"""

import argparse
import shutil
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from gallery import free_port, make_file, running, table
from upload import upload


def curl(url: str, *extra: str) -> float:
    """Return the seconds curl takes for `url`, thrown away."""
    start = time.monotonic()
    subprocess.run(["curl", "-sSfL", "-o", "/dev/null", *extra, url], check=True)
    return time.monotonic() - start


def nginx(folder: Path, port: int) -> "subprocess.Popen[bytes]":
    """Start nginx on loopback over `folder`, in the foreground, with sendfile."""
    configuration = folder / "nginx.conf"
    configuration.write_text(
        f"daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log; events {{}} "
        f"http {{ access_log off; sendfile on; tcp_nopush on; server {{ listen 127.0.0.1:{port}; root {folder}; }} }}"
    )
    folder.chmod(0o755)
    return subprocess.Popen(["nginx", "-c", str(configuration), "-p", str(folder)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size-mib", type=int, default=2048)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    if shutil.which("nginx") is None:
        raise SystemExit("nginx is not installed; it is the baseline.")
    folder = Path(tempfile.mkdtemp(prefix="gallery-bench-file-"))
    path = folder / "weights.bin"
    port = free_port()
    server = None
    try:
        make_file(path, options.size_mib << 20)
        server = nginx(folder, port)
        with running() as gallery:
            api = gallery.create("download")
            upload(gallery, api, path, 3, commit=True)
            url = f"{gallery.url}/models/bench/download/resolve/main/weights.bin"
            base_url = f"http://127.0.0.1:{port}/weights.bin"
            ours, theirs, ours_range, theirs_range = [], [], [], []
            half = f"{(options.size_mib << 20) // 4}-{(options.size_mib << 20) * 3 // 4}"
            for _run in range(options.runs):
                theirs.append(curl(base_url))
                ours.append(curl(url))
                theirs_range.append(curl(base_url, "-r", half))
                ours_range.append(curl(url, "-r", half))
    finally:
        if server is not None:
            server.terminate()
            server.wait(10)
        shutil.rmtree(folder, ignore_errors=True)
    rows = []
    for name, base, mine, size in (
        ("whole", theirs, ours, options.size_mib),
        ("half, by Range", theirs_range, ours_range, options.size_mib / 2),
    ):
        b, m = statistics.median(base), statistics.median(mine)
        rows += [
            (f"nginx, {name}", f"{b:.2f}", f"{size / b:.0f}", "1.00"),
            (f"gallery, {name}", f"{m:.2f}", f"{size / m:.0f}", f"{b / m:.2f}"),
        ]
    table(f"Download of {options.size_mib} MiB, median of {options.runs} (goal: ratio >= 0.9)", rows, ("", "seconds", "MiB/s", "ratio"))


if __name__ == "__main__":
    main()

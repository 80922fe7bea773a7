"""Commits many small files in one request and compares with `git push` of the same files to a bare repository.

    python benchmarks/commit.py [--files 10000] [--bytes 500] [--runs 3]

Both sides start with the files in memory or already committed locally. Goal: at most twice the time of `git push`.
"""

import argparse
import shutil
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from gallery import running, table


def contents(count: int, size: int, run: int) -> dict[str, str]:
    """Return small text files in folders of 100, different for each run."""
    return {f"data/{i // 100:04}/record-{i:06}.txt": (f"{run} {i} " * (size // 4))[:size] for i in range(count)}


def push(files: dict[str, str], folder: Path) -> float:
    """Return the seconds of `git push` alone; adding and committing locally is not counted."""
    work, bare = folder / "work", folder / "bare.git"
    subprocess.run(["git", "init", "-q", "--bare", str(bare)], check=True)
    subprocess.run(["git", "init", "-q", str(work)], check=True)
    for path, text in files.items():
        target = work / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    git = ["git", "-C", str(work), "-c", "user.name=bench", "-c", "user.email=bench@example.com"]
    subprocess.run([*git, "add", "-A"], check=True)
    subprocess.run([*git, "commit", "-qm", "files"], check=True)
    start = time.monotonic()
    subprocess.run([*git, "push", "-q", str(bare), "HEAD:main"], check=True)
    seconds = time.monotonic() - start
    shutil.rmtree(work, ignore_errors=True)
    shutil.rmtree(bare, ignore_errors=True)
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--bytes", type=int, default=500)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="gallery-bench-git-"))
    ours, theirs = [], []
    try:
        with running() as gallery:
            for run in range(options.runs):
                files = contents(options.files, options.bytes, run)
                theirs.append(push(files, folder))
                api = gallery.create(f"commit-{run}")
                operations = [{"op": "put", "path": path, "content": text, "encoding": "utf-8"} for path, text in files.items()]
                start = time.monotonic()
                gallery.call("POST", f"{api}/commits", {"branch": "main", "message": "files", "operations": operations})
                ours.append(time.monotonic() - start)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    base, mine = statistics.median(theirs), statistics.median(ours)
    rows = [("git push", f"{base:.2f}", "1.00"), ("gallery, one request", f"{mine:.2f}", f"{mine / base:.2f}")]
    table(
        f"Commit of {options.files} files of {options.bytes} bytes, median of {options.runs} (goal: at most 2 x)",
        rows,
        ("", "seconds", "times"),
    )


if __name__ == "__main__":
    main()

"""How long user code waits: from the submission of a training job to the first line of its script, beside `python train.py` started by hand.

    python benchmarks/training.py [--runs 10]

The environment is warm, and the machine is free. The line holds the moment at which the script wrote it. Goal: one second more than by hand. Besides:
how long after that the page shows the line.
"""

import argparse
import os
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from gallery import Gallery, table
from toolchain_gallery import environment, published, smallest, until, with_environments

from toolchain.environments import ready

SCRIPT = """
import time
print("line", time.time(), flush=True)
import os, pathlib
(pathlib.Path(os.environ["ENV_AG_TRAIN_OUTPUT_DIR"]) / "weights.bin").write_bytes(b"w")
"""
PARAMS = '{"training_methods": [{"name": "Full", "hyperparameters": []}]}'
FILES = {
    "README.md": "---\npipeline_tag: image-classification\n---\n",
    "config.json": "{}",
    "gallery_train/train.py": SCRIPT,
    "gallery_train/train_params.json": PARAMS,
    "gallery_train/dataset_readme.md": "# Data\n",
}


def by_hand(runs: int) -> list[float]:
    """Return the seconds to the first line of the script, started with the interpreter of the environment."""
    python = ready.python_of(*environment("current"))
    times = []
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "train.py").write_text(SCRIPT)
        for _run in range(runs + 1):
            begun = time.time()
            done = subprocess.run(
                [python, "train.py"],
                cwd=folder,
                env={**os.environ, "ENV_AG_TRAIN_OUTPUT_DIR": folder},
                capture_output=True,
                text=True,
                check=True,
            )
            times.append(float(done.stdout.split()[1]) - begun)
    return times[1:]


def submitted(gallery: Gallery, runs: int) -> tuple[list[float], list[float]]:
    """Return the seconds from sending a job to the first line of its script, and to the moment at which the gallery shows it."""
    published(gallery, "model", "quick", FILES)
    published(gallery, "dataset", "rows", {"data.csv": "a\n1\n"})
    until(lambda: gallery.call("GET", "/api/v1/models/bench/quick/training-options")["tasks"], "the model to be read")
    spec, written, shown = smallest(gallery), [], []
    for run in range(runs + 1):
        begun = time.time()
        order = {"model": "bench/quick", "dataset": "bench/rows", "spec": spec, "output_name": f"out-{run}"}
        job = gallery.call("POST", "/api/v1/training-jobs", order)["id"]
        text = until(lambda job=job: gallery.call("GET", f"/api/v1/training-jobs/{job}/log")["text"], "the first line")
        shown.append(time.time() - begun)
        written.append(float(text.split()[1]) - begun)
        until(lambda job=job: gallery.call("GET", f"/api/v1/training-jobs/{job}")["state"] == "completed", "the end")
    return written[1:], shown[1:]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=10)
    options = parser.parse_args()
    with with_environments("current") as gallery:
        hand = by_hand(options.runs)
        written, shown = submitted(gallery, options.runs)
    rows = [
        (name, f"{statistics.median(times):.3f}", f"{max(times):.3f}", f"{statistics.median(times) - statistics.median(hand):+.3f}")
        for name, times in (("python train.py", hand), ("submitted", written), ("submitted, seen over REST", shown))
    ]
    table(f"Seconds to the first line, {options.runs} runs (goal: +1)", rows, ("", "median", "longest", "beside by hand"))


if __name__ == "__main__":
    main()

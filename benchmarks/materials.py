"""Gives a run its inputs and keeps its output: a commit becomes a folder, a folder a commit; beside `cp -r` and `sync` of the same files.

    python benchmarks/materials.py [--texts 10000] [--images 3000] [--weights-mib 2048]

Texts are small files that git holds itself, images are large objects by their type, weights are one large file.
"""

import argparse
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gallery import make_file, running, table

INSIDE = "MATERIALS_BENCHMARK"


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    start = time.monotonic()
    found = work()
    return time.monotonic() - start, found


def copied(source: Path, target: Path) -> float:
    """Return the seconds of `cp -r` with its data on disk."""
    start = time.monotonic()
    subprocess.run(["cp", "-r", str(source), str(target)], check=True)
    subprocess.run(["sync", "-f", str(target)], check=True)
    seconds = time.monotonic() - start
    subprocess.run(["chmod", "-R", "u+w", str(target)], check=True)
    shutil.rmtree(target)
    return seconds


def write(folder: Path, texts: int, images: int, mib: int) -> None:
    for count, suffix, size in ((texts, "txt", 500), (images, "png", 2000)):
        for number in range(count):
            path = folder / suffix / f"{number // 500:03}" / f"{number:06}.{suffix}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(f"{number} ".encode() * (size // 8))
    if mib:
        folder.mkdir(parents=True, exist_ok=True)
        make_file(folder / "model.safetensors", mib << 20)


def measure(options: argparse.Namespace) -> None:
    import django

    django.setup()
    from accounts.models import Namespace, User
    from assets.services import create_asset
    from repos.reading import resolve
    from toolchain.materials import collect, materialise, surveyed

    bench = User.objects.get(handle="bench")
    data = Path(os.environ["DATA_DIR"])
    rows = []
    sets = (
        (f"{options.texts} texts", options.texts, 0, 0),
        (f"{options.images} images", 0, options.images, 0),
        (f"{options.weights_mib} MiB of weights", 0, 0, options.weights_mib),
    )
    for number, (label, texts, images, mib) in enumerate(sets):
        output = data / f"run-{number}" / "output"
        write(output, texts, images, mib)
        baseline = copied(output, data / "copy")
        namespace = Namespace.objects.for_user(bench).get(pk=bench.pk)
        asset = create_asset(actor=bench, namespace=namespace, kind="model", name=f"run-{number}")
        keep, _made = timed(lambda: collect(surveyed(output), asset=asset, actor=bench, message="result", key=f"run-{number}"))  # noqa: B023
        revision = resolve(asset.open_repository())
        give, _made = timed(lambda: materialise(revision, data / "inputs"))  # noqa: B023
        again, _made = timed(lambda: materialise(revision, data / "inputs"))  # noqa: B023
        rows.append((label, *(f"{seconds:.2f}" for seconds in (baseline, give, again, keep))))
    table("Materials, seconds", rows, ("", "cp -r, sync", "input", "input again", "output"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=int, default=10_000)
    parser.add_argument("--images", type=int, default=3_000)
    parser.add_argument("--weights-mib", type=int, default=2048)
    options = parser.parse_args()
    if os.environ.get(INSIDE):
        measure(options)
        return
    with running() as gallery:
        environment = {**gallery.environment, INSIDE: "1", "DJANGO_SETTINGS_MODULE": "portal.settings"}
        subprocess.run([sys.executable, *sys.argv], env=environment, check=True)


if __name__ == "__main__":
    main()

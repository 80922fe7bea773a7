"""Scans pickles with ours, picklescan and modelscan: megabytes a second on the same files, and which adversarial kinds each finds.

    python benchmarks/scan.py [--size 512] [--small 2000] [--modelscan /path/to/python]

`--modelscan` names the Python of an environment that has modelscan; without one its column says so. Every scanner gets each file by
its path, in one process that has already imported it; ours is the whole scan of files, not that of pickles alone.
"""

import argparse
import collections
import json
import logging
import os
import pickle
import struct
import subprocess
import tempfile
import time
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

from gallery import table
from picklescan.scanner import scan_file_path

from inspection.files import File
from inspection.safety.scan import scan_file
from inspection.tests import adversarial_archives, adversarial_arrays, adversarial_calls, adversarial_names, adversarial_streams, benign
from inspection.tests.adversarial import ADVERSARIAL, BENIGN, ordered, pickled, state_dict, tensor, text

KINDS = (adversarial_archives, adversarial_arrays, adversarial_calls, adversarial_names, adversarial_streams, benign)
FOUND, SUSPECTED, FAILED, MISSED, ABSENT = "found", "suspected", "error", "missed", "not installed"
MIB = 1 << 20

MODELSCAN = """
import contextlib, io, json, logging, sys, time
logging.disable(logging.CRITICAL)
from pathlib import Path
from modelscan.modelscan import ModelScan
answers = []
for paths in json.load(sys.stdin):
    words, start = [], time.perf_counter()
    for path in paths:
        scanner = ModelScan()
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                scanner.scan(Path(path))
            clean = "error" if scanner.errors else "skipped" if scanner.skipped else "missed"
            words.append("found" if scanner.issues.all_issues else clean)
        except Exception:
            words.append("error")
    answers.append([time.perf_counter() - start, words])
json.dump(answers, sys.stdout)
"""


def ours(path: Path) -> str:
    """Return what our scan says of a file: anything but safe is told to whoever is about to load it."""
    with path.open("rb") as stream:
        number = stream.fileno()
        verdict = scan_file(File(path.name, path.stat().st_size, lambda start, end: os.pread(number, end - start, start))).verdict
    return {"safe": MISSED, "dangerous": FOUND, "caution": SUSPECTED, "unscanned": "unscanned"}[verdict]


def picklescan(path: Path) -> str:
    """Return what picklescan says."""
    try:
        result = scan_file_path(str(path))
    except Exception:
        return FAILED
    if result.issues_count:
        return FOUND
    return SUSPECTED if result.suspicious_count else FAILED if result.scan_err else MISSED


def timed(scan: Callable[[Path], str], paths: Sequence[Path]) -> tuple[float, list[str]]:
    """Return the seconds for all of them together and the words."""
    start = time.perf_counter()
    words = [scan(path) for path in paths]
    return time.perf_counter() - start, words


def modelscan(python: str, groups: Sequence[Sequence[Path]]) -> list[tuple[float, list[str]]] | None:
    """Return the same for each group as told by modelscan, or None where it is not installed."""
    if not python or subprocess.run([python, "-c", "import modelscan"], capture_output=True).returncode:
        return None
    asked = json.dumps([[str(path) for path in paths] for paths in groups])
    done = subprocess.run([python, "-c", MODELSCAN], input=asked, capture_output=True, text=True, check=True)
    return [(seconds, words) for seconds, words in json.loads(done.stdout)]


def torch_archive(path: Path, size: int) -> None:
    """Write an archive as PyTorch does: 256 tensors of one size, stored."""
    side, block = size * MIB // 256, os.urandom(size * MIB // 256)
    with zipfile.ZipFile(path, "w", allowZip64=True) as archive:
        weights = ((text(f"layers.{i}.weight"), tensor(str(i), side // 4)) for i in range(256))
        archive.writestr("archive/data.pkl", pickled(ordered(*weights), 2))
        archive.writestr("archive/version", b"3\n")
        for i in range(256):
            archive.writestr(f"archive/data/{i}", block)


def arrays_in_a_pickle(path: Path, size: int) -> None:
    """Write a plain pickle with raw numbers of 8 MiB each between its opcodes."""
    block = os.urandom(8 * MIB)
    with path.open("wb") as stream:
        stream.write(b"\x80\x04](")
        for _ in range(size // 8):
            stream.write(b"\x8e" + struct.pack("<Q", len(block)) + block)
        stream.write(b"e.")


def objects(path: Path) -> None:
    """Write a pickle of many small objects: all opcodes, no payload."""
    rows = [{"name": f"item {i}", "share": i / 7, "pair": (i, i + 1), "tags": ["a", "b"]} for i in range(150_000)]
    path.write_bytes(pickle.dumps(collections.OrderedDict(rows=rows), 4))


def speeds(folder: Path, size: int, small: int, python: str) -> list[tuple[str, ...]]:
    """Write the large files and return a row for each group."""
    torch_archive(folder / "archive.pt", size)
    arrays_in_a_pickle(folder / "arrays.pkl", size)
    objects(folder / "objects.pkl")
    many = [folder / f"weights-{i}.pkl" for i in range(small)]
    for path in many:
        path.write_bytes(state_dict())
    groups = [[folder / "archive.pt"], [folder / "arrays.pkl"], [folder / "objects.pkl"], many]
    labels = (f"torch archive, {size} MiB", f"pickle of arrays, {size} MiB", "pickle of 150,000 objects", f"{small} small pickles")
    for paths in groups:
        for path in paths:
            path.read_bytes()  # from the page cache for everybody
    strange = modelscan(python, groups)
    rows = []
    for number, (label, paths) in enumerate(zip(labels, groups, strict=True)):
        weight = sum(path.stat().st_size for path in paths) / 1e6
        seconds = [timed(scan, paths)[0] for scan in (ours, picklescan)] + ([strange[number][0]] if strange else [])
        rows.append((label, *(f"{weight / spent:,.1f} ({spent:.2f} s)" for spent in seconds), *([] if strange else [ABSENT])))
    return rows


def catches(folder: Path, python: str) -> tuple[list[tuple[str, ...]], list[tuple[str, ...]]]:
    """Return a row for each adversarial kind, and the sums."""
    assert all(module.__doc__ for module in KINDS)
    paths = {}
    for case in ADVERSARIAL + BENIGN:
        paths[case.name] = folder / case.name / case.path
        paths[case.name].parent.mkdir(parents=True)
        paths[case.name].write_bytes(case.data)
    asked = list(paths.values())
    strange = modelscan(python, [asked])
    columns = [timed(ours, asked)[1], timed(picklescan, asked)[1], strange[0][1] if strange else [ABSENT] * len(asked)]
    told = {case: words for case, *words in zip(paths, *columns, strict=True)}
    rows = [(case.name, case.verdict, *told[case.name]) for case in ADVERSARIAL]
    sums = []
    for label, cases, counted in (
        ("dangerous kinds found", [case for case in ADVERSARIAL if case.verdict == "dangerous"], {FOUND}),
        ("dangerous kinds called clean", [case for case in ADVERSARIAL if case.verdict == "dangerous"], {MISSED, "skipped"}),
        ("other bad kinds called clean", [case for case in ADVERSARIAL if case.verdict != "dangerous"], {MISSED, "skipped"}),
        ("harmless kinds not called clean", BENIGN, {FOUND, SUSPECTED, FAILED, "unscanned"}),
    ):
        counts = [sum(told[case.name][column] in counted for case in cases) for column in range(3)]
        sums.append((label, *(f"{count} of {len(cases)}" for count in counts)))
    return rows, [row if strange else (*row[:3], ABSENT) for row in sums]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=512, help="MiB of the large files")
    parser.add_argument("--small", type=int, default=2000, help="how many small pickles")
    parser.add_argument("--modelscan", default="", help="the Python of an environment with modelscan")
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    scanners = ("ours", "picklescan", "modelscan")
    with tempfile.TemporaryDirectory() as folder:
        rows, sums = catches(Path(folder) / "kinds", options.modelscan)
        table("Adversarial kinds", rows, ("kind", "deserves", *scanners))
        table("Sums", sums, ("", *scanners))
        table("MB/s", speeds(Path(folder), options.size, options.small, options.modelscan), ("", *scanners))


if __name__ == "__main__":
    main()

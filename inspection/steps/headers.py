"""Reading the headers of a model's weights, each file once whatever commit and repository it stands in."""

from typing import Any

from inspection import isolation
from inspection.files import File, Unreadable
from inspection.registry import Task
from inspection.services import keep_reports, reports
from inspection.weights.reports import SUFFIXES, Report
from inspection.weights.selection import interesting

STEP, VERSION = "headers", 1
MOST_FILES = 5_000
# A longer list of tensors is read again rather than kept.
MOST_KEPT_TENSORS = 20_000
MOST_APART = 64
LIMITS = isolation.Limits()


def read(task: Task) -> dict[str, Any]:
    """Return the figures of the model as `inspection.weights.measure` does, without its `reports`: those are kept by content."""
    files = list(task.files([path for path in task.items if interesting(path)][:MOST_FILES]))
    known = _known(task, files)
    try:
        result = _measure(task, files, known)
    except Unreadable as error:
        # One file was too much for the confined process: the others count all the same.
        apart = [file for file in files if file.suffix in SUFFIXES and file.path not in known]
        if not apart or len(apart) > MOST_APART:
            return _nothing(error)
        try:
            result = _measure(task, files, known | _one_by_one(task, apart))
        except Unreadable as again:
            return _nothing(again)
    return result


def _measure(task: Task, files: list[File], known: dict[str, Report]) -> dict[str, Any]:
    sizes = {path: item.size for path, item in task.items.items()} if any(file.suffix == ".onnx" for file in files) else {}
    result: dict[str, Any] = isolation.run(
        "inspection.weights:measure", {"known": known, "sizes": sizes}, files=files, limits=LIMITS, beat=task.beat
    )
    _keep(task, {file.path: file for file in files}, result.pop("reports"))
    return result


def _known(task: Task, files: list[File]) -> dict[str, Report]:
    """Return the reports that exist, by path."""
    contents = {file.path: (task.content(file.path), SUFFIXES[file.suffix]) for file in files if file.suffix in SUFFIXES}
    kept = reports(step=STEP, repository=task.repository, contents=[content for content, _form in contents.values()])
    known = {path: kept[key].report for path, key in contents.items() if key in kept}
    # Whoever begins again doubts what went wrong.
    return {path: report for path, report in known.items() if not (task.again and "error" in report)}


def _keep(task: Task, files: dict[str, File], found: dict[str, Report]) -> None:
    kept = {
        (task.content(path), SUFFIXES[files[path].suffix]): ("", report)
        for path, report in found.items()
        if path in files and len(report.get("tensors", ())) <= MOST_KEPT_TENSORS
    }
    keep_reports(step=STEP, repository=task.repository, found=kept)


def _one_by_one(task: Task, files: list[File]) -> dict[str, Report]:
    found: dict[str, Report] = {}
    for done, file in enumerate(files):
        task.beat(done, len(files))
        try:
            read: dict[str, Report] = isolation.run("inspection.weights:read_each", {}, files=[file], limits=LIMITS, beat=task.beat)
        except Unreadable as error:
            # Not kept: what was too much for this machine today may not be so tomorrow.
            found[file.path] = {"format": SUFFIXES[file.suffix], "error": error.code}
        else:
            _keep(task, {file.path: file}, read)
            found |= read
    return found


def _nothing(error: Unreadable) -> dict[str, Any]:
    """Return the result for a model of which nothing could be told."""
    sums: dict[str, Any] = {
        "format": "",
        "parameters": None,
        "bytes": 0,
        "complete": False,
        "dtypes": {},
        "parts": {},
        "tree": [],
        "linear": {},
    }
    finding = {"code": error.code, "path": "", "facts": error.facts}
    return sums | {"config": {}, "quantisation": {}, "files": [], "variants": [], "findings": [finding]}

"""The whole validation: from files to a report."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from inspection.files import File, Unreadable
from toolchain.validator import architectures, folders, images
from toolchain.validator.findings import Finding, Report, in_order
from toolchain.validator.folders import INFERENCE, TRAINING

SMALL = 5_000_000
_READ = (".py", ".sh", ".bash")
VERSION = 2
"""Of the rules: a higher number has every model read again."""


def wanted(path: str, size: int) -> bool:
    """Say whether the bytes of a file may be asked for; of all others only path and size count."""
    inside = path.startswith((f"{TRAINING.name}/", f"{INFERENCE.name}/"))
    return size <= SMALL and (inside or path in (images.README, architectures.CONFIG) or path.lower().endswith(_READ))


def examine(files: Sequence[File]) -> Report:
    """Return what the files say, whatever the registries: `judged` adds what this gallery thinks of those."""
    by_path = {file.path: file for file in files}
    head, findings = images.read_head(by_path.get(images.README))
    training, found = images.check(head, images.TRAINING, by_path)
    findings += found
    inference, found = images.check(head, images.INFERENCE, by_path)
    findings += found
    elsewhere = _modules(by_path)
    notes, _none = folders.check(TRAINING, by_path, elsewhere, "image_training" if training.form else "training")
    findings += notes.found
    serving = None
    if not inference.form:
        notes, serving = folders.check(INFERENCE, by_path, elsewhere, "inference")
        findings += notes.found
    architecture, found = architectures.read_architecture(by_path.get(architectures.CONFIG))
    ordered, dropped = in_order([*findings, *found])
    listing = [(file.path, file.size) for file in files]
    return Report(
        findings=ordered,
        training=training if training.form else replace(training, form=_form(TRAINING.name, by_path)),
        inference=inference if inference.form else replace(inference, form=_form(INFERENCE.name, by_path)),
        serving=serving,
        architecture=architecture,
        weights=architectures.has_weights(listing),
        dropped=dropped,
        adapter=architectures.has_adapter(listing),
    )


def judged(report: Report, registries: Sequence[str]) -> Report:
    """Return `report` with the findings about the registries of its images."""
    ordered, dropped = in_order([*report.findings, *images.judged(report, registries)])
    return replace(report, findings=ordered, dropped=report.dropped + dropped)


def validate(files: Sequence[File], *, registries: Sequence[str]) -> Report:
    """Return what is wrong with a model's files by the specifications of custom models and custom images.

    `registries` are those from which images may come, see `images.judged`. Contents are parsed, never run; nothing is raised for them.
    """
    return judged(examine(files), registries)


def examine_listing(listing: Sequence[Sequence[Any]], refused: Mapping[str, str], files: Sequence[File] = ()) -> dict[str, Any]:
    """Return the report as plain data for a listing of paths and sizes, of which `files` can be read: what runs confined.

    `refused` says why of others, by path.
    """
    readable = {file.path: file for file in files}
    refusing = {code: _refusing(code) for code in ("", *refused.values())}
    return examine([readable.get(path) or File(path, size, refusing[refused.get(path, "")]) for path, size in listing]).as_dict()


def unread(reason: str) -> Report:
    """Return the report for files that could not be read within memory and time, `reason` being the code for that."""
    return Report(findings=(Finding("validation_stopped", "error", "", None, {"reason": reason}, _EVERYTHING),))


_EVERYTHING: Any = ("training", "inference", "image_training", "image_inference")


def _refusing(code: str) -> Callable[[int, int], bytes]:
    def read(start: int, end: int) -> bytes:
        raise Unreadable(code or "not_given")

    return read


def _form(name: str, files: Mapping[str, File]) -> Any:
    return "folder" if any(path.startswith(f"{name}/") for path in files) else ""


def _modules(files: Iterable[str]) -> dict[str, str]:
    """Return the Python modules and packages outside both folders by name, each with the path nearest to the top."""
    found: dict[str, str] = {}
    for path in sorted(files, key=lambda path: (path.count("/"), path)):
        if path.startswith((f"{TRAINING.name}/", f"{INFERENCE.name}/")) or not path.endswith(".py"):
            continue
        parts = path[:-3].split("/")
        name = parts[-2] if parts[-1] == "__init__" and len(parts) > 1 else parts[-1]
        found.setdefault(name, path)
    return found

"""The tensors of one model, each once, out of the reports of its files."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import prod
from typing import Any

from inspection.files import File
from inspection.weights import config, shapes
from inspection.weights.gguf_keys import PLAIN_TYPES
from inspection.weights.quantisation import Packing, described
from inspection.weights.reports import Report
from inspection.weights.selection import Component
from inspection.weights.tree import Leaf

MOST_TENSORS = 400_000
MOST_TWICE = 20


@dataclass
class Gathered:
    """One model: its tensors, its figures, and what is wrong. `hidden` says that packing hides the shapes of matrices."""

    name: str
    form: str
    complete: bool
    findings: list[dict[str, Any]]
    files: list[dict[str, Any]] = field(default_factory=list)
    leaves: list[Leaf] = field(default_factory=list)
    bytes: int = 0
    figures: dict[str, Any] = field(default_factory=dict)
    quantisation: dict[str, Any] = field(default_factory=dict)
    adapter: dict[str, Any] = field(default_factory=dict)
    hidden: bool = False

    def found(self, code: str, path: str, **facts: Any) -> None:
        """Note that something is wrong."""
        self.findings.append({"code": code, "path": path, "facts": facts})

    def summary(self) -> dict[str, Any]:
        """Return the model as a line of its pipeline."""
        total = sum(leaf.parameters for leaf in self.leaves) if self.complete else None
        said = {"name": self.name, "format": self.form, "parameters": total, "bytes": self.bytes}
        return said | {"class": self.figures.get("architecture", "")}


def gather(component: Component, report_of: Callable[[File], Report], sizes: Mapping[str, int]) -> Gathered:
    """Return the model that the files of `component` hold; `sizes` are those of all files by path."""
    found = Gathered(component.name, component.form, component.complete, list(component.findings))
    reports = [(file, report_of(file)) for file in component.files]
    found.quantisation = described(component.config)
    said = [report for _file, report in reports if "error" not in report]
    if component.form == "GGUF":
        _gguf(found, said)
    found.figures = found.figures | config.figures(component.config)
    _adapter(found, component.config.get("adapter"))
    packing = Packing(found.quantisation, (tensor[0] for report in said for tensor in report["tensors"]))
    places: dict[str, str] = {}
    for file, report in reports:
        _add(found, file, report, packing, None if component.parallel else places)
        _outside(found, file, report, sizes)
    if packing.unresolved:
        found.quantisation = found.quantisation | {"packed": True}
    # Without a configuration nothing says that these are the layers of a language model.
    if found.figures.get("generative") and not found.hidden and component.form != "GGUF":
        found.figures = shapes.completed(found.figures, shapes.told(found.leaves))
    if component.index is not None:
        _compare(found, component, places)
    return found


def _add(found: Gathered, file: File, report: Report, packing: Packing, places: dict[str, str] | None) -> None:
    """Add the tensors of one file; `places` are the files of those that were there before."""
    row: dict[str, Any] = {"path": file.path, "format": report["format"], "tensors": 0, "parameters": 0, "bytes": 0}
    found.files.append(row)
    if error := report.get("error"):
        found.complete = False
        row["error"] = error
        found.found(error, file.path)
        return
    if facts := {key: value for key, value in report["facts"].items() if key != "config"}:
        row["facts"] = facts
    sized = True
    for name, dtype, shape, size in report["tensors"]:
        if places is not None:
            if (other := places.get(name)) is not None:
                if sum(one["code"] == "tensor_twice" for one in found.findings[-MOST_TWICE:]) < MOST_TWICE:
                    found.found("tensor_twice", file.path, name=name, other=other)
                continue
            places[name] = file.path
        stored = prod(shape)
        kind, count = packing.counted(name, dtype, stored)
        found.hidden |= kind != dtype
        sized &= bool(size or not count)
        found.leaves.append(Leaf(name, kind, tuple(shape), count, size))
        row["tensors"] += 1
        row["parameters"] += count
        row["bytes"] += size
    if not sized:
        row["bytes"] = file.size
    found.bytes += row["bytes"]
    if len(found.leaves) > MOST_TENSORS:
        found.complete = False
        found.found("too_many_tensors", file.path)
        del found.leaves[MOST_TENSORS:]


def _outside(found: Gathered, file: File, report: Report, sizes: Mapping[str, int]) -> None:
    """Note files with data that an ONNX file names and that are absent or too short."""
    folder = file.path.rpartition("/")[0]
    for name, needed in sorted(report.get("facts", {}).get("external", {}).items()):
        held = sizes.get(f"{folder}/{name}" if folder else name)
        if held is None or held < needed:
            found.complete = False
            found.found("external_missing" if held is None else "external_too_short", file.path, name=name, needed=needed)


def _gguf(found: Gathered, reports: list[Report]) -> None:
    """Take figures and quantisation from the metadata; the first part of a split file holds them."""
    facts: dict[str, Any] = next((report["facts"] for report in reports if report["facts"].get("config", {}).get("layers")), {})
    facts = facts or next((report["facts"] for report in reports), {})
    found.figures = dict(facts.get("config", {}))
    kind = facts.get("file_type")
    if kind is None:
        counts: dict[str, int] = {}
        for report in reports:
            for _name, dtype, shape, _size in report["tensors"]:
                counts[dtype] = counts.get(dtype, 0) + prod(shape)
        kind = max(counts, key=lambda dtype: counts[dtype], default="F32")
    if kind not in PLAIN_TYPES:
        found.quantisation = {"method": "gguf", "form": kind}
    stated = next((report["facts"]["split_tensors"] for report in reports if "split_tensors" in report["facts"]), None)
    listed = sum(len(report["tensors"]) for report in reports)
    if stated is not None and found.complete and stated != listed:
        found.found("wrong_total", "", stated=stated, found=listed)


def _adapter(found: Gathered, said: Any) -> None:
    if not isinstance(said, dict) or not said:
        return
    rank, base, kind = said.get("r"), said.get("base_model_name_or_path"), said.get("peft_type")
    found.adapter = {
        "type": kind[:40] if isinstance(kind, str) else "",
        "rank": rank if type(rank) is int and 0 < rank < 2**20 else None,
        "base": base[:200].replace("\0", "\ufffd") if isinstance(base, str) else "",
    }


def _compare(found: Gathered, component: Component, places: dict[str, str]) -> None:
    """Note where an index and the headers disagree."""
    index = component.index or {}
    path = component.files[0].path.rpartition("/")[0]
    place = f"{path}/" if path else ""
    readable = {row["path"] for row in found.files if "error" not in row}
    listed = {name: f"{place}{shard}" for name, shard in index["weight_map"].items() if isinstance(shard, str)}
    absent = [name for name, shard in listed.items() if shard in readable and places.get(name) != shard]
    if absent:
        found.found("tensor_missing", listed[absent[0]], name=absent[0], count=len(absent))
    unlisted = [name for name in places if name not in listed]
    if unlisted:
        found.found("not_in_index", places[unlisted[0]], name=unlisted[0], count=len(unlisted))
    metadata = index.get("metadata")
    stated = metadata.get("total_size") if isinstance(metadata, dict) else None
    if found.complete and isinstance(stated, int | float) and not isinstance(stated, bool) and stated != found.bytes:
        found.found("wrong_total", place, stated=stated if abs(stated) < 2**60 else None, found=found.bytes)

"""The figures of a model from the headers of its weights and its configuration."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from inspection.child import progress
from inspection.files import File
from inspection.weights import tree
from inspection.weights.gathering import Gathered, gather
from inspection.weights.reports import Report, clean, report
from inspection.weights.selection import Choice, choose

MOST_FINDINGS = 100
MOST_PARAMETERS = 2**62
_STEP = 8


def measure(
    files: Sequence[File] = (), known: Mapping[str, Report] | None = None, sizes: Mapping[str, int] | None = None
) -> dict[str, Any]:
    """Return what the weights and configurations among `files` tell of a model; nothing but headers is read.

    `known` are reports by path from an earlier time: those files are not read. `sizes` are those of all files of the model by path,
    where `files` are not all: ONNX keeps its data beside it. Keys of the result, all plain data:

    - `format`, `parameters` (None unless every file could be read), `bytes` of all tensors, `complete`;
    - `dtypes` and `parts`: parameters by type and by part (mlp, attention, embedding, head, norm, convolution, other), largest first;
    - `tree` as `tree.nested`, with a node for each model of a pipeline; `linear`: lengths of both sides of all matrices of attention
      and mlp, experts left out, summed: what a low-rank adapter is made for; empty where packing hides them;
    - `config` as `config.figures`; `quantisation`: `method bits group form`, `packed` where the parameters could not be told;
    - `pipeline` and `components` (`name format parameters bytes class`) of a pipeline; `adapter` (`type rank base`) of an adapter;
    - `files`: `path format tensors parameters bytes error facts`; `variants`: `path files format bytes`, beside and not counted;
    - `findings`: `code path facts`; `reports`: those made now, by path.
    """
    choice = choose(files)
    reading = _Reading(known or {}, sum(len(one.files) for one in choice.components))
    beside = dict(sizes or {}) | {file.path: file.size for file in files}
    gathered = [gather(one, reading.report, beside) for one in choice.components]
    return _combined(choice, gathered) | {"reports": reading.fresh}


def read_each(files: Sequence[File]) -> dict[str, Report]:
    """Return the reports of weights files by path."""
    return {file.path: report(file) for file in files}


class _Reading:
    """Reports of files, known or made."""

    def __init__(self, known: Mapping[str, Report], total: int) -> None:
        self.known, self.total, self.done = known, total, 0
        self.fresh: dict[str, Report] = {}

    def report(self, file: File) -> Report:
        found = self.known.get(file.path)
        if found is None:
            found = self.fresh[file.path] = report(file)
        self.done += 1
        if self.done % _STEP == 0:
            progress(self.done, self.total)
        return found


def _combined(choice: Choice, gathered: list[Gathered]) -> dict[str, Any]:
    leaves = [leaf for one in gathered for leaf in one.leaves]
    dtypes, parts = tree.sums(leaves)
    complete = bool(gathered) and all(one.complete for one in gathered)
    total = sum(dtypes.values())
    findings = [*choice.findings, *(finding for one in gathered for finding in one.findings)]
    result = {
        "format": max(gathered, key=lambda one: one.bytes).form if gathered else "",
        "parameters": total if complete and 0 < total < MOST_PARAMETERS else None,
        "bytes": sum(one.bytes for one in gathered),
        "complete": complete,
        "dtypes": dtypes,
        "parts": parts,
        "tree": _tree(choice, gathered),
        "linear": _linear(gathered),
        "config": {"architecture": choice.pipeline} if choice.pipeline else gathered[0].figures if gathered else {},
        "quantisation": next((one.quantisation for one in gathered if one.quantisation), {}),
        "files": [row for one in gathered for row in one.files],
        "variants": choice.variants,
        "findings": [_plain(finding) for finding in findings[:MOST_FINDINGS]],
    }
    if choice.pipeline:
        result |= {"pipeline": clean(choice.pipeline), "components": [one.summary() for one in gathered]}
    elif gathered and gathered[0].adapter:
        result["adapter"] = gathered[0].adapter
    return result


def _tree(choice: Choice, gathered: list[Gathered]) -> list[dict[str, Any]]:
    if not choice.pipeline:
        return tree.nested(gathered[0].leaves) if gathered else []
    found = []
    for one in gathered:
        dtypes, _parts = tree.sums(one.leaves)
        sums = {"count": 1, "parameters": sum(dtypes.values()), "bytes": one.bytes, "dtypes": dtypes}
        found.append({"name": one.name, **sums, "children": tree.nested(one.leaves, room=tree.MOST_NODES // len(gathered))})
    return found


def _linear(gathered: list[Gathered]) -> dict[str, int]:
    if len(gathered) != 1 or gathered[0].hidden:
        return {}
    found: Counter[str] = Counter()
    for leaf in gathered[0].leaves:
        part = tree.part_of(leaf.name)
        if len(leaf.shape) == 2 and part in ("attention", "mlp") and not tree.EXPERTS.search(leaf.name):
            found[part] += sum(leaf.shape)
    return dict(found)


def _plain(finding: dict[str, Any]) -> dict[str, Any]:
    facts = {key: clean(value) if isinstance(value, str) else value for key, value in finding["facts"].items()}
    return {"code": finding["code"], "path": clean(finding["path"]), "facts": facts}

"""The tensors of a model as nested modules, equal layers folded into one."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

MOST_NODES = 2_000
MOST_CHILDREN = 100
DEEPEST = 12
_SEPARATOR = re.compile(r"[./]")
_NUMBERED = re.compile(r"\A(?P<stem>|.*[_:-])(?P<number>\d{1,9})\Z")
PARTS = (
    ("norm", re.compile(r"norm|(^|\.)ln_|(^|\.)bn\d*(\.|$)", re.IGNORECASE)),
    ("head", re.compile(r"lm_head|(^|\.)(head|classifier|output|score)(\.|$)", re.IGNORECASE)),
    ("embedding", re.compile(r"embed|(^|\.)(wte|wpe|shared)(\.|$)|token_embd", re.IGNORECASE)),
    ("attention", re.compile(r"attn|attention|(^|\.)(q|k|v|o)_proj|qkv", re.IGNORECASE)),
    ("mlp", re.compile(r"mlp|ffn|feed_forward|(^|\.)(up|down|gate)_proj|intermediate|experts", re.IGNORECASE)),
    ("convolution", re.compile(r"conv|patch", re.IGNORECASE)),
)
# `attention.output.dense` of BERT is no head.
_INNER_OUTPUT = re.compile(r"(^|\.)(layer|layers|blocks|h|blk)\.\d+\..*output", re.IGNORECASE)


_DIGITS = re.compile(r"\d+")
EXPERTS = re.compile(r"experts|_exps\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Leaf:
    """One tensor: `dtype` and `parameters` are what it stands for, `size` is in bytes."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    parameters: int
    size: int


def part_of(name: str) -> str:
    """Return which part of a model a tensor belongs to, judged by its name."""
    return _part_of(_DIGITS.sub("0", name))


# Layers differ by their numbers only.
@lru_cache(maxsize=10_000)
def _part_of(name: str) -> str:
    for part, pattern in PARTS:
        if pattern.search(name) and not (part == "head" and _INNER_OUTPUT.search(name)):
            return part
    return "other"


def sums(leaves: Iterable[Leaf]) -> tuple[dict[str, int], dict[str, int]]:
    """Return the parameters by type and by part, largest first."""
    dtypes: Counter[str] = Counter()
    parts: Counter[str] = Counter()
    for leaf in leaves:
        if leaf.parameters:
            dtypes[leaf.dtype] += leaf.parameters
            parts[part_of(leaf.name)] += leaf.parameters
    return dict(dtypes.most_common()), dict(parts.most_common())


def nested(leaves: Iterable[Leaf], *, room: int = MOST_NODES) -> list[dict[str, Any]]:
    """Return the top modules: `{"name", "count", "parameters", "bytes", "dtypes", "children"}`, at the end `{…, "shape"}`.

    Modules that differ by a number only and hold the same stand as one: `count` says how many, `name` which (`0-31`). Sums count all
    of them, also those further in. At most about `room` nodes are told one by one; a node named `…` is the sum of `more` others.
    """
    root = _Node("")
    for leaf in leaves:
        node = root
        *modules, last = _SEPARATOR.split(leaf.name.strip("/"), maxsplit=DEEPEST - 1)
        for name in modules:
            node = node.children.setdefault(name, _Node(name))
        # A module may have the name of a tensor.
        node.children.setdefault(last, _Node(last)).leaf = leaf
    folding = _Folding()
    folding.fold(root)
    return _Showing(folding.sums).shown(root, room)


@dataclass(slots=True)
class _Node:
    """A module: `count` equal ones, of which the children are told once. Nodes of one `kind` hold the same."""

    name: str
    children: "dict[str, _Node]" = field(default_factory=dict)
    leaf: Leaf | None = None
    count: int = 1
    kind: int = 0


# Parameters, bytes, and parameters by type of one module of a kind.
_Sums = tuple[int, int, dict[str, int]]


class _Folding:
    """Numbers every kind of module, so that equal ones are found by comparing numbers and their sums are made once."""

    def __init__(self) -> None:
        self.kinds: dict[Any, int] = {}
        self.sums: list[_Sums] = []

    def fold(self, node: _Node) -> None:
        for child in node.children.values():
            self.fold(child)
        if len(node.children) > 1:
            self._merge(node)
        leaf = node.leaf and (node.leaf.dtype, node.leaf.shape, node.leaf.parameters, node.leaf.size)
        # Shards may hold the parts of a layer in another order.
        shape = (leaf, tuple(sorted((child.name, child.count, child.kind) for child in node.children.values())))
        node.kind = self.kinds.setdefault(shape, len(self.kinds))
        if node.kind == len(self.sums):
            self.sums.append(self._sum(node))

    def _merge(self, node: _Node) -> None:
        groups: dict[tuple[str, int], list[tuple[int, _Node]]] = {}
        kept: list[tuple[_Node, tuple[str, int] | None]] = []
        for child in node.children.values():
            match = _NUMBERED.match(child.name)
            key = (match["stem"], child.kind) if match else None
            if match and key:
                group = groups.setdefault(key, [])
                group.append((int(match["number"]), child))
                if len(group) > 1:
                    continue
            kept.append((child, key))
        node.children = {}
        for child, key in kept:
            if key and len(group := groups[key]) > 1:
                child.name, child.count = key[0] + _ranges(sorted(number for number, _node in group)), len(group)
            node.children[child.name] = child

    def _sum(self, node: _Node) -> _Sums:
        parameters, size, dtypes = 0, 0, Counter[str]()
        if leaf := node.leaf:
            parameters, size = leaf.parameters, leaf.size
            dtypes[leaf.dtype] = leaf.parameters
        for child in node.children.values():
            inner = self.sums[child.kind]
            parameters += inner[0] * child.count
            size += inner[1] * child.count
            for dtype, count in inner[2].items():
                dtypes[dtype] += count * child.count
        return parameters, size, dict(dtypes.most_common())


def _ranges(numbers: list[int]) -> str:
    """Return `0-2,5` for 0, 1, 2, 5; many ranges are cut."""
    found: list[list[int]] = []
    for number in numbers:
        if found and number <= found[-1][1] + 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    said = ",".join(str(first) if first == last else f"{first}-{last}" for first, last in found[:8])
    return said + (",…" if len(found) > 8 else "")


class _Showing:
    """Says nodes as plain data; `times` is how many modules further up stand for each."""

    def __init__(self, sums: list[_Sums]) -> None:
        self.sums = sums

    def shown(self, root: _Node, room: int) -> list[dict[str, Any]]:
        """Return the tree down to where the bound on nodes is reached, level by level."""
        top: list[dict[str, Any]] = []
        level: list[tuple[_Node, list[dict[str, Any]], int]] = [(root, top, 1)]
        while level:
            deeper: list[tuple[_Node, list[dict[str, Any]], int]] = []
            for node, into, times in level:
                children = list(node.children.values())
                listed = children[: MOST_CHILDREN if node is root else min(MOST_CHILDREN, max(room, 0))]
                room -= len(listed)
                for child in listed:
                    plain = self._plain(child, times)
                    into.append(plain)
                    if child.children and _only(child) is None:
                        deeper.append((child, plain.setdefault("children", []), times * child.count))
                if rest := children[len(listed) :]:
                    into.append(self._rest(rest, times))
            level = deeper
        return top

    def _plain(self, node: _Node, times: int) -> dict[str, Any]:
        """Return a node as plain data; a module of one tensor and the tensor are one node, `q_proj.weight`."""
        only = _only(node)
        leaf = node.leaf or (only and only.leaf)
        said = {"name": f"{node.name}.{only.name}" if only else node.name, "count": node.count} | self._sums([node], times)
        return said | {"shape": list(leaf.shape)} if leaf else said

    def _rest(self, nodes: list[_Node], times: int) -> dict[str, Any]:
        return {"name": "…", "count": 1, "more": sum(node.count for node in nodes)} | self._sums(nodes, times)

    def _sums(self, nodes: list[_Node], times: int) -> dict[str, Any]:
        parameters, size, dtypes = 0, 0, Counter[str]()
        for node in nodes:
            one, many = self.sums[node.kind], times * node.count
            parameters += one[0] * many
            size += one[1] * many
            for dtype, count in one[2].items():
                dtypes[dtype] += count * many
        return {"parameters": parameters, "bytes": size, "dtypes": dict(dtypes.most_common())}


def _only(node: _Node) -> _Node | None:
    """Return the tensor that is all a module holds."""
    child = next(iter(node.children.values()), None)
    alone = child is not None and len(node.children) == 1 and node.leaf is None
    return child if child is not None and alone and child.leaf and not child.children and child.count == 1 else None

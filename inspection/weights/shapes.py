"""Figures of a language model that follow from the shapes of its weights, where its configuration leaves them to defaults."""

import re
from collections.abc import Iterable
from typing import Any

from inspection.weights.tree import Leaf

_EMBEDDING = re.compile(r"\A(?P<stem>(?:.*\.)?)(?:embed_tokens|tok_embeddings|wte|word_embeddings|embedding)\.weight\Z")
_LAYER = re.compile(r"\A(?:layers|h|blocks|block)\.(?P<number>\d{1,5})\.(?P<rest>.+)\Z")
_KEYS = re.compile(r"(?:\A|\.)(?:k_proj|wk|key)\.weight\Z")
_INNER = re.compile(r"\Amlp\.up_proj\.weight\Z")


def told(leaves: Iterable[Leaf]) -> dict[str, int]:
    """Return `vocabulary hidden layers intermediate` and `kv_width` (heads of keys times their length), what the shapes say.

    The layers are those beside the embedding of words: towers for pictures or sound have other names before theirs.
    """
    known = list(leaves)
    embedding = next(((leaf, match["stem"]) for leaf in known if len(leaf.shape) == 2 and (match := _EMBEDDING.match(leaf.name))), None)
    if embedding is None:
        return {}
    leaf, stem = embedding
    found = {"vocabulary": leaf.shape[0], "hidden": leaf.shape[1]}
    numbers: set[int] = set()
    widths: dict[str, set[int]] = {"kv_width": set(), "intermediate": set()}
    for leaf in known:
        match = _LAYER.match(leaf.name.removeprefix(stem)) if leaf.name.startswith(stem) else None
        if match is None:
            continue
        numbers.add(int(match["number"]))
        for name, pattern in (("kv_width", _KEYS), ("intermediate", _INNER)):
            if len(leaf.shape) == 2 and leaf.shape[1] == found["hidden"] and pattern.search(match["rest"]):
                widths[name].add(leaf.shape[0])
    if numbers:
        found["layers"] = len(numbers)
    # Layers of different widths are beyond one number.
    return found | {name: sizes.pop() for name, sizes in widths.items() if len(sizes) == 1}


def completed(figures: dict[str, Any], shapes: dict[str, int]) -> dict[str, Any]:
    """Return `figures` with what is absent taken from `shapes`; heads of keys and values follow the weights."""
    found = {key: value for key, value in shapes.items() if key != "kv_width"} | figures
    if "head_dimension" not in found and found.get("hidden") and found.get("heads"):
        found["head_dimension"] = found["hidden"] // found["heads"]
    width, head = shapes.get("kv_width"), found.get("head_dimension")
    if width and not found.get("kv_rank"):
        if head and width % head == 0:
            found["kv_heads"] = width // head
        else:
            found["kv_width"] = width
    return found

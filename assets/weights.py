"""How many parameters a model has, from the headers of its weights."""

import re
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, TypedDict

from repos.previews import gguf, safetensors
from repos.previews.tensors import BadHeader, Header
from repos.reading import Item, Revision, listing, read

MOST_FILES = 400
_SHARD = re.compile(r"\A(?P<stem>.+)-\d+-of-(?P<of>\d+)\.safetensors\Z")
_PARTS = (
    ("norm", re.compile(r"norm|(^|\.)ln_|(^|\.)bn\d*(\.|$)", re.IGNORECASE)),
    ("head", re.compile(r"lm_head|(^|\.)(head|classifier|output|score)(\.|$)", re.IGNORECASE)),
    ("embedding", re.compile(r"embed|(^|\.)(wte|wpe|shared)(\.|$)|token_embd", re.IGNORECASE)),
    ("attention", re.compile(r"attn|attention|(^|\.)(q|k|v|o)_proj|qkv", re.IGNORECASE)),
    ("mlp", re.compile(r"mlp|ffn|feed_forward|(^|\.)(up|down|gate)_proj|intermediate|experts", re.IGNORECASE)),
    ("convolution", re.compile(r"conv|patch", re.IGNORECASE)),
)


class Structure(TypedDict):
    """What `Asset.structure` holds: `dtypes` and `parts` map names to parameter counts, largest first."""

    format: str
    dtypes: dict[str, int]
    parts: dict[str, int]


def measure(revision: Revision) -> tuple[int | None, Structure | dict[str, Any]]:
    """Return the number of parameters and their make-up, or `(None, {})` where no readable header says.

    Counts the weights in the top folder once: all shards of the main file, or the main file, not its variants in other types.
    """
    files = [item for item in listing(revision, limit=10_000) if not item.is_folder]
    tensors = [item for item in files if item.name.endswith(".safetensors")]
    chosen, read_header, name = (_main(tensors), safetensors.read_header, "safetensors") if tensors else ([], gguf.read_header, "GGUF")
    if not tensors and len(single := [item for item in files if item.name.endswith(".gguf")]) == 1:
        chosen = single
    try:
        headers = [read_header(_reader(item), item.size) for item in chosen]
    except BadHeader:
        return None, {}
    total = sum(header.parameters for header in headers)
    return (total, Structure(format=name, dtypes=_dtypes(headers), parts=_parts(headers))) if total else (None, {})


def _main(items: list[Item]) -> list[Item]:
    shards: dict[tuple[str, str], list[Item]] = {}
    for item in items:
        if match := _SHARD.match(item.name):
            shards.setdefault((match["stem"], match["of"]), []).append(item)
    if shards:
        stem = max(shards, key=lambda key: (key[0] in ("model", "pytorch_model"), sum(item.size for item in shards[key])))
        return shards[stem][:MOST_FILES]
    named = [item for item in items if item.name in ("model.safetensors", "diffusion_pytorch_model.safetensors")]
    return named[:1] or sorted(items, key=lambda item: -item.size)[:1]


def _reader(item: Item) -> Callable[[int, int], bytes]:
    return lambda start, end: b"".join(read(item, start, end))


def _dtypes(headers: Iterable[Header]) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for header in headers:
        for dtype, _tensors, parameters in header.dtypes:
            counts[dtype] += parameters
    return dict(counts.most_common())


def _parts(headers: Iterable[Header]) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for header in headers:
        listed = 0
        for tensor in header.tensors:
            part = next((name for name, pattern in _PARTS if pattern.search(tensor.name)), "other")
            counts[part] += tensor.parameters
            listed += tensor.parameters
        if header.parameters > listed:
            counts["other"] += header.parameters - listed
    return dict(counts.most_common())

"""Safetensors files: a JSON header with true offsets, then the numbers."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from assets.demo.formats.noise import WIDTHS, constant, normal


@dataclass(frozen=True)
class Tensor:
    """A named array. `fill` is the constant it holds; None stands for numbers around 0."""

    name: str
    shape: tuple[int, ...]
    dtype: str = "BF16"
    fill: float | None = None

    @property
    def count(self) -> int:
        return prod(self.shape)

    @property
    def size(self) -> int:
        """Bytes of the content."""
        return self.count * WIDTHS[self.dtype]

    def content(self, seed: str) -> bytes:
        """Return the numbers, little-endian, drawn from `seed` and the name."""
        if self.fill is not None:
            return constant(self.fill, self.count, self.dtype)
        return normal(f"{seed}/{self.name}", self.count, self.dtype)


def encode(tensors: Sequence[Tensor], seed: str, metadata: dict[str, str] | None = None) -> bytes:
    """Return one safetensors file with `tensors` in the order of their names."""
    header: dict[str, object] = {"__metadata__": {"format": "pt"} | (metadata or {})}
    ordered = sorted(tensors, key=lambda tensor: tensor.name)
    start = 0
    for tensor in ordered:
        header[tensor.name] = {"dtype": tensor.dtype, "shape": list(tensor.shape), "data_offsets": [start, start + tensor.size]}
        start += tensor.size
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + b"".join(tensor.content(seed) for tensor in ordered)


def encode_shards(tensors: Sequence[Tensor], seed: str, parts: int) -> dict[str, bytes]:
    """Return `parts` files of about equal size named as the Hub names them, with their `model.safetensors.index.json`."""
    total = sum(tensor.size for tensor in tensors)
    groups: list[list[Tensor]] = [[] for _ in range(parts)]
    filled = 0
    for tensor in tensors:
        groups[min(parts - 1, filled * parts // total)].append(tensor)
        filled += tensor.size
    files: dict[str, bytes] = {}
    places: dict[str, str] = {}
    for number, group in enumerate(groups, start=1):
        name = f"model-{number:05}-of-{parts:05}.safetensors"
        files[name] = encode(group, seed)
        places |= dict.fromkeys((tensor.name for tensor in group), name)
    index = {"metadata": {"total_size": total}, "weight_map": dict(sorted(places.items()))}
    files["model.safetensors.index.json"] = (json.dumps(index, indent=2) + "\n").encode()
    return files

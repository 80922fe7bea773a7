"""What stands in the header of a weights file: tensors, types, parameter counts."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from math import prod
from typing import Any

MAX_SHOWN_TENSORS = 1_000
MAX_SHOWN_MODULES = 40
_INDEX = re.compile(r"(?<![^.])\d+(?![^.])")


class BadHeader(Exception):
    """The header is not what its format says; `reason` is a stable word."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor; `size` in bytes is 0 where the format does not say."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    size: int = 0

    @property
    def parameters(self) -> int:
        return prod(self.shape)

    @property
    def shown_shape(self) -> str:
        return " × ".join(map(str, self.shape)) or "1"


@dataclass(frozen=True)
class Header:
    """A header and the sums over it.

    `metadata` is for people, `values` for calculations: plain values by key, of arrays only their length unless they are short.
    """

    tensors: list[Tensor]
    metadata: list[tuple[str, str]] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def parameters(self) -> int:
        """How many numbers the tensors hold."""
        return sum(tensor.parameters for tensor in self.tensors)

    @cached_property
    def dtypes(self) -> list[tuple[str, int, int]]:
        """Types as (name, tensors, parameters), largest first."""
        return _sums((tensor.dtype, tensor.parameters) for tensor in self.tensors)

    @cached_property
    def modules(self) -> list[tuple[str, int, int]]:
        """The largest modules as (name, tensors, parameters), largest first."""
        return _sums((module_of(tensor.name), tensor.parameters) for tensor in self.tensors)[:MAX_SHOWN_MODULES]

    @property
    def shown(self) -> list[Tensor]:
        """The tensors that a page lists."""
        return self.tensors[:MAX_SHOWN_TENSORS]


def module_of(name: str) -> str:
    """Return the module a tensor belongs to, with numbered layers as one: `model.layers.*` for `model.layers.7.mlp.up.weight`."""
    parts = _INDEX.sub("*", name).split(".")
    return ".".join(parts[: max(1, min(3, len(parts) - 1))])


def _sums(pairs: Iterable[tuple[str, int]]) -> list[tuple[str, int, int]]:
    tensors: Counter[str] = Counter()
    parameters: Counter[str] = Counter()
    for name, count in pairs:
        tensors[name] += 1
        parameters[name] += count
    return [(name, tensors[name], count) for name, count in parameters.most_common()]

"""What stands in the header of a weights file: tensors, types, parameter counts."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

MAX_SHOWN_TENSORS = 1_000
MAX_SHOWN_MODULES = 40
_INDEX = re.compile(r"(?<![^.])\d+(?![^.])")


class BadHeader(Exception):
    """The header is not what its format says; `reason` is a stable word."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Tensor:
    """One tensor; `size` in bytes is 0 where the format does not say."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    size: int = 0

    @property
    def parameters(self) -> int:
        count = 1
        for length in self.shape:
            count *= length
        return count

    @property
    def shown_shape(self) -> str:
        return " × ".join(map(str, self.shape)) or "1"


@dataclass(frozen=True)
class Header:
    """A header in numbers: `dtypes` and `modules` are (name, tensors, parameters), largest first."""

    tensors: list[Tensor]
    parameters: int
    dtypes: list[tuple[str, int, int]]
    modules: list[tuple[str, int, int]]
    metadata: list[tuple[str, str]] = field(default_factory=list)

    @property
    def shown(self) -> list[Tensor]:
        """The tensors that a page lists."""
        return self.tensors[:MAX_SHOWN_TENSORS]


def summary(tensors: list[Tensor], metadata: Iterable[tuple[str, str]] = ()) -> Header:
    """Return `tensors` and the sums over them."""
    return Header(
        tensors=tensors,
        parameters=sum(tensor.parameters for tensor in tensors),
        dtypes=_sums((tensor.dtype, tensor.parameters) for tensor in tensors),
        modules=_sums((module_of(tensor.name), tensor.parameters) for tensor in tensors)[:MAX_SHOWN_MODULES],
        metadata=list(metadata),
    )


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

"""The base environments that the gallery offers."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from toolchain.environments.requirements import parse

FOLDER = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Base:
    """One base environment: `file` pins its packages, and what those need; scripts may rely on `offers`.

    The modules in `imports` must import before it counts as built. Without `scripts` it is for an engine of ours alone.
    """

    code: str
    file: Path
    offers: tuple[str, ...]
    imports: tuple[str, ...]
    scripts: bool = True

    @cached_property
    def requirements(self) -> tuple[str, ...]:
        """What it holds, as lines of a requirements file in a fixed order."""
        return parse(self.file.read_text(encoding="utf-8"))


_BOTH = (
    "torch", "transformers", "tokenizers", "huggingface-hub", "accelerate", "datasets", "safetensors", "scikit-learn", "numpy", "pandas",
    "pyarrow", "pillow", "starlette", "uvicorn",
)  # fmt: skip
_IMPORTS = ("torch", "transformers", "accelerate", "datasets", "sklearn", "starlette", "uvicorn")

CURRENT = Base("current", FOLDER / "requirements-toolchain.txt", (*_BOTH, "peft"), (*_IMPORTS, "peft"))
COMPATIBLE = Base(
    "compatible", FOLDER / "requirements-toolchain-compatible.txt", (*_BOTH, "torchvision"), (*_IMPORTS, "torchvision.transforms")
)
VLLM = Base("vllm", FOLDER / "requirements-toolchain-vllm.txt", ("vllm", "torch", "transformers"), ("vllm",), scripts=False)
BASES: Mapping[str, Base] = {base.code: base for base in (CURRENT, COMPATIBLE, VLLM)}

"""Reads the headers of a sharded safetensors model whose files are sparse: every shard, its index, its configuration.

    python benchmarks/headers.py [--gigabytes 30] [--shards 8] [--layers 64] [--runs 9]

The baselines in the same run read the same files: the length and `json.loads` of each header and no more, and, where it is installed,
`safetensors` opening each file to ask for every shape. Goal: all shards within 200 ms, in this process; the confined process of a worker
starts anew for each model, which comes on top.
"""

import argparse
import json
import os
import statistics
import struct
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gallery import table

from inspection import isolation
from inspection.files import File
from inspection.weights import measure

try:
    from safetensors import safe_open
except ImportError:
    safe_open = None

WIDTH = 2


def shapes(gigabytes: float, layers: int) -> dict[str, tuple[int, int] | tuple[int]]:
    """Return tensors of a decoder in BF16 that come to about this size."""
    hidden = int((gigabytes * 1e9 / WIDTH / layers / 12.5) ** 0.5) // 128 * 128
    inner = hidden * 7 // 2
    found: dict[str, tuple[int, int] | tuple[int]] = {"model.embed_tokens.weight": (128_256, hidden)}
    for layer in range(layers):
        stem = f"model.layers.{layer}"
        found |= {f"{stem}.self_attn.{name}_proj.weight": (hidden, hidden) if name in "qo" else (hidden // 4, hidden) for name in "qkvo"}
        found |= {
            f"{stem}.mlp.{name}_proj.weight": (hidden, inner) if name == "down" else (inner, hidden) for name in ("gate", "up", "down")
        }
        found |= {f"{stem}.{name}.weight": (hidden,) for name in ("input_layernorm", "post_attention_layernorm")}
    return found | {"model.norm.weight": (hidden,), "lm_head.weight": (128_256, hidden)}


def make(folder: Path, gigabytes: float, shards: int, layers: int) -> int:
    """Write the model as sparse files and return its bytes."""
    tensors = list(shapes(gigabytes, layers).items())
    weight_map: dict[str, str] = {}
    total = 0
    for number in range(shards):
        name = f"model-{number + 1:05}-of-{shards:05}.safetensors"
        header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
        end = 0
        for tensor, shape in tensors[len(tensors) * number // shards : len(tensors) * (number + 1) // shards]:
            start, end = end, end + WIDTH * shape[0] * (shape[1] if len(shape) == 2 else 1)
            header[tensor] = {"dtype": "BF16", "shape": shape, "data_offsets": [start, end]}
            weight_map[tensor] = name
        encoded = json.dumps(header).encode()
        with open(folder / name, "wb") as file:
            file.write(struct.pack("<Q", len(encoded)) + encoded)
            file.truncate(8 + len(encoded) + end)
        total += end
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {"total_size": total}, "weight_map": weight_map}))
    config = {"architectures": ["LlamaForCausalLM"], "num_hidden_layers": layers, "num_attention_heads": 32, "num_key_value_heads": 8}
    (folder / "config.json").write_text(json.dumps(config | {"hidden_size": tensors[-1][1][1]}))
    return total


class Source:
    """A file on disk that counts what is read of it."""

    def __init__(self, path: Path) -> None:
        self.path, self.asked, self.bytes = path, 0, 0

    def read(self, start: int, end: int) -> bytes:
        with open(self.path, "rb") as file:
            data = os.pread(file.fileno(), end - start, start)
        self.asked, self.bytes = self.asked + 1, self.bytes + len(data)
        return data


def ours(folder: Path) -> list[Source]:
    sources = [Source(path) for path in sorted(folder.iterdir())]
    result = measure([File(source.path.name, source.path.stat().st_size, source.read) for source in sources])
    if not result["complete"] or result["findings"]:
        raise SystemExit(f"The model was not understood: {result['findings']}")
    return sources


def confined(folder: Path) -> None:
    sources = [Source(path) for path in sorted(folder.iterdir())]
    files = [File(source.path.name, source.path.stat().st_size, source.read) for source in sources]
    isolation.run("inspection.weights:measure", {}, files=files)


def plain(folder: Path) -> int:
    """Return the parameters that the headers list, read the shortest way."""
    count = 0
    for path in folder.glob("*.safetensors"):
        with open(path, "rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            header = json.loads(file.read(length))
        count += sum(entry["data_offsets"][1] - entry["data_offsets"][0] for name, entry in header.items() if name != "__metadata__")
    return count // WIDTH


def library(folder: Path) -> None:
    for path in folder.glob("*.safetensors"):
        with safe_open(path, framework="np") as file:
            for name in file.keys():  # noqa: SIM118 - not a dictionary
                file.get_slice(name).get_shape()


def median(function: Callable[[Path], Any], folder: Path, runs: int) -> float:
    """Return the median in milliseconds, after one to warm up."""
    times = []
    for run in range(runs + 1):
        start = time.perf_counter()
        function(folder)
        if run:
            times.append((time.perf_counter() - start) * 1000)
    return statistics.median(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gigabytes", type=float, default=30)
    parser.add_argument("--shards", type=int, default=8)
    parser.add_argument("--layers", type=int, default=64)
    parser.add_argument("--runs", type=int, default=9)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        total = make(folder, options.gigabytes, options.shards, options.layers)
        sources = ours(folder)
        rows = [("headers, index, configuration, tree", f"{median(ours, folder, options.runs):.1f}")]
        rows.append(("the same in a confined process", f"{median(confined, folder, options.runs):.1f}"))
        rows.append(("json.loads of the headers alone", f"{median(plain, folder, options.runs):.1f}"))
        if safe_open is not None:
            rows.append(("safetensors, every shape", f"{median(library, folder, options.runs):.1f}"))
        else:
            print("The package safetensors is not installed: its line is left out.", file=sys.stderr)
    read, asked = sum(source.bytes for source in sources), sum(source.asked for source in sources)
    title = f"{total / 1e9:.1f} GB in {options.shards} files, median of {options.runs} in ms (goal: 200); {read:,} bytes in {asked} ranges"
    table(title, rows, ("", "ms"))


if __name__ == "__main__":
    main()

"""How weights were quantised, and how many parameters stand behind packed numbers.

Sources: `quantization_config` of transformers; the layouts that AutoGPTQ, AutoAWQ, bitsandbytes, compressed-tensors, MLX and the
`mxfp4` checkpoints write.
"""

import re
from collections.abc import Iterable
from typing import Any

# Scales, zero points and permutations belong to the packing: they have bytes, but are no parameters of the model.
_BESIDE = re.compile(
    r"\.(qzeros|g_idx|scales|zero_point|SCB|weight_format|absmax|quant_map|nested_absmax|nested_quant_map"
    r"|weight_(scale|scale_inv|scale_2|zero_point|shape|g_idx|global_scale)|(input|output|k|v|q|attn)_(scale|global_scale|zero_point)"
    r"|quant_state\.bitsandbytes__\w+)\Z|_(scales|scale_inv)\Z"
)
_PACKED = re.compile(r"\.(qweight|weight_packed)\Z|_blocks\Z")
_STATE = ".quant_state.bitsandbytes__"
_SIGNED = re.compile(r"\A(I|U)(8|16|32|64)\Z")
_UNCOUNTED = ("aqlm", "hqq", "quip", "higgs", "spqr", "vptq", "eetq", "torchao", "quanto", "fbgemm_fp8_packed", "exl2", "exl3", "modelopt")


def described(config: dict[str, Any]) -> dict[str, Any]:
    """Return `{"method", "bits", "group"}` from a configuration, what is known of them; empty where nothing was quantised."""
    for part in (config, *(value for key, value in config.items() if key in ("text_config", "llm_config") and isinstance(value, dict))):
        for key in ("quantization_config", "compression_config", "quantization"):
            if isinstance(part.get(key), dict):
                return _described(part[key], "mlx" if key == "quantization" else "")
    return {}


def _described(found: dict[str, Any], method: str) -> dict[str, Any]:
    said: dict[str, Any] = {}
    name = found.get("quant_method", found.get("method", method))
    name = name[:40].lower() if isinstance(name, str) else ""
    if not name and (found.get("load_in_4bit") is True or found.get("load_in_8bit") is True):
        name = "bitsandbytes"
    if name:
        said["method"] = name
    bits = _first(found, ("bits", "w_bit", "num_bits")) or (
        4 if found.get("load_in_4bit") is True else 8 if found.get("load_in_8bit") is True else None
    )
    if name == "fp8":
        bits = bits or 8
    if name == "mxfp4":
        bits = 4
    group = _first(found, ("group_size", "q_group_size"))
    groups = found.get("config_groups")
    if isinstance(groups, dict):
        weights: dict[str, Any] = next(
            (one["weights"] for one in groups.values() if isinstance(one, dict) and isinstance(one.get("weights"), dict)), {}
        )
        bits, group = bits or _first(weights, ("num_bits",)), group or _first(weights, ("group_size",))
    if bits:
        said["bits"] = bits
    if group:
        said["group"] = group
    kind = found.get("bnb_4bit_quant_type", found.get("format"))
    if isinstance(kind, str) and name in ("bitsandbytes", "compressed-tensors"):
        said["form"] = kind[:40]
    return said


def _first(found: dict[str, Any], keys: Iterable[str]) -> int | None:
    return next((value for key in keys if type(value := found.get(key)) is int and 0 < value <= 4096), None)


class Packing:
    """What the tensors of one model count for, given how it says it was quantised."""

    def __init__(self, said: dict[str, Any], names: Iterable[str]) -> None:
        self.said = said
        self.method, self.bits = said.get("method", ""), said.get("bits", 0)
        kept = frozenset(names)
        self.four_bit = {name.partition(_STATE)[0]: name.partition(_STATE)[2].upper() for name in kept if _STATE in name}
        self.scaled = (
            frozenset(name.removesuffix(".scales") for name in kept if name.endswith(".scales")) if self.method == "mlx" else frozenset()
        )
        self.quantised = bool(said) or bool(self.four_bit) or any(_PACKED.search(name) for name in kept)
        self.unresolved = False

    def counted(self, name: str, dtype: str, parameters: int) -> tuple[str, int]:
        """Return the type and the number of parameters that a stored tensor stands for."""
        if dtype == "STRING":
            return dtype, 0
        if not self.quantised:
            return dtype, parameters
        if name in self.four_bit:
            return self.four_bit[name], parameters * 2
        if self.four_bit and name.rpartition(".")[0] in self.four_bit:
            return dtype, 0
        if self.method == "mlx" and name.rpartition(".")[0] in self.scaled:
            if name.endswith((".weight", ".biases", ".scales")):
                return self._packed(dtype, parameters) if name.endswith(".weight") else (dtype, 0)
        if _BESIDE.search(name):
            return dtype, 0
        if _PACKED.search(name):
            return self._packed(dtype, parameters)
        if _SIGNED.match(dtype) and self.method.startswith(_UNCOUNTED):
            self.unresolved = True
        return dtype, parameters

    def _packed(self, dtype: str, parameters: int) -> tuple[str, int]:
        match = _SIGNED.match(dtype)
        bits = self.bits or (4 if match and match[2] == "8" else 0)
        if match is None or not 1 < bits <= 8 or not parameters:
            self.unresolved = bool(match)
            return dtype, parameters
        # Three-bit codes run across the words, so their number follows from all bits together.
        name = "FP4" if self.method == "mxfp4" or "nvfp4" in str(self.said.get("form")) else f"INT{bits}"
        return name, parameters * int(match[2]) // bits

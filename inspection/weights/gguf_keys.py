"""What the metadata of a GGUF file says of the model: keys as the specification `gguf.md` of ggml names them."""

from typing import Any

# `general.file_type`: how most tensors were quantised (the enumeration `llama_ftype` of llama.cpp).
FILE_TYPES = {
    0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 7: "Q8_0", 8: "Q5_0", 9: "Q5_1", 10: "Q2_K", 11: "Q3_K_S", 12: "Q3_K_M", 13: "Q3_K_L",
    14: "Q4_K_S", 15: "Q4_K_M", 16: "Q5_K_S", 17: "Q5_K_M", 18: "Q6_K", 19: "IQ2_XXS", 20: "IQ2_XS", 21: "Q2_K_S", 22: "IQ3_XS",
    23: "IQ3_XXS", 24: "IQ1_S", 25: "IQ4_NL", 26: "IQ3_S", 27: "IQ3_M", 28: "IQ2_S", 29: "IQ2_M", 30: "IQ4_XS", 31: "IQ1_M", 32: "BF16",
    36: "TQ1_0", 37: "TQ2_0", 38: "MXFP4", 39: "NVFP4", 40: "Q1_0",
}  # fmt: skip
PLAIN_TYPES = frozenset({"F32", "F16", "BF16"})
_FIGURES = {
    "layers": "block_count",
    "hidden": "embedding_length",
    "heads": "attention.head_count",
    "kv_heads": "attention.head_count_kv",
    "head_dimension": "attention.key_length",
    "value_dimension": "attention.value_length",
    "intermediate": "feed_forward_length",
    "vocabulary": "vocab_size",
    "context": "context_length",
    "sliding_window": "attention.sliding_window",
    "experts": "expert_count",
    "experts_used": "expert_used_count",
    "kv_rank": "attention.kv_lora_rank",
    "rope_dimension": "rope.dimension_count",
}
_RECURRENT = ("mamba", "mamba2", "rwkv6", "rwkv7", "rwkv6qwen2", "arwkv7")
_ENCODERS = (
    "bert",
    "modern-bert",
    "nomic-bert",
    "nomic-bert-moe",
    "jina-bert-v2",
    "jina-bert-v3",
    "neo-bert",
    "eurobert",
    "gemma-embedding",
    "clip",
)


def facts(values: dict[str, Any]) -> dict[str, Any]:
    """Return `config`, the quantisation and which part of a split file this is, from metadata by key; odd types count as absent."""
    architecture = _text(values.get("general.architecture"))
    config: dict[str, Any] = {}
    for name, key in _FIGURES.items():
        value = values.get(f"{architecture}.{key}")
        # Some models have as many heads of keys and values as the layer wants; layers without attention have none.
        if name in ("heads", "kv_heads", "intermediate") and isinstance(value, list):
            numbers = [number for number in value if type(number) is int and 0 <= number < 2**31]
            value = max(numbers, default=0)
            if name == "kv_heads" and len(set(numbers)) > 1:
                config["kv_heads_by_layer"] = numbers[:512]
        if type(value) is int and 0 < value < 2**31:
            config[name] = value
    if "vocabulary" not in config and (tokens := _length(values.get("tokenizer.ggml.tokens"))):
        config["vocabulary"] = tokens
    if config.get("heads"):
        config.setdefault("kv_heads", config["heads"])
        config.setdefault("head_dimension", config.get("hidden", 0) // config["heads"])
    if architecture:
        config["architecture"] = config["model_type"] = architecture
    if architecture in _RECURRENT or f"{architecture}.ssm.state_size" in values:
        config["recurrent"] = True
    if architecture == "t5":
        config["encoder_decoder"] = True
    config["generative"] = bool(architecture) and architecture not in _ENCODERS and architecture != "t5encoder"
    found: dict[str, Any] = {"config": config}
    kind = FILE_TYPES.get(values.get("general.file_type", -1)) if type(values.get("general.file_type", -1)) is int else None
    if kind:
        found["file_type"] = kind
    if name := _text(values.get("general.name")):
        found["name"] = name
    part, parts = values.get("split.no"), values.get("split.count")
    if type(part) is int and type(parts) is int and 1 < parts < 2**16:
        found["split"] = [part, parts]
    if type(values.get("split.tensors.count")) is int:
        found["split_tensors"] = values["split.tensors.count"]
    return found


def _text(value: Any) -> str:
    return value[:100].replace("\0", "\ufffd") if isinstance(value, str) else ""


def _length(value: Any) -> int:
    if isinstance(value, dict):
        count = value.get("count")
        return count if isinstance(count, int) else 0
    return len(value) if isinstance(value, list) else 0

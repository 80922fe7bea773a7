"""The figures of a model that its `config.json` tells, whatever the family calls them.

Source of the keys: the configuration classes of transformers and diffusers, and `params.json` as Llama and Mistral publish it.
"""

import json
from typing import Any

from inspection.files import File, Unreadable

LARGEST = 4_000_000
_KEYS = {
    "layers": ("num_hidden_layers", "n_layer", "n_layers", "num_layers", "num_decoder_layers"),
    "hidden": ("hidden_size", "n_embd", "d_model", "dim", "model_dim", "hidden_dim"),
    "heads": ("num_attention_heads", "n_head", "n_heads", "num_heads", "decoder_attention_heads"),
    "kv_heads": ("num_key_value_heads", "num_kv_heads", "n_kv_heads", "n_head_kv", "multi_query_group_num"),
    "head_dimension": ("head_dim", "d_kv", "kv_channels", "attention_head_dim"),
    "intermediate": ("intermediate_size", "ffn_hidden_size", "n_inner", "d_ff", "decoder_ffn_dim", "ffn_dim", "feed_forward_dim"),
    "vocabulary": ("vocab_size", "padded_vocab_size", "n_vocab"),
    "context": (
        "max_position_embeddings", "n_positions", "seq_length", "max_seq_len", "max_sequence_length", "n_ctx", "max_target_positions",
        "model_max_length",
    ),
    "sliding_window": ("sliding_window", "attention_window_size", "window_size"),
    "experts": ("num_local_experts", "n_routed_experts", "num_experts", "moe_num_experts"),
    "experts_used": ("num_experts_per_tok", "num_experts_per_token", "moe_topk", "moe_k"),
    "kv_rank": ("kv_lora_rank",),
    "rope_dimension": ("qk_rope_head_dim",),
    "encoder_layers": ("encoder_layers",),
}  # fmt: skip
_NESTED = ("text_config", "llm_config", "language_config", "language_model_config", "decoder", "thinker_config")
_RECURRENT = ("mamba", "mamba2", "falcon_mamba", "rwkv", "rwkv5", "rwkv6", "rwkv7", "recurrent_gemma", "xlstm", "codestral_mamba")
_GENERATIVE = ("CausalLM", "LMHead", "ConditionalGeneration", "Vision2Seq", "ImageTextToText", "Seq2SeqLM", "ChatModel", "ForGeneration")
_BIG = 2**31


def read(file: File, limit: int = LARGEST) -> dict[str, Any]:
    """Return the object in a JSON file. Raises `Unreadable`: `config_too_large`, `config_not_json`."""
    if file.size > limit:
        raise Unreadable("config_too_large", limit=limit)
    try:
        found = json.loads(file.exactly(0, file.size).decode().removeprefix("\ufeff"))
    except (ValueError, RecursionError) as error:
        raise Unreadable("config_not_json") from error
    if not isinstance(found, dict):
        raise Unreadable("config_not_json")
    return found


def figures(config: dict[str, Any]) -> dict[str, Any]:
    """Return what is known of a model, by our names; keys with values of odd types count as absent.

    `layers hidden heads kv_heads head_dimension intermediate vocabulary context experts experts_used sliding_window kv_rank
    rope_dimension` are numbers, `sliding_layers` and `attention_layers` say how many layers look back over a window or at all,
    `architecture model_type dtype` are texts, `tied generative recurrent encoder_decoder` booleans.
    """
    parts = [config, *_nested(config)]
    found: dict[str, Any] = {}
    # The figures of the language model count; a tower for pictures has its own below other names.
    for name, keys in _KEYS.items():
        value = next((number for part in reversed(parts) for key in keys if (number := _number(part.get(key))) is not None), None)
        if value is not None:
            found[name] = value
    found |= _texts(parts)
    found |= _booleans(parts, found)
    _derive(parts, found)
    return found


def _nested(config: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    part = config
    while len(found) < 3:
        inner = next((part[key] for key in _NESTED if isinstance(part.get(key), dict)), None)
        if inner is None:
            break
        found.append(inner)
        part = inner
    return found


def _number(value: Any) -> int | None:
    return value if type(value) is int and 0 < value < _BIG else None


def _text(value: Any) -> str:
    return value[:100].replace("\0", "\ufffd").encode("utf-8", "replace").decode() if isinstance(value, str) else ""


def _texts(parts: list[dict[str, Any]]) -> dict[str, str]:
    found: dict[str, str] = {}
    outer = parts[0]
    architectures = outer.get("architectures")
    first = architectures[0] if isinstance(architectures, list) and architectures else outer.get("_class_name")
    for name, value in (
        ("architecture", first),
        ("model_type", outer.get("model_type")),
        ("dtype", next((part[key] for part in parts for key in ("dtype", "torch_dtype") if isinstance(part.get(key), str)), None)),
    ):
        if text := _text(value).removeprefix("torch."):
            found[name] = text
    return found


def _booleans(parts: list[dict[str, Any]], found: dict[str, Any]) -> dict[str, Any]:
    said: dict[str, Any] = {}
    for name, key in (("tied", "tie_word_embeddings"), ("encoder_decoder", "is_encoder_decoder")):
        value = next((part[key] for part in parts if isinstance(part.get(key), bool)), None)
        if value is not None:
            said[name] = value
    kinds = {_text(part.get("model_type")).lower() for part in parts}
    if kinds & set(_RECURRENT):
        said["recurrent"] = True
    if architecture := found.get("architecture"):
        said["generative"] = any(word in architecture for word in _GENERATIVE)
    return said


def _derive(parts: list[dict[str, Any]], found: dict[str, Any]) -> None:
    inner = {key: value for part in parts for key, value in part.items()}
    if found.get("kv_heads") is None and found.get("heads"):
        # One head of keys and values for all: "Fast Transformer Decoding" (Shazeer, 2019), as Falcon and StarCoder spell it.
        found["kv_heads"] = 1 if inner.get("multi_query") is True and inner.get("new_decoder_architecture") is not True else found["heads"]
    if "head_dimension" not in found and found.get("hidden") and found.get("heads"):
        found["head_dimension"] = found["hidden"] // found["heads"]
    if inner.get("use_sliding_window") is False:
        found.pop("sliding_window", None)
    _layers(inner, found)


def _layers(inner: dict[str, Any], found: dict[str, Any]) -> None:
    """Say how many layers attend at all, and how many of them over a window only."""
    layers = found.get("layers", 0)
    kinds = inner.get("layer_types") or inner.get("layers_block_type")
    if isinstance(kinds, list) and len(kinds) == layers and all(isinstance(kind, str) for kind in kinds):
        attending = sum("attention" in kind and "linear" not in kind for kind in kinds)
        sliding = sum(kind in ("sliding_attention", "chunked_attention") for kind in kinds)
        if attending < layers:
            found["attention_layers"] = attending
        if found.get("sliding_window"):
            found["sliding_layers"] = sliding
    elif (period := _number(inner.get("attn_layer_period"))) and layers:
        found["attention_layers"] = len(range(min(_number(inner.get("attn_layer_offset")) or 0, layers), layers, period))
    elif (every := _number(inner.get("full_attention_interval"))) and layers:
        found["attention_layers"] = layers // every
    elif found.get("sliding_window"):
        pattern = _number(inner.get("sliding_window_pattern")) or (2 if inner.get("model_type") in ("gemma2",) else 0)
        pattern = pattern or (6 if str(inner.get("model_type", "")).startswith("gemma3") else 0)
        from_layer = inner.get("max_window_layers") if type(inner.get("max_window_layers")) is int else 0
        found["sliding_layers"] = layers - layers // pattern if pattern > 1 else max(0, layers - max(0, from_layer or 0))
    if found.get("sliding_layers") == 0:
        found.pop("sliding_layers")
        found.pop("sliding_window", None)

"""Figures out of configurations of many families."""

from typing import Any

import pytest

from inspection.tests.weights_made import codes, measured, safetensors
from inspection.weights.config import figures
from inspection.weights.memory import estimate

QWEN = {
    "architectures": ["Qwen2ForCausalLM"], "model_type": "qwen2", "hidden_size": 896, "num_hidden_layers": 24, "num_attention_heads": 14,
    "num_key_value_heads": 2, "intermediate_size": 4864, "vocab_size": 151936, "max_position_embeddings": 32768, "tie_word_embeddings": True,
    "use_sliding_window": False, "sliding_window": 32768, "max_window_layers": 21, "torch_dtype": "bfloat16",
}  # fmt: skip


def test_a_decoder_tells_its_figures() -> None:
    assert figures(QWEN) == {
        "layers": 24, "hidden": 896, "heads": 14, "kv_heads": 2, "head_dimension": 64, "intermediate": 4864, "vocabulary": 151936,
        "context": 32768, "architecture": "Qwen2ForCausalLM", "model_type": "qwen2", "dtype": "bfloat16", "tied": True, "generative": True,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("config", "wanted"),
    [
        ({"n_layer": 12, "n_head": 12, "n_embd": 768, "n_positions": 1024}, {"layers": 12, "kv_heads": 12, "head_dimension": 64, "context": 1024}),
        ({"num_layers": 28, "hidden_size": 4096, "num_attention_heads": 32, "multi_query_group_num": 2, "kv_channels": 128, "seq_length": 8192},
         {"layers": 28, "kv_heads": 2, "head_dimension": 128, "context": 8192}),
        ({"hidden_size": 4544, "num_hidden_layers": 32, "num_attention_heads": 71, "multi_query": True, "new_decoder_architecture": False},
         {"kv_heads": 1, "head_dimension": 64}),
        ({"dim": 4096, "n_layers": 32, "n_heads": 32, "n_kv_heads": 8, "head_dim": 128, "vocab_size": 32000}, {"layers": 32, "kv_heads": 8}),
        ({"num_hidden_layers": 61, "kv_lora_rank": 512, "qk_rope_head_dim": 64, "n_routed_experts": 256, "num_experts_per_tok": 8},
         {"kv_rank": 512, "rope_dimension": 64, "experts": 256, "experts_used": 8}),
        ({"model_type": "mamba", "hidden_size": 768, "num_hidden_layers": 24}, {"recurrent": True}),
        ({"model_type": "jamba", "num_hidden_layers": 32, "num_attention_heads": 32, "attn_layer_period": 8, "attn_layer_offset": 4}, {"attention_layers": 4}),
        ({"num_hidden_layers": 48, "full_attention_interval": 4}, {"attention_layers": 12}),
        ({"num_hidden_layers": 4, "sliding_window": 128, "layer_types": ["sliding_attention", "full_attention"] * 2}, {"sliding_layers": 2}),
        ({"num_hidden_layers": 4, "layer_types": ["linear_attention"] * 3 + ["full_attention"]}, {"attention_layers": 1}),
        ({"num_hidden_layers": 32, "sliding_window": 4096}, {"sliding_layers": 32}),
        ({"num_hidden_layers": 26, "sliding_window": 512, "sliding_window_pattern": 6}, {"sliding_layers": 22}),
        ({"num_hidden_layers": 28, "sliding_window": 4096, "use_sliding_window": True, "max_window_layers": 21}, {"sliding_layers": 7}),
        ({"is_encoder_decoder": True, "d_model": 512, "num_layers": 6, "num_heads": 8, "d_kv": 64}, {"encoder_decoder": True, "head_dimension": 64}),
        ({"architectures": ["BertForMaskedLM"]}, {"generative": False}),
        ({"model_type": "llava", "text_config": QWEN, "vision_config": {"hidden_size": 1, "num_hidden_layers": 2}},
         {"layers": 24, "hidden": 896, "model_type": "llava", "kv_heads": 2}),
        ({"thinker_config": {"text_config": {"hidden_size": 7, "num_hidden_layers": 3}}}, {"layers": 3, "hidden": 7}),
    ],
)  # fmt: skip
def test_families_that_spell_it_another_way(config: dict[str, Any], wanted: dict[str, Any]) -> None:
    found = figures(config)
    assert {key: found.get(key) for key in wanted} == wanted


SHAPES = {
    "vision_tower.layers.0.self_attn.k_proj.weight": (9, 9), "language_model.model.embed_tokens.weight": (100, 16),
    **{f"language_model.model.layers.{layer}.self_attn.k_proj.weight": (8, 16) for layer in range(3)},
    **{f"language_model.model.layers.{layer}.mlp.up_proj.weight": (40, 16) for layer in range(3)},
}  # fmt: skip


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ({}, {"layers": 3, "hidden": 16, "vocabulary": 100, "intermediate": 40, "kv_width": 8}),
        ({"head_dim": 4}, {"layers": 3, "head_dimension": 4, "kv_heads": 2}),
        ({"num_attention_heads": 4}, {"heads": 4, "head_dimension": 4, "kv_heads": 2}),
        ({"num_hidden_layers": 2, "vocab_size": 90}, {"layers": 2, "vocabulary": 90}),
    ],
)
def test_what_a_configuration_leaves_out_follows_from_the_shapes(said: dict[str, Any], wanted: dict[str, Any]) -> None:
    config = {"architectures": ["Gemma3ForConditionalGeneration"], "text_config": said}
    found = measured(model__safetensors=safetensors(SHAPES), config__json=config)
    assert {key: found["config"].get(key) for key in wanted} == wanted
    layers = found["config"]["layers"]
    cache = estimate(found, context=10).term("cache")
    assert cache is not None
    assert cache.value == 2 * layers * 8 * 10 * 2


def test_shapes_alone_do_not_make_a_language_model() -> None:
    assert measured(model__safetensors=safetensors(SHAPES))["config"] == {}


@pytest.mark.parametrize("value", ["32", 3.5, True, -1, 0, 2**40, None, [1], {"a": 1}])
def test_values_of_odd_types_count_as_absent(value: Any) -> None:
    assert "layers" not in figures(
        {"num_hidden_layers": value, "architectures": value, "model_type": 7, "text_config": value, "layer_types": value}
    )


@pytest.mark.parametrize(
    ("data", "code"),
    [(b"", "config_not_json"), (b"[]", "config_not_json"), (b"[" * 100_000, "config_not_json"), (b" " * 4_000_001, "config_too_large")],
)
def test_a_broken_configuration_leaves_the_weights(data: bytes, code: str) -> None:
    found = measured(model__safetensors=safetensors({"a.weight": (4, 4)}), config__json=data)
    assert (codes(found), found["parameters"], found["config"]) == ([code], 16, {})

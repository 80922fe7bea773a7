"""Tensor lists of common network families, named as their libraries name them, for a given configuration."""

from collections.abc import Mapping
from typing import Any

from assets.demo.formats.safetensors import Tensor

Config = Mapping[str, Any]


def _linear(name: str, out: int, into: int, dtype: str, bias: bool = True) -> list[Tensor]:
    weight = Tensor(f"{name}.weight", (out, into), dtype)
    return [weight, Tensor(f"{name}.bias", (out,), dtype, 0.0)] if bias else [weight]


def _norm(name: str, size: int, dtype: str, bias: bool = True) -> list[Tensor]:
    weight = Tensor(f"{name}.weight", (size,), dtype, 1.0)
    return [weight, Tensor(f"{name}.bias", (size,), dtype, 0.0)] if bias else [weight]


def decoder(config: Config, dtype: str = "BF16", prefix: str = "model") -> list[Tensor]:
    """Return a decoder-only language model with grouped-query attention and a gated MLP."""
    hidden, inner, vocab = config["hidden_size"], config["intermediate_size"], config["vocab_size"]
    shared = hidden // config["num_attention_heads"] * config["num_key_value_heads"]
    tensors = [Tensor(f"{prefix}.embed_tokens.weight", (vocab, hidden), dtype)]
    for layer in range(config["num_hidden_layers"]):
        at = f"{prefix}.layers.{layer}"
        tensors += _norm(f"{at}.input_layernorm", hidden, dtype, bias=False)
        for part, rows in (("q", hidden), ("k", shared), ("v", shared), ("o", hidden)):
            tensors += _linear(f"{at}.self_attn.{part}_proj", rows, hidden, dtype, bias=False)
        tensors += _norm(f"{at}.post_attention_layernorm", hidden, dtype, bias=False)
        tensors += _linear(f"{at}.mlp.gate_proj", inner, hidden, dtype, bias=False)
        tensors += _linear(f"{at}.mlp.up_proj", inner, hidden, dtype, bias=False)
        tensors += _linear(f"{at}.mlp.down_proj", hidden, inner, dtype, bias=False)
    tensors += _norm(f"{prefix}.norm", hidden, dtype, bias=False)
    if not config.get("tie_word_embeddings"):
        tensors.append(Tensor("lm_head.weight", (vocab, hidden), dtype))
    return tensors


def lora(config: Config, rank: int, dtype: str = "F32") -> list[Tensor]:
    """Return a low-rank adapter for the query and value projections of `decoder(config)`."""
    hidden = config["hidden_size"]
    shared = hidden // config["num_attention_heads"] * config["num_key_value_heads"]
    tensors = []
    for layer in range(config["num_hidden_layers"]):
        for part, rows in (("q", hidden), ("v", shared)):
            at = f"base_model.model.model.layers.{layer}.self_attn.{part}_proj"
            tensors += [Tensor(f"{at}.lora_A.weight", (rank, hidden), dtype), Tensor(f"{at}.lora_B.weight", (rows, rank), dtype)]
    return tensors


def llama_cpp(config: Config) -> list[Tensor]:
    """Return `decoder(config)` under the names that GGUF files use."""
    hidden, inner, vocab = config["hidden_size"], config["intermediate_size"], config["vocab_size"]
    shared = hidden // config["num_attention_heads"] * config["num_key_value_heads"]
    tensors = [Tensor("token_embd.weight", (vocab, hidden))]
    for layer in range(config["num_hidden_layers"]):
        at = f"blk.{layer}"
        tensors += [
            Tensor(f"{at}.attn_norm.weight", (hidden,), fill=1.0), Tensor(f"{at}.attn_q.weight", (hidden, hidden)),
            Tensor(f"{at}.attn_k.weight", (shared, hidden)), Tensor(f"{at}.attn_v.weight", (shared, hidden)),
            Tensor(f"{at}.attn_output.weight", (hidden, hidden)), Tensor(f"{at}.ffn_norm.weight", (hidden,), fill=1.0),
            Tensor(f"{at}.ffn_gate.weight", (inner, hidden)), Tensor(f"{at}.ffn_up.weight", (inner, hidden)),
            Tensor(f"{at}.ffn_down.weight", (hidden, inner)),
        ]  # fmt: skip
    return [*tensors, Tensor("output_norm.weight", (hidden,), fill=1.0), Tensor("output.weight", (vocab, hidden))]


def bert(config: Config, head: str = "", dtype: str = "F16") -> list[Tensor]:
    """Return a BERT-like encoder; `head` is `classifier`, `qa_outputs`, `mlm` or empty."""
    hidden, inner = config["hidden_size"], config["intermediate_size"]
    at = "bert.embeddings"
    tensors = [
        Tensor(f"{at}.word_embeddings.weight", (config["vocab_size"], hidden), dtype),
        Tensor(f"{at}.position_embeddings.weight", (config["max_position_embeddings"], hidden), dtype),
        Tensor(f"{at}.token_type_embeddings.weight", (2, hidden), dtype),
        *_norm(f"{at}.LayerNorm", hidden, dtype),
    ]
    for layer in range(config["num_hidden_layers"]):
        at = f"bert.encoder.layer.{layer}"
        for part in ("query", "key", "value"):
            tensors += _linear(f"{at}.attention.self.{part}", hidden, hidden, dtype)
        tensors += _linear(f"{at}.attention.output.dense", hidden, hidden, dtype) + _norm(f"{at}.attention.output.LayerNorm", hidden, dtype)
        tensors += _linear(f"{at}.intermediate.dense", inner, hidden, dtype) + _linear(f"{at}.output.dense", hidden, inner, dtype)
        tensors += _norm(f"{at}.output.LayerNorm", hidden, dtype)
    if head == "mlm":
        tensors += _linear("cls.predictions.transform.dense", hidden, hidden, dtype) + _norm(
            "cls.predictions.transform.LayerNorm", hidden, dtype
        )
        tensors.append(Tensor("cls.predictions.bias", (config["vocab_size"],), dtype, 0.0))
    elif head:
        outputs = 2 if head == "qa_outputs" else len(config["id2label"])
        tensors += _linear("bert.pooler.dense", hidden, hidden, dtype) + _linear(head, outputs, hidden, dtype)
    return tensors


def encoder_decoder(config: Config, dtype: str = "F16", sound: bool = False) -> list[Tensor]:
    """Return an encoder-decoder; with `sound` the encoder starts with two convolutions over a mel spectrogram."""
    hidden, inner, vocab = config["d_model"], config["encoder_ffn_dim"], config["vocab_size"]
    tensors = [Tensor("model.decoder.embed_tokens.weight", (vocab, hidden), dtype)]
    if sound:
        tensors += [
            Tensor("model.encoder.conv1.weight", (hidden, config["num_mel_bins"], 3), dtype), Tensor("model.encoder.conv1.bias", (hidden,), dtype, 0.0),
            Tensor("model.encoder.conv2.weight", (hidden, hidden, 3), dtype), Tensor("model.encoder.conv2.bias", (hidden,), dtype, 0.0),
        ]  # fmt: skip
    for side, crosses in (("encoder", False), ("decoder", True)):
        for layer in range(config[f"{side}_layers"]):
            at = f"model.{side}.layers.{layer}"
            for attention in ("self_attn", "encoder_attn") if crosses else ("self_attn",):
                for part in ("q_proj", "k_proj", "v_proj", "out_proj"):
                    tensors += _linear(f"{at}.{attention}.{part}", hidden, hidden, dtype)
                tensors += _norm(f"{at}.{attention}_layer_norm", hidden, dtype)
            tensors += _linear(f"{at}.fc1", inner, hidden, dtype) + _linear(f"{at}.fc2", hidden, inner, dtype)
            tensors += _norm(f"{at}.final_layer_norm", hidden, dtype)
        tensors += _norm(f"model.{side}.layer_norm", hidden, dtype)
    return tensors


def vit(config: Config, dtype: str = "F16", prefix: str = "vit") -> list[Tensor]:
    """Return a vision transformer with a classifier where the configuration names classes; spectrograms count as pictures."""
    hidden, inner, patch = config["hidden_size"], config["intermediate_size"], config["patch_size"]
    at = f"{prefix}.embeddings"
    tensors = [
        Tensor(f"{at}.cls_token", (1, 1, hidden), dtype),
        Tensor(f"{at}.patch_embeddings.projection.weight", (hidden, config.get("num_channels", 3), patch, patch), dtype),
        Tensor(f"{at}.patch_embeddings.projection.bias", (hidden,), dtype, 0.0),
        Tensor(f"{at}.position_embeddings", (1, (config["image_size"] // patch) ** 2 + 1, hidden), dtype),
    ]
    for layer in range(config["num_hidden_layers"]):
        at = f"{prefix}.encoder.layer.{layer}"
        for part in ("query", "key", "value"):
            tensors += _linear(f"{at}.attention.attention.{part}", hidden, hidden, dtype)
        tensors += _linear(f"{at}.attention.output.dense", hidden, hidden, dtype) + _linear(
            f"{at}.intermediate.dense", inner, hidden, dtype
        )
        tensors += _linear(f"{at}.output.dense", hidden, inner, dtype)
        tensors += _norm(f"{at}.layernorm_before", hidden, dtype) + _norm(f"{at}.layernorm_after", hidden, dtype)
    tensors += _norm(f"{prefix}.layernorm", hidden, dtype)
    if "id2label" in config:
        tensors += _linear("classifier", len(config["id2label"]), hidden, dtype)
    return tensors


def convolutions(config: Config, dtype: str = "F16") -> list[Tensor]:
    """Return a backbone of strided convolutions with batch norms and one output layer per scale or a single `head`."""
    tensors: list[Tensor] = []
    into = config.get("num_channels", 3)
    for stage, width in enumerate(config["widths"]):
        for block in range(config["depth"]):
            at = f"backbone.stage{stage}.block{block}"
            tensors.append(Tensor(f"{at}.conv.weight", (width, into, 3, 3), dtype))
            tensors += _norm(f"{at}.bn", width, dtype)
            tensors += [Tensor(f"{at}.bn.running_mean", (width,), "F32", 0.0), Tensor(f"{at}.bn.running_var", (width,), "F32", 1.0)]
            into = width
    for scale, width in enumerate(config["widths"][-config.get("scales", 1) :]):
        at = f"head.scale{scale}" if config.get("scales", 1) > 1 else "head"
        tensors += [Tensor(f"{at}.weight", (config["outputs"], width, 1, 1), dtype), Tensor(f"{at}.bias", (config["outputs"],), dtype, 0.0)]
    return tensors


def unet(config: Config, dtype: str = "F16") -> list[Tensor]:
    """Return the denoiser of a diffusion model: residual blocks with cross-attention, down and up."""
    widths, text = config["block_out_channels"], config["cross_attention_dim"]
    tensors = [Tensor("conv_in.weight", (widths[0], config["in_channels"], 3, 3), dtype), Tensor("conv_in.bias", (widths[0],), dtype, 0.0)]
    tensors += _linear("time_embedding.linear_1", widths[0] * 2, widths[0], dtype)
    for side, order in (("down_blocks", widths), ("up_blocks", widths[::-1])):
        into = order[0]
        for block, width in enumerate(order):
            at = f"{side}.{block}"
            tensors += [
                Tensor(f"{at}.resnets.0.conv1.weight", (width, into, 3, 3), dtype),
                Tensor(f"{at}.resnets.0.conv1.bias", (width,), dtype, 0.0),
            ]
            tensors += _norm(f"{at}.resnets.0.norm1", into, dtype)
            for part, source in (("to_q", width), ("to_k", text), ("to_v", text)):
                tensors.append(Tensor(f"{at}.attentions.0.transformer_blocks.0.attn2.{part}.weight", (width, source), dtype))
            into = width
    return (
        tensors + _norm("conv_norm_out", widths[0], dtype) + [Tensor("conv_out.weight", (config["out_channels"], widths[0], 3, 3), dtype)]
    )


def vae(config: Config, dtype: str = "F16") -> list[Tensor]:
    """Return the picture encoder and decoder of a diffusion model."""
    tensors: list[Tensor] = []
    for side, order in (("encoder", config["block_out_channels"]), ("decoder", config["block_out_channels"][::-1])):
        into = config["in_channels"] if side == "encoder" else config["latent_channels"]
        for block, width in enumerate(order):
            tensors += [
                Tensor(f"{side}.blocks.{block}.conv.weight", (width, into, 3, 3), dtype),
                *_norm(f"{side}.blocks.{block}.norm", width, dtype),
            ]
            into = width
    return tensors


def patches(config: Config, dtype: str = "F16") -> list[Tensor]:
    """Return a forecaster that reads a series in patches and writes quantiles."""
    hidden, inner, patch = config["hidden_size"], config["intermediate_size"], config["patch_length"]
    tensors = _linear("patch_embedding.proj", hidden, patch, dtype)
    for layer in range(config["num_hidden_layers"]):
        at = f"encoder.layers.{layer}"
        tensors += [
            Tensor(f"{at}.self_attn.in_proj_weight", (3 * hidden, hidden), dtype),
            *_linear(f"{at}.self_attn.out_proj", hidden, hidden, dtype),
        ]
        tensors += _linear(f"{at}.linear1", inner, hidden, dtype) + _linear(f"{at}.linear2", hidden, inner, dtype)
        tensors += _norm(f"{at}.norm1", hidden, dtype) + _norm(f"{at}.norm2", hidden, dtype)
    return tensors + _linear("head.quantiles", config["prediction_length"] * len(config["quantiles"]), hidden, dtype)


def layers(config: Config, dtype: str = "F32") -> list[Tensor]:
    """Return a multi-layer perceptron of `widths`, from inputs to outputs."""
    tensors: list[Tensor] = []
    for place, (into, out) in enumerate(zip(config["widths"], config["widths"][1:], strict=False)):
        tensors += _linear(f"layers.{place}", out, into, dtype)
    return tensors

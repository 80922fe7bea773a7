"""What packed numbers stand for."""

from typing import Any

import pytest

from inspection.tests.weights_made import measured, safetensors

LAYER = "model.layers.0.self_attn.q_proj"
EMBEDDING = {"model.embed_tokens.weight": (10, 64)}


def found(shapes: dict[str, tuple[int, ...]], types: dict[str, str], config: dict[str, Any]) -> dict[str, Any]:
    data = safetensors(EMBEDDING | shapes, "F16", types=types)
    return measured(model__safetensors=data, config__json=config)


def test_words_of_gptq_hold_eight_parameters_of_four_bits() -> None:
    shapes = {f"{LAYER}.qweight": (8, 32), f"{LAYER}.qzeros": (1, 4), f"{LAYER}.scales": (1, 32), f"{LAYER}.g_idx": (64,)}
    types = {f"{LAYER}.qweight": "I32", f"{LAYER}.qzeros": "I32", f"{LAYER}.g_idx": "I32"}
    result = found(shapes, types, {"quantization_config": {"quant_method": "gptq", "bits": 4, "group_size": 128}})
    assert (result["parameters"], result["dtypes"]) == (640 + 64 * 32, {"INT4": 2048, "F16": 640})
    assert result["quantisation"] == {"method": "gptq", "bits": 4, "group": 128}
    assert result["bytes"] == 1280 + 1024 + 16 + 64 + 256
    assert result["linear"] == {}


def test_three_bits_run_across_words() -> None:
    result = found({f"{LAYER}.qweight": (6, 32)}, {f"{LAYER}.qweight": "I32"}, {"quantization_config": {"quant_method": "gptq", "bits": 3}})
    assert result["dtypes"] == {"INT3": 64 * 32, "F16": 640}


def test_a_separate_file_may_say_how_gptq_packed() -> None:
    data = safetensors({f"{LAYER}.qweight": (8, 32)}, "I32")
    result = measured(model__safetensors=data, quantize_config__json={"bits": 4, "group_size": 64}, config__json={"hidden_size": 64})
    assert (result["parameters"], result["quantisation"]) == (2048, {"method": "gptq", "bits": 4, "group": 64})


def test_awq_counts_as_gptq_does() -> None:
    shapes = {f"{LAYER}.qweight": (64, 4), f"{LAYER}.qzeros": (1, 4), f"{LAYER}.scales": (1, 32)}
    types = {f"{LAYER}.qweight": "I32", f"{LAYER}.qzeros": "I32"}
    result = found(shapes, types, {"quantization_config": {"quant_method": "awq", "w_bit": 4, "q_group_size": 128}})
    assert (result["parameters"], result["quantisation"]) == (2688, {"method": "awq", "bits": 4, "group": 128})


def test_bytes_of_bitsandbytes_hold_two() -> None:
    weight = f"{LAYER}.weight"
    shapes = {weight: (1024, 1), f"{weight}.absmax": (32,), f"{weight}.quant_map": (16,), f"{weight}.quant_state.bitsandbytes__nf4": (80,)}
    types = {weight: "U8", f"{weight}.absmax": "U8", f"{weight}.quant_map": "F32", f"{weight}.quant_state.bitsandbytes__nf4": "U8"}
    config = {"quantization_config": {"quant_method": "bitsandbytes", "load_in_4bit": True, "bnb_4bit_quant_type": "nf4"}}
    result = found(shapes, types, config)
    assert (result["dtypes"], result["quantisation"]) == ({"NF4": 2048, "F16": 640}, {"method": "bitsandbytes", "bits": 4, "form": "nf4"})


def test_scales_of_eight_bits_are_no_parameters() -> None:
    shapes = {f"{LAYER}.weight": (64, 32), f"{LAYER}.weight_scale_inv": (1, 1)}
    result = found(
        shapes, {f"{LAYER}.weight": "F8_E4M3", f"{LAYER}.weight_scale_inv": "F32"}, {"quantization_config": {"quant_method": "fp8"}}
    )
    assert (result["dtypes"], result["quantisation"]) == ({"F8_E4M3": 2048, "F16": 640}, {"method": "fp8", "bits": 8})


@pytest.mark.parametrize(
    ("form", "dtype", "shape", "name"), [("pack-quantized", "I32", (64, 4), "INT4"), ("nvfp4-pack-quantized", "U8", (64, 16), "FP4")]
)
def test_compressed_tensors_say_how_many_bits(form: str, dtype: str, shape: tuple[int, ...], name: str) -> None:
    config = {
        "quantization_config": {
            "quant_method": "compressed-tensors",
            "format": form,
            "config_groups": {"group_0": {"weights": {"num_bits": 4}}},
        }
    }
    shapes = {f"{LAYER}.weight_packed": shape, f"{LAYER}.weight_scale": (64, 1), f"{LAYER}.weight_shape": (2,)}
    result = found(shapes, {f"{LAYER}.weight_packed": dtype, f"{LAYER}.weight_shape": "I64"}, config)
    assert result["dtypes"] == {name: 2048, "F16": 640}


def test_blocks_of_microscaling_hold_two_a_byte() -> None:
    shapes = {"model.layers.0.mlp.experts.down_proj_blocks": (2, 8, 4, 16), "model.layers.0.mlp.experts.down_proj_scales": (2, 8, 4)}
    result = found(shapes, dict.fromkeys(shapes, "U8"), {"quantization_config": {"quant_method": "mxfp4"}})
    assert (result["dtypes"], result["parts"]["mlp"]) == ({"FP4": 2048, "F16": 640}, 2048)


def test_words_of_mlx_are_told_by_their_scales() -> None:
    shapes = {f"{LAYER}.weight": (64, 4), f"{LAYER}.scales": (64, 1), f"{LAYER}.biases": (64, 1), f"{LAYER}.bias": (64,)}
    result = found(shapes, {f"{LAYER}.weight": "U32"}, {"quantization": {"bits": 4, "group_size": 64}})
    assert (result["dtypes"], result["quantisation"]) == ({"INT4": 2048, "F16": 704}, {"method": "mlx", "bits": 4, "group": 64})


@pytest.mark.parametrize("said", [{"quant_method": "aqlm", "bits": 2}, {"quant_method": "gptq"}, {"quant_method": "gptq", "bits": 77}])
def test_packing_that_cannot_be_counted_is_said(said: dict[str, Any]) -> None:
    result = found({f"{LAYER}.qweight": (8, 32)} if said["quant_method"] == "gptq" else {f"{LAYER}.codes": (8, 32)},
                   {f"{LAYER}.qweight": "I32", f"{LAYER}.codes": "I8"}, {"quantization_config": said})  # fmt: skip
    assert (result["parameters"], result["quantisation"]["packed"]) == (640 + 256, True)


@pytest.mark.parametrize(
    "said", [7, [], {}, {"quant_method": []}, {"quant_method": None, "bits": "four"}, {"bits": True}, {"config_groups": {"a": 1}}]
)
def test_odd_configurations_of_quantisation_are_passed_over(said: Any) -> None:
    assert found({}, {}, {"quantization_config": said})["parameters"] == 640

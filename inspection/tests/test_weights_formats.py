"""What every format tells of its tensors."""

import zipfile
from typing import Any

import pytest

from inspection.pickles.values import Call, Global
from inspection.tests.weights_made import (
    archive,
    block,
    codes,
    gguf,
    initializer,
    legacy,
    measured,
    number,
    onnx,
    ordered,
    parameter,
    plain,
    port,
    safetensors,
    tensor,
)  # fmt: skip

LLAMA = {
    "general.architecture": "llama", "general.file_type": 15, "general.name": "Tiny", "llama.block_count": 2, "llama.embedding_length": 512,
    "llama.attention.head_count": 8, "llama.attention.head_count_kv": 2, "llama.feed_forward_length": 1024, "llama.context_length": 8192,
    "tokenizer.ggml.tokens": [f"t{n}" for n in range(300)], "llama.rope.freq_base": 10000.0,
}  # fmt: skip
FIGURES = {
    "layers": 2, "hidden": 512, "heads": 8, "kv_heads": 2, "head_dimension": 64, "intermediate": 1024, "vocabulary": 300, "context": 8192,
    "architecture": "llama", "model_type": "llama", "generative": True,
}  # fmt: skip
# Q4_K holds 256 numbers in 144 bytes, Q6_K in 210.
TENSORS = [("token_embd.weight", (512, 2), 14, 840), ("blk.0.attn_q.weight", (512, 4), 12, 1152), ("output_norm.weight", (512,), 0, 2048)]


def test_gguf_tells_figures_types_and_exact_bytes() -> None:
    found = measured(tiny__gguf=gguf(LLAMA, TENSORS))
    assert (found["format"], found["parameters"], found["bytes"]) == ("GGUF", 512 * 7, 840 + 1152 + 2048)
    assert found["dtypes"] == {"Q4_K": 2048, "Q6_K": 1024, "F32": 512}
    assert (found["config"], found["quantisation"]) == (FIGURES, {"method": "gguf", "form": "Q4_K_M"})
    assert found["files"][0]["facts"] == {"file_type": "Q4_K_M", "name": "Tiny"}


def test_parts_of_a_split_gguf_are_one_model() -> None:
    shared: dict[str, Any] = {"split.count": 2, "split.tensors.count": 3}
    kinds = {"split.count": 2, "split.no": 2}
    one = gguf(LLAMA | shared | {"split.no": 0}, TENSORS[:1], kinds=kinds)
    two = gguf(shared | {"split.no": 1}, TENSORS[1:], kinds=kinds)
    found = measured(**{"tiny-00001_of_00002__gguf": one, "tiny-00002_of_00002__gguf": two})
    assert (found["parameters"], found["config"], found["findings"]) == (512 * 7, FIGURES, [])
    assert [row["facts"]["split"] for row in found["files"]] == [[0, 2], [1, 2]]


def test_a_split_gguf_with_too_few_tensors_is_told() -> None:
    found = measured(tiny__gguf=gguf(LLAMA | {"split.tensors.count": 9}, TENSORS))
    assert found["findings"] == [{"code": "wrong_total", "path": "", "facts": {"stated": 9, "found": 3}}]


def test_gguf_with_heads_by_layer_and_a_state_is_told() -> None:
    values = LLAMA | {
        "general.architecture": "jamba",
        "jamba.block_count": 3,
        "jamba.attention.head_count_kv": [0, 4, 0],
        "jamba.ssm.state_size": 16,
    }
    config = measured(tiny__gguf=gguf(values, TENSORS))["config"]
    assert (config["kv_heads"], config["kv_heads_by_layer"], config["recurrent"]) == (4, [0, 4, 0], True)


def test_odd_metadata_counts_as_absent() -> None:
    values = LLAMA | {"llama.block_count": "two", "general.file_type": "x", "llama.context_length": -5}
    found = measured(tiny__gguf=gguf(values, TENSORS))
    assert "layers" not in found["config"] and "context" not in found["config"]
    assert found["quantisation"] == {"method": "gguf", "form": "Q4_K"}


STATE = {
    "model.embed.weight": tensor("0", (10, 4), kind="HalfStorage"),
    "model.layers.0.weight": parameter(tensor("1", (4, 4), kind="BFloat16Storage")),
    "lm_head.weight": tensor("0", (10, 4), kind="HalfStorage"),
    "steps": 7,
}


@pytest.mark.parametrize("wrap", [ordered, plain, lambda state: ordered(state, plain({"_metadata": ordered({})}))])
@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_an_archive_of_torch_tells_names_shapes_and_types(wrap: Any, compression: int) -> None:
    found = measured(pytorch_model__bin=archive(wrap(STATE), {"0": 80, "1": 32}, compression=compression))
    assert (found["format"], found["parameters"], found["bytes"], found["findings"]) == ("PyTorch", 56, 112, [])
    assert found["dtypes"] == {"F16": 40, "BF16": 16}
    assert found["files"][0]["facts"] == {"form": "zip", "tied": 1}
    assert found["reports"]["pytorch_model.bin"]["tensors"] == [
        ["model.embed.weight", "F16", [10, 4], 80],
        ["model.layers.0.weight", "BF16", [4, 4], 32],
    ]


def test_the_old_form_of_torch_is_read_too() -> None:
    state = ordered({"a.weight": tensor("10", (2, 3), legacy=True), "b": tensor("11", (2,), kind="LongStorage", legacy=True)})
    found = measured(model__pth=legacy(state, ["10", "11"], 8 + 24 + 8 + 16))
    assert (found["parameters"], found["bytes"], found["dtypes"], found["findings"]) == (8, 40, {"F32": 6, "I64": 2}, [])


@pytest.mark.parametrize("name", ["state_dict", "model", "module", "model_state_dict"])
def test_of_a_checkpoint_only_the_weights_count(name: str) -> None:
    weights = ordered({"a.weight": tensor("0", (4,))})
    moments = plain({"state": plain({"exp_avg": tensor("1", (4,))})})
    found = measured(
        last__ckpt=archive(plain({"epoch": 3, "optimizer_states": [moments], name: weights, "ema": moments}), {"0": 16, "1": 16})
    )
    assert found["reports"]["last.ckpt"]["tensors"] == [["a.weight", "F32", [4], 16]]


def test_a_weight_may_be_named_as_what_stands_beside_weights() -> None:
    state = {"scaler.weight": tensor("0", (4,)), "optimizer": plain({"exp_avg": tensor("1", (4,))}), "G": plain({"w": tensor("2", (2,))})}
    found = measured(model__pt=archive(plain(state), {"0": 16, "1": 16, "2": 8}))
    assert [name for name, *_rest in found["reports"]["model.pt"]["tensors"]] == ["scaler.weight", "G.w"]


def test_a_module_saved_whole_is_walked_and_never_made() -> None:
    inner = plain({"_parameters": ordered({"weight": parameter(tensor("0", (2, 2)))}), "training": True})
    linear = Call(Global("torch.nn", "Linear"), (), state=inner)
    whole = Call(Global("evil", "Model"), ("x",), state=plain({"_modules": ordered({"fc": linear}), "_parameters": ordered({})}))
    found = measured(model__pt=archive(whole, {"0": 16}))
    assert found["reports"]["model.pt"]["tensors"] == [["fc.weight", "F32", [2, 2], 16]]


def test_views_of_one_storage_count_each_and_expanded_ones_once() -> None:
    state = {
        "a": tensor("0", (2, 4), count=16), "b": tensor("0", (2, 4), count=16, offset=8),
        "c": tensor("1", (1000, 4), count=4, stride=(0, 1)),
    }  # fmt: skip
    found = measured(model__pt=archive(plain(state), {"0": 64, "1": 16}))
    assert (found["parameters"], found["bytes"]) == (20, 80)


def test_types_of_eight_bits_come_with_the_third_way_to_rebuild() -> None:
    inner = tensor("0", (4, 4), kind="UntypedStorage")
    call = Call(Global("torch._utils", "_rebuild_tensor_v3"), (*inner.args, Global("torch", "float8_e4m3fn")))
    found = measured(model__pt=archive(plain({"w": call}), {"0": 16}))
    assert (found["dtypes"], found["bytes"]) == ({"F8_E4M3": 16}, 16)


def test_onnx_tells_initializers_inputs_and_operator_sets() -> None:
    graph = block(2, "main") + initializer("layers.0.mlp.w", [4, 8], raw=128)
    graph += initializer("h", [3], 10, extra=block(5, b"\x01\x02\x03")) + initializer("i4", [5], 22, raw=3)
    graph += block(5, block(1, b"\x02\x03") + number(2, 1) + block(8, "packed") + block(4, bytes(24))) + initializer("s", [2], 8)
    graph += port(11, "x", 1, ["batch", 4]) + port(12, "y", 1, ["batch", 8]) + block(1, block(4, "MatMul"))
    found = measured(model__onnx=onnx(graph))
    assert (found["parameters"], found["bytes"]) == (32 + 3 + 5 + 6, 128 + 6 + 3 + 24)
    assert found["dtypes"] == {"F32": 38, "I4": 5, "F16": 3}
    assert found["files"][0]["facts"] == {
        "ir_version": 8, "producer": "made", "opset": {"ai.onnx": 17}, "nodes": 1,
        "inputs": [{"name": "x", "dtype": "F32", "shape": ["batch", 4]}], "outputs": [{"name": "y", "dtype": "F32", "shape": ["batch", 8]}],
    }  # fmt: skip


def test_onnx_constants_and_branches_count_and_single_numbers_do_not() -> None:
    def constant(name: str, dims: list[int], kind: int = 1) -> bytes:
        value = initializer("", dims, kind, raw=4 * dims[0] if kind == 1 else 8 * dims[0])[2:]
        return block(1, block(2, name) + block(4, "Constant") + block(5, block(1, "value") + block(5, value)))

    branch = block(1, block(4, "If") + block(5, block(1, "then") + block(6, initializer("inner", [2], raw=8) + constant("c", [3]))))
    found = measured(model__onnx=onnx(constant("w", [4]) + constant("one", [1]) + constant("shape", [4], 7) + branch))
    assert [tensor[0] for tensor in found["reports"]["model.onnx"]["tensors"]] == ["w", "inner", "c"]


def test_onnx_data_in_a_file_beside_is_counted_and_looked_for() -> None:
    def outside(location: str) -> bytes:
        pairs = {"location": location, "offset": "4096", "length": "64"}
        return onnx(
            initializer(
                "w", [16], extra=b"".join(block(13, block(1, key) + block(2, value)) for key, value in pairs.items()) + number(14, 1)
            )
        )

    found = measured(model__onnx=outside("model.onnx_data"), model__onnx_data=bytes(4160))
    assert (found["parameters"], found["bytes"], found["findings"]) == (16, 64, [])
    assert codes(measured(model__onnx=outside("model.onnx_data"))) == ["external_missing"]
    assert codes(measured(model__onnx=outside("model.onnx_data"), model__onnx_data=bytes(4159))) == ["external_too_short"]
    assert codes(measured(model__onnx=outside("../other/model.bin"))) == ["external_outside"]


def test_names_are_fit_for_the_database() -> None:
    found = measured(model__safetensors=safetensors({"a\0b\ud800" + "c" * 900: (2,)}))
    assert found["reports"]["model.safetensors"]["tensors"][0][0] == "a\ufffdb?" + "c" * 296

"""Which files count, and what is wrong with a set of them."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from inspection.files import File
from inspection.tests.weights_made import archive, codes, gguf, initializer, measured, named, onnx, plain, prefixed, safetensors, tensor
from inspection.weights import measure

ONE = safetensors({"model.embed_tokens.weight": (10, 4), "model.layers.0.self_attn.q_proj.weight": (4, 4)})
TWO = safetensors({"model.layers.0.mlp.up_proj.weight": (8, 4), "model.norm.weight": (4,), "lm_head.weight": (10, 4)})
SHARDS = {"model-00001_of_00002__safetensors": ONE, "model-00002_of_00002__safetensors": TWO}
NAMES = ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors")
MAP = dict.fromkeys(("model.embed_tokens.weight", "model.layers.0.self_attn.q_proj.weight"), NAMES[0]) | dict.fromkeys(
    ("model.layers.0.mlp.up_proj.weight", "model.norm.weight", "lm_head.weight"), NAMES[1]
)


def index(weight_map: Any = MAP, total: Any = 264) -> dict[str, Any]:
    return {"metadata": {"total_size": total}, "weight_map": weight_map}


def test_all_shards_are_counted_once_and_nothing_beside_them() -> None:
    found = measured(**SHARDS, other__safetensors=ONE)
    assert (found["format"], found["parameters"], found["bytes"], found["complete"]) == ("safetensors", 132, 264, True)
    assert found["dtypes"] == {"BF16": 132}
    assert found["parts"] == {"embedding": 40, "head": 40, "mlp": 32, "attention": 16, "norm": 4}
    assert [(row["path"], row["tensors"], row["parameters"], row["bytes"]) for row in found["files"]] == [
        (NAMES[0], 2, 56, 112),
        (NAMES[1], 3, 76, 152),
    ]
    assert found["variants"] == [{"path": "other.safetensors", "files": 1, "format": "safetensors", "bytes": len(ONE)}]
    assert found["linear"] == {"attention": 8, "mlp": 12}
    assert found["findings"] == []


def test_an_index_that_agrees_says_nothing() -> None:
    assert codes(measured(**SHARDS, model__safetensors__index__json=index())) == []


@pytest.mark.parametrize(
    ("said", "code", "facts", "complete"),
    [
        (index(total=1), "wrong_total", {"stated": 1, "found": 264}, True),
        (index(MAP | {"lm_head.weight": NAMES[0]}), "tensor_missing", {"name": "lm_head.weight", "count": 1}, True),
        (index({**MAP, "x": "model-00003-of-00003.safetensors"}), "missing_shard", {"missing": 1, "of": 3}, False),
        (index({**MAP, "x": "../../etc/passwd"}), "index_outside", {"name": "../../etc/passwd", "count": 1}, False),
        (index({**MAP, "x": "/model.safetensors"}), "index_outside", {"name": "/model.safetensors", "count": 1}, False),
        (index({name: shard for name, shard in MAP.items() if name != "model.norm.weight"}), "not_in_index",
         {"name": "model.norm.weight", "count": 1}, True),
    ],
)  # fmt: skip
def test_an_index_that_disagrees_is_told(said: Any, code: str, facts: dict[str, Any], complete: bool) -> None:
    found = measured(**SHARDS, model__safetensors__index__json=said)
    finding = next(one for one in found["findings"] if one["code"] == code)
    assert (finding["facts"], found["complete"], found["parameters"]) == (facts, complete, 132 if complete else None)


def test_an_index_may_name_its_shards_as_it_likes() -> None:
    one, two = archive(plain({"a": tensor("0", (3,))}), {"0": 12}), archive(plain({"b": tensor("0", (4,))}), {"0": 16})
    listed = {"metadata": {"total_size": 28}, "weight_map": {"a": "first.bin", "b": "second.bin"}}
    found = measured(first__bin=one, second__bin=two, third__bin=one, pytorch_model__bin__index__json=listed)
    assert (found["parameters"], [row["path"] for row in found["files"]], found["findings"]) == (7, ["first.bin", "second.bin"], [])


def test_reading_needs_nothing_of_the_framework() -> None:
    code = "import sys, inspection.weights, inspection.weights.memory; sys.exit('django' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2]).returncode == 0


@pytest.mark.parametrize(
    ("said", "code"),
    [(b"{", "config_not_json"), (b"[]", "config_not_json"), ({"weight_map": [1]}, "index_without_map"), ({"a": 1}, "index_without_map")],
)
def test_a_broken_index_leaves_the_files(said: Any, code: str) -> None:
    found = measured(**SHARDS, model__safetensors__index__json=said)
    assert (codes(found), found["parameters"]) == ([code], 132)


def test_a_missing_shard_leaves_the_count_open() -> None:
    found = measured(**{"model-00001_of_00003__safetensors": ONE, "model-00003_of_00003__safetensors": TWO})
    assert (found["parameters"], found["bytes"], found["complete"]) == (None, 264, False)
    assert found["findings"] == [{"code": "missing_shard", "path": "model-00002-of-00003.safetensors", "facts": {"missing": 1, "of": 3}}]


def test_a_claim_of_many_shards_is_bounded() -> None:
    found = measured(**{"model-1_of_999999__safetensors": ONE})
    assert found["findings"] == [
        {"code": "missing_shard", "path": "model-000002-of-999999.safetensors", "facts": {"missing": 999, "of": 999999}}
    ]


def test_a_tensor_in_two_shards_counts_once() -> None:
    found = measured(**{"model-00001_of_00002__safetensors": ONE, "model-00002_of_00002__safetensors": ONE})
    assert (found["parameters"], found["bytes"]) == (56, 112)
    assert found["findings"][0] == {
        "code": "tensor_twice", "path": NAMES[1], "facts": {"name": "model.embed_tokens.weight", "other": NAMES[0]}
    }  # fmt: skip


def test_a_damaged_shard_is_named_and_the_rest_is_shown() -> None:
    found = measured(**SHARDS | {"model-00002_of_00002__safetensors": prefixed(b"{}")[:9]})
    assert (found["parameters"], found["dtypes"], found["files"][1]["error"]) == (None, {"BF16": 56}, "too_short")
    assert found["findings"] == [{"code": "too_short", "path": NAMES[1], "facts": {}}]


def test_a_variant_beside_the_main_file_is_not_added() -> None:
    found = measured(model__safetensors=ONE, model__fp16__safetensors=ONE)
    assert (found["parameters"], [one["path"] for one in found["variants"]]) == (56, ["model.fp16.safetensors"])


def test_formats_count_in_a_fixed_order() -> None:
    torch = archive(plain({"w": tensor("0", (3,))}), {"0": 12})
    net = onnx(initializer("w", [5], raw=20))
    llama = gguf({"general.architecture": "llama"}, [("w", (7,), 0, 28)])
    everything = {"model__onnx": net, "q__gguf": llama, "pytorch_model__bin": torch, "model__safetensors": ONE, "optimizer__pt": torch}
    order = []
    while everything:
        found = measured(**everything)
        order.append((found["format"], found["parameters"]))
        del everything[next((name for name in reversed(everything) if name != "optimizer__pt"), "optimizer__pt")]
    assert order == [("safetensors", 56), ("PyTorch", 3), ("GGUF", 7), ("ONNX", 5), ("", None)]


def test_parts_of_a_pipeline_are_counted_each() -> None:
    found = measured(
        model_index__json={"_class_name": "StableDiffusionPipeline"},
        unet___diffusion_pytorch_model__safetensors=safetensors({"conv_in.weight": (8, 4, 3, 3)}),
        unet___config__json={"_class_name": "UNet2DConditionModel"},
        vae___diffusion_pytorch_model__safetensors=safetensors({"encoder.conv.weight": (2, 2)}, "F32"),
        **{"v1-5__ckpt": archive(plain({"state_dict": plain({"w": tensor("0", (3,))})}), {"0": 12})},
    )
    assert (found["parameters"], found["bytes"], found["pipeline"]) == (292, 592, "StableDiffusionPipeline")
    assert found["components"] == [
        {"name": "unet", "format": "safetensors", "parameters": 288, "bytes": 576, "class": "UNet2DConditionModel"},
        {"name": "vae", "format": "safetensors", "parameters": 4, "bytes": 16, "class": ""},
    ]
    assert [(node["name"], node["parameters"], node["dtypes"]) for node in found["tree"]] == [
        ("unet", 288, {"BF16": 288}),
        ("vae", 4, {"F32": 4}),
    ]
    assert [one["path"] for one in found["variants"]] == ["v1-5.ckpt"]


def test_onnx_in_its_folder_counts_where_nothing_else_does() -> None:
    found = measured(onnx___model__onnx=onnx(initializer("w", [5], raw=20)), config__json={"hidden_size": 5})
    assert (found["format"], found["parameters"], found["config"]) == ("ONNX", 5, {"hidden": 5})


def test_an_adapter_says_what_it_adapts() -> None:
    said = {"peft_type": "LORA", "r": 8, "base_model_name_or_path": "lab/base", "target_modules": ["q_proj"]}
    found = measured(adapter_model__safetensors=ONE, adapter_config__json=said)
    assert (found["adapter"], found["parameters"]) == ({"type": "LORA", "rank": 8, "base": "lab/base"}, 56)


def test_files_that_are_known_are_not_read() -> None:
    def refuse(start: int, end: int) -> bytes:
        raise AssertionError("read again")

    files = [named(name, data) for name, data in SHARDS.items()]
    first = measure(files)
    again = measure([File(file.path, file.size, refuse) for file in files], known=first["reports"])
    assert (sorted(first.pop("reports")), again.pop("reports")) == (sorted(NAMES), {})
    assert again == first


def test_a_header_costs_one_range() -> None:
    asked: list[tuple[int, int]] = []
    data = safetensors({"w": (100_000,)})

    def read(start: int, end: int) -> bytes:
        asked.append((start, end))
        return data[start:end]

    measure([File("model.safetensors", len(data), read)])
    assert asked == [(0, 65_536)]


def test_equal_layers_are_one_node() -> None:
    shapes = {"model.embed_tokens.weight": (10, 4)}
    for layer in range(4):
        inner = (3, 4) if layer else (8, 4)
        shapes |= {f"model.layers.{layer}.mlp.experts.{number}.up_proj.weight": inner for number in range(2)}
    tree = measured(model__safetensors=safetensors(shapes))["tree"]
    assert [(node["name"], node["parameters"]) for node in tree] == [("model", 176)]
    embedding, layers = tree[0]["children"]
    assert (embedding["name"], embedding["shape"], embedding["bytes"]) == ("embed_tokens.weight", [10, 4], 80)
    assert [(node["name"], node["count"], node["parameters"], node["bytes"]) for node in layers["children"]] == [
        ("0", 1, 64, 128),
        ("1-3", 3, 72, 144),
    ]
    experts = layers["children"][1]["children"][0]["children"][0]
    (expert,) = experts["children"]
    assert (expert["name"], expert["count"], expert["parameters"], expert["children"][0]["shape"]) == ("0-1", 2, 72, [3, 4])


def test_a_tree_of_many_different_modules_is_bounded_and_its_sums_are_not() -> None:
    shapes = {f"a{first}.b{second}.w{third}": (first + 1, second + 1) for first in range(60) for second in range(30) for third in range(3)}
    tree = measured(model__safetensors=safetensors(shapes, "U8"))["tree"]
    nodes = pending = list(tree)
    while pending:
        pending = [child for node in pending for child in node.get("children", [])]
        nodes = nodes + pending
    assert len(nodes) <= 4_000
    assert sum(node["parameters"] for node in tree) == 3 * sum(range(61)) * sum(range(31))
    assert sum(node.get("more", 0) for node in nodes) > 0

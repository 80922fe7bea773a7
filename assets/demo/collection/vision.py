"""Models that see and paint."""

from assets.demo.exhibits import Revision, exhibit
from assets.demo.formats import pictures
from assets.demo.formats.safetensors import Tensor, encode
from assets.demo.recipes import Files, measurements, perception, training

_STYLES = ("shuimo", "gongbi", "qinglv", "baimiao", "pomo", "xieyi", "jiehua", "huaniao", "renwu", "mogu", "shese", "feibai")


def _danqing() -> Files:
    samples = {f"samples/{number:02}.png": pictures.ink(f"danqing/{number}", 256) for number in (1, 2)}
    return (
        perception.diffusion("danqing")
        | samples
        | {f"loras/{style}.safetensors": perception.picture_adapter(style, 8) for style in _STYLES}
    )


def _recogniser(seed: str) -> Files:
    return perception.convolutional(seed, task="luoshu_ocr", widths=(32, 64, 96, 128), outputs=256, picture=960)


EXHIBITS = (
    exhibit(
        "model", "yunhe-lab/Luoshu-OCR-v3", lambda: _recogniser("luoshu/1"), by="hezhiyuan", day=84, downloads=3_100, tag="v3.0.0",
        more=(Revision("添加样例图与手写体权重", "chenjiahe", 12, lambda: _recogniser("luoshu/2") | {"assets/sample.png": pictures.receipt("luoshu")}, tag="v3.1.0"),),
    ),
    exhibit(
        "model", "chenjiahe/Danqing-XL", _danqing, by="chenjiahe", day=90, downloads=2_930, upload="上传权重与样图",
        more=(Revision("更换许可证为 OpenRAIL++", "chenjiahe", 20, lambda: {"LICENSE.md": "# OpenRAIL++\n\n允许商用；须遵守附件 A 的使用限制。\n".encode()}, tag="v1.1.0"),),
    ),
    exhibit(
        "model", "chenjiahe/Danqing-LoRA-Gongbi", lambda: {"gongbi.safetensors": perception.picture_adapter("gongbi/solo", 16), "sample.png": pictures.ink("gongbi", 192)},
        by="chenjiahe", day=31, downloads=290, upload="上传适配器",
    ),
    exhibit(
        "model", "yunling/Tianshu-Det-L",
        lambda: perception.convolutional("tianshu-l", task="tianshu", widths=(24, 48, 96, 160), outputs=33, picture=1280, labels=measurements.DEFECTS, scales=3) | training.train_folder("image"),
        by="hezhiyuan", day=58, editor="linwz", downloads=410, tag="v1.0.0",
        more=(Revision("Add the inference folder", "jonas-weber", 2, lambda: training.inference_folder("image"), tag="v1.0.1"),),
    ),
    exhibit(
        "model", "yunling/Tianshu-Det-S",
        lambda: perception.convolutional("tianshu-s", task="tianshu", widths=(16, 32, 64, 96), outputs=33, picture=640, labels=measurements.DEFECTS, scales=3),
        by="hezhiyuan", day=33, downloads=205, bare=True,
    ),
    exhibit(
        "model", "yunling/PCB-Segment", lambda: perception.convolutional("pcb", task="segmenter", widths=(24, 48, 96), outputs=4, picture=512, labels=("ground", "trace", "pad", "chip")),
        by="linwz", day=19, public=False,
    ),
    exhibit(
        "model", "amara-okafor/Leafcheck-ViT",
        lambda: perception.picture_classifier("leafcheck", ("healthy", "spotted", "wilted"), hidden=80, layers=3)
        | {f"samples/{state}.png": pictures.leaf(f"sample/{state}", state) for state in ("healthy", "spotted", "wilted")},
        by="amara-okafor", day=73, downloads=88, upload="Upload model and samples", words="Write the card",
        more=(Revision("Add thresholds to the card", "amara-okafor", 7, card="broken"),),
    ),
    exhibit("model", "hezhiyuan/Depth-Lite", lambda: perception.convolutional("depth", task="depth_estimator", widths=(24, 48, 80, 112), outputs=1, picture=384), by="hezhiyuan", day=41, downloads=132),
    exhibit(
        "model", "jonas-weber/Clipwren-Video",
        lambda: perception.picture_classifier("clipwren", tuple(f"action_{number:02}" for number in range(40)), hidden=80, layers=3, picture=160)
        | {"temporal.safetensors": encode([Tensor("temporal.conv.weight", (80, 80, 3), "F32"), Tensor("temporal.conv.bias", (80,), "F32", 0.0)], "clipwren/time")},
        by="jonas-weber", day=29, downloads=46, upload="Upload model", words="Write the card",
    ),
)  # fmt: skip

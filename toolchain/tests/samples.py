"""Files of models, small and made by code."""

import json
from typing import Any

from inspection.files import File, in_memory
from toolchain.validator import Finding, Report, validate
from toolchain.validator.wording import sentence

# Twenty code points, ten of them Latin letters: the longest that is allowed.
TWENTY = "每隔几步存下checkpoint一次即可"
TRAIN = "print('training')\n"
INFERENCE = """class Model:
    def __init__(self):
        self.model = 1

    def __call__(self, inputs, **params):
        return inputs
"""


def parameter(**changes: Any) -> dict[str, Any]:
    """Return a hyperparameter that keeps every rule."""
    return {"name": "lr", "type": "float", "required": True, "default": 0.001, "help": "学习率"} | changes


def params(*parameters: dict[str, Any]) -> dict[str, Any]:
    """Return the contents of `train_params.json` with one method."""
    return {"training_methods": [{"name": "全参微调", "hyperparameters": list(parameters) or [parameter()]}]}


SAMPLE = params(
    parameter(),
    parameter(name="per_device_train_batch_size", type="int", required=False, default=32, help="训练时每卡批大小"),
    parameter(name="save_strategy", type="str", default="steps", help=TWENTY),
    parameter(name="push_to_hub", type="bool", required=False, default=False, help="是否上传"),
    parameter(name="warmup_2", type="float", default=1, help=""),
    parameter(name="resume_from", type="str", required=False, default="", help="从哪里继续"),
)

TRAINING = {
    "gallery_train/train.py": TRAIN,
    "gallery_train/train_params.json": json.dumps(SAMPLE, ensure_ascii=False, indent=2),
    "gallery_train/dataset_readme.md": "# 数据集要求\n",
}
SERVING = {"gallery_inference/inference.py": INFERENCE}
IMAGE_TRAINING = {
    "README.md": "---\nTrain_image_url: swr.example.com/team/train:1.0\nTrain_command_path: /home/train.sh\n---\n",
    "gallery_train/train_params.json": TRAINING["gallery_train/train_params.json"],
    "gallery_train/dataset_readme.md": "# Data\n",
}
IMAGE_SERVING = {"README.md": "---\nInfer_image_url: swr.example.com/team/serve:1.0\nInfer_command_path: /serve.sh\n---\n"}
LLAMA = {"config.json": '{"model_type": "llama"}', "model.safetensors": "x"}

Tree = dict[str, str | bytes]


def files_of(tree: Tree) -> list[File]:
    """Return the files of a tree."""
    return [in_memory(path, data.encode() if isinstance(data, str) else data) for path, data in tree.items()]


def report(tree: Tree, registries: tuple[str, ...] = ("swr.example.com",)) -> Report:
    """Return what the validator says of a tree, after making sure that each finding has its sentence with all facts in it."""
    said = validate(files_of(tree), registries=registries)
    assert not [finding for finding in said.findings if sentence(finding) == "These files do not meet the specification."]
    return said


def places(findings: tuple[Finding, ...] | list[Finding]) -> list[tuple[str, str, str, int | None]]:
    """Return code, severity, path and line of each finding."""
    return [(finding.code, finding.severity, finding.path, finding.line) for finding in findings]


def found(tree: Tree) -> list[tuple[str, str, str, int | None]]:
    """Return the places of all that the validator finds in a tree."""
    return places(report(tree).findings)

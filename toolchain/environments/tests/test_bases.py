"""The base environments that the gallery ships."""

import time
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from toolchain.environments import ready
from toolchain.environments.bases import BASES
from toolchain.environments.requirements import parse
from toolchain.runners.base import Limits, RunSpec, State
from toolchain.runners.local import LocalRunner
from toolchain.tests.environments import Bases, bases, lend

__all__ = ["bases"]

OFFLINE = {"HF_HUB_OFFLINE": "1", "HF_HOME": "/tmp/hf", "OMP_NUM_THREADS": "1"}

VERSIONS = """
import torch, transformers, sklearn, datasets, accelerate
print(torch.__version__.split("+")[0], transformers.__version__, datasets.__version__, torch.cuda.is_available())
"""

# The imports and calls of the documented train.py for image classification, on a model with random weights.
IMAGES = """
import accelerate, datasets, torch
from PIL import Image
from torchvision.transforms import CenterCrop, Compose, Normalize, RandomHorizontalFlip, RandomResizedCrop, Resize, ToTensor
from torchvision.transforms import v2
from transformers import AutoImageProcessor, AutoModelForImageClassification, Trainer, TrainingArguments, ViTConfig, ViTForImageClassification
from transformers import ViTImageProcessor, pipeline
picture = Image.new("RGB", (40, 30), "red")
pixels = Compose([RandomResizedCrop(16), RandomHorizontalFlip(), ToTensor(), Normalize([0.5] * 3, [0.5] * 3)])(picture)
config = ViTConfig(image_size=16, patch_size=8, hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8, num_labels=2)
ViTForImageClassification(config).save_pretrained("/tmp/m")
ViTImageProcessor(size={"height": 16, "width": 16}).save_pretrained("/tmp/m")
model = AutoModelForImageClassification.from_pretrained("/tmp/m")
print(tuple(model(pixels[None]).logits.shape), tuple(v2.functional.pil_to_tensor(picture).shape))
print(len(pipeline("image-classification", model="/tmp/m")(picture)))
TrainingArguments("/tmp/out", evaluation_strategy="epoch", warmup_ratio=0.1, use_cpu=True)
import torchvision
try:
    torchvision.ops.nms(torch.zeros(1, 4), torch.zeros(1), 0.5)
except RuntimeError as error:
    print(str(error)[:29])
"""


def said(tmp_path: Path, bases: Bases, base: str, code: str) -> list[str]:
    """Return the lines that `code` prints, without network, in a base and with nothing else."""
    root, id = bases(base)
    runner = LocalRunner(tmp_path / "runs")
    argv = (ready.python_of(root, id), "-W", "ignore", "-c", code)
    runner.start(RunSpec(argv, OFFLINE, mounts=ready.mounts_of(root, id), limits=Limits(memory=4 << 30, wall=300)), "code")
    while runner.look("code").state in (State.STARTING, State.RUNNING):
        time.sleep(0.1)
    log = runner.read("code", "log", 0, 1 << 20).decode()
    exit = runner.look("code").exit
    assert exit is not None
    assert exit.code == 0, log
    return log.strip().splitlines()


@pytest.mark.parametrize("base", BASES.values(), ids=lambda base: base.code)
def test_every_package_of_a_base_is_pinned(base: object) -> None:
    requirements = [Requirement(line) for line in base.requirements]  # type: ignore[attr-defined]
    assert [str(each) for each in requirements if [part.operator for part in each.specifier] != ["=="]] == []
    assert set(base.offers) <= {canonicalize_name(each.name) for each in requirements}  # type: ignore[attr-defined]


@pytest.mark.process
def test_current_base_works_in_a_sandbox(tmp_path: Path, bases: Bases) -> None:
    assert said(tmp_path, bases, "current", VERSIONS)[-1].split()[:3] == ["2.13.0", "5.23.0", "5.2.0"]


@pytest.mark.process
def test_compatible_base_runs_what_was_written_for_transformers_4(tmp_path: Path, bases: Bases) -> None:
    lines = said(tmp_path, bases, "compatible", VERSIONS + IMAGES)
    assert lines[0].split()[:3] == ["2.13.0", "4.45.2", "4.8.5"]
    assert lines[-3:] == ["(1, 2) (3, 30, 40)", "2", "Couldn't load custom C++ ops."]


@pytest.mark.process
def test_lent_base_works_and_goes_without_harm(tmp_path: Path, bases: Bases) -> None:
    root = tmp_path / "environments"
    id = lend(bases, "current", root)
    lines = said(tmp_path, lambda code: (root, id), "current", "import sys, safetensors; print(sys.prefix)")
    assert lines == [str(root / id)]
    ready.remove(root, id)
    assert not ready.is_ready(root, id)
    made, _id = bases("current")
    assert ready.is_ready(made, id)


@pytest.mark.process
def test_usual_requirements_need_no_build(bases: Bases) -> None:
    root, _id = bases("current")
    assert ready.covered(root, "current", parse("torch>=2\ntransformers\ndatasets>=2.14\nscikit-learn\npillow\nnumpy\ntqdm\n"))
    assert not ready.covered(root, "current", parse("torchvision"))

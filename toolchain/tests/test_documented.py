"""The documented picture classifier in both base environments, run by hand as the contract says."""

import json
import os
import re
import subprocess

import pytest

from inspection.files import in_memory
from toolchain.environments import ready
from toolchain.tests.documented import pictures, tiny
from toolchain.tests.environments import bases  # noqa: F401
from toolchain.validator import validate

PARAMS = {
    "lr": "0.003",
    "num_train_epochs": "3",
    "per_device_train_batch_size": "8",
    "per_device_eval_batch_size": "8",
    "logging_steps": "2",
}
RUN = """
import json, os, pathlib, runpy, sys
runpy.run_path(sys.argv.pop(1))["vit"](pathlib.Path(os.environ["ENV_AG_MODEL_DIR"]))
runpy.run_path("train.py", run_name="__main__")
os.environ["ENV_AG_MODEL_DIR"] = os.environ["ENV_AG_TRAIN_OUTPUT_DIR"]
classifier = runpy.run_path(sys.argv[1])["Classifier"]()
print(json.dumps([classifier(open(path, "rb").read(), top=1)[0]["label"] for path in sys.argv[2:]]))
"""


@pytest.mark.parametrize("environment", ["current", "compatible"])
def test_the_sample_keeps_every_rule(environment):
    report = validate([in_memory(path, text.encode()) for path, text in pictures.scripts(environment).items()], registries=())
    assert report.findings == ()
    assert (report.training.form, report.inference.form) == ("folder", "folder")
    assert report.serving is not None
    assert (report.serving.form, report.serving.name) == ("class", "Classifier")


def test_there_are_sixty_pictures_in_class_folders(tmp_path):
    pictures.draw(tmp_path)
    assert sorted({path.parent.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.png")}) == [
        "test/blue", "test/red", "train/blue", "train/red",
    ]  # fmt: skip
    assert len(list(tmp_path.rglob("*.png"))) == 60


@pytest.mark.process
@pytest.mark.parametrize("environment", ["current", "compatible"])
def test_the_sample_trains_and_predicts(bases, environment, tmp_path):  # noqa: F811
    model, dataset, output = tmp_path / "model" / "ann--vit", tmp_path / "dataset" / "ann--pictures", tmp_path / "output"
    for path, text in pictures.scripts(environment).items():
        (model / path).parent.mkdir(parents=True, exist_ok=True)
        (model / path).write_text(text)
    pictures.draw(dataset)
    output.mkdir()
    contract = {
        "ENV_AG_WORK_DIR": str(tmp_path),
        "ENV_AG_MODEL_DIR": str(model),
        "ENV_AG_DATASET_DIR": str(dataset),
        "ENV_AG_TRAIN_OUTPUT_DIR": str(output),
        "ENV_AG_USER_METRICS_LOG_PATH": str(tmp_path / "user_metrics.log"),
        "ENV_AG_USER_PARAMS": json.dumps(PARAMS),
        "HF_HOME": str(tmp_path / "cache"),
    }
    scripts = [tiny.__file__, str(model / "gallery_inference" / "inference.py")]
    shown = [str(dataset / "test" / "red" / "1.png"), str(dataset / "test" / "blue" / "1.png")]
    variables = {"PATH": os.environ["PATH"], "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", **contract}
    arguments = [ready.python_of(*bases(environment)), "-c", RUN, *scripts, *shown]
    done = subprocess.run(arguments, env=variables, cwd=model / "gallery_train", capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr[-3000:]
    assert json.loads(done.stdout.splitlines()[-1]) == ["red", "blue"]
    assert re.search(r"eval_accuracy +=\s+1\.0", done.stdout)
    rows = [line.split("|") for line in (tmp_path / "user_metrics.log").read_text().splitlines()]
    assert [int(row[0]) for row in rows] == list(range(2, 16, 2))
    assert float(rows[-1][1]) < float(rows[0][1])
    assert {"config.json", "model.safetensors", "preprocessor_config.json"} <= {path.name for path in output.iterdir()}
    assert len(list(output.glob("checkpoint-*"))) == 3

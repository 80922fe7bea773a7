"""Whole trainings in tests: a tiny base environment, a model with a script of its own, and a worker that looks after the queue."""

import json
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from assets import services as assets_services
from assets.models import Asset
from assets.tests.factories import make_asset, read_for
from inspection.models import Inspection
from jobs.models import Job
from jobs.services import run as run_job
from repos.operations import PutBytes
from toolchain.environments import bases
from toolchain.environments.bases import Base
from toolchain.runners.base import State
from toolchain.runs import places

PATIENCE = 60
PARAMS = {
    "training_methods": [
        {
            "name": "Full",
            "hyperparameters": [
                {"name": "steps", "type": "int", "required": True, "default": 3, "help": "How many steps"},
                {"name": "note", "type": "str", "required": False, "default": "", "help": "Anything"},
            ],
        }
    ]
}
TRAIN = """
import json, os, pathlib, sys, time
given = json.loads(os.environ["ENV_AG_USER_PARAMS"])
print("begin", sorted(given.items()), flush=True)
with open(os.environ["ENV_AG_USER_METRICS_LOG_PATH"], "w") as metrics:
    for step in range(1, int(given["steps"]) + 1):
        print(f"{step}|{2.0 / step}|{100 + step}", file=metrics, flush=True)
output = pathlib.Path(os.environ["ENV_AG_TRAIN_OUTPUT_DIR"])
model = pathlib.Path(os.environ["ENV_AG_MODEL_DIR"])
data = pathlib.Path(os.environ["ENV_AG_DATASET_DIR"])
(output / "config.json").write_bytes((model / "config.json").read_bytes())
(output / "rows.txt").write_text(str(len((data / "data.csv").read_text().splitlines())))
(output / "variables.json").write_text(json.dumps({k: v for k, v in os.environ.items() if k.startswith("ENV_AG_")}))
print("end", flush=True)
"""


@pytest.fixture(scope="session")
def workplace() -> Iterator[Path]:
    """The folder of what runs in this session; the environments in it are built once."""
    # Sockets lie below it, whose paths end at 107 bytes.
    folder = Path(tempfile.mkdtemp(prefix="runs-"))
    (folder / "requirements.txt").write_text("")
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def workshop(workplace: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of runs, with base environments that hold no packages and are built in a second; after the test nothing runs there."""
    settings.RUNS_DIR = workplace
    for code in ("current", "compatible"):
        monkeypatch.setitem(bases.BASES, code, Base(code, workplace / "requirements.txt", (), ()))  # type: ignore[arg-type]
    yield workplace
    runner = places.runner_of("local")
    keys = [folder.name for folder in places.runs_folder().glob("[a-z]*")]
    for key in keys:
        runner.stop(key)
    end = time.monotonic() + PATIENCE
    while any(runner.look(key).state in (State.STARTING, State.RUNNING) for key in keys) and time.monotonic() < end:
        time.sleep(0.05)
    for key in keys:
        runner.forget(key)


def work() -> None:
    """Do what workers would do now for everything that is due in the toolchain."""
    for job in Job.objects.filter(kind__startswith="toolchain.", state__in=Job.ACTIVE):
        Job.objects.filter(pk=job.pk).update(due_at=timezone.now())
        run_job(job.pk)


def until(condition: Callable[[], Any], *, what: str = "") -> Any:
    """Work until `condition` holds, and return it."""
    end = time.monotonic() + PATIENCE
    while not (found := condition()):
        work()
        if time.monotonic() > end:
            raise AssertionError(f"{what or condition} did not come in {PATIENCE} seconds")
        time.sleep(0.05)
    return found


def model(owner: Any, *, script: str = TRAIN, name: str = "classifier", more: dict[str, str] | None = None) -> Asset:
    """Return a model with a training folder of its own, read for its owner."""
    files = {
        "README.md": "---\npipeline_tag: image-classification\nlicense: apache-2.0\n---\n# Model\n",
        "config.json": "{}",
        "gallery_train/train.py": script,
        "gallery_train/train_params.json": json.dumps(PARAMS),
        "gallery_train/dataset_readme.md": "# Data\n\nA file `data.csv`.\n",
    } | (more or {})
    return asset_with(owner, "model", name, files)


def dataset(owner: Any, *, name: str = "rows", files: dict[str, str] | None = None) -> Asset:
    """Return a dataset, read for its owner."""
    return asset_with(owner, "dataset", name, files or {"data.csv": "a,b\n1,2\n3,4\n"})


def asset_with(owner: Any, kind: str, name: str, files: dict[str, str]) -> Asset:
    """Return an asset of that name with these files, after they were read."""
    asset = make_asset(owner, kind=kind, name=name)
    operations = [PutBytes(path, text.encode()) for path, text in files.items()]
    assets_services.commit_files(asset=asset, actor=owner, operations=operations, message="Files")
    read_commits()
    return read_for(owner, asset)


def read_commits() -> None:
    """Have new commits read by the validator."""
    for job in Job.objects.due().filter(kind="assets.ingest"):
        run_job(job.pk)
    for job in Job.objects.due().filter(pk__in=Inspection.objects.filter(step="specification").values("job")):
        run_job(job.pk)

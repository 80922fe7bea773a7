"""Models that can be trained, datasets to train with, and training jobs in every state, as rows."""

import json
from collections.abc import Mapping
from datetime import timedelta
from itertools import count
from typing import Any

from django.utils import timezone

from assets import services as assets_services
from assets.models import Asset
from assets.tests.factories import make_asset, read_for
from inspection.files import in_memory
from inspection.models import Inspection
from repos.operations import PutBytes
from repos.reading import resolve
from toolchain.models import Excerpt, Run, Spec
from toolchain.tests.samples import TRAINING, parameter
from toolchain.trainer.models import Training
from toolchain.validator import VERSION, validate

_numbers = count(1)
CARD = "---\npipeline_tag: {task}\n---\n# Model\n"
PARAMS = {
    "training_methods": [
        {
            "name": "Full",
            "hyperparameters": [
                parameter(name="lr", type="float", required=True, default=0.001, help="learning rate"),
                parameter(name="epochs", type="int", required=True, default="", help="rounds"),
                parameter(name="optimizer", type="str", required=False, default="adamw", help=""),
                parameter(name="shuffle", type="bool", required=False, default=True, help=""),
            ],
        },
        {"name": "LoRA", "hyperparameters": [parameter(name="rank", type="int", required=True, default=8, help="")]},
    ]
}
SCRIPTS = TRAINING | {
    "gallery_train/train_params.json": json.dumps(PARAMS),
    "gallery_train/dataset_readme.md": "# What the data must look like\n\nOne *row* a line.\n",
}
LLAMA = {
    "config.json": json.dumps({"model_type": "llama", "max_position_embeddings": 128}),
    "model.safetensors": "x",
    "tokenizer.json": "{}",
}


def commit(asset: Asset, actor: Any, files: Mapping[str, str]) -> str:
    """Commit files to an asset; return the commit."""
    operations = [PutBytes(path, data.encode()) for path, data in files.items()]
    return str(assets_services.commit_files(asset=asset, actor=actor, operations=operations, message="Change").sha)


def _read(asset: Asset, actor: Any, files: Mapping[str, str], task: str, minimum: str = "") -> Asset:
    """Commit the files of a model, and leave behind what reading them would; return the asset as `actor` sees it."""
    sha = commit(asset, actor, {"README.md": CARD.format(task=task)} | dict(files))
    listing = [in_memory(path, data.encode()) for path, data in files.items()]
    Inspection.objects.create(
        repository=asset.repository, commit=sha, step="specification", result=validate(listing, registries=()).as_dict(), version=VERSION, finished_at=timezone.now()
    )  # fmt: skip
    Asset.objects.filter(pk=asset.pk).update(task=task, minimum_spec=minimum, ingest_job=None)
    return read_for(actor, asset)


def custom_model(actor: Any, namespace: Any = None, *, files: Mapping[str, str] = SCRIPTS, minimum: str = "", **options: Any) -> Asset:
    """Return a model of another task with training scripts of its own, read for `actor`."""
    return _read(make_asset(actor, namespace, **options), actor, files, "image-classification", minimum)


def text_model(
    actor: Any, namespace: Any = None, *, files: Mapping[str, str] = LLAMA, task: str = "text-generation", **options: Any
) -> Asset:
    """Return a model that the gallery trains by itself, read for `actor`."""
    return _read(make_asset(actor, namespace, **options), actor, files, task)


def make_dataset(actor: Any, namespace: Any = None, *, files: Mapping[str, str] | None = None, **options: Any) -> Asset:
    """Return a dataset, read for `actor`."""
    asset = make_asset(actor, namespace, kind="dataset", **options)
    commit(asset, actor, files or {"data.txt": "x"})
    return read_for(actor, asset)


def make_spec(code: str = "cpu-2-4", **columns: Any) -> Spec:
    """Return a spec on offer."""
    found, _made = Spec.objects.update_or_create(code=code, defaults={"name_en": f"Spec {code}", "vcpus": 2, "memory": 4} | columns)
    return found


def make_training(
    creator: Any, namespace: Any = None, *, state: str = "waiting", metrics: str = "", log: str = "", **columns: Any
) -> Training:
    """Return a training job as rows of the database: in this state, with a run and what it wrote, and without anything that runs."""
    number, now = next(_numbers), timezone.now()
    spec = columns.pop("spec", None) or make_spec()
    model, dataset = columns.pop("model", None), columns.pop("dataset", None)
    run_columns = columns.pop("run_columns", {})
    begun = state != "waiting"
    over = state in ("completed", "failed", "stopped")
    training = Training.objects.create(
        namespace_id=(namespace or creator).pk,
        creator=creator,
        name=columns.pop("name", f"job-{number}"),
        model=model,
        model_name=model.repo_id if model else columns.pop("model_name", "lab/base"),
        model_commit=resolve(model.open_repository()).commit.sha if model else "a" * 40,
        dataset=dataset,
        dataset_name=dataset.repo_id if dataset else "lab/rows",
        dataset_commit=resolve(dataset.open_repository()).commit.sha if dataset else "b" * 40,
        task=columns.pop("task", "custom"),
        method=columns.pop("method", "Full"),
        parameters=columns.pop("parameters", {"lr": "0.01", "epochs": "3"}),
        environment="current",
        spec=spec,
        output_name=columns.pop("output_name", f"tuned-{number}"),
        state=state,
        started_at=now - timedelta(minutes=30) if begun else None,
        ended_at=now if over else None,
        **columns,
    )
    run_state = "waiting" if not begun else "ended" if over else "running"
    training.run = Run.objects.create(
        purpose="training", target=training.pk, namespace_id=training.namespace_id, user=creator, spec=spec, title=training.name,
        **{
            "state": run_state,
            "stage": "run" if begun else "",
            "claimed_at": now - timedelta(minutes=31) if begun else None,
            "started_at": now - timedelta(minutes=30) if begun else None,
            "ended_at": now if over else None,
            "created_at": now - timedelta(minutes=35),
        } | run_columns,
    )  # fmt: skip
    training.save(update_fields=["run"])
    for stream, text in (("metrics", metrics), ("log", log)):
        if text:
            Excerpt.objects.create(run=training.run, stream=stream, offset=0, data=text.encode())
    return Training.objects.for_user(creator).whole().get(pk=training.pk)


async def read(response: Any) -> bytes:
    """Return what a response streams."""
    return b"".join([piece async for piece in response.streaming_content])

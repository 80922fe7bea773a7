"""Models that can be deployed, and services in every state, as rows."""

from datetime import datetime, timedelta
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
from toolchain.inference.models import LATENCIES, Generation, Minute, Replica, Service
from toolchain.models import Excerpt, Run, Spec
from toolchain.tests.samples import SERVING
from toolchain.validator import VERSION, validate

_numbers = count(1)
LLAMA = {"config.json": '{"model_type": "llama", "max_position_embeddings": 128}', "model.safetensors": "x", "tokenizer.json": "{}"}
BERT = {"config.json": '{"model_type": "bert"}', "model.safetensors": "x", "tokenizer.json": "{}"}
STATES: dict[str, tuple[str, str]] = {
    "deploying": ("coming", "preparing"),
    "running": ("serving", "running"),
    "stopping": ("draining", "running"),
    "stopped": ("gone", "ended"),
    "failed": ("failed", "ended"),
}
"""The state of the generation and of its runs for each state of a service."""


def commit(asset: Asset, actor: Any, files: dict[str, str], task: str = "image-classification") -> str:
    """Commit files to a model and leave behind what reading them would; return the commit."""
    files = {"README.md": f"---\npipeline_tag: {task}\n---\n# Model\n"} | files
    operations = [PutBytes(path, data.encode()) for path, data in files.items()]
    sha = str(assets_services.commit_files(asset=asset, actor=actor, operations=operations, message="Change").sha)
    result = validate([in_memory(path, data.encode()) for path, data in files.items()], registries=()).as_dict()
    Inspection.objects.create(
        repository=asset.repository, commit=sha, step="specification", result=result, version=VERSION, finished_at=timezone.now()
    )
    return sha


def make_model(
    actor: Any, namespace: Any = None, *, files: dict[str, str] | None = None, task: str = "image-classification", minimum: str = "",
    **options: Any,
) -> Asset:  # fmt: skip
    """Return a model with a script of its own, or with `files`, read for `actor`."""
    asset = make_asset(actor, namespace, **options)
    commit(asset, actor, SERVING if files is None else files, task)
    Asset.objects.filter(pk=asset.pk).update(task=task, minimum_spec=minimum, ingest_job=None)
    return read_for(actor, asset)


def writer(actor: Any, namespace: Any = None, **options: Any) -> Asset:
    """Return a model that writes texts, which the gallery serves by itself."""
    return make_model(actor, namespace, files=LLAMA, task="text-generation", **options)


def make_spec(code: str = "cpu-2-4", **columns: Any) -> Spec:
    """Return a spec on offer."""
    found, _made = Spec.objects.update_or_create(code=code, defaults={"name_en": f"Spec {code}", "vcpus": 2, "memory": 4} | columns)
    return found


def make_service(
    creator: Any, namespace: Any = None, *, state: str = "waiting", ready: int | None = None, log: str = "", run: dict[str, Any] | None = None,
    **columns: Any,
) -> Service:  # fmt: skip
    """Return a service as rows: in this state, with a generation, replicas and their runs, and without anything that runs; read for `creator`."""
    number, now = next(_numbers), timezone.now()
    model = columns.pop("model", None)
    spec = columns.pop("spec", None) or make_spec()
    wanted = {
        "model_commit": resolve(model.open_repository()).commit.sha if model else "a" * 40, "revision": columns.pop("revision", ""),
        "task": columns.pop("task", "custom"), "engine": columns.pop("engine", "custom"), "environment": "current", "spec": spec,
    }  # fmt: skip
    begun = state != "waiting"
    service = Service.objects.create(
        namespace_id=(namespace or creator).pk, creator=creator, name=columns.pop("name", f"service-{number}"), model=model,
        model_name=model.repo_id if model else "lab/base", state=state, **wanted,
        **{"started_at": now - timedelta(minutes=30) if state in ("running", "stopping") else None, "created_at": now - timedelta(hours=7)} | columns,
    )  # fmt: skip
    generation_state, run_state = STATES.get(state, ("coming", "waiting"))
    generation = Generation.objects.create(
        service=service,
        number=1,
        state=generation_state,
        served_at=now - timedelta(minutes=30) if state in ("running", "stopped") else None,
        **wanted,
    )
    if state == "running":
        Service.objects.filter(pk=service.pk).update(generation=generation)
    for index in range(service.replicas):
        answers = state == "running" and (ready is None or index < ready)
        add_replica(generation, index, **{"state": run_state, "begun": begun, "log": log, "ready": answers} | (run or {}))
    return Service.objects.for_user(creator).whole().get(pk=service.pk)


def add_replica(
    generation: Generation, index: int, state: str, *, begun: bool = True, ready: bool = False, log: str = "", **columns: Any
) -> Replica:
    """Add a replica with a run to a generation."""
    service, now = generation.service, timezone.now()
    replica = Replica.objects.create(generation=generation, index=index, ready=ready)
    replica.run = Run.objects.create(
        purpose="service", target=replica.pk, namespace_id=service.namespace_id, user=service.creator, spec=generation.spec, title=service.name,
        **{
            "state": state,
            "claimed_at": now - timedelta(minutes=31) if begun else None,
            "started_at": now - timedelta(minutes=30) if begun else None,
            "ended_at": now if state == "ended" else None,
            "created_at": now - timedelta(minutes=35),
        } | columns,
    )  # fmt: skip
    replica.save(update_fields=["run"])
    if log:
        Excerpt.objects.create(run=replica.run, stream="log", offset=0, data=log.encode())
    return replica


def count_minute(service: Service, at: datetime, latencies: dict[int, int] | None = None, **columns: Any) -> Minute:
    """Count requests in a minute; `latencies` are how many fell into the classes that end at these milliseconds."""
    classes = [0] * (len(LATENCIES) + 1)
    for end, number in (latencies or {}).items():
        classes[LATENCIES.index(end)] = number
    values = {"requests": sum(classes), "milliseconds": sum(end * number for end, number in (latencies or {}).items()), "replicas": 1}
    return Minute.objects.create(service=service, at=at.replace(second=0, microsecond=0), latencies=classes, **values | columns)

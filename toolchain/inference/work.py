"""What a run does for a replica of a service."""

import http.client
import json
import os
import socket
from contextlib import suppress
from pathlib import Path
from threading import Timer
from typing import Any

from django.conf import settings
from django.utils import timezone

from assets.models import Asset
from core.problems import Missing
from repos.reading import Revision, find, read_all, resolve
from toolchain.inference import engines
from toolchain.inference.adapters import rank_of
from toolchain.inference.models import Generation, Replica, Service
from toolchain.materials import place_of
from toolchain.models import Run
from toolchain.offering import NO_IMAGE, image_of
from toolchain.runners.base import Accelerators, Limits, Look, Mount, Replicas, RunSpec
from toolchain.runners.trees import open_below
from toolchain.runs.environments import python_in
from toolchain.runs.reading import last_lines
from toolchain.runs.registry import Beat, Failure, Need, Place, Wanted

FOLDER = "gallery_inference"
MAX_REQUIREMENTS = 256 << 10
SOCKETS = "/ag/run"
SOCKET = f"{SOCKETS}/s.sock"
HEALTH_SECONDS = 3
HEALTH_FILE = "s.sock.json"


class Work:
    """Replicas of services, as the queue sees them. One that ends is begun again by its service, not here."""

    name = "service"
    retries = 0

    def want(self, run: Run) -> Wanted:
        """Return the model and the environment of the replica's generation, if the owner may still use the model."""
        replica = replica_of(run)
        generation = replica.generation
        service = generation.service
        needs = [Need(usable(service, service.model_id, generation.model_commit, "model_gone"), "model", service.model_name)]
        requirements = _requirements(needs[0].revision) if generation.engine == engines.CUSTOM else ""
        if generation.base_commit:
            revision = usable(service, generation.base_id, generation.base_commit, "base_gone")
            needs.append(Need(revision, "model", _name_of_base(generation)))
        return Wanted(needs, "" if generation.engine == engines.IMAGE else generation.environment, requirements)

    def describe(self, run: Run, place: Place) -> RunSpec:
        """Return the server of the generation's engine."""
        replica = replica_of(run)
        generation, spec = replica.generation, run.spec
        service = generation.service
        model = place_of("model", service.model_name)
        base = place_of("model", _name_of_base(generation)) if generation.base_commit else ""
        (place.folder / "socket").mkdir(exist_ok=True)
        python, mounts = python_in(place.environment)
        image = image_of(service.model, generation.model_commit, "inference") if generation.engine == engines.IMAGE else NO_IMAGE
        if generation.engine == engines.IMAGE and not image.address:
            raise Failure("image_gone")
        address = f"{service.namespace.handle}/{service.name}"
        program = engines.program(
            engines.Request(
                engine=generation.engine, task=generation.task, python=python, model=model, name=service.name, socket=SOCKET,
                aliases=(address,), prefix=f"/services/{address}", cpus=spec.vcpus, cards=spec.cards, memory=spec.memory << 30,
                accelerator=spec.accelerator, concurrency=service.concurrency, queue=service.queue, seconds=service.request_limit,
                base=base, rank=rank_of(place.inputs[0]) if base else 0, image=image.address, command=image.command,
            )
        )  # fmt: skip
        return RunSpec(
            argv=program.argv,
            environment=program.environment,
            mounts=(
                *mounts, *program.mounts,
                *(Mount(str(folder), target) for folder, target in zip(place.inputs, filter(None, (model, base)), strict=True)),
                Mount(str(place.folder / "socket"), SOCKETS, writable=True),
            ),
            folder=program.folder,
            limits=Limits(
                cpus=spec.vcpus, memory=spec.memory << 30, disk=settings.RUN_DISK, wall=None, grace=service.request_limit + 5,
                log=settings.RUN_LOG_SIZE, processes=max(512, 64 * spec.vcpus),
            ),
            accelerators=Accelerators(spec.accelerator, spec.cards, tuple(run.cards)),
            listen=program.listen,
            image=program.image,
            replicas=Replicas(ready=engines.ready_path(replica.generation.engine)),
            labels=spec.machine_labels,
        )  # fmt: skip

    def began(self, run: Run) -> None:
        """The first replica that gets a machine has the service deploying."""
        replica = replica_of(run)
        replica.generation.service.deploy()

    def watch(self, run: Run, look: Look) -> None:
        """See whether the replica answers."""
        replica = replica_of(run)
        answered, failure = health(look.address, engines.ready_path(replica.generation.engine)) if look.address else (False, "")
        if answered != replica.ready:
            Replica.objects.filter(pk=replica.pk, run=run).update(ready=answered)
        if failure:
            raise Failure("unloadable", sentence=failure)
        limit = engines.start_seconds(replica.generation.engine)
        if not answered and not run.facts.get("answered") and run.started_at and (timezone.now() - run.started_at).total_seconds() > limit:
            raise Failure("unready", seconds=limit)
        if answered and not run.facts.get("answered"):
            run.facts["answered"] = timezone.now().isoformat()
            run.save(update_fields=["facts"])

    def collect(self, run: Run, folder: Path, beat: Beat) -> None:
        """A replica leaves nothing but the reason why it never answered."""
        if run.facts.get("answered") or run.stop_requested_at is not None:
            return
        generation = replica_of(run).generation
        said = _last_words(folder / "socket")
        known = engines.failure(generation.engine, last_lines(run))
        if said or known:
            raise Failure("unloadable", sentence=said or (known[1] if known else ""))

    def ended(self, run: Run, *, again: Run | None) -> None:
        """The replica does not answer any more; its service sees to another one."""
        Replica.objects.filter(pk=run.target, run=run).update(ready=False)

    def keeps(self, run: Run) -> bool:
        """Nothing is kept but the log."""
        return False


def replica_of(run: Run) -> Replica:
    """Return the replica that a run is for."""
    found = Replica.objects.select_related("generation__service__namespace", "generation__service__creator").filter(pk=run.target).first()
    if found is None:
        raise Failure("stopped")
    return found


def usable(service: Service, asset_id: int | None, commit: str, gone: str) -> Revision:
    """Return a commit of what a service is made of, opened for whoever deployed it. Raises `Failure`, `gone` where that may not be."""
    user = service.creator
    if user is None or not user.is_active:
        raise Failure("user_gone")
    asset = Asset.objects.for_user(user).whole().filter(pk=asset_id or 0).first()
    if asset is None or "deploy" not in asset.allowed:
        raise Failure(gone)
    try:
        return resolve(asset.open_repository(), commit)
    except Missing as problem:
        raise Failure(gone) from problem


def _name_of_base(generation: Generation) -> str:
    found = Asset.objects.filter(pk=generation.base_id or 0).select_related("namespace").first()
    if found is None:
        raise Failure("base_gone")
    return found.repo_id


def health(address: str, path: str) -> tuple[bool, str]:
    """Return whether the program at `address` is ready, and the sentence with which it gave up, if it did."""
    connection = _Connection(address)
    # The limit of a socket is for each piece of an answer; one that comes in drips, or has a hundred heads, is to end as well.
    end = Timer(HEALTH_SECONDS, connection.cut)
    try:
        connection.connect()
        end.start()
        connection.request("GET", connection.prefix + path)
        answer = connection.getresponse()
        body = answer.read(64 << 10)
        if answer.status == 200:
            return True, ""
        found: Any = json.loads(body) if body else {}
        gave_up = isinstance(found, dict) and found.get("status") == "failed"
        return False, str(found.get("message", ""))[:1000] if gave_up else ""
    except (OSError, http.client.HTTPException, ValueError, RecursionError):
        return False, ""
    finally:
        end.cancel()
        connection.close()


class _Connection(http.client.HTTPConnection):
    """A connection to `unix:/path` or `http://host:port`; what follows the port stands before every path."""

    def __init__(self, address: str) -> None:
        self.unix = address.removeprefix("unix:") if address.startswith("unix:") else ""
        host, slash, path = ("replica", "", "") if self.unix else address.removeprefix("http://").partition("/")
        self.prefix = slash + path
        super().__init__(host, timeout=HEALTH_SECONDS)

    def connect(self) -> None:
        if not self.unix:
            super().connect()
            return
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(HEALTH_SECONDS)
        self.sock.connect(self.unix)

    def cut(self) -> None:
        """End the connection for whoever reads from it, which may be another thread."""
        with suppress(AttributeError, OSError):
            self.sock.shutdown(socket.SHUT_RDWR)


def _last_words(folder: Path) -> str:
    """Return why the server gave up, as it wrote down itself; a file that it might have made anything of."""
    try:
        # Not to wait for ever where a pipe took its place.
        with os.fdopen(open_below(str(folder), HEALTH_FILE, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
            found: Any = json.loads(file.read(64 << 10) or b"null")
    except (OSError, ValueError, RecursionError):
        return ""
    return str(found.get("message", ""))[:1000] if isinstance(found, dict) and found.get("status") == "failed" else ""


def _requirements(model: Revision) -> str:
    try:
        return read_all(find(model, f"{FOLDER}/requirements.txt"), MAX_REQUIREMENTS).decode(errors="replace")
    except Missing:
        return ""

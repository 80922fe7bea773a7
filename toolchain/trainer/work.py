"""What a run does for a training job: the contract of sections 11.3 and 14.2 with the script, and what becomes of its result."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from django.conf import settings

from accounts.models import User
from assets.models import Asset
from core.problems import Missing
from repos.operations import PutBytes
from repos.reading import Revision, find, read_all, resolve, walk
from toolchain.choices import IMAGE
from toolchain.materials import CACHE, OUTPUT, place_of, surveyed, write_result
from toolchain.models import Run
from toolchain.offering import NO_IMAGE, image_of
from toolchain.runners.base import Accelerators, Limits, Look, Mount, RunSpec
from toolchain.runs.environments import python_in
from toolchain.runs.registry import Beat, Failure, Need, Place, Wanted
from toolchain.trainer import builtin
from toolchain.trainer.models import Training
from toolchain.trainer.news import tell_ended
from toolchain.trainer.results import facts_of
from toolchain.validator.texts import KIB

FOLDER = "gallery_train"
LOGS = "/var/logs"
METRICS = f"{LOGS}/user_metrics.log"
WORK = str(CACHE)
SCRATCH = "/scratch"
"""Where libraries keep what /tmp, which is memory, is too small for."""
MAX_REQUIREMENTS = 256 * KIB
CARRIED = ("gallery_train", "gallery_inference")
MAX_SCRIPT = 1024 * KIB


class Work:
    """Training jobs, as the queue sees them."""

    name = "training"
    retries = 1

    def want(self, run: Run) -> Wanted:
        """Return the model, the dataset and the environment, if the user may still use them."""
        training = training_of(run)
        model, dataset = usable(training, "model"), usable(training, "dataset")
        needs = [Need(model, "model", training.model_name), Need(dataset, "dataset", training.dataset_name)]
        if training.environment == IMAGE:
            return Wanted(needs, "")
        return Wanted(needs, training.environment, "" if is_built_in(training) else _requirements(model))

    def describe(self, run: Run, place: Place) -> RunSpec:
        """Return the training script with everything section 11.3 promises it."""
        training = training_of(run)
        model, dataset = place_of("model", training.model_name), place_of("dataset", training.dataset_name)
        for name in ("output", "logs", "scratch"):
            (place.folder / name).mkdir(exist_ok=True)
        python, around = python_in(place.environment)
        image = image_of(training.model, training.model_commit, "fine_tuning") if training.environment == IMAGE else NO_IMAGE
        if training.environment == IMAGE and not image.address:
            raise Failure("image_gone")
        mounts = [
            *around,
            Mount(str(place.inputs[0]), model), Mount(str(place.inputs[1]), dataset),
            Mount(str(place.folder / "output"), str(OUTPUT), writable=True), Mount(str(place.folder / "logs"), LOGS, writable=True),
            Mount(str(place.folder / "scratch"), SCRATCH, writable=True),
        ]  # fmt: skip
        if is_built_in(training):
            mounts.append(Mount(str(builtin.source()), builtin.TARGET))
            argv, folder = (python, builtin.script(training.task)), WORK
        elif image.address:
            argv, folder = ("python" if image.command.endswith(".py") else "bash", image.command), model
        else:
            argv, folder = (python, "train.py"), f"{model}/{FOLDER}"
        spec = run.spec
        return RunSpec(
            argv=argv,
            environment={**_offline(), **contract(training, model=model, dataset=dataset)},
            mounts=tuple(mounts),
            folder=folder,
            limits=Limits(
                cpus=spec.vcpus, memory=spec.memory << 30, disk=settings.RUN_DISK, wall=run.limit, log=settings.RUN_LOG_SIZE,
                processes=max(512, 64 * spec.vcpus),
            ),
            accelerators=Accelerators(spec.accelerator, spec.cards, tuple(run.cards)),
            streams={"metrics": METRICS},
            image=image.address,
            labels=spec.machine_labels,
        )  # fmt: skip

    def began(self, run: Run) -> None:
        """The training job has its machine."""
        training_of(run).begin()

    def watch(self, run: Run, look: Look) -> None:
        """Nothing more is to be seen than what every run shows."""

    def collect(self, run: Run, folder: Path, beat: Beat) -> None:
        """Make a model of what the program left, if it ended well."""
        if run.exit.get("reason") or run.exit.get("code"):
            return
        keep_result(training_of(run), run, folder, beat, actor=run.user)

    def ended(self, run: Run, *, again: Run | None) -> None:
        """Tell the training job how its run ended."""
        training = training_of(run)
        if again is not None:
            Training.objects.filter(pk=training.pk).update(run=again, state=Training.State.WAITING)
            return
        stopped = run.facts.get("stopped_by", "") if run.error == "stopped" else ""
        if not run.error:
            output = training.output
            done = training.complete(output, training.output_commit) if output is not None else training.fail("no_output", {})
        elif run.error in ("stopped", "time"):
            error = stopped or ("" if run.error == "stopped" else run.error)
            done = training.halt(error=error, detail=run.detail, kept=_left(run))
        else:
            whole = bool(run.exit) and not run.exit.get("reason") and not run.exit.get("code")
            done = training.fail(run.error, run.detail, kept=whole and _left(run))
        if done:
            tell_ended(training, by_hand=run.error == "stopped" and not stopped)

    def keeps(self, run: Run) -> bool:
        """Say whether files of a stopped job are kept, for as long as the settings say."""
        training = Training.objects.filter(pk=run.target, run=run).first()
        return training is not None and training.checkpoints == Training.Checkpoints.KEPT


def keep_result(training: Training, run: Run, folder: Path, beat: Beat, *, actor: User | None) -> None:
    """Make the model of a program that ended well, for `actor`, once however often it is called.

    Raises `Failure`, and `Problem` where it cannot be kept now.
    """
    survey = surveyed(folder / "output", most_bytes=settings.RUN_DISK)
    if not survey.files:
        raise Failure("no_output")
    if actor is None or not actor.is_active:
        raise Failure("user_gone")

    def keep(asset: Asset) -> None:
        Training.objects.filter(pk=training.pk).update(output=asset)

    carried = list(_scripts(training))
    result = write_result(facts_of(training, run), survey, actor=actor, asset=training.output, keep=keep, carried=carried, beat=beat)
    Training.objects.filter(pk=training.pk).update(output=result.asset, output_commit=result.commit.sha)
    training.output, training.output_commit = result.asset, result.commit.sha


def training_of(run: Run) -> Training:
    """Return the training job that a run is for."""
    found = Training.objects.select_related("namespace", "creator", "spec", "output__namespace").filter(pk=run.target).first()
    if found is None:
        raise Failure("stopped")
    return found


def is_built_in(training: Training) -> bool:
    """Say whether the gallery trains it with a script of its own."""
    return training.task in builtin.TASKS


def contract(training: Training, *, model: str, dataset: str) -> Mapping[str, str]:
    """Return the variables of section 11.3."""
    return {
        "ENV_AG_WORK_DIR": WORK,
        "ENV_AG_MODEL_DIR": model,
        "ENV_AG_DATASET_DIR": dataset,
        "ENV_AG_USER_PARAMS": json.dumps(training.parameters, ensure_ascii=False),
        "ENV_AG_TRAIN_OUTPUT_DIR": str(OUTPUT),
        "ENV_AG_USER_METRICS_LOG_PATH": METRICS,
    }


def usable(training: Training, kind: str) -> Revision:
    """Return the commit of the model or the dataset, opened for whoever submitted the job. Raises `Failure` where that may not be."""
    user = training.creator
    if user is None or not user.is_active:
        raise Failure("user_gone")
    asset = Asset.objects.for_user(user).whole().filter(pk=getattr(training, f"{kind}_id") or 0).first()
    if asset is None or "train" not in asset.allowed:
        raise Failure(f"{kind}_gone")
    try:
        return resolve(asset.open_repository(), getattr(training, f"{kind}_commit"))
    except Missing as problem:
        raise Failure(f"{kind}_gone") from problem


def _scripts(training: Training) -> Iterator[PutBytes]:
    """Yield the scripts with which the model can be trained and served, so that the one made of it can be too: files of the size of scripts."""
    try:
        model = usable(training, "model")
    except Failure:
        return
    for item in walk(model):
        if item.path.partition("/")[0] in CARRIED and not item.is_folder and not item.is_large and item.size <= MAX_SCRIPT:
            yield PutBytes(item.path, read_all(item))


def _requirements(model: Revision) -> str:
    try:
        return read_all(find(model, f"{FOLDER}/requirements.txt"), MAX_REQUIREMENTS).decode(errors="replace")
    except Missing:
        return ""


def _offline() -> dict[str, str]:
    """Return what keeps libraries from asking hubs that they cannot reach, and where they may keep their caches."""
    return {
        "HF_HUB_OFFLINE": "1",
        "HF_DATASETS_OFFLINE": "1",
        "HF_HOME": f"{SCRATCH}/huggingface",
        "TMPDIR": SCRATCH,
        "TOKENIZERS_PARALLELISM": "false",
        "PYTHONUNBUFFERED": "1",
    }


def _left(run: Run) -> bool:
    """Say whether a run that ended early left files that can be fetched."""
    from toolchain.runs.places import runner_of

    folder = runner_of(run.spec.runner).folder(run.key) / "output"
    return folder.is_dir() and bool(surveyed(folder, most_bytes=settings.RUN_DISK).files)

"""Submitting, stopping, repeating and removing training jobs."""

from collections.abc import Mapping

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts.models import Namespace, User
from accounts.services import record
from assets.models import Asset
from core.permissions import require
from core.problems import Conflict, Invalid, Missing
from jobs.services import enqueue
from repos.reading import resolve
from toolchain.choices import first_free
from toolchain.compute.limits import check_order, order_of
from toolchain.materials import checked_output_name
from toolchain.models import Run, Spec
from toolchain.runs.places import runner_of
from toolchain.runs.queue import queue_run, stop_run
from toolchain.trainer.datasets import check_of
from toolchain.trainer.models import Training
from toolchain.trainer.offers import Offer, offer_of
from toolchain.trainer.parameters import method_named

PURPOSE = "training"
SHORTEST = 60
"""Seconds of the shortest run time limit."""


def submit_training(
    *,
    actor: User,
    namespace: Namespace,
    model: Asset,
    dataset: Asset,
    task: str,
    method: str,
    parameters: Mapping[str, str],
    spec: Spec,
    output_name: str,
    name: str = "",
    model_revision: str = "",
    dataset_revision: str = "",
    environment: str = "current",
    limit: int | None = None,
    cloned_from: Training | None = None,
) -> Training:
    """Return a new training job in the queue, read for `actor`.

    `namespace`, `model` and `dataset` were read for `actor`; the result will be `namespace`/`output_name`. `task` is the training task type, `method` a
    method it offers, `parameters` values as text by name, `limit` the run time limit in seconds. Raises `Invalid` with messages by field,
    `Forbidden`, `Missing` for a revision that is not there, `Conflict` for a taken name.
    """
    require(namespace, "create_asset")
    require(model, "train")
    require(dataset, "train")
    offer = offer_of(model, model_revision)
    values, errors = _checked_method(offer, task, method, parameters)
    if "task" not in errors and "method" not in errors:
        check = check_of(dataset, dataset_revision, task, values.get("subset", "").strip())
        if check is not None and check.objections:
            errors["dataset"] = check.objections
        if environment not in offer.environments(task):
            errors["environment"] = [_("Choose one of the environments that are offered.")]
    if below := offer.unfit(spec):
        errors["spec"] = [below]
    if limit is not None and limit < SHORTEST:
        errors["limit"] = [_("Allow at least one minute.")]
    if not 0 < len(name := name.strip() or output_name) <= 96:
        errors["name"] = [_("Use at most 96 characters.")]
    if errors:
        raise Invalid(errors)
    output_name = checked_output_name(actor=actor, namespace=namespace, name=output_name)
    dataset_commit = resolve(dataset.open_repository(), dataset_revision).commit.sha
    check_order(order_of(namespace, spec, limit, purpose=PURPOSE))
    try:
        with transaction.atomic():
            row = Training.objects.create(
                namespace=namespace, creator=actor, name=name, model=model, model_name=model.repo_id, model_commit=offer.commit,
                dataset=dataset, dataset_name=dataset.repo_id, dataset_commit=dataset_commit, task=task, method=method, parameters=values,
                environment=environment, spec=spec, limit=limit, output_name=output_name, cloned_from=cloned_from,
            )  # fmt: skip
            row.run = queue_run(purpose=PURPOSE, target=row.pk, namespace=namespace, user=actor, spec=spec, limit=limit, title=name)
            row.save(update_fields=["run"])
            note(row, actor, "submit")
    except IntegrityError as error:
        raise Conflict(
            "output_name_taken", _("Another training job is about to make a model of this name. Choose another name.")
        ) from error
    return Training.objects.for_user(actor).whole().get(pk=row.pk)


def _checked_method(offer: Offer, task: str, method: str, parameters: Mapping[str, str]) -> tuple[dict[str, str], dict[str, list[str]]]:
    """Return the hyperparameters to hand over, and messages by field about what cannot be chosen."""
    if offer.task(task) is None:
        return {}, {"task": [_("The model cannot be trained this way. Choose one of the training task types that are offered.")]}
    chosen = method_named(offer.methods(task), method)
    if chosen is None:
        return {}, {"method": [_("Choose one of the training methods that the model offers.")]}
    values, bad = offer.checked(task, chosen, parameters)
    return values, {f"parameters.{name}": [sentence] for name, sentence in bad.items()}


def stop_training(*, training: Training, actor: User) -> None:
    """End a training job: at once where it waits, else in order; the checkpoints that are there are kept. Raises `Conflict` where it is over."""
    require(training, "stop")
    with transaction.atomic():
        if not training.active or training.run is None:
            raise Conflict("training_over", _("This training job is over already."))
        training.request_stop()
        stop_run(training.run)
        note(training, actor, "stop")


def retry_training(*, training: Training, actor: User) -> Training:
    """Return a new training job with the settings of one that is over. Raises as `submit_training` does."""
    require(training, "start")
    if training.active:
        raise Conflict("training_active", _("This training job is not over yet."))
    assets = Asset.objects.for_user(actor).whole()
    model, dataset = assets.filter(pk=training.model_id or 0).first(), assets.filter(pk=training.dataset_id or 0).first()
    if model is None or dataset is None:
        raise Missing("source_gone", _("The model or the dataset is not there any more, or you may not use it any more."))
    namespace = Namespace.objects.for_user(actor).get(pk=training.namespace_id)
    return submit_training(
        actor=actor, namespace=namespace, model=model, dataset=dataset, task=training.task, method=training.method,
        parameters=training.parameters, spec=training.spec, output_name=free_name(training), name=training.name,
        model_revision=training.model_commit, dataset_revision=training.dataset_commit, environment=training.environment,
        limit=training.limit, cloned_from=training,
    )  # fmt: skip


def free_name(training: Training) -> str:
    """Return a name for the model of a repeated training job: the same where it is free, else with the next free number."""
    models = Asset.objects.of_kind("model").filter(namespace=training.namespace_id)
    coming = Training.objects.active().filter(namespace=training.namespace_id)
    return first_free(
        training.output_name, [*models.values_list("name", flat=True), *coming.values_list("output_name", flat=True)], longest=96
    )


def delete_training(*, training: Training, actor: User) -> None:
    """Remove a training job that is over, with its log, its curves and what it left; the model that it made stays."""
    require(training, "delete")
    with transaction.atomic():
        if training.active:
            raise Conflict("training_active", _("Stop this training job first."))
        note(training, actor, "delete")
        forget_files(training)
        for run in training_runs(training):
            run.delete()
        training.delete()


def collect_again(*, training: Training, actor: User) -> None:
    """Try once more to make a model of the result of a training job that ended well but whose result could not be kept, for want of space say."""
    require(training, "keep")
    with transaction.atomic():
        if training.state != Training.State.FAILED or training.checkpoints != Training.Checkpoints.KEPT:
            raise Conflict("nothing_kept", _("Nothing is kept of this training job."))
        enqueue(kind="trainer.collect", params={"training": training.pk}, owner=actor, dedupe_key=f"trainer.collect:{training.pk}")
        note(training, actor, "collect")


def drop_checkpoints(*, training: Training, actor: User) -> None:
    """Give up the files that a stopped training job left."""
    require(training, "keep")
    with transaction.atomic():
        if not training.drop():
            raise Conflict("nothing_kept", _("Nothing is kept of this training job."))
        forget_files(training)
        note(training, actor, "drop")


def forget_files(training: Training) -> None:
    """Remove the folders of a training job's runs; once the transaction is committed."""
    for run in training_runs(training):
        key, runner = run.key, run.spec.runner
        transaction.on_commit(lambda key=key, runner=runner: runner_of(runner).forget(key), robust=True)  # type: ignore[misc]


def training_runs(training: Training) -> list[Run]:
    """Return all attempts of a training job."""
    return list(Run.objects.of(PURPOSE, training.pk).select_related("spec"))


def note(training: Training, actor: User | None, verb: str) -> None:
    """Write the audit row of what `actor` did to a training job."""
    record(actor=actor, verb=verb, target_kind="training", target_id=training.pk, target=training.name)

"""A training job on a real Ray cluster of two machines, one of which dies meanwhile."""

import signal
from collections.abc import Iterator
from typing import Any

import pytest

from accounts.models import Namespace
from assets.models import Asset
from core.testing import People
from jobs.models import Job
from repos.reading import find, read_all, resolve
from toolchain.models import Node, Run, Spec
from toolchain.runners.tests.clusters import LocalCluster
from toolchain.runs import places, reading, tasks
from toolchain.tests.flows import TRAIN, dataset, model, until, workplace, workshop
from toolchain.tests.queued import spec
from toolchain.trainer.models import Training
from toolchain.trainer.services import stop_training, submit_training

__all__ = ["workplace", "workshop"]
pytestmark = [pytest.mark.process, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("workshop")]


@pytest.fixture
def cluster(ray_cluster: LocalCluster, settings: Any) -> Iterator[LocalCluster]:
    """The cluster, as the gallery is configured for it and has registered it."""
    settings.RAY_ADDRESS, settings.RAY_TOKEN = ray_cluster.address, ray_cluster.token
    ray_cluster.wait_for(2)
    tasks.look_at_cluster(Job())
    return ray_cluster


def test_a_training_whose_machine_dies_is_run_again_on_another(people: People, cluster: LocalCluster) -> None:
    assert Node.objects.get(runner="ray").cpus == 16
    size = spec("ray-1", runner="ray", labels=["zone=second"])
    order: dict[str, Any] = {
        "actor": people.alice, "namespace": Namespace.objects.for_user(people.alice).get(pk=people.alice.pk),
        "dataset": dataset(people.alice), "task": "custom", "method": "Full", "parameters": {"steps": "3"}, "spec": size,
    }  # fmt: skip
    training = submit_training(**order, model=model(people.alice, script=f"{TRAIN}time.sleep(6)\n"), output_name="tuned")
    stubborn = f"import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n{TRAIN}time.sleep(60)\n"
    stopping = submit_training(**order, model=model(people.alice, script=stubborn, name="stubborn"), output_name="never")

    def begun(row: Training) -> bool:
        row.refresh_from_db()
        return row.run is not None and reading.last_lines(row.run).startswith("begin")

    until(lambda: begun(training) and begun(stopping), what="the first lines of the scripts")
    stop_training(training=Training.objects.for_user(people.alice).whole().get(pk=stopping.pk), actor=people.alice)
    first = training.run
    assert first is not None
    assert (first.attempt, first.node) == (1, Node.objects.get(runner="ray"))
    Spec.objects.filter(pk=size.pk).update(labels=[])
    cluster.signal("second", signal.SIGKILL, "raylet/raylet")
    try:
        until(lambda: Run.objects.filter(purpose="training", target=training.pk, attempt=2).exists(), what="the second attempt")
        first.refresh_from_db()
        assert first.error == "lost"

        def over() -> bool:
            training.refresh_from_db()
            stopping.refresh_from_db()
            return not (training.active or stopping.active)

        until(over, what="the end of the trainings")
    finally:
        cluster.add_second()
    assert (training.state, training.error) == ("completed", "")
    assert training.run is not None
    assert training.run.attempt == 2
    # What was about to end anyway is not run again.
    assert (stopping.state, stopping.error, Run.objects.filter(purpose="training", target=stopping.pk).count()) == ("stopped", "", 1)
    output = Asset.objects.for_user(people.alice).get(pk=training.output_id)
    assert read_all(find(resolve(output.open_repository()), "rows.txt")) == b"3"
    assert reading.read_stream(training.run, "metrics", 0, 1000).startswith(b"1|2.0|101\n")
    assert places.runner_of("ray").look(training.run.key).state == "lost"

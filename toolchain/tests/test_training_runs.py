"""Training jobs from their submission to the model they make, with real programs in the real sandbox."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from accounts.models import AuditEvent, Namespace, Notification
from assets.models import Asset
from assets.tests.factories import finish_jobs
from core.problems import Conflict, Invalid
from core.testing import People
from repos.reading import find, listing, read_all, resolve
from toolchain.models import Entry, Run
from toolchain.runs import reading
from toolchain.runs.queue import dispatch
from toolchain.tests.flows import PATIENCE, TRAIN, dataset, model, until, workplace, workshop
from toolchain.tests.queued import node, spec
from toolchain.trainer.models import Training
from toolchain.trainer.services import delete_training, drop_checkpoints, retry_training, stop_training, submit_training

__all__ = ["workplace", "workshop"]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("workshop")]


def submit(actor: Any, **changes: Any) -> Training:
    """Return a submitted training job of a tiny model with a script of its own."""
    script = changes.pop("script", TRAIN)
    facts = {
        "namespace": Namespace.objects.for_user(actor).get(pk=actor.pk), "model": changes.pop("source", None) or model(actor, script=script),
        "dataset": changes.pop("data", None) or dataset(actor), "task": "custom", "method": "Full", "parameters": {"steps": "3"}, "spec": spec(),
        "output_name": "tuned",
    } | changes  # fmt: skip
    node()
    return submit_training(actor=actor, **facts)


def over(training: Training) -> Training:
    """Return the training job once it is over."""

    def found() -> Training | None:
        training.refresh_from_db()
        return None if training.active else training

    return until(found, what="the end of the training")  # type: ignore[no-any-return]


def test_a_training_makes_a_model_of_what_its_script_left(people: People) -> None:
    training = over(submit(people.alice))

    assert (training.state, training.error, training.detail) == ("completed", "", {})
    output = Asset.objects.for_user(people.alice).get(pk=training.output_id)
    assert (output.repo_id, output.state) == ("alice/tuned", "unpublished")
    revision = resolve(output.open_repository())
    assert revision.commit.sha == training.output_commit
    assert {"README.md", "config.json", "rows.txt", "variables.json", "gallery_train"} <= {item.path for item in listing(revision)}
    assert read_all(find(revision, "rows.txt")) == b"3"
    variables = json.loads(read_all(find(revision, "variables.json")))
    assert variables == {
        "ENV_AG_WORK_DIR": "/home/ma-user/.cache/gallery",
        "ENV_AG_MODEL_DIR": "/home/ma-user/.cache/gallery/model/alice--classifier",
        "ENV_AG_DATASET_DIR": "/home/ma-user/.cache/gallery/dataset/alice--rows",
        "ENV_AG_USER_PARAMS": '{"steps": "3"}',
        "ENV_AG_TRAIN_OUTPUT_DIR": "/home/ma-user/.cache/gallery/output",
        "ENV_AG_USER_METRICS_LOG_PATH": "/var/logs/user_metrics.log",
    }
    run = training.run
    assert run is not None
    assert reading.read_stream(run, "metrics", 0, 1000) == b"1|2.0|101\n2|1.0|102\n3|0.6666666666666666|103\n"
    assert reading.last_lines(run).splitlines() == ["begin [('steps', '3')]", "end"]
    assert Entry.objects.get(run=run).amount == 0
    assert [row.verb for row in AuditEvent.objects.filter(target_kind="training")] == ["submit"]
    assert Notification.objects.get(receiver=people.alice, kind="training.completed").facts["output"] == "alice/tuned"


def test_the_card_of_the_new_model_says_where_it_comes_from(people: People) -> None:
    training = over(submit(people.alice))

    output = training.output
    assert output is not None
    finish_jobs()
    output.refresh_from_db()
    assert (output.base_models, output.datasets) == (["alice/classifier"], ["alice/rows"])
    assert (output.task, output.licence) == ("image-classification", "apache-2.0")


@pytest.mark.parametrize(
    ("script", "error", "detail"),
    [
        ("raise SystemExit(7)", "exit", {"code": 7}),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "signal", {"signal": 11}),
        ("x = [bytearray(50 << 20) for _ in range(60)]", "memory", {"detail": "", "gib": 1}),
        ("pass", "no_output", {}),
    ],
)
def test_a_script_that_fails_is_said_to_fail_for_its_reason(people: People, script: str, error: str, detail: dict[str, Any]) -> None:
    training = over(submit(people.alice, script=script))

    assert (training.state, training.error) == ("failed", error)
    assert detail.items() <= (training.detail | {"detail": ""}).items()
    assert training.output is None
    assert Run.objects.count() == 1, "what is the user's fault is not tried again"


SLOW = """
import os, pathlib, signal, sys, time
output = pathlib.Path(os.environ["ENV_AG_TRAIN_OUTPUT_DIR"])
def end(*_):
    (output / "checkpoint-1").mkdir(); (output / "checkpoint-1" / "weights.bin").write_bytes(b"w" * 100)
    sys.exit(143)
signal.signal(signal.SIGTERM, end)
print("ready", flush=True)
time.sleep(600)
"""


def _running(training: Training) -> Run:
    def ready() -> Run | None:
        run = Run.objects.get(purpose="training", target=training.pk)
        return run if reading.size_of(run, "log") else None

    return until(ready, what="the first line")  # type: ignore[no-any-return]


def test_a_stopped_training_keeps_its_checkpoints_until_they_are_dropped(people: People, workshop: Path) -> None:
    training = submit(people.alice, script=SLOW)
    run = _running(training)
    stop_training(training=Training.objects.for_user(people.alice).select_related("run").get(), actor=people.alice)
    training.refresh_from_db()
    assert training.state == "stopping"
    over(training)

    assert (training.state, training.checkpoints, training.error) == ("stopped", "kept", "")
    kept = workshop / "runs" / run.key / "output" / "checkpoint-1" / "weights.bin"
    assert kept.read_bytes() == b"w" * 100
    drop_checkpoints(training=Training.objects.for_user(people.alice).get(), actor=people.alice)
    assert not kept.exists()
    with pytest.raises(Conflict):
        drop_checkpoints(training=Training.objects.for_user(people.alice).get(), actor=people.alice)


def test_a_training_is_stopped_when_its_time_is_over(people: People) -> None:
    training = submit(people.alice, script=SLOW, limit=60)
    Run.objects.update(limit=1)
    over(training)
    assert (training.state, training.error, training.checkpoints) == ("stopped", "time", "kept")


def test_a_waiting_training_is_stopped_at_once(people: People) -> None:
    training = submit(people.alice, spec=spec("cpu-64-1", vcpus=64))
    stop_training(training=Training.objects.for_user(people.alice).select_related("run").get(), actor=people.alice)
    training.refresh_from_db()
    assert (training.state, training.checkpoints) == ("stopped", "")


def test_what_is_lost_is_tried_once_more_under_another_key(people: People) -> None:
    training = submit(people.alice, script=SLOW)
    run = _running(training)
    from toolchain.runs.places import runner_of

    runner_of("local").stop(run.key)
    # No worker looks meanwhile.
    end = time.monotonic() + PATIENCE
    while runner_of("local").look(run.key).exit is None and time.monotonic() < end:
        time.sleep(0.05)
    runner_of("local").forget(run.key)
    until(lambda: Run.objects.filter(attempt=2).exists())

    assert Run.objects.get(attempt=1).error == "lost"
    training.refresh_from_db()
    assert training.active
    again = Run.objects.get(attempt=2)
    assert training.run_id == again.pk
    assert again.key == f"training-{training.pk}-2"
    stop_training(training=Training.objects.for_user(people.alice).select_related("run").get(), actor=people.alice)
    over(training)


def test_running_again_makes_a_new_job_with_the_same_settings(people: People) -> None:
    first = over(submit(people.alice, parameters={"steps": "2", "note": "x"}))
    again = retry_training(training=Training.objects.for_user(people.alice).whole().get(), actor=people.alice)

    assert again.pk != first.pk
    assert (again.parameters, again.method, again.output_name) == ({"steps": "2", "note": "x"}, "Full", "tuned-2")
    assert over(again).state == "completed"


def test_deleting_takes_the_runs_and_leaves_the_model(people: People, workshop: Path) -> None:
    training = over(submit(people.alice))
    delete_training(training=Training.objects.for_user(people.alice).get(pk=training.pk), actor=people.alice)

    assert not Run.objects.exists()
    assert not list((workshop / "runs").glob("[a-z]*"))
    assert Asset.objects.filter(name="tuned").exists()


def test_who_may_no_longer_use_the_model_gets_no_training_of_it(people: People) -> None:
    training = submit(people.alice, spec=spec("cpu-8-1", vcpus=8))
    Asset.objects.filter(name="classifier").update(namespace=people.charlie, availability="on_application")
    node(cpus=8)
    dispatch()
    over(training)
    assert (training.state, training.error) == ("failed", "model_gone")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"task": "text-generation"}, "task"),
        ({"method": "LoRA"}, "method"),
        ({"parameters": {}}, "parameters.steps"),
        ({"parameters": {"steps": "three"}}, "parameters.steps"),
        ({"parameters": {"steps": "3", "other": "1"}}, "parameters.other"),
        ({"environment": "old"}, "environment"),
        ({"limit": 5}, "limit"),
        ({"name": "x" * 97}, "name"),
        ({"output_name": "no/slash"}, "output_name"),
    ],
)
def test_bad_input_is_refused_by_field_and_nothing_is_queued(people: People, changes: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        submit(people.alice, **changes)
    assert list(refused.value.errors or {}) == [field]
    assert not Training.objects.exists()
    assert not Run.objects.exists()


def test_a_requirement_that_does_not_exist_is_named(people: People, settings: Any, tmp_path: Path) -> None:
    settings.PACKAGE_INDEX_URL = (tmp_path / "simple").as_uri()
    (tmp_path / "simple").mkdir()
    source = model(people.alice, more={"gallery_train/requirements.txt": "no-such-package==1.0\n"})
    training = over(submit(people.alice, source=source))
    assert (training.state, training.error) == ("failed", "environment")
    assert "no-such-package" in training.detail["sentence"]

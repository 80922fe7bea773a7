"""A dataset that the check found unfit is refused by every way to begin a training job."""

from typing import Any

import pytest

from accounts.models import Namespace
from assets.models import Asset
from assets.tests.factories import finish_everything, make_asset, read_for
from core.problems import Invalid
from core.testing import api
from toolchain.models import Run
from toolchain.trainer.models import Training
from toolchain.trainer.services import retry_training, submit_training
from toolchain.trainer.tests.factories import commit, make_spec, make_training, text_model

pytestmark = pytest.mark.django_db


@pytest.fixture
def rows(alice: Any) -> Asset:
    """A dataset whose rows no training of ours reads."""
    asset = make_asset(alice, kind="dataset", name="rows")
    commit(asset, alice, {"train.jsonl": '{"a": 1}\n{"a": 2}\n'})
    finish_everything()
    return read_for(alice, asset)


def test_it_is_refused_by_rest_and_by_who_calls_the_service(alice: Any, rows: Asset) -> None:
    model, spec = text_model(alice, name="net"), make_spec()
    body = {"model": model.repo_id, "dataset": rows.repo_id, "spec": spec.code, "output_name": "tuned", "task": "text-generation"}
    answer = api(alice).post("/api/v1/training-jobs", body, format="json")
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["dataset"])

    with pytest.raises(Invalid) as refused:
        submit_training(
            actor=alice, namespace=Namespace.objects.for_user(alice).get(pk=alice.pk), model=model, dataset=rows, task="text-generation",
            method="Full", parameters={}, spec=spec, output_name="tuned",
        )  # fmt: skip
    assert answer.json()["errors"]["dataset"] == refused.value.errors["dataset"]
    assert not Training.objects.exists()


def test_it_is_refused_when_a_job_is_run_again(alice: Any, rows: Asset) -> None:
    model = text_model(alice, name="net")
    past = make_training(alice, state="failed", model=model, dataset=rows, task="text-generation", method="Full", parameters={})

    with pytest.raises(Invalid) as refused:
        retry_training(training=past, actor=alice)
    assert "dataset" in refused.value.errors
    assert api(alice).post(f"/api/v1/training-jobs/{past.pk}/retry").status_code == 400
    assert list(Training.objects.all()) == [past]
    assert list(Run.objects.all()) == [past.run]

"""Training jobs over REST."""

from typing import Any

import pytest
from asgiref.sync import async_to_sync

from core.testing import People, api, assert_flat_queries
from toolchain.models import Entry
from toolchain.trainer.models import Training
from toolchain.trainer.tests.factories import custom_model, make_dataset, make_spec, make_training, read

pytestmark = pytest.mark.django_db
JOBS = "/api/v1/training-jobs"


def order(actor: Any) -> dict[str, Any]:
    make_spec()
    model, dataset = custom_model(actor, name="net"), make_dataset(actor, name="rows")
    return {
        "model": model.repo_id, "dataset": dataset.repo_id, "spec": "cpu-2-4", "output_name": "net-tuned",
        "hyperparameters": {"epochs": 3, "shuffle": False, "optimizer": None},
    }  # fmt: skip


def test_job_is_made_with_the_usual_choices(alice: Any) -> None:
    answer = api(alice).post(JOBS, order(alice), format="json")
    assert answer.status_code == 201, answer.json()
    found = answer.json()
    assert found["hyperparameters"] == {"lr": "0.001", "epochs": "3", "shuffle": "false"}
    assert (found["task"], found["method"], found["environment"], found["state"], found["place"]) == (
        "custom",
        "Full",
        "current",
        "waiting",
        1,
    )
    assert (found["name"], found["output_name"], found["limit"], found["output"]) == ("net-tuned", "net-tuned", None, None)
    assert answer["Location"] == f"{JOBS}/{found['id']}"
    assert api(alice).get(answer["Location"]).json() == found


def test_bad_orders_are_refused_by_field(alice: Any) -> None:
    usual, client = order(alice), api(alice)
    for changes, field, status in [
        ({"hyperparameters": {"epochs": "x"}}, "hyperparameters.epochs", 400),
        ({"hyperparameters": {"epochs": [1]}}, "hyperparameters.epochs", 400),
        ({"hyperparameters": {}}, "hyperparameters.epochs", 400),
        ({"hyperparameters": {"epochs": 1, "other": 1}}, "hyperparameters.other", 400),
        ({"hyperparameters": {"epochs": 1, "lr": None}}, "hyperparameters.lr", 400),
        ({"hyperparameters": []}, "hyperparameters", 400),
        ({"spec": "no-such"}, "spec", 400),
        ({"task": "text-generation"}, "task", 400),
        ({"method": "Other"}, "method", 400),
        ({"environment": "other"}, "environment", 400),
        ({"limit": 0}, "limit", 400),
        ({"limit": 10**12}, "limit", 400),
        ({"limit": 5}, "limit", 400),
        ({"output_name": "a/b"}, "output_name", 400),
        ({"output_name": "net"}, "output_name", 409),
        ({"model": "net"}, "model", 400),
        ({"surprise": 1}, "surprise", 400),
    ]:
        answer = client.post(JOBS, usual | changes, format="json")
        assert answer.status_code == status, (changes, answer.json())
        assert field in answer.json()["errors"], (changes, answer.json())
    for changes, code in [
        ({"model": "alice/nothing"}, "asset_not_found"),
        ({"dataset": "alice/nothing"}, "asset_not_found"),
        ({"model_revision": "no-such"}, "revision_not_found"),
        ({"dataset_revision": "no-such"}, "revision_not_found"),
    ]:
        answer = client.post(JOBS, usual | changes, format="json")
        assert (answer.status_code, answer.json()["code"]) == (404, code)
    assert not Training.objects.exists()


def test_list_is_filtered(people: People) -> None:
    make_training(people.alice, state="failed", name="one")
    make_training(people.bob, people.atelier, state="completed", name="two")
    make_training(people.bob, state="completed", name="not hers")
    client = api(people.alice)

    def names(query: str) -> list[str]:
        return [row["name"] for row in client.get(f"{JOBS}?{query}").json()["results"]]

    assert names("") == ["two", "one"]
    assert names("sort=created") == ["one", "two"]
    assert names("state=failed&state=running") == ["one"]
    assert names("namespace=Atelier") == ["two"]
    assert names("q=on") == ["one"]
    assert names("model=LAB/base") == ["two", "one"]
    for bad in ("state=odd", "sort=odd", "q=a%00b", "cursor=odd", "limit=0"):
        assert client.get(f"{JOBS}?{bad}").status_code == 400, bad


def test_log_is_read_on_from_an_offset(alice: Any) -> None:
    training = make_training(alice, state="running", log="eins 你")
    client = api(alice)
    piece = client.get(f"{JOBS}/{training.pk}/log?limit=6").json()
    assert piece == {"offset": 0, "next": 5, "size": 8, "complete": False, "text": "eins "}
    rest = client.get(f"{JOBS}/{training.pk}/log?offset=5").json()
    assert (rest["text"], rest["next"], rest["complete"]) == ("你", 8, False)
    over = make_training(alice, state="completed", log="done\n")
    assert client.get(f"{JOBS}/{over.pk}/log").json() == {"offset": 0, "next": 5, "size": 5, "complete": True, "text": "done\n"}
    assert client.get(f"{JOBS}/{training.pk}/log?offset=x").status_code == 400
    assert client.get(f"{JOBS}/{training.pk}/log?offset=999").json()["text"] == ""


def test_metrics_are_points_and_lines(alice: Any) -> None:
    training = make_training(alice, state="completed", metrics="1|2.0|10\nodd\n2|nan|20\n3|1.0|30\n")
    client = api(alice)
    found = client.get(f"{JOBS}/{training.pk}/metrics").json()
    assert found == {"axis": "iteration", "records": 3, "refused": 1, "loss": [[1, 2.0], [2, None], [3, 1.0]], "throughput": [[1, 10.0], [2, 20.0], [3, 30.0]]}  # fmt: skip
    assert client.get(f"{JOBS}/{training.pk}/metrics?axis=odd").status_code == 400
    raw = client.get(f"{JOBS}/{training.pk}/metrics/raw")
    assert async_to_sync(read)(raw) == b"1|2.0|10\nodd\n2|nan|20\n3|1.0|30\n"


def test_options_name_every_parameter(alice: Any) -> None:
    custom_model(alice, name="net")
    found = api(alice).get("/api/v1/models/alice/net/training-options").json()
    assert (found["reasons"], found["minimum_spec"]) == ([], "")
    (task,) = found["tasks"]
    assert (task["code"], task["mode"], task["environments"]) == ("custom", "custom", ["current", "compatible"])
    assert task["methods"][0]["hyperparameters"][0] == {
        "name": "lr", "type": "float", "required": True, "default": "0.001", "help": "learning rate", "choices": [],
    }  # fmt: skip
    assert api(alice).get("/api/v1/models/alice/net/training-options?revision=odd").status_code == 404


def test_compute_is_told_to_members_only(people: People) -> None:
    make_spec(sold_out=True)
    Entry.objects.create(namespace_id=people.atelier.pk, kind="credit", what="Funds", month="2026-11-01", amount=5)
    codes = {spec["code"]: spec["sold_out"] for spec in api(people.rita).get("/api/v1/compute-specs").json()}
    assert codes["cpu-2-4"] is True
    usage = api(people.rita).get("/api/v1/compute-usage?namespace=atelier").json()
    assert (usage["namespace"], usage["balance"], usage["hours"]) == ("atelier", "5.0000", "0.0000")
    ledger = api(people.rita).get("/api/v1/compute-usage/ledger?namespace=atelier").json()["results"]
    assert [(entry["kind"], entry["amount"]) for entry in ledger] == [("credit", "5.0000")]
    assert api(people.charlie).get("/api/v1/compute-usage?namespace=atelier").status_code == 404
    assert api(people.charlie).get("/api/v1/compute-usage/ledger?namespace=atelier").status_code == 404
    assert api(people.charlie).get("/api/v1/compute-usage").json()["namespace"] == "charlie"
    for path in ("compute-specs", "compute-usage", "training-jobs"):
        assert api().get(f"/api/v1/{path}").status_code == 401


def test_list_asks_as_much_for_ten_as_for_two(alice: Any) -> None:
    spec = make_spec()
    assert_flat_queries(JOBS, lambda: make_training(alice, spec=spec), client=api(alice))

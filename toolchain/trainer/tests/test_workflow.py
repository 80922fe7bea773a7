"""Putting a training job together on its page, with and without script."""

from decimal import Decimal
from typing import Any

import pytest

from assets.tests.factories import make_asset
from core.testing import browser
from toolchain.models import Limit, Run
from toolchain.trainer.models import Training
from toolchain.trainer.tests.factories import custom_model, make_dataset, make_spec, make_training, text_model

pytestmark = pytest.mark.django_db


def ready(actor: Any) -> dict[str, str]:
    """Return the form of a job that can be ordered."""
    make_spec()
    model, dataset = custom_model(actor, name="net"), make_dataset(actor, name="rows")
    return {
        "model": model.repo_id, "task": "custom", "method": "Full", "shown": "custom:Full", "dataset": dataset.repo_id, "spec": "cpu-2-4",
        "owner": actor.handle, "output_name": "net-tuned", "name": "first", "limit": "2", "param.lr": "0.01", "param.epochs": "3",
        "param.optimizer": "adamw", "param.shuffle": "true", "environment": "current",
    }  # fmt: skip


def test_page_offers_what_the_model_offers(alice: Any) -> None:
    make_spec()
    custom_model(alice, name="net")
    page = browser(alice).get("/jobs/new?model=alice/net")
    assert page.status_code == 200
    workflow = page.context["workflow"]
    assert [(task.code, task.mode) for task in workflow.offer.tasks] == [("custom", "custom")]
    assert [name for _value, name, _chosen in workflow.method_choices] == ["Full", "LoRA"]
    assert [(row.parameter.name, row.value, row.changed) for row in workflow.rows] == [
        ("lr", "0.001", False), ("epochs", "", False), ("optimizer", "adamw", False), ("shuffle", "true", False),
    ]  # fmt: skip
    assert "One <em>row</em> a line." in page.content.decode()
    assert workflow.spec.code == "cpu-2-4"
    assert workflow.form.data["output_name"] == "net-full"


def test_order_is_shown_before_anything_starts(alice: Any) -> None:
    given = ready(alice)
    page = browser(alice).post("/jobs/new", given | {"do": "order"})
    assert page.status_code == 200
    assert "Confirm the order" in page.content.decode()
    assert "alice/net-tuned" in page.content.decode()
    assert page.context["order"].limit == 7200
    assert not Training.objects.exists()
    carried = dict(page.context["workflow"].carried)
    assert carried["param.lr"] == "0.01"
    assert len(carried["model_revision"]) == 40


def test_confirmed_order_becomes_a_job_and_opens_it(alice: Any) -> None:
    given = ready(alice)
    client = browser(alice)
    carried = dict(client.post("/jobs/new", given | {"do": "order"}).context["workflow"].carried)
    answer = client.post("/jobs/new", carried | {"do": "start"})
    training = Training.objects.get()
    assert (answer.status_code, answer["Location"]) == (303, f"/jobs/{training.pk}")
    assert training.parameters == {"lr": "0.01", "epochs": "3", "optimizer": "adamw", "shuffle": "true"}
    assert (training.name, training.output_name, training.limit, training.task, training.method) == (
        "first",
        "net-tuned",
        7200,
        "custom",
        "Full",
    )
    assert Run.objects.get().target == training.pk


def test_script_is_led_to_the_job(alice: Any) -> None:
    given = ready(alice)
    answer = browser(alice).post("/jobs/new", given | {"do": "start"}, headers={"HX-Request": "true"})
    assert (answer.status_code, answer["HX-Redirect"]) == (204, f"/jobs/{Training.objects.get().pk}")


BAD_CHOICES = [
    ({"param.lr": "nan"}, "parameters.lr", "Enter a number"),
    ({"param.lr": "1_0"}, "parameters.lr", "Enter a number"),
    ({"param.lr": "1e999"}, "parameters.lr", "Enter a number"),
    ({"param.epochs": ""}, "parameters.epochs", "Give it a value"),
    ({"param.epochs": "2.5"}, "parameters.epochs", "whole number"),
    ({"param.epochs": "9" * 30}, "parameters.epochs", "whole number"),
    ({"param.shuffle": "perhaps"}, "parameters.shuffle", "true or false"),
    ({"param.optimizer": "x" * 2001}, "parameters.optimizer", "2000 characters"),
    ({"dataset": "alice/nothing"}, "dataset", "no dataset of this name"),
    ({"dataset": "alice/a\0b"}, "dataset", "no dataset of this name"),
    ({"dataset": ""}, "dataset", "Choose a dataset"),
    ({"dataset_revision": "no-such-tag"}, "dataset_revision", "no branch, tag or commit"),
    ({"model_revision": "no-such-tag"}, "model_revision", "no branch, tag or commit"),
    ({"task": "text-generation"}, "task", "not offered"),
]
BAD_NAMES = [
    ({"output_name": ""}, "output_name"), ({"output_name": "../x"}, "output_name"), ({"output_name": "net"}, "output_name"),
    ({"owner": "ada"}, "owner"), ({"limit": "0"}, "limit"), ({"limit": "NaN"}, "limit"), ({"limit": "1e99"}, "limit"),
    ({"name": "x" * 97}, "name"), ({"name": "a\0b"}, "name"),
]  # fmt: skip


def test_bad_values_are_said_beside_them_and_nothing_is_lost(alice: Any) -> None:
    usual, client = ready(alice), browser(alice)
    for changes, field, words in BAD_CHOICES:
        given = usual | changes
        page = client.post("/jobs/new", given | {"do": "order"})
        assert page.status_code == 422, changes
        assert words in " ".join(page.context["workflow"].errors[field]), changes
        text = page.content.decode()
        assert 'value="net-tuned"' in text
        assert 'value="first"' in text
        for name, value in given.items():
            assert name == "param.shuffle" or not name.startswith("param.") or f'value="{value}"' in text, (changes, name)
    assert not Training.objects.exists()


def test_bad_names_are_said_beside_them(alice: Any) -> None:
    usual, client = ready(alice), browser(alice)
    for changes, field in BAD_NAMES:
        page = client.post("/jobs/new", usual | changes | {"do": "order"})
        assert page.status_code == 422, changes
        assert list(page.context["form"].errors) == [field], changes
    assert not Training.objects.exists()


def test_optional_parameter_leaves_and_comes_back(alice: Any) -> None:
    given = ready(alice) | {"param.optimizer": "sgd"}
    client = browser(alice)
    page = client.post("/jobs/new", given | {"do": "remove:optimizer"})
    workflow = page.context["workflow"]
    assert [row.parameter.name for row in workflow.rows] == ["lr", "epochs", "shuffle"]
    assert [each.name for each in workflow.removed] == ["optimizer"]
    del given["param.optimizer"]
    carried = dict(client.post("/jobs/new", given | {"do": "order"}).context["workflow"].carried)
    assert "param.optimizer" not in carried
    page = client.post("/jobs/new", given | {"do": "add:optimizer"})
    assert {row.parameter.name: row.value for row in page.context["workflow"].rows}["optimizer"] == "adamw"


def test_required_parameter_cannot_be_left_out(alice: Any) -> None:
    given = ready(alice)
    page = browser(alice).post("/jobs/new", given | {"do": "remove:lr"})
    assert "lr" in [row.parameter.name for row in page.context["workflow"].rows]
    del given["param.lr"]
    page = browser(alice).post("/jobs/new", given | {"do": "order"})
    assert page.context["workflow"].errors == {"parameters.lr": ["Give it a value."]}


def test_another_method_brings_its_own_parameters(alice: Any) -> None:
    page = browser(alice).post("/jobs/new", ready(alice) | {"method": "LoRA", "do": "refresh"})
    assert [(row.parameter.name, row.value) for row in page.context["workflow"].rows] == [("rank", "8")]
    assert page.context["workflow"].shown == "custom:LoRA"


def test_what_was_typed_is_there_again_after_a_look_at_another_method(alice: Any) -> None:
    given, client = ready(alice), browser(alice)
    page = client.post("/jobs/new", given | {"param.lr": "0.5", "method": "LoRA", "do": "refresh"})
    assert 'name="param.lr" value="0.5"' in page.content.decode()
    back = given | {"param.lr": "0.5", "param.rank": "4", "shown": "custom:LoRA", "method": "Full", "do": "refresh"}
    workflow = client.post("/jobs/new", back).context["workflow"]
    assert {row.parameter.name: row.value for row in workflow.rows}["lr"] == "0.5"
    assert workflow.stash == [("param.rank", "4")]
    assert not workflow.errors


def test_reset_brings_the_defaults_back(alice: Any) -> None:
    page = browser(alice).post("/jobs/new", ready(alice) | {"param.lr": "5", "do": "reset"})
    assert {row.parameter.name: row.value for row in page.context["workflow"].rows}["lr"] == "0.001"


def test_dataset_is_searched_and_chosen_without_script(alice: Any, bob: Any) -> None:
    given = ready(alice) | {"dataset": ""}
    make_dataset(bob, name="rows-of-bob")
    make_asset(bob, kind="dataset", name="rows-hidden", visibility="private")
    make_asset(bob, kind="dataset", name="rows-gated", availability="on_application")
    client = browser(alice)
    page = client.post("/jobs/new", given | {"words": "rows", "do": "find"})
    assert [asset.repo_id for asset in page.context["workflow"].found] == ["alice/rows", "bob/rows-of-bob"]
    page = client.post("/jobs/new", given | {"words": "rows", "do": "dataset:bob/rows-of-bob"})
    assert page.context["workflow"].dataset.repo_id == "bob/rows-of-bob"
    assert [(choice.value, choice.chosen) for choice in page.context["workflow"].dataset_revisions] == [("main", True)]
    assert 'name="dataset" value="bob/rows-of-bob"' in page.content.decode()
    found = client.get("/jobs/new/datasets?words=of-bob").content.decode()
    assert "bob/rows-of-bob" in found
    assert "rows-hidden" not in found


def test_typed_name_of_a_dataset_is_enough(alice: Any) -> None:
    page = browser(alice).post("/jobs/new", ready(alice) | {"dataset": "", "words": "alice/rows", "do": "order"})
    assert page.status_code == 200
    assert "Confirm the order" in page.content.decode()


def test_specs_below_the_minimum_or_sold_out_say_so(alice: Any) -> None:
    make_spec("cpu-1-2", vcpus=1, memory=2)
    make_spec("cpu-8-16", vcpus=8, memory=16, sold_out=True)
    make_spec("cpu-4-8", vcpus=4, memory=8)
    make_spec("cpu-9-9", vcpus=9, memory=9, enabled=False)
    custom_model(alice, name="net", minimum="cpu-2-4")
    choices = browser(alice).get("/jobs/new?model=alice/net").context["workflow"].specs
    reasons = {choice.spec.code: choice.reason for choice in choices if choice.spec.code in ("cpu-1-2", "cpu-8-16", "cpu-4-8", "cpu-9-9")}
    assert reasons.keys() == {"cpu-1-2", "cpu-8-16", "cpu-4-8"}
    assert reasons["cpu-1-2"] == "The model needs at least 2 vCPU, 4 GiB; Spec cpu-1-2 has too few vCPUs."
    assert reasons["cpu-8-16"] == "Sold out."
    assert reasons["cpu-4-8"] == ""


def test_hours_that_are_left_bound_the_time_limit(alice: Any) -> None:
    given = ready(alice)
    Limit.objects.create(namespace_id=alice.pk, hours=Decimal(1))
    page = browser(alice).post("/jobs/new", given | {"do": "order"})
    assert page.status_code == 422
    assert page.context["form"].errors["limit"] == ["Only 1.0 hours are left this month. Set a shorter run time limit."]


def test_clone_takes_the_settings_over(alice: Any) -> None:
    make_spec()
    model, dataset = custom_model(alice, name="net"), make_dataset(alice, name="rows")
    training = make_training(alice, state="completed", model=model, dataset=dataset, parameters={"lr": "0.5", "epochs": "9"}, limit=5400)
    workflow = browser(alice).get(f"/jobs/new?clone={training.pk}").context["workflow"]
    assert {row.parameter.name: row.value for row in workflow.rows} == {"lr": "0.5", "epochs": "9"}
    assert [each.name for each in workflow.removed] == ["optimizer", "shuffle"]
    assert workflow.dataset == dataset
    assert workflow.form.data["limit"] == "1.5"
    carried = dict(workflow.carried) | {"output_name": "net-again", "do": "start"}
    browser(alice).post("/jobs/new", carried)
    assert Training.objects.latest("pk").cloned_from_id == training.pk


def test_model_that_cannot_be_trained_says_why(alice: Any) -> None:
    make_spec()
    custom_model(alice, name="net", files={"gallery_train/train.py": "print(1)\n"})
    page = browser(alice).get("/jobs/new?model=alice/net")
    assert page.status_code == 200
    assert any("train_params.json" in reason for reason in page.context["workflow"].offer.reasons)
    assert browser(alice).post("/jobs/new", {"model": "alice/net", "do": "start"}).status_code == 422
    assert not Training.objects.exists()


def test_text_model_offers_the_gallerys_own_training(alice: Any) -> None:
    make_spec()
    text_model(alice, name="llm")
    workflow = browser(alice).get("/jobs/new?model=alice/llm").context["workflow"]
    assert workflow.offer.tasks[0].code == "text-generation"
    assert {task.mode for task in workflow.offer.tasks} == {"built_in"}
    assert {value for value, _name, _chosen in workflow.method_choices} == {"Full", "LoRA"}
    assert workflow.environment == "current"


def test_bounds_of_the_gallerys_own_training_count(alice: Any) -> None:
    make_spec()
    text_model(alice, name="llm")
    make_dataset(alice, name="rows")
    client = browser(alice)
    carried = dict(client.get("/jobs/new?model=alice/llm&dataset=alice/rows").context["workflow"].carried)
    page = client.post("/jobs/new", carried | {"param.max_length": "4096", "do": "order"})
    assert "at most 128 tokens" in page.context["workflow"].errors["parameters.max_length"][0]
    page = client.post("/jobs/new", carried | {"param.learning_rate": "7", "do": "order"})
    assert "must be from" in page.context["workflow"].errors["parameters.learning_rate"][0]


def test_page_says_why_files_are_not_read_once_more(alice: Any) -> None:
    given = ready(alice)
    page = browser(alice).post("/jobs/new", given | {"do": "inspect"})
    assert page.context["workflow"].notices == ["This is being read already. Wait for the result."]

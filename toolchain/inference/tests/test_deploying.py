"""Putting a service together on its page: choices, what is in the way, the order, and the start."""

from typing import Any

import pytest
from django.test import Client

from core.testing import browser
from toolchain.inference.models import Service
from toolchain.inference.tests.factories import commit, make_model, make_service, make_spec, writer
from toolchain.models import Entry, Limit

pytestmark = pytest.mark.django_db
USUAL = {"began": "1", "replicas": "1", "most_replicas": "1", "request_limit": "40", "concurrency": "8", "queue": "64"}


@pytest.fixture
def client(alice: Any) -> Client:
    make_spec()
    return browser(alice)


def send(client: Client, do: str, **given: str) -> Any:
    return client.post("/services/new", USUAL | {"owner": "alice", "do": do} | given)


def hidden(answer: Any) -> dict[str, str]:
    return dict(answer.context["deployment"].carried)


def test_without_script_choosing_confirming_and_deploying_takes_two_forms(client: Client, alice: Any) -> None:
    writer(alice, name="Tiny")
    page = client.get("/services/new?model=alice/Tiny")
    assert page.context["form"].data["name"] == "tiny"
    order = send(client, "order", model="alice/Tiny", name="greet", limit="1.5", idle_limit="30", replicas="2", most_replicas="3")
    assert order.status_code == 200
    text = order.content.decode()
    assert "Confirm the order" in text
    assert not Service.objects.exists()
    done = client.post("/services/new", hidden(order) | {"do": "start"})
    assert (done.status_code, done["Location"]) == (303, "/services")
    service = Service.objects.get()
    assert (service.name, service.task, service.engine, service.environment) == ("greet", "text-generation", "transformers", "current")
    assert (service.limit, service.idle_limit, service.replicas, service.most_replicas) == (5400, 1800, 2, 3)
    assert (service.revision, service.state, service.shared) == ("main", "waiting", False)


def test_model_with_a_script_of_its_own_is_deployed_as_custom(client: Client, alice: Any) -> None:
    make_model(alice, name="net")
    page = client.get("/services/new?model=alice/net").context["deployment"]
    assert [(code, name, chosen) for code, name, _hint, chosen in page.tasks] == [("custom", "Custom", True)]
    assert [code for code, _name, _hint in page.environments] == ["current", "compatible"]
    order = send(client, "order", model="alice/net", name="net", environment="compatible", shared="on")
    client.post("/services/new", hidden(order) | {"do": "start"})
    service = Service.objects.get()
    assert (service.engine, service.environment, service.shared) == ("custom", "compatible", True)


def test_spec_below_the_minimum_says_why_and_cannot_be_ordered(client: Client, alice: Any) -> None:
    make_spec("cpu-1-1", vcpus=1, memory=1)
    writer(alice, name="tiny", minimum="cpu-2-4")
    choices = {choice.spec.code: choice.reason for choice in client.get("/services/new?model=alice/tiny").context["deployment"].specs}
    assert choices == {"cpu-1-1": "The model needs at least 2 vCPU, 4 GiB; Spec cpu-1-1 has too few vCPUs.", "cpu-2-4": ""}
    refused = send(client, "order", model="alice/tiny", name="tiny", spec="cpu-1-1")
    assert refused.status_code == 422
    assert "cpu-1-1 has too few vCPUs" in refused.content.decode()


def test_engine_is_chosen_where_the_spec_allows_several(client: Client, alice: Any) -> None:
    make_spec("1-gpu-24-cpu-8-32", accelerator="gpu", cards=1, card_memory=24, vcpus=8, memory=32)
    writer(alice, name="tiny")
    deployment = send(client, "refresh", model="alice/tiny", spec="1-gpu-24-cpu-8-32").context["deployment"]
    assert [(code, chosen) for code, _name, chosen in deployment.engines] == [("vllm", True), ("transformers", False)]
    plain = send(client, "refresh", model="alice/tiny", spec="cpu-2-4", engine="vllm").context["deployment"]
    assert [(code, chosen) for code, _name, chosen in plain.engines] == [("transformers", True)]


def test_taken_name_is_said_at_once_with_one_that_is_free(client: Client, alice: Any) -> None:
    writer(alice, name="tiny")
    make_service(alice, name="greet")
    make_service(alice, name="greet-2")
    page = send(client, "refresh", model="alice/tiny", name="Greet".lower(), limit="-1")
    assert dict(page.context["form"].errors) == {"name": ["Taken. Try greet-3"]}
    assert send(client, "order", model="alice/tiny", name="greet").status_code == 422


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"name": "Not a name"}, "name"), ({"name": "-x"}, "name"), ({"name": "x" * 64}, "name"), ({"replicas": "0"}, "replicas"), ({"replicas": "x"}, "replicas"),
        ({"replicas": "3", "most_replicas": "2"}, "most_replicas"), ({"limit": "-1"}, "limit"), ({"limit": "1e99"}, "limit"),
        ({"idle_limit": "0"}, "idle_limit"), ({"request_limit": "4000"}, "request_limit"), ({"concurrency": ""}, "concurrency"), ({"queue": "-1"}, "queue"),
        ({"owner": "nobody"}, "owner"),
    ],
)  # fmt: skip
def test_bad_input_is_shown_at_its_field(client: Client, alice: Any, given: dict[str, str], field: str) -> None:
    writer(alice, name="tiny")
    answer = send(client, "order", model="alice/tiny", **{"name": "fine"} | given)
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == [field]


@pytest.mark.parametrize(
    "given", [{"task": "custom"}, {"task": "\0"}, {"revision": "nothing"}, {"revision": "a" * 300}, {"spec": "nothing"}]
)
def test_choices_that_are_not_offered_never_break_the_page(client: Client, alice: Any, given: dict[str, str]) -> None:
    writer(alice, name="tiny")
    assert send(client, "refresh", model="alice/tiny", **given).status_code == 200
    assert send(client, "order", model="alice/tiny", name="fine", **given).status_code in (200, 422)


def test_model_that_cannot_be_served_says_why(client: Client, alice: Any) -> None:
    make_model(alice, name="bare", files={"x.txt": "x"})
    text = client.get("/services/new?model=alice/bare").content.decode()
    assert "This version cannot be deployed" in text
    assert "Start deployment" not in text
    assert send(client, "start", model="alice/bare", name="bare").status_code == 422
    assert client.get("/services/new?model=bare").status_code == 404


def test_limits_are_in_the_way_before_the_start(client: Client, alice: Any) -> None:
    writer(alice, name="tiny")
    Limit.objects.create(namespace_id=alice.pk, hours=1)
    refused = send(client, "order", model="alice/tiny", name="tiny", limit="5")
    assert refused.status_code == 422
    assert "Only 1.0 hours are left this month." in refused.content.decode()


def test_order_shows_what_it_costs(client: Client, alice: Any) -> None:
    writer(alice, name="tiny")
    make_spec("cpu-2-4", price="2.5")
    Entry.objects.create(namespace_id=alice.pk, kind="credit", month="2026-01-01", amount=100)
    answer = send(client, "order", model="alice/tiny", name="tiny", limit="2", replicas="3", most_replicas="3")
    assert answer.status_code == 200
    text = answer.content.decode()
    assert "2.5 CNY an hour" in text
    assert "At most 15.00 CNY" in text


def test_order_is_shown_again_where_the_version_has_moved(client: Client, alice: Any) -> None:
    model = writer(alice, name="tiny")
    order = send(client, "order", model="alice/tiny", name="tiny")
    commit(
        model,
        alice,
        {"config.json": '{"model_type": "llama", "x": 1}', "model.safetensors": "x", "tokenizer.json": "{}"},
        "text-generation",
    )
    again = client.post("/services/new", hidden(order) | {"do": "start"})
    assert again.status_code == 409
    assert "The version has changed since you checked the order." in again.content.decode()
    assert client.post("/services/new", hidden(again) | {"do": "start"}).status_code == 303


def test_choosing_begins_with_the_models_one_may_use(client: Client, alice: Any, charlie: Any) -> None:
    writer(alice, name="tiny")
    writer(charlie, name="secret", visibility="private")
    found = client.get("/services/new?words=i").context["found"]
    assert [asset.name for asset in found] == ["tiny"]

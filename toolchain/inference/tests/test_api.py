"""REST of services: finding, deploying, changing, acting, keys, saved requests, logs, and bad input."""

from typing import Any

import pytest

from core.testing import People, api, assert_flat_queries
from toolchain.inference.models import Example, Generation, Key, Service
from toolchain.inference.services import hash_of
from toolchain.inference.tests.factories import make_model, make_service, make_spec, writer

pytestmark = pytest.mark.django_db
ROOT = "/api/v1/services"


def send(client: Any, method: str, path: str, body: Any = None) -> Any:
    return getattr(client, method)(f"{ROOT}{path}", body, format="json")


def test_deployed_found_changed_and_deleted(alice: Any) -> None:
    make_spec()
    writer(alice, name="tiny")
    client = api(alice)
    made = send(client, "post", "", {"model": "alice/tiny", "name": "greet", "spec": "cpu-2-4", "replicas": 2, "idle_limit": 600})
    assert (made.status_code, made["Location"]) == (201, f"{ROOT}/alice/greet")
    row = made.json()
    assert (row["task"], row["engine"], row["state"], row["ready"], row["replicas"], row["most_replicas"]) == (
        "text-generation", "transformers", "waiting", 0, 2, 2,
    )  # fmt: skip
    assert (row["endpoint"], row["detail"], row["generation"]) == ("/services/alice/greet/", "Waiting for a machine", None)
    assert [each["name"] for each in client.get(f"{ROOT}?state=waiting&q=gre").json()["results"]] == ["greet"]
    changed = send(client, "patch", "/alice/greet", {"queue": 3, "shared": True, "limit": 3600})
    assert (changed.json()["queue"], changed.json()["shared"], changed.json()["limit"]) == (3, True, 3600)
    assert client.delete(f"{ROOT}/alice/greet").status_code == 409
    Service.objects.update(state="stopped")
    assert client.delete(f"{ROOT}/alice/greet").status_code == 204
    assert client.get(f"{ROOT}/alice/greet").status_code == 404


def test_name_is_taken_once(alice: Any) -> None:
    make_spec()
    make_model(alice, name="net")
    make_service(alice, name="greet")
    answer = send(api(alice), "post", "", {"model": "alice/net", "name": "greet", "spec": "cpu-2-4"})
    assert (answer.status_code, answer.json()["code"]) == (409, "service_name_taken")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": "Not"}, "name"), ({"name": "x\0"}, "name"), ({"name": "x" * 64}, "name"), ({"model": "net"}, "model"), ({"spec": "nothing"}, "spec"), ({"spec": None}, "spec"),
        ({"task": "odd"}, "task"), ({"engine": "vllm"}, "engine"), ({"environment": "odd"}, "environment"), ({"replicas": 0}, "replicas"),
        ({"replicas": 2, "most_replicas": 1}, "most_replicas"), ({"limit": 1}, "limit"), ({"idle_limit": "x"}, "idle_limit"), ({"odd": 1}, "odd"),
        ({"replicas": 10**30}, "replicas"),
    ],
)  # fmt: skip
def test_bad_order_names_its_field(alice: Any, body: dict[str, Any], field: str) -> None:
    make_spec()
    make_model(alice, name="net")
    answer = send(api(alice), "post", "", {"model": "alice/net", "name": "fine", "spec": "cpu-2-4"} | body)
    assert (answer.status_code, list(answer.json()["errors"])) == (400, [field])


@pytest.mark.parametrize("body", [{"replicas": 0}, {"odd": 1}, {"queue": None}, {"spec": "nothing"}, {"shared": "odd"}, [], "x"])
def test_bad_change_is_refused(alice: Any, body: Any) -> None:
    service = make_service(alice, model=make_model(alice, name="net"))
    assert send(api(alice), "patch", f"/alice/{service.name}", body).status_code == 400


def test_acts_follow_the_state(alice: Any) -> None:
    service = make_service(alice, state="running")
    client, address = api(alice), f"/alice/{service.name}"
    assert send(client, "post", f"{address}/start").json()["code"] == "service_not_stopped"
    assert send(client, "post", f"{address}/restart").status_code == 200
    assert [row["number"] for row in client.get(f"{ROOT}{address}/generations").json()] == [2, 1]
    assert send(client, "post", f"{address}/roll-back", {"generation": 2}).status_code == 404
    assert send(client, "post", f"{address}/roll-back", {"generation": "x"}).status_code == 400
    assert send(client, "post", f"{address}/roll-back", {"generation": 1}).status_code == 200
    assert Generation.objects.filter(service=service).count() == 3
    assert send(client, "post", f"{address}/stop").json()["state"] == "stopping"
    assert send(client, "post", f"{address}/stop").json()["code"] == "service_over"


def test_replicas_and_their_logs(alice: Any) -> None:
    service = make_service(alice, state="running", replicas=2, most_replicas=2, ready=1, log="one\ntwo\n")
    client, address = api(alice), f"{ROOT}/alice/{service.name}"
    found = client.get(f"{address}/replicas").json()
    assert [(row["index"], row["ready"], row["state"], row["detail"]) for row in found] == [
        (0, True, "running", ""),
        (1, False, "running", "The model is being loaded."),
    ]
    assert client.get(f"{address}/log").json() == {"offset": 0, "next": 8, "size": 8, "complete": False, "text": "one\ntwo\n"}
    assert client.get(f"{address}/log?replica={found[1]['id']}&attempt=1&offset=4").json()["text"] == "two\n"
    assert client.get(f"{address}/log?attempt=9").status_code == 404
    for bad in ("replica=x", "offset=-1", "limit=x", "attempt=%00"):
        assert client.get(f"{address}/log?{bad}").status_code == 400, bad


def test_key_is_told_once_and_revoked(alice: Any) -> None:
    service = make_service(alice, state="running")
    client, address = api(alice), f"/alice/{service.name}/keys"
    made = send(client, "post", address, {"name": "shop", "limit": 60, "expires_at": "2999-01-01T00:00:00Z"})
    assert made.status_code == 201
    assert Key.objects.get().hash == hash_of(made.json()["key"])
    rows = client.get(f"{ROOT}{address}").json()
    assert [("key" in row, "hash" in row, row["prefix"], row["limit"]) for row in rows] == [(False, False, made.json()["key"][:12], 60)]
    assert client.delete(f"{ROOT}{address}/{rows[0]['id']}").status_code == 204
    assert client.get(f"{ROOT}{address}").json()[0]["revoked_at"]
    assert client.delete(f"{ROOT}{address}/{rows[0]['id'] + 1}").status_code == 404
    for bad in ({}, {"name": ""}, {"name": "x", "limit": 0}, {"name": "x", "expires_at": "2000-01-01T00:00:00Z"}, {"name": "x", "odd": 1}):
        assert send(client, "post", address, bad).status_code == 400, bad


def test_requests_are_saved_and_deleted(alice: Any) -> None:
    service = make_service(alice, state="running")
    client, address = api(alice), f"/alice/{service.name}/examples"
    made = send(client, "post", address, {"name": "one", "body": '{"inputs": 1}'})
    assert (made.status_code, made.json()["request"]) == (201, {"body": '{"inputs": 1}'})
    assert [row["name"] for row in client.get(f"{ROOT}{address}").json()] == ["one"]
    assert client.delete(f"{ROOT}{address}/{made.json()['id']}").status_code == 204
    assert not Example.objects.exists()
    assert client.delete(f"{ROOT}{address}/{made.json()['id']}").status_code == 404


def test_options_name_specs_with_their_engines(alice: Any) -> None:
    make_spec()
    make_spec("1-gpu-24-cpu-8-32", accelerator="gpu", cards=1, card_memory=24, vcpus=8, memory=32)
    writer(alice, name="tiny")
    make_model(alice, name="bare", files={"x.txt": "x"})
    found = api(alice).get("/api/v1/models/alice/tiny/service-options").json()
    assert found["tasks"] == ["text-generation"]
    assert {row["spec"]: [engine["code"] for engine in row["engines"]] for row in found["choices"]} == {
        "cpu-2-4": ["transformers"],
        "1-gpu-24-cpu-8-32": ["vllm", "transformers"],
    }
    bare = api(alice).get("/api/v1/models/alice/bare/service-options").json()
    assert (bare["tasks"], bool(bare["reasons"])) == ([], True)
    assert api(alice).get("/api/v1/models/alice/tiny/service-options?revision=nothing").status_code == 404


def test_list_is_for_members_and_flat(people: People) -> None:
    client = api(people.alice)
    make_service(people.charlie)
    assert_flat_queries(ROOT, lambda: make_service(people.alice, people.atelier, state="running"), client=client)
    assert len(client.get(f"{ROOT}?limit=5").json()["results"]) == 5
    assert client.get(f"{ROOT}?state=odd").status_code == 400

"""Services from their deployment to the answer, with the model's own script in the real sandbox behind the real gateway."""

import asyncio
import json
from typing import Any

import pytest

from accounts.models import Namespace
from assets.models import Asset
from core.testing import People, token
from repos.operations import PutBytes
from toolchain.inference.models import Generation, Minute, Replica, Service
from toolchain.inference.services import (
    change_service,
    deploy_service,
    make_key,
    restart_service,
    revoke_key,
    roll_back,
    start_service,
    stop_service,
)
from toolchain.inference.tests.calling import Answer, call, gateway
from toolchain.models import Run
from toolchain.tests.flows import asset_with, read_commits, until, workplace, workshop
from toolchain.tests.queued import node, spec

__all__ = ["workplace", "workshop"]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("workshop")]

SCRIPT = """
import os, time
class Model:
    def __init__(self):
        with open(os.path.join(os.environ["ENV_AG_MODEL_DIR"], "word.txt")) as file:
            self.word = file.read().strip()
    def __call__(self, inputs, **params):
        if inputs == "die":
            os._exit(3)
        if inputs == "fail":
            raise ValueError("no such thing")
        if inputs == "stream":
            return (f"{number}" for number in range(3))
        return {"said": f"{self.word} {inputs}", "secrets": sorted(name for name in os.environ if "SECRET" in name or "DATABASE" in name)}
"""


def model(owner: Any, word: str = "hello") -> Asset:
    """Return a model that answers with its word."""
    return asset_with(
        owner,
        "model",
        "greeter",
        {
            "README.md": "---\npipeline_tag: image-classification\n---\n# Greeter\n",
            "word.txt": word,
            "gallery_inference/inference.py": SCRIPT,
        },
    )


def deploy(actor: Any, **changes: Any) -> Service:
    """Return a service that was deployed just now."""
    source = changes.pop("source", None) or model(actor)
    namespace = Namespace.objects.for_user(actor).get(pk=actor.pk)
    node(cpus=8, memory=32)
    return deploy_service(actor=actor, namespace=namespace, model=source, **({"name": "greet", "task": "custom", "spec": spec()} | changes))


def is_in(service: Service, *states: str) -> Service:
    """Return the service once it is in one of `states`."""

    def found() -> Service | None:
        service.refresh_from_db()
        return service if service.state in states else None

    return until(found, what=f"{states}, after {service.state}")  # type: ignore[no-any-return]


def ask(
    service: Service, text: Any, *, user: Any = None, secret: str = "", path: str = "/predict", headers: Any = None, **options: Any
) -> Answer:
    """Return the answer of a service to an input, asked with an access token of `user` or with a `secret`."""
    secret = secret or (token(user, "read") if user is not None else "")
    given = {"content-type": "application/json"} | ({"authorization": f"Bearer {secret}"} if secret else {}) | (headers or {})

    address = f"{service.get_absolute_url()}{path}"

    async def once() -> Answer:
        async with gateway() as entrance:
            return await call(entrance, address, body=json.dumps({"inputs": text}).encode(), headers=given, **options)

    return asyncio.run(once())


def mine(actor: Any) -> Service:
    """Return the only service, read for `actor`."""
    return Service.objects.for_user(actor).select_related("namespace", "spec", "generation", "creator").get()


def test_a_deployed_model_answers_fails_dies_and_answers_again(people: People) -> None:
    service = is_in(deploy(people.alice), "running")

    answer = ask(service, "world", user=people.alice)
    assert (answer.status, answer.json) == (200, {"said": "hello world", "secrets": []})
    assert answer.headers["content-security-policy"].startswith("sandbox")
    assert ask(service, "fail", user=people.alice).status >= 400
    assert ask(service, "world", user=people.alice).json["said"] == "hello world"
    assert ask(service, "die", user=people.alice).status >= 500

    def answers() -> bool:
        return ask(service, "again", user=people.alice).status == 200

    until(answers, what="an answer after the model's process died")
    counted = Minute.objects.filter(service=service)
    assert sum(row.requests for row in counted) >= 5
    assert sum(row.errors for row in counted) >= 1
    assert sum(sum(row.latencies) for row in counted) >= 5
    service.refresh_from_db()
    assert service.called_at is not None


def test_only_members_keys_and_those_it_is_open_to_may_call(people: People) -> None:
    service = is_in(deploy(people.alice), "running")

    assert ask(service, "x", user=people.charlie).status == 404
    assert ask(service, "x").status == 401
    key, secret = make_key(service=mine(people.alice), actor=people.alice, name="shop", limit=2)
    assert [ask(service, "x", secret=secret).status for _ in range(3)] == [200, 200, 429]
    revoke_key(service=mine(people.alice), actor=people.alice, key=key)
    assert ask(service, "x", secret=secret).status == 401
    change_service(service=mine(people.alice), actor=people.alice, changes={"shared": True})
    assert ask(service, "x", user=people.charlie).status == 200
    Asset.objects.update(availability="on_application")
    assert ask(service, "x", user=people.charlie).status == 404


def test_a_stopped_service_says_so_and_starts_again(people: People) -> None:
    service = is_in(deploy(people.alice), "running")
    stop_service(service=mine(people.alice), actor=people.alice)
    is_in(service, "stopped")
    assert not Run.objects.active().exists()
    answer = ask(service, "x", user=people.alice)
    assert (answer.status, answer.json["code"]) == (503, "service_stopped")

    start_service(service=mine(people.alice), actor=people.alice)
    is_in(service, "running")
    assert ask(service, "x", user=people.alice).status == 200
    assert list(Generation.objects.order_by("number").values_list("state", flat=True)) == ["gone", "serving"]


def test_a_new_revision_is_rolled_out_and_back_without_a_gap(people: People) -> None:
    source = model(people.alice)
    service = is_in(deploy(people.alice, source=source), "running")
    from assets import services as assets_services

    changed = assets_services.commit_files(asset=source, actor=people.alice, operations=[PutBytes("word.txt", b"bye")], message="Word")
    read_commits()
    change_service(service=mine(people.alice), actor=people.alice, changes={"revision": changed.sha})

    seen = set()

    def says(word: str) -> bool:
        answer = ask(service, "you", user=people.alice)
        assert answer.status == 200, answer.body
        seen.add(answer.json["said"])
        return bool(answer.json["said"] == f"{word} you")

    until(lambda: says("bye"), what="the new revision")
    assert seen == {"hello you", "bye you"}
    roll_back(service=mine(people.alice), actor=people.alice, number=1)
    until(lambda: says("hello"), what="the old revision")


def test_a_revision_that_cannot_be_loaded_leaves_the_old_one_serving(people: People) -> None:
    source = model(people.alice)
    service = is_in(deploy(people.alice, source=source), "running")
    from assets import services as assets_services

    script = SCRIPT.replace("self.word = file", "raise RuntimeError('no weights')")
    broken = assets_services.commit_files(
        asset=source, actor=people.alice, operations=[PutBytes("gallery_inference/inference.py", script.encode())], message="Broken"
    )
    read_commits()
    change_service(service=mine(people.alice), actor=people.alice, changes={"revision": broken.sha})
    until(lambda: Generation.objects.filter(state="failed").exists(), what="the failure of the new generation")

    service.refresh_from_db()
    assert (service.state, service.generation.number if service.generation else 0) == ("running", 1)
    assert service.error
    assert ask(service, "you", user=people.alice).json["said"] == "hello you"


def test_a_service_that_never_answers_has_failed_with_its_reason(people: People) -> None:
    source = asset_with(
        people.alice, "model", "greeter",
        {"README.md": "---\npipeline_tag: image-classification\n---\n", "gallery_inference/inference.py": "class Model:\n    def __init__(self):\n        raise RuntimeError('no weights here')\n    def __call__(self, inputs):\n        return 1\n"},
    )  # fmt: skip
    service = is_in(deploy(people.alice, source=source), "failed")
    assert service.error == "unloadable"
    assert "no weights here" in service.detail["sentence"]
    assert ask(service, "x", user=people.alice).status == 503


def test_more_replicas_share_the_requests_and_fewer_go_in_order(people: People) -> None:
    service = is_in(deploy(people.alice, replicas=2), "running")
    assert Replica.objects.filter(ready=True).count() == 2
    change_service(service=mine(people.alice), actor=people.alice, changes={"replicas": 1, "most_replicas": 1})
    until(lambda: Replica.objects.count() == 1, what="one replica less")
    assert ask(service, "x", user=people.alice).status == 200


def test_a_restart_replaces_the_processes(people: People) -> None:
    # The old process stays for as long as a request may take.
    service = is_in(deploy(people.alice, request_limit=1), "running")
    before = Run.objects.active().get().key
    restart_service(service=mine(people.alice), actor=people.alice)
    until(
        lambda: (runs := Run.objects.active().values_list("pk", flat=True)) and len(runs) == 1 and Run.objects.get(pk=runs[0]).key != before
    )
    assert ask(service, "x", user=people.alice).status == 200


def test_a_client_that_leaves_ends_the_request_at_the_model(people: People) -> None:
    service = is_in(deploy(people.alice), "running")
    answer = ask(service, "stream", user=people.alice, leave_after=lambda answer: answer.status == 200)
    assert answer.status == 200


def test_a_service_whose_time_is_over_is_stopped_and_an_idle_one_sleeps_until_it_is_called(people: People) -> None:
    service = is_in(deploy(people.alice, idle_limit=60), "running")
    Service.objects.update(idle_limit=1)
    is_in(service, "stopped")
    assert (service.asleep, service.error) == (True, "idle")
    Service.objects.update(idle_limit=None)

    import threading

    from django.db import connection

    answers: list[Answer] = []

    def wake() -> None:
        try:
            answers.append(ask(service, "wake", user=people.alice))
        finally:
            connection.close()

    caller = threading.Thread(target=wake)
    caller.start()
    until(lambda: not caller.is_alive(), what="the answer of a service that slept")
    assert answers[0].json["said"] == "hello wake"

"""What members do to a service on its pages: settings, keys, saved requests, start, stop, restart, delete."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from core.testing import browser
from toolchain.inference.forms import scale_of
from toolchain.inference.models import Example, Generation, Key, Service
from toolchain.inference.services import MOST_EXAMPLES, hash_of
from toolchain.inference.tests.factories import commit, make_service, make_spec, writer
from toolchain.models import Limit

pytestmark = pytest.mark.django_db


def page(service: Service, name: str) -> str:
    return f"/services/{service.namespace.handle}/{service.name}/-/{name}"


def scale(service: Service, **changes: str) -> dict[str, str]:
    return {name: value for name, value in (scale_of(service) | changes).items() if value}


def test_limits_change_at_once(alice: Any) -> None:
    service = make_service(alice, state="running")
    given = scale(service, replicas="2", most_replicas="4", limit="2", idle_limit="15", queue="3", shared="on")
    client = browser(alice)
    assert client.post(page(service, "settings"), given)["Location"] == page(service, "settings")
    service.refresh_from_db()
    assert (service.replicas, service.most_replicas, service.limit, service.idle_limit, service.queue, service.shared) == (
        2,
        4,
        7200,
        900,
        3,
        True,
    )
    assert "Saved." in client.get(page(service, "settings")).content.decode()
    assert client.post(page(service, "settings"), scale(service)).status_code == 303
    assert "Nothing was changed." in client.get(page(service, "settings")).content.decode()


def test_spec_and_version_are_rolled_out(alice: Any) -> None:
    model = writer(alice, name="tiny")
    service = make_service(alice, model=model, task="text-generation", engine="transformers", state="running")
    make_spec("cpu-4-8", vcpus=4, memory=8)
    client = browser(alice)
    shown = client.get(page(service, "settings")).context["tuning"]
    assert [(choice.text, choice.chosen) for choice in shown.revisions] == [(f"main ({service.model_commit[:7]})", True)]
    newer = commit(
        model,
        alice,
        {"config.json": '{"model_type": "llama", "x": 1}', "model.safetensors": "x", "tokenizer.json": "{}"},
        "text-generation",
    )
    shown = client.get(page(service, "settings")).context["tuning"]
    assert [(choice.value, choice.chosen) for choice in shown.revisions] == [(service.model_commit, True), ("main", False)]
    done = client.post(page(service, "settings"), scale(service) | {"spec": "cpu-4-8", "revision": "main"}, follow=True)
    assert "It is being rolled out" in done.content.decode()
    service.refresh_from_db()
    assert (service.model_commit, service.spec.code, service.revision) == (newer, "cpu-4-8", "main")


@pytest.mark.parametrize(
    ("given", "where"),
    [
        ({"replicas": "0"}, "replicas"), ({"replicas": "5", "most_replicas": "4"}, "most_replicas"), ({"queue": "x"}, "queue"), ({"spec": "nothing"}, "spec"),
        ({"revision": "nothing"}, "revision"),
    ],
)  # fmt: skip
def test_bad_settings_are_shown_at_their_fields(alice: Any, given: dict[str, str], where: str) -> None:
    service = make_service(alice, model=writer(alice, name="tiny"), task="text-generation", engine="transformers")
    answer = browser(alice).post(page(service, "settings"), scale(service) | given)
    tuning = answer.context["tuning"]
    assert answer.status_code == 422
    assert [*tuning.errors, *tuning.form.errors] == [where]


def test_settings_of_a_service_whose_model_is_gone_still_scale(alice: Any) -> None:
    service = make_service(alice, state="running")
    client = browser(alice)
    assert "The model is not there any more" in client.get(page(service, "settings")).content.decode()
    assert client.post(page(service, "settings"), scale(service, queue="9")).status_code == 303


def test_limits_of_the_owner_are_in_the_way_of_a_larger_spec(alice: Any) -> None:
    service = make_service(alice, state="running")
    Limit.objects.create(namespace_id=alice.pk, hours=1)
    answer = browser(alice).post(page(service, "settings"), scale(service, limit="9"))
    assert answer.status_code == 422
    assert "Only 1.0 hours are left this month." in answer.content.decode()


def test_key_is_shown_once_and_revoked(alice: Any) -> None:
    service = make_service(alice, state="running")
    client, day = browser(alice), timezone.localdate() + timedelta(days=3)
    answer = client.post(page(service, "keys"), {"name": "shop", "limit": "60", "expires_on": day.isoformat()})
    secret = answer.context["made"][1]
    assert secret in answer.content.decode()
    assert "no-store" in answer["Cache-Control"]
    key = Key.objects.get()
    assert (key.name, key.limit, key.hash) == ("shop", 60, hash_of(secret))
    assert key.expires_at is not None
    assert timezone.localdate(key.expires_at) == day + timedelta(days=1)
    assert secret not in client.get(page(service, "settings")).content.decode()
    assert client.post(page(service, f"keys/{key.pk}/revoke"))["Location"].endswith("/-/settings#keys")
    key.refresh_from_db()
    assert key.revoked_at is not None


@pytest.mark.parametrize(
    "given",
    [
        {"name": ""},
        {"name": "x" * 65},
        {"name": "x", "limit": "0"},
        {"name": "x", "expires_on": "2020-01-01"},
        {"name": "x", "expires_on": "odd"},
    ],
)
def test_bad_key_is_refused(alice: Any, given: dict[str, str]) -> None:
    service = make_service(alice)
    assert browser(alice).post(page(service, "keys"), given).status_code == 422
    assert not Key.objects.exists()


def test_key_of_another_service_is_not_found(alice: Any) -> None:
    service, other = make_service(alice), make_service(alice)
    key = Key.objects.create(service=other, name="x", prefix="x", hash="x")
    assert browser(alice).post(page(service, f"keys/{key.pk}/revoke")).status_code == 404
    assert browser(alice).post(page(service, "keys/99999999999999999999/revoke")).status_code == 404


def test_requests_are_saved_loaded_and_deleted(alice: Any) -> None:
    service = make_service(alice, state="running")
    client, body = browser(alice), '{"inputs": "<b>"}'
    saved = client.post(page(service, "examples"), {"name": "one", "body": body})
    example = Example.objects.get()
    assert saved["Location"] == f"/services/alice/{service.name}?example={example.pk}"
    assert client.get(saved["Location"]).context["form"].initial["body"] == body
    assert "&lt;b&gt;" in client.get(saved["Location"]).content.decode()
    assert client.post(page(service, f"examples/{example.pk}/delete")).status_code == 303
    assert client.post(page(service, f"examples/{example.pk}/delete")).status_code == 404
    Example.objects.bulk_create(Example(service=service, name=f"e{number}", request={}) for number in range(MOST_EXAMPLES))
    refused = client.post(page(service, "examples"), {"name": "more", "body": body}, follow=True)
    assert "as many saved requests as it may" in refused.content.decode()
    assert "Give the request a name" in client.post(page(service, "examples"), {"body": body}, follow=True).content.decode()


def test_start_confirms_the_order_and_says_what_is_in_the_way(alice: Any) -> None:
    service = make_service(alice, state="stopped")
    client = browser(alice)
    assert "Start the service" in client.get(page(service, "start")).content.decode()
    Limit.objects.create(namespace_id=alice.pk, hours=0)
    refused = client.post(page(service, "start"))
    assert refused.status_code == 422
    assert "The hours of this month are used up." in refused.content.decode()
    Limit.objects.all().delete()
    assert client.post(page(service, "start"))["Location"] == f"/services/alice/{service.name}"
    service.refresh_from_db()
    assert service.state == "waiting"
    assert client.post(page(service, "start")).status_code == 409


def test_stop_restart_and_delete_ask_first(alice: Any) -> None:
    service = make_service(alice, state="running")
    client = browser(alice)
    for name, words in [
        ("stop", "Requests that it has are answered"),
        ("restart", "New replicas are started"),
        ("delete", "gone for good"),
    ]:
        assert words in client.get(page(service, name)).content.decode()
    assert "Stop this service first." in client.post(page(service, "delete"), follow=True).content.decode()
    assert client.post(page(service, "restart")).status_code == 303
    assert list(Generation.objects.values_list("number", flat=True)) == [2, 1]
    assert client.post(page(service, "stop")).status_code == 303
    assert "already" in client.post(page(service, "stop"), follow=True).content.decode()
    Service.objects.filter(pk=service.pk).update(state="failed")
    Generation.objects.all().delete()
    assert client.post(page(service, "delete"))["Location"] == "/services"
    assert not Service.objects.exists()

"""Every address of training jobs and of services, for everybody: what is not named in the tables here fails the test."""

from collections.abc import Iterable
from typing import Any

import pytest
from django.urls import URLPattern

from assets.models import Asset
from core.testing import VIEWERS, People, api, browser, rolled_back
from toolchain.inference import api_urls as service_rest
from toolchain.inference import urls as service_pages
from toolchain.inference.models import Generation, Key, Service
from toolchain.inference.services import make_key
from toolchain.inference.tests.factories import make_model, make_service
from toolchain.models import Entry, Run
from toolchain.trainer import api_urls as training_rest
from toolchain.trainer import urls as training_pages
from toolchain.trainer.models import Training
from toolchain.trainer.tests.factories import make_training

pytestmark = pytest.mark.django_db

LEAST = {"any": "stranger", "view": "reader", "change": "contributor", "keep": "maintainer"}
"""The first of `VIEWERS` who may, for each kind of address; whoever comes before a reader must not learn that it is there."""
Table = dict[str, list[tuple[str, str, str, dict[str, Any]]]]
"""By the name of a route: method, address, kind and what is sent."""


def names(patterns: Iterable[Any]) -> set[str]:
    return {pattern.name for pattern in patterns if isinstance(pattern, URLPattern)}


def row(method: str, address: str, kind: str, **sent: Any) -> tuple[str, str, str, dict[str, Any]]:
    return method, address, kind, sent


def asked(address: str, name: str) -> list[tuple[str, str, str, dict[str, Any]]]:
    """An action that shows a page first."""
    kind = "keep" if name == "delete" else "change"
    return [row("get", address, kind), row("post", address, kind)]


def state() -> Any:
    return (
        list(Training.objects.order_by("pk").values_list("pk", "state", "checkpoints", "run")),
        list(Run.objects.order_by("pk").values_list("pk", "state", "stop_requested_at")),
        list(Service.objects.order_by("pk").values_list("pk", "state", "queue", "shared", "generation")),
        list(Generation.objects.order_by("pk").values_list("pk", "state")),
        list(Key.objects.order_by("pk").values_list("pk", "revoked_at")),
        list(Service.objects.values_list("examples", flat=True).order_by("examples")),
    )


def hidden_from(viewer: str, surface: str, status: int, location: str) -> bool:
    if viewer == "visitor" and surface == "page":
        return status == 302 and location.startswith("/account/login/")
    return status in (401, 403, 404) if viewer == "visitor" else status == 404


def check(people: People, surface: str, table: Table) -> None:
    """Send everything as everybody: refused as they must be, with nothing changed, or let in, whatever comes of it."""
    for name, rows in table.items():
        for method, address, kind, sent in rows:
            first = VIEWERS.index(LEAST[kind])
            # Roles rise, so that those on both sides of the line stand for the others.
            for place in sorted({0, 1, first - 1, first}):
                viewer = VIEWERS[place]
                client = (browser if surface == "page" else api)(people.viewer(viewer))
                with rolled_back():
                    before = state()
                    options = {"format": "json"} if surface == "rest" and sent else {}
                    answer = getattr(client, method)(address, sent or None, **options)
                    status, told = answer.status_code, (name, method, address, viewer, answer.status_code)
                    if place < VIEWERS.index("reader") and not (kind == "any" and viewer == "stranger"):
                        assert hidden_from(viewer, surface, status, answer.get("Location", "")), told
                    elif place < first:
                        assert status == 403, told
                    else:
                        assert status in (200, 201, 204, 303, 409, 422) or (status, name) == (302, "state"), told
                        continue
                    assert state() == before, told


@pytest.fixture
def training(people: People) -> Training:
    return make_training(people.alice, people.atelier, state="stopped", checkpoints="kept", name="a-hidden-name")


@pytest.fixture
def service(people: People) -> Service:
    made = make_service(people.alice, people.atelier, state="running", name="a-hidden-name", log="a hidden line")
    made.examples.create(name="saved", request={"body": "a hidden request"})
    Generation.objects.filter(service=made).update(number=2)
    wanted = Generation.objects.filter(service=made).values("environment", "task", "engine", "spec_id", "revision").get()
    Generation.objects.create(service=made, number=1, state="gone", served_at=made.created_at, model_commit="b" * 40, **wanted)
    return made


def test_every_page_of_training_jobs(people: People, training: Training) -> None:
    base = f"/jobs/{training.pk}"
    table: Table = {
        "jobs": [row("get", "/jobs", "any")],
        "new": [row("get", "/jobs/new", "any"), row("get", f"/jobs/new?clone={training.pk}", "view")],
        "datasets": [row("get", "/jobs/new/datasets?words=x", "any")],
        "training": [row("get", base, "view")],
        "state": [row("get", f"{base}/state", "view")],
        "log": [row("get", f"{base}/log", "view")],
        "log_file": [row("get", f"{base}/log.txt", "view")],
        "metrics": [row("get", f"{base}/metrics", "view")],
        "stop": asked(f"{base}/stop", "stop"),
        "again": [row("get", f"{base}/again", "change")],
        "drop": asked(f"{base}/drop", "drop"),
        "collect": [row("post", f"{base}/collect", "change")],
        "delete": asked(f"{base}/delete", "delete"),
        "compute": [row("get", "/me/compute", "any"), row("get", "/me/compute?namespace=atelier", "any")],
    }
    # Files have a test of their own, with files.
    assert set(table) == names(training_pages.urlpatterns) - {"file"}
    check(people, "page", table)
    # The model is gone: who may run it again is told so.
    for viewer, status in [("stranger", 404), ("reader", 403), ("contributor", 404)]:
        assert browser(people.viewer(viewer)).post(f"{base}/again").status_code == status


def test_every_rest_address_of_training_jobs(people: People, training: Training) -> None:
    base, model = f"/api/v1/training-jobs/{training.pk}", make_model(people.alice, people.atelier, name="own", visibility="private")
    table: Table = {
        "trainings": [row("get", "/api/v1/training-jobs", "any")],
        "training": [row("get", base, "view"), row("delete", base, "keep")],
        "stop": [row("post", f"{base}/stop", "change")],
        "retry": [row("post", f"{base}/retry", "change")],
        "drop": [row("post", f"{base}/drop", "change")],
        "collect": [row("post", f"{base}/collect", "change")],
        "log": [row("get", f"{base}/log", "view")],
        "metrics": [row("get", f"{base}/metrics", "view")],
        "raw_metrics": [row("get", f"{base}/metrics/raw", "view")],
        "usage": [row("get", f"{base}/usage", "view")],
        "options": [row("get", f"/api/v1/models/{model.repo_id}/training-options", "view")],
        "specs": [row("get", "/api/v1/compute-specs", "any")],
        "usage_of": [row("get", "/api/v1/compute-usage", "any")],
        "ledger": [row("get", "/api/v1/compute-usage/ledger", "any")],
    }
    assert set(table) == names(training_rest.urlpatterns)
    # Whoever may retry gets a 404 of its own: the model is gone. Use is told to members, whatever else somebody may do.
    table["retry"] = []
    check(people, "rest", table)
    for viewer, status in [("visitor", 404), ("stranger", 404), ("reader", 403)]:
        assert api(people.viewer(viewer)).post(f"{base}/retry").status_code == status
    for viewer, status in [("visitor", 401), ("stranger", 404), ("reader", 200), ("administrator", 404)]:
        for address in ("compute-usage", "compute-usage/ledger"):
            assert api(people.viewer(viewer)).get(f"/api/v1/{address}?namespace=atelier").status_code == status, (viewer, address)


def test_every_page_of_services(people: People, service: Service) -> None:
    base, replica = service.get_absolute_url(), service.generations.first().replicas.first()
    key, example = make_key(service=service, actor=people.alice, name="one")[0], service.examples.get()
    log = f"{base}/-/logs/{replica.pk}/1"
    table: Table = {
        "services": [row("get", "/services", "any")],
        "new": [row("get", "/services/new", "any")],
        "service": [row("get", base, "view"), row("post", base, "view", do="clear"), row("get", f"{base}?example={example.pk}", "view")],
        "state": [row("get", f"{base}/-/state", "view")],
        "metrics": [row("get", f"{base}/-/metrics", "view")],
        "api": [row("get", f"{base}/-/api", "view")],
        "logs": [row("get", f"{base}/-/logs", "view")],
        "log": [row("get", log, "view")],
        "log_file": [row("get", f"{log}.txt", "view")],
        "versions": [row("get", f"{base}/-/versions", "view")],
        "roll_back": asked(f"{base}/-/versions/1/roll-back", "roll_back"),
        "settings": [row("get", f"{base}/-/settings", "change"), row("post", f"{base}/-/settings", "change", queue="7")],
        "start": asked(f"{base}/-/start", "start"),
        "stop": asked(f"{base}/-/stop", "stop"),
        "restart": asked(f"{base}/-/restart", "restart"),
        "delete": asked(f"{base}/-/delete", "delete"),
        "keys": [row("post", f"{base}/-/keys", "keep", name="two")],
        "revoke": [row("post", f"{base}/-/keys/{key.pk}/revoke", "keep")],
        "save_example": [row("post", f"{base}/-/examples", "change", name="two", body="1")],
        "delete_example": [row("post", f"{base}/-/examples/{example.pk}/delete", "change")],
    }
    assert set(table) == names(service_pages.urlpatterns)
    check(people, "page", table)


def test_every_rest_address_of_services(people: People, service: Service) -> None:
    base, model = f"/api/v1{service.get_absolute_url()}", make_model(people.alice, people.atelier, name="own", visibility="private")
    key, example = make_key(service=service, actor=people.alice, name="one")[0], service.examples.get()
    table: Table = {
        "services": [row("get", "/api/v1/services", "any")],
        "service": [row("get", base, "view"), row("patch", base, "change", queue=7), row("delete", base, "keep")],
        "start": [row("post", f"{base}/start", "change")],
        "stop": [row("post", f"{base}/stop", "change")],
        "restart": [row("post", f"{base}/restart", "change")],
        "roll_back": [row("post", f"{base}/roll-back", "change", generation=1)],
        "generations": [row("get", f"{base}/generations", "view")],
        "replicas": [row("get", f"{base}/replicas", "view")],
        "log": [row("get", f"{base}/log", "view")],
        "metrics": [row("get", f"{base}/metrics", "view")],
        "keys": [row("get", f"{base}/keys", "keep"), row("post", f"{base}/keys", "keep", name="two")],
        "key": [row("delete", f"{base}/keys/{key.pk}", "keep")],
        "examples": [row("get", f"{base}/examples", "view"), row("post", f"{base}/examples", "change", name="two", body="1")],
        "example": [row("delete", f"{base}/examples/{example.pk}", "change")],
        "options": [row("get", f"/api/v1/models/{model.repo_id}/service-options", "view")],
    }
    assert set(table) == names(service_rest.urlpatterns)
    check(people, "rest", table)


def test_lists_counts_and_filters_name_nothing_hidden(people: People, training: Training, service: Service) -> None:
    Entry.objects.create(namespace=people.atelier, kind="use", what="a-hidden-name", month="2026-01-01", seconds=1, amount=0)
    pages = [
        "/jobs", "/jobs?q=hidden", "/jobs?namespace=atelier", "/jobs?state=stopped", "/services", "/services?q=hidden", "/services?namespace=atelier",
        "/me/compute?namespace=atelier", "/jobs/new?words=hidden", "/services/new?words=hidden", "/jobs/new/datasets?words=hidden",
    ]  # fmt: skip
    for page in pages:
        text = browser(people.charlie).get(page).content.decode()
        assert "a-hidden-name" not in text, page
        assert ">atelier<" not in text, page
    for address in ("training-jobs", "training-jobs?namespace=atelier", "services", "services?q=hidden", "compute-usage/ledger"):
        assert api(people.charlie).get(f"/api/v1/{address}").json()["results"] == [], address
    assert "a-hidden-name" in browser(people.rita).get("/jobs").content.decode()


def test_a_suggested_name_does_not_tell_which_names_others_have_taken(people: People) -> None:
    make_model(people.alice, name="open")
    make_service(people.alice, people.atelier, name="open")
    for person, told in [(people.charlie, "open"), (people.bob, "open-2")]:
        answer = browser(person).get("/services/new?model=alice/open&owner=atelier")
        assert answer.context["deployment"].name == told


def test_tokens_for_chosen_repositories_and_keys_of_services_open_nothing_here(
    people: People, training: Training, service: Service
) -> None:
    _key, text = make_key(service=service, actor=people.alice, name="one")
    asset = make_model(people.alice, people.atelier, name="own", visibility="private")
    fine = api(people.alice, "fine", verbs=["view", "download"], resources=[f"asset:{asset.pk}"])
    keyed = api()
    keyed.credentials(HTTP_AUTHORIZATION=f"Bearer {text}")
    job, served = f"/api/v1/training-jobs/{training.pk}", f"/api/v1{service.get_absolute_url()}"
    before = state()
    for address in (
        job,
        f"{job}/log",
        f"{job}/usage",
        served,
        f"{served}/log",
        f"{served}/keys",
        "/api/v1/compute-usage",
        "/api/v1/compute-usage/ledger",
    ):
        assert (fine.get(address).status_code, keyed.get(address).status_code) == (404, 401), address
    for address in ("training-jobs", "services"):
        assert (fine.get(f"/api/v1/{address}").json()["results"], keyed.get(f"/api/v1/{address}").status_code) == ([], 401)
    for address in (f"{job}/stop", f"{job}/drop", f"{served}/stop", f"{served}/restart", f"{served}/keys"):
        assert (fine.post(address).status_code, keyed.post(address).status_code) == (404, 401), address
    assert Asset.objects.filter(pk=asset.pk).exists() and state() == before


BAD = ["a\0b", "-1", "1e400", "9" * 40, "٣", "x" * 5000, "1,2%(("]
PARAMETERS = ("cursor", "q", "state", "namespace", "model", "sort", "clone", "words", "revision", "offset", "limit", "axis", "with", "smooth", "find", "line",
              "around", "replica", "attempt", "range", "from", "to", "example", "tab", "mode", "spec", "task", "p.x", "dataset", "page")  # fmt: skip


def test_no_parameter_of_an_address_is_an_error_of_ours(people: People, training: Training, service: Service) -> None:
    jobs, served = training.get_absolute_url(), service.get_absolute_url()
    pages = [
        "/jobs",
        "/jobs/new",
        "/services",
        "/services/new",
        "/me/compute",
        jobs,
        f"{jobs}/log",
        served,
        f"{served}/-/logs",
        f"{served}/-/metrics",
        f"{served}/-/state",
    ]
    rest = [
        "training-jobs",
        f"training-jobs/{training.pk}/log",
        f"training-jobs/{training.pk}/metrics",
        "services",
        "compute-usage",
        "compute-usage/ledger",
    ]
    rest += [f"{served[1:]}/log", f"{served[1:]}/metrics"]
    page, program = browser(people.alice), api(people.alice)
    for shift in range(3):
        # Each of them with three of the values.
        given = {name: BAD[(place + 2 * shift) % len(BAD)] for place, name in enumerate(PARAMETERS)}
        for client, address in [*((page, each) for each in pages), *((program, f"/api/v1/{each}") for each in rest)]:
            assert client.get(address, given).status_code in (200, 302, 400, 404), (address, given)


def test_no_form_is_an_error_of_ours(people: People, training: Training, service: Service) -> None:
    base, client = service.get_absolute_url(), browser(people.alice)
    fields = ("name", "body", "limit", "days", "expires", "queue", "replicas", "most_replicas", "concurrency", "request_limit", "idle_limit", "spec",
              "revision", "model", "do", "words", "owner", "output_name", "dataset", "environment", "method", "task", "history", "message", "parameters")  # fmt: skip
    for bad in BAD:
        given = dict.fromkeys(fields, bad)
        for address in (base, f"{base}/-/examples", f"{base}/-/keys", f"{base}/-/settings", "/jobs/new", "/services/new"):
            with rolled_back():
                assert client.post(address, given).status_code in (200, 302, 303, 400, 404, 422), (address, bad)


def test_no_body_is_an_error_of_ours(people: People, training: Training, service: Service) -> None:
    make_model(people.alice, name="net")
    base, client = f"/api/v1{service.get_absolute_url()}", api(people.alice)
    job = {"model": "alice/net", "dataset": "alice/rows", "spec": "cpu-2-4", "output_name": "x"}
    deploy = {"model": "alice/net", "spec": "cpu-2-4", "name": "x"}
    values: list[Any] = [-1, 2**63, 1e308, 10**400, True, None, "", "9" * 5000, [[]], {"a": {"b": 1}}, "\0"]
    for value in values:
        for address, parts in [
            (
                "/api/v1/training-jobs",
                (*job, "limit", "hyperparameters", "name", "namespace", "model_revision", "task", "method", "environment"),
            ),
            (
                "/api/v1/services",
                (
                    *deploy,
                    "limit",
                    "replicas",
                    "most_replicas",
                    "idle_limit",
                    "request_limit",
                    "concurrency",
                    "queue",
                    "shared",
                    "revision",
                ),
            ),
            (f"{base}/keys", ("name", "limit", "expires_at")),
            (f"{base}/examples", ("name", "body")),
            (f"{base}/roll-back", ("generation",)),
        ]:
            with rolled_back():
                assert client.post(address, dict.fromkeys(parts, value), format="json").status_code in (201, 400, 404), (address, value)
    for value in (-1, 2**31, "x" * 201):
        for part in ("replicas", "limit", "idle_limit", "request_limit", "concurrency", "queue", "spec", "revision"):
            with rolled_back():
                assert client.patch(base, {part: value}, format="json").status_code in (200, 400, 404), (part, value)
        for part in ("limit", "name", "output_name", "model_revision", "method"):
            with rolled_back():
                assert client.post("/api/v1/training-jobs", job | {part: value}, format="json").status_code in (400, 404), (part, value)
    for body in (b"[" * 100_000, b'{"limit": 1e400}', b'{"a": NaN}', b"null", b"[]", b'"x"', b"\xff"):
        for address in ("/api/v1/training-jobs", "/api/v1/services", f"{base}/keys", f"{base}/roll-back"):
            assert client.post(address, body, content_type="application/json").status_code == 400, (address, body[:20])

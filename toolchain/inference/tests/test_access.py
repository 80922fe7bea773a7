"""Who may see and do what with a service: on its pages and over REST."""

from collections.abc import Callable
from typing import Any

import pytest

from core.testing import SIGN_IN, VIEWERS, People, api, assert_access, browser
from toolchain.inference.models import Generation, Key, Service
from toolchain.inference.tests.factories import make_model, make_service, make_spec

pytestmark = pytest.mark.django_db

HIDDEN = {"visitor": SIGN_IN, "stranger": 404}
SEEN = dict.fromkeys(VIEWERS[2:], 200)
CHANGED: dict[str, int] = {"reader": 403} | dict.fromkeys(VIEWERS[3:], 303)
KEPT: dict[str, int] = {"reader": 403, "contributor": 403} | dict.fromkeys(VIEWERS[4:], 303)
VERBS: dict[str, tuple[str, str, str, str, dict[str, int]]] = {
    # state, page, REST, method of REST; statuses of the page for members
    "view": ("running", "", "", "get", SEEN),
    "logs": ("running", "/-/logs", "/log", "get", SEEN),
    "metrics": ("running", "/-/metrics", "/metrics", "get", SEEN),
    "versions": ("running", "/-/versions", "/generations", "get", SEEN),
    "replicas": ("running", "/-/versions", "/replicas", "get", SEEN),
    "stop": ("running", "/-/stop", "/stop", "post", CHANGED),
    "start": ("stopped", "/-/start", "/start", "post", CHANGED),
    "restart": ("running", "/-/restart", "/restart", "post", CHANGED),
    "delete": ("failed", "/-/delete", "", "delete", KEPT),
}
DONE = {"get": 200, "post": 200, "delete": 204}


def state() -> Any:
    return (
        list(Service.objects.order_by("pk").values_list("pk", "state")),
        list(Generation.objects.order_by("pk").values_list("pk", "state")),
        list(Key.objects.order_by("pk").values_list("pk", "revoked_at")),
    )


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("surface", ["page", "rest"])
def test_matrix(people: People, verb: str, surface: str) -> None:
    service_state, page, rest, method, pages = VERBS[verb]
    service = make_service(people.alice, people.atelier, state=service_state)
    if surface == "page":
        send, address = "get" if method == "get" else "post", f"/services/atelier/{service.name}{page}"
        expected: dict[str, int | str] = HIDDEN | pages
    else:
        send, address = method, f"/api/v1/services/atelier/{service.name}{rest}"
        expected = {"visitor": 404, "stranger": 404} | {name: DONE[method] if status != 403 else 403 for name, status in pages.items()}
    request: Callable[[Any], Any] = lambda client: getattr(client, send)(address)  # noqa: E731
    assert_access(people=people, surface=surface, expected=expected, request=request, state=state)


@pytest.mark.parametrize("surface", ["page", "rest"])
def test_keys_are_made_and_revoked_by_maintainers(people: People, surface: str) -> None:
    service = make_service(people.alice, people.atelier, state="running")
    key = Key.objects.create(service=service, name="old", prefix="svc_x", hash="x")
    base = f"/services/atelier/{service.name}/-" if surface == "page" else f"/api/v1/services/atelier/{service.name}"
    denied = {"reader": 403, "contributor": 403}
    hidden: dict[str, int | str] = {"visitor": SIGN_IN, "stranger": 404} if surface == "page" else {"visitor": 404, "stranger": 404}
    made = dict.fromkeys(VIEWERS[4:], 200 if surface == "page" else 201)
    options = {} if surface == "page" else {"format": "json"}
    assert_access(
        people=people, surface=surface, expected=hidden | denied | made, state=state,
        request=lambda client: client.post(f"{base}/keys", {"name": "new"}, **options),
    )  # fmt: skip
    revoke = (lambda client: client.post(f"{base}/keys/{key.pk}/revoke")) if surface == "page" else (
        lambda client: client.delete(f"{base}/keys/{key.pk}")
    )  # fmt: skip
    revoked = dict.fromkeys(VIEWERS[4:], 303 if surface == "page" else 204)
    assert_access(people=people, surface=surface, expected=hidden | denied | revoked, request=revoke, state=state)


@pytest.mark.parametrize("surface", ["page", "rest"])
def test_settings_are_for_contributors(people: People, surface: str) -> None:
    service = make_service(people.alice, people.atelier, state="running")
    if surface == "page":
        expected: dict[str, int | str] = HIDDEN | {"reader": 403} | dict.fromkeys(VIEWERS[3:], 200)
        request: Callable[[Any], Any] = lambda client: client.get(f"/services/atelier/{service.name}/-/settings")  # noqa: E731
    else:
        expected = {"visitor": 404, "stranger": 404, "reader": 403} | dict.fromkeys(VIEWERS[3:], 200)
        request = lambda client: client.patch(f"/api/v1/services/atelier/{service.name}", {"queue": 5}, format="json")  # noqa: E731
    assert_access(people=people, surface=surface, expected=expected, request=request, state=state)


def test_reading_tokens_only_read(people: People) -> None:
    service = make_service(people.alice, people.atelier, state="running")
    client, address, before = api(people.alice, "read"), f"/api/v1/services/atelier/{service.name}", state()
    assert client.get(address).json()["allowed"] == ["call", "view"]
    assert client.post(f"{address}/stop").status_code == 403
    assert client.post(f"{address}/keys", {"name": "x"}, format="json").status_code == 403
    assert client.patch(address, {"queue": 1}, format="json").status_code == 403
    assert client.post("/api/v1/services", {}, format="json").status_code == 403
    assert state() == before


def test_open_service_has_a_playground_for_those_who_may_use_its_model(people: People) -> None:
    net = make_model(people.alice, name="net")
    service = make_service(people.alice, model=net, state="running", shared=True, error="exit", detail={"code": 1})
    address, client = f"/services/alice/{service.name}", browser(people.charlie)
    text = client.get(address).content.decode()
    assert "/-/api" in text
    for page in ("logs", "metrics", "versions", "settings"):
        assert f"/-/{page}" not in text
        assert client.get(f"{address}/-/{page}").status_code == 404
    assert "exit code" not in text
    assert client.get(f"{address}/-/api").status_code == 200
    assert client.post(f"{address}/-/stop").status_code == 404
    assert api(people.charlie).get(f"/api/v1{address}").status_code == 404
    type(net).objects.filter(pk=net.pk).update(availability="on_application")
    assert client.get(address).status_code == 404
    assert browser().get(address).status_code == 302


def test_new_page_follows_the_right_to_use_the_model(people: People) -> None:
    make_spec()
    make_model(people.alice, name="open")
    make_model(people.alice, name="hidden", visibility="private")
    make_model(people.alice, name="gated", availability="on_application")
    for viewer, name, status in [
        ("visitor", "open", 302), ("stranger", "open", 200), ("stranger", "hidden", 404), ("stranger", "gated", 302), ("stranger", "nothing", 404),
    ]:  # fmt: skip
        assert browser(people.viewer(viewer)).get(f"/services/new?model=alice/{name}").status_code == status, (viewer, name)
    assert api(people.charlie).get("/api/v1/models/alice/gated/service-options").status_code == 403
    assert api().get("/api/v1/models/alice/open/service-options").status_code == 403


def test_nobody_deploys_for_others(people: People) -> None:
    make_spec()
    make_model(people.alice, name="net")
    given = {"model": "alice/net", "spec": "cpu-2-4", "name": "mine"}
    for person, namespace, status in [
        (people.rita, "atelier", 403), (people.charlie, "atelier", 403), (people.charlie, "alice", 403), (people.bob, "atelier", 201),
    ]:  # fmt: skip
        answer = api(person).post("/api/v1/services", given | {"namespace": namespace}, format="json")
        assert answer.status_code == status, (person, namespace, answer.json())
    assert [row.namespace.handle for row in Service.objects.select_related("namespace")] == ["atelier"]

"""Who may see and do what with a training job: on its pages and over REST."""

from collections.abc import Callable
from typing import Any

import pytest

from assets.tests.factories import make_asset
from core.testing import SIGN_IN, VIEWERS, People, api, assert_access, browser
from toolchain.models import Run
from toolchain.trainer.models import Training
from toolchain.trainer.tests.factories import custom_model, make_dataset, make_spec, make_training

pytestmark = pytest.mark.django_db

HIDDEN = {"visitor": SIGN_IN, "stranger": 404}
VERBS: dict[str, tuple[str, str, str, str, dict[str, int]]] = {
    # state, page, REST, method of REST; statuses of the page for members
    "view": ("running", "", "", "get", dict.fromkeys(VIEWERS[2:], 200)),
    "log": ("running", "/log", "/log", "get", dict.fromkeys(VIEWERS[2:], 200)),
    "metrics": ("running", "/metrics", "/metrics", "get", dict.fromkeys(VIEWERS[2:], 200)),
    "stop": ("running", "/stop", "/stop", "post", {"reader": 403} | dict.fromkeys(VIEWERS[3:], 303)),
    "drop": ("stopped", "/drop", "/drop", "post", {"reader": 403} | dict.fromkeys(VIEWERS[3:], 303)),
    "collect": ("failed", "/collect", "/collect", "post", {"reader": 403} | dict.fromkeys(VIEWERS[3:], 303)),
    "delete": ("failed", "/delete", "", "delete", {"reader": 403, "contributor": 403} | dict.fromkeys(VIEWERS[4:], 303)),
}
DONE = {"get": 200, "post": 200, "delete": 204}


def state() -> Any:
    return list(Training.objects.order_by("pk").values_list("pk", "state", "checkpoints")), list(
        Run.objects.values_list("pk", "stop_requested_at")
    )


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("surface", ["page", "rest"])
def test_matrix(people: People, verb: str, surface: str) -> None:
    job_state, page, rest, method, pages = VERBS[verb]
    kept = {"checkpoints": "kept"} if verb in ("drop", "collect") else {}
    training = make_training(people.alice, people.atelier, state=job_state, **kept)
    if surface == "page":
        send = "get" if method == "get" else "post"
        expected: dict[str, int | str] = HIDDEN | pages
        address = f"/jobs/{training.pk}{page}"
    else:
        send = method
        expected = {"visitor": 404, "stranger": 404} | {name: DONE[method] if status != 403 else 403 for name, status in pages.items()}
        address = f"/api/v1/training-jobs/{training.pk}{rest}"
    request: Callable[[Any], Any] = lambda client: getattr(client, send)(address)  # noqa: E731
    assert_access(people=people, surface=surface, expected=expected, request=request, state=state)


def test_reading_tokens_only_read(people: People) -> None:
    training = make_training(people.alice, people.atelier, state="running")
    before = state()
    client = api(people.alice, "read")
    assert client.get(f"/api/v1/training-jobs/{training.pk}").json()["allowed"] == ["call", "view"]
    assert client.post(f"/api/v1/training-jobs/{training.pk}/stop").status_code == 403
    assert client.delete(f"/api/v1/training-jobs/{training.pk}").status_code == 403
    assert client.post("/api/v1/training-jobs", {}, format="json").status_code == 403
    assert state() == before


def test_new_page_follows_the_right_to_use_the_model(people: People) -> None:
    make_spec()
    custom_model(people.alice, name="open")
    make_asset(people.alice, name="hidden", visibility="private")
    make_asset(people.alice, name="gated", availability="on_application")
    for viewer, name, status in [
        ("visitor", "open", 302), ("stranger", "open", 200), ("stranger", "hidden", 404), ("stranger", "gated", 302), ("stranger", "nothing", 404),
    ]:  # fmt: skip
        assert browser(people.viewer(viewer)).get(f"/jobs/new?model=alice/{name}").status_code == status, (viewer, name)
    assert browser(people.charlie).get("/jobs/new?model=alice/gated")["Location"] == "/models/alice/gated/apply"
    assert api(people.charlie).get("/api/v1/models/alice/gated/training-options").status_code == 403
    assert api().get("/api/v1/models/alice/open/training-options").status_code == 403


def test_nobody_orders_for_others(people: People) -> None:
    make_spec()
    custom_model(people.alice, name="net")
    make_dataset(people.alice, name="rows")
    given = {"model": "alice/net", "dataset": "alice/rows", "spec": "cpu-2-4", "output_name": "mine", "hyperparameters": {"epochs": 1}}
    for person, namespace, status in [
        (people.rita, "atelier", 403), (people.charlie, "atelier", 403), (people.charlie, "alice", 403), (people.bob, "atelier", 201),
    ]:  # fmt: skip
        answer = api(person).post("/api/v1/training-jobs", given | {"namespace": namespace}, format="json")
        assert answer.status_code == status, (person, namespace, answer.json())
    assert [row.namespace.handle for row in Training.objects.select_related("namespace")] == ["atelier"]


def test_clone_of_a_job_that_is_not_to_be_seen_is_not_found(people: People) -> None:
    training = make_training(people.alice)
    assert browser(people.charlie).get(f"/jobs/new?clone={training.pk}").status_code == 404
    assert browser(people.charlie).get("/jobs/99999999999999999999").status_code == 404


def test_menu_of_the_model_leads_here(people: People) -> None:
    custom_model(people.alice, name="net")
    address = "/jobs/new?model=alice%2Fnet"
    assert address in browser(people.charlie).get("/models/alice/net").content.decode()
    assert address not in browser().get("/models/alice/net").content.decode()
    custom_model(people.alice, name="bare", files={"x.txt": "x"})
    page = browser(people.charlie).get("/models/alice/bare").content.decode()
    assert "/jobs/new?model=alice%2Fbare" not in page
    assert "The training scripts are missing or not complete yet." in page

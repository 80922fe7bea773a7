"""The pages of services: the list, one service in each of its states, its versions, its logs."""

from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.utils import timezone

from core.testing import People, assert_flat_queries, browser
from toolchain.inference.models import Generation, Service
from toolchain.inference.tests.factories import add_replica, count_minute, make_model, make_service, make_spec

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


def address(service: Service, page: str = "") -> str:
    return f"/services/{service.namespace.handle}/{service.name}{f'/-/{page}' if page else ''}"


def test_list_shows_what_one_may_see_and_what_it_did(people: People) -> None:
    mine = make_service(people.alice, name="mine", state="running", replicas=2, ready=1, most_replicas=2)
    make_service(people.bob, people.atelier, name="ours", state="stopped", asleep=True)
    make_service(people.charlie, name="theirs", state="running")
    now = timezone.now()
    for minute in range(5):
        count_minute(mine, now - timedelta(minutes=minute + 1), {100: 18, 2000: 0})
    answer = browser(people.alice).get("/services")
    found = answer.context["mine"]
    assert [(line.service.name, line.status, line.mark, line.ready) for line in found.lines] == [
        ("ours", "Asleep", "stopped", 0),
        ("mine", "Degraded", "warn", 1),
    ]
    line = found.lines[1]
    assert (line.rate, line.slowest) == (pytest.approx(0.1), "100\u00a0ms")
    assert len(line.hours) == 37
    assert sum(line.hours) == 90
    assert (found.running, found.requests) == (1, 90)
    assert "theirs" not in answer.content.decode()


def test_list_is_narrowed_and_says_so_when_nothing_is_left(people: People) -> None:
    make_service(people.alice, name="one", state="failed", error="exit", detail={"code": 3})
    make_service(people.bob, people.atelier, name="two")
    client = browser(people.alice)

    def names(query: str) -> list[str]:
        return [line.service.name for line in client.get(f"/services?{query}").context["mine"].lines]

    assert names("state=failed") == ["one"]
    assert names("namespace=atelier") == ["two"]
    assert names("q=TWO&state=&namespace=") == ["two"]
    assert names("model=LAB/base") == ["two", "one"]
    assert "No service matches" in client.get("/services?q=three").content.decode()
    assert "The program ended with exit code 3." in client.get("/services").content.decode()
    odd = client.get("/services?state=odd&cursor=odd&q=%00")
    assert odd.status_code == 200
    assert [line.service.name for line in odd.context["mine"].lines] == ["two", "one"]


def test_list_asks_as_much_for_ten_as_for_two(alice: Any) -> None:
    def add() -> None:
        for state in ("waiting", "deploying", "running", "failed"):
            count_minute(make_service(alice, state=state), timezone.now(), {5: 1})

    assert_flat_queries("/services", add, client=browser(alice))


@pytest.mark.parametrize(
    ("columns", "run", "status", "sentence"),
    [
        ({"state": "waiting"}, {"waits_for": "capacity"}, "Waiting", "Place 1 in the queue. Waiting for a machine."),
        ({"state": "waiting"}, {"waits_for": "funds"}, "Waiting", "Place 1 in the queue. The funds are used up."),
        ({"state": "deploying"}, {"stage": "environment", "progress": "12 of 40"}, "Deploying", "Environment: 12 of 40"),
        ({"state": "deploying"}, {"state": "running"}, "Deploying", "The model is being loaded."),
        ({"state": "running"}, {}, "Running", ""),
        ({"state": "stopping"}, {}, "Stopping", "The requests that it has are being answered, then it stops."),
        ({"state": "stopped"}, {}, "Stopped", "It is stopped. Nothing of it runs and nothing is counted."),
        ({"state": "stopped", "error": "time"}, {}, "Stopped", "The run time limit was reached."),
        (
            {"state": "stopped", "error": "idle", "asleep": True}, {}, "Asleep",
            "It was stopped because nobody called it. The next call starts it again.",
        ),
    ],
)  # fmt: skip
def test_service_says_what_it_does(alice: Any, columns: dict[str, Any], run: dict[str, Any], status: str, sentence: str) -> None:
    service = make_service(alice, run=run, **columns)
    page = browser(alice).get(address(service)).context["page"]
    assert (page.status, page.sentence) == (status, sentence)


def test_failed_service_says_why_with_the_end_of_its_log_and_how_to_go_on(alice: Any) -> None:
    log = "".join(f"line {number}\n" for number in range(100)) + "Error: <script>alert(1)</script>\n"
    service = make_service(alice, state="failed", error="memory", detail={"gib": 4}, log=log, run={"error": "memory", "detail": {"gib": 4}})
    text = browser(alice).get(address(service)).content.decode()
    assert "The program needed more than the 4 GiB of its spec." in text
    assert "Error: &lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert "line 50" not in text
    assert "choose a larger spec" in text
    assert address(service, "logs") in text
    assert address(service, "start") in text


def test_version_that_failed_is_named_while_the_one_before_answers(alice: Any) -> None:
    detail = {"sentence": "no weights", "rolled_back": 2}
    service = make_service(alice, state="running", error="unloadable", detail=detail)
    failed = Generation.objects.create(
        service=service, number=2, state="failed", error="unloadable", detail=detail, model_commit="b" * 40, task="custom", engine="custom",
        environment="current", spec=service.spec,
    )  # fmt: skip
    add_replica(failed, 0, "ended", error="unloadable", log="Traceback: no weights\n")
    text = browser(alice).get(address(service)).content.decode()
    assert "Version 2 could not be started, so the one before it goes on answering." in text
    assert "The model could not be loaded: no weights" in text
    assert "Traceback: no weights" in text


def test_rollout_is_told_while_it_goes_on(alice: Any) -> None:
    service = make_service(alice, state="running")
    coming = Generation.objects.create(
        service=service, number=2, model_commit="b" * 40, task="custom", engine="custom", environment="current", spec=service.spec
    )
    add_replica(coming, 0, "preparing", stage="model")
    text = browser(alice).get(address(service)).content.decode()
    assert "Version 2 is being rolled out: Model files" in text


def test_head_follows_a_service_while_it_can_change(alice: Any) -> None:
    service = make_service(alice, state="deploying")
    client, state = browser(alice), address(service, "state")
    part = client.get(f"{state}?tab=logs", headers=HTMX)
    assert (part.status_code, b"<html" in part.content) == (200, False)
    assert f'hx-get="{state}?tab=logs"' in part.content.decode()
    assert client.get(state)["Location"] == address(service)
    Service.objects.filter(pk=service.pk).update(state="stopped")
    over = client.get(state, headers=HTMX)
    assert (over.status_code, b"hx-get" in over.content) == (200, False)


def test_address_does_not_care_about_the_case(alice: Any) -> None:
    make_service(alice, name="greet")
    assert browser(alice).get("/services/Alice/GREET").status_code == 200


async def read(response: Any) -> bytes:
    return b"".join([piece async for piece in response.streaming_content])


def test_logs_are_those_of_one_replica(alice: Any) -> None:
    service = make_service(alice, state="running", replicas=2, most_replicas=2, log="hello <b>\n")
    first, second = service.generations.get().replicas.all()
    client = browser(alice)
    answer = client.get(address(service, "logs"))
    assert [text for text, _run, _address, _chosen in answer.context["choices"]] == ["#1.0", "#1.1"]
    assert "hello &lt;b&gt;" in answer.content.decode()
    part = client.get(address(service, f"logs/{second.pk}/1?find=hello"), headers=HTMX)
    assert b"<html" not in part.content
    whole = client.get(address(service, f"logs/{first.pk}/1.txt"))
    assert async_to_sync(read)(whole) == b"hello <b>\n"
    assert whole["Cache-Control"] == "private, no-store"
    assert client.get(address(service, f"logs/{first.pk}/2")).status_code == 404
    other = make_service(alice, state="running")
    stranger = other.generations.get().replicas.get()
    assert client.get(address(service, f"logs/{stranger.pk}/1")).status_code == 404


def test_service_without_a_run_has_no_log(alice: Any) -> None:
    service = make_service(alice)
    service.generations.all().delete()
    assert "No log yet" in browser(alice).get(address(service, "logs")).content.decode()
    assert "No version yet" in browser(alice).get(address(service, "versions")).content.decode()


def test_versions_can_be_gone_back_to_once_they_answered(alice: Any) -> None:
    service = make_service(alice, state="running")
    old = Generation.objects.create(
        service=service, number=2, state="gone", served_at=timezone.now(), model_commit="b" * 40, task="custom", engine="custom",
        environment="current", spec=service.spec,
    )  # fmt: skip
    client = browser(alice)
    page = client.get(address(service, "versions")).context["page"]
    assert [(row.number, may) for row, _mark, _why, may in page.versions] == [(2, True), (1, False)]
    assert (
        "The model at bbbbbbb on Spec cpu-2-4 is rolled out again" in client.get(address(service, "versions/2/roll-back")).content.decode()
    )
    assert client.get(address(service, "versions/1/roll-back")).status_code == 404
    assert client.post(address(service, "versions/2/roll-back"))["Location"] == address(service, "versions")
    service.refresh_from_db()
    assert service.model_commit == old.model_commit
    assert "Rolled back" in client.get(address(service, "versions")).content.decode()


def test_menu_of_the_model_leads_here(people: People) -> None:
    net = make_model(people.alice, name="net")
    make_model(people.alice, name="bare", files={"x.txt": "x"})
    make_service(people.alice, name="open-one", model=net, state="running", shared=True)
    make_service(people.alice, name="closed-one", model=net, state="running")
    new = "/services/new?model=alice%2Fnet"
    page = browser(people.charlie).get("/models/alice/net").content.decode()
    assert new in page
    assert "/services/alice/open-one" in page
    assert "/services/alice/closed-one" not in page
    assert new not in browser().get("/models/alice/net").content.decode()
    bare = browser(people.charlie).get("/models/alice/bare").content.decode()
    assert "/services/new?model=alice%2Fbare" not in bare


def test_rail_counts_what_is_up(alice: Any) -> None:
    spec = make_spec()
    for state in ("running", "waiting", "stopped"):
        make_service(alice, state=state, spec=spec)
    text = browser(alice).get("/services").content.decode()
    assert 'href="/services" aria-current="page"' in text
    assert '<span class="count">2</span>' in text

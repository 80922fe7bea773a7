"""What callers and replicas may take of the gallery, and what it gives away about services: the gateway and the pages in front of it."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import pytest

from assets.tests.factories import make_asset
from core.testing import People, browser, token
from toolchain.inference import asking
from toolchain.inference.gateway import entrance as entrances
from toolchain.inference.gateway import passing
from toolchain.inference.models import Service
from toolchain.inference.playing import images_in
from toolchain.inference.services import make_key
from toolchain.inference.tests.calling import Answer, call, gateway
from toolchain.inference.tests.factories import make_service
from toolchain.inference.tests.wicked import PLAIN, Behaviour, Wicked, ask, saying, served, wicked

__all__ = ["wicked"]
pytestmark = [pytest.mark.django_db(transaction=True)]

Make = Callable[[Behaviour], Wicked]


def session_of(user: Any) -> dict[str, str]:
    return {"authorization": "", "cookie": f"sessionid={browser(user).cookies['sessionid'].value}", "host": "testserver"}


def test_what_one_method_may_is_not_remembered_for_another(people: People, wicked: Make) -> None:
    replica = wicked(saying(PLAIN))
    address = f"{served(people, replica).get_absolute_url()}/predict"
    visitor = session_of(people.alice)
    foreign = {**visitor, "origin": "https://evil.example"}

    async def each() -> list[int]:
        async with gateway() as entrance:
            return [
                (await call(entrance, address, method=method, headers=headers)).status
                for method, headers in [("GET", visitor), ("POST", visitor), ("OPTIONS", foreign), ("POST", foreign), ("PUT", foreign)]
            ]

    assert asyncio.run(each()) == [200, 403, 200, 403, 403]
    assert [head.split(b" ")[0] for head in replica.seen] == [b"GET", b"OPTIONS"]


def test_a_service_that_may_not_be_called_looks_like_none(people: People, wicked: Make) -> None:
    hidden = served(people, wicked(saying(PLAIN)), name="hidden")
    other = make_service(people.charlie, state="running")
    _key, elsewhere = make_key(service=other, actor=people.charlie, name="mine")
    stranger = session_of(people.charlie)
    callers: list[dict[str, str]] = [
        {"authorization": ""}, {"authorization": "Bearer svc_unknown"}, {"authorization": "Bearer agt_unknown"}, {"authorization": "Basic eDp5"},
        {"authorization": f"Bearer {elsewhere}"}, {"authorization": f"Bearer {token(people.charlie)}"}, {"authorization": f"Bearer {token(people.alice, 'fine')}"},
        stranger, {**stranger, "origin": "https://evil.example"}, {**stranger, "origin": "http://testserver"}, {"authorization": "", "cookie": "sessionid=x"},
    ]  # fmt: skip
    for method in ("GET", "POST", "OPTIONS"):
        for headers in callers:
            there, nowhere = (
                ask(service, people.alice, headers=headers, method=method)
                for service in (hidden, Service(namespace=hidden.namespace, name="nothing"))
            )
            assert (there.status, there.body, there.headers) == (nowhere.status, nowhere.body, nowhere.headers), (method, headers)
            assert there.status in (401, 403, 404)


def test_another_cookie_does_not_hide_the_session(people: People, wicked: Make) -> None:
    given = session_of(people.alice)
    odd = {**given, "cookie": f'prefs={{"a": [1]}}; tab=a b; {given["cookie"]}', "origin": "http://testserver"}
    assert ask(served(people, wicked(saying(PLAIN))), people.alice, headers=odd).body == b"ok"


def test_what_a_connection_names_for_itself_is_not_passed_on(people: People, wicked: Make) -> None:
    replica = wicked(saying(PLAIN))
    given = {"connection": "close, X-Hop, content-length", "x-hop": "1", "x-kept": "2"}
    assert ask(served(people, replica), people.alice, headers=given, body=b"{}").body == b"ok"
    head = replica.seen[0].lower()
    assert (b"x-hop" in head, b"x-kept: 2" in head, b"content-length: 2" in head) == (False, True, True)


ODD = ["a\0b/x", "a/x\0y", "\ud800/x", "a/\u0661", "x" * 5000 + "/y", "a\nb/c", "a/b\r\nc", "../x", "a/%2e%2e"]


def test_no_address_and_no_language_is_an_error_of_ours(people: People) -> None:
    headers = {"authorization": f"Bearer {token(people.alice)}"}

    async def each() -> list[int]:
        async with gateway() as entrance:
            found = []
            for odd in ODD:
                scope = {
                    "type": "http",
                    "method": "GET",
                    "path": f"/services/{odd}/predict",
                    "raw_path": b"/x",
                    "query_string": b"",
                    "headers": [],
                }
                sent: list[dict[str, Any]] = []

                async def send(message: dict[str, Any], sent: list[dict[str, Any]] = sent) -> None:
                    sent.append(message)

                await entrance(scope, asyncio.Event().wait, send)
                found.append(sent[0]["status"])
            for language in ("a" * 1000, "x-" * 400, "en;q=9" * 99, "\xff", "zh-" + "a" * 600):
                found.append((await call(entrance, "/services/a/b/", headers={**headers, "accept-language": language})).status)
            return found

    assert set(asyncio.run(each())) <= {401, 404}


PARTS = [
    b"multipart/x-mixed-replace; boundary=b",
    b"Multipart/Mixed",
    b"text/plain, multipart/x-mixed-replace;boundary=b",
    b"multipart/form-data, multipart/mixed",
]


def test_an_answer_in_parts_is_not_read_by_browsers(people: People, wicked: Make) -> None:
    # Firefox takes cookies and policies from the heads of parts.
    body, said = b"--b\r\nSet-Cookie: sessionid=stolen\r\nContent-Type: text/html\r\n\r\nx\r\n--b--", {"now": b""}

    def behave(connection: socket.socket, _head: bytes) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n" % (said["now"], len(body)) + body)

    service = served(people, wicked(behave))
    for said["now"] in PARTS:
        answer = ask(service, people.alice)
        assert (answer.headers["content-type"], answer.body) == ("application/octet-stream", body)
    said["now"] = b"multipart/form-data; boundary=b"
    assert ask(service, people.alice).headers["content-type"] == "multipart/form-data; boundary=b"


def test_a_header_over_two_lines_is_one_line_or_none(people: People, wicked: Make) -> None:
    replica = wicked(saying(b"HTTP/1.1 200 OK\r\nX-AG-A: one\r\n Set-Cookie: a=b\r\nContent-Length: 2\r\n\r\nok"))
    answer = ask(served(people, replica), people.alice)
    assert not any("\r" in value or "\n" in value for value in answer.headers.values())


def test_requests_that_wait_for_a_service_to_start_count_as_well(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entrances, "WAKE_SECONDS", 0.5)
    service = make_service(people.alice, state="deploying", concurrency=1, queue=1)
    headers = {"authorization": f"Bearer {token(people.alice)}"}

    async def many() -> list[tuple[int, str]]:
        async with gateway() as entrance:
            calls = [call(entrance, f"{service.get_absolute_url()}/predict", headers=headers) for _number in range(4)]
            found = sorted((answer.status, answer.json["code"]) for answer in await asyncio.gather(*calls))
            assert entrance._busy == 0
            return found

    assert asyncio.run(many()) == [(429, "queue_full")] * 2 + [(503, "service_starting")] * 2


def test_one_service_cannot_take_the_place_of_all(people: People, wicked: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entrances, "MOST_OF_ONE", 2)
    free = threading.Event()

    def behave(connection: socket.socket, _head: bytes) -> None:
        free.wait(30)
        connection.sendall(PLAIN)

    service = served(people, wicked(behave), concurrency=500, queue=5000)
    headers = {"authorization": f"Bearer {token(people.alice)}"}

    async def many() -> list[int]:
        async with gateway() as entrance:
            tasks = [asyncio.ensure_future(call(entrance, f"{service.get_absolute_url()}/x", headers=headers)) for _number in range(4)]
            while sum(task.done() for task in tasks) < 2:
                await asyncio.sleep(0.01)
            free.set()
            return sorted(answer.status for answer in await asyncio.gather(*tasks))

    assert asyncio.run(many()) == [200, 200, 429, 429]


def endless(connection: socket.socket, _head: bytes) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
    while True:
        connection.sendall(b"x" * 65536)


def dripping(connection: socket.socket, _head: bytes) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n")
    while True:
        connection.sendall(b"x")
        time.sleep(0.05)


def silent(connection: socket.socket, _head: bytes) -> None:
    with suppress(OSError):
        while connection.recv(65536):
            pass


def test_a_client_that_drips_its_request_is_not_waited_for(people: People, wicked: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passing, "BODY_SECONDS", 0.3)
    service = served(people, wicked(silent))
    headers = {"authorization": f"Bearer {token(people.alice)}"}

    async def once(given: dict[str, str]) -> Answer:
        answer = Answer()
        path = f"{service.get_absolute_url()}/predict"
        scope = {
            "type": "http", "method": "POST", "path": path, "raw_path": path.encode(), "query_string": b"",
            "headers": [(name.encode(), value.encode()) for name, value in (headers | given).items()],
        }  # fmt: skip

        async def receive() -> dict[str, Any]:
            await asyncio.sleep(0.05)
            return {"type": "http.request", "body": b"x", "more_body": True}

        async def send(message: dict[str, Any]) -> None:
            answer.status = message.get("status", answer.status)
            answer.pieces.append(message.get("body", b""))

        async with gateway() as entrance:
            await entrance(scope, receive, send)
            assert entrance._busy == 0
        return answer

    for given in ({"content-length": "1000000"}, {"transfer-encoding": "chunked"}, {}):
        answer = asyncio.run(once(given))
        assert (answer.status, answer.json["code"]) == (408, "request_too_slow")


def test_a_page_does_not_wait_for_an_answer_without_end(people: People, wicked: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "PATIENCE", 0.5)
    monkeypatch.setattr(asking, "MOST", 1 << 20)
    client = browser(people.alice)
    for number, (behave, status) in enumerate([(endless, 200), (dripping, 200), (silent, 504)]):
        replica = wicked(behave)
        answer = client.post(served(people, replica, name=f"late-{number}").get_absolute_url(), {"body": "1"})
        reply = answer.context["turn"].reply
        assert (answer.status_code, reply.status, reply.cut) == (200, status, status == 200)
        assert len(reply.body) <= 1 << 20
        assert replica.cut.wait(30)


def test_a_client_that_does_not_take_its_answer_is_left(people: People, wicked: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passing, "TAKE_SECONDS", 0.3)
    replica = wicked(endless)
    path = f"{served(people, replica).get_absolute_url()}/predict"
    headers = {"authorization": f"Bearer {token(people.alice)}", "content-length": "0"}
    scope = {
        "type": "http", "method": "POST", "path": path, "raw_path": path.encode(), "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }  # fmt: skip
    asked: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        if asked:
            await asyncio.Event().wait()
        asked.append({})
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.body":
            await asyncio.Event().wait()

    async def once() -> None:
        async with gateway() as entrance:
            with pytest.raises(TimeoutError):
                await entrance(scope, receive, send)
            assert entrance._busy == 0

    asyncio.run(once())
    assert replica.cut.wait(30)


def test_pages_wait_for_few_services_at_a_time(people: People, wicked: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "MOST_AT_ONCE", 0)
    replica = wicked(saying(PLAIN))
    answer = browser(people.alice).post(served(people, replica).get_absolute_url(), {"body": "1"})
    assert (answer.status_code, answer.context["turn"].reply.status, replica.seen) == (200, 503, [])
    assert "Try again in a moment." in answer.content.decode()


HURTING = [b"[" * 600 + b"1" + b"]" * 600, b"[" * 900 + b"1," * 200_000 + b"1" + b"]" * 900, b"1" * 5000, b"1e999", b"NaN", b'"\\ud800"']


def test_json_made_to_hurt_is_shown_in_the_room_that_it_takes(people: People, wicked: Make) -> None:
    said = {"now": b""}

    def behave(connection: socket.socket, _head: bytes) -> None:
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(said["now"])
        connection.sendall(head + said["now"])

    address, client = served(people, wicked(behave)).get_absolute_url(), browser(people.alice)
    for said["now"] in HURTING:
        answer = client.post(address, {"body": "1"})
        assert answer.status_code == 200
        assert len(answer.content) < 10 * len(said["now"]) + 500_000


def test_images_are_looked_for_in_time() -> None:
    wide: Any = [[] for _number in range(300_000)]
    assert images_in([wide, {"content_type": "image/png", "data": "AAAA"}]) == ["data:image/png;base64,AAAA"]


def test_saved_requests_are_not_told_to_those_who_may_only_call(people: People) -> None:
    service = make_service(people.alice, model=make_asset(people.alice, name="open"), state="running", shared=True)
    example = service.examples.create(name="mine", request={"body": "a private request"})
    address = f"{service.get_absolute_url()}?example={example.pk}"
    assert "a private request" in browser(people.alice).get(address).content.decode()
    answer = browser(people.charlie).get(address)
    assert (answer.status_code, "a private request" in answer.content.decode()) == (200, False)


def test_a_suspended_persons_secrets_open_nothing(people: People, wicked: Make) -> None:
    service = served(people, wicked(saying(PLAIN)))
    secrets = [{"authorization": f"Bearer {token(people.alice)}"}, session_of(people.alice)]
    type(people.alice).objects.filter(pk=people.alice.pk).update(is_active=False)
    assert [ask(service, people.ada, method="GET", headers=each).status for each in secrets] == [401, 401]


def test_the_limit_of_a_key_holds_for_calls_at_the_same_time(people: People, wicked: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    service = served(people, wicked(saying(PLAIN)))
    _key, text = make_key(service=service, actor=people.alice, name="few", limit=5)

    async def many() -> list[int]:
        async with gateway() as entrance:
            calls = [
                call(entrance, f"{service.get_absolute_url()}/predict", headers={"authorization": f"Bearer {text}"})
                for _number in range(12)
            ]
            return sorted(answer.status for answer in await asyncio.gather(*calls))

    monkeypatch.setattr("toolchain.inference.gateway.callers.time", SimpleNamespace(time=lambda: 30.0, monotonic=time.monotonic))
    assert asyncio.run(many()) == [200] * 5 + [429] * 7

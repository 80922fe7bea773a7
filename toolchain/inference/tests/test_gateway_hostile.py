"""What a program of a stranger's may answer, and what of it reaches people: the gateway in front of replicas that mean harm."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress

import aiohttp
import pytest

from core.testing import People, browser, token
from toolchain.inference.gateway import entrance as entrances
from toolchain.inference.services import make_key, revoke_key
from toolchain.inference.tests.calling import call, gateway
from toolchain.inference.tests.wicked import PLAIN, Behaviour, Wicked, ask, saying, served, wicked

__all__ = ["wicked"]
pytestmark = [pytest.mark.django_db(transaction=True)]

HOSTILE = [
    "Set-Cookie: sessionid=stolen; Path=/", "Set-Cookie2: a=b", "Clear-Site-Data: *", "Service-Worker-Allowed: /", "X-Accel-Redirect: /internal/secrets",
    "X-Sendfile: /etc/passwd", "X-Accel-Buffering: yes", "NEL: {}", "Report-To: {}", "Reporting-Endpoints: a=\"https://evil.example\"",
    "Refresh: 0;url=https://evil.example", "Location: https://evil.example/", "WWW-Authenticate: Basic realm=gallery", "Link: </x>; rel=preload",
    "Access-Control-Allow-Origin: *", "Access-Control-Allow-Credentials: true", "Content-Security-Policy: script-src *", "X-Frame-Options: ALLOWALL",
    "Strict-Transport-Security: max-age=0", "Alt-Svc: h3=\":1\"", "SourceMap: /x", "Server: mine", "Cache-Control: public, max-age=9999999",
    "Permissions-Policy: camera=*", "Cross-Origin-Resource-Policy: cross-origin", "Origin-Agent-Cluster: ?0", "Content-Type: text/html",
]  # fmt: skip


def test_an_answer_says_nothing_about_the_gallerys_own_pages(people: People, wicked: Callable[[Behaviour], Wicked]) -> None:
    head = "\r\n".join(["HTTP/1.1 302 Found", *HOSTILE, "X-AG-Seconds: 1", "Content-Length: 25"])
    replica = wicked(saying(f"{head}\r\n\r\n<script>alert(1)</script>".encode()))

    answer = ask(served(people, replica), people.alice)

    assert (answer.status, answer.body) == (302, b"<script>alert(1)</script>")
    assert answer.headers == {
        "content-type": "text/html",
        "content-length": "25",
        "x-ag-seconds": "1",
        "content-security-policy": "sandbox; default-src 'none'; img-src data: blob:; style-src 'unsafe-inline'",
        "x-content-type-options": "nosniff",
        "cross-origin-resource-policy": "same-origin",
        "cache-control": "no-store",
        "x-accel-buffering": "no",
    }


def test_an_answer_is_no_part_of_a_page_of_ours(people: People, wicked: Callable[[Behaviour], Wicked]) -> None:
    replica = wicked(saying(PLAIN))
    service = served(people, replica)
    for part in ("script", "style", "serviceworker", "object"):
        answer = ask(service, people.alice, method="GET", headers={"sec-fetch-dest": part})
        assert (answer.status, answer.json["code"], replica.seen) == (403, "no_page_part", [])


def test_a_replica_learns_nothing_of_who_calls_and_from_where(people: People, wicked: Callable[[Behaviour], Wicked]) -> None:
    replica = wicked(saying(PLAIN))
    told = {
        "cookie": "sessionid=secret", "x-csrftoken": "secret", "referer": "https://gallery/private?q=secret", "x-forwarded-for": "203.0.113.9",
        "x-forwarded-host": "secret", "x-real-ip": "203.0.113.9", "forwarded": "for=203.0.113.9", "proxy-authorization": "secret",
    }  # fmt: skip
    answer = ask(served(people, replica), people.alice, headers={**told, "x-custom": "kept"}, body=b"{}")

    assert answer.body == b"ok"
    said = replica.seen[0].lower()
    assert b"x-custom: kept" in said
    assert not any(word in said for word in (b"secret", b"203.0.113.9", b"authorization", b"bearer"))


NO_ANSWERS = [
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: evil\r\nConnection: Upgrade\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
    b"HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 42 Odd\r\nContent-Length: 0\r\n\r\n",
    b"not HTTP at all\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nBad Header\x00: x\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 5\r\n\r\nok",
    b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nok",
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nX-Long: " + b"a" * 100_000 + b"\r\n\r\n",
    b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: y\r\n" % number for number in range(20_000)) + b"\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzzz\r\n",
]


def test_an_answer_that_is_none_is_an_error_of_the_service(people: People, wicked: Callable[[Behaviour], Wicked]) -> None:
    said = {"now": b""}

    def behave(connection: socket.socket, _head: bytes) -> None:
        connection.sendall(said["now"])
        if said["now"] != PLAIN:
            connection.close()

    service = served(people, wicked(behave))
    for said["now"] in NO_ANSWERS:
        with suppress(aiohttp.ClientError):
            # What began as an answer may only be cut off.
            found = ask(service, people.alice)
            assert found.status in (502, 503) or found.body in (b"", b"ok"), said
            assert "upgrade" not in found.headers
    said["now"] = PLAIN
    assert ask(service, people.alice).body == b"ok"


def drip(connection: socket.socket, _head: bytes) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    while True:
        time.sleep(0.2)
        connection.sendall(b"X-A: b\r\n")


def stall(connection: socket.socket, _head: bytes) -> None:
    while True:
        time.sleep(0.2)
        connection.sendall(b"HTTP/1.1 102 Processing\r\n\r\n")


def test_an_answer_that_never_begins_ends_in_time(
    people: People, wicked: Callable[[Behaviour], Wicked], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(entrances, "SLACK", 1)
    for number, behave in enumerate((drip, stall)):
        replica = wicked(behave)
        answer = ask(served(people, replica, request_limit=1, name=f"slow-{number}"), people.alice)
        assert (answer.status, answer.json["code"]) == (504, "timeout")
        assert replica.cut.wait(30)


def test_compressed_bytes_are_passed_as_they_are(people: People, wicked: Callable[[Behaviour], Wicked]) -> None:
    bomb = b"\x1f\x8b" + b"\0" * 100
    replica = wicked(saying(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb) + bomb))
    answer = ask(served(people, replica), people.alice)

    assert (answer.headers["content-encoding"], answer.body) == ("gzip", bomb)


def test_a_request_is_one_request_for_the_replica(people: People, wicked: Callable[[Behaviour], Wicked]) -> None:
    replica = wicked(saying(PLAIN))
    second = b"POST /stolen HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"
    answer = ask(
        served(people, replica), people.alice, "/a%0d%0aX-Smuggled:%20yes?b=%0d%0ac",
        headers={"content-length": "2", "transfer-encoding": "chunked", "connection": "x-ag-timeout"}, body=b"{}" + second,
    )  # fmt: skip

    assert answer.body == b"ok"
    assert [head.split(b"\r\n")[0] for head in replica.seen] == [b"POST /a%0d%0aX-Smuggled:%20yes?b=%0d%0ac HTTP/1.1"]
    assert b"stolen" not in b"".join(replica.seen)


def test_a_service_takes_no_more_at_once_than_it_can_hold(people: People, wicked: Callable[[Behaviour], Wicked]) -> None:
    free = threading.Event()

    def behave(connection: socket.socket, _head: bytes) -> None:
        free.wait(30)
        connection.sendall(PLAIN)

    replica = wicked(behave)
    service = served(people, replica, concurrency=1, queue=2)
    headers = {"authorization": f"Bearer {token(people.alice, 'write')}"}

    async def many() -> list[int]:
        async with gateway() as entrance:
            one = call(entrance, f"{service.get_absolute_url()}/predict", headers=headers)
            tasks = [asyncio.ensure_future(one)]
            while len(replica.seen) < 1:
                await asyncio.sleep(0.01)
            tasks += [
                asyncio.ensure_future(call(entrance, f"{service.get_absolute_url()}/predict", headers=headers)) for _number in range(5)
            ]
            while sum(task.done() for task in tasks) < 3:
                await asyncio.sleep(0.01)
            free.set()
            return sorted(answer.status for answer in await asyncio.gather(*tasks))

    assert asyncio.run(many()) == [200, 200, 200, 429, 429, 429]


def test_a_revoked_key_is_refused_soon_however_busy_it_is(people: People, wicked: Callable[[Behaviour], Wicked]) -> None:
    service = served(people, wicked(saying(PLAIN)))
    key, text = make_key(service=service, actor=people.alice, name="busy")

    async def until_refused() -> tuple[int, float]:
        from asgiref.sync import sync_to_async

        async with gateway() as entrance:
            once = lambda: call(entrance, f"{service.get_absolute_url()}/predict", headers={"authorization": f"Bearer {text}"})  # noqa: E731
            assert (await once()).status == 200
            await sync_to_async(revoke_key)(service=service, actor=people.alice, key=key)
            end = time.monotonic() + 30
            while (answer := await once()).status == 200 and time.monotonic() < end:
                await asyncio.sleep(0.02)
            return answer.status, 0.0

    assert asyncio.run(until_refused())[0] == 401


def test_a_page_of_another_site_cannot_call_with_a_visitors_session(people: People, wicked: Callable[[Behaviour], Wicked]) -> None:
    replica = wicked(saying(PLAIN))
    service = served(people, replica)
    session = browser(people.alice).cookies["sessionid"].value
    for origin in ("https://evil.example", "null"):
        answer = ask(
            service, people.alice, headers={"authorization": "", "cookie": f"sessionid={session}", "origin": origin, "host": "testserver"}
        )
        assert (answer.status, answer.json["code"]) == (403, "foreign_page")
    own = ask(
        service,
        people.alice,
        headers={"authorization": "", "cookie": f"sessionid={session}", "origin": "http://testserver", "host": "testserver"},
    )
    assert own.body == b"ok"
    assert len(replica.seen) == 1

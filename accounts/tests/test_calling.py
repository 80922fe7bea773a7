"""Calls that leave the house: which addresses are refused, and that a call goes to the address that was checked."""

import hashlib
import hmac
import ssl
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from accounts import calling
from accounts.calling import CallError, check_addresses, check_url, post, target_of
from accounts.tests.receiver import Receiver, certificate

LOOPBACK = ["127.0.0.0/8"]


def code_of(error: pytest.ExceptionInfo[CallError]) -> str:
    return error.value.code


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("ftp://example.com/", "bad_scheme"),
        ("file:///etc/passwd", "bad_scheme"),
        ("gopher://example.com/", "bad_scheme"),
        ("javascript:alert(1)", "bad_scheme"),
        ("example.com/hook", "bad_scheme"),
        ("", "bad_scheme"),
        ("http://", "bad_url"),
        ("http:///hook", "bad_url"),
        ("http://exa mple.com/", "bad_url"),
        ("http://example.com/\r\nHost: inside", "bad_url"),
        ("http://example.com\\@127.0.0.1/", "bad_url"),
        ("http://example.com:port/", "bad_url"),
        ("http://example.com:99999/", "bad_url"),
        ("http://[fe80::1%25eth0]/", "bad_url"),
        ("http://[::1/", "bad_url"),
        ("http://１２７.0.0.1/", "bad_url"),
        ("http://127。0。0。1/", "bad_url"),
        ("http://user@example.com/", "credentials_in_url"),
        ("http://user:password@example.com/", "credentials_in_url"),
        ("http://example.com@127.0.0.1/", "credentials_in_url"),
        ("http://example.com:0/", "bad_port"),
        ("http://example.com:22/", "bad_port"),
        ("http://example.com:25/", "bad_port"),
        ("https://example.com:1023/", "bad_port"),
    ],
)
def test_address_that_is_never_called_is_refused_as_it_is_written(url: str, code: str) -> None:
    with pytest.raises(CallError) as error:
        target_of(url)
    assert code_of(error) == code


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("http://example.com", ("http", "example.com", 80, "/")),
        ("https://EXAMPLE.com/hook?key=1#part", ("https", "example.com", 443, "/hook?key=1")),
        ("http://example.com:80/", ("http", "example.com", 80, "/")),
        ("http://example.com:1024/", ("http", "example.com", 1024, "/")),
        ("https://example.com:8443/a/../b", ("https", "example.com", 8443, "/b")),
        ("http://bücher.example/", ("http", "xn--bcher-kva.example", 80, "/")),
        ("http://[2606:4700::1111]:8080/", ("http", "2606:4700::1111", 8080, "/")),
    ],
)
def test_address_is_taken_apart_once(url: str, target: tuple[str, str, int, str]) -> None:
    assert target_of(url) == calling.Target(*target)


PRIVATE = [
    "127.0.0.1", "127.255.255.254", "0.0.0.0", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1",
    "169.254.169.254", "169.254.0.1", "100.64.0.1", "100.100.100.200", "192.0.0.192", "198.18.0.1", "192.0.2.1", "198.51.100.1",
    "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255", "168.63.129.16", "192.88.99.1",
    "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::ffff:a9fe:a9fe", "64:ff9b::7f00:1", "64:ff9b::808:808",
    "64:ff9b:1::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1", "2001::1", "2001:db8::1", "2002:7f00:1::1",
    "100::1", "not an address", "",
]  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
def test_address_inside_is_refused(address: str) -> None:
    with pytest.raises(CallError) as error:
        check_addresses([address])
    assert code_of(error) == "private_address"


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700:4700::1111", "2a00:1450:4001::1"])
def test_public_address_is_called(address: str) -> None:
    check_addresses([address])


def test_one_private_address_among_public_ones_refuses_all_of_them() -> None:
    with pytest.raises(CallError) as error:
        check_addresses(["8.8.8.8", "10.0.0.1", "1.1.1.1"])
    assert code_of(error) == "private_address"


def test_allowed_network_opens_itself_only() -> None:
    check_addresses(["10.20.0.1", "8.8.8.8", "fd00::5"], allowed=["10.20.0.0/16", "fd00::/64"])
    for address in ("10.21.0.1", "::ffff:10.20.0.1", "fd00:0:0:1::5", "127.0.0.1"):
        with pytest.raises(CallError):
            check_addresses([address], allowed=["10.20.0.0/16", "fd00::/64"])


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "127.1", "0", "0.0.0.0", "2130706433", "0x7f000001", "0x7f.1", "017700000001", "0177.0.0.1", "0177.0.0.01",
        "127.0.0.1.", "[::1]", "[::]", "[::ffff:127.0.0.1]", "[0:0:0:0:0:ffff:7f00:1]", "[64:ff9b::7f00:1]", "[fe80::1]",
        "2852039166", "169.254.169.254", "[fd00:ec2::254]", "localhost", "LOCALHOST.", "db.localhost",
    ],
)  # fmt: skip
def test_every_way_to_write_an_address_inside_is_refused_before_it_is_saved(host: str) -> None:
    with pytest.raises(CallError) as error:
        check_url(f"http://{host}:8000/hook")
    assert code_of(error) == "private_address"


@pytest.mark.parametrize("host", ["2130706433", "0x7f.1", "0177.0.0.1", "localhost"])
def test_every_way_to_write_an_address_inside_is_refused_when_it_is_called(host: str) -> None:
    with Receiver() as receiver, pytest.raises(CallError) as error:
        post(f"http://{host}:{receiver.port}/", b"{}", {})
    assert code_of(error) == "private_address"
    assert receiver.calls == []


def test_name_is_not_looked_up_before_it_is_saved() -> None:
    check_url("https://this-name-leads-nowhere.invalid/hook")


def test_call_arrives_as_it_was_sent() -> None:
    with Receiver(body=b"thanks") as receiver:
        answer = post(f"{receiver.url}/hook?a=1", "{“é”}".encode(), {"Gallery-Event": "ping"}, allowed=LOOPBACK)
    assert (answer.status, answer.body) == (200, b"thanks")
    call = receiver.calls[0]
    assert (call.method, call.path, call.body.decode(), call.headers["Gallery-Event"]) == ("POST", "/hook?a=1", "{“é”}", "ping")
    assert call.headers["Host"] == f"127.0.0.1:{receiver.port}"


def test_proxies_of_the_environment_are_not_used(monkeypatch: Any) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with Receiver() as receiver:
        assert post(receiver.url, b"{}", {}, allowed=LOOPBACK).status == 200


def test_name_is_looked_up_once_and_its_checked_address_is_called() -> None:
    asked: list[tuple[str, int]] = []

    def rebinding(host: str, port: int) -> Sequence[str]:
        asked.append((host, port))
        return ["127.0.0.1"] if len(asked) == 1 else ["10.9.9.9"]

    with Receiver() as receiver:
        answer = post(f"http://hooks.example:{receiver.port}/", b"{}", {}, allowed=LOOPBACK, resolver=rebinding)
    assert answer.status == 200
    assert asked == [("hooks.example", receiver.port)]
    assert receiver.calls[0].headers["Host"] == f"hooks.example:{receiver.port}"


def test_name_server_that_changes_its_answer_gains_nothing() -> None:
    answers = iter([["8.8.8.8"], ["127.0.0.1"]])
    with Receiver() as receiver:
        check_addresses(next(answers))
        with pytest.raises(CallError) as error:
            post(f"http://hooks.example:{receiver.port}/", b"{}", {}, resolver=lambda _host, _port: next(answers))
    assert code_of(error) == "private_address"
    assert receiver.calls == []


def test_name_with_a_private_address_beside_a_public_one_is_not_called() -> None:
    with Receiver() as receiver, pytest.raises(CallError) as error:
        post(f"http://hooks.example:{receiver.port}/", b"{}", {}, resolver=lambda _host, _port: ["127.0.0.1", "8.8.8.8"])
    assert code_of(error) == "private_address"
    assert receiver.calls == []


def test_next_address_of_a_name_is_tried_where_the_first_refuses() -> None:
    with Receiver() as receiver:
        found = post(
            f"http://hooks.example:{receiver.port}/", b"{}", {}, allowed=LOOPBACK, resolver=lambda _host, _port: ["127.0.0.9", "127.0.0.1"]
        )
    assert found.status == 200


def test_name_that_leads_nowhere_says_so() -> None:
    with pytest.raises(CallError) as error:
        post("http://hooks.example/", b"{}", {}, resolver=lambda _host, _port: [])
    assert code_of(error) == "unknown_host"
    assert calling.resolve("this-name-leads-nowhere.invalid", 80) == []
    assert calling.resolve("x" * 300, 80) == []


def test_closed_port_says_so() -> None:
    with Receiver() as receiver:
        port = receiver.port
    with pytest.raises(CallError) as error:
        post(f"http://127.0.0.1:{port}/", b"{}", {}, allowed=LOOPBACK)
    assert code_of(error) == "no_connection"


def test_redirect_is_not_followed() -> None:
    with Receiver() as inside, Receiver(status=302, headers={"Location": inside.url}) as receiver:
        answer = post(receiver.url, b"{}", {}, allowed=LOOPBACK)
    assert answer.status == 302
    assert inside.calls == []


def test_of_a_huge_answer_64_kilobytes_are_read() -> None:
    with Receiver(body=b"x" * (300 * 1024 * 1024)) as receiver:
        began = time.monotonic()
        answer = post(receiver.url, b"{}", {}, allowed=LOOPBACK)
    assert len(answer.body) == 64 * 1024
    assert time.monotonic() - began < 5


def test_packed_answer_is_not_unpacked() -> None:
    with Receiver(body=b"\x1f\x8b not really", headers={"Content-Encoding": "gzip"}) as receiver:
        assert post(receiver.url, b"{}", {}, allowed=LOOPBACK).body == b"\x1f\x8b not really"


@pytest.mark.parametrize("stage", ["before", "headers", "body"])
def test_slow_receiver_is_cut_when_the_time_is_up_though_it_keeps_sending(stage: str) -> None:
    with Receiver(drip=stage) as receiver:
        began = time.monotonic()
        with pytest.raises(CallError) as error:
            post(receiver.url, b"{}", {}, allowed=LOOPBACK, seconds=0.6)
        took = time.monotonic() - began
    assert code_of(error) == "timed_out"
    assert 0.5 < took < 2


def test_time_limits_are_three_and_ten_seconds() -> None:
    assert (calling.CONNECT_SECONDS, calling.WHOLE_SECONDS) == (3.0, 10.0)


def test_answer_that_is_no_http_says_so() -> None:
    with Receiver(raw=b"SSH-2.0-OpenSSH_9\r\n") as receiver, pytest.raises(CallError) as error:
        post(receiver.url, b"{}", {}, allowed=LOOPBACK)
    assert code_of(error) == "broken_answer"


def test_status_counts_though_the_connection_ends_early() -> None:
    with Receiver(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort") as receiver:
        assert post(receiver.url, b"{}", {}, allowed=LOOPBACK) == calling.Answer(200, b"short")


def pinned(_host: str, _port: int) -> Sequence[str]:
    return ["127.0.0.1"]


def test_tls_is_checked_against_the_name_of_the_host(tmp_path: Path) -> None:
    chain = certificate(tmp_path, "hooks.example")
    trusted = ssl.create_default_context(cafile=str(chain))
    with Receiver(certificate=chain) as receiver:
        answer = post(f"https://hooks.example:{receiver.port}/", b"{}", {}, allowed=LOOPBACK, resolver=pinned, trusted=trusted)
        assert answer.status == 200
        assert receiver.names == ["hooks.example"]
        with pytest.raises(CallError) as error:
            post(f"https://other.example:{receiver.port}/", b"{}", {}, allowed=LOOPBACK, resolver=pinned, trusted=trusted)
        assert code_of(error) == "tls_failed"
        with pytest.raises(CallError) as error:
            post(f"https://hooks.example:{receiver.port}/", b"{}", {}, allowed=LOOPBACK, resolver=pinned)
        assert code_of(error) == "tls_failed"
    assert len(receiver.calls) == 1


def test_slow_receiver_over_tls_is_cut_too(tmp_path: Path) -> None:
    chain = certificate(tmp_path, "hooks.example")
    with Receiver(certificate=chain, drip="body") as receiver, pytest.raises(CallError) as error:
        post(
            f"https://hooks.example:{receiver.port}/", b"{}", {}, allowed=LOOPBACK, resolver=pinned, seconds=0.8,
            trusted=ssl.create_default_context(cafile=str(chain)),
        )  # fmt: skip
    assert code_of(error) == "timed_out"


def test_a_call_leaves_no_thread_behind() -> None:
    before = threading.active_count()
    with Receiver() as receiver:
        post(receiver.url, b"{}", {}, allowed=LOOPBACK)
    deadline = datetime.now(UTC) + timedelta(seconds=2)
    while threading.active_count() > before and datetime.now(UTC) < deadline:
        time.sleep(0.01)
    assert threading.active_count() == before


def test_signature_is_the_one_that_the_manual_describes() -> None:
    expected = hmac.new(b"whsec_x", b"1700000000." + b'{"a":1}', hashlib.sha256).hexdigest()
    assert calling.signature("whsec_x", b'{"a":1}', 1_700_000_000) == f"t=1700000000,v1={expected}"


def test_body_is_json_in_utf_8_and_always_the_same() -> None:
    assert calling.body_of({"b": "é", "a": [1]}) == '{"a":[1],"b":"é"}'.encode()

"""Asking a replica whether it answers, where the replica means harm: the worker that asks has others to look after."""

import json
import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from toolchain.inference import work
from toolchain.inference.tests.wicked import PLAIN, Behaviour, Wicked, saying, wicked

__all__ = ["wicked"]
Make = Callable[[Behaviour], Wicked]


def failing(body: bytes) -> Behaviour:
    return saying(b"HTTP/1.1 503 Down\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


def endlessly(piece: bytes, start: bytes = b"") -> Behaviour:
    def behave(connection: socket.socket, _head: bytes) -> None:
        connection.sendall(start)
        while True:
            connection.sendall(piece)

    return behave


def test_a_replica_says_that_it_answers_or_why_it_never_will(wicked: Make) -> None:
    said = json.dumps({"status": "failed", "message": "no weights"}).encode()
    assert work.health(f"unix:{wicked(saying(PLAIN)).path}", "/health") == (True, "")
    assert work.health(f"unix:{wicked(failing(said)).path}", "/health") == (False, "no weights")
    assert work.health("unix:/nowhere/at/all", "/health") == (False, "")


@pytest.mark.parametrize(
    "behave",
    [
        endlessly(b"HTTP/1.1 100 Continue\r\n\r\n"), endlessly(b"X: y\r\n", b"HTTP/1.1 200 OK\r\n"), endlessly(b"\r\n"), endlessly(b"x"),
        saying(b"HTTP/1.1 503 Down\r\nContent-Length: 100\r\n\r\n["), failing(b"[" * 60_000), failing(b"1" * 60_000), failing(b"\xff"), failing(b"[]"),
        failing(b'{"status": "failed", "message": ' + b"[" * 900 + b"]" * 900 + b"}"),
    ],
    ids=range(10),
)  # fmt: skip
def test_a_replica_that_answers_badly_is_not_ready(wicked: Make, monkeypatch: pytest.MonkeyPatch, behave: Behaviour) -> None:
    monkeypatch.setattr(work, "HEALTH_SECONDS", 0.3)
    ready, why = work.health(f"unix:{wicked(behave).path}", "/health")
    assert (ready, len(why) <= 1000) == (False, True)


def test_a_replica_that_answers_in_drips_is_left(wicked: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "HEALTH_SECONDS", 0.3)

    def behave(connection: socket.socket, _head: bytes) -> None:
        connection.settimeout(0.1)
        while True:
            connection.sendall(b"x")
            try:
                if not connection.recv(1):
                    return
            except TimeoutError:
                continue

    replica = wicked(behave)
    assert work.health(f"unix:{replica.path}", "/health") == (False, "")
    assert replica.cut.wait(30)


@pytest.mark.parametrize("data", [b"[" * 60_000, b"{", b"", b"null", b'{"status": "failed", "message": 1e999}', b"\xff\xfe"])
def test_last_words_that_are_none_are_passed_over(tmp_path: Path, data: bytes) -> None:
    (tmp_path / work.HEALTH_FILE).write_bytes(data)
    assert work._last_words(tmp_path) in ("", "inf")


def test_last_words_are_not_read_through_links_or_pipes(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(json.dumps({"status": "failed", "message": "secret"}))
    (tmp_path / work.HEALTH_FILE).symlink_to(tmp_path / "secret")
    assert work._last_words(tmp_path) == ""
    (tmp_path / work.HEALTH_FILE).unlink()
    os.mkfifo(tmp_path / work.HEALTH_FILE)
    assert work._last_words(tmp_path) == ""

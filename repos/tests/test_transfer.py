from typing import Any

import pytest
from django.test import RequestFactory

from repos import reading
from repos.models import Repository
from repos.operations import PutBytes
from repos.services import commit
from repos.transfer import UNSATISFIABLE, content_type_of, disposition, file_response, parse_range


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("bytes=0-0", (0, 1)),
        ("bytes=2-", (2, 10)),
        ("bytes=-3", (7, 10)),
        ("bytes=-30", (0, 10)),
        ("bytes=4-400", (4, 10)),
        ("bytes=10-", UNSATISFIABLE),
        ("bytes=-0", UNSATISFIABLE),
        ("bytes=5-2", None),
        ("bytes=--5", None),
        ("bytes=-5-", None),
        ("bytes=0-1,3-4", None),
        ("lines=0-1", None),
        ("bytes=", None),
        ("bytes=" + "9" * 100 + "-", None),
    ],
)
def test_range_is_read_as_rfc_9110_says(value: str, expected: Any) -> None:
    assert parse_range(value, 10) == expected


def test_empty_file_satisfies_no_range() -> None:
    assert parse_range("bytes=0-", 0) == UNSATISFIABLE


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.html", "text/plain; charset=utf-8"),
        ("a.svg", "text/plain; charset=utf-8"),
        ("a.js", "text/plain; charset=utf-8"),
        ("a.xhtml", "application/octet-stream"),
        ("a.pdf", "application/octet-stream"),
        ("a.swf", "application/octet-stream"),
        ("a.png", "image/png"),
        ("a", "application/octet-stream"),
    ],
)
def test_type_is_never_one_that_a_browser_runs(name: str, expected: str) -> None:
    assert content_type_of(name) == expected


def test_disposition_keeps_any_name_and_cannot_break_the_header() -> None:
    assert disposition('模型 "1".bin') == "attachment; filename=\"__ _1_.bin\"; filename*=UTF-8''%E6%A8%A1%E5%9E%8B%20%221%22.bin"
    assert "\n" not in disposition("a\nb")


def get(repository: Repository, path: str, method: str = "get", **headers: str) -> Any:
    request = getattr(RequestFactory(), method)("/", headers=headers)
    return file_response(request, reading.find(reading.resolve(repository), path))


def body(response: Any) -> bytes:
    return b"".join(response.streaming_content) if response.streaming else response.content


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["small.txt", "large.bin"])
def test_whole_range_head_and_validators(repository: Repository, alice: Any, path: str) -> None:
    commit(
        repository=repository,
        actor=alice,
        operations=[PutBytes("small.txt", b"0123456789"), PutBytes("large.bin", b"0123456789")],
        message="x",
    )
    whole = get(repository, path)
    assert (whole.status_code, body(whole), whole["Content-Length"]) == (200, b"0123456789", "10")
    assert whole["Content-Security-Policy"].startswith("sandbox;")
    assert (whole["X-Content-Type-Options"], whole["Content-Disposition"][:10]) == ("nosniff", "attachment")
    part = get(repository, path, Range="bytes=2-4")
    assert (part.status_code, body(part), part["Content-Range"]) == (206, b"234", "bytes 2-4/10")
    assert get(repository, path, Range="bytes=2-4", **{"If-Range": '"other"'}).status_code == 200
    beyond = get(repository, path, Range="bytes=10-")
    assert (beyond.status_code, beyond["Content-Range"]) == (416, "bytes */10")
    assert get(repository, path, **{"If-None-Match": whole["ETag"]}).status_code == 304
    head = get(repository, path, "head")
    assert (head.content, head["Content-Length"], head["ETag"]) == (b"", "10", whole["ETag"])


def test_server_gets_a_slice_in_pieces_straight_from_the_file(tmp_path: Any) -> None:
    import asyncio

    from repos.transfer import PIECE, FileSlice, TransferHandler

    handler = TransferHandler()
    path = tmp_path / "weights"
    path.write_bytes(b"0123456789" * 300_000)
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    response = FileSlice(path, 7, 2_500_000, headers={"Content-Length": "2499993"})
    asyncio.run(handler.send_response(response, send))
    assert b"".join(message.get("body", b"") for message in sent) == path.read_bytes()[7:2_500_000]
    assert [len(message["body"]) for message in sent[1:]] == [PIECE, PIECE, 2_499_993 - 2 * PIECE, 0]

"""Calling a service through the gateway as an ASGI server would, without one."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from toolchain.inference.gateway import Gateway


@dataclass
class Answer:
    """What came back: `pieces` as they arrived."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    pieces: list[bytes] = field(default_factory=list)

    @property
    def body(self) -> bytes:
        return b"".join(self.pieces)

    @property
    def json(self) -> Any:
        return json.loads(self.body)


async def nothing(scope: Any, receive: Any, send: Any) -> None:
    """The rest of the gallery: answers 404 without a body."""
    await send({"type": "http.response.start", "status": 404, "headers": []})
    await send({"type": "http.response.body", "body": b""})


@asynccontextmanager
async def gateway() -> AsyncIterator[Gateway]:
    """A gateway whose counts are written and whose connections are closed at the end."""
    entrance = Gateway(nothing)
    try:
        yield entrance
    finally:
        await entrance.counts.flush()
        await entrance.wires.close()


async def call(
    entrance: Gateway, path: str, *, method: str = "POST", body: bytes = b"", headers: dict[str, str] | None = None,
    leave_after: Callable[[Answer], bool] | None = None, body_pieces: list[bytes] | None = None,
) -> Answer:  # fmt: skip
    """Return the answer to a request; with `leave_after` the client goes away once that says so."""
    answer, left = Answer(), asyncio.Event()
    pieces = list(body_pieces if body_pieces is not None else [body])
    path, _mark, query = path.partition("?")
    given = {"content-length": str(sum(map(len, pieces)))} | (headers or {})
    scope = {
        "type": "http", "method": method, "path": path, "raw_path": path.encode(), "query_string": query.encode(), "scheme": "http",
        "headers": [(name.lower().encode(), value.encode()) for name, value in given.items()],
    }  # fmt: skip

    async def receive() -> dict[str, Any]:
        if pieces:
            piece = pieces.pop(0)
            return {"type": "http.request", "body": piece, "more_body": bool(pieces)}
        await left.wait()
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            answer.status = message["status"]
            answer.headers = {name.decode().lower(): value.decode() for name, value in message["headers"]}
        elif message["body"]:
            answer.pieces.append(message["body"])
        if leave_after is not None and leave_after(answer):
            left.set()

    await entrance(scope, receive, send)
    return answer

"""Passing a WebSocket: messages in both directions, until one side closes."""

import asyncio
from contextlib import suppress
from typing import Any

import aiohttp

from toolchain.inference.gateway.passing import Account, Check, Wires, address_of, for_replica, until_first
from toolchain.inference.gateway.routes import Upstream

MOST_BYTES = 16 << 20
CLOSE_SECONDS = 2.0
"""How long a replica may take to say goodbye."""
AWAY, BARRED, BROKEN, LOST = 1001, 1008, 1011, 1006
"""Codes of RFC 6455 (section 7.4.1) with which a socket ends."""


async def pass_on(
    wires: Wires, upstream: Upstream, *, scope: Any, path: str, receive: Any, send: Any, account: Account, check: Check
) -> None:
    """Join the client's socket with one of the replica's. Raises what `check` does; the client's socket is open then."""
    if (await receive())["type"] != "websocket.connect":
        return
    query = scope.get("query_string", b"").decode("latin-1")
    headers = [(name, value) for name, value in for_replica(scope["headers"]) if not _stays(name.lower())]
    url = address_of(upstream, path, query)
    async with wires.session(upstream.address).ws_connect(
        url,
        headers=dict(headers),
        protocols=scope.get("subprotocols", ()),
        max_msg_size=MOST_BYTES,
        autoclose=True,
        timeout=aiohttp.ClientWSTimeout(ws_close=CLOSE_SECONDS),
    ) as socket:
        account.status = 101
        await send({"type": "websocket.accept", "subprotocol": socket.protocol, "headers": []})
        up, down = asyncio.ensure_future(_up(socket, receive, account)), asyncio.ensure_future(_down(socket, send, account))
        try:
            await until_first((up, down), check)
        finally:
            ended_by_client = up.done()
            for task in (up, down):
                task.cancel()
                with suppress(asyncio.CancelledError, Exception):
                    await task
            await socket.close()
        if not ended_by_client:
            with suppress(RuntimeError):
                await send({"type": "websocket.close", "code": _code(socket.close_code)})


def _stays(name: str) -> bool:
    return name == "origin" or name.startswith("sec-websocket-")


async def _up(socket: Any, receive: Any, account: Account) -> None:
    while True:
        message = await receive()
        if message["type"] == "websocket.disconnect":
            return
        text, data = message.get("text"), message.get("bytes")
        account.bytes_in += len(text or data or "")
        await (socket.send_str(text) if text is not None else socket.send_bytes(data or b""))


async def _down(socket: Any, send: Any, account: Account) -> None:
    async for message in socket:
        account.bytes_out += len(message.data)
        if message.type == aiohttp.WSMsgType.TEXT:
            await send({"type": "websocket.send", "text": message.data})
        elif message.type == aiohttp.WSMsgType.BINARY:
            await send({"type": "websocket.send", "bytes": message.data})


def _code(code: int | None) -> int:
    """Return a code that may be sent: RFC 6455 keeps 1005, 1006 and 1015 for those who were told none. A replica that was lost goes away."""
    if code == LOST:
        return AWAY
    return code if code is not None and (1000 <= code <= 1003 or 1007 <= code <= 1014 or 3000 <= code <= 4999) else 1000

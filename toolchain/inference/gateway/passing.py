"""Passing one request to a replica and its answer back, piece by piece as they come."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from yarl import URL

from toolchain.inference.gateway.routes import Upstream

Receive = Any
Send = Any
Check = Callable[[], Awaitable[None]]
"""Raises where whoever was let in may not go on."""
Headers = list[tuple[bytes, bytes]]

# RFC 9110 section 7.6.1: what concerns one connection only; besides, what would tell a replica whose browser this is, and from where.
_NOT_PASSED = frozenset(
    {b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization", b"proxy-connection", b"te", b"trailer", b"transfer-encoding",
     b"upgrade", b"host", b"cookie", b"authorization", b"content-length", b"expect", b"forwarded", b"via", b"referer", b"x-csrftoken",
     b"x-real-ip", b"true-client-ip"}
)  # fmt: skip
_FORWARDED = b"x-forwarded-"
# All that a service may say about its answer. Anything else might speak to the browser about the gallery's own pages (cookies, reports, policies),
# or to a proxy in front of it (X-Accel-Redirect and X-Sendfile have some of them send files of their own).
_RETURNED = frozenset(
    {b"content-type", b"content-length", b"content-encoding", b"content-disposition", b"content-language", b"content-range", b"accept-ranges",
     b"etag", b"last-modified", b"retry-after", b"allow", b"vary", b"x-request-id"}
)  # fmt: skip
_OWN = (b"x-ag-", b"x-ratelimit-", b"openai-")
PROTECTION: Headers = [
    # The answer is a stranger's: shown in a browser it has no origin, so it can neither read nor do anything here.
    (b"content-security-policy", b"sandbox; default-src 'none'; img-src data: blob:; style-src 'unsafe-inline'"),
    (b"x-content-type-options", b"nosniff"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]
TAIL = 8 << 10
CONNECT_SECONDS = 5
BODY_SECONDS, SLOWEST = 30.0, 4 << 10
"""A body may take so many seconds, and more for what came of it, at so many bytes a second."""
TAKE_SECONDS = 60.0
"""A client may let an answer wait so many seconds, and more for what it took of it, at `SLOWEST`."""
CHECK_SECONDS = 10.0
"""How often it is asked whether a caller may go on, of requests and sockets that are open for so long."""
_USAGE = re.compile(rb'"(prompt_tokens|completion_tokens)"\s*:\s*(\d{1,9})')


class Unreachable(Exception):
    """The replica did not take the request: another one may."""


class Left(Exception):
    """The client went away."""


@dataclass
class Account:
    """What is known of a request once it is over; times in seconds."""

    status: int = 0
    began: float = field(default_factory=time.monotonic)
    first: float | None = None
    bytes_in: int = 0
    bytes_out: int = 0
    blocked: float = 0.0
    tail: bytes = b""

    @property
    def milliseconds(self) -> float:
        return (time.monotonic() - self.began) * 1000

    @property
    def tokens(self) -> tuple[int, int]:
        """Tokens in and out, as the answer states them at its end; zeros where it does not."""
        found = {name: int(number) for name, number in _USAGE.findall(self.tail)}
        return found.get(b"prompt_tokens", 0), found.get(b"completion_tokens", 0)


class Wires:
    """Connections to replicas, kept open between requests: one pool for each address."""

    def __init__(self) -> None:
        self._sessions: dict[str, aiohttp.ClientSession] = {}

    def session(self, address: str) -> aiohttp.ClientSession:
        """Return the pool for an address."""
        found = self._sessions.get(address)
        if found is None or found.closed:
            unix = address.removeprefix("unix:") if address.startswith("unix:") else None
            connector = (
                aiohttp.UnixConnector(unix, limit=0, keepalive_timeout=30) if unix else aiohttp.TCPConnector(limit=0, keepalive_timeout=30)
            )
            found = self._sessions[address] = aiohttp.ClientSession(
                connector=connector,
                auto_decompress=False,
                cookie_jar=aiohttp.DummyCookieJar(),
                read_bufsize=1 << 18,
                skip_auto_headers=("User-Agent", "Accept"),
            )
        return found

    async def keep(self, addresses: Iterable[str]) -> None:
        """Close the pools for other addresses, once there are many."""
        wanted = set(addresses)
        if len(self._sessions) < 256:
            return
        for address in [each for each in self._sessions if each not in wanted]:
            await self._sessions.pop(address).close()

    async def close(self) -> None:
        """Close every connection."""
        sessions, self._sessions = list(self._sessions.values()), {}
        for session in sessions:
            await session.close()


def address_of(upstream: Upstream, path: str, query: str) -> URL:
    """Return where a path of the service is found at a replica."""
    base = "http://replica" if upstream.address.startswith("unix:") else upstream.address
    return URL(f"{base}{path}{f'?{query}' if query else ''}", encoded=True)


class Body:
    """The body of a request as it arrives; `over` says that it ended, `problem` why it did so early."""

    def __init__(self, receive: Receive, account: Account, limit: int) -> None:
        self._receive, self._account, self._limit = receive, account, limit
        self._ended = asyncio.Event()
        self.begun = False
        self.problem: Exception | None = None
        self._listener: Callable[[], object] | None = None

    def when_ended(self, listener: Callable[[], object] | None) -> None:
        """Call `listener` once the whole body was read, at once where it was already; None calls nobody any more."""
        self._listener = listener
        if listener is not None and self._ended.is_set():
            listener()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        began = asyncio.get_running_loop().time()
        while not self._ended.is_set():
            self.begun = True
            try:
                async with asyncio.timeout_at(began + BODY_SECONDS + self._account.bytes_in / SLOWEST):
                    message = await self._receive()
            except TimeoutError:
                raise self._end(TooSlow()) from None
            if message["type"] == "http.disconnect":
                raise self._end(Left())
            piece: bytes = message.get("body", b"")
            self._account.bytes_in += len(piece)
            if self._account.bytes_in > self._limit:
                raise self._end(TooMuch())
            if not message.get("more_body", False):
                self._ended.set()
                if self._listener is not None:
                    self._listener()
            if piece:
                yield piece

    def _end(self, problem: Exception) -> Exception:
        self.problem = problem
        self._ended.set()
        return problem

    async def gone(self) -> Exception:
        """Return why the request is not to be answered any more, once there is a reason."""
        await self._ended.wait()
        while self.problem is None:
            if (await self._receive())["type"] == "http.disconnect":
                self.problem = Left()
        return self.problem


class TooMuch(Exception):
    """The body of the request is larger than allowed."""


class TooSlow(Exception):
    """The body of the request came more slowly than anybody waits for."""


async def until_first(tasks: Iterable[asyncio.Future[Any]], check: Check) -> None:
    """Return once one of `tasks` is done; raises what `check` does, which is called every `CHECK_SECONDS` until then."""
    tasks = set(tasks)
    while not (await asyncio.wait(tasks, timeout=CHECK_SECONDS, return_when=asyncio.FIRST_COMPLETED))[0]:
        await check()


async def pass_on(
    wires: Wires,
    upstream: Upstream,
    *,
    method: str,
    path: str,
    query: str,
    headers: Headers,
    body: Body,
    send: Send,
    account: Account,
    seconds: float,
    check: Check,
) -> None:
    """Pass a request to a replica and its answer to the client.

    Raises `Unreachable` before anything was passed, `Left` when the client went away, `TooMuch` and `TooSlow` for its body. `seconds` is how long the
    replica may take to begin its answer, and how long it may be silent in between. Raises what `check` does, too.
    """
    passed = for_replica(headers)
    length = next((value for name, value in headers if name.lower() == b"content-length"), None)
    has_body = length not in (None, b"0") or any(name.lower() == b"transfer-encoding" for name, _value in headers)
    if length is not None and has_body:
        passed.append(("Content-Length", length.decode("latin-1")))
    if not has_body:
        async for _piece in body:
            pass
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=seconds)
    request = wires.session(upstream.address).request(
        method, address_of(upstream, path, query), headers=passed, data=body if has_body else None, allow_redirects=False, timeout=timeout
    )
    work = asyncio.ensure_future(_answer(request, body, seconds, send, account))
    leaving = asyncio.ensure_future(body.gone())
    try:
        await until_first((work, leaving), check)
        if body.problem is not None and (not work.done() or work.exception() is not None):
            raise body.problem
        try:
            work.result()
        except aiohttp.ClientConnectorError as error:
            raise Unreachable from error
        except aiohttp.ServerDisconnectedError as error:
            if account.status or body.begun:
                raise
            raise Unreachable from error
    finally:
        for task in (work, leaving):
            task.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await work


def for_replica(headers: Headers) -> list[tuple[str, str]]:
    """Return the headers of a request that a replica gets."""
    named = {each.strip() for name, value in headers if name.lower() == b"connection" for each in value.lower().split(b",")}
    return [
        (name.decode("latin-1"), value.decode("latin-1"))
        for name, value in headers
        if name.lower() not in _NOT_PASSED | named and not name.lower().startswith(_FORWARDED)
    ]


def _returned(raw: Iterable[tuple[bytes, bytes]]) -> Headers:
    """Return what of a replica's headers the client gets: of each the first."""
    found: dict[bytes, bytes] = {}
    for name, value in raw:
        name = name.lower()
        if name in _RETURNED or name.startswith(_OWN):
            found.setdefault(name, value)
    kind = found.get(b"content-type", b"").lower()
    if b"multipart/" in kind.removeprefix(b"multipart/form-data"):
        # Parts have heads of their own, from which a browser may take cookies and policies for this address.
        found[b"content-type"] = b"application/octet-stream"
    return [*found.items(), *PROTECTION]


async def _answer(request: Any, body: Body, seconds: float, send: Send, account: Account) -> None:
    # What comes in drips would never be silent for long.
    async with asyncio.timeout(None) as patience:
        loop = asyncio.get_running_loop()
        body.when_ended(lambda: patience.reschedule(loop.time() + seconds))
        try:
            response = await request
        finally:
            body.when_ended(None)
    async with response:
        if not 200 <= response.status < 600:
            raise aiohttp.ClientPayloadError(f"status {response.status}")
        account.status = response.status
        await send({"type": "http.response.start", "status": response.status, "headers": _returned(response.raw_headers)})
        async for piece in response.content.iter_any():
            if account.first is None:
                account.first = time.monotonic()
            account.tail = piece[-TAIL:] if len(piece) >= TAIL else (account.tail + piece)[-TAIL:]
            await _hand({"type": "http.response.body", "body": piece, "more_body": True}, send, account)
            account.bytes_out += len(piece)
        await _hand({"type": "http.response.body", "body": b"", "more_body": False}, send, account)


async def _hand(message: dict[str, Any], send: Send, account: Account) -> None:
    """Hand a piece of an answer to the client. Raises `TimeoutError` where it takes them too slowly."""
    began = time.monotonic()
    async with asyncio.timeout(TAKE_SECONDS + account.bytes_out / SLOWEST - account.blocked):
        await send(message)
    account.blocked += time.monotonic() - began

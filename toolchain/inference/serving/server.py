"""HTTP/1.1 on a unix socket with the standard library alone: what a model asks to be installed cannot come into its way.

A handler takes a `Request` and returns an `Answer`. When the client leaves, the handler's task is cancelled.
"""

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

MAX_HEAD = 64 << 10
# What may wait in memory for each connection; with less, large bodies come in many small steps.
_BUFFER = 1 << 20
BODY_SECONDS = 60
# Longer than clients keep a connection for reuse, so that none is closed under a request.
IDLE_SECONDS = 300
WRITE_SECONDS = 600
# What comes after a refusal is read for a while, else the client may lose the answer together with the connection.
MAX_DISCARDED = 64 << 20
_PHRASES = {status.value: status.phrase for status in HTTPStatus}


def log(text: str) -> None:
    """Write a line into the log of the run."""
    sys.stderr.write(f"serving: {text}\n")
    sys.stderr.flush()


class Refusal(Exception):
    """A request that is answered with an error: `code` is stable, `message` a sentence for people, `param` what it is about."""

    def __init__(self, status: int, code: str, message: str, *, param: str | None = None, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.param, self.retry_after = status, code, message, param, retry_after

    def body(self) -> dict[str, Any]:
        """Return the error as OpenAI's clients read it."""
        kind = "rate_limit_error" if self.status == 429 else "invalid_request_error" if self.status < 500 else "server_error"
        return {"error": {"message": self.message, "type": kind, "param": self.param, "code": self.code}}


@dataclass
class Request:
    """A request with its whole body. Names of headers are in lower case; of repeated ones the last counts."""

    method: str
    path: str
    query: list[tuple[str, str]]
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def content_type(self) -> str:
        """Return the media type without parameters, in lower case."""
        return self.headers.get("content-type", "").split(";")[0].strip().lower()

    def accepts(self, media_type: str) -> bool:
        """Say whether the client names this media type; `*/*` does not."""
        return media_type in self.headers.get("accept", "").lower()

    @property
    def seconds(self) -> float | None:
        """Return how long the caller will wait, as its header `X-AG-Timeout` says."""
        try:
            given = float(self.headers.get("x-ag-timeout", ""))
        except ValueError:
            return None
        return given if 0 < given < 86400 else None


@dataclass
class Answer:
    """An answer; a body that comes in pieces is sent as it comes. An exception between pieces breaks the connection off."""

    status: int = 200
    body: bytes | AsyncIterator[bytes] = b""
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)


def json_answer(value: object, status: int = 200, **headers: str) -> Answer:
    """Return an answer in JSON."""
    body = json.dumps(value, ensure_ascii=False, allow_nan=False).encode("utf-8", "backslashreplace")
    return Answer(status, body, headers={name.replace("_", "-"): text for name, text in headers.items()})


def refusal_answer(refusal: Refusal) -> Answer:
    """Return an error as an answer, with its code in `X-AG-Error`."""
    answer = json_answer(refusal.body(), refusal.status)
    answer.headers["X-AG-Error"] = refusal.code
    if refusal.retry_after is not None:
        answer.headers["Retry-After"] = str(refusal.retry_after)
    if refusal.status == 405:
        answer.headers["Allow"] = refusal.param or "GET"
    return answer


Handler = Callable[[Request], Awaitable[Answer]]


class _Connection(asyncio.StreamReaderProtocol):
    """A stream that also says when the other side has closed it."""

    def __init__(self, serve: Callable[["_Connection", asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]) -> None:
        self.gone = asyncio.Event()

        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await serve(self, reader, writer)

        super().__init__(asyncio.StreamReader(limit=_BUFFER), connected)

    def eof_received(self) -> bool | None:
        self.gone.set()
        return super().eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        self.gone.set()
        super().connection_lost(exc)


class Server:
    """Serves a handler on a unix socket until `close`. Bodies above `max_body` bytes are refused with 413."""

    def __init__(self, handler: Handler, path: str, max_body: int) -> None:
        self._handler, self.path, self._max_body = handler, path, max_body
        self._server: asyncio.AbstractServer | None = None
        self._idle: set[asyncio.StreamWriter] = set()
        self._busy = 0
        self._quiet = asyncio.Event()
        self._quiet.set()
        self.closing = False

    async def open(self) -> None:
        """Listen; a socket file left over by an earlier process is replaced."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path)
        self._server = await asyncio.get_running_loop().create_unix_server(lambda: _Connection(self._serve), self.path, backlog=512)
        # The portal calls as another user than the one this runs as; the folder of the socket is theirs alone.
        os.chmod(self.path, 0o666)  # noqa: S103

    async def close(self, seconds: float) -> bool:
        """Take no more connections, let running requests end for `seconds`; say whether all did."""
        self.closing = True
        if self._server is not None:
            self._server.close()
        with contextlib.suppress(OSError):
            os.unlink(self.path)
        for writer in list(self._idle):
            writer.close()
        try:
            await asyncio.wait_for(self._quiet.wait(), seconds)
        except TimeoutError:
            return False
        return True

    async def _serve(self, connection: _Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while not (connection.gone.is_set() or self.closing) and await self._exchange(connection, reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, TimeoutError):
            pass
        finally:
            writer.close()

    async def _exchange(self, connection: _Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; say whether the connection can carry another."""
        self._idle.add(writer)
        try:
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), IDLE_SECONDS)
        except asyncio.LimitOverrunError:
            head = b""
        finally:
            self._idle.discard(writer)
        self._busy += 1
        self._quiet.clear()
        try:
            return await self._answer(head, connection, reader, writer)
        finally:
            self._busy -= 1
            if not self._busy:
                self._quiet.set()

    async def _answer(self, head: bytes, connection: _Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        try:
            if not 0 < len(head) <= MAX_HEAD:
                raise Refusal(431, "headers_too_large", "The headers of the request are too large.")
            request, keep = parse_head(head)
            request.body = await read_body(request.headers, reader, writer, self._max_body)
        except Refusal as refusal:
            # What is left of the body cannot be told from a next request.
            await self._write(writer, refusal_answer(refusal), keep=False, head_only=False)
            await _discard(reader)
            return False
        task = asyncio.ensure_future(self._respond(request, writer, keep))
        gone = asyncio.ensure_future(connection.gone.wait())
        try:
            await asyncio.wait((task, gone), return_when=asyncio.FIRST_COMPLETED)
        finally:
            gone.cancel()
            if not task.done():
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError, ConnectionError):
                    await task
        return not task.cancelled() and task.result()

    async def _respond(self, request: Request, writer: asyncio.StreamWriter, keep: bool) -> bool:
        try:
            answer = await self._handler(request)
        except Refusal as refusal:
            answer = refusal_answer(refusal)
        except Exception as error:
            log(f"{request.method} {request.path}: {type(error).__name__}: {error}")
            answer = refusal_answer(Refusal(500, "server_failed", "The server made a mistake. Its log says more."))
        if identifier := request.headers.get("x-request-id"):
            answer.headers.setdefault("X-Request-ID", identifier[:200])
        return await self._write(writer, answer, keep=keep and not self.closing, head_only=request.method == "HEAD")

    async def _write(self, writer: asyncio.StreamWriter, answer: Answer, *, keep: bool, head_only: bool) -> bool:
        """Send an answer; say whether the connection can carry another."""
        whole = answer.body if isinstance(answer.body, bytes) else None
        length = f"Content-Length: {len(whole)}" if whole is not None else "Transfer-Encoding: chunked"
        fields = [f"Content-Type: {answer.content_type}", length, f"Connection: {'keep-alive' if keep else 'close'}"]
        fields += [f"{name}: {clean(text)}" for name, text in answer.headers.items()]
        head = "\r\n".join((f"HTTP/1.1 {answer.status} {_PHRASES.get(answer.status, 'Answer')}", *fields, "", "")).encode("latin-1")
        if whole is not None:
            writer.write(head + (b"" if head_only else whole))
            await _drained(writer)
            return keep
        writer.write(head)
        pieces = answer.body
        try:
            assert not isinstance(pieces, bytes)
            async for piece in pieces:
                if piece and not head_only:
                    writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
                    await _drained(writer)
        except Refusal:
            # Without its last chunk the answer is seen to be cut off.
            writer.transport.abort()
            return False
        finally:
            close = getattr(pieces, "aclose", None)
            if close is not None:
                await close()
        writer.write(b"0\r\n\r\n")
        await writer.drain()
        return keep


def clean(text: str) -> str:
    """Return a text as one header can carry it."""
    return "".join(character if " " <= character < "\x7f" else " " for character in text)


def parse_head(head: bytes) -> tuple[Request, bool]:
    """Return the request of a head (with its empty line) and whether the connection may be kept. Raises `Refusal`."""
    first, *lines = head.decode("latin-1").split("\r\n")[:-2]
    parts = first.split(" ")
    if len(parts) != 3 or parts[2] != "HTTP/1.1" or not parts[0].isalpha():
        raise Refusal(400, "request_invalid", "This is not a request in HTTP/1.1.")
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, text = line.partition(":")
        # Blanks before the colon and folded lines are read differently by different programs.
        if not colon or not name or name != name.strip() or "\n" in line:
            raise Refusal(400, "request_invalid", "A header of the request cannot be read.")
        name = name.lower()
        if name in ("content-length", "transfer-encoding") and name in headers:
            raise Refusal(400, "request_invalid", f"The header {name} stands twice.")
        headers[name] = text.strip()
    try:
        target = urlsplit(parts[1])
        query = parse_qsl(target.query, keep_blank_values=True, max_num_fields=100)
    except ValueError as error:
        raise Refusal(400, "request_invalid", "The address of the request cannot be read.") from error
    tokens = {token.strip().lower() for token in headers.get("connection", "").split(",")}
    return Request(parts[0].upper(), unquote(target.path) or "/", query, headers), "close" not in tokens


async def read_body(headers: Mapping[str, str], reader: asyncio.StreamReader, writer: asyncio.StreamWriter, limit: int) -> bytes:
    """Return the body that the headers announce. Raises `Refusal`: 400, 408, 413, 501."""
    coding, length = headers.get("transfer-encoding", "").lower(), headers.get("content-length")
    if coding and (coding != "chunked" or length is not None):
        raise Refusal(501 if length is None else 400, "request_invalid", "The length of the body cannot be told.")
    if length is not None and not (length.isascii() and length.isdigit()):
        raise Refusal(400, "request_invalid", "The header content-length is not a number.")
    if length is not None and (len(length) > 18 or int(length) > limit):
        raise _too_large(limit)
    if headers.get("expect", "").lower() == "100-continue" and (coding or int(length or 0)):
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    try:
        if coding:
            return await _chunks(reader, limit)
        size = int(length or 0)
        # As long as bytes keep coming, a slow upload is no reason to give up.
        return await asyncio.wait_for(reader.readexactly(size), BODY_SECONDS + size / 50_000) if size else b""
    except TimeoutError as error:
        raise Refusal(408, "body_slow", "The body of the request did not come in time.") from error


async def _chunks(reader: asyncio.StreamReader, limit: int) -> bytes:
    body = bytearray()
    while True:
        line = (await asyncio.wait_for(_line(reader), BODY_SECONDS)).split(b";")[0].strip()
        if not line or len(line) > 16 or line.strip(b"0123456789abcdefABCDEF"):
            raise Refusal(400, "request_invalid", "A chunk of the body has no length.")
        size = int(line, 16)
        if len(body) + size > limit:
            raise _too_large(limit)
        if size == 0:
            while await asyncio.wait_for(_line(reader), BODY_SECONDS):
                pass
            return bytes(body)
        body += await asyncio.wait_for(reader.readexactly(size), BODY_SECONDS + size / 50_000)
        if await _line(reader):
            raise Refusal(400, "request_invalid", "A chunk of the body is longer than it says.")


async def _drained(writer: asyncio.StreamWriter) -> None:
    async with asyncio.timeout(WRITE_SECONDS):
        await writer.drain()


async def _discard(reader: asyncio.StreamReader) -> None:
    size = 0
    with contextlib.suppress(TimeoutError):
        while size < MAX_DISCARDED and (data := await asyncio.wait_for(reader.read(1 << 18), 2)):
            size += len(data)


async def _line(reader: asyncio.StreamReader) -> bytes:
    try:
        return (await reader.readuntil(b"\r\n"))[:-2]
    except asyncio.LimitOverrunError as error:
        raise Refusal(400, "request_invalid", "A line of the body is too long.") from error


def _too_large(limit: int) -> Refusal:
    return Refusal(413, "body_too_large", f"The body is larger than {limit} bytes, the most this service takes.")

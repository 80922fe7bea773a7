"""What both servers are made of: the socket, the worker, health and counts, and an orderly end."""

import argparse
import asyncio
import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from .desk import Counts, Desk
from .frames import Frame
from .keeper import Call, Keeper, Standing
from .memory import proportional
from .server import Answer, Refusal, Request, Server, json_answer, log

FAILED = 3
"""Exit code of a server whose model could not be loaded."""
_MARGIN = 32 << 20

Route = Callable[[Request], Awaitable[Answer]]


def arguments(**defaults: Any) -> argparse.ArgumentParser:
    """Return the options that both servers take."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--socket", required=True, help="path of the unix socket")
    parser.add_argument("--timeout", type=float, default=40, help="seconds for one request")
    parser.add_argument("--stream-timeout", type=float, default=600, help="seconds for one answer in pieces")
    parser.add_argument("--concurrency", type=int, help="requests at a time")
    parser.add_argument("--queue", type=int, default=64, help="requests that may wait")
    parser.add_argument("--max-body", type=int, default=12 << 20, help="bytes of a request")
    parser.add_argument("--memory", type=int, default=0, help="bytes for all processes together, 0 for no limit")
    parser.add_argument("--start-timeout", type=float, default=600, help="seconds to load the model")
    parser.add_argument("--grace", type=float, default=25, help="seconds for running requests after SIGTERM")
    parser.add_argument("--linger", type=float, default=30, help="seconds to go on saying why the model could not be loaded")
    parser.set_defaults(**defaults)
    return parser


class Program:
    """A server with its worker. `routes` maps path and method to what answers; health, counts and metadata are there already."""

    def __init__(self, options: argparse.Namespace, worker: list[str], *, slots: int, most: int, silence: float = 0.0) -> None:
        self.options = options
        self.counts = Counts()
        self.desk = Desk(slots, options.queue)
        limit = max(0, options.memory - proportional([os.getpid()]) - _MARGIN) if options.memory else 0
        self.keeper = Keeper(
            worker,
            memory_limit=limit,
            start_seconds=options.start_timeout,
            max_frame=1 << 30,
            most=most,
            silence=silence,
            changed=self._note,
        )
        self.server = Server(self.handle, options.socket, options.max_body)
        self.routes: dict[tuple[str, str], Route] = {
            ("GET", "/health"): self._health,
            ("GET", "/metrics"): self._metrics,
            ("GET", "/metadata"): self._metadata,
        }

    def health(self) -> dict[str, Any]:
        """Return where the server stands."""
        standing = self.keeper.standing
        found: dict[str, Any] = {"status": standing.status, "since": standing.since, "restarts": max(0, standing.starts - 1)}
        return found | ({"code": standing.code, "message": standing.detail} if standing.code else {})

    def _note(self, _: Standing) -> None:
        """Keep the health in a file beside the socket, so that it can be read when nothing answers any more."""
        path = f"{self.options.socket}.json"
        with contextlib.suppress(OSError):
            with open(f"{path}.new", "w", encoding="utf-8") as file:
                json.dump(self.health(), file)
            os.replace(f"{path}.new", path)

    async def handle(self, request: Request) -> Answer:
        """Answer a request."""
        route = self.routes.get(("GET" if request.method == "HEAD" else request.method, request.path))
        if route is None:
            methods = sorted({method for method, path in self.routes if path == request.path})
            if not methods:
                raise Refusal(404, "not_found", "There is nothing at this address.")
            raise Refusal(405, "method_not_allowed", f"Use {' or '.join(methods)} here.", param=", ".join(methods))
        return await route(request)

    async def _health(self, request: Request) -> Answer:
        found = self.health()
        return json_answer(found, 200 if found["status"] == "ready" else 503)

    async def _metrics(self, request: Request) -> Answer:
        return json_answer(self.counts.as_json(self.desk) | self.health())

    async def _metadata(self, request: Request) -> Answer:
        await self.keeper.ready(0)
        return json_answer({name: value for name, value in self.keeper.metadata.items() if name != "event"})

    def limit(self, request: Request, most: float) -> float:
        """Return the seconds that a request may take: the service's limit, or less where its caller waits for less."""
        return min(most, request.seconds or most)

    async def call(self, request: Request, header: dict[str, Any], body: bytes, slots: int = 1) -> Call:
        """Wait for a turn and send a call to the worker. Raises `Refusal`. `leave` of the call is to be called in any case."""
        seconds = self.limit(request, self.options.timeout)
        until = time.monotonic() + seconds
        if self.keeper.standing.status != "restarting":
            await self.keeper.ready(0)
        await self.desk.enter(seconds)
        try:
            await self.keeper.ready(max(0.05, until - time.monotonic()))
        except BaseException:
            self.desk.leave(None)
            raise
        started = time.monotonic()

        def done() -> None:
            took = time.monotonic() - started
            self.counts.seconds += took
            self.desk.leave(took)

        return self.keeper.open({"timeout": seconds} | header, body, seconds, done)

    async def counted(self, request: Request, work: Awaitable[Answer]) -> Answer:
        """Return what `work` answers, counted; an answer in pieces is counted when its last one is sent."""
        self.counts.requests += 1
        try:
            answer = await work
        except Refusal as refusal:
            self.counts.answer(refusal.status, refusal.code)
            if refusal.status >= 500:
                log(f"request {request.headers.get('x-request-id', '')[:64]!r}: {refusal.code}: {refusal.message}")
            raise
        except asyncio.CancelledError:
            self.counts.left += 1
            raise
        if isinstance(answer.body, bytes):
            self.counts.answer(answer.status)
        else:
            answer.body = self._pieces(answer.body, answer.status)
        return answer

    async def _pieces(self, pieces: AsyncIterator[bytes], status: int) -> AsyncIterator[bytes]:
        code, whole = "", False
        try:
            async for piece in pieces:
                yield piece
            whole = True
        except Refusal as refusal:
            code, whole = refusal.code, True
            raise
        finally:
            await pieces.aclose()  # type: ignore[attr-defined]
            if whole:
                self.counts.answer(status, code)
            else:
                self.counts.left += 1

    async def run(self) -> int:
        """Serve until SIGTERM; return the exit code."""
        stop = asyncio.Event()
        signals = 0

        def asked() -> None:
            nonlocal signals
            signals += 1
            stop.set()
            if signals > 1:
                self.keeper.stop()

        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, asked)
        await self.server.open()
        self._note(self.keeper.standing)
        keeping = asyncio.ensure_future(self.keeper.run())
        stopping = asyncio.ensure_future(stop.wait())
        await asyncio.wait((keeping, stopping), return_when=asyncio.FIRST_COMPLETED)
        failed = keeping.done()
        if failed:
            keeping.result()
            log(self.keeper.standing.detail)
            await asyncio.wait((stopping,), timeout=self.options.linger)
        await self.server.close(0.5 if failed else self.options.grace)
        self.keeper.stop()
        await asyncio.wait((keeping,), timeout=5)
        # Calls that were open get their error before the connections go.
        await self.server.close(1)
        stopping.cancel()
        return FAILED if failed else 0


def refused(header: dict[str, Any]) -> Refusal:
    """Return the error that a worker sent."""
    status = header.get("status")
    code, retry = str(header.get("code", "model_error"))[:64], None
    status = status if isinstance(status, int) and 400 <= status < 600 else 500
    if status in (429, 503):
        retry = 1
    return Refusal(status, code, str(header.get("message", ""))[:2000], param=header.get("param"), retry_after=retry)


async def first(call: Call) -> Frame:
    """Return what a worker says first. Raises `Refusal` where that is an error."""
    header, body = await call.next()
    if header["event"] == "error":
        raise refused(header)
    return header, body


def event(data: bytes, name: str = "") -> bytes:
    """Return one server-sent event."""
    return (f"event: {name}\n".encode() if name else b"") + b"data: " + data + b"\n\n"


def main(program: Program) -> None:
    """Run a program and leave with its exit code."""
    sys.exit(asyncio.run(program.run()))

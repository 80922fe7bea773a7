"""The life of a worker process: started, watched, started again with back-off; and the calls that are open in it.

The model is loaded and called in a process of its own, so that whatever it does, the server goes on answering. A call that the worker
does not finish in its time, a crash, and memory that runs out end that process; the calls in it get an error with a code, all others wait
for the next one.
"""

import asyncio
import contextlib
import os
import signal
import socket
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from . import memory
from .frames import FD, Frame, FrameError, pack, read
from .server import Refusal, log

BACK_OFF = (0.1, 0.5, 1, 2, 5, 10, 20, 30)
"""Seconds before the worker is started again, by the number of times it ended within `STEADY` seconds of being ready."""
STEADY = 60
LOAD_TRIES = 3
"""A worker that ends while loading is tried so often; one that says why it cannot load, once, unless it could before."""
WATCH_SECONDS = 0.25

CODES = {
    "timeout": (504, "The model did not answer within {seconds:g} seconds. It was started again."),
    "out_of_memory": (500, "The model used more than its {limit} MB of memory and was ended. It was started again."),
    "worker_killed": (500, "The model was ended by signal {signal}, most likely because memory ran out. It was started again."),
    "worker_crashed": (500, "The model ended with {how} while it answered. It was started again."),
    "protocol": (500, "The model wrote into the connection of its server. It was started again."),
    "restarted": (503, "The model was started again because of another request. Try again."),
    "stopping": (503, "The service is stopping."),
}


class Call:
    """A call that is open in the worker. Frames are kept for who reads them, at most `most` before the worker has to wait."""

    def __init__(self, number: int, keeper: "Keeper", seconds: float, done: Callable[[], None]) -> None:
        self.number, self.seconds = number, seconds
        self._keeper, self._done = keeper, done
        self._frames: deque[Frame] = deque()
        self._changed = asyncio.Event()
        self._room = asyncio.Event()
        self.over = False
        self.left = False
        self.timer: asyncio.TimerHandle | None = None

    async def next(self) -> Frame:
        """Return what the worker says next. Ends with a frame whose event is one of `end`, `result` and `error`."""
        while not self._frames:
            self._changed.clear()
            await self._changed.wait()
        frame = self._frames.popleft()
        self._room.set()
        return frame

    async def give(self, frame: Frame, most: int) -> None:
        """Add a frame of the worker."""
        while len(self._frames) >= most and not self.left:
            self._room.clear()
            await self._room.wait()
        self.add(frame)

    def add(self, frame: Frame) -> None:
        """Add a frame at once; nothing follows one that ends the call."""
        if self.over:
            return
        if not self.left:
            self._frames.append(frame)
            self._changed.set()
        if frame[0].get("event") in ("end", "result", "error"):
            self.over = True
            self._keeper.forget(self)
            self._done()

    def leave(self) -> None:
        """Nobody waits any more: tell the worker, and drop what comes."""
        if not self.left:
            self.left = True
            self._frames.clear()
            self._room.set()
            if not self.over:
                self._keeper.say({"op": "cancel", "id": self.number})

    @property
    def waiting(self) -> bool:
        """Say whether it is the worker who is waited for."""
        return self.left or not self._frames


@dataclass
class Standing:
    """What the server can say about its worker. `code` and `detail` say why it failed or was last started again."""

    status: str = "starting"
    code: str = ""
    detail: str = ""
    since: float = 0.0
    starts: int = 0


class Keeper:
    """Keeps one worker alive. `argv` starts it; `memory_limit` bytes (0: none) are for it and its descendants.

    `silence` seconds are added to the time of a call before a worker that says nothing is killed. `most` frames of a call wait at most.
    """

    def __init__(
        self,
        argv: Sequence[str],
        *,
        memory_limit: int,
        start_seconds: float,
        max_frame: int,
        most: int,
        silence: float = 0.0,
        changed: Callable[[Standing], None] = lambda _: None,
    ) -> None:
        self._argv, self._memory, self._start_seconds = list(argv), memory_limit, start_seconds
        self._max_frame, self._most, self._silence, self._changed = max_frame, most, silence, changed
        self.standing = Standing(since=time.time())
        self.metadata: dict[str, Any] = {}
        self._calls: dict[int, Call] = {}
        self._number = 0
        self._ready = asyncio.Event()
        self._process: asyncio.subprocess.Process | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._why: tuple[str, dict[str, Any], Call | None] | None = None
        self._failure: tuple[str, str] | None = None
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Keep the worker alive until it fails for good or `stop` is called."""
        unsteady = loads = 0
        while not self._stopping.is_set():
            self.standing.starts += 1
            ready_at = await self._live()
            if self._stopping.is_set():
                break
            if ready_at is None:
                loads += 1
                if loads >= LOAD_TRIES or (self._failure and not self.metadata):
                    code, detail = self._failure or (self.standing.code, self.standing.detail)
                    self._stand("failed", code, detail)
                    return
            else:
                loads = 0
                unsteady = 0 if time.monotonic() - ready_at >= STEADY else unsteady + 1
            delay = BACK_OFF[min(max(unsteady, loads) - 1, len(BACK_OFF) - 1)] if max(unsteady, loads) else BACK_OFF[0]
            log(f"{self.standing.detail} Next start in {delay:g} s.")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), delay)
        self._stand("stopping")

    async def ready(self, seconds: float) -> None:
        """Wait until the worker can be called. Raises `Refusal` (503) where it cannot be, or not in time."""
        if self.standing.status == "starting":
            raise Refusal(503, "starting", "The service is starting. Try again in a moment.", retry_after=5)
        if self.standing.status == "restarting":
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ready.wait(), seconds)
        if self.standing.status == "failed":
            raise Refusal(503, self.standing.code, self.standing.detail)
        if self.standing.status == "stopping":
            raise Refusal(503, "stopping", CODES["stopping"][1], retry_after=5)
        if self.standing.status != "ready":
            raise Refusal(503, "restarting", "The model is being started again. Try again in a moment.", retry_after=5)

    def open(self, header: dict[str, Any], body: bytes, seconds: float, done: Callable[[], None]) -> Call:
        """Send a call to the worker, which is to say something each `seconds`; `done` is called once the worker is through with it."""
        self._number += 1
        call = Call(self._number, self, seconds, done)
        self._calls[call.number] = call
        self._arm(call)
        self.say(header | {"id": call.number}, body)
        return call

    def forget(self, call: Call) -> None:
        """Take a call that is over from the list."""
        self._calls.pop(call.number, None)
        if call.timer is not None:
            call.timer.cancel()

    def say(self, header: dict[str, Any], body: bytes = b"") -> None:
        """Send a frame to the worker, if there is one."""
        if self._writer is not None:
            self._writer.write(pack(header, body))

    def kill(self, code: str, call: Call | None = None, **facts: Any) -> None:
        """End the worker; `call` is to blame."""
        if self._process is not None and self._process.returncode is None and self._why is None:
            self._why = (code, facts, call)
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

    def stop(self) -> None:
        """End the worker and do not start it again."""
        self._stopping.set()
        if self.standing.status != "failed":
            self._stand("stopping")
        self._ready.set()
        self.kill("stopping")

    def _arm(self, call: Call) -> None:
        if call.timer is not None:
            call.timer.cancel()
        call.timer = asyncio.get_running_loop().call_later(call.seconds + self._silence, self._expire, call)

    def _expire(self, call: Call) -> None:
        if call.over:
            return
        if call.waiting:
            self.kill("timeout", call, seconds=call.seconds)
        else:
            self._arm(call)

    def _stand(self, status: str, code: str = "", detail: str = "") -> None:
        self.standing.status, self.standing.code, self.standing.detail = status, code, detail
        self.standing.since = time.time()
        if status == "ready":
            self._ready.set()
        else:
            self._ready.clear()
        if status in ("failed", "stopping"):
            self._ready.set()
        self._changed(self.standing)

    async def _live(self) -> float | None:
        """Start a worker and wait for its end; return when it was ready, or None."""
        self._why, self._failure, ready_at = None, None, list[float]()
        ours, theirs = socket.socketpair()
        try:
            environment = os.environ | {FD: str(theirs.fileno())}
            process = await asyncio.create_subprocess_exec(
                *self._argv, stdin=asyncio.subprocess.DEVNULL, pass_fds=(theirs.fileno(),), start_new_session=True, env=environment
            )
        except OSError as error:
            ours.close()
            self._stand("restarting" if self.metadata else "starting", "worker_not_started", f"The worker could not be started: {error}.")
            return None
        finally:
            theirs.close()
        reader, writer = await asyncio.open_connection(sock=ours, limit=1 << 20)
        self._process, self._writer = process, writer
        listen = asyncio.ensure_future(self._listen(reader, ready_at))
        watch = asyncio.ensure_future(self._watch(process, ready_at))
        try:
            code = await process.wait()
            # What was written before the end is still to be read; descendants may hold the connection open.
            await asyncio.wait((listen,), timeout=0.5)
        finally:
            for task in (listen, watch):
                task.cancel()
            self._process = self._writer = None
            writer.close()
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
        self._ended(code, bool(ready_at))
        return ready_at[0] if ready_at else None

    async def _listen(self, reader: asyncio.StreamReader, ready_at: list[float]) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                try:
                    header, body = await read(reader, self._max_frame)
                except FrameError:
                    self.kill("protocol")
                    return
                event, number = header.get("event"), header.get("id")
                if event == "ready" and not ready_at:
                    ready_at.append(time.monotonic())
                    self.metadata = header
                    self._stand("ready")
                elif event == "failed":
                    self._failure = (str(header.get("code"))[:64], str(header.get("message"))[:2000])
                elif isinstance(number, int) and (call := self._calls.get(number)):
                    self._arm(call)
                    await call.give((header, body), self._most)

    async def _watch(self, process: asyncio.subprocess.Process, ready_at: list[float]) -> None:
        """End a worker that takes too much memory, or too long to be ready."""
        started = time.monotonic()
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            if not ready_at and time.monotonic() - started > self._start_seconds:
                self._failure = ("start_timeout", f"The model was not loaded within {self._start_seconds:g} seconds.")
                self.kill("timeout", seconds=self._start_seconds)
            if self._memory and memory.used(process.pid, self._memory) > self._memory:
                self.kill("out_of_memory", limit=self._memory >> 20)

    def _ended(self, code: int, was_ready: bool) -> None:
        """Tell the calls that were open, and the standing, why the worker ended."""
        blamed: Call | None = None
        if self._why is not None:
            reason, facts, blamed = self._why
        elif code == -signal.SIGKILL:
            reason, facts = "worker_killed", {"signal": "SIGKILL"}
        else:
            reason, facts = "worker_crashed", {"how": how_ended(code)}
        status, sentence = CODES[reason]
        sentence = sentence.format(**facts)
        for call in list(self._calls.values()):
            told = (reason, status, sentence) if blamed in (None, call) else ("restarted", *CODES["restarted"])
            call.add(({"event": "error", "code": told[0], "status": told[1], "message": told[2]}, b""))
        if self._stopping.is_set():
            return
        if not was_ready:
            reason, sentence = self._failure or (reason, sentence.split(" It was started again")[0].replace(" while it answered", ""))
            self._stand("restarting" if self.metadata else "starting", reason, sentence)
        else:
            self._stand("restarting", reason, sentence)


def how_ended(code: int) -> str:
    """Return how a process ended, from its exit code or the negative number of a signal."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"signal {signal.Signals(-code).name}"
    except ValueError:
        return f"signal {-code}"

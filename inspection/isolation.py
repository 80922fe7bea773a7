"""Running a parser of hostile contents in a confined process.

The process has a bounded memory and time, an empty environment, and no way to open a file or a socket; what it reads are ranges
it asks for, which are answered here. What it says is JSON that the database can hold, and is believed to be nothing else.
"""

import json
import logging
import math
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from inspection.child import DESCRIPTORS
from inspection.files import File, Unreadable
from inspection.nursery import NUMBER

logger = logging.getLogger(__name__)

MIB = 1 << 20
BEAT_SECONDS = 5.0
MOST_NURSERIES = 6
"""At once and in this process, each of 30 to 100 MB, most of it shared with the others."""
MOST_SAID = 64 * MIB
MOST_READ = 64 * MIB
_UNFIT = re.compile(rb"\\u0000|\\ud[89a-f]|NaN|Infinity", re.IGNORECASE)
_UNFIT_CHARACTERS = re.compile("[\0\ud800-\udfff]")
_BEGIN_SECONDS = 60.0
_ROOT = Path(__file__).resolve().parent.parent
_ENVIRONMENT = {
    "LANG": "C.UTF-8",
    "TZ": "UTC",
    "MALLOC_ARENA_MAX": "2",
    # Fixed, large blocks go back to the system when they are freed; left to itself glibc keeps them in a heap that falls to pieces.
    "MALLOC_MMAP_THRESHOLD_": "4194304",
    "MALLOC_TRIM_THRESHOLD_": "16777216",
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    "OMP_NUM_THREADS": "1",
}


@dataclass(frozen=True)
class Limits:
    """`memory` is in bytes of data the process may have for itself, `cpu` in seconds of processor time, `wall` in seconds.

    With what the libraries take from their files the process stays below 512 MB.
    """

    memory: int = 508 * MIB
    cpu: int = 60
    wall: float = 120.0


class Interrupted(Exception):
    """The caller's `beat` said that the work belongs to somebody else now."""


Beat = Callable[[int, int], bool]
Take = Callable[[bytes, dict[str, Any]], None]


def run(
    target: str,
    arguments: Mapping[str, Any],
    *,
    files: Sequence[File] = (),
    inputs: Sequence[BinaryIO] = (),
    limits: Limits = Limits(),
    beat: Beat | None = None,
    take: Take | None = None,
    warm: str = "",
) -> Any:
    """Return what `target` (`module:function`) returns for `arguments`, JSON on both ways, called in a confined process.

    The function gets `files=` and `inputs=` where there are any: the files read through this process, the inputs are open files
    handed over. `beat(done, of)` is called every few seconds and with each progress the function reports; False stops the work with
    `Interrupted`. `take(data, facts)` gets what the function hands over in pieces.

    The process is forked by one that has imported the module, and waits for the next call for a while; `warm` names another module
    that imports this one, so that several targets share it. Every confined process serves one call only.

    Raises `Unreadable` as the function does, or with the code `out_of_memory`, `out_of_time` or `crashed`; whatever reading a file
    raises here passes through.
    """
    setup = {
        "target": target,
        "arguments": dict(arguments),
        "files": [[file.path, file.size] for file in files],
        "inputs": len(inputs),
        "memory": limits.memory,
        "cpu": limits.cpu,
    }
    child = _begin(warm or target.partition(":")[0])
    with child.channel:
        try:
            return _Talk(child.channel, files, limits.wall, beat, take).result(setup, [given.fileno() for given in inputs])
        except _Hung as error:
            raise Unreadable("out_of_time") from error
        except (_Closed, BrokenPipeError, ConnectionResetError) as error:
            status = child.wait()
            raise Unreadable("out_of_time" if status in (-signal.SIGXCPU, -signal.SIGKILL) else "crashed") from error
        finally:
            child.end()


class _Child:
    """A confined process that waits for its one request on `channel`; `line` is what the nursery says of it."""

    def __init__(self, channel: socket.socket, line: socket.socket, number: int) -> None:
        self.channel, self.line, self.number = channel, line, number
        self.status: int | None = None

    def wait(self) -> int:
        """Return how the process exited, once it has: a signal as a negative number."""
        if self.status is None:
            said = self.line.recv(NUMBER.size, socket.MSG_WAITALL)
            # A nursery that was killed takes its processes with it.
            self.status = NUMBER.unpack(said)[0] if len(said) == NUMBER.size else 1
        return self.status

    def end(self) -> None:
        """Kill the process and wait for its end."""
        with self.line, suppress(OSError):
            self.line.shutdown(socket.SHUT_WR)
            self.wait()


class _Nursery:
    """A started `inspection.nursery` that has imported `module`, or is about to."""

    def __init__(self, module: str) -> None:
        self.control, theirs = socket.socketpair()
        code = f"import sys; sys.path.insert(0, {str(_ROOT)!r}); from inspection.nursery import main; main({theirs.fileno()}, {module!r})"
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-I", "-c", code],
                env=_ENVIRONMENT,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )

    def begin(self) -> _Child | None:
        """Return a new confined process, or None where the nursery is over."""
        channel, its_channel = socket.socketpair()
        line, its_line = socket.socketpair()
        with its_channel, its_line, suppress(OSError):
            socket.send_fds(self.control, [b"+"], [its_channel.fileno(), its_line.fileno()])
        with suppress(OSError):
            line.settimeout(_BEGIN_SECONDS)
            said = line.recv(NUMBER.size, socket.MSG_WAITALL)
            line.settimeout(None)
            if len(said) == NUMBER.size:
                return _Child(channel, line, NUMBER.unpack(said)[0])
        channel.close()
        line.close()
        return None


_nurseries: dict[str, _Nursery] = {}
_nurseries_of = os.getpid()
_nurseries_lock = threading.Lock()


def _begin(module: str) -> _Child:
    for _again in range(2):
        nursery = _nursery(module)
        if child := nursery.begin():
            return child
        _leave(nursery)
    raise Unreadable("crashed")


def _nursery(module: str) -> _Nursery:
    """Return the nursery of a module, started where there is none; of too many, the one that was used longest ago is left."""
    global _nurseries_of
    with _nurseries_lock:
        if _nurseries_of != os.getpid():
            # What a fork inherits belongs to the other one.
            for inherited in _nurseries.values():
                inherited.control.close()
            _nurseries.clear()
            _nurseries_of = os.getpid()
        nursery = _nurseries.pop(module, None)
        if nursery is not None and nursery.process.poll() is not None:
            nursery.control.close()
            nursery = None
        while len(_nurseries) >= MOST_NURSERIES:
            _nurseries.pop(next(iter(_nurseries))).control.close()
        _nurseries[module] = nursery or _Nursery(module)
        return _nurseries[module]


def _leave(nursery: _Nursery) -> None:
    with _nurseries_lock:
        for module in [module for module, kept in _nurseries.items() if kept is nursery]:
            del _nurseries[module]
    nursery.control.close()


def leave() -> None:
    """End the nurseries of this process, once their calls are over, and wait for that."""
    with _nurseries_lock:
        left = list(_nurseries.values())
        _nurseries.clear()
    for nursery in left:
        nursery.control.close()
        nursery.process.wait()


def _storable(said: Any) -> Any:
    """Return what was said as the database takes it: no NUL, no half of a surrogate pair, no number that is none."""
    match said:
        case str():
            return _UNFIT_CHARACTERS.sub("\N{REPLACEMENT CHARACTER}", said)
        case float():
            return said if math.isfinite(said) else None
        case list():
            return [_storable(value) for value in said]
        case dict():
            return {_storable(key): _storable(value) for key, value in said.items()}
    return said


class _Hung(Exception):
    """The time is over."""


class _Closed(Exception):
    """The other side is gone."""


class _Talk:
    """The parent's side of the conversation: frames of a length in four bytes and a body."""

    def __init__(self, channel: socket.socket, files: Sequence[File], wall: float, beat: Beat | None, take: Take | None) -> None:
        self.channel, self.files, self.beat, self.take = channel, files, beat, take
        self.until = time.monotonic() + wall
        self.next_beat = time.monotonic() + BEAT_SECONDS
        self.progress = (0, 0)

    def result(self, setup: dict[str, Any], descriptors: Sequence[int]) -> Any:
        self._send(json.dumps(setup).encode())
        for first in range(0, len(descriptors), DESCRIPTORS):
            socket.send_fds(self.channel, [b"+"], descriptors[first : first + DESCRIPTORS])
        while True:
            match self._message():
                case {"read": [int(index), int(start), int(end)]} if (
                    0 <= index < len(self.files) and 0 <= start <= end <= start + MOST_READ
                ):
                    self._send(self.files[index].read(start, end))
                case {"progress": [int(done), int(of)]}:
                    self.progress = (done, of)
                    self._beat()
                case {"piece": dict(facts)}:
                    data = self._frame()
                    if self.take is not None:
                        self.take(data, facts)
                    self._send(b"")
                case {"result": result}:
                    return result
                case {"unreadable": str(code), "facts": dict(facts)}:
                    raise Unreadable(code, **{str(key): value for key, value in facts.items() if str(key).isidentifier()})
                case {"defect": str(trace)}:
                    logger.error("a reader failed in its confined process\n%s", trace)
                    raise Unreadable("crashed")
                case _:
                    raise _Closed

    def _message(self) -> Any:
        body = self._frame()
        try:
            said = json.loads(body)
            return _storable(said) if _UNFIT.search(body) else said
        except (ValueError, RecursionError) as error:
            raise _Closed from error

    def _frame(self) -> bytes:
        (length,) = struct.unpack(">I", self._exactly(4))
        if length > MOST_SAID + MIB:
            raise _Closed
        return self._exactly(length)

    def _exactly(self, length: int) -> bytes:
        received = bytearray()
        while len(received) < length:
            now = time.monotonic()
            if now >= self.next_beat:
                self._beat()
            if now >= self.until:
                raise _Hung
            self.channel.settimeout(max(0.01, min(self.until, self.next_beat) - now))
            try:
                data = self.channel.recv(min(length - len(received), MIB))
            except TimeoutError:
                continue
            if not data:
                raise _Closed
            received += data
        return bytes(received)

    def _send(self, data: bytes) -> None:
        self.channel.settimeout(max(0.01, self.until - time.monotonic()))
        try:
            self.channel.sendall(struct.pack(">I", len(data)))
            if data:  # after the length of an empty frame the other side may be gone already
                self.channel.sendall(data)
        except TimeoutError as error:
            raise _Hung from error

    def _beat(self) -> None:
        self.next_beat = time.monotonic() + BEAT_SECONDS
        if self.beat is not None and not self.beat(*self.progress):
            raise Interrupted

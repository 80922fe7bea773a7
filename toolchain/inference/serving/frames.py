"""Messages between a server and its worker process over a socket: a JSON header and bytes.

A frame is two big-endian numbers (32 bits: length of the header, 64 bits: length of the bytes), the header in UTF-8, and the bytes.
"""

import asyncio
import json
import socket
import struct
import threading
from typing import Any, BinaryIO

_LENGTHS = struct.Struct("!IQ")
MAX_HEADER = 256 << 20
FD = "SERVING_FD"
"""The variable with the number of the worker's end of the socket."""

Frame = tuple[dict[str, Any], bytes]


class FrameError(Exception):
    """The other side sent something that is no frame."""


def pack(header: dict[str, Any], body: bytes = b"") -> bytes:
    """Return a frame as bytes."""
    head = json.dumps(header, separators=(",", ":")).encode()
    return b"".join((_LENGTHS.pack(len(head), len(body)), head, body))


def _header(head: bytes) -> dict[str, Any]:
    try:
        header = json.loads(head)
    except (ValueError, RecursionError) as error:
        raise FrameError("a header is not JSON") from error
    if not isinstance(header, dict):
        raise FrameError("a header is not an object")
    return header


async def read(reader: asyncio.StreamReader, limit: int) -> Frame:
    """Return the next frame. Raises `FrameError` above `limit` bytes or for what is none, `IncompleteReadError` at the end."""
    head, body = _LENGTHS.unpack(await reader.readexactly(_LENGTHS.size))
    if head > MAX_HEADER or body > limit:
        raise FrameError("a frame is too large")
    return _header(await reader.readexactly(head)), await reader.readexactly(body) if body else b""


class Line:
    """The worker's end. `send` may be called from any thread, `receive` from one."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._reader: BinaryIO = connection.makefile("rb")
        self._lock = threading.Lock()

    def send(self, header: dict[str, Any], body: bytes = b"") -> None:
        """Send a frame; waits while the other side does not read."""
        data = pack(header, body)
        with self._lock:
            self._connection.sendall(data)

    def receive(self) -> Frame | None:
        """Return the next frame, None once the other side is gone."""
        lengths = self._exactly(_LENGTHS.size)
        if lengths is None:
            return None
        head_length, length = _LENGTHS.unpack(lengths)
        head = self._exactly(head_length)
        body = self._exactly(length) if length else b""
        return None if head is None or body is None else (_header(head), body)

    def _exactly(self, count: int) -> bytes | None:
        try:
            data = self._reader.read(count)
        except OSError:
            return None
        return data if len(data) == count else None

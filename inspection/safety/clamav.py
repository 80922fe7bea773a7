"""Asking a ClamAV daemon about a file, from the worker itself: the daemon is our operator's, the confined process has no network.

Source of the protocol: the manual page of clamd, commands INSTREAM and PING with the prefix `z`.
"""

import socket
import struct
from contextlib import suppress
from urllib.parse import urlsplit

from inspection.files import File, Unreadable

PIECE = 256 << 10
PORT = 3310
SECONDS = 60.0
MOST_ANSWER = 4096


class Unavailable(Exception):
    """The daemon cannot be reached or does not answer; later it may."""


def virus(address: str, file: File, *, seconds: float = SECONDS) -> str | None:
    """Return the name of the signature that fits `file`, or None. `address` is `tcp://host:3310` or `unix:/path`.

    Raises `Unavailable`, and `Unreadable`: `clamav_too_large` beyond the daemon's own limit, `clamav_failed`.
    """
    try:
        with _connected(address, seconds) as channel:
            # The daemon hangs up in the middle of a file that is too large for it; its answer can still be read.
            with suppress(BrokenPipeError, ConnectionResetError):
                channel.sendall(b"zINSTREAM\0")
                for start in range(0, file.size, PIECE):
                    data = file.read(start, min(start + PIECE, file.size))
                    channel.sendall(struct.pack(">I", len(data)) + data)
                channel.sendall(struct.pack(">I", 0))
            answer = _answer(channel)
    except OSError as error:
        raise Unavailable(str(error)) from error
    if answer.endswith(" FOUND"):
        return answer.removeprefix("stream: ").removesuffix(" FOUND")[:200]
    if answer == "stream: OK":
        return None
    if "size limit exceeded" in answer:
        raise Unreadable("clamav_too_large")
    if not answer:
        raise Unavailable("no answer")
    raise Unreadable("clamav_failed", answer=answer[:200])


def _connected(address: str, seconds: float) -> socket.socket:
    parts = urlsplit(address)
    if parts.scheme == "tcp":
        return socket.create_connection((str(parts.hostname), parts.port or PORT), timeout=seconds)
    channel = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    channel.settimeout(seconds)
    try:
        channel.connect(parts.path)
    except OSError:
        channel.close()
        raise
    return channel


def _answer(channel: socket.socket) -> str:
    received = b""
    while b"\0" not in received and len(received) < MOST_ANSWER:
        data = channel.recv(MOST_ANSWER)
        if not data:
            break
        received += data
    return received.partition(b"\0")[0].decode("utf-8", "replace").strip()

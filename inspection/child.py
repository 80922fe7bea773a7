"""The confined process: it loads one function, gives up every right it does not need, and calls it.

Begun by `inspection.nursery` only. After `_confine` no file and no socket can be opened: everything a parser needs has to be
imported by its module.
"""

import codecs
import ctypes
import json
import os
import resource
import signal
import socket
import struct
import traceback
from contextlib import suppress
from importlib import import_module
from typing import Any, NoReturn

from inspection.files import File, Unreadable

# A codec is a module that is imported with its first use, which would be too late.
for _name in (
    "ascii", "latin-1", "cp437", "cp1252", "gb18030", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be",
    "unicode_escape", "raw_unicode_escape", "idna", "punycode",
):  # fmt: skip
    codecs.lookup(_name)
NOBODY = 65534
DESCRIPTORS = 200
_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38
_channel: socket.socket


def serve(channel: socket.socket, parent: int) -> NoReturn:
    """Serve the one request that comes over `channel`, and end; `parent` is the process that forked this one."""
    global _channel
    _channel = channel
    setup = json.loads(_receive())
    module, _colon, name = setup["target"].partition(":")
    holder = import_module(module)
    function = getattr(holder, name)
    # What has to be started before the rights for it are gone, and after the fork.
    getattr(holder, "prepare", lambda: None)()
    files = [_file(index, path, size) for index, (path, size) in enumerate(setup["files"])]
    inputs = [os.fdopen(number, "rb") for number in _descriptors(setup["inputs"])]
    given = {key: value for key, value in (("files", files), ("inputs", inputs)) if value}
    _confine(setup["memory"], setup["cpu"], parent)
    try:
        said: dict[str, Any] = {"result": function(**setup["arguments"], **given)}
        body = json.dumps(said).encode()
    except Unreadable as error:
        body = json.dumps({"unreadable": error.code, "facts": error.facts}).encode()
    except MemoryError:
        body = b'{"unreadable": "out_of_memory", "facts": {}}'
    except Exception as error:
        body = json.dumps({"defect": "".join(traceback.format_exception(error, limit=-6))[-4000:]}).encode()
    _send(body)
    # The rest of the interpreter has nothing to say; a defect in the tearing down of a library must not look like a crash.
    os._exit(0)


def progress(done: int, of: int) -> None:
    """Tell how far the work is; where the function runs unconfined nobody asks."""
    if "_channel" in globals():
        _send(json.dumps({"progress": [done, of]}).encode())


def hand_over(data: bytes, **facts: Any) -> None:
    """Give the caller a piece of the outcome, at most 64 MiB, and wait until it has it."""
    _send(json.dumps({"piece": facts}).encode())
    _send(data)
    _receive()


def _confine(memory: int, cpu: int, parent: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
    # A change of the user clears it, hence here.
    libc.prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    for kind, limit in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_DATA, memory),
        (resource.RLIMIT_CPU, cpu),
        (resource.RLIMIT_NOFILE, 0),
    ):
        resource.setrlimit(kind, (limit, limit))


def _file(index: int, path: str, size: int) -> File:
    def read(start: int, end: int) -> bytes:
        if start >= min(end, size):
            return b""
        _send(json.dumps({"read": [index, start, min(end, size)]}).encode())
        return _receive()

    return File(path, size, read)


def _descriptors(count: int) -> list[int]:
    found: list[int] = []
    while len(found) < count:
        data, received, _flags, _address = socket.recv_fds(_channel, 1, DESCRIPTORS)
        if not data or not received:
            os._exit(1)
        found += received
    return found


def _receive() -> bytes:
    (length,) = struct.unpack(">I", _exactly(4))
    return bytes(_exactly(length))


def _exactly(length: int) -> bytearray:
    received = bytearray()
    while len(received) < length:
        data = _channel.recv(min(length - len(received), 1 << 20))
        if not data:
            os._exit(1)
        received += data
    return received


def _send(data: bytes) -> None:
    with suppress(BrokenPipeError):
        _channel.sendall(struct.pack(">I", len(data)))
        _channel.sendall(data)

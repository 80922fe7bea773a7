"""Functions for the confined process that try what it must not."""

import os
import resource
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from inspection.child import hand_over, progress
from inspection.files import File, Unreadable


def heads(files: list[File], length: int) -> list[str]:
    return [file.read(0, length).hex() for file in files]


def whole(files: list[File]) -> int:
    with files[0].open() as stream:
        return sum(len(piece) for piece in iter(lambda: stream.read(1 << 20), b""))


def read_input(inputs: list[Any]) -> str:
    return str(inputs[0].read().decode())


def rights() -> dict[str, str]:
    found = {"environment": ",".join(sorted(os.environ)), "user": str(os.geteuid())}
    for name, attempt in {
        "file": lambda: Path("/etc/passwd").read_bytes(),
        "socket": lambda: socket.create_connection(("127.0.0.1", 1)),
        "write": lambda: Path("/tmp/never").write_bytes(b""),
    }.items():
        try:
            attempt()
            found[name] = "possible"
        except OSError as error:
            found[name] = os.strerror(error.errno or 0)
    return found


def refuse(code: str) -> None:
    raise Unreadable(code, line=3)


def hoard() -> int:
    return len(b"x" * (1 << 34))


def spin() -> None:
    while True:
        pass


def sleep_on() -> None:
    import select

    select.select([], [], [], 3600)


def say_and_sleep_on() -> None:
    hand_over(str(os.getpid()).encode())
    sleep_on()


_left: list[int] = []


def leave_behind() -> int:
    _left.append(1)
    return len(_left)


def die() -> None:
    os.abort()


def pieces(count: int) -> int:
    for number in range(count):
        hand_over(bytes([number]) * 10, number=number)
        progress(number + 1, count)
    return count


def unfit() -> Any:
    return {"nul\0": "half \ud800", "whole": "\U0001f600", "numbers": [float("nan"), float("-inf"), 1.5]}


def lie() -> Any:
    return {"deep": [1, 2, {"a": None}]}


def process(inputs: Sequence[Any] = ()) -> dict[str, Any]:
    return {
        "number": os.getpid(),
        "parent": os.getppid(),
        "inputs": [stream.read().decode() for stream in inputs],
        "data": resource.getrlimit(resource.RLIMIT_DATA)[0],
    }

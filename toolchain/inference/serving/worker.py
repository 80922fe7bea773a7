"""The process that holds a custom model: loads `gallery_inference/inference.py` once, then answers calls one after the other.

Frames in: `{"op": "call", "id", "content_type", "query"}` with the body of the request, and `{"op": "cancel", "id"}`.
Frames out: `ready` or `failed`; then for each call `result` (`content_type`), or `open` (`form`), `piece`, …, `end`, or `error`.
"""

import argparse
import os
import queue
import resource
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .bodies import BodyError, read
from .frames import FD, Line
from .loading import LoadError, Served, find, import_script, last_line, signature
from .results import ResultError, binary, is_stream, to_json


class Worker:
    """Answers calls with a model."""

    def __init__(self, served: Served, line: Line) -> None:
        self._served, self._line = served, line
        self._signature = signature(served.call)
        self._waiting: queue.SimpleQueue[tuple[dict[str, Any], bytes]] = queue.SimpleQueue()
        self._cancelled: set[int] = set()

    def listen(self) -> None:
        """Take frames until the server is gone; then nothing is left to do for this process."""
        while (frame := self._line.receive()) is not None:
            if frame[0]["op"] == "cancel":
                self._cancelled.add(frame[0]["id"])
            else:
                self._waiting.put(frame)
        os._exit(0)

    def work(self) -> None:
        """Answer calls for ever."""
        while True:
            header, body = self._waiting.get()
            number = header["id"]
            try:
                self._answer(number, header, body)
            finally:
                self._cancelled.discard(number)

    def _answer(self, number: int, header: dict[str, Any], body: bytes) -> None:
        if number in self._cancelled:
            self._error(number, 499, "cancelled", "The client left.")
            return
        try:
            inputs, parameters = read(header["content_type"], header["query"], body)
            if self._signature is not None:
                self._signature.bind(inputs, **parameters)
        except BodyError as error:
            self._error(number, error.status, error.code, str(error), error.param)
            return
        except TypeError as error:
            self._error(number, 400, "parameters_invalid", f"The model does not take these parameters: {error}.", "parameters")
            return
        started = time.monotonic()
        try:
            value = self._served.call(inputs, **parameters)
            if is_stream(value):
                self._stream(number, value)
                return
            file = binary(value)
            data, kind = file if file is not None else (to_json(value), "application/json")
        except Exception as error:
            self._refuse(number, error)
            return
        except (SystemExit, KeyboardInterrupt) as error:
            # A model that calls sys.exit means this request, not its service.
            self._refuse(number, error)
            return
        self._line.send({"event": "result", "id": number, "content_type": kind, "seconds": time.monotonic() - started}, data)

    def _stream(self, number: int, pieces: Iterator[Any]) -> None:
        """Send what a generator yields; the first piece decides whether it is text, files or JSON."""
        form = ""
        try:
            for piece in pieces:
                if number in self._cancelled:
                    self._error(number, 499, "cancelled", "The client left.")
                    return
                file = binary(piece)
                if not form:
                    form = "text" if isinstance(piece, str) else "binary" if file is not None else "json"
                    self._line.send({"event": "open", "id": number, "form": form, "content_type": file[1] if file else ""})
                if form == "text" and isinstance(piece, str):
                    data = piece.encode("utf-8", "backslashreplace")
                else:
                    data = file[0] if form == "binary" and file is not None else to_json(piece)
                self._line.send({"event": "piece", "id": number}, data)
        except Exception as error:
            self._refuse(number, error)
            return
        finally:
            close = getattr(pieces, "close", None)
            if close is not None:
                self._closed(close)
        if not form:
            self._line.send({"event": "open", "id": number, "form": "json", "content_type": ""})
        self._line.send({"event": "end", "id": number})

    def _closed(self, close: Any) -> None:
        try:
            close()
        except Exception:
            traceback.print_exc()

    def _refuse(self, number: int, error: BaseException) -> None:
        """Send an exception as the answer of its request; its traceback goes to the log."""
        traceback.print_exception(error)
        sys.stderr.flush()
        if isinstance(error, ResultError):
            self._error(number, 500, "result_invalid", str(error))
        elif isinstance(error, MemoryError) or "can't allocate memory" in str(error) or type(error).__name__ == "OutOfMemoryError":
            self._error(number, 500, "out_of_memory", f"Memory ran out while the model answered: {last_line(error)}")
        else:
            status = getattr(error, "status_code", None)
            meant = isinstance(status, int) and 400 <= status < 600
            self._error(number, status if meant else 500, "request_refused" if meant else "model_error", last_line(error))

    def _error(self, number: int, status: Any, code: str, message: str, param: str | None = None) -> None:
        self._line.send({"event": "error", "id": number, "status": status, "code": code, "message": message, "param": param})


def guard() -> None:
    """Leave SIGTERM to the server, which ends this process once its calls are answered; processes that the model forks heed it."""
    mine = os.getpid()

    def heed(number: int, _: object) -> None:
        if os.getpid() != mine:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)

    signal.signal(signal.SIGTERM, heed)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def connect() -> Line:
    """Return the line to the server that started this process."""
    number = int(os.environ.pop(FD))
    os.set_inheritable(number, False)
    return Line(socket.socket(fileno=number))


def limit_data(size: int) -> None:
    """Let allocations above `size` bytes fail, so that they are an exception of one request and not the end of the process.

    Not where there are cards, whose drivers map much more than they use.
    """
    if size and not any(Path(device).exists() for device in ("/dev/nvidiactl", "/dev/davinci_manager")):
        hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
        size = size if hard == resource.RLIM_INFINITY else min(size, hard)
        resource.setrlimit(resource.RLIMIT_DATA, (size, hard))


def step_aside() -> None:
    """Forget how this package was found: a model may have scripts of the same names."""
    package = (__package__ or "").split(".")[0]
    for name in [name for name in sys.modules if name == package or name.startswith(f"{package}.")]:
        del sys.modules[name]
    home = str(Path(__file__).resolve().parents[1])
    sys.path[:] = [place for place in sys.path if place not in ("", home, os.getcwd())]
    places = [place for place in os.environ.get("PYTHONPATH", "").split(os.pathsep) if place not in ("", home)]
    os.environ["PYTHONPATH"] = os.pathsep.join(places)


def main() -> None:
    """Load the model named by ENV_AG_MODEL_DIR and serve the process that started this one."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data-limit", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    guard()
    line = connect()
    limit_data(options.data_limit)
    step_aside()
    try:
        served = find(import_script(Path(os.environ["ENV_AG_MODEL_DIR"])))
    except LoadError as error:
        if error.__cause__ is not None:
            traceback.print_exception(error.__cause__)
        line.send({"event": "failed", "code": error.code, "message": str(error)})
        sys.exit(1)
    worker = Worker(served, line)
    line.send({"event": "ready"} | served.metadata())
    threading.Thread(target=worker.listen, daemon=True).start()
    for _ in range(options.threads - 1):
        threading.Thread(target=worker.work, daemon=True).start()
    worker.work()


if __name__ == "__main__":
    main()

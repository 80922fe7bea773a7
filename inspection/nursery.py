"""A process that has imported what a parser needs, and forks a confined process for every call: none of them waits for imports.

It reads nothing but requests to fork, so nothing hostile reaches it, and each call still has a process of its own that serves nobody
else. What the calls share is the layout of their memory and the seed of their hashes, for as long as the nursery is used.
Started by `inspection.isolation` only, with nothing but the standard library and what the parser imports.
"""

import gc
import os
import select
import signal
import socket
import struct
import sys
from contextlib import suppress
from importlib import import_module
from typing import Any

from inspection.child import serve

IDLE_SECONDS = 120.0
NUMBER = struct.Struct("=i")
"""What is said on the line of a call: the number of its process, and in the end how that exited."""


class _Unwanted:
    """Arrow imports pandas where it is installed, which takes longer than all that is needed, and a gallery has none."""

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> None:
        if name == "pandas":
            raise ModuleNotFoundError(name)


def main(control: int, module: str) -> None:
    """Fork for each request over the socket `control`, until nobody asked for a while or the other side is gone and all calls are over."""
    sys.meta_path.insert(0, _Unwanted)
    import_module(module)
    gc.collect()
    gc.freeze()
    _Nursery(socket.socket(fileno=control)).watch()


class _Nursery:
    """The calls that are under way: for each process the line to whoever asked for it."""

    def __init__(self, control: socket.socket) -> None:
        self.control = control
        self.lines: dict[int, socket.socket] = {}
        self.given_up: set[int] = set()
        self.woken, self.bell = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.signal(signal.SIGCHLD, lambda *_signal: None)
        signal.set_wakeup_fd(self.bell)

    def watch(self) -> None:
        asked = True
        while asked or self.lines:
            calls = {line: pid for pid, line in self.lines.items() if pid not in self.given_up}
            waited: list[Any] = [self.woken, *calls, *([self.control] if asked else [])]
            ready = select.select(waited, [], [], None if self.lines else IDLE_SECONDS)[0]
            if not ready:
                return
            for line in ready:
                # Whoever asked hung up.
                if pid := calls.get(line):
                    self.given_up.add(pid)
                    os.kill(pid, signal.SIGKILL)
            if self.woken in ready:
                self._reap()
            if self.control in ready:
                asked = self._begin()

    def _begin(self) -> bool:
        """Fork for one request; False where the other side is gone."""
        data, received, _flags, _address = socket.recv_fds(self.control, 1, 2)
        if not data:
            return False
        channel, line = (socket.socket(fileno=number) for number in received)
        nursery = os.getpid()
        try:
            pid = os.fork()
        except OSError:
            # Whoever asked sees both ends closed.
            pid = -1
        if pid == 0:
            try:
                self._leave(line)
                serve(channel, nursery)
            finally:
                os._exit(1)
        channel.close()
        if pid > 0:
            self.lines[pid] = line
            self._say(line, pid)
        else:
            line.close()
        return True

    def _leave(self, line: socket.socket) -> None:
        """Give up, in the new process, everything that is the nursery's."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for number in (self.woken, self.bell):
            os.close(number)
        for each in (self.control, line, *self.lines.values()):
            each.close()

    def _reap(self) -> None:
        with suppress(BlockingIOError):
            os.read(self.woken, 4096)
        while self.lines:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            self.given_up.discard(pid)
            with self.lines.pop(pid) as line:
                self._say(line, os.waitstatus_to_exitcode(status))

    @staticmethod
    def _say(line: socket.socket, number: int) -> None:
        with suppress(OSError):
            line.sendall(NUMBER.pack(number))

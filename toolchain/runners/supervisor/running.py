"""The life of one run: start, watch, end, and the record of it."""

import fcntl
import json
import os
import select
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from toolchain.runners import folders, trees
from toolchain.runners.base import Beat, Exit, Reason, RunnerError
from toolchain.runners.sandbox import Level, account, command, shared_memory, sweep
from toolchain.runners.supervisor import cgroups, processes, processors, starting
from toolchain.runners.supervisor.lease import Lease
from toolchain.runners.supervisor.meters import Cards, Disk
from toolchain.runners.supervisor.output import Log
from toolchain.runners.supervisor.publishing import Published

TICK = 0.2
BEAT = 1.0
_PIECE = 64 << 10
_PIPE_SIZE = 1 << 20
# Proportional memory is summed at most this part of the time: it makes the processes that are looked into wait.
_LOOKING = 0.1
_LOOK_SECONDS = 2.0
_DRAIN_SECONDS = 2.0
_LAST_SECONDS = 60.0
_HEAD = 2000
# File systems in memory, which are memory too.
_IN_MEMORY = ("/tmp", "/dev/shm")
_BY_SIGNAL = {signal.SIGXCPU: Reason.TIME, signal.SIGXFSZ: Reason.DISK}


class Running:
    """One run from its start to `exit.json`. Made before anything is started; `run` returns how it ended, and does so once.

    `claims` is where runs of this machine say which processors they use. `lent`: the machine is not ours, see `lease`.
    """

    def __init__(self, folder: Path, order: folders.Order, claims: Path, *, lent: bool = False) -> None:
        self.folder, self.order, self.spec, self.limits, self.claims = folder, order, order.spec, order.spec.limits, claims
        self.room = folders.ExitRoom(folder)
        self.log = Log(folder / folders.LOG, self.limits.log)
        self.writable = [mount.source for mount in self.spec.mounts if mount.writable]
        self.disk = Disk(self.writable, self.limits.disk)
        self.has_namespaces = self.order.level == Level.BUBBLEWRAP
        self.cards = Cards(self.spec.accelerators)
        self.group: cgroups.Group | None = None
        self.uid: int | None = None
        self.socket = Published(folder, self.spec)
        self.monitor = self.first = 0
        self.status: int | None = None
        self.told: dict[str, Any] = {}
        self.told_text = b""
        self.asked_to_stop = False
        self.reason: Reason | None = None
        self.detail = ""
        self.kill_at: float | None = None
        self.stopped_at = 0
        self.asked: set[int] = set()
        self.began, self.clock = time.time(), time.monotonic()
        self.cpu_seconds, self.memory, self.peak, self.tasks = 0.0, 0, 0, 0
        self.next_look = self.next_beat = 0.0
        in_memory = _IN_MEMORY if self.has_namespaces else ()
        self.lease = Lease(self._kill, lambda: sweep(self.uid)) if lent else None
        self.in_memory = [path for path in in_memory if all(os.path.normpath(mount.target) != path for mount in self.spec.mounts)]

    def ask_to_stop(self, *_signal: object) -> None:
        """Have the run end within its grace. Safe in a signal handler."""
        self.asked_to_stop = True

    def run(self) -> Exit:
        """Run the program to its end, with all that belongs to it gone, and say so in the folder."""
        if self._is_asked_to_stop():
            return self._say(Exit(143, signal.SIGTERM, Reason.STOPPED))
        processes.adopt_orphans()
        self.uid, account_lock = account()
        claims: list[int] = []
        try:
            self.group = cgroups.make(self.order.key, self.limits)
            chosen, claims = processors.choose(self.limits.cpus, self.claims)
            exit = self._run(chosen)
            self._leave()
            return self._say(exit)
        finally:
            for descriptor in (*claims, account_lock):
                if descriptor >= 0:
                    os.close(descriptor)

    def abandon(self) -> None:
        """Leave nothing running after a failure of our own; without `exit.json` the run counts as lost."""
        with suppress(Exception):
            self._clear()
            self._leave()

    def _run(self, chosen: set[int]) -> Exit:
        output, theirs = os.pipe()
        with suppress(OSError):
            # Fewer wake-ups for a program that prints a lot.
            fcntl.fcntl(theirs, fcntl.F_SETPIPE_SZ, _PIPE_SIZE)
        try:
            indexes = self._serve_indexes()
            with command(self.spec, folder=self.folder, level=Level(self.order.level), uid=self.uid, index=indexes) as sandbox:
                info = os.dup(sandbox.info)
                self.writable = self.disk.paths = [*self.writable, *sandbox.counted]
                self.began, self.clock = time.time(), time.monotonic()
                self.monitor = starting.start(sandbox.argv, sandbox.descriptors, theirs, chosen, self.group)
        except (RunnerError, OSError) as error:
            return Exit(1, 0, Reason.REFUSED, str(error), self.began, time.time())
        finally:
            os.close(theirs)
        self._beat()
        self.disk.start()
        if self.spec.accelerators.kind:
            self.cards.start()
        self._watch(output, info)
        self._clear()
        self._drain(output)
        self.disk.over.set()
        self.cards.over.set()
        return self._exit()

    def _serve_indexes(self) -> Any:
        """Start to serve the package indexes that the run may reach, where it may reach any; they are served while we live."""
        if self.spec.network != "index" or self.order.indexes is None:
            return None
        from toolchain.runners.supervisor.indexes import serve_indexes

        return serve_indexes(self.folder, self.order.indexes)

    def _watch(self, output: int, info: int) -> None:
        """Return when the program has ended, having carried its output and looked after its limits."""
        waking, wake = os.pipe()
        for descriptor in (waking, wake):
            os.set_blocking(descriptor, False)
        signal.signal(signal.SIGCHLD, lambda *_signal: None)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        poll = select.poll()
        for descriptor in (output, info, waking):
            poll.register(descriptor, select.POLLIN)
        due = time.monotonic()
        try:
            while self.status is None:
                for descriptor, _event in poll.poll(max(0.0, due - time.monotonic()) * 1000):
                    piece = os.read(descriptor, _PIECE)
                    if not piece:
                        poll.unregister(descriptor)
                    elif descriptor == output:
                        self.log.add(piece)
                    elif descriptor == info:
                        self._hear(piece)
                with suppress(ChildProcessError):
                    self.status = processes.bury().get(self.monitor)
                if self.status is None and time.monotonic() >= due:
                    began = time.monotonic()
                    self._tick()
                    # A run with thousands of threads must not cost the machine more in looking at it.
                    due = time.monotonic() + max(TICK, (time.monotonic() - began) * 10)
            os.set_blocking(info, False)
            with suppress(BlockingIOError):
                while piece := os.read(info, _PIECE):
                    self._hear(piece)
        finally:
            signal.set_wakeup_fd(-1)
            for descriptor in (info, waking, wake):
                os.close(descriptor)

    def _hear(self, piece: bytes) -> None:
        """Take in what the sandbox tells: lines of JSON, also several in one piece and one in several."""
        self.told_text += piece
        while b"\n" in self.told_text:
            line, _end, self.told_text = self.told_text.partition(b"\n")
            with suppress(ValueError):
                self.told |= json.loads(line)
        if not self.first and "child-pid" in self.told:
            self.first = int(self.told["child-pid"])
            self._beat()

    def _tick(self) -> None:
        now = time.monotonic()
        seen = processes.descendants(os.getpid())
        inside = [process for process in seen if process.pid not in self._keepers()]
        self.disk.pids = [process.pid for process in seen]
        self.tasks = sum(process.threads for process in inside)
        self._count_cpu(seen)
        self._count_memory(seen, now)
        if self._is_asked_to_stop():
            self._end(Reason.STOPPED)
        if self.limits.wall is not None and now - self.clock > self.limits.wall:
            self._end(Reason.TIME, f"The run ran longer than its limit of {self.limits.wall:,} s.")
        if self.tasks > self.limits.processes:
            self._end(Reason.PROCESSES, f"The run had {self.tasks:,} processes and threads; its limit is {self.limits.processes:,}.")
        if self.memory > self.limits.memory:
            self._end(Reason.MEMORY, f"The run used {_mib(self.memory)} of memory; its limit is {_mib(self.limits.memory)}.")
        self._judge_disk()
        if self.stopped_at:
            # Also those that were being born when the others were told.
            self._terminate(inside)
        if self.kill_at is not None and now >= self.kill_at:
            self._kill()
        if now >= self.next_beat or self.socket.is_awaited:
            self.socket.renew()
        if now >= self.next_beat:
            self._beat(len(inside))
            self.next_beat = now + BEAT

    def _judge_disk(self) -> None:
        if self.disk.used > self.limits.disk:
            self._end(Reason.DISK, f"The run wrote {_mib(self.disk.used)} or more; its limit is {_mib(self.limits.disk)}.")

    def _count_cpu(self, seen: list[processes.Process]) -> None:
        """Add up the time of the living, each with its own dead, and of those that we have buried: at the end that is everybody."""
        buried = os.times()
        spent = sum(process.ticks for process in seen) / processes.TICKS + buried.children_user + buried.children_system
        self.cpu_seconds = max(self.cpu_seconds, spent)

    def _count_memory(self, seen: list[processes.Process], now: float) -> None:
        """Sum up memory. Resident sizes are free and an upper bound; shares are exact and cost, so they are asked for when it matters."""
        temporary = processes.temporary(self.first, self.in_memory) if self.first and self.in_memory else shared_memory(self.uid)
        temporary += self.disk.in_memory
        resident = sum(process.resident for process in seen) + temporary
        if now < self.next_look or (resident <= self.limits.memory and now < self.next_beat):
            return
        own, mapped = processes.memory(seen, _LOOK_SECONDS)
        # Files in memory that are mapped stand in both sums.
        self.memory = own - mapped + max(mapped, temporary)
        self.peak = max(self.peak, self.memory)
        self.next_look = time.monotonic() + (time.monotonic() - now) / _LOOKING

    def _is_asked_to_stop(self) -> bool:
        return self.asked_to_stop or (self.folder / folders.STOP).exists()

    def _end(self, reason: Reason, detail: str = "") -> None:
        """End the run; the first reason stays. Whoever is asked, or out of time, may finish; whoever takes too much may not."""
        gentle = reason in (Reason.STOPPED, Reason.TIME)
        if self.reason is None:
            self.reason, self.detail = reason, detail
            if gentle and self.first:
                self.kill_at = time.monotonic() + self.limits.grace
                self.stopped_at = processes.ticks_now()
                return
        elif gentle:
            return
        self._kill()

    def _keepers(self) -> set[int]:
        """Return the processes with which all others end at once. In a namespace its first process is such a one, else it is the program."""
        return {self.monitor, self.first} if self.has_namespaces else {self.monitor}

    def _terminate(self, inside: list[processes.Process]) -> None:
        """Ask every process that was born before the stop to end, once: the second time programs often take for impatience."""
        for process in inside:
            if process.started <= self.stopped_at and process.pid not in self.asked:
                self.asked.add(process.pid)
                processes.send(process.pid, signal.SIGTERM)

    def _kill(self) -> None:
        if self.group:
            self.group.kill()
        for process in processes.descendants(os.getpid()):
            processes.send(process.pid, signal.SIGKILL)

    def _clear(self) -> None:
        """Return when no process of the run is left; orphans are our children, so that waiting for all is possible."""
        until = time.monotonic() + _LAST_SECONDS
        with suppress(ChildProcessError):
            while time.monotonic() < until:
                self._kill()
                self.status = processes.bury().get(self.monitor, self.status)
                time.sleep(0.005)

    def _drain(self, output: int) -> None:
        """Take the rest of the output: everybody who could write more is gone, or will not be waited for."""
        os.set_blocking(output, False)
        until = time.monotonic() + _DRAIN_SECONDS
        while time.monotonic() < until:
            try:
                piece = os.read(output, _PIECE)
            except BlockingIOError:
                time.sleep(0.01)
                continue
            if not piece:
                break
            self.log.add(piece)
        os.close(output)

    def _exit(self) -> Exit:
        """Return how the run ended, from what the program, the kernel and we ourselves did."""
        ended = time.time()
        code = os.waitstatus_to_exitcode(self.status if self.status is not None else signal.SIGKILL)
        # The sandbox tells of a signal as a shell does.
        number = -code if code < 0 else code - 128 if 128 < code <= 128 + signal.NSIG else 0
        code = 128 + number if code < 0 else code
        if self.reason is None and code == 1 and "exit-code" not in self.told:
            self.reason, self.detail = Reason.REFUSED, self.log.head(_HEAD)
        if self.reason is None and self.group and self.group.ran_out_of_memory():
            self.reason, self.detail = Reason.MEMORY, f"The run needed more than its limit of {_mib(self.limits.memory)} of memory."
        if self.reason is None and code and self.group and self.group.ran_out_of_processes():
            self.reason, self.detail = Reason.PROCESSES, f"The run needed more than its limit of {self.limits.processes:,} processes."
        if self.reason is None:
            self.reason = _BY_SIGNAL.get(number) if number else None  # type: ignore[call-overload]
        if self.reason is None and self.writable:
            self.disk.measure()
            self._judge_disk()
        self._count_cpu([])
        if self.group:
            self.peak = max(self.peak, self.group.peak_memory())
        return Exit(code, number, self.reason, self.detail, self.began, ended, round(self.cpu_seconds, 3), self.peak)

    def _leave(self) -> None:
        """Leave nothing behind in the name of the run's own account, nor a group."""
        sweep(self.uid)
        if self.uid is not None:
            for path in self.writable:
                trees.hand_over(path, self.uid, os.geteuid())
        if self.group:
            self.group.remove()
        self.socket.remove()

    def _say(self, exit: Exit) -> Exit:
        while self.lease and self.lease.over:
            # How it ended is for others to find out.
            time.sleep(BEAT)
        self.log.close()
        with suppress(OSError):
            folders.write_beat(self.folder, self._now(0), started=True)
        # Nobody can be told of the end while the disk is full to the last byte; somebody will make room.
        while True:
            try:
                self.room.say(exit)
            except OSError:
                time.sleep(BEAT)
            else:
                return exit

    def _beat(self, count: int = 0) -> None:
        with suppress(OSError):
            folders.write_beat(self.folder, self._now(count), started=bool(self.first))
            if self.lease:
                self.lease.renew()

    def _now(self, count: int) -> Beat:
        return Beat(time.time(), round(self.cpu_seconds, 3), self.memory, count, self.disk.used, self.cards.use)


def _mib(size: int) -> str:
    return f"{size / (1 << 20):,.0f} MiB"

"""Keeps a gallery's processes running, and stops them in order."""

import os
import select
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from portal.processes import Child, Program, describe_exit

LONGEST_WAIT = 60.0
STEADY_SECONDS = 60.0
"""A program that ran this long has recovered: its next failure waits shortly again."""


@dataclass
class Post:
    """A program's place: the process that fills it, or when the next one starts."""

    program: Program
    child: Child | None
    once: bool = False
    failures: int = 0
    start_at: float = 0.0


class Supervisor:
    """Starts programs, starts them again with growing waits when they end, and stops them in reverse order."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.say = say
        self.posts: list[Post] = []
        self._stop_requested = False
        self._wake_read, self._wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    def stop_requested(self) -> bool:
        """Whether somebody asked for the end."""
        return self._stop_requested

    def catch_signals(self) -> None:
        """Turn SIGINT, SIGTERM and SIGHUP into a request to stop; a second one ends the patience as well."""

        def requested(_number: int, _frame: object) -> None:
            if self._stop_requested:
                for post in self.posts:
                    # PostgreSQL always gets its time: killed, it would have to recover at the next start.
                    if post.child and post.child.running and post.program.stop_signal == signal.SIGTERM:
                        with suppress(ProcessLookupError):
                            os.kill(post.child.pid, signal.SIGKILL)
            self._stop_requested = True

        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, requested)
        # Any signal, also that a child ended, ends the wait in `supervise`.
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        signal.set_wakeup_fd(self._wake_write, warn_on_full_buffer=False)

    def start(self, program: Program, *, once: bool = False) -> Child:
        """Start `program` and keep it running from now on, or let it end by itself where `once`."""
        child = Child(program)
        self.posts.append(Post(program, child, once))
        return child

    def supervise(self) -> None:
        """Return when a stop is requested; until then replace every process that ends."""
        while not self._stop_requested:
            now = time.monotonic()
            for post in list(self.posts):
                self._look_after(post, now)
            due = [post.start_at - now for post in self.posts if post.child is None]
            select.select([self._wake_read], [], [], max(0.0, min([*due, 5.0])))
            with suppress(BlockingIOError):
                os.read(self._wake_read, 4096)

    def _look_after(self, post: Post, now: float) -> None:
        if post.child and not post.child.running:
            status = post.child.bury()
            if post.once:
                self.posts.remove(post)
                self.say(f"{post.program.name} {'is done' if status == 0 else f'failed ({describe_exit(status)})'}.")
                return
            post.failures = 1 if now - post.child.started_at > STEADY_SECONDS else post.failures + 1
            wait = min(LONGEST_WAIT, 0.5 * 2 ** (post.failures - 1))
            post.child, post.start_at = None, now + wait
            self.say(f"{post.program.name} ended unexpectedly ({describe_exit(status)}), starting it again in {wait:g} s.")
        elif post.child is None and now >= post.start_at:
            post.child = Child(post.program)
            self.say(f"{post.program.name} started again (process {post.child.pid}).")

    def stop(self) -> None:
        """Stop everything, the last started first."""
        for post in reversed(self.posts):
            if post.child is None:
                continue
            begun = time.monotonic()
            post.child.stop()
            in_time = time.monotonic() - begun < post.program.grace
            self.say(f"{post.program.name} {'stopped' if in_time else 'did not stop in time and was killed'}.")
            post.child = None

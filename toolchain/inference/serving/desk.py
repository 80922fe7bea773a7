"""Who may call the worker now, who waits, who is sent away; and the counts of what became of all."""

import asyncio
import math
import time
from collections import Counter, deque
from typing import Any

from .server import Refusal


class Desk:
    """Lets `slots` calls into the worker at a time and `places` more wait, in the order in which they came."""

    def __init__(self, slots: int, places: int) -> None:
        self.slots, self.places = slots, places
        self.inside = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._average = 1.0

    @property
    def waiting(self) -> int:
        return sum(not future.done() for future in self._waiting)

    async def enter(self, seconds: float) -> None:
        """Take a slot; every call of it that returns is followed by one of `leave`. Raises `Refusal`: 429 full, 503 waited in vain."""
        if self.inside < self.slots and not self.waiting:
            self.inside += 1
            return
        if self.waiting >= self.places:
            raise Refusal(429, "queue_full", "Too many requests are waiting. Try again later.", retry_after=self.wait())
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        try:
            async with asyncio.timeout(seconds):
                await future
        except BaseException as error:
            # The slot may have been handed over in the same moment.
            if future.done() and not future.cancelled():
                self.leave(None)
            if isinstance(error, TimeoutError):
                raise Refusal(503, "queue_timeout", "The request waited too long for its turn.", retry_after=self.wait()) from error
            raise

    def leave(self, seconds: float | None) -> None:
        """Give a slot back; `seconds` it was used, if that says something about other calls."""
        if seconds is not None:
            self._average += 0.2 * (seconds - self._average)
        while self._waiting:
            future = self._waiting.popleft()
            if not future.done():
                future.set_result(None)
                return
        self.inside -= 1

    def wait(self) -> int:
        """Return after how many seconds there may be room, for Retry-After."""
        return max(1, min(60, math.ceil(self._average * (self.waiting + 1) / self.slots)))


class Counts:
    """What was answered since the start."""

    def __init__(self) -> None:
        self.started_at = time.time()
        self.requests = 0
        self.left = 0
        self.answers: Counter[str] = Counter()
        self.errors: Counter[str] = Counter()
        self.seconds = 0.0
        self.prompt_tokens = 0
        self.completion_tokens = 0

    def answer(self, status: int, code: str = "") -> None:
        """Count an answer, and its code where it is an error."""
        self.answers[str(status)] += 1
        if code:
            self.errors[code] += 1

    def as_json(self, desk: Desk) -> dict[str, Any]:
        """Return everything, for `GET /metrics`."""
        return {
            "started_at": self.started_at,
            "requests": self.requests,
            "running": desk.inside,
            "waiting": desk.waiting,
            "left": self.left,
            "answers": dict(self.answers),
            "errors": dict(self.errors),
            "seconds": round(self.seconds, 6),
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
        }

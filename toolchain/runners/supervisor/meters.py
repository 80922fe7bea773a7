"""What cannot be read in an instant: the disk that a run fills, and how busy its accelerators are. Each has a thread of its own."""

import os
import threading
import time
from collections.abc import Collection, Sequence
from contextlib import suppress

from toolchain.runners import trees
from toolchain.runners.base import Accelerators
from toolchain.runners.supervisor import processes

# A tool of a driver may hang with its card.
_TOOL_SECONDS = 20


class Meter(threading.Thread):
    """Measures again and again, resting at least as long as it worked, so that it never costs more than half a processor."""

    pause = 1.0

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.over = threading.Event()

    def measure(self) -> None:
        """Take one measurement."""
        raise NotImplementedError

    def run(self) -> None:
        spent = 0.0
        while not self.over.wait(max(self.pause, spent)):
            began = time.monotonic()
            self.measure()
            spent = time.monotonic() - began


class Disk(Meter):
    """`used` is the sum over `paths`, with files that have no name any more and are still open.

    `in_memory` are such files that never had one (memfd_create): no process has to map what it keeps in them.
    """

    def __init__(self, paths: Sequence[str], limit: int) -> None:
        super().__init__()
        self.paths, self.limit, self.used, self.in_memory = list(paths), limit, 0, 0
        self.pids: Collection[int] = ()
        descriptor = os.memfd_create("device")
        self._memory = os.fstat(descriptor).st_dev
        os.close(descriptor)

    def measure(self) -> None:
        self.in_memory = processes.nameless(self.pids, {self._memory})
        used = trees.measure(self.paths, self.limit)
        if used <= self.limit and self.paths:
            devices = set()
            for path in self.paths:
                with suppress(OSError):
                    devices.add(os.lstat(path).st_dev)
            used += processes.nameless(self.pids, devices)
        self.used = used


class Cards(Meter):
    """`use` is the busy share and the bytes of memory of each card, as the tool of its maker says; empty where there is no such tool."""

    pause = 5.0

    def __init__(self, accelerators: Accelerators) -> None:
        super().__init__()
        self.use: tuple[tuple[float, int], ...] = ()
        self.indexes, self.read = accelerators.indexes, {"gpu": nvidia, "npu": ascend}.get(accelerators.kind)

    def measure(self) -> None:
        # Whatever a tool says or fails to say: the run goes on.
        with suppress(Exception):
            if self.read:
                self.use = self.read(self.indexes)


def _ask(*command: str) -> str:
    # Runs without accelerators, nearly all, start sooner without it.
    import subprocess

    return subprocess.run(command, capture_output=True, text=True, timeout=_TOOL_SECONDS, check=True, stdin=subprocess.DEVNULL).stdout


def nvidia(indexes: Sequence[int]) -> tuple[tuple[float, int], ...]:
    """Return busy share and memory of NVIDIA cards, from `nvidia-smi --query-gpu`: per cent and MiB, one line for each card."""
    chosen = [f"--id={','.join(map(str, indexes))}"] if indexes else []
    lines = _ask("nvidia-smi", "--query-gpu=utilization.gpu,memory.used", "--format=csv,noheader,nounits", *chosen).splitlines()
    return tuple(_nvidia_line(line) for line in lines if line.strip())


def _nvidia_line(line: str) -> tuple[float, int]:
    busy, memory = (part.strip() for part in line.split(","))
    # Cards that are split say "[N/A]" to how busy they are.
    return (float(busy) / 100 if busy.isdigit() else 0.0, int(memory) << 20)


def ascend(indexes: Sequence[int]) -> tuple[tuple[float, int], ...]:
    """Return busy share and memory of Ascend cards, from `npu-smi info -t usages`: lines `name : value`, per cent and MB."""
    return tuple(_ascend_card(_ask("npu-smi", "info", "-t", "usages", "-i", str(index))) for index in indexes)


def _ascend_card(text: str) -> tuple[float, int]:
    said = {name.strip(): value.strip() for name, _colon, value in (line.partition(":") for line in text.splitlines())}
    memory = int(said["HBM Capacity(MB)"]) * int(said["HBM Usage Rate(%)"]) // 100
    return int(said["Aicore Usage Rate(%)"]) / 100, memory << 20

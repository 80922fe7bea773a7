"""The contract of a runner: it starts one program under limits, and says truly what became of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Literal, Protocol


class State(StrEnum):
    """Where a run stands. LOST: it ended without saying how, with its machine say, or was never started."""

    STARTING = "starting"
    RUNNING = "running"
    EXITED = "exited"
    LOST = "lost"
    UNKNOWN = "unknown"
    """The runner cannot be asked now."""


class Reason(StrEnum):
    """Why a run ended other than by its own exit code."""

    STOPPED = "stopped"
    TIME = "time"
    MEMORY = "memory"
    DISK = "disk"
    PROCESSES = "processes"
    REFUSED = "refused"
    """The runner could not start the program as it was asked to: `Exit.detail` says why."""


class RunnerError(Exception):
    """A runner cannot do what it was asked; `retry` says whether another try can help. `code` is stable, `detail` for people."""

    def __init__(self, code: str, detail: str = "", *, retry: bool = False) -> None:
        super().__init__(detail or code)
        self.code, self.detail, self.retry = code, detail, retry


@dataclass(frozen=True)
class Mount:
    """A file or folder of the host that the run sees at `target`; read-only unless `writable`."""

    source: str
    target: str
    writable: bool = False


@dataclass(frozen=True)
class Limits:
    """`cpus` may be a fraction; sizes are bytes, times seconds. `disk` is the sum over the writable mounts.

    `wall` None: no limit. After SIGTERM the program has `grace` seconds. `log` bytes are kept, what comes after is counted and dropped.
    """

    cpus: float = 1.0
    memory: int = 2 << 30
    processes: int = 512
    files: int = 4096
    disk: int = 20 << 30
    wall: int | None = None
    grace: int = 30
    log: int = 16 << 20


@dataclass(frozen=True)
class Accelerators:
    """Cards of one kind ("gpu" for NVIDIA, "npu" for Ascend). `indexes` names those of this machine; empty where the runner chooses."""

    kind: str = ""
    count: int = 0
    indexes: tuple[int, ...] = ()


@dataclass(frozen=True)
class Replicas:
    """How many of a program that listens run at once: from `least` to `most`, so that each has about `target` requests.

    A replica gets requests once a GET of `ready`, a path of the program, is answered with 200; without one, as soon as it can be called.
    """

    least: int = 1
    most: int = 1
    target: float = 2.0
    ready: str = ""


@dataclass(frozen=True)
class RunSpec:
    """A program to run. It gets `environment` and nothing of ours, and sees the system's programs, `mounts` and a private /tmp.

    `network` "index" lets it reach the package indexes the runner was configured with, and nothing else. `listen` is the path of
    a unix socket as the program sees it, or a port on its own loopback address, or None; `Look.address` then says where to call it.
    `image` names a container image; a runner without containers refuses it. `streams` are files the program writes lines to, by
    name and path as it sees them, which `read` gives out beside "log"; they lie below a writable mount. `replicas` is for programs that
    listen; a runner of one machine refuses more than one. `labels` must be those of the machine, where the runner has machines to choose from.
    """

    argv: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    mounts: tuple[Mount, ...] = ()
    folder: str = "/tmp"
    limits: Limits = field(default_factory=Limits)
    accelerators: Accelerators = field(default_factory=Accelerators)
    network: Literal["none", "index"] = "none"
    listen: str | int | None = None
    image: str = ""
    streams: Mapping[str, str] = field(default_factory=dict)
    replicas: Replicas | None = None
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Beat:
    """What a run uses: `at` is Unix time, `cpu_seconds` since the start, memory is the sum of PSS, sizes are bytes.

    `accelerators` are pairs of busy share (0 to 1) and bytes of memory in use, one for each card.
    """

    at: float
    cpu_seconds: float = 0.0
    memory: int = 0
    processes: int = 0
    disk: int = 0
    accelerators: tuple[tuple[float, int], ...] = ()


@dataclass(frozen=True)
class Exit:
    """How a run ended. `code` is the program's, or 128 + `signal`; `reason` is set where the runner ended it or the kernel did."""

    code: int
    signal: int = 0
    reason: Reason | None = None
    detail: str = ""
    started_at: float = 0.0
    ended_at: float = 0.0
    cpu_seconds: float = 0.0
    peak_memory: int = 0


@dataclass(frozen=True)
class Look:
    """A run at one moment. `address` is `unix:/path` or `http://host:port/path`, once the program can be called."""

    state: State
    beat: Beat | None = None
    exit: Exit | None = None
    address: str = ""
    node: str = ""


class Runner(Protocol):
    """Runs programs. Methods may be called again after a crash of the caller, and from any process that reaches the same runner.

    `folder` is where the runner keeps what belongs to one key; the caller may put files there before `start`.
    """

    name: str

    def folder(self, key: str) -> Path:
        """Return the folder of a run, made where it is missing."""
        ...

    def start(self, spec: RunSpec, key: str) -> None:
        """Start the run; of a key that was started already this does nothing. Raises `RunnerError` where it cannot."""
        ...

    def look(self, key: str) -> Look:
        """Return where the run stands. Never raises for a key that is not known: that is LOST."""
        ...

    def read(self, key: str, stream: str, offset: int, limit: int) -> bytes:
        """Return up to `limit` bytes of "log" or of one of the spec's streams, from `offset`; empty where there is no more yet."""
        ...

    def stop(self, key: str) -> None:
        """Ask the run to end: SIGTERM, its grace, SIGKILL. Returns at once; of a run that is over this does nothing."""
        ...

    def forget(self, key: str) -> None:
        """Remove everything kept of a run that is over."""
        ...

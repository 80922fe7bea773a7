"""Starting and stopping operating-system processes so that none is left behind."""

import ctypes
import os
import pwd
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class Program:
    """How to run one process: its command, the signal that ends it in order, and how many seconds that may take.

    With `user` set it runs under that account. Its output goes to `log`, or to ours where `log` is None. It runs in `folder`.
    """

    name: str
    command: Sequence[str]
    stop_signal: signal.Signals = signal.SIGTERM
    grace: float = 20.0
    user: str | None = None
    log: Path | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    folder: Path = Path("/")


class Child:
    """A running `Program` in a process group of its own, so that Ctrl-C in the terminal does not reach it."""

    def __init__(self, program: Program) -> None:
        self.program = program
        account = pwd.getpwnam(program.user) if program.user else None
        output = program.log.open("ab") if program.log else None
        parent = os.getpid()

        def before_exec() -> None:
            # The kernel ends the child in order even where we are killed without a chance to do so ourselves.
            _libc.prctl(_PR_SET_PDEATHSIG, int(program.stop_signal))
            if os.getppid() != parent:
                os._exit(1)

        try:
            self.process = subprocess.Popen(
                list(program.command),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**os.environ, **({"HOME": "/"} if account else {}), **program.environment},
                cwd=program.folder,
                user=account.pw_uid if account else None,
                group=account.pw_gid if account else None,
                extra_groups=[] if account else None,
                start_new_session=True,
                preexec_fn=before_exec,
            )
        finally:
            if output:
                output.close()
        self.started_at = time.monotonic()

    @property
    def pid(self) -> int:
        """The process id, which is the id of its process group too."""
        return self.process.pid

    @property
    def running(self) -> bool:
        """Whether the process has not ended."""
        return self.process.poll() is None

    def stop(self, stop_signal: signal.Signals | None = None) -> int:
        """End the process in order, by force past its grace, and return its exit status."""
        if self.running:
            with suppress(ProcessLookupError):
                os.kill(self.pid, stop_signal or self.program.stop_signal)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(self.program.grace)
        return self.bury()

    def bury(self) -> int:
        """Kill what is left of the process group and return the exit status."""
        kill_group(self.pid)
        return self.process.wait()


def kill_group(group: int) -> None:
    """Kill every process of a process group that is still there."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


def describe_exit(status: int) -> str:
    """Return an exit status in words: `exit code 3`, `signal SIGKILL`."""
    if status < 0:
        return f"signal {signal.Signals(-status).name}"
    return f"exit code {status}"

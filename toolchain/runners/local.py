"""Runs on this machine: a supervisor for each, which outlives whoever started it, and a sandbox around the program."""

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from toolchain.runners import folders
from toolchain.runners.base import Look, RunnerError, RunSpec, State
from toolchain.runners.network import Indexes
from toolchain.runners.sandbox import Level, Probe, probe

SUPERVISOR = Path(__file__).resolve().parent / "supervisor" / "__main__.py"
_TAKEN_SECONDS = 60
# A supervisor gets no more of our environment than what its tools and the way to package indexes need.
_PASSED = ("PATH", "LD_LIBRARY_PATH", "ASCEND_HOME_PATH", "SSL_CERT_FILE", "SSL_CERT_DIR")


class LocalRunner:
    """Runs programs on this machine, below the folder `base`, which nobody else writes to.

    `level` is the sandbox to use; without one the best that works here is found out at the first start. `index` is what runs with
    network "index" may reach. `python` runs the supervisors: any Python of 3.11 or newer, it needs no packages.
    """

    name = "local"

    def __init__(self, base: Path, *, level: Level | None = None, index: Indexes | None = None, python: str = sys.executable) -> None:
        self.base = base.resolve()
        self.index, self.python = index, python
        self._level = level

    def probe(self) -> Probe:
        """Return what sandbox works here, and what is missing for a better one."""
        folders.make_passable(self.base)
        return probe(self.base)

    def folder(self, key: str) -> Path:
        """Return the folder of a run, made where it is missing."""
        return folders.make(self.base, key)

    def start(self, spec: RunSpec, key: str) -> None:
        """Start the run; of a key that was started already this does nothing.

        Raises `RunnerError`: `no_sandbox`, `no_containers`, `no_source`, `not_writable`, `path_too_long`, `bad_key`; or, worth another try,
        `no_supervisor`.
        """
        folder = self.folder(key)
        if folders.begun(folder):
            return
        self._check(spec, folder)
        fields = asdict(self.index) if self.index and spec.network == "index" else None
        folders.write_order(folder, folders.Order(key, spec, self._chosen_level(), fields))
        launch(folder, self.python)

    def look(self, key: str) -> Look:
        """Return where the run stands."""
        return folders.look(self.base / folders.check_key(key))

    def read(self, key: str, stream: str, offset: int, limit: int) -> bytes:
        """Return up to `limit` bytes, 16 MiB at most, of "log" or of a stream of the spec, from `offset`."""
        return folders.read_stream(self.base / folders.check_key(key), stream, offset, limit)

    def stop(self, key: str) -> None:
        """Ask the run to end. One that was prepared and not yet started will not start any more."""
        folder = self.base / folders.check_key(key)
        try:
            os.close(os.open(folder / folders.STOP, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
        except FileNotFoundError:
            return

    def forget(self, key: str) -> None:
        """Remove the folder of a run that is over. Raises `RunnerError` "still_running" for others, "not_removed" where files stay."""
        folders.check_key(key)
        if self.look(key).state in (State.STARTING, State.RUNNING):
            raise RunnerError("still_running", f"The run “{key}” is not over.", retry=True)
        folders.discard(self.base, key)

    def _chosen_level(self) -> Level:
        if self._level is None:
            found = self.probe()
            if found.level == Level.NONE:
                raise RunnerError("no_sandbox", found.detail)
            self._level = found.level
        return self._level

    def _check(self, spec: RunSpec, folder: Path) -> None:
        if spec.image:
            raise RunnerError("no_containers", "This machine runs no container images: choose a runner that can.")
        if spec.replicas and spec.replicas.most > 1:
            raise RunnerError("no_replicas", "This machine runs one replica of a run: choose a runner that can do more, or start several.")
        for mount in spec.mounts:
            if not Path(mount.source).exists():
                raise RunnerError("no_source", f"“{mount.source}”, which the run shall see as “{mount.target}”, does not exist.")
        folders.check_addressable(folder, spec)
        for path in spec.streams.values():
            folders.host_path(spec, path)


def launch(folder: Path, python: str = sys.executable) -> None:
    """Have a supervisor take up the run that was ordered in `folder`. Raises `RunnerError` "no_supervisor" where none does."""
    command = [python, "-I", "-S", str(SUPERVISOR), str(folder)]
    try:
        done = subprocess.run(
            command,
            env=_environment(os.environ),
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_TAKEN_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise RunnerError("no_supervisor", str(error), retry=True) from error
    if done.returncode:
        raise RunnerError("no_supervisor", done.stderr.decode(errors="replace").strip()[-2000:], retry=True)


def _environment(ours: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in ours.items() if name in _PASSED or name.lower().endswith("_proxy")}

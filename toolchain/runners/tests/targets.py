"""A gallery in small for hostile code to aim at: a data folder with secrets, servers, another run; and what the code made of it."""

import json
import os
import shutil
import socket
import subprocess
import threading
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from toolchain.runners import folders
from toolchain.runners.base import Mount, RunSpec
from toolchain.runners.local import LocalRunner
from toolchain.runners.sandbox import Level, seccomp
from toolchain.runners.supervisor import processes
from toolchain.runners.tests.programs import PYTHON, PYTHON_MOUNTS, ended, log, new_key, output, small, until

HOSTILE = Path(__file__).with_name("hostile")
NEEDLE = "very-secret-key-of-this-gallery"
HARMLESS_CALLS = ("ptrace", "keyctl", "bpf", "userfaultfd", "io_uring_setup", "mount", "setns", "open_by_handle_at", "kcmp", "pivot_root")
"""Those of the denied calls that do nothing where they are allowed, made without arguments."""

# Limits from outside, so that hostile code which gets out of a sandbox does not take the machine with it.
GUARD = '#!/bin/sh\nexec prlimit --as=6442450944 --nproc=4000 --fsize=1073741824 -- {python} "$@"\n'


class Targets:
    """What lies in the folder `data`, which all accounts may pass through, and a runner of one sandbox level."""

    def __init__(self, data: Path, level: Level, stack: ExitStack, python: str = PYTHON) -> None:
        self.data, self.level = data, level
        data.chmod(0o711)
        self.secret = data / "secret"
        self.secret.write_text(NEEDLE)
        self.input = data / "inputs"
        self.input.mkdir()
        for name in ("weights", "second", "third"):
            (self.input / name).write_text("as it was")
        shutil.copytree(HOSTILE, self.input / HOSTILE.name)
        shutil.copy(str(shutil.which("id")), self.input)
        (self.input / "id").chmod(0o4755)
        guard = data / "guard"
        guard.write_text(GUARD.format(python=python))
        guard.chmod(0o755)
        self.runner = LocalRunner(data / "runs", level=level, python=str(guard))
        self.python = python
        self.gallery = subprocess.Popen(["sleep", "300"], env={"SECRET_KEY": NEEDLE})
        stack.callback(self.gallery.wait)
        stack.callback(self.gallery.kill)
        self.other = new_key()
        self.other_output = self.output(self.other)
        self.runner.start(
            self.shell(f"echo private > {self.other_output.source}/result; echo ready; sleep 300", self.other_output), self.other
        )
        until(lambda: "ready" in log(self.runner, self.other))
        stack.callback(ended, self.runner, self.other)
        stack.callback(self.runner.stop, self.other)
        self.addresses = self._serve(stack)

    def output(self, key: str) -> Mount:
        """Return the writable mount of a run, at the path it has here: not every level can give it another."""
        return output(self.runner, key, str(self.runner.folder(key) / "output"))

    def spec(self, argv: tuple[str, ...], *mounts: Mount, environment: dict[str, str] | None = None, **limits: Any) -> RunSpec:
        """Return a run that has the inputs."""
        given = Mount(str(self.input), str(self.input))
        interpreter = PYTHON_MOUNTS if self.python == PYTHON else ()
        return RunSpec(argv, environment or {}, (given, *interpreter, *mounts), limits=small(**limits))

    def shell(self, script: str, *mounts: Mount, **limits: Any) -> RunSpec:
        return self.spec(("sh", "-c", script), *mounts, **limits)

    def attack(self) -> dict[str, tuple[str, str]]:
        """Run the hostile code, and return what it says of each attempt."""
        key = new_key()
        mount = self.output(key)
        given = json.dumps(self._given(key, mount))
        argv = (self.python, "-I", "-S", str(self.input / HOSTILE.name))
        self.runner.start(self.spec(argv, mount, environment={"GIVEN": given}, memory=1 << 30), key)
        exit, text = ended(self.runner, key), log(self.runner, key)
        assert exit.code == 0, (exit, text)
        return {name: (outcome, detail) for name, (outcome, detail) in map(json.loads, text.splitlines())}

    def _given(self, key: str, mount: Mount) -> dict[str, Any]:
        column = 0 if os.uname().machine == "x86_64" else 1
        numbers = {name: pair[column] for name, pair in seccomp.DENIED.items() if pair[column] is not None}
        supervisor = json.loads((self.runner.folder(self.other) / folders.OWNER).read_text())["pid"]
        victim = max(process.pid for process in processes.descendants(supervisor))
        return {
            "needle": NEEDLE[::-1],
            "data": str(self.data),
            "secret": str(self.secret),
            "run": str(self.runner.folder(key)),
            "other": self.other_output.source,
            "gallery": self.gallery.pid,
            "supervisor": supervisor,
            "victim": victim,
            "victim_uid": os.stat(f"/proc/{victim}").st_uid,
            "input": str(self.input),
            "output": mount.target,
            "setuid": str(self.input / "id"),
            "outside": "203.0.113.80",
            "calls": numbers,
            "tried": {name: number for name, number in numbers.items() if self.level is not Level.OFF or name in HARMLESS_CALLS},
            **self.addresses,
        }

    def _serve(self, stack: ExitStack) -> dict[str, Any]:
        """Listen where the gallery's parts could, and say where that is."""
        closed = self.data / "closed"
        closed.mkdir(mode=0o700)
        name = f"gallery-{self.data.name}"
        addresses: dict[str, Any] = {"socket": str(closed / "database.sock"), "abstract": name}
        for key, family, kind, address in (
            ("port", socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0)),
            ("port6", socket.AF_INET6, socket.SOCK_STREAM, ("::1", 0)),
            ("datagram", socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0)),
            ("abstract", socket.AF_UNIX, socket.SOCK_STREAM, f"\0{name}"),
            ("socket", socket.AF_UNIX, socket.SOCK_STREAM, addresses["socket"]),
        ):
            server = stack.enter_context(socket.socket(family, kind))
            server.bind(address)
            threading.Thread(target=_welcome, args=(server, kind), daemon=True).start()
            if family != socket.AF_UNIX:
                addresses[key] = server.getsockname()[1]
        return addresses


def _welcome(server: socket.socket, kind: int) -> None:
    with suppress(OSError):
        if kind == socket.SOCK_STREAM:
            server.listen()
        while True:
            if kind == socket.SOCK_DGRAM:
                server.sendto(b"welcome", server.recvfrom(100)[1])
            else:
                caller, _ = server.accept()
                with caller:
                    caller.recv(100)
                    caller.sendall(b"welcome")

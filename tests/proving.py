"""Driving a whole gallery from outside, as people and programs do: over HTTP, with a token, and by its processes."""

import base64
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import requests

from portal.tests.prepared import place_cluster
from portal.tests.running import MANAGE, Gallery, environment, free_port
from toolchain.environments import ready
from toolchain.tests.documented import tiny
from toolchain.tests.environments import Bases, lend

PATIENCE = 300.0
SETTINGS = {"RUN_MEMORY": "8GiB", "LOG_LEVEL": "WARNING"}


@pytest.fixture(scope="session")
def models(bases: Bases, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with tiny random models: `llama`, `bert`, `vit`."""
    folder = tmp_path_factory.mktemp("models")
    code = (
        "import pathlib, runpy, sys; tiny = runpy.run_path(sys.argv[1]); folder = pathlib.Path(sys.argv[2]);"
        "[(folder / name).mkdir() for name in ('llama', 'bert', 'vit')];"
        "tiny['writer'](folder / 'llama'); tiny['bert'](folder / 'bert'); tiny['vit'](folder / 'vit')"
    )
    variables = {"PATH": os.environ["PATH"], "HF_HUB_OFFLINE": "1", "HF_HOME": str(folder / "cache")}
    done = subprocess.run(
        [ready.python_of(*bases("current")), "-c", code, tiny.__file__, str(folder)], env=variables, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return folder


def furnished(bases: Bases, data: Path, *codes: str) -> Path:
    """Return the folder of runs of a gallery's data folder, with base environments that are ready."""
    runs = data / "runs"
    (runs / "environments").mkdir(parents=True)
    for folder in (runs, runs / "environments"):
        folder.chmod(0o711)
    for code in codes:
        lend(bases, code, runs / "environments")
    return runs


def started(data: Path, **changes: str) -> Gallery:
    """Return a gallery on a data folder that is about to be ready; its tables are there from the first moment."""
    if not (data / "postgres").exists():
        place_cluster(data / "postgres")
    return Gallery(data, free_port(), **{**SETTINGS, **changes})


def manage(gallery: Gallery, *arguments: str, text: str = "") -> str:
    """Return what a command of the gallery printed."""
    done = subprocess.run(
        [sys.executable, str(MANAGE), *arguments], env=environment(gallery.data, gallery.port, **SETTINGS),
        capture_output=True, text=True, timeout=120, input=text,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.strip()


def processes(data: Path, word: str = "") -> list[int]:
    """Return the processes whose command line holds a word and the folder of runs of a gallery's data folder."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if str(data / "runs") in command and word in command:
                found.append(int(entry.name))
    return found


def destroy(gallery: Gallery) -> None:
    """End a gallery and what runs in it, which would outlive it, without waiting for any of it to end in order."""
    gallery.process.kill()
    gallery.process.wait()
    gallery.destroy()
    for pid in processes(gallery.data):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def wait(holds: Callable[[], Any], what: str, patience: float = PATIENCE) -> Any:
    """Return what `holds` returns once that is true."""
    end = time.monotonic() + patience
    while not (found := holds()):
        assert time.monotonic() < end, f"waited {patience:.0f} s for {what}"
        time.sleep(0.2)
    return found


class Person:
    """Somebody with an access token of a gallery."""

    def __init__(self, gallery: Gallery, handle: str) -> None:
        self.gallery, self.handle = gallery, handle
        self.token = manage(gallery, "token", handle, "--create").splitlines()[-1]
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {self.token}"

    def call(self, method: str, path: str, expected: int = 200, **more: Any) -> Any:
        """Return the JSON of an answer with the status `expected`."""
        answer = self.session.request(method, f"{self.gallery.address}/api/v1/{path}", timeout=60, **more)
        assert answer.status_code == expected, f"{method} {path}: {answer.status_code} {answer.text[:2000]}"
        return answer.json() if answer.content else None

    def publish(self, kind: str, name: str, files: Mapping[str, bytes], task: str = "") -> str:
        """Put files into a new repository, and return its id; `task` goes into its card."""
        self.call("POST", f"{kind}s", 201, json={"name": name})
        files = {"README.md": f"---\npipeline_tag: {task}\n---\n# {name}\n".encode(), **files} if task else files
        operations = [
            {"op": "put", "path": path, "content": base64.b64encode(content).decode(), "encoding": "base64"}
            for path, content in files.items()
        ]
        self.call("POST", f"{kind}s/{self.handle}/{name}/commits", 201, json={"message": "Files", "operations": operations})
        return f"{self.handle}/{name}"

    def usable(self, repo_id: str) -> None:
        """Return once a model was read and found fit for what it is offered for."""
        wait(lambda: self.call("GET", f"models/{repo_id}/training-options")["tasks"], f"{repo_id} to be offered for training", 60)

    def train(self, **order: Any) -> int:
        """Return the id of a submitted training job."""
        return int(self.call("POST", "training-jobs", 201, json=order)["id"])

    def training(self, id: int) -> dict[str, Any]:
        found: dict[str, Any] = self.call("GET", f"training-jobs/{id}")
        return found

    def trained(self, id: int) -> dict[str, Any]:
        """Return a training job once it is over, which it must be well."""
        row = wait(
            lambda: (row := self.training(id))["state"] not in ("waiting", "running", "preparing", "stopping") and row, f"training job {id}"
        )
        log = "" if row["state"] == "completed" else self.call("GET", f"training-jobs/{id}/log")["text"][-3000:]
        assert row["state"] == "completed", (row, log)
        return dict(row)

    def deploy(self, name: str, model: str, **order: Any) -> None:
        """Deploy a model as a service."""
        self.call("POST", "services", 201, json={"name": name, "model": model, "spec": self.spec, **order})

    def serving(self, name: str) -> str:
        """Return the address of a service once it answers."""
        row = wait(
            lambda: (row := self.call("GET", f"services/{self.handle}/{name}"))["state"] not in ("waiting", "deploying") and row,
            f"service {name}",
        )
        assert row["state"] == "running", (row, self.call("GET", f"services/{self.handle}/{name}/log")["text"][-3000:])
        return f"{self.gallery.address}{row['endpoint']}"

    def put_away(self, name: str) -> None:
        """Stop a service."""
        self.call("POST", f"services/{self.handle}/{name}/stop")

    @property
    def spec(self) -> str:
        """The code of a spec of one processor."""
        return str(next(row["code"] for row in self.call("GET", "compute-specs") if row["vcpus"] == 1))

    def resolve(self, repo_id: str, path: str) -> bytes:
        """Return the content of a file of a model."""
        answer = self.session.get(f"{self.gallery.address}/api/v1/models/{repo_id}/resolve/main/{path}", timeout=60)
        assert answer.status_code == 200, answer.text[:500]
        return answer.content


def files_in(folder: Path) -> dict[str, bytes]:
    """Return the files below a folder by path."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def gallery(bases: Bases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gallery]:
    """A whole gallery with both base environments."""
    data = tmp_path_factory.mktemp("g") / "data"
    furnished(bases, data, "current", "compatible")
    found = started(data)
    try:
        found.until_ready()
        yield found
    finally:
        destroy(found)

"""A whole gallery in which training jobs and services stand in every stage at once, for as long as a test holds them there."""

import json
import os
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import psycopg
import requests

from portal.tests.running import Gallery
from tests.proving import Person, processes, started, wait
from toolchain.environments.tests.wheels import wheel
from toolchain.runners import folders
from toolchain.runners.supervisor import processes as below
from toolchain.tests.flows import PARAMS

MINUTE = 60.0 + 60.0
"""What must be shown truly in a minute, and as much again: a machine that is shared by other tests needs it to start an interpreter with
everything in it, which takes three seconds where it is idle."""
TRAIN = """
import json, os, pathlib, signal, time
given = json.loads(os.environ["ENV_AG_USER_PARAMS"])
output, go = pathlib.Path(os.environ["ENV_AG_TRAIN_OUTPUT_DIR"]), pathlib.Path("/scratch/go")
signal.signal(signal.SIGTERM, lambda *_: print("asked to stop", flush=True))
print("begin", os.getpid(), flush=True)
with open(os.environ["ENV_AG_USER_METRICS_LOG_PATH"], "a") as metrics:
    step = 0
    while step < int(given["steps"]) or (given.get("note") == "wait" and not go.exists()):
        step += 1
        print(f"{step}|{2.0 / step}|1", file=metrics, flush=True)
        time.sleep(0.2)
for number in range(20):
    (output / f"weights-{number}.bin").write_bytes(os.urandom(64 << 10))
print("end", flush=True)
"""
SERVE = """
import os, time
def init():
    while {waits} and not os.path.exists("/ag/run/go"):
        time.sleep(0.1)
def call(data):
    return {{"said": data}}
"""
MODEL = {
    "gallery_train/train.py": TRAIN.encode(),
    "gallery_train/train_params.json": json.dumps(PARAMS).encode(),
    "gallery_train/dataset_readme.md": b"# Data\n",
    "gallery_inference/inference.py": SERVE.format(waits=False).encode(),
    "config.json": b"{}",
}
SHOWN: dict[str, Any] = {
    "queued": ("waiting", "queue"),
    "preparing": ("running", "files"),
    "building": ("running", "environment"),
    "running": ("running", "run"),
    "stopping": ("stopping", "run"),
    "collecting": ("running", "result"),
    "answers": ("running", 1),
    "rolls": ("running", 1),
    "starts": ("deploying", 0),
}
"""State and stage of the job, or state and replicas that answer of the service, that stands in each stage."""
CAPACITY = 9
"""What all of them but the queued one take, the service that is rolled out twice."""
SERVICES = ("answers", "rolls", "starts")
PARTS = {
    "web": "portal.web", "worker": "worker@", "background": "background@", "toolchain": "toolchain@", "beat": " beat ",
    "redis": "redis-server", "postgresql": "bin/postgres",
}  # fmt: skip
"""A word of the command line of each part of a gallery."""


@contextmanager
def held_index(folder: Path) -> Iterator[tuple[str, threading.Event]]:
    """Serve a package index with `held`; give its address, and the event before which what it says has no end."""
    wheel(folder, "held", "1.0")
    (file,) = folder.glob("*.whl")
    go = threading.Event()

    class Pages(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.do_HEAD()
            with suppress(OSError):
                if self.path.endswith(".whl"):
                    self.wfile.write(file.read_bytes())
                    return
                while not go.wait(2):
                    # Who waits for more does not lose patience.
                    self.wfile.write(b"\n")
                self.wfile.write(f'<a href="/{file.name}">{file.name}</a>'.encode())

        def do_HEAD(self) -> None:
            self.send_response(200)
            if self.path.endswith(".whl"):
                self.send_header("Content-Length", str(file.stat().st_size))
            self.send_header("Content-Type", "application/octet-stream" if self.path.endswith(".whl") else "text/html")
            self.end_headers()

        def log_message(self, *_arguments: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Pages) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/simple", go
        go.set()
        server.shutdown()


class Stages:
    """One gallery and Paula, who uses it. `jobs` are the training jobs by the stage in which they stand; `up` may be another process later."""

    def __init__(self, data: Path, up: Gallery, index: threading.Event, settings: Mapping[str, str]) -> None:
        self.data, self.up, self.index, self.settings = data, up, index, settings
        self.paula = Person(up, "paula")
        # Mounts are listed by their paths on their own file system.
        self.place = "/".join((*data.parts[-3:], "runs"))
        self.jobs: dict[str, int] = {}
        self.locks: list[int] = []
        self.made = 0

    def set_up(self) -> None:
        """Publish what is needed, and have everything stand in its stage but the jobs that each test brings itself."""
        paula = self.paula
        waiting = {**MODEL, "gallery_inference/inference.py": SERVE.format(waits=True).encode()}
        paula.publish("model", "echo", MODEL, "image-classification")
        paula.publish("model", "slow", waiting, "image-classification")
        paula.publish("model", "needy", {**MODEL, "gallery_train/requirements.txt": b"held==1.0\n"}, "image-classification")
        for name in ("rows", "held"):
            paula.publish("dataset", name, {"data.csv": b"a,b\n1,2\n"})
        for name in ("echo", "slow", "needy"):
            paula.usable(f"paula/{name}")
        for name in SERVICES:
            paula.deploy(name, "paula/echo" if name == "answers" else "paula/slow", request_limit=1)
        for stage in ("collecting", "running", "stopping"):
            self.submit(stage)
        self.hold_files()
        self.submit("preparing", dataset="held")
        self.submit("building", model="needy")
        self.hold_result()
        self.let_answer("rolls")
        wait(lambda: self.shown("rolls") == SHOWN["rolls"], "the first version of the service", MINUTE)
        paula.call("POST", "services/paula/rolls/restart")
        wait(lambda: len(self.runs("service", "running")) == 4, "the second version of the service", MINUTE)

    def submit(self, stage: str, *, model: str = "slow", dataset: str = "rows", wait: bool = True) -> int:
        """Submit a training job, which ends once `go` lets it where it is to `wait`."""
        self.made += 1
        self.jobs[stage] = self.paula.train(
            model=f"paula/{model}", dataset=f"paula/{dataset}", spec=self.paula.spec, output_name=f"made-{self.made}",
            hyperparameters={"steps": "1", "note": "wait" if wait and stage in ("running", "stopping", "queued", "collecting") else "through"},
        )  # fmt: skip
        return self.jobs[stage]

    def hold_files(self) -> None:
        """Take the claim to the files of the dataset `held`, for which the job `preparing` then waits."""
        commit = self.paula.call("GET", "datasets/paula/held/commits")["results"][0]["sha"]
        ((repository,),) = self.rows("SELECT repository_id FROM assets_asset WHERE name = 'held'")
        self._hold(self.data / "runs" / "inputs" / ".kept" / f"{repository}-{commit}.lock")

    def hold_result(self) -> None:
        """Take the claim to the result of the job `collecting`, and have its script end."""
        folder = self.folder("collecting")
        self._hold(folder / "output.lock")
        self.go("collecting")

    def _hold(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = folders.take_lock(path)
        assert lock is not None, path
        self.locks.append(lock)

    def release(self) -> None:
        """Let go of everything that is held."""
        self.index.set()
        while self.locks:
            os.close(self.locks.pop())

    def go(self, stage: str) -> None:
        """Let the script of a job come to its end."""
        wait(lambda: "begin" in self.log(stage), f"the script of {stage}", MINUTE)
        (self.folder(stage) / "scratch" / "go").touch()

    def let_answer(self, service: str) -> None:
        """Let what a service is about to have answer do so."""
        for _key, folder in wait(lambda: self.replicas(service), f"a replica of {service}", MINUTE):
            with suppress(FileNotFoundError):
                (folder / "socket" / "go").touch()

    def stand(self) -> None:
        """Return once everything stands in its stage: a job that ran is asked to stop now, and one more waits for a machine."""
        self.paula.call("POST", f"training-jobs/{self.jobs['stopping']}/stop")
        self.submit("queued")
        wait(lambda: "asked to stop" in self.log("stopping"), "the script to hear of its stop", MINUTE)
        wait(lambda: self.all_shown() == SHOWN, f"everything in its stage, not {self.all_shown()}", MINUTE)

    def next(self) -> None:
        """Have the job that waited take the place of the one that was stopped: it is the next to be stopped."""
        self.jobs["stopping"] = self.jobs.pop("queued")

    def ask(self, path: str) -> Any:
        """Return what the gallery answers, None where it does not."""
        with suppress(requests.RequestException, ValueError):
            answer = self.paula.session.get(f"{self.up.address}/api/v1/{path}", timeout=20)
            return answer.json() if answer.status_code == 200 else None
        return None

    def shown(self, stage: str) -> tuple[Any, ...]:
        """Return what the gallery shows of a job or a service, as `SHOWN` has it; nothing while it does not answer."""
        service = stage in SERVICES
        row = self.ask(f"services/paula/{stage}" if service else f"training-jobs/{self.jobs[stage]}")
        return (row["state"], row["ready" if service else "stage"]) if row else ()

    def all_shown(self) -> dict[str, Any]:
        """Return what the gallery shows of everything that stands somewhere."""
        return {stage: self.shown(stage) for stage in SHOWN if stage in SERVICES or stage in self.jobs}

    def log(self, stage: str) -> str:
        """Return the log of a job, of its newest attempt."""
        row = self.ask(f"training-jobs/{self.jobs[stage]}/log")
        return str(row["text"]) if row else ""

    def lines(self) -> int:
        """Return how many lines of metrics the gallery has of the job that runs."""
        with suppress(requests.RequestException):
            answer = self.paula.session.get(f"{self.up.address}/api/v1/training-jobs/{self.jobs['running']}/metrics/raw", timeout=20)
            return len(answer.text.splitlines()) if answer.status_code == 200 else 0
        return 0

    def answers(self, service: str = "answers") -> bool:
        """Say whether a service answers."""
        with suppress(requests.RequestException):
            answer = self.paula.session.post(f"{self.up.address}/services/paula/{service}/predict", json={"inputs": 1}, timeout=20)
            return answer.status_code == 200 and answer.json() == {"said": 1}
        return False

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """Return rows of the database."""
        with psycopg.connect(host=str(self.data / "run"), user="postgres", dbname="postgres") as connection:
            return connection.execute(query.encode(), values).fetchall()

    def attempts(self, stage: str) -> list[tuple[int, str, str]]:
        """Return attempt, state and error of the runs of a job."""
        query = "SELECT attempt, state, error FROM toolchain_run WHERE purpose = 'training' AND target = %s ORDER BY attempt"
        return [(attempt, state, error) for attempt, state, error in self.rows(query, self.jobs[stage])]

    def runs(self, purpose: str, state: str) -> list[str]:
        """Return the keys of runs."""
        query = "SELECT purpose || '-' || target || '-' || attempt FROM toolchain_run WHERE purpose = %s AND state = %s ORDER BY id"
        return [key for (key,) in self.rows(query, purpose, state)]

    def replicas(self, service: str) -> list[tuple[str, Path]]:
        """Return the keys and folders of the runs of a service that are not over, the newest first."""
        query = (
            "SELECT 'service-' || run.target || '-' || run.attempt FROM toolchain_run run JOIN inference_replica replica ON replica.run_id = run.id"
            " JOIN inference_generation generation ON generation.id = replica.generation_id JOIN inference_service service"
            " ON service.id = generation.service_id WHERE service.name = %s AND run.state = 'running' ORDER BY run.id DESC"
        )
        return [(key, self.data / "runs" / "runs" / key) for (key,) in self.rows(query, service)]

    def key(self, stage: str) -> str:
        """Return the key of the newest run of what stands in a stage: of its job, of its service if one runs, or of the build that it waits for."""
        if stage in SERVICES:
            return next((key for key, _folder in self.replicas(stage)), "")
        if stage == "building":
            ((id, attempt),) = self.rows("SELECT id, attempt FROM toolchain_environment WHERE requirements <> ''")
            return f"environment-{id[:24]}-{attempt}"
        return f"training-{self.jobs[stage]}-{self.attempts(stage)[-1][0]}"

    def folder(self, stage: str) -> Path:
        return self.data / "runs" / "runs" / self.key(stage)

    def supervisor(self, stage: str) -> int:
        """Return the process that watches over what stands in a stage."""
        found = folders.read(self.folder(stage), folders.OWNER)
        return int(found["pid"]) if found else 0

    def program(self, stage: str) -> list[int]:
        """Return the processes of the user's program in a stage: all that is in the sandbox."""
        found = [process.pid for process in below.descendants(self.supervisor(stage))]
        return [pid for pid in found if b"bwrap" not in _command(pid).split(b"\0")[0]]

    def of(self, *keys: str) -> dict[int, str]:
        """Return the processes of runs, their supervisors and all that see their folders mounted, with their command lines."""
        own, word = Path("/proc/self/mountinfo").read_text(), re.compile(rf"{self.place}/runs/({'|'.join(keys)})(?![\w-])")
        seen = {int(each.name): each for each in Path("/proc").iterdir() if each.name.isdigit()}
        commands = {pid: _command(pid).replace(b"\0", b" ").decode(errors="replace") for pid in seen}
        return {pid: commands[pid] for pid, each in seen.items() if word.search(_mounts(each, own) + commands[pid])}

    def gone(self, *keys: str) -> bool:
        """Say that no process of some runs is left, once that is so."""
        wait(lambda: not self.of(*keys), f"the end of {self.of(*keys)}", MINUTE)
        return True

    def begin_again(self) -> None:
        """Start the gallery on its data folder again."""
        self.up = started(self.data, **self.settings)
        self.paula.gallery = self.up
        self.up.until_ready()

    def turns(self) -> dict[int, Any]:
        """Return for each job that looks after a run or a service how far it is."""
        query = (
            "SELECT id, turn, due_at FROM jobs_job WHERE kind IN ('toolchain.run', 'toolchain.service') AND state IN ('queued', 'running')"
        )
        return {id: (turn, due) for id, turn, due in self.rows(query)}

    def looked_after(self, before: dict[int, Any]) -> bool:
        """Say whether somebody has looked after everything that is not over since."""
        with suppress(psycopg.OperationalError):
            now = self.turns()
            return not any(now[id] == turn for id, turn in before.items() if id in now)
        return False

    def left(self) -> dict[str, list[Any]]:
        """Return what runs have left on this machine: processes, mounts, sockets and files."""
        runs = self.data / "runs"
        own = Path("/proc/self/mountinfo").read_text()
        inside = [int(each.name) for each in Path("/proc").iterdir() if each.name.isdigit() and self.place in _mounts(each, own)]
        return {
            "processes": sorted({*processes(self.data), *inside}),
            "mounts": [line for line in own.splitlines() if self.place in line],
            "sockets": [line for line in Path("/proc/net/unix").read_text().splitlines() if f"{runs}/" in line],
            "files": [
                path.relative_to(runs).as_posix()
                for pattern in ("runs/[a-z]*", "runs/.forgotten/*", "environments/.gone-*", "environments/*/.build", "inputs/.held/*/*")
                for path in runs.glob(pattern)
            ],
        }


def shown_within_a_minute(stages: Stages, holds: Callable[[], Any]) -> None:
    """Return once `holds` is true, which it must be in `MINUTE`, and print when that was."""
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < MINUTE, f"{stages.all_shown()}\n{stages.up.output[-5000:]}"
        time.sleep(0.2)
    sys.stdout.write(f"Shown truly after {time.monotonic() - began:.1f} s.\n")


def _command(pid: int) -> bytes:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""


def _mounts(process: Path, own: str) -> str:
    """Return what a process sees mounted, nothing where it sees what we do."""
    with suppress(OSError):
        found = (process / "mountinfo").read_text()
        return "" if found == own else found
    return ""

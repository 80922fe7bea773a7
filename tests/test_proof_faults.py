"""kill -9 of every part of a whole gallery while it trains and serves: runs go on, are found again, run once, and leave nothing behind.

The tests follow one gallery, in their order.
"""

import json
import os
import signal
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest
import requests

from portal.tests.running import Gallery
from tests.proving import Person, destroy, furnished, processes, started, wait
from toolchain.tests.environments import Bases, bases
from toolchain.tests.flows import PARAMS

__all__ = ["bases"]
pytestmark = pytest.mark.process

MINUTE = 180.0
"""A busy machine needs longer to start processes again; what must not happen later than in a minute is a lease and a sweep."""
TRAIN = """
import json, os, pathlib, time
given = json.loads(os.environ["ENV_AG_USER_PARAMS"])
print("begin", os.getpid(), flush=True)
with open(os.environ["ENV_AG_USER_METRICS_LOG_PATH"], "a") as metrics:
    for step in range(1, int(given["steps"]) + 1):
        print(f"{step}|{2.0 / step}|1", file=metrics, flush=True)
        time.sleep(0.2)
output = pathlib.Path(os.environ["ENV_AG_TRAIN_OUTPUT_DIR"])
for number in range(int(given.get("note") or 1)):
    (output / f"weights-{number}.bin").write_bytes(os.urandom(1 << 20))
print("end", flush=True)
"""
SERVE = """
import os
def init():
    print("loaded", flush=True)
def call(data):
    return {"said": data, "process": os.getppid()}
"""
MODEL = {
    "gallery_train/train.py": TRAIN.encode(),
    "gallery_train/train_params.json": json.dumps(PARAMS).encode(),
    "gallery_train/dataset_readme.md": b"# Data\n",
    "gallery_inference/inference.py": SERVE.encode(),
    "config.json": b"{}",
}


class World:
    """One gallery and somebody who uses it; `up` may be another process later."""

    def __init__(self, data: Path, up: Gallery) -> None:
        self.data, self.up = data, up
        self.paula = Person(up, "paula")

    def submit(self, name: str, steps: int, megabytes: int = 1) -> int:
        """Return the id of a training that takes a fifth of a second for each step."""
        order = {"model": "paula/slow", "dataset": "paula/rows", "spec": self.paula.spec, "output_name": name}
        return self.paula.train(**order, hyperparameters={"steps": str(steps), "note": str(megabytes)})

    def row(self, id: int) -> dict[str, Any]:
        """Return a training as the gallery shows it, empty while it does not answer."""
        try:
            return self.paula.training(id)
        except requests.RequestException:
            return {}

    def lines(self, id: int) -> int:
        """Return how many lines of metrics the gallery shows."""
        address = f"{self.paula.gallery.address}/api/v1/training-jobs/{id}/metrics/raw"
        try:
            return len(self.paula.session.get(address, timeout=10).text.splitlines())
        except requests.RequestException:
            return 0

    def goes_on(self, id: int) -> None:
        """Return once more lines of metrics came in than there are now, and the training is shown as running."""
        before = wait(lambda: self.lines(id), "lines of metrics", MINUTE)
        wait(lambda: self.lines(id) > before and self.row(id).get("state") == "running", f"training {id} to go on", MINUTE)

    def begun(self, id: int) -> bool:
        return bool(self.row(id)) and "begin" in self.paula.call("GET", f"training-jobs/{id}/log")["text"]

    def over(self, id: int, state: str = "completed") -> dict[str, Any]:
        """Return a training once it is in its last state."""
        row = wait(
            lambda: (row := self.row(id)).get("state") in ("completed", "failed", "stopped") and row, f"the end of training {id}", 120
        )
        assert row["state"] == state, row
        return dict(row)

    def answers(self) -> bool:
        """Say whether the service answers."""
        try:
            answer = requests.post(
                f"{self.up.address}/services/paula/echo/predict",
                json={"inputs": 1},
                headers={"Authorization": f"Bearer {self.paula.token}"},
                timeout=10,
            )
        except requests.RequestException:
            return False
        return answer.status_code == 200 and answer.json()["said"] == 1

    def runs(self, purpose: str, target: int | None = None) -> list[tuple[str, int, str, str]]:
        """Return key, attempt, state and error of the runs, from the database."""
        with psycopg.connect(host=str(self.data / "run"), user="postgres", dbname="postgres") as connection:
            rows = connection.execute(
                "SELECT purpose || '-' || target || '-' || attempt, attempt, state, error, target FROM toolchain_run WHERE purpose = %s ORDER BY id",
                [purpose],
            ).fetchall()
        return [(key, attempt, state, error) for key, attempt, state, error, of in rows if target in (None, of)]

    def processes(self, word: str = "") -> list[int]:
        """Return the processes of this gallery's runs whose command line holds a word."""
        return processes(self.data, word)

    def supervisor(self, key: str) -> int:
        """Return the process that watches over a run."""
        return int(wait(lambda: self.processes(f"/{key} ") or self.processes(f"/{key}"), f"the supervisor of {key}", MINUTE)[0])


@pytest.fixture(scope="module")
def world(bases: Bases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    data = tmp_path_factory.mktemp("g") / "data"
    furnished(bases, data, "current")
    up = started(data)
    found = None
    try:
        up.until_ready()
        found = World(data, up)
        found.paula.publish("model", "slow", MODEL, "image-classification")
        found.paula.publish("dataset", "rows", {"data.csv": b"a,b\n1,2\n"})
        found.paula.usable("paula/slow")
        found.paula.deploy("echo", "paula/slow")
        found.paula.serving("echo")
        yield found
    finally:
        destroy(found.up if found else up)


def test_killed_parts_and_engines_do_not_touch_what_runs(world: World) -> None:
    training = world.submit("through-it-all", steps=3000)
    wait(lambda: world.lines(training), "the first line", MINUTE)
    (replica,) = [key for key, _attempt, state, _error in world.runs("service") if state == "running"]
    before = world.supervisor(f"training-{training}-1"), world.supervisor(replica)

    for word in ("toolchain@", " beat ", "redis-server", "portal.web"):
        os.kill(wait(partial(world.up.child, word), word, MINUTE), signal.SIGKILL)
        wait(world.answers, f"an answer of the service after {word} was killed", MINUTE)
        world.goes_on(training)

    assert (world.supervisor(f"training-{training}-1"), world.supervisor(replica)) == before
    world.paula.call("POST", f"training-jobs/{training}/stop")
    world.over(training, "stopped")
    assert world.paula.call("GET", f"training-jobs/{training}/log")["text"].count("begin") == 1
    assert [run[1:] for run in world.runs("training", training)] == [(1, "ended", "stopped")]


def test_a_worker_killed_while_it_prepares_starts_a_run_once(world: World) -> None:
    training = world.submit("prepared", steps=1)
    wait(lambda: world.runs("training", training)[0][2] != "waiting", "the claim", MINUTE)
    os.kill(wait(lambda: world.up.child("toolchain@"), "the worker", MINUTE), signal.SIGKILL)

    world.over(training)
    assert [run[1:] for run in world.runs("training", training)] == [(1, "ended", "")]
    assert world.paula.call("GET", f"training-jobs/{training}/log")["text"].count("begin") == 1


def test_a_worker_killed_while_it_keeps_the_result_makes_one_model(world: World) -> None:
    training = world.submit("kept", steps=1, megabytes=60)
    wait(lambda: world.runs("training", training)[0][2] == "collecting", "the result", MINUTE)
    os.kill(wait(lambda: world.up.child("toolchain@"), "the worker", MINUTE), signal.SIGKILL)

    row = world.over(training)
    assert row["output"] == "paula/kept"
    commits = world.paula.call("GET", "models/paula/kept/commits")["results"]
    assert [commit["sha"] for commit in commits][0] == row["output_commit"]
    files = world.paula.call("GET", "models/paula/kept/files?limit=1000")
    assert len([each for each in json.dumps(files).split("weights-") if each]) > 60
    assert not [each for each in world.paula.call("GET", "models?owner=paula")["results"] if each["name"].startswith("kept-")]


def test_a_run_whose_supervisor_is_killed_is_tried_once_more(world: World) -> None:
    training = world.submit("again", steps=60)
    wait(lambda: world.lines(training), "the first line", MINUTE)
    os.kill(world.supervisor(f"training-{training}-1"), signal.SIGKILL)

    wait(lambda: len(world.runs("training", training)) == 2, "the second attempt", MINUTE)
    wait(lambda: not world.processes(f"training-{training}-1"), "the end of the first", MINUTE)
    world.over(training)
    assert [run[1:] for run in world.runs("training", training)] == [(1, "ended", "lost"), (2, "ended", "")]


def test_a_killed_program_is_said_to_have_been_killed(world: World) -> None:
    training = world.submit("killed", steps=3000)
    wait(lambda: world.lines(training), "the first line", MINUTE)
    (program,) = programs(world.supervisor(f"training-{training}-1"))
    os.kill(program, signal.SIGKILL)

    row = world.over(training, "failed")
    assert (row["error"], row["output"]) == ("signal", None)
    assert len(world.runs("training", training)) == 1


def programs(supervisor: int) -> list[int]:
    """Return the processes below a supervisor that run a training script."""
    found, below = [], [supervisor]
    while below:
        pid = below.pop()
        try:
            children = [int(each) for task in Path(f"/proc/{pid}/task").iterdir() for each in (task / "children").read_text().split()]
            command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        below += children
        if command[-2:-1] == [b"train.py"] and b"bwrap" not in command[0]:
            found.append(pid)
    return found


@pytest.mark.parametrize("how", ["stopped", "killed"])
def test_a_restart_of_everything_finds_what_runs_again(world: World, how: str) -> None:
    training = world.submit(f"restarted-{how}", steps=3000)
    wait(lambda: world.lines(training), "the first line", MINUTE)
    (replica,) = [key for key, _attempt, state, _error in world.runs("service") if state == "running"]
    before = world.supervisor(f"training-{training}-1"), world.supervisor(replica)

    if how == "stopped":
        assert world.up.stop(signal.SIGTERM) == 0
    else:
        world.up.process.kill()
        world.up.process.wait()
    assert (world.supervisor(f"training-{training}-1"), world.supervisor(replica)) == before
    world.up = started(world.data)
    world.paula.gallery = world.up
    world.up.until_ready()

    wait(world.answers, "an answer of the service", MINUTE)
    world.goes_on(training)
    assert (world.supervisor(f"training-{training}-1"), world.supervisor(replica)) == before
    world.paula.call("POST", f"training-jobs/{training}/stop")
    world.over(training, "stopped")
    assert [run[1:] for run in world.runs("training", training)] == [(1, "ended", "stopped")]


def test_nothing_is_left_in_the_end(world: World) -> None:
    world.paula.put_away("echo")
    wait(lambda: world.paula.call("GET", "services/paula/echo")["state"] == "stopped", "the end of the service", MINUTE)

    assert {state for _key, _attempt, state, _error in world.runs("training") + world.runs("service")} == {"ended"}
    wait(lambda: not world.processes(), "the end of every process", MINUTE)
    kept = {key for key, _attempt, _state, error in world.runs("training") if error == "stopped"}
    wait(lambda: {path.name for path in (world.data / "runs" / "runs").glob("[a-z]*")} <= kept, "the folders to go", 5 * MINUTE)
